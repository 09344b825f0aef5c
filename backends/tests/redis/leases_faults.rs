//! The leases while primaries fail, and their cost while they do not.

use std::{slice, sync::Arc, time::Duration};

use chat_core::{
    id::{GatewayId, UserId},
    model::Identity,
    time::Timestamp,
};
use presence::{
    Activity, Change, Lease, Leases, Publication, Renewal, Term,
    limits::{ANSWER_WITHIN, CHANGES_MAX, LEASE_TTL, PUBLISH_MAX, RETRY_AFTER, SETTLE_FOR},
};
use tokio::{
    sync::mpsc::Receiver,
    time::{Instant, sleep, timeout},
};

use super::{eventually, fresh, gateways::Gateways, server::Server};

const NOTICED_WITHIN: Duration = Duration::from_secs(3);

/// One primary and two gateways. The first has a lease and a device.
struct LeasesFixture {
    server: Server,
    gateways: Gateways,
    leases: Arc<dyn Leases>,
    gateway: GatewayId,
    device: Identity,
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

async fn expect_change(changes: &mut Receiver<Change>, expected: Change, within: Duration) {
    let arrived = async { while changes.recv().await.expect("a stream") != expected {} };
    assert!(timeout(within, arrived).await.is_ok(), "no {expected:?} arrived");
}

impl LeasesFixture {
    async fn open() -> Option<Self> {
        let server = Server::start().await?;
        let gateways = Gateways::connect(slice::from_ref(&server), 2).await;
        let (leases, other) = (gateways.all[0].leases(), gateways.all[1].leases());
        let (gateway, device) = (fresh(), device());
        let changes = other.changes().unwrap();
        leases.renew(gateway, at(0), Term::First).await.unwrap();
        leases.join(gateway, &[online(device)]).await.unwrap();
        let mut fixture = Self { server, gateways, leases, gateway, device, changes };
        other.watch(&[device.user]).await;
        while fixture.changes.try_recv().is_ok() {}
        Some(fixture)
    }

    async fn expect_change(&mut self, expected: Change) {
        expect_change(&mut self.changes, expected, NOTICED_WITHIN).await;
    }

    async fn renew(&self, gateway: GatewayId, term: Term) -> Option<Renewal> {
        self.leases.renew(gateway, at(0), term).await.ok()
    }

    /// Renews until the gateway reaches its primary again, and returns the outcome.
    async fn renew_again(&self) -> Renewal {
        let mut renewed = None;
        eventually("the primary is reached", NOTICED_WITHIN, async || {
            renewed = self.renew(self.gateway, Term::Next).await;
            renewed.is_some()
        })
        .await;
        renewed.unwrap()
    }

    /// Returns the lease of the device, and whether the reading is complete.
    async fn read(&self) -> Option<(Option<Lease>, bool)> {
        let reading =
            self.gateways.all[1].leases().of_users(&[self.device.user]).await.remove(0)?;
        Some((reading.devices.first().map(|device| device.lease), reading.is_complete))
    }

