//! Who is shown what: only who watches, only who may see, in order, within bounds.

use chat_core::limits::WATCHED_MAX;
use tokio::time::sleep;

use super::{
    super::TooManyWatched,
    SECOND,
    scene::{Scene, device, user},
};
use crate::{
    limits::{KNOWN_FOR, OFFLINE_MAX, ONLINE_MAX, REREAD_EVERY, WATCH_LEAD},
    model::{Presence, Status},
};

#[tokio::test(start_paused = true)]
async fn strangers_are_unknown_until_they_are_acquainted_and_again_when_they_no_longer_are() {
    let scene = Scene::open(2).await;
    scene.strangers.0.lock().unwrap().insert(user(1));
    let mut eye = scene.eye(1);
    assert_eq!(eye.watcher.watch(&[user(1)]).await, Ok(vec![Presence::unknown(user(1))]));
    let hold = scene[0].tracker.arrive(device(1, 1));
    eye.expect_nothing(REREAD_EVERY).await;
    assert_eq!(scene.query(0, 1).await, Presence::unknown(user(1)));
    scene.strangers.0.lock().unwrap().clear();
    eye.expect(1, Status::Online, REREAD_EVERY + SECOND).await;
    scene.strangers.0.lock().unwrap().insert(user(1));
    sleep(KNOWN_FOR).await;
    drop(hold);
    let shown = eye.expect(1, Status::Unknown, OFFLINE_MAX).await;
    assert_eq!(shown.last_seen_at, None);
    eye.expect_nothing(60 * SECOND).await;
    assert_eq!(scene.query(0, 1).await, Presence::unknown(user(1)));
}

#[tokio::test(start_paused = true)]
async fn who_has_just_become_acquainted_is_known_at_once() {
    let scene = Scene::open(1).await;
    scene.strangers.0.lock().unwrap().insert(user(1));
    let _hold = scene[0].tracker.arrive(device(1, 1));
    assert_eq!(scene.query(0, 1).await, Presence::unknown(user(1)));
    scene.strangers.0.lock().unwrap().clear();
    assert_eq!(scene.query(0, 1).await.status, Status::Online);
}

#[tokio::test(start_paused = true)]
async fn change_right_after_the_answer_leaves_time_to_write_the_answer_first() {
    for offset in 0..60 {
        let scene = Scene::open(1).await;
        // Another session watches already, so that the answer comes at once.
        let _other = scene.watch(0, &[1]).await;
        let _hold = scene[0].tracker.arrive(device(1, 1));
        sleep(offset * SECOND / 1_000).await;
        let mut eye = scene.eye(0);
        let answer = eye.watcher.watch(&[user(1)]).await.unwrap();
        let lead = WATCH_LEAD.saturating_sub(SECOND / 1_000);
        eye.expect_nothing(lead).await;
        if answer[0].status == Status::Offline {
            eye.expect(1, Status::Online, ONLINE_MAX).await;
        }
        eye.expect_nothing(SECOND).await;
    }
}

#[tokio::test(start_paused = true)]
async fn session_watches_no_more_than_its_bound_and_all_or_none_of_a_list() {
    let scene = Scene::open(1).await;
    let eye = scene.eye(0);
    let users: Vec<_> = (1..=WATCHED_MAX as u64).map(user).collect();
    assert_eq!(eye.watcher.watch(&users[1..]).await.unwrap().len(), WATCHED_MAX - 1);
    let two = [user(900_000), user(900_001)];
    assert_eq!(eye.watcher.watch(&two).await, Err(TooManyWatched));
    assert!(eye.watcher.watch(&users).await.is_ok(), "the same ones again are no more");
    assert_eq!(eye.watcher.watch(&two[..1]).await, Err(TooManyWatched));
    eye.watcher.unwatch(&users[..1]);
    assert!(eye.watcher.watch(&two[..1]).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn who_does_not_watch_any_more_is_shown_nothing_and_leaves_nothing_behind() {
    let scene = Scene::open(2).await;
    let (mut one, mut other) = (scene.watch(1, &[1, 2]).await, scene.watch(1, &[1]).await);
    one.watcher.unwatch(&[user(1), user(3)]);
    let _holds = [1, 2].map(|id| scene[0].tracker.arrive(device(id, 1)));
    one.expect(2, Status::Online, ONLINE_MAX).await;
    one.expect_nothing(60 * SECOND).await;
    other.expect(1, Status::Online, ONLINE_MAX).await;
    drop((one, other));
    sleep(SECOND).await;
    assert!(scene[1].tracker.shared.watchers().is_empty());
    let answer = scene.eye(1).watcher.watch(&[user(1), user(3)]).await.unwrap();
    let statuses: Vec<_> = answer.iter().map(|presence| presence.status).collect();
    assert_eq!(statuses, [Status::Online, Status::Offline]);
}

#[tokio::test(start_paused = true)]
async fn statuses_are_shown_in_order_and_each_differs_from_the_one_before() {
    let scene = Scene::open(2).await;
    let eye = scene.watch(1, &[1]).await;
    for step in 0..20_u32 {
        let hold = scene[(step % 2) as usize].tracker.arrive(device(1, 1));
        sleep(SECOND / 10 * (step + 1)).await;
        drop(hold);
        sleep(SECOND * (step % 9)).await;
    }
    sleep(10 * SECOND).await;
    let shown: Vec<_> = eye.drain().iter().map(|presence| presence.status).collect();
    assert!(shown.len() > 4, "{shown:?}");
    assert_eq!(shown.first(), Some(&Status::Online));
    assert!(shown.windows(2).all(|pair| pair[0] != pair[1]), "{shown:?}");
    assert_eq!(shown.last(), Some(&Status::Offline));
}

#[tokio::test(start_paused = true)]
async fn thousand_sessions_that_watch_the_same_people_are_all_shown_in_time() {
    let scene = Scene::open(2).await;
    let users: Vec<_> = (1..=50).collect();
    let mut eyes = Vec::new();
    for _ in 0..1_000 {
        eyes.push(scene.watch(1, &users).await);
    }
    let _hold = scene[0].tracker.arrive(device(7, 1));
    for eye in &mut eyes {
        eye.expect(7, Status::Online, ONLINE_MAX).await;
    }
}
