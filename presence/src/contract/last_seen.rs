//! The contract of [`LastSeen`].

use super::{at, fresh};
use crate::port::LastSeen;

/// Makes one test of each promise. `open` is the path of an `async fn() -> (guard, Arc<dyn
/// LastSeen>)`; the guard is dropped after the test.
#[macro_export]
macro_rules! last_seen_contract {
    ($open:path) => {
        $crate::last_seen_contract!(@tests $open;
            last_seen_never_moves_back;
            many_users_are_advanced_in_one_call;
            answers_are_in_the_order_of_the_users;
        );
    };
    (@tests $open:path; $($promise:ident;)+) => {$(
        #[tokio::test]
        async fn $promise() {
            let (_guard, last_seen) = $open().await;
            $crate::contract::last_seen::$promise(&*last_seen).await;
        }
    )+};
}

/// The latest of several times is kept, in whatever order they are stored.
pub async fn last_seen_never_moves_back(last_seen: &dyn LastSeen) {
    let user = fresh();
    for (advance, expected) in [(20, 20), (10, 20), (20, 20), (30, 30), (-5, 30)] {
        last_seen.advance(&[(user, at(advance))]).await.unwrap();
        assert_eq!(last_seen.of_users(&[user]).await.unwrap(), [Some(at(expected))]);
    }
    last_seen.advance(&[(user, at(50)), (user, at(40))]).await.unwrap();
    assert_eq!(last_seen.of_users(&[user]).await.unwrap(), [Some(at(50))]);
}

/// One call advances any number of users, including none.
pub async fn many_users_are_advanced_in_one_call(last_seen: &dyn LastSeen) {
    let seen: Vec<_> = (0..256).map(|step| (fresh(), at(step))).collect();
    last_seen.advance(&seen).await.unwrap();
    last_seen.advance(&[]).await.unwrap();
    let users: Vec<_> = seen.iter().map(|(user, _)| *user).collect();
    let stored: Vec<_> = seen.iter().map(|(_, at)| Some(*at)).collect();
    assert_eq!(last_seen.of_users(&users).await.unwrap(), stored);
    assert_eq!(last_seen.of_users(&[]).await.unwrap(), []);
}

/// There is one answer for each user, including users never seen and users listed twice.
pub async fn answers_are_in_the_order_of_the_users(last_seen: &dyn LastSeen) {
    let (one, never, other) = (fresh(), fresh(), fresh());
    last_seen.advance(&[(one, at(1)), (other, at(2))]).await.unwrap();
    assert_eq!(
        last_seen.of_users(&[other, never, one, other]).await.unwrap(),
        [Some(at(2)), None, Some(at(1)), Some(at(2))]
    );
}
