//! Contract tests of [`crate::port::Logins`].

use std::time::Duration;

use tokio::task::JoinSet;

use super::fixtures::{fresh, last, now, random};
use crate::{
    id::{LoginId, UserId},
    limits::LOGINS_MAX,
    model::{EndedLogin, Identity, Login, LoginSecret, TokenExchange},
    port::{Rotation, Stores},
    time::Timestamp,
};

const MILLISECOND: Duration = Duration::from_millis(1);
const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);

fn before(at: Timestamp) -> Timestamp {
    Timestamp::from_millis(at.as_millis() - 1)
}

fn secret() -> LoginSecret {
    LoginSecret(random())
}

fn login(user: UserId, at: Timestamp) -> Login {
    Login {
        id: fresh(),
        user,
        device: Some("\0 \u{1F4F1}".into()),
        created_at: at,
        used_at: at,
        expires_at: at.after(DAY),
        current: secret(),
        previous: None,
    }
}

async fn opened(stores: &Stores, user: UserId) -> Login {
    let login = login(user, now());
    stores.logins.open(&login).await.unwrap();
    login
}

async fn list(stores: &Stores, user: UserId, at: Timestamp) -> Vec<Login> {
    stores.logins.list(user, at).await.unwrap()
}

/// Exchanges the first secret for the second at this time. The login then expires after a day.
async fn rotate(
    stores: &Stores,
    login: &Login,
    [presented, successor]: [LoginSecret; 2],
    at: Timestamp,
) -> Rotation {
    let exchange = TokenExchange {
        presented,
        successor,
        now: at,
        expires_at: at.after(DAY),
        age_max: 30 * DAY,
        refused_until: at.after(HOUR),
    };
    stores.logins.rotate(login.id, &exchange).await.unwrap()
}

/// Returns the login after an exchange at this time.
fn after(login: &Login, successor: LoginSecret, at: Timestamp) -> Login {
    Login {
        used_at: at,
        expires_at: at.after(DAY),
        current: successor,
        previous: Some((login.current, at)),
        ..login.clone()
    }
}

/// A second login with the id of the first is refused and changes nothing. The same login may be
/// opened again, because the answer may have been lost.
pub async fn login_is_refused_when_its_id_is_taken(stores: &[Stores]) {
    let user = fresh();
    let first = opened(&stores[0], user).await;
    let same_user = Login { current: secret(), ..first.clone() };
    let other_user = Login { user: fresh(), ..first.clone() };
    for second in [&same_user, &other_user] {
        assert!(!last(stores).logins.open(second).await.unwrap(), "{second:?}");
        assert!(last(stores).logins.open(&first).await.unwrap());
    }
    assert_eq!(list(&stores[0], user, first.created_at).await, std::slice::from_ref(&first));
    assert_eq!(list(&stores[0], other_user.user, first.created_at).await, []);
}

/// A login can be extended repeatedly, on any handle.
pub async fn refresh_tokens_can_be_exchanged_repeatedly(stores: &[Stores]) {
    let user = fresh();
    let mut login = opened(&stores[0], user).await;
    assert_eq!(list(last(stores), user, login.created_at).await, std::slice::from_ref(&login));
    for nth in 0..5 {
        let successor = secret();
        let at = before(login.expires_at);
        let expected = after(&login, successor, at);
        let stores = &stores[nth % stores.len()];
        let rotation = rotate(stores, &login, [login.current, successor], at).await;
        assert_eq!(rotation, Rotation::Rotated(expected.clone()));
        assert_eq!(list(stores, user, at).await, std::slice::from_ref(&expected));
        login = expected;
    }
}

/// Exchanges a login's token once. Returns the secrets and the login after it.
async fn exchanged(stores: &Stores, login: &Login) -> ([LoginSecret; 2], Login) {
    let secrets = [login.current, secret()];
    let expected = after(login, secrets[1], login.used_at);
    let rotation = rotate(stores, login, secrets, login.used_at).await;
    assert_eq!(rotation, Rotation::Rotated(expected.clone()));
    (secrets, expected)
}

async fn mark_used(stores: &Stores, login: &Login, token: LoginSecret) {
    stores.logins.mark_used(login.id, token.generation()).await.unwrap();
}

/// The same exchange gets the same successor while no access token of it is used. The use of an
/// older one changes nothing.
pub async fn exchange_can_be_repeated_until_its_token_is_used(stores: &[Stores]) {
    let login = opened(&stores[0], fresh()).await;
    let (secrets, expected) = exchanged(&stores[0], &login).await;
    mark_used(last(stores), &login, login.current).await;
    for at in [login.used_at, login.used_at.after(MILLISECOND), before(expected.expires_at)] {
        let rotation = rotate(last(stores), &login, secrets, at).await;
        assert_eq!(rotation, Rotation::Repeated(expected.clone()));
    }
}

