//! Presence reaches other gateways within the documented time when servers are killed, and no connected
//! user becomes offline.
//!
//! The scenarios run one after the other on one cluster, so that starting servers does not disturb
//! their times.

#![expect(clippy::cognitive_complexity, reason = "a scenario reads from top to bottom")]

use std::{
    io::{self, Write},
    time::Duration,
};

use tests::{
    Context, Result, Value,
    client::{Cursors, User, Ws},
    cluster::Cluster,
    ensure, json,
    patience::{SOON, WHOLE, eventually, within},
    shape::items,
};
use tokio::time::Instant;

const ONLINE_MAX: Duration = Duration::from_secs(2);
const OFFLINE_MAX: Duration = Duration::from_secs(7);
const GATEWAY_KILLED_MAX: Duration = Duration::from_secs(20);
const UNKNOWN_MAX: Duration = Duration::from_secs(60);
/// The bound after Redis is back.
const CONVERGED_MAX: Duration = Duration::from_secs(10);
const LAST_SEEN_ERROR_MAX: Duration = Duration::from_secs(20);
/// The lease of a gateway.
const LEASE_TTL: Duration = Duration::from_secs(15);
/// The time that a busy machine may add to a documented bound. In CI, a store, Redis, three gateways
/// and the clients share two cores.
const MARGIN: Duration = Duration::from_secs(3);

/// A change that must be visible within a time.
struct Promise {
    what: &'static str,
    began: Instant,
    bound: Duration,
}

impl Promise {
    fn from_now(what: &'static str, bound: Duration) -> Self {
        Self { what, began: Instant::now(), bound }
    }

    /// Waits until the change is visible and prints how long it took.
    async fn kept(&self, is_so: impl AsyncFnMut() -> Result<()>) -> Result<()> {
        let Self { what, began, bound } = self;
        let patience = (*bound + MARGIN).saturating_sub(began.elapsed());
        eventually(patience, is_so).await.context(*what)?;
        let took = began.elapsed();
        writeln!(io::stderr(), "{what}: {took:.2?}, promised {bound:?}")?;
        ensure!(took <= *bound + MARGIN, "{what}: {took:?} instead of {bound:?}");
        Ok(())
    }
}

/// A user who watches others on one gateway, over a socket and REST.
struct Watcher {
    user: User,
    ws: Ws,
    watched: Vec<String>,
    /// The presence received over the socket and over REST, in order.
    seen: [Vec<Value>; 2],
}

impl Watcher {
    async fn open(user: User, watched: &[&User]) -> Result<Self> {
        let mut ws = user.ws(None).await?;
        let watched: Vec<_> = watched.iter().map(|user| user.id.clone()).collect();
        let reply = ws.ok("watch", json!({"users": watched})).await?;
        let seen = reply["presence"].as_array().context("no presence")?.clone();
        Ok(Self { user, ws, watched, seen: [seen, Vec::new()] })
    }

    async fn look(&mut self) -> Result<()> {
        let events = self.ws.events_so_far().await?;
        self.seen[0].extend(events.into_iter().filter(|event| event["ev"] == "presence"));
        let path = format!("/v1/presence?users={}", self.watched.join(","));
        let answer = self.user.get(&path).await?.ok(200)?;
        self.seen[1].extend(items(&answer).iter().cloned());
        Ok(())
    }

    /// Returns the presence of a user by transport.
    fn seen_of(&self, user: &User) -> [Vec<&Value>; 2] {
        let of = |seen: &&Value| seen["user"] == *user.id;
        [0, 1].map(|way| self.seen[way].iter().filter(of).collect())
    }
}

/// One user who watches others on several gateways.
struct Watchers(Vec<Watcher>);

impl Watchers {
    async fn open<const N: usize>(
        cluster: &Cluster,
        gateways: [usize; N],
        (user, watched): (&User, &[&User]),
    ) -> Result<Self> {
        let mut watchers = Vec::new();
        for gateway in gateways {
            let user = user.at(cluster.gateways[gateway].url());
            watchers.push(Watcher::open(user, watched).await?);
        }
        Ok(Self(watchers))
    }

    /// Waits until every watcher sees this status of the users, within the promised time.
    async fn see(&mut self, users: &[&User], status: &str, promise: &Promise) -> Result<()> {
        let is_so = async || {
            self.look().await?;
            self.now(users).try_for_each(|seen| {
                ensure!(seen["status"] == status, "{seen} is not {status}");
                Ok(())
            })
        };
        promise.kept(is_so).await
    }

    /// Keeps reading for this time.
    async fn look_for(&mut self, time: Duration) -> Result<()> {
        let end = Instant::now() + time;
        let is_over = async || {
            self.look().await?;
            ensure!(Instant::now() >= end, "the poll has not ended");
            Ok(())
        };
        eventually(time + SOON, is_over).await
    }

    async fn look(&mut self) -> Result<()> {
        for watcher in &mut self.0 {
            watcher.look().await?;
        }
        Ok(())
    }

