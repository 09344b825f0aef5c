//! What the leases promise while primaries fail, and what they cost while they do not.

use std::{slice, sync::Arc, time::Duration};

use chat_core::{
    id::{GatewayId, UserId},
    model::Identity,
    time::Timestamp,
};
use presence::{
    Activity, Change, Lease, Leases, Publication, Renewal, Term,
    limits::{CHANGES_MAX, LEASE_TTL, PUBLISH_MAX, RETRY_AFTER, SETTLE_FOR},
};
use tokio::{
    sync::mpsc::Receiver,
    time::{Instant, sleep, timeout},
};

use super::{eventually, fresh, gateways::Gateways, server::Server};

const NOTICED_WITHIN: Duration = Duration::from_secs(3);

/// One primary, and two gateways of which one has a lease and a device.
struct Scene {
    server: Server,
    gateways: Gateways,
    leases: Arc<dyn Leases>,
    gateway: GatewayId,
    here: Identity,
    changes: Receiver<Change>,
}

const fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis)
}

fn device() -> Identity {
    Identity { user: fresh(), login: fresh() }
}

const fn online(device: Identity) -> Publication {
    Publication { device, activity: Activity::Online, since: at(1) }
}

async fn hears(changes: &mut Receiver<Change>, expected: Change, within: Duration) {
    let heard = async { while changes.recv().await.expect("a stream") != expected {} };
    assert!(timeout(within, heard).await.is_ok(), "not told: {expected:?}");
}

impl Scene {
    async fn open() -> Option<Self> {
        let server = Server::start().await?;
        let gateways = Gateways::connect(slice::from_ref(&server), 2).await;
        let (leases, other) = (gateways.all[0].leases(), gateways.all[1].leases());
        let (gateway, here) = (fresh(), device());
        let changes = other.changes().unwrap();
        leases.renew(gateway, at(0), Term::First).await.unwrap();
        leases.join(gateway, &[online(here)]).await.unwrap();
        let mut scene = Self { server, gateways, leases, gateway, here, changes };
        other.watch(&[here.user]).await;
        while scene.changes.try_recv().is_ok() {}
        Some(scene)
    }

    async fn hears(&mut self, expected: Change) {
        hears(&mut self.changes, expected, NOTICED_WITHIN).await;
    }

    async fn renew(&self, gateway: GatewayId, term: Term) -> Option<Renewal> {
        self.leases.renew(gateway, at(0), term).await.ok()
    }

    /// What becomes of the next renewal, when the gateway has found its primary again.
    async fn renews_again(&self) -> Renewal {
        let mut renewed = None;
        eventually("the primary is found", NOTICED_WITHIN, async || {
            renewed = self.renew(self.gateway, Term::Next).await;
            renewed.is_some()
        })
        .await;
        renewed.unwrap()
    }

    /// The lease of the device that is here, and whether the reading is whole.
    async fn read(&self) -> Option<(Option<Lease>, bool)> {
        let reading = self.gateways.all[1].leases().of_users(&[self.here.user]).await.remove(0)?;
        Some((reading.devices.first().map(|device| device.lease), reading.is_complete))
    }

    /// Renews until absences are believed, which is not too early.
    async fn settles(&self, gateway: GatewayId) {
        let began = Instant::now();
        while !self.read().await.is_some_and(|(_, whole)| whole) {
            assert!(
                began.elapsed() < SETTLE_FOR + RETRY_AFTER * 2,
                "absences are believed in time"
            );
            self.renew(gateway, Term::Next).await;
            sleep(Duration::from_millis(200)).await;
        }
        assert!(began.elapsed() + RETRY_AFTER > SETTLE_FOR, "too early: {:?}", began.elapsed());
    }
}

#[tokio::test]
async fn leases_that_stand_still_are_unknown_and_then_known_again() {
    let Some(mut scene) = Scene::open().await else { return };
    scene.server.pause();
    let began = Instant::now();
    assert_eq!(scene.read().await, None, "the answer is that nothing is known");
    assert!(began.elapsed() <= Duration::from_millis(1_100), "{:?}", began.elapsed());
    scene.hears(Change::Lost).await;
    assert_eq!(scene.renew(scene.gateway, Term::Next).await, None);
    let watched = fresh();
    scene.gateways.all[1].leases().watch(&[watched]).await;
    sleep(Duration::from_secs(12).saturating_sub(began.elapsed())).await;
    scene.server.resume();
    scene.hears(Change::Lost).await;
    assert_eq!(scene.renews_again().await, Renewal::Alive);
    assert_eq!(scene.read().await, Some((Some(Lease::Alive), false)), "not offline, not whole");
    let device = Identity { user: watched, login: fresh() };
    scene.leases.join(scene.gateway, &[online(device)]).await.unwrap();
    scene.hears(Change::User(watched)).await;
    scene.settles(scene.gateway).await;
}

