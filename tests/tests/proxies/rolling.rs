//! Restarts gateways behind a proxy under load, one alone and several in a fleet.
//!
//! No acknowledged entry is lost, written twice or out of order, and every cursor continues.

use std::{sync::Arc, time::Duration};

use tempfile::TempDir;
use tests::{
    Context, Result,
    cassandra::Cassandra,
    chance::Chance,
    checker::{History, SendOutcome, Ticks, ensure_none},
    client::{Cursors, User},
    cluster, ensure,
    gateway::{Gateway, Settings},
    patience::{LATER, WHOLE, within},
    record::{Follower, Line, Writer, joined, read_whole},
    redis::Redis,
    session::{PollSession, Session, WsSession},
};
use tokio::{sync::watch, task::JoinSet, time::sleep};

use crate::{
    behind_both_proxies,
    proxy::{Kind, Place, Proxy},
};

/// Restarts of each gateway.
const ROUNDS: usize = 2;
/// Writers for each of WebSocket and REST.
const WRITERS: usize = 3;
/// The fewest acknowledgements between two restarts.
const PROGRESS: u64 = 40;
/// The pause after a refused connection.
const REST: Duration = Duration::from_millis(50);
/// The time for which nginx does not use a failed gateway: `fail_timeout`. nginx does not report it.
const FAIL_TIMEOUT: Duration = Duration::from_secs(2);
const THE_END: &str = "the end";

/// The progress of the writers and their stop signal.
#[derive(Debug, Clone)]
struct Pace {
    acknowledged: Arc<watch::Sender<u64>>,
    over: watch::Receiver<bool>,
}

/// Sends over sockets, and repeats unanswered and refused texts over the next one.
async fn write_over_ws(
    name: String,
    user: User,
    conversations: Vec<String>,
    pace: Pace,
    (mut chance, mut writer): (Chance, Writer),
) -> Result<History> {
    let (mut open, mut count, mut sockets) = (None, 0, 0);
    loop {
        let Ok(mut ws) = user.ws(None).await else {
            sleep(REST).await;
            continue;
        };
        sockets += 1;
        let connection = format!("{name} {sockets}");
        while let Some(line) = open.take().or_else(|| {
            count += 1;
            let conversation = chance.one_of(&conversations)?;
            let more = !*pace.over.borrow();
            more.then(|| Line::new(conversation, &user, &format!("{name}-{count}")))
        }) {
            let outcome = writer.over_ws(&connection, &line, &mut ws).await?;
            if !matches!(outcome, SendOutcome::Acknowledged { .. }) {
                open = Some(line);
                break;
            }
            pace.acknowledged.send_modify(|count| *count += 1);
        }
        if open.is_none() {
            return Ok(writer.history());
        }
    }
}

/// Sends over REST, and repeats unanswered and refused texts.
async fn write_over_rest(
    name: String,
    user: User,
    conversations: Vec<String>,
    pace: Pace,
    (mut chance, mut writer): (Chance, Writer),
) -> Result<History> {
    let mut count = 0;
    while !*pace.over.borrow() {
        count += 1;
        let conversation = chance.one_of(&conversations).context("no conversation")?;
        let line = Line::new(conversation, &user, &format!("{name}-{count}"));
        while !matches!(
            writer.over_rest(&name, &line, &user).await?,
            SendOutcome::Acknowledged { .. }
        ) {
            sleep(REST).await;
        }
        pace.acknowledged.send_modify(|count| *count += 1);
    }
    Ok(writer.history())
}

/// Follows with one cursor map through all restarts, until the last text of each conversation.
async fn follow<S: Session>(user: User, conversations: usize) -> Result<History> {
    let mut follower = Follower::new(&user, Cursors::new());
    let mut ended = 0;
    while ended < conversations {
        let Ok(mut session) = S::open(&user, Some(follower.cursors())).await else {
            sleep(REST).await;
            continue;
        };
        while let Some(event) = session.event_within(Duration::from_secs(2)).await? {
            follower.take(&event)?;
            ended += usize::from(event["text"] == THE_END);
        }
    }
    Ok(follower.history())
}

/// The servers of a fleet, and the ports of its two gateways.
struct Ground {
    cassandra: Cassandra,
    redis: Redis,
    folder: TempDir,
}

impl Ground {
    async fn new() -> Result<Option<Self>> {
        let Some(redis) = Redis::start().await? else { return Ok(None) };
        let Some(cassandra) = Cassandra::one().await? else { return Ok(None) };
        let folder = TempDir::with_prefix("confab-fleet-")?;
        let ground = Self { cassandra, redis, folder };
        cluster::migrate(&ground.settings()?).await?;
        Ok(Some(ground))
    }

    fn settings(&self) -> Result<Settings> {
        cluster::settings(&self.cassandra, &self.redis.url(), self.folder.path())
    }
}

/// Gateways and the proxy in front of them.
struct Scene {
    places: [Place; 2],
    gateways: Vec<Gateway>,
    proxy: Proxy,
}

