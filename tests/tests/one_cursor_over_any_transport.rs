//! One cursor map goes on over any mix of WebSockets and polls: each entry once and in order.

#![expect(clippy::cognitive_complexity, reason = "a scenario reads from top to bottom")]

use std::sync::Arc;

use tests::{
    Result,
    chance::Chance,
    checker::{History, Ticks, ensure_none},
    client::{Cursors, User},
    patience::{WHOLE, within},
    record::{Follower, Line, Writer, read_whole},
    session::{PollSession, Session, WsSession},
    stage::Stage,
};
use tokio::{sync::watch, task::JoinSet, time::timeout};

const DROPS: usize = 100;
/// Events taken before a drop, at the most.
const EVENTS_MAX: u64 = 12;
const THE_END: &str = "the end";

/// Writes until nobody needs more.
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
        // A writer that outran every reader would only make gaps.
        tokio::time::sleep(std::time::Duration::from_millis(chance.below(10))).await;
    }
    Ok(writer.history())
}

/// Takes some events over one transport and drops it without a word.
async fn some<S: Session>(user: &User, follower: &mut Follower, events: u64) -> Result<u64> {
    let mut ended = 0;
    let mut session = S::open(user, Some(follower.cursors())).await?;
    for _ in 0..events {
        let patience = std::time::Duration::from_secs(1);
        let Ok(event) = timeout(patience, session.event()).await else { break };
        let event = event?;
        follower.take(&event)?;
        ended += u64::from(event["text"] == THE_END);
    }
    Ok(ended)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_cursor_goes_on_over_sockets_and_polls() -> Result<()> {
    within(WHOLE, "the whole scenario", Box::pin(scenario())).await?
}

async fn scenario() -> Result<()> {
    let mut chance = Chance::from_environment(0x0f0e_0d0c);
    let stage = Stage::open().await?;
    let ticks = Arc::new(Ticks::default());
    let (ada, bob, eve) = stage.ada_bob_eve().await?;
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
    let mut follower = Follower::new(&bob, Cursors::new());
    for drop in 0..DROPS {
        let events = chance.below(EVENTS_MAX);
        if drop % 2 == 0 {
            some::<WsSession>(&bob, &mut follower, events).await?;
        } else {
            some::<PollSession>(&bob, &mut follower, events).await?;
        }
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
    let (mut ended, mut turn) = (0, 0);
    while ended < conversations.len() as u64 {
        turn += 1;
        let events = 1 + chance.below(2 * EVENTS_MAX);
        ended += if turn % 2 == 0 {
            some::<WsSession>(&bob, &mut follower, events).await?
        } else {
            some::<PollSession>(&bob, &mut follower, events).await?
        };
    }
    history.merge(follower.history());
    for conversation in &conversations {
        history.merge(read_whole(&ticks, &bob, conversation).await?);
    }
    ensure_none(&history)
}
