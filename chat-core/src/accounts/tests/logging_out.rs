//! Ending logins, and broadcasting their revocation.

use super::{
    super::*,
    world::{PASSWORD, REQUEST_LOST, World, advance},
};

#[tokio::test(start_paused = true)]
async fn ended_login_is_broadcast_and_gets_no_more_grants() {
    let mut world = World::new().await;
    let (_, first) = world.ada().await;
    let second = world.log_in().await;
    world.registry.log_out(second.identity(), first.login).await.unwrap();
    assert_eq!(world.broadcast(), [first.identity()]);
    assert_eq!(world.refresh(&first).await, Err(WRONG_TOKEN));
    assert_eq!(world.broadcast(), [first.identity()], "the first hint may have been lost");
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

#[tokio::test(start_paused = true)]
async fn ended_login_is_kept_in_the_store_while_its_access_tokens_live() {
    let world = World::new().await;
    let (_, first) = world.ada().await;
    world.registry.log_out(first.identity(), first.login).await.unwrap();
    assert_eq!(world.kept().await, [first.identity()]);
    advance(604).await;
    assert_eq!(world.kept().await, [first.identity()]);
    advance(1).await;
    assert_eq!(world.kept().await, []);
}

#[tokio::test(start_paused = true)]
async fn all_other_logins_end_at_once() {
    let mut world = World::new().await;
    let (_, first) = world.ada().await;
    let (second, third) = (world.log_in().await, world.log_in().await);
    let (_, bob) = world.registry.register("bob", PASSWORD, None, None).await.unwrap();
    world.registry.log_out_others(second.identity()).await.unwrap();
    let mut ended = world.broadcast();
    ended.sort_by_key(|ended| ended.login);
    assert_eq!(ended, [first.identity(), third.identity()]);
    assert!(world.is_active(&second).await && world.is_active(&bob).await);
    assert!(!world.is_active(&first).await && !world.is_active(&third).await);
    world.registry.log_out_others(second.identity()).await.unwrap();
    assert_eq!(world.broadcast(), []);
}

const NEW_PASSWORD: &str = "another example password";

#[tokio::test(start_paused = true)]
async fn changed_password_ends_all_other_logins() {
    let mut world = World::new().await;
    let (user, first) = world.ada().await;
    let second = world.log_in().await;
    let registry = &world.registry;
    registry.change_password(second.identity(), PASSWORD, NEW_PASSWORD).await.unwrap();
    assert!(registry.log_in("ada", PASSWORD, None).await.is_err());
    assert_eq!(registry.log_in("ada", NEW_PASSWORD, None).await.unwrap().0, user);
    assert_eq!(world.broadcast(), [first.identity()]);
    assert!(world.is_active(&second).await && !world.is_active(&first).await);
}

#[tokio::test(start_paused = true)]
async fn password_stays_when_the_old_one_is_wrong_or_the_new_one_invalid() {
    let mut world = World::new().await;
    let (_, first) = world.ada().await;
    world.log_in().await;
    let registry = &world.registry;
    let changed = registry.change_password(first.identity(), NEW_PASSWORD, NEW_PASSWORD).await;
    assert_eq!(changed, Err(ChatError::WrongPassword("old_password")));
    let changed = registry.change_password(first.identity(), PASSWORD, "7 bytes").await;
    assert!(
        matches!(&changed, Err(ChatError::Invalid { field: Some(field), .. }) if field == "new_password"),
        "{changed:?}"
    );
    assert!(registry.log_in("ada", PASSWORD, None).await.is_ok());
    assert_eq!(world.broadcast(), []);
}

/// The store is slow to open the login, and the password changes meanwhile.
#[tokio::test(start_paused = true)]
async fn log_in_with_the_old_password_ends_when_the_password_changes_meanwhile() {
    let world = World::new().await;
    let (_, first) = world.ada().await;
    world.faults.next(&[REQUEST_LOST]);
    let registry = &world.registry;
    let (late, changed) = tokio::join!(registry.log_in("ada", PASSWORD, None), async {
        tokio::task::yield_now().await;
        registry.change_password(first.identity(), PASSWORD, NEW_PASSWORD).await
    });
    assert_eq!(changed, Ok(()));
    assert_eq!(late, Err(WRONG_PASSWORD));
    assert_eq!(registry.logins(first.identity()).await.unwrap().len(), 1);
}