#[tokio::test]
async fn leases_that_died_begin_anew() {
    let Some(mut scene) = Scene::open().await else { return };
    scene.server.kill();
    scene.hears(Change::Lost).await;
    let began = Instant::now();
    assert_eq!(scene.read().await, None);
    assert_eq!(scene.renew(scene.gateway, Term::Next).await, None);
    assert!(scene.leases.join(scene.gateway, &[online(scene.here)]).await.is_err());
    assert!(scene.leases.leave(scene.gateway, &[scene.here]).await.is_err());
    assert!(scene.leases.reap(scene.gateway, &[]).await.is_err());
    assert!(began.elapsed() < Duration::from_millis(500), "{:?}", began.elapsed());
    scene.server.start_again().await;
    scene.hears(Change::Lost).await;
    assert_eq!(scene.read().await, Some((None, false)), "absent, but that is not believed");
    assert_eq!(scene.renews_again().await, Renewal::Ended);
    let anew = fresh();
    assert_eq!(scene.renew(anew, Term::First).await, Some(Renewal::Alive));
    scene.leases.join(anew, &[online(scene.here)]).await.unwrap();
    scene.hears(Change::User(scene.here.user)).await;
    assert_eq!(scene.read().await, Some((Some(Lease::Alive), false)));
    scene.settles(anew).await;
}

#[tokio::test]
async fn leases_that_were_flushed_are_noticed_with_the_next_renewal() {
    let Some(scene) = Scene::open().await else { return };
    scene.settles(scene.gateway).await;
    scene.server.run::<()>(&["FLUSHALL"]).await;
    assert_eq!(scene.read().await, Some((None, false)), "absent, but that is not believed");
    assert_eq!(scene.renew(scene.gateway, Term::Next).await, Some(Renewal::Ended));
    assert_eq!(scene.read().await, Some((None, false)));
    let anew = fresh();
    assert_eq!(scene.renew(anew, Term::First).await, Some(Renewal::Alive));
    scene.settles(anew).await;
}

/// Whoever renews first after everything was lost tells the others: none waits for its own time, and
/// all have published again before an absence is believed.
#[tokio::test]
async fn leases_that_were_flushed_are_noticed_by_all_with_the_first_renewal() {
    let Some(mut scene) = Scene::open().await else { return };
    let other = fresh();
    assert_eq!(scene.renew(other, Term::First).await, Some(Renewal::Alive));
    while scene.changes.try_recv().is_ok() {}
    scene.server.run::<()>(&["FLUSHALL"]).await;
    assert_eq!(scene.renew(scene.gateway, Term::Next).await, Some(Renewal::Ended));
    scene.hears(Change::Lost).await;
    assert_eq!(scene.renew(other, Term::Next).await, Some(Renewal::Ended));
}

#[tokio::test]
async fn connection_that_is_killed_leaves_no_watcher_in_the_dark() {
    let Some(mut scene) = Scene::open().await else { return };
    scene.server.run::<()>(&["CLIENT", "KILL", "TYPE", "pubsub"]).await;
    scene.hears(Change::Lost).await;
    scene.hears(Change::Lost).await;
    scene.leases.leave(scene.gateway, &[scene.here]).await.unwrap();
    scene.hears(Change::User(scene.here.user)).await;
}

#[tokio::test]
async fn garbage_in_the_leases_hides_nobody_else() {
    let Some(mut scene) = Scene::open().await else { return };
    let (odd, second) = (device(), device());
    scene.leases.join(scene.gateway, &[online(second)]).await.unwrap();
    let key = |user: UserId| format!("presence:{user}");
    for (field, value) in [("", ""), ("x", "y"), ("1:", "o1"), ("1:2", "z"), ("\u{0}", "o1")] {
        scene.server.run::<()>(&["HSET", &key(scene.here.user), field, value]).await;
    }
    scene.server.run::<()>(&["SET", &key(odd.user), "no hash"]).await;
    scene.server.run::<()>(&["SADD", "gateways", "x", "", "0"]).await;
    let users = [odd.user, scene.here.user, second.user];
    let read = scene.leases.of_users(&users).await;
    let devices: Vec<usize> = read.iter().flatten().map(|reading| reading.devices.len()).collect();
    assert_eq!(devices, [0, 1, 1]);
    // Others may speak on our channels, and in any amount: it is a hint to read, and no more.
    let channel = format!("p:{}", scene.here.user);
    scene.server.run::<()>(&["PUBLISH", &channel, &"x".repeat(1 << 20)]).await;
    scene.hears(Change::User(scene.here.user)).await;
    scene.leases.leave(scene.gateway, &[odd]).await.unwrap();
    scene.leases.join(scene.gateway, &[online(odd)]).await.unwrap();
    assert_eq!(scene.leases.of_users(&users).await[0].as_ref().unwrap().devices.len(), 1);
}

