//! Acknowledged entries survive `kill -9` under load, once and at their seqs.

#![expect(clippy::cognitive_complexity, reason = "a scenario reads from top to bottom")]

use std::{sync::Arc, time::Duration};

use tests::{
    Result,
    chance::Chance,
    checker::{History, SendOutcome, Ticks, ensure_none},
    client::{Cursors, User},
    ensure,
    patience::{WHOLE, within},
    record::{Follower, Line, Writer, read_whole},
    session::{Session, WsSession},
    stage::Stage,
};
use tokio::{sync::watch, task::JoinSet, time::timeout};

const KILLS: usize = 25;
const WRITERS: usize = 8;
/// The fewest and the most acknowledgements between two kills.
const ACKNOWLEDGED: (u64, u64) = (5, 120);
const THE_END: &str = "the end";

/// The gateway's address, the number of kills, and whether writers shall stop.
#[derive(Debug, Clone)]
struct Place {
    url: String,
    kills: usize,
    last: bool,
}

/// Sends until the last kill, and repeats unanswered texts over the next socket.
async fn write(
    name: String,
    user: User,
    conversations: Vec<String>,
    mut place: watch::Receiver<Place>,
    acknowledged: Arc<watch::Sender<u64>>,
    (mut chance, mut writer): (Chance, Writer),
) -> Result<History> {
    let (mut open, mut count) = (None, 0);
    loop {
        let now = place.borrow_and_update().clone();
        let Ok(mut ws) = user.at(&now.url).ws(None).await else {
            moved(&mut place).await?;
            continue;
        };
        let connection = format!("{name} {}", now.kills);
        while let Some(line) = open.take().or_else(|| {
            count += 1;
            let conversation = chance.one_of(&conversations)?;
            (!place.borrow().last)
                .then(|| Line::new(conversation, &user, &format!("{name}-{count}")))
        }) {
            match writer.over_ws(&connection, &line, &mut ws).await? {
                SendOutcome::Acknowledged { .. } => acknowledged.send_modify(|count| *count += 1),
                SendOutcome::Refused | SendOutcome::Unknown => {
                    open = Some(line);
                    break;
                }
            }
        }
        if open.is_none() {
            return Ok(writer.history());
        }
        moved(&mut place).await?;
    }
}

/// Waits for the next address, or for a short time: the socket may break before the address changes.
async fn moved(place: &mut watch::Receiver<Place>) -> Result<()> {
    match timeout(Duration::from_millis(50), place.changed()).await {
        Ok(changed) => Ok(changed?),
        Err(_) => Ok(()),
    }
}

/// Follows with one cursor map through all kills, until the last text of each conversation.
async fn follow(
    user: User,
    conversations: usize,
    mut place: watch::Receiver<Place>,
) -> Result<History> {
    let mut follower = Follower::new(&user, Cursors::new());
    let mut ended = 0;
    while ended < conversations {
        let user = user.at(&place.borrow_and_update().url);
        let Ok(mut session) = WsSession::open(&user, Some(follower.cursors())).await else {
            moved(&mut place).await?;
            continue;
        };
        while let Some(event) = session.event_within(Duration::from_secs(1)).await? {
            follower.take(&event)?;
            ended += usize::from(event["text"] == THE_END);
        }
    }
    Ok(follower.history())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn acknowledged_texts_survive_when_the_process_is_killed() -> Result<()> {
    within(WHOLE, "the whole scenario", Box::pin(scenario())).await?
}

async fn scenario() -> Result<()> {
    let mut chance = Chance::from_environment(0x0bad_cafe);
    let mut stage = Stage::open().await?;
    let ticks = Arc::new(Ticks::default());
    let (ada, bob, eve) = stage.ada_bob_eve().await?;
    let mut conversations = Vec::new();
    for title in ["one", "two", "three"] {
        conversations.push(ada.group(title, &[&bob, &eve]).await?);
    }
    let place = Place { url: stage.gateway.url().to_owned(), kills: 0, last: false };
    let (places, place) = watch::channel(place);
    let (acknowledged, mut progress) = watch::channel(0);
    let acknowledged = Arc::new(acknowledged);

    let mut clients = JoinSet::new();
    for number in 0..WRITERS {
        let user = if number % 2 == 0 { &ada } else { &bob }.clone();
        let own = (chance.split(), Writer::new(Arc::clone(&ticks)));
        let (place, acknowledged) = (place.clone(), Arc::clone(&acknowledged));
        let name = format!("writer-{number}");
        clients.spawn(write(name, user, conversations.clone(), place, acknowledged, own));
    }
    let mut followers = JoinSet::new();
    followers.spawn(follow(eve.clone(), conversations.len(), place.clone()));

    for kills in 1..=KILLS {
        let more = ACKNOWLEDGED.0 + chance.below(ACKNOWLEDGED.1 - ACKNOWLEDGED.0);
        let enough = *progress.borrow() + more;
        progress.wait_for(|count| *count >= enough).await?;
        stage.gateway.kill()?;
        stage.gateway.restart().await?;
        let url = stage.gateway.url().to_owned();
        places.send(Place { url, kills, last: kills == KILLS })?;
    }
    let mut history = History::default();
    while let Some(written) = clients.join_next().await {
        history.merge(written??);
    }
    let acknowledged = *progress.borrow();
    ensure!(acknowledged >= ACKNOWLEDGED.0 * KILLS as u64, "only {acknowledged} acknowledged");

    let ada = ada.at(stage.gateway.url()).log_in("after the kills").await?;
    let mut writer = Writer::new(Arc::clone(&ticks));
    for conversation in &conversations {
        let line = Line::new(conversation, &ada, "the-end").with_text(THE_END);
        writer.over_rest("the end", &line, &ada).await?;
    }
    history.merge(writer.history());
    while let Some(followed) = followers.join_next().await {
        history.merge(followed??);
    }
    for conversation in &conversations {
        history.merge(read_whole(&ticks, &ada, conversation).await?);
        history.merge(read_whole(&ticks, &eve.at(stage.gateway.url()), conversation).await?);
    }
    ensure_none(&history)
}
