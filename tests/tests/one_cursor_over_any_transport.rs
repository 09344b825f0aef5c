//! One cursor map continues over any mix of WebSockets and polls, on one gateway and on three. It
//! receives each entry once and in order.

#![expect(clippy::cognitive_complexity, reason = "a scenario reads from top to bottom")]

use std::sync::Arc;

use tests::{
    Result,
    chance::Chance,
    checker::{History, Ticks, ensure_none},
    client::{Cursors, User},
    cluster::Cluster,
    patience::{WHOLE, within},
    record::{Follower, Line, Writer, read_whole},
    session::{PollSession, Session, WsSession},
    stage::Stage,
};
use tokio::{sync::watch, task::JoinSet, time::timeout};

const DROPS: usize = 100;
/// The most events read before a session is dropped.
const EVENTS_MAX: u64 = 12;
const THE_END: &str = "the end";

/// Writes until the readers have enough.
async fn write(
    user: User,
    conversations: Vec<String>,
    enough: watch::Receiver<bool>,
    (mut chance, mut writer): (Chance, Writer),
) -> Result<History> {
    let mut ws = user.ws(None).await?;
    let (socket, calls) = (format!("{} ws", user.username), format!("{} rest", user.username));
    let mut count = 0;
    while !*enough.borrow() {
        count += 1;
        let Some(conversation) = chance.one_of(&conversations) else { continue };
        let line = Line::new(conversation, &user, &format!("line-{count}"));
        if chance.percent(50) {
            writer.over_ws(&socket, &line, &mut ws).await?;
        } else {
            writer.over_rest(&calls, &line, &user).await?;
        }
        // A writer that is faster than all readers would cause gaps only.
        tokio::time::sleep(std::time::Duration::from_millis(chance.below(10))).await;
    }
    Ok(writer.history())
}

/// A reader that moves from gateway to gateway and drops each session without closing it.
struct Reader<'a> {
    urls: &'a [String],
    user: User,
    follower: Follower,
    turn: usize,
}

impl Reader<'_> {
    /// Reads up to this many events, or one poll, on the next gateway over the next transport. Returns
    /// the number of conversations that ended.
    async fn some(&mut self, events: u64) -> Result<u64> {
        let user = self.user.at(&self.urls[self.turn % self.urls.len()]);
        self.turn += 1;
        match self.turn / 2 % 3 {
            0 => self.take::<WsSession>(&user, events, |_| true).await,
            1 => self.take::<PollSession>(&user, events, |_| true).await,
            _ => self.take::<PollSession>(&user, u64::MAX, |poll| poll.waiting() > 0).await,
        }
    }

    async fn take<S: Session>(
        &mut self,
        user: &User,
        events: u64,
        goes_on: impl Fn(&S) -> bool + Send,
    ) -> Result<u64> {
        let mut ended = 0;
        let mut session = S::open(user, Some(self.follower.cursors())).await?;
        for _ in 0..events {
            let patience = std::time::Duration::from_secs(1);
            let Ok(event) = timeout(patience, session.event()).await else { break };
            let event = event?;
            self.follower.take(&event)?;
            ended += u64::from(event["text"] == THE_END);
            if !goes_on(&session) {
                break;
            }
        }
        Ok(ended)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cursor_continues_over_sockets_and_polls() -> Result<()> {
    let stage = Stage::open().await?;
    let urls = [stage.gateway.url().to_owned()];
    within(WHOLE, "the whole scenario", Box::pin(scenario(&urls))).await?
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cursor_continues_over_three_gateways() -> Result<()> {
    let Some(cluster) = Cluster::on_one_node(3).await? else { return Ok(()) };
    within(WHOLE, "the whole scenario", Box::pin(scenario(&cluster.urls()))).await?
}

async fn scenario(urls: &[String]) -> Result<()> {
    let mut chance = Chance::from_environment(0x0f0e_0d0c);
    let ticks = Arc::new(Ticks::default());
    let (first, last) = (&urls[0], &urls[urls.len() - 1]);
    let ada = User::register(first, "ada").await?;
    let bob = User::register(first, "bob").await?;
    let eve = User::register(last, "eve").await?;
    let mut conversations = vec![ada.direct(&bob).await?];
    for title in ["one", "two"] {
        conversations.push(ada.group(title, &[&bob, &eve]).await?);
    }
    let (enough, is_enough) = watch::channel(false);
    let mut writers = JoinSet::new();
    for (user, conversations) in [(&ada, &conversations[..]), (&eve, &conversations[1..])] {
        let own = (chance.split(), Writer::new(Arc::clone(&ticks)));
        writers.spawn(write(user.clone(), conversations.to_vec(), is_enough.clone(), own));
    }
    let follower = Follower::new(&bob, Cursors::new());
    let mut reader = Reader { urls, user: bob.clone(), follower, turn: 0 };
    for _ in 0..DROPS {
        reader.some(chance.below(EVENTS_MAX)).await?;
    }
    enough.send(true)?;
    let mut history = History::default();
    while let Some(written) = writers.join_next().await {
        history.merge(written??);
    }
    let mut writer = Writer::new(Arc::clone(&ticks));
    for conversation in &conversations {
        let line = Line::new(conversation, &ada, "the-end").with_text(THE_END);
        writer.over_rest("the end", &line, &ada).await?;
    }
    history.merge(writer.history());
    let mut ended = 0;
    while ended < conversations.len() as u64 {
        ended += reader.some(1 + chance.below(2 * EVENTS_MAX)).await?;
    }
    history.merge(reader.follower.history());
    for url in urls {
        for conversation in &conversations {
            history.merge(read_whole(&ticks, &bob.at(url), conversation).await?);
        }
    }
    ensure_none(&history)
}
