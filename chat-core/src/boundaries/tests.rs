//! Tests of [`super`].

use super::*;
use crate::memory::MemoryStores;

fn user(number: u64) -> UserId {
    UserId::new(number).unwrap()
}

#[tokio::test(start_paused = true)]
async fn boundary_is_read_again_when_it_is_old_or_has_changed() {
    let store = MemoryStores::new().boundaries;
    let recent = RecentBoundaries::default();
    let blocks = async || recent.get(&*store, user(1)).await.unwrap().blocks(user(2));
    assert!(!blocks().await);
    store.set_block(user(1), user(2), true).await.unwrap();
    assert!(!blocks().await, "it is kept for a moment");
    recent.forget(user(1));
    assert!(blocks().await);
    store.set_block(user(1), user(2), false).await.unwrap();
    tokio::time::advance(BOUNDARY_TTL).await;
    assert!(!blocks().await);
}

#[tokio::test(start_paused = true)]
async fn boundary_is_not_kept_when_it_changed_while_it_was_read() {
    let recent = RecentBoundaries::default();
    let asked = Instant::now();
    tokio::time::advance(std::time::Duration::from_millis(1)).await;
    recent.forget(user(1));
    recent.keep(user(1), Kept { at: asked, boundary: Some(Arc::default()) });
    assert!(recent.0.shard(1).get(&user(1)).unwrap().boundary.is_none());
}

#[tokio::test(start_paused = true)]
async fn kept_boundaries_are_bounded() {
    let recent = RecentBoundaries::default();
    let boundary = Arc::new(Boundary { blocked: vec![user(9); 1_000], ..Boundary::default() });
    for number in 1..=20_000 {
        let boundary = if number % 2 == 0 { boundary.clone() } else { Arc::default() };
        recent.keep(user(number), Kept { at: Instant::now(), boundary: Some(boundary) });
    }
    let (mut users, mut blocks) = (0, 0);
    for shard in recent.0.shards() {
        users += shard.len();
        blocks += shard.values().map(Kept::blocks).sum::<usize>();
    }
    assert!(users <= BOUNDARIES_KEPT_MAX, "{users}");
    assert!(blocks <= BLOCKS_KEPT_MAX, "{blocks}");
    assert!(users > 100, "{users}");
}
