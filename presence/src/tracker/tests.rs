//! Several gateways on one hub, on paused time: what watchers and the store are told, and when.

mod failures;
mod hanging;
mod random;
mod scene;
mod watching;

use std::time::Duration;

use chat_core::id::UserId;
use tokio::time::sleep;

use self::scene::{Scene, device, user};
use super::*;
use crate::{
    limits::{
        AWAY_AFTER, BURY_JITTER_MAX, BURY_RETRY_AFTER, GATEWAY_KILLED_MAX, LAST_SEEN_ERROR_MAX,
        OFFLINE_MAX, ONLINE_MAX, POLL_LINGER,
    },
    model::{Activity, Status},
};

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test(start_paused = true)]
async fn online_shows_at_other_gateways_in_time_and_offline_after_the_grace() {
    let scene = Scene::open(2).await;
    let mut eye = scene.watch(1, &[1]).await;
    let hold = scene[0].tracker.arrive(device(1, 1));
    eye.expect(1, Status::Online, ONLINE_MAX).await;
    sleep(60 * SECOND).await;
    let left = scene.now();
    drop(hold);
    eye.expect_nothing(DEPART_GRACE.saturating_sub(SECOND / 10)).await;
    let shown = eye.expect(1, Status::Offline, OFFLINE_MAX.saturating_sub(DEPART_GRACE)).await;
    assert_eq!(shown.last_seen_at, Some(left));
    assert_eq!(scene.query(0, 1).await, shown);
    assert_eq!(scene.kept(1).await, Some(left));
    assert_eq!(scene[0].tracker.shared.devices().len(), 0, "nothing is kept of who left");
}

#[tokio::test(start_paused = true)]
async fn who_is_here_is_online_at_the_own_gateway_at_once() {
    let scene = Scene::open(1).await;
    let hold = scene[0].tracker.arrive(device(1, 1));
    assert_eq!(scene.query(0, 1).await.status, Status::Online);
    drop(hold);
    assert_eq!(scene.query(0, 1).await.status, Status::Online, "during the grace");
}

#[tokio::test(start_paused = true)]
async fn reconnect_within_the_grace_shows_nothing_at_the_same_and_at_another_gateway() {
    let scene = Scene::open(2).await;
    let mut eye = scene.watch(1, &[1]).await;
    let mut hold = scene[0].tracker.arrive(device(1, 1));
    eye.expect(1, Status::Online, ONLINE_MAX).await;
    for gateway in [0, 0, 1, 0] {
        drop(hold);
        sleep(DEPART_GRACE.saturating_sub(SECOND)).await;
        hold = scene[gateway].tracker.arrive(device(1, 1));
        eye.expect_nothing(10 * SECOND).await;
    }
}

#[tokio::test(start_paused = true)]
async fn user_is_here_until_the_last_of_several_sockets_and_devices_is_gone() {
    let scene = Scene::open(2).await;
    let mut eye = scene.watch(0, &[1]).await;
    let sockets = [(0, 1), (0, 1), (0, 2), (1, 1), (1, 3)];
    let mut holds: Vec<_> =
        sockets.iter().map(|(at, login)| scene[*at].tracker.arrive(device(1, *login))).collect();
    eye.expect(1, Status::Online, ONLINE_MAX).await;
    assert_eq!(scene.fields(1).await, 4, "sockets of one login are one device");
    while holds.len() > 1 {
        holds.pop();
        eye.expect_nothing(10 * SECOND).await;
    }
    holds.pop();
    eye.expect(1, Status::Offline, OFFLINE_MAX).await;
    assert_eq!(scene.fields(1).await, 0);
}

