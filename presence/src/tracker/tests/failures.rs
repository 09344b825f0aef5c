//! Tests of failing leases and stores: presence is never wrong, and right again in time.

use std::sync::atomic::Ordering;

use tokio::time::{Instant, sleep};

use super::{
    super::SEEN_EVERY,
    SECOND,
    cluster::{Cluster, device, user},
};
use crate::{
    limits::{
        ANSWER_WITHIN, CONVERGED_MAX, LEASE_TTL, OFFLINE_MAX, ONLINE_MAX, RENEW_EVERY,
        WATCH_ANSWER_MAX,
    },
    model::{Presence, Status},
};

#[tokio::test(start_paused = true)]
async fn presence_is_unknown_in_an_outage_and_right_soon_after() {
    for (outage, forgets) in [(3, false), (14, false), (90, false), (1, true), (90, true)] {
        let cluster = Cluster::open(3).await;
        let mut session = cluster.watch(1, &[1, 2, 3]).await;
        let _here = [
            cluster[0].tracker.hold_for_socket(device(1, 1)),
            cluster[1].tracker.hold_for_socket(device(2, 1)),
        ];
        session.expect_all(&[(1, Status::Online), (2, Status::Online)], ONLINE_MAX).await;
        sleep(7 * SECOND).await;
        cluster.hub.fail();
        let unknown = [1, 2, 3].map(|user| (user, Status::Unknown));
        session.expect_all(&unknown, ONLINE_MAX).await;
        for user in [1, 2, 3] {
            assert_eq!(cluster.query(1, user).await.status, Status::Unknown);
        }
        session.expect_nothing(outage * SECOND).await;
        if forgets {
            cluster.hub.forget();
        }
        cluster.hub.restore();
        let right = [(1, Status::Online), (2, Status::Online), (3, Status::Offline)];
        session.expect_all(&right, CONVERGED_MAX).await;
        session.expect_nothing(60 * SECOND).await;
    }
}

#[tokio::test(start_paused = true)]
async fn present_users_stay_online_when_the_leases_lose_everything() {
    // The offset decides which gateway renews first afterwards.
    for offset in 0..25 {
        let mut cluster = Cluster::open(1).await;
        sleep(SECOND / 3).await;
        cluster.add_gateway();
        sleep(SECOND).await;
        let users: Vec<_> = (1..=20).collect();
        let session = cluster.watch(1, &users).await;
        let holds: Vec<_> =
            users.iter().map(|id| cluster[0].tracker.hold_for_socket(device(*id, 1))).collect();
        sleep(6 * SECOND + offset * SECOND / 5).await;
        cluster.hub.fail();
        cluster.hub.forget();
        cluster.hub.restore();
        assert_eq!(cluster.fields(1).await, 0);
        sleep(CONVERGED_MAX).await;
        let received = session.drain();
        assert!(received.iter().all(|presence| presence.status != Status::Offline), "{received:?}");
        assert_eq!(cluster.query(1, 1).await.status, Status::Online);
        drop(holds);
        sleep(OFFLINE_MAX).await;
        assert_eq!(cluster.query(1, 1).await.status, Status::Offline);
    }
}

#[tokio::test(start_paused = true)]
async fn lost_devices_are_published_again_after_an_outage() {
    let cluster = Cluster::open(2).await;
    let _hold = cluster[0].tracker.hold_for_socket(device(1, 1));
    sleep(6 * SECOND).await;
    cluster.hub.fail();
    sleep(5 * SECOND).await;
    cluster.hub.forget_devices();
    cluster.hub.restore();
    assert_eq!(cluster.fields(1).await, 0);
    sleep(CONVERGED_MAX).await;
    assert_eq!(cluster.fields(1).await, 1);
    assert_eq!(cluster.query(1, 1).await.status, Status::Online);
}

