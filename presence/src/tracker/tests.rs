//! Tests of several gateways on one hub, on paused time: what sessions receive and what is stored.

mod cluster;
mod failures;
mod hanging;
mod random;
mod watching;

use std::time::Duration;

use chat_core::id::UserId;
use tokio::time::sleep;

use self::cluster::{Cluster, device, user};
use super::*;
use crate::{
    limits::{
        AWAY_AFTER, GATEWAY_KILLED_MAX, LAST_SEEN_ERROR_MAX, OFFLINE_MAX, ONLINE_MAX, POLL_LINGER,
        REAP_JITTER_MAX, REAP_RETRY_AFTER,
    },
    model::{Activity, Status},
};

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test(start_paused = true)]
async fn other_gateways_show_online_and_offline_in_time() {
    let cluster = Cluster::open(2).await;
    let mut session = cluster.watch(1, &[1]).await;
    let hold = cluster[0].tracker.hold_for_socket(device(1, 1));
    session.expect(1, Status::Online, ONLINE_MAX).await;
    sleep(60 * SECOND).await;
    let left = cluster.now();
    drop(hold);
    session.expect_nothing(DEPART_GRACE.saturating_sub(SECOND / 10)).await;
    let received =
        session.expect(1, Status::Offline, OFFLINE_MAX.saturating_sub(DEPART_GRACE)).await;
    assert_eq!(received.last_seen_at, Some(left));
    assert_eq!(cluster.query(0, 1).await, received);
    assert_eq!(cluster.stored(1).await, Some(left));
    assert_eq!(
        cluster[0].tracker.shared.devices.lock().len(),
        0,
        "devices that left are forgotten"
    );
}

#[tokio::test(start_paused = true)]
async fn user_is_online_at_once_at_its_own_gateway() {
    let cluster = Cluster::open(1).await;
    let hold = cluster[0].tracker.hold_for_socket(device(1, 1));
    assert_eq!(cluster.query(0, 1).await.status, Status::Online);
    drop(hold);
    assert_eq!(cluster.query(0, 1).await.status, Status::Online, "during the grace");
}

#[tokio::test(start_paused = true)]
async fn reconnect_within_the_grace_changes_nothing() {
    let cluster = Cluster::open(2).await;
    let mut session = cluster.watch(1, &[1]).await;
    let mut hold = cluster[0].tracker.hold_for_socket(device(1, 1));
    session.expect(1, Status::Online, ONLINE_MAX).await;
    for gateway in [0, 0, 1, 0] {
        drop(hold);
        sleep(DEPART_GRACE.saturating_sub(SECOND)).await;
        hold = cluster[gateway].tracker.hold_for_socket(device(1, 1));
        session.expect_nothing(10 * SECOND).await;
    }
}

#[tokio::test(start_paused = true)]
async fn user_is_online_until_its_last_socket_and_device_left() {
    let cluster = Cluster::open(2).await;
    let mut session = cluster.watch(0, &[1]).await;
    let sockets = [(0, 1), (0, 1), (0, 2), (1, 1), (1, 3)];
    let mut holds: Vec<_> = sockets
        .iter()
        .map(|(at, login)| cluster[*at].tracker.hold_for_socket(device(1, *login)))
        .collect();
    session.expect(1, Status::Online, ONLINE_MAX).await;
    assert_eq!(cluster.fields(1).await, 4, "sockets of one login are one device");
    while holds.len() > 1 {
        holds.pop();
        session.expect_nothing(10 * SECOND).await;
    }
    holds.pop();
    session.expect(1, Status::Offline, OFFLINE_MAX).await;
    assert_eq!(cluster.fields(1).await, 0);
}

