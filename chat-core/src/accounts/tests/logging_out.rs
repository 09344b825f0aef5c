//! Ending logins, and broadcasting their revocation.

use super::{
    super::*,
    world::{PASSWORD, World, advance},
};

#[tokio::test(start_paused = true)]
async fn ended_login_is_broadcast_and_gets_no_more_grants() {
    let mut world = World::new().await;
    let (_, first) = world.ada().await;
    let second = world.log_in().await;
    world.registry.log_out(second.identity(), first.login).await.unwrap();
    assert_eq!(world.broadcast(), [first.identity()]);
    assert_eq!(world.refresh(&first).await, Err(WRONG_TOKEN));
    world.registry.log_out(second.identity(), second.login).await.unwrap();
    assert_eq!(world.broadcast(), [second.identity()]);
    assert!(!world.is_active(&second).await);
}

#[tokio::test(start_paused = true)]
async fn log_out_is_refused_when_the_login_is_another_users() {
    let mut world = World::new().await;
    let (_, ada) = world.ada().await;
    let (_, bob) = world.registry.register("bob", PASSWORD, None, None).await.unwrap();
    let ended = world.registry.log_out(bob.identity(), ada.login).await;
    assert_eq!(ended, Err(ChatError::NotFound("session")));
    assert_eq!(world.broadcast(), []);
    assert!(world.is_active(&ada).await);
}

#[tokio::test(start_paused = true)]
async fn only_the_callers_own_login_can_be_ended_twice() {
    let world = World::new().await;
    let (_, first) = world.ada().await;
    let second = world.log_in().await;
    world.registry.log_out(first.identity(), first.login).await.unwrap();
    world.registry.log_out(first.identity(), first.login).await.unwrap();
    let refused = world.registry.log_out(second.identity(), first.login).await;
    assert_eq!(refused, Err(ChatError::NotFound("session")));
}

#[tokio::test(start_paused = true)]
async fn least_recently_used_login_ends_when_there_are_too_many() {
    let mut world = World::new().await;
    let (_, first) = world.ada().await;
    let mut grants = vec![first];
    for _ in 1..LOGINS_MAX {
        advance(1).await;
        grants.push(world.log_in().await);
    }
    let first = world.refresh(&grants[0]).await.unwrap();
    assert_eq!(world.broadcast(), []);
    world.log_in().await;
    assert_eq!(world.broadcast(), [grants[1].identity()]);
    assert!(world.is_active(&first).await);
    let logins = world.registry.logins(first.identity()).await.unwrap();
    assert_eq!(logins.len(), LOGINS_MAX);
}
