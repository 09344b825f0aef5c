//! Registering, logging in, and looking people up.

use super::{
    super::*,
    world::{PASSWORD, REQUEST_LOST, World},
};
use crate::{error::ErrorCode, memory::MemoryStores};

fn field(error: ChatError) -> Option<String> {
    let ChatError::Invalid { field, .. } = error else { unreachable!("{error:?}") };
    field
}

#[tokio::test(start_paused = true)]
async fn registered_user_can_log_in_and_is_found() {
    let world = World::new().await;
    let (user, grant) =
        world.registry.register("Ada", PASSWORD, Some("Ada L."), Some("terminal")).await.unwrap();
    assert_eq!((user.username.as_str(), &*user.display_name), ("ada", "Ada L."));
    assert_eq!(grant.user, user.id);
    assert_eq!(world.registry.me(grant.identity()).await.unwrap(), user);
    let (same_user, second) = world.registry.log_in("aDa", PASSWORD, None).await.unwrap();
    assert_eq!(same_user, user);
    assert_ne!(second.login, grant.login);
    let logins = world.registry.logins(second.identity()).await.unwrap();
    let listed: Vec<_> = logins.iter().map(|login| (login.id, login.device.as_deref())).collect();
    assert_eq!(listed, [(second.login, None), (grant.login, Some("terminal"))]);
    assert_eq!(
        &*world.registry.register("bob", PASSWORD, None, None).await.unwrap().0.display_name,
        "bob"
    );
}