#[tokio::test(start_paused = true)]
async fn user_is_away_when_all_sockets_stay_away() {
    let cluster = Cluster::open(2).await;
    let mut session = cluster.watch(1, &[1]).await;
    let (one, other) = (
        cluster[0].tracker.hold_for_socket(device(1, 1)),
        cluster[0].tracker.hold_for_socket(device(1, 2)),
    );
    session.expect(1, Status::Online, ONLINE_MAX).await;
    one.set_activity(Activity::Away);
    session.expect_nothing(10 * SECOND).await;
    other.set_activity(Activity::Away);
    sleep(AWAY_AFTER / 2).await;
    other.set_activity(Activity::Online);
    session.expect_nothing(10 * SECOND).await;
    other.set_activity(Activity::Away);
    let received = session.expect(1, Status::Away, ONLINE_MAX).await;
    assert_eq!(received.last_seen_at, None);
    let third = cluster[0].tracker.hold_for_socket(device(1, 1));
    session.expect(1, Status::Online, ONLINE_MAX).await;
    drop(third);
    session.expect(1, Status::Away, ONLINE_MAX).await;
    drop((one, other));
    session.expect(1, Status::Offline, OFFLINE_MAX).await;
}

#[tokio::test(start_paused = true)]
async fn device_lingers_when_the_next_poll_is_due() {
    let cluster = Cluster::open(2).await;
    let mut session = cluster.watch(1, &[1]).await;
    let mut ended = cluster.now();
    for _ in 0..3 {
        let poll = cluster[0].tracker.hold_for_poll(device(1, 1));
        sleep(25 * SECOND).await;
        drop(poll);
        ended = cluster.now();
        sleep(40 * SECOND).await;
    }
    session.expect(1, Status::Online, Duration::ZERO).await;
    session.expect_nothing(POLL_LINGER.saturating_sub(41 * SECOND)).await;
    let received = session.expect(1, Status::Offline, 3 * SECOND).await;
    assert_eq!(received.last_seen_at, Some(ended));
}

#[tokio::test(start_paused = true)]
async fn closing_socket_does_not_shorten_the_linger_of_a_poll() {
    let cluster = Cluster::open(1).await;
    let poll = cluster[0].tracker.hold_for_poll(device(1, 1));
    let socket = cluster[0].tracker.hold_for_socket(device(1, 1));
    drop(poll);
    drop(socket);
    sleep(POLL_LINGER.saturating_sub(SECOND)).await;
    assert_eq!(cluster.query(0, 1).await.status, Status::Online);
    sleep(3 * SECOND).await;
    assert_eq!(cluster.query(0, 1).await.status, Status::Offline);
}

#[tokio::test(start_paused = true)]
async fn dead_connection_ends_at_once_and_was_seen_when_last_heard() {
    let cluster = Cluster::open(2).await;
    let mut session = cluster.watch(1, &[1]).await;
    let hold = cluster[0].tracker.hold_for_socket(device(1, 1));
    session.expect(1, Status::Online, ONLINE_MAX).await;
    let last_heard = cluster.now();
    sleep(45 * SECOND).await;
    hold.close_dead(last_heard);
    let received = session.expect(1, Status::Offline, ONLINE_MAX).await;
    assert_eq!(received.last_seen_at, Some(last_heard));
}

#[tokio::test(start_paused = true)]
async fn devices_of_a_killed_gateway_end_in_time_with_last_seen() {
    for offset in 0..7 {
        let cluster = Cluster::open(3).await;
        let mut session = cluster.watch(1, &[1, 2]).await;
        let _holds = [1, 2].map(|user| cluster[0].tracker.hold_for_socket(device(user, 1)));
        let _elsewhere = cluster[2].tracker.hold_for_socket(device(2, 2));
        session.expect_all(&[(1, Status::Online), (2, Status::Online)], ONLINE_MAX).await;
        sleep(20 * SECOND + offset * SECOND * 3 / 4).await;
        let killed = cluster.now();
        cluster.kill(0);
        let received = session.expect(1, Status::Offline, GATEWAY_KILLED_MAX).await;
        session.expect_nothing(20 * SECOND).await;
        let seen = received.last_seen_at.unwrap();
        assert!(seen <= killed && killed.since(seen) <= LAST_SEEN_ERROR_MAX / 3, "{seen} {killed}");
        assert_eq!(cluster.query(2, 1).await, received);
        assert_eq!(cluster.stored(1).await, Some(seen), "another gateway stores it");
        assert_eq!(cluster.fields(1).await, 0, "and reaps the killed gateway");
        assert_eq!(cluster.fields(2).await, 1);
    }
}

