//! Exchanging refresh tokens: rotation, lost answers, reuse.

use super::{
    super::*,
    world::{World, advance},
};

#[tokio::test(start_paused = true)]
async fn repeated_refreshes_extend_one_login() {
    let mut world = World::new().await;
    let (_, first) = world.ada().await;
    let mut newest = first.clone();
    for _ in 0..5 {
        advance(600).await;
        let next = world.refresh(&newest).await.unwrap();
        assert_eq!(next.identity(), first.identity());
        assert_ne!(next.refresh_token, newest.refresh_token);
        newest = next;
    }
    let logins = world.registry.logins(first.identity()).await.unwrap();
    assert_eq!(logins.len(), 1);
    assert_eq!(logins[0].used_at.since(logins[0].created_at).as_secs(), 3_000);
    assert_eq!(logins[0].expires_at, logins[0].used_at.after(REFRESH_TTL));
    assert_eq!(world.broadcast(), []);
}

#[tokio::test(start_paused = true)]
async fn refresh_can_be_repeated_until_its_tokens_are_used() {
    let mut world = World::new().await;
    let (_, first) = world.ada().await;
    let next = world.refresh(&first).await.unwrap();
    for _ in 0..3 {
        advance(24 * 3_600).await;
        assert_eq!(world.refresh(&first).await.unwrap(), next);
    }
    assert!(world.refresh(&next).await.is_ok());
    assert_eq!(world.broadcast(), []);
}

#[tokio::test(start_paused = true)]
async fn login_ends_when_an_old_token_is_used_after_the_new_access_token() {
    let mut world = World::new().await;
    let (_, first) = world.ada().await;
    let next = world.refresh(&first).await.unwrap();
    world.use_token(&next).await;
    assert_eq!(world.refresh(&first).await, Err(WRONG_TOKEN));
    assert_eq!(world.broadcast(), [first.identity()]);
    assert_eq!(world.kept().await, [first.identity()]);
    assert_eq!(world.refresh(&next).await, Err(WRONG_TOKEN));
    assert!(!world.is_active(&first).await);
}

#[tokio::test(start_paused = true)]
async fn use_of_an_older_access_token_does_not_end_the_repeats_of_a_newer_refresh() {
    let world = World::new().await;
    let (_, first) = world.ada().await;
    let second = world.refresh(&first).await.unwrap();
    let third = world.refresh(&second).await.unwrap();
    world.use_token(&second).await;
    assert_eq!(world.refresh(&second).await.unwrap(), third);
}

#[tokio::test(start_paused = true)]
async fn login_ends_at_its_maximum_age_when_it_is_refreshed_often() {
    let mut world = World::new().await;
    let (_, mut grant) = world.ada().await;
    for _ in 0..3 {
        advance(29 * 24 * 3_600).await;
        grant = world.refresh(&grant).await.unwrap();
    }
    advance(3 * 24 * 3_600 - 1).await;
    grant = world.refresh(&grant).await.unwrap();
    assert!(world.is_active(&grant).await);
    advance(1).await;
    assert_eq!(world.refresh(&grant).await, Err(WRONG_TOKEN));
    assert!(!world.is_active(&grant).await);
    assert_eq!(world.broadcast(), []);
}

#[tokio::test(start_paused = true)]
async fn login_ends_when_a_token_is_used_after_its_successor() {
    let mut world = World::new().await;
    let (_, first) = world.ada().await;
    let other = world.log_in().await;
    let next = world.refresh(&first).await.unwrap();
    let newest = world.refresh(&next).await.unwrap();
    assert_eq!(world.refresh(&first).await, Err(WRONG_TOKEN));
    assert_eq!(world.broadcast(), [first.identity()]);
    assert_eq!(world.refresh(&newest).await, Err(WRONG_TOKEN));
    assert!(world.refresh(&other).await.is_ok(), "the other device has its own login");
}

#[tokio::test(start_paused = true)]
async fn token_is_refused_when_it_has_expired() {
    let mut world = World::new().await;
    let (_, grant) = world.ada().await;
    advance(REFRESH_TTL.as_secs()).await;
    assert_eq!(world.refresh(&grant).await, Err(WRONG_TOKEN));
    assert_eq!(world.broadcast(), []);
}

#[tokio::test(start_paused = true)]
async fn forged_token_is_refused_and_does_not_end_the_login() {
    let mut world = World::new().await;
    let (_, grant) = world.ada().await;
    let other_key = RefreshKey::from_secret(b"not the secret");
    let forged = RefreshToken::random(grant.login, &other_key).unwrap().reveal();
    for bad in ["", "nonsense", &forged] {
        assert_eq!(world.registry.refresh(bad).await, Err(WRONG_TOKEN));
    }
    assert!(world.refresh(&grant).await.is_ok());
    assert_eq!(world.broadcast(), []);
}