    /// Renews until absences are believed, which must not be too early.
    async fn settle(&self, gateway: GatewayId) {
        let started = Instant::now();
        while !self.read().await.is_some_and(|(_, is_complete)| is_complete) {
            assert!(
                started.elapsed() < SETTLE_FOR + RETRY_AFTER * 2,
                "absences are not believed in time"
            );
            self.renew(gateway, Term::Next).await;
            sleep(Duration::from_millis(200)).await;
        }
        assert!(started.elapsed() + RETRY_AFTER > SETTLE_FOR, "too early: {:?}", started.elapsed());
    }
}

#[tokio::test]
async fn presence_is_unknown_while_the_primary_is_paused() {
    let Some(mut fixture) = LeasesFixture::open().await else { return };
    fixture.server.pause();
    let started = Instant::now();
    assert_eq!(fixture.read().await, None, "nothing is known");
    assert!(started.elapsed() < ANSWER_WITHIN * 2, "{:?}", started.elapsed());
    fixture.expect_change(Change::Lost).await;
    assert_eq!(fixture.renew(fixture.gateway, Term::Next).await, None);
    let watched = fresh();
    fixture.gateways.all[1].leases().watch(&[watched]).await;
    sleep(Duration::from_secs(12).saturating_sub(started.elapsed())).await;
    fixture.server.resume();
    fixture.expect_change(Change::Lost).await;
    assert_eq!(fixture.renew_again().await, Renewal::Alive);
    assert_eq!(
        fixture.read().await,
        Some((Some(Lease::Alive), false)),
        "neither offline nor complete"
    );
    let device = Identity { user: watched, login: fresh() };
    fixture.leases.join(fixture.gateway, &[online(device)]).await.unwrap();
    fixture.expect_change(Change::User(watched)).await;
    fixture.settle(fixture.gateway).await;
}

#[tokio::test]
async fn leases_restart_when_a_killed_primary_is_replaced() {
    let Some(mut fixture) = LeasesFixture::open().await else { return };
    fixture.server.kill();
    fixture.expect_change(Change::Lost).await;
    let started = Instant::now();
    assert_eq!(fixture.read().await, None);
    assert_eq!(fixture.renew(fixture.gateway, Term::Next).await, None);
    assert!(fixture.leases.join(fixture.gateway, &[online(fixture.device)]).await.is_err());
    assert!(fixture.leases.leave(fixture.gateway, &[fixture.device]).await.is_err());
    assert!(fixture.leases.reap(fixture.gateway, &[]).await.is_err());
    // Five calls that waited for an answer would take longer.
    assert!(started.elapsed() < ANSWER_WITHIN * 3, "{:?}", started.elapsed());
    fixture.server.restart().await;
    fixture.expect_change(Change::Lost).await;
    assert_eq!(fixture.read().await, Some((None, false)), "the absence is not believed");
    assert_eq!(fixture.renew_again().await, Renewal::Ended);
    let fresh_id = fresh();
    assert_eq!(fixture.renew(fresh_id, Term::First).await, Some(Renewal::Alive));
    fixture.leases.join(fresh_id, &[online(fixture.device)]).await.unwrap();
    fixture.expect_change(Change::User(fixture.device.user)).await;
    assert_eq!(fixture.read().await, Some((Some(Lease::Alive), false)));
    fixture.settle(fresh_id).await;
}

#[tokio::test]
async fn next_renewal_reports_ended_when_leases_were_flushed() {
    let Some(fixture) = LeasesFixture::open().await else { return };
    fixture.settle(fixture.gateway).await;
    fixture.server.run::<()>(&["FLUSHALL"]).await;
    assert_eq!(fixture.read().await, Some((None, false)), "the absence is not believed");
    assert_eq!(fixture.renew(fixture.gateway, Term::Next).await, Some(Renewal::Ended));
    assert_eq!(fixture.read().await, Some((None, false)));
    let fresh_id = fresh();
    assert_eq!(fixture.renew(fresh_id, Term::First).await, Some(Renewal::Alive));
    fixture.settle(fresh_id).await;
}

/// The first renewal after a loss notifies all gateways. None waits until its own renewal is due, so
/// all have published again before an absence is believed.
#[tokio::test]
async fn first_renewal_notifies_all_when_leases_were_flushed() {
    let Some(mut fixture) = LeasesFixture::open().await else { return };
    let other = fresh();
    assert_eq!(fixture.renew(other, Term::First).await, Some(Renewal::Alive));
    while fixture.changes.try_recv().is_ok() {}
    fixture.server.run::<()>(&["FLUSHALL"]).await;
    assert_eq!(fixture.renew(fixture.gateway, Term::Next).await, Some(Renewal::Ended));
    fixture.expect_change(Change::Lost).await;
    assert_eq!(fixture.renew(other, Term::Next).await, Some(Renewal::Ended));
}

#[tokio::test]
async fn watchers_receive_lost_when_a_connection_is_killed() {
    let Some(mut fixture) = LeasesFixture::open().await else { return };
    fixture.server.run::<()>(&["CLIENT", "KILL", "TYPE", "pubsub"]).await;
    fixture.expect_change(Change::Lost).await;
    fixture.expect_change(Change::Lost).await;
    fixture.leases.leave(fixture.gateway, &[fixture.device]).await.unwrap();
    fixture.expect_change(Change::User(fixture.device.user)).await;
}

#[tokio::test]
async fn garbage_in_the_leases_hides_no_device() {
    let Some(mut fixture) = LeasesFixture::open().await else { return };
    let (odd, second) = (device(), device());
    fixture.leases.join(fixture.gateway, &[online(second)]).await.unwrap();
    let key = |user: UserId| format!("presence:{user}");
    for (field, value) in [("", ""), ("x", "y"), ("1:", "o1"), ("1:2", "z"), ("\u{0}", "o1")] {
        fixture.server.run::<()>(&["HSET", &key(fixture.device.user), field, value]).await;
    }
    fixture.server.run::<()>(&["SET", &key(odd.user), "not a hash"]).await;
    fixture.server.run::<()>(&["SADD", "gateways", "x", "", "0"]).await;
    let users = [odd.user, fixture.device.user, second.user];
    let read = fixture.leases.of_users(&users).await;
    let devices: Vec<usize> = read.iter().flatten().map(|reading| reading.devices.len()).collect();
    assert_eq!(devices, [0, 1, 1]);
    // Others may publish on our channels. That causes a read and nothing else.
    let channel = format!("p:{}", fixture.device.user);
    fixture.server.run::<()>(&["PUBLISH", &channel, &"x".repeat(1 << 20)]).await;
    fixture.expect_change(Change::User(fixture.device.user)).await;
    fixture.leases.leave(fixture.gateway, &[odd]).await.unwrap();
    fixture.leases.join(fixture.gateway, &[online(odd)]).await.unwrap();
    assert_eq!(fixture.leases.of_users(&users).await[0].as_ref().unwrap().devices.len(), 1);
}

#[tokio::test]
async fn end_of_a_gateway_reaches_a_gateway_that_started_later() {
    let Some(fixture) = LeasesFixture::open().await else { return };
    let other = fresh();
    fixture.renew(other, Term::First).await;
    let started = Instant::now();
    while started.elapsed() < LEASE_TTL {
        sleep(Duration::from_secs(3)).await;
        assert_eq!(fixture.renew(other, Term::Next).await, Some(Renewal::Alive));
    }
    let later = Gateways::connect(slice::from_ref(&fixture.server), 1).await;
    let leases = later.all[0].leases();
    let mut changes = leases.changes().unwrap();
    expect_change(&mut changes, Change::Ended(fixture.gateway), NOTICED_WITHIN).await;
    assert_eq!(leases.reap(fixture.gateway, &[]).await.unwrap(), [fixture.device.user]);
    // Entries of the index without their field are removed.
    let stale = format!("devices:{}", fixture.gateway);
    fixture.server.run::<()>(&["SADD", &stale, "7:8", "garbage", ""]).await;
    assert_eq!(leases.reap(fixture.gateway, &[fixture.device.user]).await.unwrap(), []);
    assert!(fixture.server.run::<Vec<String>>(&["KEYS", "devices:*"]).await.is_empty());
    assert!(fixture.server.run::<Vec<String>>(&["SMEMBERS", "gateways"]).await.is_empty());
    assert!(fixture.server.run::<Vec<String>>(&["KEYS", "presence:*"]).await.is_empty());
}

#[tokio::test]
async fn idle_users_cost_one_key_each_and_no_commands() {
    let Some(fixture) = LeasesFixture::open().await else { return };
    let devices: Vec<Identity> = (0..4 * PUBLISH_MAX).map(|_| device()).collect();
    for devices in devices.chunks(PUBLISH_MAX) {
        let joins: Vec<Publication> = devices.iter().map(|device| online(*device)).collect();
        fixture.leases.join(fixture.gateway, &joins).await.unwrap();
    }
    // `gateway:{id}`, `renewed:{id}`, `devices:{id}`, `gateways`, `steady`.
    let keys: usize = fixture.server.run(&["DBSIZE"]).await;
    assert_eq!(keys, devices.len() + 1 + 5);
    let calls = async || {
        let stats: String = fixture.server.run(&["INFO", "commandstats"]).await;
        let calls =
            |line: &str| line.split_once("calls=")?.1.split(',').next()?.parse::<u64>().ok();
        stats.lines().filter_map(calls).sum::<u64>()
    };
    let (before, started) = (calls().await, Instant::now());
    assert_eq!(fixture.renew(fixture.gateway, Term::Next).await, Some(Renewal::Alive));
    sleep(Duration::from_secs(3)).await;
    let cost = calls().await - before;
    // Two gateways check their connections and look for ended leases.
    let idle = (started.elapsed().as_secs() + 2) * 2 * 20;
    assert!(cost <= idle, "{cost} of {idle}");
}

#[tokio::test]
async fn users_of_one_primary_are_known_while_the_other_is_down() {
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
    eventually("some users are known", NOTICED_WITHIN, async || {
        let known = leases.of_users(&users).await.iter().flatten().count();
        (users.len() / 4..users.len() * 3 / 4).contains(&known)
    })
    .await;
    // A new lease begins on the primary that is up.
    for (gateway, term) in [(gateway, Term::Next), (fresh(), Term::First)] {
        assert_eq!(leases.renew(gateway, at(1), term).await, Ok(Renewal::Alive));
    }
    servers[1].restart().await;
    // The lease is alive on one primary and was lost on the other.
    eventually("the ended lease is noticed", NOTICED_WITHIN, async || {
        leases.renew(gateway, at(2), Term::Next).await == Ok(Renewal::Ended)
    })
    .await;
}

#[tokio::test]
async fn lost_replaces_changes_when_the_queue_is_full() {
    let Some(mut fixture) = LeasesFixture::open().await else { return };
    let before = fixture.gateways.metrics[1].count("hints_received");
    for count in 0..=CHANGES_MAX {
        let since = at(i64::try_from(count).unwrap() + 5);
        let change = Publication { since, ..online(fixture.device) };
        fixture.leases.join(fixture.gateway, &[change]).await.unwrap();
    }
    eventually("all have arrived", NOTICED_WITHIN, async || {
        fixture.gateways.metrics[1].count("hints_received") > before + CHANGES_MAX as u64
    })
    .await;
    let received: Vec<Change> = std::iter::from_fn(|| fixture.changes.try_recv().ok()).collect();
    assert_eq!((received.len(), received.last()), (CHANGES_MAX + 1, Some(&Change::Lost)));
}
