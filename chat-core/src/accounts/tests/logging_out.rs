//! Ending logins, and who hears of it.

use super::{
    super::*,
    world::{PASSWORD, World, pass},
};

#[tokio::test(start_paused = true)]
async fn login_that_was_ended_is_told_and_gets_no_more_grants() {
    let mut world = World::new().await;
    let (_, first) = world.ada().await;
    let second = world.log_in().await;
    world.registry.log_out(second.identity(), first.login).await.unwrap();
    assert_eq!(world.told(), [first.identity()]);
    assert_eq!(world.refresh(&first).await, Err(WRONG_TOKEN));
    world.registry.log_out(second.identity(), second.login).await.unwrap();
    assert_eq!(world.told(), [second.identity()]);
    assert!(!world.stands(&second).await);
}

#[tokio::test(start_paused = true)]
async fn nobody_ends_the_login_of_another() {
    let mut world = World::new().await;
    let (_, ada) = world.ada().await;
    let (_, bob) = world.registry.register("bob", PASSWORD, None, None).await.unwrap();
    let ended = world.registry.log_out(bob.identity(), ada.login).await;
    assert_eq!(ended, Err(ChatError::NotFound("session")));
    assert_eq!(world.told(), []);
    assert!(world.stands(&ada).await);
}

#[tokio::test(start_paused = true)]
async fn own_login_can_be_ended_twice_and_anothers_once() {
    let world = World::new().await;
    let (_, first) = world.ada().await;
    let second = world.log_in().await;
    world.registry.log_out(first.identity(), first.login).await.unwrap();
    world.registry.log_out(first.identity(), first.login).await.unwrap();
    let again = world.registry.log_out(second.identity(), first.login).await;
    assert_eq!(again, Err(ChatError::NotFound("session")));
}

#[tokio::test(start_paused = true)]
async fn login_unused_longest_makes_room_and_is_told() {
    let mut world = World::new().await;
    let (_, first) = world.ada().await;
    let mut grants = vec![first];
    for _ in 1..LOGINS_MAX {
        pass(1).await;
        grants.push(world.log_in().await);
    }
    let first = world.refresh(&grants[0]).await.unwrap();
    assert_eq!(world.told(), []);
    world.log_in().await;
    assert_eq!(world.told(), [grants[1].identity()]);
    assert!(world.stands(&first).await);
    let logins = world.registry.logins(first.identity()).await.unwrap();
    assert_eq!(logins.len(), LOGINS_MAX);
}
