//! Contract tests of [`crate::port::Accounts`].

use std::sync::Arc;

use tokio::task::JoinSet;

use super::fixtures::{fresh, last, now, random_word};
use crate::{
    id::UserId,
    model::{User, Username},
    port::{NameClaim, Stores},
};

fn user(username: &str) -> User {
    let username = Username::new(username).unwrap();
    User { id: fresh(), username, display_name: "\0 \u{1F469}".into(), created_at: now() }
}

async fn read_users(stores: &Stores, ids: &[UserId]) -> Vec<Option<User>> {
    stores.accounts.users(ids).await.unwrap()
}

/// Of several concurrent claims one gets the name, with its own hash. The others get no account.
pub async fn one_of_several_concurrent_claims_gets_the_name(stores: &[Stores]) {
    let name = random_word();
    let mut claimants = JoinSet::new();
    for nth in 0..8 {
        let stores = stores[nth % stores.len()].clone();
        let user = user(&name);
        claimants.spawn(async move {
            (stores.accounts.claim(&user, &format!("hash of {}", user.id)).await.unwrap(), user)
        });
    }
    let claims = claimants.join_all().await;
    let has_won = |claim: &NameClaim| *claim == NameClaim::Yours;
    assert_eq!(claims.iter().filter(|(claim, _)| has_won(claim)).count(), 1, "{claims:?}");
    for stores in stores {
        for (claim, user) in &claims {
            let expected = has_won(claim).then(|| user.clone());
            assert_eq!(read_users(stores, &[user.id]).await, [expected]);
        }
        let (_, winner) = claims.iter().find(|(claim, _)| has_won(claim)).unwrap();
        let credentials = stores.accounts.credentials(&winner.username).await.unwrap();
        let hash: Arc<str> = format!("hash of {}", winner.id).into();
        assert_eq!(credentials, Some((winner.clone(), hash)));
    }
}

/// A winner that did not receive the answer wins again. Nobody else ever does.
pub async fn winner_can_repeat_its_claim(stores: &[Stores]) {
    let winner = user(&random_word());
    let other = User { id: fresh(), ..winner.clone() };
    for _ in 0..3 {
        assert_eq!(last(stores).accounts.claim(&winner, "hash").await.unwrap(), NameClaim::Yours);
        let claimed = stores[0].accounts.claim(&other, "other").await.unwrap();
        assert_eq!(claimed, NameClaim::NameTaken);
        let credentials = stores[0].accounts.credentials(&winner.username).await.unwrap();
        assert_eq!(credentials, Some((winner.clone(), "hash".into())));
        assert_eq!(read_users(stores.last().unwrap(), &[other.id]).await, [None]);
    }
}

async fn claim(stores: &Stores, user: &User) -> NameClaim {
    stores.accounts.claim(user, "hash").await.unwrap()
}

/// A second account with the id of the first is refused. The first one stays.
pub async fn account_is_refused_when_its_id_is_taken(stores: &[Stores]) {
    let first = user(&random_word());
    let second = User { id: first.id, ..user(&random_word()) };
    assert_eq!(claim(&stores[0], &first).await, NameClaim::Yours);
    assert_eq!(claim(last(stores), &second).await, NameClaim::IdTaken);
    assert_eq!(claim(&stores[0], &second).await, NameClaim::IdTaken);
    let credentials = last(stores).accounts.credentials(&second.username).await;
    assert_eq!(credentials, Ok(None));
    let credentials = last(stores).accounts.credentials(&first.username).await;
    assert_eq!(credentials, Ok(Some((first, "hash".into()))));
}

/// A name stays free when an account was refused because of its id.
pub async fn name_stays_free_when_the_id_was_taken(stores: &[Stores]) {
    let first = user(&random_word());
    let second = User { id: first.id, ..user(&random_word()) };
    claim(&stores[0], &first).await;
    claim(last(stores), &second).await;
    let name = second.username.clone();
    assert_eq!(stores[0].accounts.search(name.as_str(), 2).await, Ok(Vec::new()));
    let third = User { id: fresh(), ..second };
    assert_eq!(claim(last(stores), &third).await, NameClaim::Yours);
    assert_eq!(stores[0].accounts.search(name.as_str(), 2).await, Ok(vec![third]));
}

/// Each requested id has its result in its place, even if it is unknown or requested twice.
pub async fn users_are_returned_in_the_order_requested(stores: &[Stores]) {
    let (one, other) = (user(&random_word()), user(&random_word()));
    for user in [&one, &other] {
        stores[0].accounts.claim(user, "hash").await.unwrap();
    }
    let requested = [other.id, fresh(), one.id, other.id];
    let expected = [Some(other.clone()), None, Some(one), Some(other)];
    assert_eq!(read_users(last(stores), &requested).await, expected);
    assert_eq!(read_users(last(stores), &[]).await, []);
    let unknown = Username::new(&random_word()).unwrap();
    assert_eq!(last(stores).accounts.credentials(&unknown).await.unwrap(), None);
}

/// A password hash is replaced if it is the expected one, and the answer can be asked for again.
pub async fn password_is_replaced_only_if_it_is_the_expected_one(stores: &[Stores]) {
    let user = user(&random_word());
    claim(&stores[0], &user).await;
    let set = async |before: &str, after: &str| {
        last(stores).accounts.set_password(&user, before, after).await.unwrap()
    };
    for (before, after, expected, stored) in [
        ("other", "second", false, "hash"),
        ("hash", "second", true, "second"),
        ("hash", "second", true, "second"),
        ("hash", "third", false, "second"),
        ("second", "third", true, "third"),
    ] {
        assert_eq!(set(before, after).await, expected, "{before} {after}");
        let credentials = stores[0].accounts.credentials(&user.username).await;
        assert_eq!(credentials, Ok(Some((user.clone(), stored.into()))));
    }
}