impl Scene {
    /// Starts gateways with these settings behind a proxy.
    async fn set(kind: Kind, settings: &Settings, size: usize) -> Result<Option<Self>> {
        let delay = if kind == Kind::HaProxy { "2s" } else { "0s" };
        let settings = settings.clone().set("DRAIN__DELAY", delay);
        let places = [Place::new()?, Place::new()?];
        let mut gateways = Vec::new();
        for place in &places[..size] {
            gateways.push(place.gateway(settings.clone()).await?);
        }
        let Some(proxy) = Proxy::start(kind, places).await? else { return Ok(None) };
        proxy.uses(size).await?;
        Ok(Some(Self { places, gateways, proxy }))
    }

    /// Restarts each gateway in turn, after progress of the clients.
    async fn roll(&mut self, progress: &mut watch::Receiver<u64>) -> Result<()> {
        let size = self.gateways.len();
        for round in 0..ROUNDS * size {
            let at = round % size;
            let enough = *progress.borrow() + PROGRESS;
            let working = progress.wait_for(|count| *count >= enough);
            within(LATER, "clients at work", working).await??;
            let status = self.gateways[at].drain().await?;
            ensure!(status.code() == Some(0), "a drain ended with {status}");
            self.proxy.uses(size - 1).await?;
            self.gateways[at].restart().await?;
            self.places[at].ready().await?;
            self.proxy.uses(size).await?;
            if self.proxy.kind == Kind::Nginx {
                sleep(FAIL_TIMEOUT).await;
            }
        }
        Ok(())
    }

    /// Runs clients through the proxy while every gateway is restarted, and checks their records.
    async fn run(mut self) -> Result<()> {
        let (mut crowd, mut progress) = Crowd::gather(&self.proxy).await?;
        self.roll(&mut progress).await?;
        ensure_none(&crowd.disperse().await?)
    }
}

/// Running clients: Ada writes over sockets, Bob over REST, Eve follows over both.
struct Crowd {
    ticks: Arc<Ticks>,
    ada: User,
    eve: User,
    conversations: Vec<String>,
    ending: watch::Sender<bool>,
    writers: JoinSet<Result<History>>,
    followers: JoinSet<Result<History>>,
}

impl Crowd {
    async fn gather(proxy: &Proxy) -> Result<(Self, watch::Receiver<u64>)> {
        let user = async |name: &str| {
            User::register(proxy.url(), &format!("{name}-{}", proxy.kind.name())).await
        };
        let (ada, bob, eve) = (user("ada").await?, user("bob").await?, user("eve").await?);
        let mut conversations = Vec::new();
        for title in ["one", "two"] {
            conversations.push(ada.group(title, &[&bob, &eve]).await?);
        }
        let mut chance = Chance::from_environment(0x0bad_cafe);
        let ticks = Arc::new(Ticks::default());
        let (acknowledged, progress) = watch::channel(0);
        let (ending, over) = watch::channel(false);
        let pace = Pace { acknowledged: Arc::new(acknowledged), over };
        let (mut writers, mut followers) = (JoinSet::new(), JoinSet::new());
        for number in 0..WRITERS {
            let mut own = || (chance.split(), Writer::new(Arc::clone(&ticks)));
            let (ws, rest) = (format!("ws-{number}"), format!("rest-{number}"));
            let (to, pace) = (conversations.clone(), pace.clone());
            writers.spawn(write_over_ws(ws, ada.clone(), to.clone(), pace.clone(), own()));
            writers.spawn(write_over_rest(rest, bob.clone(), to, pace, own()));
        }
        followers.spawn(follow::<WsSession>(eve.clone(), conversations.len()));
        followers.spawn(follow::<PollSession>(eve.clone(), conversations.len()));
        Ok((Self { ticks, ada, eve, conversations, ending, writers, followers }, progress))
    }

    /// Stops the clients, reads all conversations and returns everything recorded.
    async fn disperse(&mut self) -> Result<History> {
        self.ending.send(true)?;
        let mut history = joined(&mut self.writers).await?;
        let mut writer = Writer::new(Arc::clone(&self.ticks));
        for conversation in &self.conversations {
            let line = Line::new(conversation, &self.ada, "the-end").with_text(THE_END);
            writer.over_rest("the end", &line, &self.ada).await?;
        }
        history.merge(writer.history());
        history.merge(joined(&mut self.followers).await?);
        for conversation in &self.conversations {
            for reader in [&self.ada, &self.eve] {
                history.merge(read_whole(&self.ticks, reader, conversation).await?);
            }
        }
        Ok(history)
    }
}

behind_both_proxies!(restart_of_one_gateway_loses_nothing);

/// Restarts one gateway with an embedded store, so that none serves meanwhile.
async fn restart_of_one_gateway_loses_nothing(kind: Kind) -> Result<()> {
    let Some(scene) = Scene::set(kind, &Settings::new(), 1).await? else { return Ok(()) };
    within(WHOLE, "the whole scenario", Box::pin(scene.run())).await?
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rolling_restart_of_a_fleet_loses_nothing() -> Result<()> {
    let Some(ground) = Ground::new().await? else { return Ok(()) };
    let mut wrong = Vec::new();
    for kind in [Kind::HaProxy, Kind::Nginx] {
        let Some(scene) = Scene::set(kind, &ground.settings()?, 2).await? else { continue };
        let rolled = within(WHOLE, "the whole scenario", Box::pin(scene.run())).await;
        let error = rolled.and_then(|rolled| rolled).err();
        wrong.extend(error.map(|error| format!("{}: {error:#}", kind.name())));
    }
    ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
    Ok(())
}
