//! Stores that fail, or do not say whether they did.

use super::world::{
    Fault::{None as Fine, Unavailable, UnknownAfter, UnknownBefore},
    PASSWORD, World,
};
use crate::error::ErrorCode;

#[tokio::test(start_paused = true)]
async fn unknown_outcomes_of_a_registration_are_found_out() {
    for faults in [[UnknownAfter, Fine], [UnknownBefore, Fine], [Fine, UnknownAfter]] {
        let world = World::new().await;
        world.faults.next(&faults);
        let (user, grant) = world.ada().await;
        assert_eq!(world.registry.me(grant.identity()).await.unwrap(), user);
        assert!(world.refresh(&grant).await.is_ok());
    }
}

#[tokio::test(start_paused = true)]
async fn registration_that_is_unavailable_did_nothing() {
    for faults in [vec![Unavailable], vec![Fine, Unavailable]] {
        let world = World::new().await;
        world.faults.next(&faults);
        let failed = world.registry.register("ada", PASSWORD, None, None).await.unwrap_err();
        assert_eq!(failed.code(), ErrorCode::Unavailable);
        assert_eq!(world.registry.search("ada", 1).await.unwrap(), []);
        world.ada().await;
    }
}

#[tokio::test(start_paused = true)]
async fn refresh_whose_outcome_is_unknown_is_found_out() {
    for fault in [UnknownAfter, UnknownBefore] {
        let mut world = World::new().await;
        let (_, first) = world.ada().await;
        world.faults.next(&[fault, fault, fault]);
        let next = world.refresh(&first).await.unwrap();
        assert!(world.refresh(&next).await.is_ok());
        assert_eq!(world.told(), []);
    }
}

#[tokio::test(start_paused = true)]
async fn refresh_that_is_unavailable_used_nothing_up() {
    let world = World::new().await;
    let (_, first) = world.ada().await;
    world.faults.next(&[Unavailable]);
    assert_eq!(world.refresh(&first).await.unwrap_err().code(), ErrorCode::Unavailable);
    super::world::pass(60).await;
    assert!(world.refresh(&first).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn outcome_once_unknown_is_never_called_surely_not_done() {
    let world = World::new().await;
    let (_, first) = world.ada().await;
    world.faults.next(&[UnknownAfter]);
    world.faults.next(&[Unavailable; 1_000]);
    assert_eq!(world.refresh(&first).await.unwrap_err().code(), ErrorCode::OutcomeUnknown);
}

#[tokio::test(start_paused = true)]
async fn log_out_that_may_be_done_is_told_and_one_that_is_not_done_is_not() {
    let mut world = World::new().await;
    let (_, grant) = world.ada().await;
    world.faults.next(&[Unavailable]);
    let failed = world.registry.log_out(grant.identity(), grant.login).await.unwrap_err();
    assert_eq!((failed.code(), world.told()), (ErrorCode::Unavailable, vec![]));
    world.faults.next(&[UnknownAfter]);
    world.registry.log_out(grant.identity(), grant.login).await.unwrap();
    assert_eq!(world.told(), [grant.identity()]);
    world.faults.next(&[UnknownBefore; 1_000]);
    let failed = world.registry.log_out(grant.identity(), grant.login).await.unwrap_err();
    assert_eq!(failed.code(), ErrorCode::OutcomeUnknown);
    assert_eq!(world.told(), [grant.identity()]);
}