/// Every later read returns the new display name. An unknown user gets none (phantom).
pub async fn profile_is_read_back_as_set(stores: &[Stores]) {
    let before = user(&random_word());
    stores[0].accounts.claim(&before, "hash").await.unwrap();
    let after = User { display_name: "new \u{3042}\0".into(), ..before.clone() };
    let set = stores[0].accounts.set_profile(before.id, &after.display_name).await.unwrap();
    assert_eq!(set.as_ref(), Some(&after));
    for stores in stores {
        assert_eq!(read_users(stores, &[before.id]).await, [Some(after.clone())]);
        let credentials = stores.accounts.credentials(&before.username).await.unwrap();
        assert_eq!(credentials, Some((after.clone(), "hash".into())));
        let found = stores.accounts.search(before.username.as_str(), 2).await.unwrap();
        assert_eq!(found, std::slice::from_ref(&after));
    }
    let unknown: UserId = fresh();
    assert_eq!(stores[0].accounts.set_profile(unknown, "nobody").await.unwrap(), None);
    assert_eq!(read_users(last(stores), &[unknown]).await, [None]);
}

/// A search returns all names with the prefix, ascending, up to the limit. No character has a
/// special meaning in a prefix.
pub async fn search_finds_names_by_prefix(stores: &[Stores]) {
    let word = random_word();
    let names = ["", "-", "-a", ".", "0", "_", "_b", "a", "aa", "z", "zz"];
    let mut users = Vec::new();
    for name in names {
        users.push(user(&format!("{word}{name}")));
    }
    for user in users.iter().rev() {
        assert_eq!(stores[0].accounts.claim(user, "hash").await.unwrap(), NameClaim::Yours);
    }
    let accounts = &last(stores).accounts;
    for (prefix, limit, expected) in [
        ("", 100, 0..11),
        ("", 4, 0..4),
        ("-", 100, 1..3),
        (".", 100, 3..4),
        ("_", 100, 5..7),
        ("a", 1, 7..8),
        ("aa", 100, 8..9),
        ("z", 100, 9..11),
        ("zzz", 100, 0..0),
    ] {
        let found = accounts.search(&format!("{word}{prefix}"), limit).await.unwrap();
        assert_eq!(found, users[expected], "{prefix:?} up to {limit}");
    }
}

/// Each user is found once by the beginning of a word, ascending by word and id, up to the limit.
pub async fn search_finds_words_of_display_names(stores: &[Stores]) {
    let word = random_word();
    let mut users = Vec::new();
    for name in ["{} {}a", "x {}", "\u{d6}{}", "{}b", "{}\u{e9}", "y"] {
        let user = User { display_name: name.replace("{}", &word).into(), ..user(&random_word()) };
        assert_eq!(claim(&stores[0], &user).await, NameClaim::Yours);
        users.push(user);
    }
    let accounts = &last(stores).accounts;
    let found = async |prefix: &str, limit| {
        let found = accounts.search_words(prefix, limit).await.unwrap();
        let place = |user| users.iter().position(|one| *one == user).unwrap();
        found.into_iter().map(place).collect::<Vec<_>>()
    };
    for (prefix, limit, expected) in [
        (word.clone(), 10, &[0, 1, 3, 4][..]),
        (word.clone(), 3, &[0, 1, 3]),
        (format!("{word}a"), 10, &[0]),
        (format!("{word}e"), 10, &[4]),
        (format!("o{word}"), 10, &[2]),
        (format!("{word}c"), 10, &[]),
    ] {
        assert_eq!(found(&prefix, limit).await, expected, "{prefix} up to {limit}");
    }
    let one = accounts.search_words(&word[..1], 10).await.unwrap();
    assert!(!users.iter().any(|user| one.contains(user)), "one character is a whole word");
}

/// A new display name is found, and the old one is not, however many change it at the same time.
pub async fn words_follow_the_display_name(stores: &[Stores]) {
    let (old, new) = (random_word(), random_word());
    let user = User { display_name: format!("{old} same").into(), ..user(&random_word()) };
    claim(&stores[0], &user).await;
    let found = async |word: &str| {
        let found = last(stores).accounts.search_words(word, 10).await.unwrap();
        found.iter().filter(|one| one.id == user.id).count()
    };
    assert_eq!((found(&old).await, found(&new).await), (1, 0));
    let renamed = format!("same {new}");
    stores[0].accounts.set_profile(user.id, &renamed).await.unwrap();
    assert_eq!((found(&old).await, found(&new).await), (0, 1));
    for _ in 0..5 {
        let rename = |stores: &Stores, name: String| {
            let accounts = Arc::clone(&stores.accounts);
            async move { accounts.set_profile(user.id, &name).await }
        };
        let (_, _) =
            tokio::join!(rename(&stores[0], old.clone()), rename(last(stores), new.clone()),);
        let current = read_users(&stores[0], &[user.id]).await.remove(0).unwrap().display_name;
        assert_eq!(found(&current).await, 1, "{current}");
    }
}