    /// Drops what was received before the last read.
    async fn forget(&mut self) -> Result<()> {
        self.0.iter_mut().for_each(|watcher| watcher.seen = [Vec::new(), Vec::new()]);
        self.look().await
    }

    fn seen_of(&self, user: &User) -> Vec<Vec<&Value>> {
        self.0.iter().flat_map(|watcher| watcher.seen_of(user)).collect()
    }

    /// Returns what every watcher received last of these users.
    fn now(&self, users: &[&User]) -> impl Iterator<Item = &Value> {
        let seen = users.iter().flat_map(|user| self.seen_of(user));
        seen.filter_map(|seen| seen.last().copied()).collect::<Vec<_>>().into_iter()
    }

    /// Fails if a watcher has received this status of the user.
    fn never(&self, user: &User, status: &str) -> Result<()> {
        let seen: Vec<_> = self.seen_of(user).concat();
        let so = seen.iter().filter(|seen| seen["status"] == status).count();
        writeln!(io::stderr(), "{} {status} {so} times of {}", user.username, seen.len())?;
        ensure!(so == 0, "{} was {status}: {}", user.username, json!(self.seen_of(user)));
        Ok(())
    }

    /// Fails unless the user's last-seen time is near these times of the server and never moved back.
    fn last_seen(&self, user: &User, [before, after]: [&str; 2]) -> Result<()> {
        for seen in self.now(&[user]) {
            let at = seen["last_seen_at"].as_str().with_context(|| seen.to_string())?;
            let (early, late) = (millis_between(at, before)?, millis_between(after, at)?);
            let error_max = i64::try_from(LAST_SEEN_ERROR_MAX.as_millis())?;
            ensure!(early <= error_max && late <= 0, "{seen} instead of {before} to {after}");
            writeln!(io::stderr(), "{} last seen {early} ms before", user.username)?;
        }
        for seen in self.seen_of(user) {
            let times: Vec<_> =
                seen.iter().filter_map(|seen| seen["last_seen_at"].as_str()).collect();
            ensure!(times.is_sorted(), "last seen of {} moves back: {times:?}", user.username);
        }
        Ok(())
    }
}

/// Returns the milliseconds between two times of about the same day.
fn millis_between(from: &str, to: &str) -> Result<i64> {
    const DAY: i64 = 24 * 3_600 * 1_000;
    let between = millis_of_day(to)? - millis_of_day(from)?;
    Ok((between + DAY / 2).rem_euclid(DAY) - DAY / 2)
}

/// Returns the milliseconds since midnight of a time such as `2026-03-14T09:26:53.589Z`.
fn millis_of_day(time: &str) -> Result<i64> {
    let parts = time.get(11..23).with_context(|| time.to_owned())?.split([':', '.']);
    let units = [3_600_000, 60_000, 1_000, 1];
    parts.zip(units).map(|(part, unit)| Ok(part.parse::<i64>()? * unit)).sum()
}

/// Returns the current time of a gateway.
async fn server_time(user: &User) -> Result<String> {
    let ws = user.ws(None).await?;
    let time = ws.greeting()["server_time"].as_str().context("no server_time")?.to_owned();
    ws.close().await?;
    Ok(time)
}