#[tokio::test(start_paused = true)]
async fn registration_is_refused_when_the_name_is_taken() {
    let world = World::new().await;
    let (user, grant) = world.ada().await;
    let second = world.registry.register("ADA", "another password", None, None).await;
    assert_eq!(second, Err(NAME_TAKEN));
    assert_eq!(world.registry.me(grant.identity()).await.unwrap(), user);
    assert!(world.registry.log_in("ada", "another password", None).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn one_of_several_concurrent_registrations_gets_the_name() {
    let world = World::new().await;
    // Each registration must retry its first write, so all look up the name before any claims it.
    world.faults.next(&[REQUEST_LOST; 3]);
    let register = || world.registry.register("ada", PASSWORD, None, None);
    let (one, two, three) = tokio::join!(register(), register(), register());
    let (won, lost): (Vec<_>, Vec<_>) = [one, two, three].into_iter().partition(Result::is_ok);
    assert_eq!(lost, [Err(NAME_TAKEN), Err(NAME_TAKEN)]);
    let (user, _) = won.into_iter().flatten().next().unwrap();
    assert_eq!(world.registry.search("ada", 2).await.unwrap(), [user]);
}

#[tokio::test(start_paused = true)]
async fn registration_gets_fresh_ids_when_the_first_ones_are_taken() {
    let stores = MemoryStores::new();
    let (first, second) = (World::on(stores.clone()).await, World::on(stores).await);
    let (ada, ada_grant) = first.ada().await;
    let (bob, bob_grant) = second.registry.register("bob", PASSWORD, None, None).await.unwrap();
    assert_ne!((ada.id, ada_grant.login), (bob.id, bob_grant.login));
    for (world, grant, user) in [(&first, &ada_grant, ada), (&second, &bob_grant, bob)] {
        assert_eq!(world.registry.me(grant.identity()).await.unwrap(), user);
        let logged_in = world.registry.log_in(user.username.as_str(), PASSWORD, None).await;
        assert_eq!(logged_in.unwrap().0, user);
        assert!(world.is_active(grant).await);
    }
}

#[tokio::test(start_paused = true)]
async fn unknown_name_costs_and_fails_like_a_wrong_password() {
    let world = World::new().await;
    world.ada().await;
    world.recorder.verified();
    let unknown = world.registry.log_in("nobody", PASSWORD, None).await.unwrap_err();
    assert_eq!(world.recorder.verified(), 1);
    let wrong = world.registry.log_in("ada", "another password", None).await.unwrap_err();
    assert_eq!(world.recorder.verified(), 1);
    assert_eq!(unknown, wrong);
    assert_eq!(unknown.code(), ErrorCode::Unauthenticated);
}

#[tokio::test(start_paused = true)]
async fn impossible_name_or_password_gives_the_error_of_a_wrong_one() {
    let world = World::new().await;
    world.ada().await;
    let wrong = world.registry.log_in("ada", "another password", None).await.unwrap_err();
    world.recorder.verified();
    for (name, password) in
        [("ada", "short"), ("ada", ""), ("a", PASSWORD), ("", ""), ("ada lovelace", PASSWORD)]
    {
        let error = world.registry.log_in(name, password, None).await.unwrap_err();
        assert_eq!((&error, world.recorder.verified()), (&wrong, 1), "{name:?} {password:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn log_in_is_unavailable_when_the_hasher_is_busy() {
    let world = World::new().await;
    world.ada().await;
    for name in ["ada", "nobody"] {
        let error = world.registry.log_in(name, "busy, busy", None).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::Unavailable);
    }
}

#[tokio::test(start_paused = true)]
async fn invalid_field_is_named_in_the_error() {
    let world = World::new().await;
    let too_long = "an example password ".repeat(52);
    let too_long = &too_long[..1_025];
    let longest = &too_long[..1_024];
    let registry = &world.registry;
    for (name, password, display_name, device, expected) in [
        ("a", PASSWORD, None, None, "username"),
        ("ada lovelace", PASSWORD, None, None, "username"),
        ("ada", "7 bytes", None, None, "password"),
        ("ada", too_long, None, None, "password"),
        ("ada", "password", None, None, "password"),
        ("ada", "qwertyuiop", None, None, "password"),
        ("...", PASSWORD, None, None, "username"),
        ("-_-", PASSWORD, None, None, "username"),
        ("Admin", PASSWORD, None, None, "username"),
        ("a.d-min_", PASSWORD, None, None, "username"),
        ("ada", PASSWORD, Some("A\u{200B}da"), None, "display_name"),
        ("ada", PASSWORD, None, Some("\u{1B}[2J"), "device"),
        ("ada", PASSWORD, None, Some("a\nb"), "device"),
        ("ada", PASSWORD, Some(""), None, "display_name"),
        ("ada", PASSWORD, Some("   "), None, "display_name"),
        ("ada", PASSWORD, Some("Ada\u{202E}"), None, "display_name"),
        ("ada", PASSWORD, Some(&too_long[..129]), None, "display_name"),
        ("ada", PASSWORD, None, Some(""), "device"),
        ("ada", PASSWORD, None, Some(&too_long[..129]), "device"),
    ] {
        let error = registry.register(name, password, display_name, device).await.unwrap_err();
        assert_eq!(field(error).as_deref(), Some(expected));
    }
    let (user, grant) =
        registry.register("ada", longest, Some(&too_long[..128]), None).await.unwrap();
    assert_eq!(user.display_name.len(), 128);
    assert!(registry.log_in("ada", longest, None).await.is_ok());
    let error = registry.log_in("ada", too_long, None).await.unwrap_err();
    assert_eq!(field(error).as_deref(), Some("password"));
    for blank in ["", " \u{200B} "] {
        let error = registry.set_profile(grant.identity(), blank).await.unwrap_err();
        assert_eq!(field(error).as_deref(), Some("display_name"));
    }
    let user = registry.set_profile(grant.identity(), "  Ada L. ").await.unwrap();
    assert_eq!(&*user.display_name, "Ada L.");
}

#[tokio::test(start_paused = true)]
async fn users_are_found_by_id_and_by_prefix_of_their_name() {
    let world = World::new().await;
    let (ada, grant) = world.ada().await;
    let (alan, _) = world.registry.register("alan", PASSWORD, None, None).await.unwrap();
    let unknown = UserId::new(1).unwrap();
    let registry = &world.registry;
    assert_eq!(registry.user(alan.id).await.unwrap(), alan);
    assert_eq!(registry.user(unknown).await, Err(ChatError::NotFound("user")));
    assert_eq!(
        registry.users(&[alan.id, unknown, ada.id]).await.unwrap(),
        [alan.clone(), ada.clone()]
    );
    assert_eq!(registry.search("A", 10).await.unwrap(), [ada.clone(), alan.clone()]);
    assert_eq!(registry.search("al", 10).await.unwrap(), [alan]);
    assert_eq!(registry.search("a", 1).await.unwrap(), [ada]);
    assert_eq!(registry.search("ä", 10).await.unwrap(), []);
    let renamed = registry.set_profile(grant.identity(), "Countess").await.unwrap();
    assert_eq!(registry.me(grant.identity()).await.unwrap(), renamed);
    assert_eq!(&*renamed.display_name, "Countess");
    assert_eq!(field(registry.users(&[]).await.unwrap_err()).as_deref(), Some("ids"));
    assert_eq!(field(registry.users(&[unknown; 101]).await.unwrap_err()).as_deref(), Some("ids"));
    assert_eq!(field(registry.search("", 1).await.unwrap_err()).as_deref(), Some("query"));
    assert_eq!(
        field(registry.search(&"a".repeat(33), 1).await.unwrap_err()).as_deref(),
        Some("query")
    );
    for limit in [0, 101] {
        assert_eq!(field(registry.search("a", limit).await.unwrap_err()).as_deref(), Some("limit"));
    }
}

#[tokio::test(start_paused = true)]
async fn people_are_found_by_the_words_of_their_display_names() {
    let world = World::new().await;
    let registry = &world.registry;
    for (name, display_name) in [
        ("zeki", "Zeki \u{d6}zt\u{fc}rk"),
        ("ozturk", "Somebody"),
        ("can", "Ozturk Can"),
        ("eve", "Eve"),
    ] {
        registry.register(name, PASSWORD, Some(display_name), None).await.unwrap();
    }
    let search = async |query, limit| {
        let found = registry.search(query, limit).await.unwrap();
        found.into_iter().map(|user| user.username.as_str().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(search("ozturk", 10).await, ["ozturk", "zeki", "can"], "user names come first");
    assert_eq!(search("\u{d6}ZT", 10).await, ["zeki", "can"]);
    assert_eq!(search("oz ze", 10).await, ["zeki"], "each beginning is found");
    assert_eq!(search("oz", 2).await, ["ozturk", "zeki"]);
    assert_eq!(search("turk", 10).await, [""; 0]);
}
