//! Stores that fail, with a known or an unknown outcome.

use super::world::{ANSWER_LOST, FINE, PASSWORD, REQUEST_LOST, UNAVAILABLE, World};
use crate::{accounts::WRONG_TOKEN, error::ErrorCode};

#[tokio::test(start_paused = true)]
async fn registration_is_retried_when_its_outcome_is_unknown() {
    for faults in [[ANSWER_LOST, FINE], [REQUEST_LOST, FINE], [FINE, ANSWER_LOST]] {
        let world = World::new().await;
        world.faults.next(&faults);
        let (user, grant) = world.ada().await;
        assert_eq!(world.registry.me(grant.identity()).await.unwrap(), user);
        assert!(world.refresh(&grant).await.is_ok());
    }
}

#[tokio::test(start_paused = true)]
async fn registration_changes_nothing_when_the_store_is_unavailable() {
    for faults in [vec![UNAVAILABLE], vec![FINE, UNAVAILABLE]] {
        let world = World::new().await;
        world.faults.next(&faults);
        let failed = world.registry.register("ada", PASSWORD, None, None).await.unwrap_err();
        assert_eq!(failed.code(), ErrorCode::Unavailable);
        assert_eq!(world.registry.search("ada", 1).await.unwrap(), []);
        world.ada().await;
    }
}

#[tokio::test(start_paused = true)]
async fn refresh_is_retried_when_its_outcome_is_unknown() {
    for fault in [ANSWER_LOST, REQUEST_LOST] {
        let mut world = World::new().await;
        let (_, first) = world.ada().await;
        world.faults.next(&[fault, fault, fault]);
        let next = world.refresh(&first).await.unwrap();
        assert!(world.refresh(&next).await.is_ok());
        assert_eq!(world.broadcast(), []);
    }
}

#[tokio::test(start_paused = true)]
async fn refresh_keeps_the_token_valid_when_the_store_is_unavailable() {
    let world = World::new().await;
    let (_, first) = world.ada().await;
    world.faults.next(&[UNAVAILABLE]);
    assert_eq!(world.refresh(&first).await.unwrap_err().code(), ErrorCode::Unavailable);
    super::world::advance(60).await;
    assert!(world.refresh(&first).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn outcome_stays_unknown_when_later_attempts_are_unavailable() {
    let world = World::new().await;
    let (_, first) = world.ada().await;
    world.faults.next(&[ANSWER_LOST]);
    world.faults.next(&[UNAVAILABLE; 1_000]);
    assert_eq!(world.refresh(&first).await.unwrap_err().code(), ErrorCode::OutcomeUnknown);
}

#[tokio::test(start_paused = true)]
async fn failed_log_out_is_not_broadcast() {
    let mut world = World::new().await;
    let (_, grant) = world.ada().await;
    world.faults.next(&[UNAVAILABLE]);
    let failed = world.registry.log_out(grant.identity(), grant.login).await.unwrap_err();
    assert_eq!((failed.code(), world.broadcast()), (ErrorCode::Unavailable, vec![]));
}

#[tokio::test(start_paused = true)]
async fn log_out_is_broadcast_when_its_outcome_is_unknown() {
    let mut world = World::new().await;
    let (_, grant) = world.ada().await;
    world.faults.next(&[ANSWER_LOST]);
    world.registry.log_out(grant.identity(), grant.login).await.unwrap();
    assert_eq!(world.broadcast(), [grant.identity()]);
    world.faults.next(&[REQUEST_LOST; 1_000]);
    let failed = world.registry.log_out(grant.identity(), grant.login).await.unwrap_err();
    assert_eq!(failed.code(), ErrorCode::OutcomeUnknown);
    assert_eq!(world.broadcast(), [grant.identity()]);
}

#[tokio::test(start_paused = true)]
async fn search_does_not_ask_the_store_when_no_name_can_match() {
    let world = World::new().await;
    let (ada, _) = world.ada().await;
    world.faults.next(&[UNAVAILABLE]);
    for query in ["~", "%!", "\u{1F98A}", "\0"] {
        assert_eq!(world.registry.search(query, 10).await.unwrap(), [], "{query:?}");
    }
    let failed = world.registry.search("ad", 10).await.unwrap_err();
    assert_eq!(failed.code(), ErrorCode::Unavailable);
    assert_eq!(world.registry.search("AD", 10).await.unwrap(), [ada]);
}

#[tokio::test(start_paused = true)]
async fn everybody_learns_of_a_login_that_ended_before_anybody_was_told() {
    for faults in [vec![ANSWER_LOST], vec![ANSWER_LOST, UNAVAILABLE]] {
        let mut world = World::new().await;
        let (_, first) = world.ada().await;
        let second = world.refresh(&first).await.unwrap();
        world.use_token(&second).await;
        world.faults.next(&faults);
        let reused = world.refresh(&first).await;
        let next = if reused == Err(WRONG_TOKEN) { reused } else { world.refresh(&second).await };
        assert_eq!(next, Err(WRONG_TOKEN));
        assert_eq!(world.broadcast(), [first.identity()]);
        assert!(!world.is_active(&second).await);
    }
}