/// Once an access token of an exchange was used, the token before it counts as reused.
pub async fn login_ends_when_a_token_is_reused_after_its_successors_use(stores: &[Stores]) {
    let user = fresh();
    let login = opened(&stores[0], user).await;
    let at = login.used_at;
    let (secrets, expected) = exchanged(&stores[0], &login).await;
    for stores in [last(stores), &stores[0]] {
        mark_used(stores, &login, secrets[1]).await;
    }
    let marked = Login { previous: None, ..expected };
    assert_eq!(list(&stores[0], user, at).await, [marked]);
    assert_eq!(rotate(last(stores), &login, secrets, at).await, Rotation::Reused { user });
    mark_used(&stores[0], &login, secrets[1]).await;
    assert_eq!(list(&stores[0], user, at).await, []);
    let newest = rotate(&stores[0], &login, [secrets[1], secret()], at).await;
    assert_eq!(newest, Rotation::Ended { user });
}

/// A login ends when an old token is exchanged for another successor, when one is used after a
/// further exchange, or when an unknown one is used. Other logins stay.
pub async fn login_ends_when_an_old_token_is_reused(stores: &[Stores]) {
    let user = fresh();
    let other = opened(&stores[0], user).await;
    let at = now();
    for case in 0..3 {
        let login = opened(&stores[0], user).await;
        let [second, third] = [secret(), secret()];
        rotate(&stores[0], &login, [login.current, second], at).await;
        let reuse = match case {
            0 => [login.current, third],
            1 => {
                rotate(&stores[0], &login, [second, third], at).await;
                [login.current, second]
            }
            _ => [secret(), second],
        };
        assert_eq!(rotate(last(stores), &login, reuse, at).await, Rotation::Reused { user });
        let newest = rotate(&stores[0], &login, [second, secret()], at).await;
        assert_eq!(newest, Rotation::Ended { user });
        assert_eq!(list(last(stores), user, at).await, std::slice::from_ref(&other));
    }
}

/// Of several equal concurrent exchanges one rotates the login, and all get the same result.
pub async fn concurrent_copies_of_an_exchange_rotate_once(stores: &[Stores]) {
    for _ in 0..4 {
        let login = opened(&stores[0], fresh()).await;
        let at = now();
        let secrets = [login.current, secret()];
        let expected = after(&login, secrets[1], at);
        let mut clients = JoinSet::new();
        for nth in 0..4 {
            let stores = stores[nth % stores.len()].clone();
            let login = login.clone();
            clients.spawn(async move { rotate(&stores, &login, secrets, at).await });
        }
        let rotations = clients.join_all().await;
        let rotated = Rotation::Rotated(expected.clone());
        let repeated = Rotation::Repeated(expected);
        assert_eq!(rotations.iter().filter(|one| **one == rotated).count(), 1, "{rotations:?}");
        assert_eq!(rotations.iter().filter(|one| **one == repeated).count(), 3, "{rotations:?}");
    }
}

/// Of several different concurrent exchanges of one token one succeeds and the login ends, because
/// one of the tokens must have been stolen.
pub async fn login_ends_when_exchanges_of_one_token_differ(stores: &[Stores]) {
    let user = fresh();
    let login = opened(&stores[0], user).await;
    let at = now();
    let mut clients = JoinSet::new();
    for nth in 0..4 {
        let stores = stores[nth % stores.len()].clone();
        let login = login.clone();
        clients.spawn(async move { rotate(&stores, &login, [login.current, secret()], at).await });
    }
    let rotations = clients.join_all().await;
    let count = |is: fn(&Rotation) -> bool| rotations.iter().filter(|one| is(one)).count();
    assert_eq!(count(|one| matches!(one, Rotation::Rotated(_))), 1, "{rotations:?}");
    assert_eq!(count(|one| matches!(one, Rotation::Reused { .. })), 1, "{rotations:?}");
    assert_eq!(count(|one| matches!(one, Rotation::Ended { .. })), 2, "{rotations:?}");
    assert_eq!(list(last(stores), user, at).await, []);
}

/// An expired or unknown login can neither be exchanged nor listed.
pub async fn expired_login_is_gone(stores: &[Stores]) {
    let user = fresh();
    let login = opened(&stores[0], user).await;
    let end = login.expires_at;
    assert_eq!(list(last(stores), user, before(end)).await, std::slice::from_ref(&login));
    assert_eq!(list(last(stores), user, end).await, []);
    let secrets = [login.current, secret()];
    assert_eq!(rotate(last(stores), &login, secrets, end).await, Rotation::Gone);
    let unknown = Login { id: fresh::<LoginId>(), ..login.clone() };
    assert_eq!(rotate(&stores[0], &unknown, secrets, before(end)).await, Rotation::Gone);
    let rotation = rotate(&stores[0], &login, secrets, before(end)).await;
    assert_eq!(rotation, Rotation::Rotated(after(&login, secrets[1], before(end))));
}

fn ended(user: UserId, login: &Login, until: Timestamp) -> EndedLogin {
    EndedLogin { identity: Identity { user, login: login.id }, refused_until: until }
}