#[tokio::test(start_paused = true)]
async fn hanging_leases_delay_nobody_and_mean_unknown() {
    let cluster = Cluster::open(2).await;
    let mut session = cluster.watch(0, &[1]).await;
    let _hold = cluster[0].tracker.hold_for_socket(device(1, 1));
    session.expect(1, Status::Online, ONLINE_MAX).await;
    cluster[0].is_hanging.store(true, Ordering::Relaxed);
    session.expect(1, Status::Unknown, RENEW_EVERY + 2 * ANSWER_WITHIN + SECOND / 10).await;
    let began = Instant::now();
    for _ in 0..20 {
        assert_eq!(cluster.query(0, 1).await.status, Status::Unknown);
    }
    assert!(began.elapsed() <= 2 * ANSWER_WITHIN, "callers do not each wait for the timeout");
    let answer = cluster.session(0).watcher.watch(&[user(1), user(2)]).await.unwrap();
    assert_eq!(answer, [1, 2].map(|id| Presence::unknown(user(id))));
    assert!(began.elapsed() <= 2 * ANSWER_WITHIN + WATCH_ANSWER_MAX);
    cluster[0].is_hanging.store(false, Ordering::Relaxed);
    session.expect(1, Status::Online, CONVERGED_MAX).await;
}

#[tokio::test(start_paused = true)]
async fn user_who_left_in_an_outage_is_offline_after_it() {
    for outage in [8, 60] {
        let cluster = Cluster::open(2).await;
        let mut session = cluster.watch(1, &[1]).await;
        let hold = cluster[0].tracker.hold_for_socket(device(1, 1));
        session.expect(1, Status::Online, ONLINE_MAX).await;
        sleep(9 * SECOND).await;
        cluster.hub.fail();
        session.expect(1, Status::Unknown, ONLINE_MAX).await;
        let left = cluster.now();
        drop(hold);
        sleep(outage * SECOND).await;
        cluster.hub.restore();
        sleep(CONVERGED_MAX).await;
        let last = session.drain().pop().unwrap();
        assert_eq!((last.status, last.last_seen_at), (Status::Offline, Some(left)));
        assert_eq!(cluster.fields(1).await, 0);
        assert_eq!(cluster[0].tracker.shared.devices.lock().len(), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn gateway_publishes_again_when_it_is_reconnected() {
    let cluster = Cluster::open(2).await;
    let mut session = cluster.watch(1, &[1, 2]).await;
    let _stays = cluster[0].tracker.hold_for_socket(device(1, 1));
    let leaves = cluster[0].tracker.hold_for_socket(device(2, 1));
    session.expect_all(&[(1, Status::Online), (2, Status::Online)], ONLINE_MAX).await;
    cluster[0].leases.disconnect();
    drop(leaves);
    session.expect_all(&[(1, Status::Offline), (2, Status::Offline)], LEASE_TTL + 5 * SECOND).await;
    assert_eq!(
        cluster.query(0, 1).await.status,
        Status::Unknown,
        "the disconnected gateway knows nothing"
    );
    sleep(30 * SECOND).await;
    cluster[0].leases.reconnect();
    session.expect(1, Status::Online, CONVERGED_MAX).await;
    session.expect_nothing(60 * SECOND).await;
    assert_eq!(cluster.fields(2).await, 0, "devices published before are reaped");
    assert_eq!(cluster.fields(1).await, 1);
}

#[tokio::test(start_paused = true)]
async fn last_seen_is_queued_while_the_store_is_down() {
    let cluster = Cluster::open(2).await;
    let mut session = cluster.watch(1, &[1]).await;
    let hold = cluster[0].tracker.hold_for_socket(device(1, 1));
    session.expect(1, Status::Online, ONLINE_MAX).await;
    let left = cluster.now();
    drop(hold);
    cluster.store.deny_for(30 * SECOND);
    let received = session.expect(1, Status::Offline, OFFLINE_MAX).await;
    assert_eq!(received.last_seen_at, None, "an unknown last seen is left out");
    sleep(30 * SECOND + SEEN_EVERY).await;
    assert_eq!(cluster.stored(1).await, Some(left));
    assert_eq!(cluster.query(1, 1).await.last_seen_at, Some(left));
}
