//! Leases and stores that fail: nothing false is said, and everything is right again in time.

use std::sync::atomic::Ordering;

use tokio::time::{Instant, sleep};

use super::{
    super::SEEN_EVERY,
    SECOND,
    scene::{Scene, device, user},
};
use crate::{
    limits::{
        ANSWER_WITHIN, CONVERGED_MAX, LEASE_TTL, OFFLINE_MAX, ONLINE_MAX, RENEW_EVERY,
        WATCH_ANSWER_MAX,
    },
    model::{Presence, Status},
};

#[tokio::test(start_paused = true)]
async fn nothing_is_known_while_the_leases_are_down_and_all_is_right_soon_after() {
    for (outage, forgets) in [(3, false), (14, false), (90, false), (1, true), (90, true)] {
        let scene = Scene::open(3).await;
        let mut eye = scene.watch(1, &[1, 2, 3]).await;
        let _here = [scene[0].tracker.arrive(device(1, 1)), scene[1].tracker.arrive(device(2, 1))];
        eye.expect_all(&[(1, Status::Online), (2, Status::Online)], ONLINE_MAX).await;
        sleep(7 * SECOND).await;
        scene.hub.fail();
        let unknown = [1, 2, 3].map(|user| (user, Status::Unknown));
        eye.expect_all(&unknown, ONLINE_MAX).await;
        for user in [1, 2, 3] {
            assert_eq!(scene.query(1, user).await.status, Status::Unknown);
        }
        eye.expect_nothing(outage * SECOND).await;
        if forgets {
            scene.hub.forget();
        }
        scene.hub.restore();
        let right = [(1, Status::Online), (2, Status::Online), (3, Status::Offline)];
        eye.expect_all(&right, CONVERGED_MAX).await;
        eye.expect_nothing(60 * SECOND).await;
    }
}

#[tokio::test(start_paused = true)]
async fn leases_that_forget_everything_in_a_moment_make_nobody_offline() {
    // Whichever gateway renews its lease first afterwards, and whatever the jitter.
    for offset in 0..25 {
        let mut scene = Scene::open(1).await;
        sleep(SECOND / 3).await;
        scene.add_gateway();
        sleep(SECOND).await;
        let users: Vec<_> = (1..=20).collect();
        let eye = scene.watch(1, &users).await;
        let holds: Vec<_> =
            users.iter().map(|id| scene[0].tracker.arrive(device(*id, 1))).collect();
        sleep(6 * SECOND + offset * SECOND / 5).await;
        scene.hub.fail();
        scene.hub.forget();
        scene.hub.restore();
        sleep(CONVERGED_MAX).await;
        let shown = eye.drain();
        assert!(shown.iter().all(|presence| presence.status != Status::Offline), "{shown:?}");
        assert_eq!(scene.query(1, 1).await.status, Status::Online);
        drop(holds);
        sleep(OFFLINE_MAX).await;
        assert_eq!(scene.query(1, 1).await.status, Status::Offline);
    }
}

#[tokio::test(start_paused = true)]
async fn devices_that_the_leases_lost_in_an_outage_are_published_again() {
    let scene = Scene::open(2).await;
    let _hold = scene[0].tracker.arrive(device(1, 1));
    sleep(6 * SECOND).await;
    scene.hub.fail();
    sleep(5 * SECOND).await;
    scene.hub.forget_devices();
    scene.hub.restore();
    sleep(CONVERGED_MAX).await;
    assert_eq!(scene.fields(1).await, 1);
    assert_eq!(scene.query(1, 1).await.status, Status::Online);
}

#[tokio::test(start_paused = true)]
async fn leases_that_hang_hold_up_nobody_and_are_unknown() {
    let scene = Scene::open(2).await;
    let mut eye = scene.watch(0, &[1]).await;
    let _hold = scene[0].tracker.arrive(device(1, 1));
    eye.expect(1, Status::Online, ONLINE_MAX).await;
    scene[0].hang.store(true, Ordering::Relaxed);
    eye.expect(1, Status::Unknown, RENEW_EVERY + 2 * ANSWER_WITHIN + SECOND / 10).await;
    let began = Instant::now();
    for _ in 0..20 {
        assert_eq!(scene.query(0, 1).await.status, Status::Unknown);
    }
    assert!(began.elapsed() <= 2 * ANSWER_WITHIN, "who hangs is not asked by everybody in turn");
    let answer = scene.eye(0).watcher.watch(&[user(1), user(2)]).await.unwrap();
    assert_eq!(answer, [1, 2].map(|id| Presence::unknown(user(id))));
    assert!(began.elapsed() <= 2 * ANSWER_WITHIN + WATCH_ANSWER_MAX);
    scene[0].hang.store(false, Ordering::Relaxed);
    eye.expect(1, Status::Online, CONVERGED_MAX).await;
}

#[tokio::test(start_paused = true)]
async fn who_left_during_an_outage_is_offline_after_it_with_the_right_last_seen() {
    for outage in [8, 60] {
        let scene = Scene::open(2).await;
        let mut eye = scene.watch(1, &[1]).await;
        let hold = scene[0].tracker.arrive(device(1, 1));
        eye.expect(1, Status::Online, ONLINE_MAX).await;
        sleep(9 * SECOND).await;
        scene.hub.fail();
        eye.expect(1, Status::Unknown, ONLINE_MAX).await;
        let left = scene.now();
        drop(hold);
        sleep(outage * SECOND).await;
        scene.hub.restore();
        sleep(CONVERGED_MAX).await;
        let last = eye.drain().pop().unwrap();
        assert_eq!((last.status, last.last_seen_at), (Status::Offline, Some(left)));
        assert_eq!(scene.fields(1).await, 0);
        assert_eq!(scene[0].tracker.shared.devices().len(), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn gateway_that_was_cut_off_publishes_its_devices_again() {
    let scene = Scene::open(2).await;
    let mut eye = scene.watch(1, &[1, 2]).await;
    let _stays = scene[0].tracker.arrive(device(1, 1));
    let leaves = scene[0].tracker.arrive(device(2, 1));
    eye.expect_all(&[(1, Status::Online), (2, Status::Online)], ONLINE_MAX).await;
    scene[0].leases.cut();
    drop(leaves);
    eye.expect_all(&[(1, Status::Offline), (2, Status::Offline)], LEASE_TTL + 5 * SECOND).await;
    assert_eq!(scene.query(0, 1).await.status, Status::Unknown, "the cut gateway knows nothing");
    sleep(30 * SECOND).await;
    scene[0].leases.mend();
    eye.expect(1, Status::Online, CONVERGED_MAX).await;
    eye.expect_nothing(60 * SECOND).await;
    assert_eq!(scene.fields(2).await, 0, "what was published before is buried");
    assert_eq!(scene.fields(1).await, 1);
}

#[tokio::test(start_paused = true)]
async fn last_seen_waits_for_a_store_that_is_down() {
    let scene = Scene::open(2).await;
    let mut eye = scene.watch(1, &[1]).await;
    let hold = scene[0].tracker.arrive(device(1, 1));
    eye.expect(1, Status::Online, ONLINE_MAX).await;
    let left = scene.now();
    drop(hold);
    scene.store.deny_for(30 * SECOND);
    let shown = eye.expect(1, Status::Offline, OFFLINE_MAX).await;
    assert_eq!(shown.last_seen_at, None, "not known is not false");
    sleep(30 * SECOND + SEEN_EVERY).await;
    assert_eq!(scene.kept(1).await, Some(left));
    assert_eq!(scene.query(1, 1).await.last_seen_at, Some(left));
}