#[tokio::test(start_paused = true)]
async fn stuck_gateway_does_not_block_the_reaping_of_others() {
    let cluster = Cluster::open(3).await;
    let _holds = [0, 1].map(|at| cluster[at].tracker.hold_for_socket(device(at as u64 + 1, 1)));
    sleep(10 * SECOND).await;
    let ids = [0, 1].map(|at| cluster[at].tracker.shared.devices.lock().gateway());
    *cluster.unreapable.lock().unwrap() = ids.into_iter().min();
    let (stuck, other) = if ids[0] < ids[1] { (1, 2) } else { (2, 1) };
    cluster.kill(0);
    cluster.kill(1);
    sleep(GATEWAY_KILLED_MAX + 2 * REAP_RETRY_AFTER + 2 * REAP_JITTER_MAX).await;
    assert_eq!((cluster.fields(stuck).await, cluster.fields(other).await), (1, 0));
    *cluster.unreapable.lock().unwrap() = None;
    sleep(REAP_RETRY_AFTER + REAP_JITTER_MAX + SECOND).await;
    assert_eq!(cluster.fields(stuck).await, 0);
    assert!(cluster.stored(stuck).await.is_some());
}

#[tokio::test(start_paused = true)]
async fn last_seen_is_right_after_all_gateways_were_killed() {
    let mut cluster = Cluster::open(1).await;
    let _hold = cluster[0].tracker.hold_for_socket(device(1, 1));
    sleep(33 * SECOND).await;
    let killed = cluster.now();
    cluster.kill(0);
    sleep(3_600 * SECOND).await;
    let next = cluster.add_gateway();
    sleep(20 * SECOND).await;
    let received = cluster.query(next, 1).await;
    assert_eq!(received.status, Status::Offline);
    let seen = received.last_seen_at.unwrap();
    assert!(seen <= killed && killed.since(seen) <= LAST_SEEN_ERROR_MAX);
    assert_eq!(cluster.stored(1).await, Some(seen));
}

#[tokio::test(start_paused = true)]
async fn stopped_gateway_leaves_no_devices_after_the_grace() {
    let cluster = Cluster::open(2).await;
    let mut session = cluster.watch(1, &[1]).await;
    let _hold = cluster[0].tracker.hold_for_socket(device(1, 1));
    session.expect(1, Status::Online, ONLINE_MAX).await;
    sleep(12 * SECOND).await;
    let ended = cluster.now();
    cluster.end(0).await;
    session.expect_nothing(DEPART_GRACE.saturating_sub(SECOND)).await;
    let received = session.expect(1, Status::Offline, OFFLINE_MAX).await;
    assert_eq!(received.last_seen_at, Some(ended));
    assert_eq!(cluster.stored(1).await, Some(ended));
}

#[tokio::test(start_paused = true)]
async fn last_seen_is_stored_while_present_by_that_policy() {
    let mut cluster = Cluster::open(0).await;
    cluster.last_seen_policy = LastSeenPolicy::WhilePresent;
    cluster.add_gateway();
    let _hold = cluster[0].tracker.hold_for_socket(device(1, 1));
    sleep(100 * SECOND).await;
    assert!(cluster.now().since(cluster.stored(1).await.unwrap()) <= LAST_SEEN_ERROR_MAX);
}

#[tokio::test(start_paused = true)]
async fn idle_devices_wait_in_no_queue_and_leave_nothing_behind() {
    let cluster = Cluster::open(1).await;
    assert!(size_of::<device::DeviceState>() + size_of::<(UserId, UserId)>() <= 160);
    let holds: Vec<_> =
        (1..=5_000).map(|n| cluster[0].tracker.hold_for_socket(device(n, n))).collect();
    sleep(ONLINE_MAX).await;
    assert_eq!(cluster.query(0, 5_000).await.status, Status::Online);
    {
        let devices = cluster[0].tracker.shared.devices.lock();
        assert_eq!((devices.len(), devices.waiting()), (5_000, 0), "idle devices wait in no queue");
    }
    drop(holds);
    sleep(OFFLINE_MAX).await;
    assert_eq!(cluster[0].tracker.shared.devices.lock().len(), 0);
    assert_eq!(user(1), device(1, 1).user);
}
