//! Exchanging refresh tokens: rotation, lost answers, reuse.

use super::{
    super::*,
    world::{World, pass},
};

#[tokio::test(start_paused = true)]
async fn chain_of_refreshes_stays_one_login() {
    let mut world = World::new().await;
    let (_, first) = world.ada().await;
    let mut newest = first.clone();
    for _ in 0..5 {
        pass(600).await;
        let next = world.refresh(&newest).await.unwrap();
        assert_eq!(next.identity(), first.identity());
        assert_ne!(next.refresh_token, newest.refresh_token);
        newest = next;
    }
    let logins = world.registry.logins(first.identity()).await.unwrap();
    assert_eq!(logins.len(), 1);
    assert_eq!(logins[0].used_at.since(logins[0].created_at).as_secs(), 3_000);
    assert_eq!(logins[0].expires_at, logins[0].used_at.after(REFRESH_TTL));
    assert_eq!(world.told(), []);
}

#[tokio::test(start_paused = true)]
async fn lost_answer_is_given_again_for_ten_seconds() {
    let mut world = World::new().await;
    let (_, first) = world.ada().await;
    let next = world.refresh(&first).await.unwrap();
    pass(10).await;
    assert_eq!(world.refresh(&first).await.unwrap(), next);
    assert!(world.refresh(&next).await.is_ok());
    assert_eq!(world.told(), []);
}

#[tokio::test(start_paused = true)]
async fn old_token_used_late_ends_the_login() {
    let mut world = World::new().await;
    let (_, first) = world.ada().await;
    let next = world.refresh(&first).await.unwrap();
    pass(11).await;
    assert_eq!(world.refresh(&first).await, Err(WRONG_TOKEN));
    assert_eq!(world.told(), [first.identity()]);
    assert_eq!(world.refresh(&next).await, Err(WRONG_TOKEN));
    assert!(!world.stands(&first).await);
}

#[tokio::test(start_paused = true)]
async fn token_whose_successor_was_exchanged_ends_the_login_at_once() {
    let mut world = World::new().await;
    let (_, first) = world.ada().await;
    let other = world.log_in().await;
    let next = world.refresh(&first).await.unwrap();
    let newest = world.refresh(&next).await.unwrap();
    assert_eq!(world.refresh(&first).await, Err(WRONG_TOKEN));
    assert_eq!(world.refresh(&newest).await, Err(WRONG_TOKEN));
    assert_eq!(world.told(), [first.identity()]);
    assert!(world.refresh(&other).await.is_ok(), "another device is another family");
}

#[tokio::test(start_paused = true)]
async fn token_left_alone_runs_out() {
    let mut world = World::new().await;
    let (_, grant) = world.ada().await;
    pass(REFRESH_TTL.as_secs()).await;
    assert_eq!(world.refresh(&grant).await, Err(WRONG_TOKEN));
    assert_eq!(world.told(), []);
}

#[tokio::test(start_paused = true)]
async fn token_that_this_server_never_made_ends_nothing() {
    let mut world = World::new().await;
    let (_, grant) = world.ada().await;
    let guessed = RefreshKey::from_secret(b"not the secret");
    let forged = RefreshToken::fresh(grant.login, &guessed).unwrap().reveal();
    for bad in ["", "nonsense", &forged] {
        assert_eq!(world.registry.refresh(bad).await, Err(WRONG_TOKEN));
    }
    assert!(world.refresh(&grant).await.is_ok());
    assert_eq!(world.told(), []);
}
