//! An idle user costs Redis one key, for any number of connections, and no commands.

use std::{
    collections::BTreeMap,
    io::{self, Write},
    time::Duration,
};

use tests::{
    Context, Result,
    client::{User, Ws},
    ensure,
    gateway::{Gateway, Settings},
    patience::{LATER, SOON, WHOLE, eventually, within},
    redis::Redis,
};
use tokio::time::{Instant, sleep};

const USERS: usize = 50;
const CONNECTIONS: usize = 1_000;
/// Longer than two heartbeats.
const WATCHED: Duration = Duration::from_secs(60);
/// The time between two answers of each client to pings.
const ANSWERS_EVERY: Duration = Duration::from_secs(10);
/// Keys of a gateway and of log-in limits.
const OTHER_KEYS_MAX: usize = 10;

/// The calls of each command since the last reset.
type Calls = BTreeMap<String, u64>;

/// One gateway with its own Redis and its connected clients.
struct Scene {
    redis: Redis,
    users: usize,
    sockets: Vec<Ws>,
    // Dropped last, so that clients do not see a failing test's gateway go.
    _gateway: Gateway,
}

impl Scene {
    async fn begin(users: usize, connections: usize) -> Result<Option<Self>> {
        let Some(redis) = Redis::start().await? else { return Ok(None) };
        let settings = Settings::new().set("STORE", "memory").set("REDIS__URLS", &redis.url());
        let gateway = Gateway::with(settings).await?;
        let sockets = connect(gateway.url(), users, connections).await?;
        Ok(Some(Self { redis, users, sockets, _gateway: gateway }))
    }

    /// Waits until all users are published and the keys of log-in limits have expired.
    async fn settle(&self) -> Result<()> {
        let mut last = 0;
        eventually(LATER, async || {
            let before = std::mem::replace(&mut last, self.keys().await?);
            let is_published = last >= self.users && last <= self.users + OTHER_KEYS_MAX;
            ensure!(is_published && last == before, "{before}, then {last} keys");
            Ok(())
        })
        .await
    }

    /// Lets every client answer the pings that have arrived.
    async fn answer(&mut self) -> Result<()> {
        for socket in &mut self.sockets {
            within(SOON, "an idle connection", socket.events_so_far()).await??;
        }
        Ok(())
    }

    async fn keys(&self) -> Result<usize> {
        Ok(self.redis.ask("DBSIZE").await?.parse()?)
    }

    async fn calls(&self) -> Result<Calls> {
        let stats = self.redis.ask("INFO commandstats").await?;
        let calls = stats.lines().filter_map(|line| {
            let (name, rest) = line.strip_prefix("cmdstat_")?.split_once(":calls=")?;
            Some((name.to_owned(), rest.split(',').next()?.parse().ok()?))
        });
        Ok(calls.collect())
    }
}

/// Connects users with two devices each, and divides the connections equally.
async fn connect(url: &str, users: usize, connections: usize) -> Result<Vec<Ws>> {
    let (mut desktops, mut phones) = (Vec::new(), Vec::new());
    for number in 0..users {
        let user = User::register(url, &format!("user-{number}")).await?;
        phones.push(user.log_in("phone").await?);
        desktops.push(user);
    }
    desktops[0].group("Everybody", &desktops.iter().skip(1).collect::<Vec<_>>()).await?;
    let devices: Vec<_> = desktops.iter().chain(&phones).collect();
    let mut sockets = Vec::new();
    for number in 0..connections {
        sockets.push(devices[number % devices.len()].ws(None).await?);
    }
    Ok(sockets)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn idle_user_costs_one_key_and_no_commands() -> Result<()> {
    let scenes = (Scene::begin(USERS, CONNECTIONS).await?, Scene::begin(1, 1).await?);
    let (Some(mut many), Some(mut one)) = scenes else { return Ok(()) };
    within(WHOLE, "the whole scenario", Box::pin(scenario(&mut many, &mut one))).await?
}

async fn scenario(many: &mut Scene, one: &mut Scene) -> Result<()> {
    for scene in [&*many, &*one] {
        scene.settle().await?;
        scene.redis.ask("CONFIG RESETSTAT").await?;
    }
    let end = Instant::now() + WATCHED;
    while Instant::now() < end {
        many.answer().await?;
        one.answer().await?;
        sleep(ANSWERS_EVERY).await;
    }
    let (calls, alone) = (many.calls().await?, one.calls().await?);
    writeln!(io::stderr(), "{CONNECTIONS} idle connections: {calls:?}\none: {alone:?}")?;
    for (command, calls) in &calls {
        let alone = alone.get(command).with_context(|| format!("{calls} times {command}"))?;
        // The two servers are read one after the other.
        ensure!(*calls <= alone + alone / 4 + 4, "{command}: {calls} instead of {alone}");
    }
    let keys = many.keys().await?;
    ensure!(keys <= USERS + OTHER_KEYS_MAX, "{keys} keys of {USERS} users");
    Ok(())
}
