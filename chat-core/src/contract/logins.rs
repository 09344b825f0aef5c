//! Promises of [`crate::port::Logins`].

use std::time::Duration;

use tokio::task::JoinSet;

use super::scene::{fresh, last, now, random};
use crate::{
    id::{LoginId, UserId},
    limits::{LOGINS_MAX, REFRESH_GRACE},
    model::{Login, LoginSecret},
    port::{Rotation, Stores},
    time::Timestamp,
};

const MILLISECOND: Duration = Duration::from_millis(1);
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

/// Exchanges these secrets of the login at this time; it then lasts for a day.
async fn rotate(
    stores: &Stores,
    login: &Login,
    [presented, successor]: [LoginSecret; 2],
    at: Timestamp,
) -> Rotation {
    stores.logins.rotate(login.id, presented, successor, at, at.after(DAY)).await.unwrap()
}

/// What an exchange at this time makes of the login.
fn after(login: &Login, successor: LoginSecret, at: Timestamp) -> Login {
    Login {
        used_at: at,
        expires_at: at.after(DAY),
        current: successor,
        previous: Some((login.current, at)),
        ..login.clone()
    }
}

/// A login is exchanged again and again, on any handle, and lives longer each time.
pub async fn refresh_tokens_are_exchanged_one_after_the_other(stores: &[Stores]) {
    let user = fresh();
    let mut login = opened(&stores[0], user).await;
    assert_eq!(list(last(stores), user, login.created_at).await, std::slice::from_ref(&login));
    for nth in 0..5 {
        let (successor, at) = (secret(), before(login.expires_at));
        let expected = after(&login, successor, at);
        let stores = &stores[nth % stores.len()];
        let rotation = rotate(stores, &login, [login.current, successor], at).await;
        assert_eq!(rotation, Rotation::Rotated(expected.clone()));
        assert_eq!(list(stores, user, at).await, std::slice::from_ref(&expected));
        login = expected;
    }
}

/// Whose answer was lost gets the same successor for as long as the grace lasts, to the
/// millisecond; then it is a reuse, and ends the login.
pub async fn lost_answer_is_repeated_within_the_grace(stores: &[Stores]) {
    let user = fresh();
    let login = opened(&stores[0], user).await;
    let (at, secrets) = (now(), [login.current, secret()]);
    let expected = after(&login, secrets[1], at);
    assert_eq!(rotate(&stores[0], &login, secrets, at).await, Rotation::Rotated(expected.clone()));
    let edge = at.after(REFRESH_GRACE);
    for again in [at, at.after(MILLISECOND), edge] {
        let rotation = rotate(last(stores), &login, secrets, again).await;
        assert_eq!(rotation, Rotation::Repeated(expected.clone()));
    }
    let rotation = rotate(last(stores), &login, secrets, edge.after(MILLISECOND)).await;
    assert_eq!(rotation, Rotation::Reused { user });
    assert_eq!(list(&stores[0], user, at).await, []);
    let newest = rotate(&stores[0], &login, [secrets[1], secret()], at).await;
    assert_eq!(newest, Rotation::Gone);
}

/// An old secret, for another successor, after a further exchange, or never seen at all, ends the
/// login, and that one only.
pub async fn reuse_ends_the_login(stores: &[Stores]) {
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
        assert_eq!(rotate(&stores[0], &login, [second, secret()], at).await, Rotation::Gone);
        assert_eq!(list(last(stores), user, at).await, std::slice::from_ref(&other));
    }
}

/// The same exchange made by several at once is made once, and all get the same login.
pub async fn one_exchange_at_once_is_made_once(stores: &[Stores]) {
    for _ in 0..4 {
        let login = opened(&stores[0], fresh()).await;
        let (at, secrets) = (now(), [login.current, secret()]);
        let expected = after(&login, secrets[1], at);
        let mut clients = JoinSet::new();
        for nth in 0..4 {
            let (stores, login) = (stores[nth % stores.len()].clone(), login.clone());
            clients.spawn(async move { rotate(&stores, &login, secrets, at).await });
        }
        let rotations = clients.join_all().await;
        let rotated = Rotation::Rotated(expected.clone());
        let repeated = Rotation::Repeated(expected);
        assert_eq!(rotations.iter().filter(|one| **one == rotated).count(), 1, "{rotations:?}");
        assert_eq!(rotations.iter().filter(|one| **one == repeated).count(), 3, "{rotations:?}");
    }
}

/// Of different exchanges of one secret at once at most one is made, and the login ends: one of
/// them was a thief's.
pub async fn different_exchanges_at_once_end_the_login(stores: &[Stores]) {
    let user = fresh();
    let login = opened(&stores[0], user).await;
    let at = now();
    let mut clients = JoinSet::new();
    for nth in 0..4 {
        let (stores, login) = (stores[nth % stores.len()].clone(), login.clone());
        clients.spawn(async move { rotate(&stores, &login, [login.current, secret()], at).await });
    }
    let rotations = clients.join_all().await;
    let count = |is: fn(&Rotation) -> bool| rotations.iter().filter(|one| is(one)).count();
    assert_eq!(count(|one| matches!(one, Rotation::Rotated(_))), 1, "{rotations:?}");
    assert_eq!(count(|one| matches!(one, Rotation::Reused { .. })), 1, "{rotations:?}");
    assert_eq!(count(|one| *one == Rotation::Gone), 2, "{rotations:?}");
    assert_eq!(list(last(stores), user, at).await, []);
}

/// A login that has run out, or never was, is gone, for exchanges and in the list.
pub async fn login_runs_out(stores: &[Stores]) {
    let user = fresh();
    let login = opened(&stores[0], user).await;
    let end = login.expires_at;
    assert_eq!(list(last(stores), user, before(end)).await, std::slice::from_ref(&login));
    assert_eq!(list(last(stores), user, end).await, []);
    let secrets = [login.current, secret()];
    assert_eq!(rotate(last(stores), &login, secrets, end).await, Rotation::Gone);
    let nobody = Login { id: fresh::<LoginId>(), ..login.clone() };
    assert_eq!(rotate(&stores[0], &nobody, secrets, before(end)).await, Rotation::Gone);
    let rotation = rotate(&stores[0], &login, secrets, before(end)).await;
    assert_eq!(rotation, Rotation::Rotated(after(&login, secrets[1], before(end))));
}

/// A revoked login is over at once on every handle; only its own user revokes it, and once.
pub async fn revoked_login_is_over(stores: &[Stores]) {
    let user = fresh();
    let (login, other) = (opened(&stores[0], user).await, opened(&stores[0], user).await);
    for (by, revoked) in [(fresh(), false), (user, true), (user, false)] {
        assert_eq!(last(stores).logins.revoke(by, login.id).await.unwrap(), revoked);
    }
    let rotation = rotate(&stores[0], &login, [login.current, secret()], login.used_at).await;
    assert_eq!(rotation, Rotation::Gone);
    assert_eq!(list(&stores[0], user, login.used_at).await, [other]);
}

/// Logins are listed newest first, those of one user only.
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

/// Past the bound, the login that has gone unused longest makes room, not the oldest one.
pub async fn login_unused_longest_makes_room(stores: &[Stores]) {
    let (user, start) = (fresh(), now());
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