/// Returns the user's ended logins that the store keeps at this time, ascending.
async fn ended_logins(stores: &Stores, user: UserId, at: Timestamp) -> Vec<EndedLogin> {
    let mut kept = stores.logins.ended(at).await.unwrap();
    kept.retain(|one| one.identity.user == user);
    kept.sort_by_key(|one| one.identity.login);
    kept
}

/// A revoked login is gone on every handle. Only its own user can revoke it, and only once.
pub async fn revoked_login_is_gone_on_every_handle(stores: &[Stores]) {
    let user = fresh();
    let (login, other) = (opened(&stores[0], user).await, opened(&stores[0], user).await);
    let until = now().after(HOUR);
    for (by, revoked) in [(fresh(), false), (user, true), (user, false)] {
        let ended = ended(by, &login, until);
        assert_eq!(last(stores).logins.revoke(ended, now()).await.unwrap(), revoked);
        assert_eq!(ended_logins(&stores[0], by, now()).await.len(), usize::from(by == user));
    }
    let rotation = rotate(&stores[0], &login, [login.current, secret()], login.used_at).await;
    assert_eq!(rotation, Rotation::Ended { user });
    let rotation = rotate(last(stores), &login, [login.current, secret()], until).await;
    assert_eq!(rotation, Rotation::Gone, "its access tokens have expired");
    assert_eq!(list(&stores[0], user, login.used_at).await, [other]);
}

/// Opens a login and ends it until this time.
async fn opened_and_ended(stores: &Stores, user: UserId, until: Timestamp) -> EndedLogin {
    let login = opened(stores, user).await;
    let ended = ended(user, &login, until);
    assert!(stores.logins.revoke(ended, now()).await.unwrap());
    ended
}

/// Ended logins are kept until their time has passed, whether they were revoked or reused.
pub async fn ended_logins_are_kept_until_their_time_has_passed(stores: &[Stores]) {
    let (user, at) = (fresh(), now());
    let mut expected = Vec::new();
    for hours in [1, 2, 24] {
        expected.push(opened_and_ended(&stores[0], user, at.after(hours * HOUR)).await);
    }
    let reused = opened(&stores[0], user).await;
    rotate(&stores[0], &reused, [secret(), secret()], at).await;
    expected.push(ended(user, &reused, at.after(HOUR)));
    for (later, kept) in [
        (at, &expected[..]),
        (before(at.after(HOUR)), &expected[..]),
        (at.after(HOUR), &expected[1..3]),
        (at.after(24 * HOUR), &[]),
    ] {
        assert_eq!(ended_logins(last(stores), user, later).await, kept);
    }
}

/// Ending logins removes others whose time has passed, and only those.
pub async fn ended_logins_stay_when_others_end_later(stores: &[Stores]) {
    let (user, at) = (fresh(), now());
    let mut expected = Vec::new();
    for _ in 0..9 {
        expected.push(opened_and_ended(&stores[0], user, at.after(HOUR)).await);
    }
    for _ in 0..9 {
        let login = opened(&stores[0], user).await;
        let ended = ended(user, &login, at.after(4 * HOUR));
        assert!(stores[0].logins.revoke(ended, at.after(2 * HOUR)).await.unwrap());
        expected.push(ended);
    }
    assert_eq!(ended_logins(last(stores), user, at.after(3 * HOUR)).await, expected[9..]);
}

/// The list has the logins of one user, newest first.
pub async fn logins_are_listed_newest_first(stores: &[Stores]) {
    let user = fresh();
    let mut logins = Vec::new();
    for second in [30, 10, 20] {
        let at = now().after(Duration::from_secs(second));
        logins.push(login(user, at));
        stores[0].logins.open(&logins[logins.len() - 1]).await.unwrap();
        opened(&stores[0], fresh()).await;
    }
    let expected = [0, 2, 1].map(|at| logins[at].clone());
    assert_eq!(list(last(stores), user, now()).await, expected);
    assert_eq!(list(last(stores), fresh(), now()).await, []);
}

/// Above the limit the least recently used login is evicted, which is not always the oldest.
pub async fn least_recently_used_login_is_evicted(stores: &[Stores]) {
    let user = fresh();
    let start = now();
    let at = |second: u64| start.after(Duration::from_secs(second));
    let mut kept = Vec::new();
    for second in 0..LOGINS_MAX as u64 {
        let login = login(user, at(second));
        stores[0].logins.open(&login).await.unwrap();
        kept.insert(0, login);
    }
    let oldest = kept.pop().unwrap();
    let renewed = after(&oldest, secret(), at(100));
    let rotation = rotate(last(stores), &oldest, [oldest.current, renewed.current], at(100)).await;
    assert_eq!(rotation, Rotation::Rotated(renewed.clone()));
    for second in [200, 201] {
        let new = login(user, at(second));
        last(stores).logins.open(&new).await.unwrap();
        kept.insert(0, new);
        kept.pop();
        let expected = [kept.clone(), vec![renewed.clone()]].concat();
        assert_eq!(list(&stores[0], user, at(300)).await, expected);
    }
}
