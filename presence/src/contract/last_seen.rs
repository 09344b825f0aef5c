//! Promises of [`LastSeen`].

use super::{at, fresh};
use crate::port::LastSeen;

/// Makes one test of each promise. `open` is the path of an `async fn() -> (guard, Arc<dyn
/// LastSeen>)`; the guard is dropped after the test.
#[macro_export]
macro_rules! last_seen_contract {
    ($open:path) => {
        $crate::last_seen_contract!(@tests $open;
            last_seen_never_goes_back;
            many_users_advance_together;
            answers_come_in_the_order_of_the_question;
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

/// Of several times the latest stays, whatever their order.
pub async fn last_seen_never_goes_back(last_seen: &dyn LastSeen) {
    let user = fresh();
    for (advance, expected) in [(20, 20), (10, 20), (20, 20), (30, 30), (-5, 30)] {
        last_seen.advance(&[(user, at(advance))]).await.unwrap();
        assert_eq!(last_seen.of_users(&[user]).await.unwrap(), [Some(at(expected))]);
    }
    last_seen.advance(&[(user, at(50)), (user, at(40))]).await.unwrap();
    assert_eq!(last_seen.of_users(&[user]).await.unwrap(), [Some(at(50))]);
}

/// One call moves many users, each for itself; none is fine too.
pub async fn many_users_advance_together(last_seen: &dyn LastSeen) {
    let seen: Vec<_> = (0..256).map(|step| (fresh(), at(step))).collect();
    last_seen.advance(&seen).await.unwrap();
    last_seen.advance(&[]).await.unwrap();
    let users: Vec<_> = seen.iter().map(|(user, _)| *user).collect();
    let kept: Vec<_> = seen.iter().map(|(_, at)| Some(*at)).collect();
    assert_eq!(last_seen.of_users(&users).await.unwrap(), kept);
    assert_eq!(last_seen.of_users(&[]).await.unwrap(), []);
}

/// One answer for each user asked about, in order, also for those never seen and asked twice.
pub async fn answers_come_in_the_order_of_the_question(last_seen: &dyn LastSeen) {
    let (one, never, other) = (fresh(), fresh(), fresh());
    last_seen.advance(&[(one, at(1)), (other, at(2))]).await.unwrap();
    assert_eq!(
        last_seen.of_users(&[other, never, one, other]).await.unwrap(),
        [Some(at(2)), None, Some(at(1)), Some(at(2))]
    );
}