#[tokio::test]
async fn end_of_a_gateway_is_told_to_one_that_began_afterwards() {
    let Some(scene) = Scene::open().await else { return };
    let beating = fresh();
    scene.renew(beating, Term::First).await;
    let began = Instant::now();
    while began.elapsed() < LEASE_TTL {
        sleep(Duration::from_secs(3)).await;
        assert_eq!(scene.renew(beating, Term::Next).await, Some(Renewal::Alive));
    }
    let later = Gateways::connect(slice::from_ref(&scene.server), 1).await;
    let leases = later.all[0].leases();
    let mut changes = leases.changes().unwrap();
    hears(&mut changes, Change::Ended(scene.gateway), NOTICED_WITHIN).await;
    assert_eq!(leases.reap(scene.gateway, &[]).await.unwrap(), [scene.here.user]);
    // An entry of the index without its field is in nobody's way.
    let stale = format!("devices:{}", scene.gateway);
    scene.server.run::<()>(&["SADD", &stale, "7:8", "garbage", ""]).await;
    assert_eq!(leases.reap(scene.gateway, &[scene.here.user]).await.unwrap(), []);
    assert!(scene.server.run::<Vec<String>>(&["KEYS", "devices:*"]).await.is_empty());
    assert!(scene.server.run::<Vec<String>>(&["SMEMBERS", "gateways"]).await.is_empty());
    assert!(scene.server.run::<Vec<String>>(&["KEYS", "presence:*"]).await.is_empty());
}

#[tokio::test]
async fn idle_users_cost_one_key_each_and_no_commands() {
    let Some(scene) = Scene::open().await else { return };
    let devices: Vec<Identity> = (0..4 * PUBLISH_MAX).map(|_| device()).collect();
    for devices in devices.chunks(PUBLISH_MAX) {
        let joins: Vec<Publication> = devices.iter().map(|device| online(*device)).collect();
        scene.leases.join(scene.gateway, &joins).await.unwrap();
    }
    // `gateway:{id}`, `renewed:{id}`, `devices:{id}`, `gateways`, `steady`.
    let keys: usize = scene.server.run(&["DBSIZE"]).await;
    assert_eq!(keys, devices.len() + 1 + 5);
    let calls = async || {
        let stats: String = scene.server.run(&["INFO", "commandstats"]).await;
        let calls =
            |line: &str| line.split_once("calls=")?.1.split(',').next()?.parse::<u64>().ok();
        stats.lines().filter_map(calls).sum::<u64>()
    };
    let (before, began) = (calls().await, Instant::now());
    assert_eq!(scene.renew(scene.gateway, Term::Next).await, Some(Renewal::Alive));
    sleep(Duration::from_secs(3)).await;
    let cost = calls().await - before;
    // Two gateways that try out their connections and look for ended leases.
    let idle = (began.elapsed().as_secs() + 2) * 2 * 20;
    assert!(cost <= idle, "{cost} of {idle}");
}

#[tokio::test]
async fn one_primary_of_two_in_doubt_leaves_the_users_of_the_other_known() {
    let Some(mut servers) = Server::start_many(2).await else { return };
    let gateways = Gateways::connect(&servers, 1).await;
    let leases = gateways.all[0].leases();
    let (gateway, devices) = (fresh(), (0..PUBLISH_MAX).map(|_| device()));
    let devices: Vec<Identity> = devices.collect();
    let joins: Vec<Publication> = devices.iter().map(|device| online(*device)).collect();
    leases.renew(gateway, at(0), Term::First).await.unwrap();
    leases.join(gateway, &joins).await.unwrap();
    servers[1].kill();
    let users: Vec<UserId> = devices.iter().map(|device| device.user).collect();
    eventually("some are known", NOTICED_WITHIN, async || {
        let known = leases.of_users(&users).await.iter().flatten().count();
        (users.len() / 4..users.len() * 3 / 4).contains(&known)
    })
    .await;
    // Who begins now begins where it can.
    for (gateway, term) in [(gateway, Term::Next), (fresh(), Term::First)] {
        assert_eq!(leases.renew(gateway, at(1), term).await, Ok(Renewal::Alive));
    }
    servers[1].start_again().await;
    // On the one it lives, on the other it was lost.
    eventually("the end is noticed", NOTICED_WITHIN, async || {
        leases.renew(gateway, at(2), Term::Next).await == Ok(Renewal::Ended)
    })
    .await;
}

#[tokio::test]
async fn changes_without_room_are_told_as_lost() {
    let Some(mut scene) = Scene::open().await else { return };
    let before = scene.gateways.all[1].counters().received;
    for count in 0..=CHANGES_MAX {
        let since = at(i64::try_from(count).unwrap() + 5);
        let change = Publication { since, ..online(scene.here) };
        scene.leases.join(scene.gateway, &[change]).await.unwrap();
    }
    eventually("all have come", NOTICED_WITHIN, async || {
        scene.gateways.all[1].counters().received > before + CHANGES_MAX as u64
    })
    .await;
    let told: Vec<Change> = std::iter::from_fn(|| scene.changes.try_recv().ok()).collect();
    assert_eq!((told.len(), told.last()), (CHANGES_MAX + 1, Some(&Change::Lost)));
}