/// Registers users who share a conversation.
async fn company<const N: usize>(cluster: &Cluster, names: [&str; N]) -> Result<[User; N]> {
    let mut users = Vec::new();
    for name in names {
        users.push(User::register(cluster.gateways[0].url(), name).await?);
    }
    let company = users[0].group("Company", &users.iter().skip(1).collect::<Vec<_>>()).await?;
    for member in &users[1..] {
        member.accept(&company).await?;
    }
    users.try_into().ok().context("another number of users")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn presence_reaches_other_gateways_in_time() -> Result<()> {
    let Some(mut cluster) = Cluster::on_one_node(3).await? else { return Ok(()) };
    within(WHOLE, "all scenarios", Box::pin(scenarios(&mut cluster))).await?
}

async fn scenarios(cluster: &mut Cluster) -> Result<()> {
    comes_and_goes(cluster).await.context("a user who comes and goes")?;
    goes_with_a_gateway(cluster).await.context("a user whose gateway dies")?;
    stays_elsewhere(cluster).await.context("a user who stays on another gateway")?;
    outlasts_redis(cluster).await.context("a user who stays while Redis restarts")
}

async fn comes_and_goes(cluster: &mut Cluster) -> Result<()> {
    let [bob, ada] = company(cluster, ["bob-1", "ada-1"]).await?;
    let mut watchers = Watchers::open(cluster, [1, 2], (&bob, &[&ada])).await?;

    let online = Promise::from_now("online after hello", ONLINE_MAX);
    let adas = ada.ws(None).await?;
    watchers.see(&[&ada], "online", &online).await?;

    let before = server_time(&bob).await?;
    let offline = Promise::from_now("offline after a clean close", OFFLINE_MAX);
    adas.close().await?;
    let after = server_time(&bob).await?;
    watchers.see(&[&ada], "offline", &offline).await?;
    watchers.last_seen(&ada, [&before, &after])
}

async fn goes_with_a_gateway(cluster: &mut Cluster) -> Result<()> {
    let [bob, ada, carl] = company(cluster, ["bob-2", "ada-2", "carl-2"]).await?;
    let doomed = cluster.gateways[2].url().to_owned();
    let mut watchers = Watchers::open(cluster, [0, 1], (&bob, &[&ada, &carl])).await?;

    let online = Promise::from_now("online after hello and after a poll", ONLINE_MAX);
    let adas = ada.at(&doomed).ws(None).await?;
    carl.at(&doomed).poll(Some(&Cursors::new()), Duration::ZERO).await?.ok(200)?;
    watchers.see(&[&ada, &carl], "online", &online).await?;

    let before = server_time(&bob).await?;
    let offline = Promise::from_now("offline after their gateway was killed", GATEWAY_KILLED_MAX);
    cluster.gateways[2].kill()?;
    let after = server_time(&bob).await?;
    watchers.see(&[&ada, &carl], "offline", &offline).await?;
    drop(adas);
    // The gateways that reap it may take as long again to write its last-seen times.
    watchers.look_for(OFFLINE_MAX).await?;
    watchers.last_seen(&ada, [&before, &after])?;
    watchers.last_seen(&carl, [&before, &after])?;

    cluster.gateways[2].restart().await?;
    let online = Promise::from_now("online on the gateway that is back", ONLINE_MAX);
    let _adas = ada.at(cluster.gateways[2].url()).ws(None).await?;
    watchers.see(&[&ada], "online", &online).await
}

async fn stays_elsewhere(cluster: &mut Cluster) -> Result<()> {
    let [bob, ada] = company(cluster, ["bob-3", "ada-3"]).await?;
    let urls = cluster.urls();
    let (phone, desktop) = (ada.log_in("phone").await?, ada.log_in("desktop").await?);
    let mut watchers = Watchers::open(cluster, [1, 2], (&bob, &[&ada])).await?;
    let online = Promise::from_now("online with two devices", ONLINE_MAX);
    let phones = phone.at(&urls[0]).ws(None).await?;
    let desktops = desktop.at(&urls[2]).ws(None).await?;
    watchers.see(&[&ada], "online", &online).await?;
    watchers.forget().await?;

    phones.close().await?;
    watchers.look_for(OFFLINE_MAX + MARGIN).await?;
    let _phones = phone.at(&urls[0]).ws(None).await?;
    watchers.look_for(ONLINE_MAX + MARGIN).await?;
    cluster.gateways[0].kill()?;
    watchers.look_for(GATEWAY_KILLED_MAX + MARGIN).await?;
    // The last device moves from one gateway to another.
    desktops.close().await?;
    let desktops = desktop.at(&urls[1]).ws(None).await?;
    watchers.look_for(OFFLINE_MAX + MARGIN).await?;
    watchers.never(&ada, "offline")?;

    let bob = bob.at(&urls[1]);
    let before = server_time(&bob).await?;
    let offline = Promise::from_now("offline after the last device closed", OFFLINE_MAX);
    desktops.close().await?;
    let after = server_time(&bob).await?;
    watchers.see(&[&ada], "offline", &offline).await?;
    watchers.last_seen(&ada, [&before, &after])?;
    cluster.gateways[0].restart().await
}

async fn outlasts_redis(cluster: &mut Cluster) -> Result<()> {
    let [bob, ada, carl, eve] = company(cluster, ["bob-4", "ada-4", "carl-4", "eve-4"]).await?;
    let all = [&ada, &carl, &eve];
    let urls = cluster.urls();
    let mut watchers = Watchers::open(cluster, [1, 2], (&bob, &all)).await?;
    let online = Promise::from_now("online before Redis goes", ONLINE_MAX);
    let _adas = ada.at(&urls[0]).ws(None).await?;
    let carls = carl.at(&urls[0]).ws(None).await?;
    watchers.see(&[&ada, &carl], "online", &online).await?;
    watchers.forget().await?;

    let unknown = Promise::from_now("unknown after Redis was killed", UNKNOWN_MAX);
    cluster.redis.process().kill()?;
    watchers.see(&all, "unknown", &unknown).await?;
    carls.close().await?;
    let _eves = eve.at(&urls[0]).ws(None).await?;
    watchers.look_for(LEASE_TTL + MARGIN).await?;
    watchers.never(&carl, "offline")?;

    let back = Promise::from_now("as it is after Redis came back", CONVERGED_MAX);
    cluster.redis.restart().await?;
    watchers.see(&[&ada, &eve], "online", &back).await?;
    watchers.see(&[&carl], "offline", &back).await?;
    watchers.look_for(CONVERGED_MAX).await?;
    watchers.never(&ada, "offline")
}