#[tokio::test(start_paused = true)]
async fn away_shows_when_all_sockets_are_away_for_longer_than_a_moment() {
    let scene = Scene::open(2).await;
    let mut eye = scene.watch(1, &[1]).await;
    let (one, other) =
        (scene[0].tracker.arrive(device(1, 1)), scene[0].tracker.arrive(device(1, 2)));
    eye.expect(1, Status::Online, ONLINE_MAX).await;
    one.turn(Activity::Away);
    eye.expect_nothing(10 * SECOND).await;
    other.turn(Activity::Away);
    sleep(AWAY_AFTER / 2).await;
    other.turn(Activity::Online);
    eye.expect_nothing(10 * SECOND).await;
    other.turn(Activity::Away);
    let shown = eye.expect(1, Status::Away, ONLINE_MAX).await;
    assert_eq!(shown.last_seen_at, None);
    let third = scene[0].tracker.arrive(device(1, 1));
    eye.expect(1, Status::Online, ONLINE_MAX).await;
    drop(third);
    eye.expect(1, Status::Away, ONLINE_MAX).await;
    drop((one, other));
    eye.expect(1, Status::Offline, OFFLINE_MAX).await;
}

#[tokio::test(start_paused = true)]
async fn poll_holds_its_device_until_the_next_one_is_long_overdue() {
    let scene = Scene::open(2).await;
    let mut eye = scene.watch(1, &[1]).await;
    let mut ended = scene.now();
    for _ in 0..3 {
        let poll = scene[0].tracker.poll(device(1, 1));
        sleep(25 * SECOND).await;
        drop(poll);
        ended = scene.now();
        sleep(40 * SECOND).await;
    }
    eye.expect(1, Status::Online, Duration::ZERO).await;
    eye.expect_nothing(POLL_LINGER.saturating_sub(41 * SECOND)).await;
    let shown = eye.expect(1, Status::Offline, 3 * SECOND).await;
    assert_eq!(shown.last_seen_at, Some(ended));
}

#[tokio::test(start_paused = true)]
async fn socket_that_closes_does_not_shorten_what_a_poll_holds() {
    let scene = Scene::open(1).await;
    let poll = scene[0].tracker.poll(device(1, 1));
    let socket = scene[0].tracker.arrive(device(1, 1));
    drop(poll);
    drop(socket);
    sleep(POLL_LINGER.saturating_sub(SECOND)).await;
    assert_eq!(scene.query(0, 1).await.status, Status::Online);
    sleep(3 * SECOND).await;
    assert_eq!(scene.query(0, 1).await.status, Status::Offline);
}

#[tokio::test(start_paused = true)]
async fn connection_found_dead_counts_no_longer_and_was_seen_when_it_was_heard() {
    let scene = Scene::open(2).await;
    let mut eye = scene.watch(1, &[1]).await;
    let hold = scene[0].tracker.arrive(device(1, 1));
    eye.expect(1, Status::Online, ONLINE_MAX).await;
    let heard = scene.now();
    sleep(45 * SECOND).await;
    hold.cut(heard);
    let shown = eye.expect(1, Status::Offline, ONLINE_MAX).await;
    assert_eq!(shown.last_seen_at, Some(heard));
}

#[tokio::test(start_paused = true)]
async fn killed_gateways_devices_end_in_time_with_the_right_last_seen() {
    for offset in 0..7 {
        let scene = Scene::open(3).await;
        let mut eye = scene.watch(1, &[1, 2]).await;
        let _holds = [1, 2].map(|user| scene[0].tracker.arrive(device(user, 1)));
        let _elsewhere = scene[2].tracker.arrive(device(2, 2));
        eye.expect_all(&[(1, Status::Online), (2, Status::Online)], ONLINE_MAX).await;
        sleep(20 * SECOND + offset * SECOND * 3 / 4).await;
        let killed = scene.now();
        scene.kill(0);
        let shown = eye.expect(1, Status::Offline, GATEWAY_KILLED_MAX).await;
        eye.expect_nothing(20 * SECOND).await;
        let seen = shown.last_seen_at.unwrap();
        assert!(seen <= killed && killed.since(seen) <= LAST_SEEN_ERROR_MAX / 3, "{seen} {killed}");
        assert_eq!(scene.query(2, 1).await, shown);
        assert_eq!(scene.kept(1).await, Some(seen), "who notices keeps it");
        assert_eq!(scene.fields(1).await, 0, "and buries the gateway");
        assert_eq!(scene.fields(2).await, 1);
    }
}

