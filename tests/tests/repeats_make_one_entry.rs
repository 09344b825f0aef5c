//! `(conversation, sender, client_id)` makes one entry, over any transports and at any time.

#![expect(clippy::cognitive_complexity, reason = "a scenario reads from top to bottom")]

use std::{collections::BTreeMap, sync::Arc};

use tests::{
    Result,
    chance::Chance,
    checker::{History, SendOutcome, Ticks, ensure_none},
    client::{Cursors, User, Ws},
    ensure,
    patience::{WHOLE, within},
    record::{Follower, Line, Writer, read_whole},
    session::{PollSession, Session, WsSession},
    stage::Stage,
};
use tokio::task::JoinSet;

const USERS: usize = 8;
const DEVICES: usize = 2;
const LINES: usize = 1_000;
const THE_END: &str = "the end";

/// One device of a user, which sends over a socket and over REST.
struct Device {
    name: String,
    user: User,
    ws: Ws,
    chance: Chance,
    writer: Writer,
    lines: Vec<Line>,
}

impl Device {
    /// Sends its share of the lines. Repeats some over the other transport, later or at once.
    async fn send_all(mut self, conversations: Vec<String>) -> Result<(History, Vec<Line>)> {
        for count in 0..=LINES / USERS / DEVICES {
            let client_id = format!("{}-{count}", self.name);
            let Some(conversation) = self.chance.one_of(&conversations) else { continue };
            let mut line = Line::new(conversation, &self.user, &client_id);
            if self.chance.percent(30) {
                line.base_seq = Some(1);
            }
            self.send(&line).await?;
            self.lines.push(line);
        }
        Ok((self.writer.history(), self.lines))
    }

    async fn send(&mut self, line: &Line) -> Result<()> {
        let (socket, call) = (format!("{} ws", self.name), format!("{} rest", self.name));
        let (writer, ws) = (&mut self.writer, &mut self.ws);
        match self.chance.below(5) {
            0 => drop(writer.over_ws(&socket, line, ws).await?),
            1 => drop(writer.over_rest(&call, line, &self.user).await?),
            2 => {
                writer.over_ws(&socket, line, ws).await?;
                writer.over_rest(&call, line, &self.user).await?;
            }
            3 => {
                writer.over_rest(&call, line, &self.user).await?;
                writer.over_ws(&socket, line, ws).await?;
            }
            _ => {
                // Both at once: the socket's command is in flight when the REST call starts.
                let id = ws.send("send", line.command()).await?;
                writer.over_rest(&call, line, &self.user).await?;
                writer.attempt(&socket, line, ws.reply(id)).await?;
            }
        }
        Ok(())
    }
}

async fn users(stage: &Stage) -> Result<Vec<User>> {
    let mut users = Vec::new();
    for number in 0..USERS {
        users.push(stage.user(&format!("user-{number}")).await?);
    }
    Ok(users)
}

async fn conversations(users: &[User]) -> Result<Vec<String>> {
    let others: Vec<_> = users.iter().skip(1).collect();
    let mut conversations = Vec::new();
    for title in ["one", "two", "three"] {
        conversations.push(users[0].group(title, &others).await?);
    }
    Ok(conversations)
}

/// Repeats some of the lines much later, from another device.
async fn late_repeats(
    ticks: &Arc<Ticks>,
    users: &[User],
    lines: &[Line],
    chance: &mut Chance,
) -> Result<History> {
    let mut writer = Writer::new(Arc::clone(ticks));
    for line in lines.iter().filter(|_| chance.percent(20)) {
        let sender = users.iter().find(|user| user.id == line.key.sender);
        if let Some(sender) = sender {
            let outcome = writer.over_rest("late", line, sender).await?;
            let replayed = matches!(outcome, SendOutcome::Acknowledged { replayed: true, .. });
            ensure!(replayed, "a late repeat is not recognised: {line:?}: {outcome:?}");
        }
    }
    Ok(writer.history())
}

/// Follows from these cursors until the last text of each conversation.
async fn follow<S: Session>(user: User, cursors: Cursors, conversations: usize) -> Result<History> {
    let mut follower = Follower::new(&user, cursors.clone());
    let mut session = S::open(&user, Some(&cursors)).await?;
    let mut ended = 0;
    while ended < conversations {
        let event = session.event().await?;
        follower.take(&event)?;
        ended += usize::from(event["text"] == THE_END);
    }
    Ok(follower.history())
}

/// Checks that each command has exactly one answer that is not a repeat.
fn one_first_answer(history: &History) -> Result<()> {
    let mut firsts: BTreeMap<_, u32> = BTreeMap::new();
    for attempt in &history.attempts {
        let first = firsts.entry(&attempt.key).or_default();
        ensure!(
            matches!(attempt.outcome, SendOutcome::Acknowledged { .. }),
            "not answered: {attempt:?}"
        );
        *first +=
            u32::from(matches!(attempt.outcome, SendOutcome::Acknowledged { replayed: false, .. }));
    }
    for (key, firsts) in firsts {
        ensure!(firsts == 1, "{firsts} first answers for {key:?}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn repeats_make_one_entry_over_any_transport() -> Result<()> {
    within(WHOLE, "the whole scenario", Box::pin(scenario())).await?
}

async fn scenario() -> Result<()> {
    let mut chance = Chance::from_environment(0x00c0_ffee);
    let stage = Stage::open().await?;
    let ticks = Arc::new(Ticks::default());
    let users = users(&stage).await?;
    let conversations = conversations(&users).await?;
    let mut history = History::default();

    let mut followers = JoinSet::new();
    followers.spawn(follow::<WsSession>(users[1].clone(), Cursors::new(), conversations.len()));
    followers.spawn(follow::<PollSession>(users[2].clone(), Cursors::new(), conversations.len()));

    let mut devices = JoinSet::new();
    for user in &users {
        for device in 0..DEVICES {
            let name = format!("{}-{device}", user.username);
            let (writer, chance) = (Writer::new(Arc::clone(&ticks)), chance.split());
            let (user, ws) = (user.log_in(&name).await?, user.ws(None).await?);
            let device = Device { name, user, ws, chance, writer, lines: Vec::new() };
            devices.spawn(device.send_all(conversations.clone()));
        }
    }
    let mut lines = Vec::new();
    while let Some(device) = devices.join_next().await {
        let (written, sent) = device??;
        history.merge(written);
        lines.extend(sent);
    }
    one_first_answer(&history)?;
    history.merge(late_repeats(&ticks, &users, &lines, &mut chance).await?);

    let mut writer = Writer::new(Arc::clone(&ticks));
    for conversation in &conversations {
        let line = Line::new(conversation, &users[0], "the-end").with_text(THE_END);
        writer.over_rest("the end", &line, &users[0]).await?;
    }
    history.merge(writer.history());
    while let Some(followed) = followers.join_next().await {
        history.merge(followed??);
    }
    history
        .merge(follow::<WsSession>(users[3].clone(), Cursors::new(), conversations.len()).await?);
    for conversation in &conversations {
        history.merge(read_whole(&ticks, &users[0], conversation).await?);
        history.merge(read_whole(&ticks, &users[7], conversation).await?);
    }
    ensure!(lines.len() >= LINES, "only {} lines", lines.len());
    ensure_none(&history)
}
