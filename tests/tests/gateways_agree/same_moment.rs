//! A send that reaches three gateways at once, over WebSocket and REST mixed, makes one entry, and
//! all three answers name it.

use std::{collections::BTreeSet, sync::Arc};

use tests::{
    Result,
    chance::Chance,
    checker::{History, SendOutcome, Ticks, ensure_none},
    client::{Cursors, User, Ws},
    ensure,
    record::{Follower, Line, Writer, read_whole},
    session::{Session, WsSession},
};
use tokio::task::JoinSet;

const LINES: usize = 1_000;
const TITLES: [&str; 4] = ["one", "two", "three", "four"];
/// Each sender has one line in flight, to all gateways.
const SENDERS: usize = 8;

/// One sender's connection to one gateway.
struct Connection {
    name: String,
    user: User,
    ws: Ws,
    writer: Writer,
}

impl Connection {
    async fn send(&mut self, line: &Line, over_rest: bool) -> Result<SendOutcome> {
        if over_rest {
            self.writer.over_rest(&format!("{} rest", self.name), line, &self.user).await
        } else {
            self.writer.over_ws(&format!("{} ws", self.name), line, &mut self.ws).await
        }
    }
}

/// A user who is connected to all gateways.
struct Sender {
    user: User,
    connections: [Connection; 3],
    chance: Chance,
}

impl Sender {
    async fn connect(
        urls: &[String],
        user: User,
        ticks: &Arc<Ticks>,
        chance: Chance,
    ) -> Result<Self> {
        let connect = async |number: usize| -> Result<Connection> {
            let user = user.at(&urls[number]);
            let ws = user.ws(None).await?;
            let writer = Writer::new(Arc::clone(ticks));
            Ok(Connection { name: format!("{} {number}", user.username), user, ws, writer })
        };
        let connections = [connect(0).await?, connect(1).await?, connect(2).await?];
        Ok(Self { user, connections, chance })
    }

    async fn send_all(mut self, conversations: Vec<String>) -> Result<History> {
        for number in 0..LINES / SENDERS {
            let Some(conversation) = self.chance.one_of(&conversations) else { continue };
            let mut line = Line::new(conversation, &self.user, &format!("line-{number}"));
            line.base_seq = self.chance.percent(30).then_some(1);
            ensure_one_entry(&line, Box::pin(self.send(&line)).await?)?;
        }
        let mut history = History::default();
        for connection in self.connections {
            history.merge(connection.writer.history());
        }
        Ok(history)
    }

    /// Sends a line to all gateways at once and returns their answers.
    async fn send(&mut self, line: &Line) -> Result<[SendOutcome; 3]> {
        // Each gateway takes its turn at being called first.
        self.connections.rotate_left(1);
        let over_rest = [(); 3].map(|()| self.chance.percent(40));
        let [one, two, three] = &mut self.connections;
        let (one, two, three) = tokio::try_join!(
            one.send(line, over_rest[0]),
            two.send(line, over_rest[1]),
            three.send(line, over_rest[2]),
        )?;
        Ok([one, two, three])
    }
}

/// Fails unless all answers name one entry and at most one of them calls it new.
fn ensure_one_entry(line: &Line, answers: [SendOutcome; 3]) -> Result<()> {
    let mut entries = BTreeSet::new();
    let mut new = 0;
    for answer in answers {
        let SendOutcome::Acknowledged { seq, id, replayed } = answer else {
            tests::bail!("{line:?} is not acknowledged everywhere: {answers:?}");
        };
        entries.insert((seq, id));
        new += usize::from(!replayed);
    }
    ensure!(entries.len() == 1, "{line:?} is not one entry: {answers:?}");
    ensure!(new <= 1, "{line:?} is new {new} times: {answers:?}");
    Ok(())
}

/// Follows all conversations on one gateway until every line has arrived.
async fn follow(user: User) -> Result<History> {
    let mut follower = Follower::new(&user, Cursors::new());
    let mut session = WsSession::open(&user, Some(follower.cursors())).await?;
    let mut lines = 0;
    while lines < LINES {
        let event = session.event().await?;
        follower.take(&event)?;
        lines += usize::from(event["kind"] == "text");
    }
    Ok(follower.history())
}

/// Sends each line to all three gateways at once and checks the recorded history.
pub(crate) async fn repeats_make_one_entry(urls: &[String]) -> Result<()> {
    let mut chance = Chance::from_environment(0x0003_6a7e);
    let ticks = Arc::new(Ticks::default());
    let reader = User::register(&urls[0], "reader").await?;
    let mut users = Vec::new();
    for number in 0..SENDERS {
        users.push(User::register(&urls[number % urls.len()], &format!("user-{number}")).await?);
    }
    let members: Vec<_> = users.iter().collect();
    let mut conversations = Vec::new();
    for title in TITLES {
        conversations.push(reader.group(title, &members).await?);
    }
    let mut running: JoinSet<_> = urls.iter().map(|url| follow(reader.at(url))).collect();
    for user in users {
        let sender = Sender::connect(urls, user, &ticks, chance.split()).await?;
        running.spawn(sender.send_all(conversations.clone()));
    }
    let mut history = History::default();
    while let Some(recorded) = running.join_next().await {
        history.merge(recorded??);
    }
    let joins = TITLES.len() * (SENDERS + 1);
    for url in urls {
        let mut read = History::default();
        for conversation in &conversations {
            read.merge(read_whole(&ticks, &reader.at(url), conversation).await?);
        }
        let entries: usize = read.reads.iter().map(|read| read.entries.len()).sum();
        ensure!(entries == LINES + joins, "{entries} entries instead of {LINES} and {joins}");
        history.merge(read);
    }
    ensure_none(&history)
}