#[tokio::test(start_paused = true)]
async fn gateway_that_cannot_be_buried_keeps_no_other_one_from_its_grave() {
    let scene = Scene::open(3).await;
    let _holds = [0, 1].map(|at| scene[at].tracker.arrive(device(at as u64 + 1, 1)));
    sleep(10 * SECOND).await;
    let ids = [0, 1].map(|at| scene[at].tracker.shared.devices().gateway());
    *scene.unburied.lock().unwrap() = ids.into_iter().min();
    let (stuck, other) = if ids[0] < ids[1] { (1, 2) } else { (2, 1) };
    scene.kill(0);
    scene.kill(1);
    sleep(GATEWAY_KILLED_MAX + 2 * BURY_RETRY_AFTER + 2 * BURY_JITTER_MAX).await;
    assert_eq!((scene.fields(stuck).await, scene.fields(other).await), (1, 0));
    *scene.unburied.lock().unwrap() = None;
    sleep(BURY_RETRY_AFTER + BURY_JITTER_MAX + SECOND).await;
    assert_eq!(scene.fields(stuck).await, 0);
    assert!(scene.kept(stuck).await.is_some());
}

#[tokio::test(start_paused = true)]
async fn all_gateways_killed_leave_the_right_last_seen_to_the_next_one() {
    let mut scene = Scene::open(1).await;
    let _hold = scene[0].tracker.arrive(device(1, 1));
    sleep(33 * SECOND).await;
    let killed = scene.now();
    scene.kill(0);
    sleep(3_600 * SECOND).await;
    let next = scene.add_gateway();
    sleep(20 * SECOND).await;
    let shown = scene.query(next, 1).await;
    assert_eq!(shown.status, Status::Offline);
    let seen = shown.last_seen_at.unwrap();
    assert!(seen <= killed && killed.since(seen) <= LAST_SEEN_ERROR_MAX);
    assert_eq!(scene.kept(1).await, Some(seen));
}

#[tokio::test(start_paused = true)]
async fn gateway_that_ends_leaves_nothing_behind_after_the_grace() {
    let scene = Scene::open(2).await;
    let mut eye = scene.watch(1, &[1]).await;
    let _hold = scene[0].tracker.arrive(device(1, 1));
    eye.expect(1, Status::Online, ONLINE_MAX).await;
    sleep(12 * SECOND).await;
    let ended = scene.now();
    scene.end(0).await;
    eye.expect_nothing(DEPART_GRACE.saturating_sub(SECOND)).await;
    let shown = eye.expect(1, Status::Offline, OFFLINE_MAX).await;
    assert_eq!(shown.last_seen_at, Some(ended));
    assert_eq!(scene.kept(1).await, Some(ended));
}

#[tokio::test(start_paused = true)]
async fn last_seen_of_leases_that_end_with_the_process_is_kept_while_present() {
    let mut scene = Scene::open(0).await;
    scene.keeping = Keeping::WhilePresent;
    scene.add_gateway();
    let _hold = scene[0].tracker.arrive(device(1, 1));
    sleep(100 * SECOND).await;
    assert!(scene.now().since(scene.kept(1).await.unwrap()) <= LAST_SEEN_ERROR_MAX);
}

#[tokio::test(start_paused = true)]
async fn five_thousand_idle_users_cost_little_and_go_without_a_trace() {
    let scene = Scene::open(1).await;
    assert!(size_of::<record::Record>() + size_of::<(UserId, UserId)>() <= 160);
    let holds: Vec<_> = (1..=5_000).map(|n| scene[0].tracker.arrive(device(n, n))).collect();
    sleep(ONLINE_MAX).await;
    assert_eq!(scene.query(0, 5_000).await.status, Status::Online);
    {
        let devices = scene[0].tracker.shared.devices();
        assert_eq!((devices.len(), devices.waiting()), (5_000, 0), "idle devices wait in no queue");
    }
    drop(holds);
    sleep(OFFLINE_MAX).await;
    assert_eq!(scene[0].tracker.shared.devices().len(), 0);
    assert_eq!(user(1), device(1, 1).user);
}
