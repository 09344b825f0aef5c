//! Tests of watching sessions: visibility, order, timing and bounds.

use chat_core::limits::WATCHED_MAX;
use tokio::time::sleep;

use super::{
    super::TooManyWatched,
    SECOND,
    cluster::{Cluster, device, user},
};
use crate::{
    limits::{OFFLINE_MAX, ONLINE_MAX, REREAD_EVERY, VISIBILITY_TTL, WATCH_LEAD},
    model::{Presence, Status},
};

#[tokio::test(start_paused = true)]
async fn users_are_unknown_while_they_are_strangers() {
    let cluster = Cluster::open(2).await;
    cluster.strangers.0.lock().unwrap().insert(user(1));
    let mut session = cluster.session(1);
    assert_eq!(session.watcher.watch(&[user(1)]).await, Ok(vec![Presence::unknown(user(1))]));
    let hold = cluster[0].tracker.hold_for_socket(device(1, 1));
    session.expect_nothing(REREAD_EVERY).await;
    assert_eq!(cluster.query(0, 1).await, Presence::unknown(user(1)));
    cluster.strangers.0.lock().unwrap().clear();
    session.expect(1, Status::Online, REREAD_EVERY + SECOND).await;
    cluster.strangers.0.lock().unwrap().insert(user(1));
    sleep(VISIBILITY_TTL).await;
    drop(hold);
    let received = session.expect(1, Status::Unknown, OFFLINE_MAX).await;
    assert_eq!(received.last_seen_at, None);
    session.expect_nothing(60 * SECOND).await;
    assert_eq!(cluster.query(0, 1).await, Presence::unknown(user(1)));
}

#[tokio::test(start_paused = true)]
async fn new_acquaintance_is_visible_at_once() {
    let cluster = Cluster::open(1).await;
    cluster.strangers.0.lock().unwrap().insert(user(1));
    let _hold = cluster[0].tracker.hold_for_socket(device(1, 1));
    assert_eq!(cluster.query(0, 1).await, Presence::unknown(user(1)));
    cluster.strangers.0.lock().unwrap().clear();
    assert_eq!(cluster.query(0, 1).await.status, Status::Online);
}

#[tokio::test(start_paused = true)]
async fn changes_are_held_back_right_after_an_answer() {
    for offset in 0..60 {
        let cluster = Cluster::open(1).await;
        // Another session watches already, so the answer comes at once.
        let _other = cluster.watch(0, &[1]).await;
        let _hold = cluster[0].tracker.hold_for_socket(device(1, 1));
        sleep(offset * SECOND / 1_000).await;
        let mut session = cluster.session(0);
        let answer = session.watcher.watch(&[user(1)]).await.unwrap();
        let lead = WATCH_LEAD.saturating_sub(SECOND / 1_000);
        session.expect_nothing(lead).await;
        if answer[0].status == Status::Offline {
            session.expect(1, Status::Online, ONLINE_MAX).await;
        }
        session.expect_nothing(SECOND).await;
    }
}

#[tokio::test(start_paused = true)]
async fn watch_adds_no_user_when_the_list_exceeds_the_bound() {
    let cluster = Cluster::open(1).await;
    let session = cluster.session(0);
    let users: Vec<_> = (1..=WATCHED_MAX as u64).map(user).collect();
    assert_eq!(session.watcher.watch(&users[1..]).await.unwrap().len(), WATCHED_MAX - 1);
    let two = [user(900_000), user(900_001)];
    assert_eq!(session.watcher.watch(&two).await, Err(TooManyWatched));
    assert!(
        session.watcher.watch(&users).await.is_ok(),
        "users watched already do not count twice"
    );
    assert_eq!(session.watcher.watch(&two[..1]).await, Err(TooManyWatched));
    session.watcher.unwatch(&users[..1]);
    assert!(session.watcher.watch(&two[..1]).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn session_receives_nothing_after_unwatch() {
    let cluster = Cluster::open(2).await;
    let (mut one, mut other) = (cluster.watch(1, &[1, 2]).await, cluster.watch(1, &[1]).await);
    one.watcher.unwatch(&[user(1), user(3)]);
    let _holds = [1, 2].map(|id| cluster[0].tracker.hold_for_socket(device(id, 1)));
    one.expect(2, Status::Online, ONLINE_MAX).await;
    one.expect_nothing(60 * SECOND).await;
    other.expect(1, Status::Online, ONLINE_MAX).await;
    drop((one, other));
    sleep(SECOND).await;
    assert!(cluster[1].tracker.shared.watchers.lock().is_empty());
    let answer = cluster.session(1).watcher.watch(&[user(1), user(3)]).await.unwrap();
    let statuses: Vec<_> = answer.iter().map(|presence| presence.status).collect();
    assert_eq!(statuses, [Status::Online, Status::Offline]);
}

#[tokio::test(start_paused = true)]
async fn statuses_arrive_in_order_without_repeats() {
    let cluster = Cluster::open(2).await;
    let session = cluster.watch(1, &[1]).await;
    for step in 0..20_u32 {
        let hold = cluster[(step % 2) as usize].tracker.hold_for_socket(device(1, 1));
        sleep(SECOND / 10 * (step + 1)).await;
        drop(hold);
        sleep(SECOND * (step % 9)).await;
    }
    sleep(10 * SECOND).await;
    let received: Vec<_> = session.drain().iter().map(|presence| presence.status).collect();
    assert!(received.len() > 4, "{received:?}");
    assert_eq!(received.first(), Some(&Status::Online));
    assert!(received.windows(2).all(|pair| pair[0] != pair[1]), "{received:?}");
    assert_eq!(received.last(), Some(&Status::Offline));
}

#[tokio::test(start_paused = true)]
async fn thousand_sessions_are_notified_in_time() {
    let cluster = Cluster::open(2).await;
    let users: Vec<_> = (1..=50).collect();
    let mut sessions = Vec::new();
    for _ in 0..1_000 {
        sessions.push(cluster.watch(1, &users).await);
    }
    let _hold = cluster[0].tracker.hold_for_socket(device(7, 1));
    for session in &mut sessions {
        session.expect(7, Status::Online, ONLINE_MAX).await;
    }
}
