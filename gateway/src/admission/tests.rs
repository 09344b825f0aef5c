//! Who pays for what, and who is not affected.

use std::num::NonZeroU32;

use chat_core::{command::SearchFilter, memory::LocalLimiter};
use futures_util::FutureExt;

use super::{prices::SHORT_SEARCH_TOKENS, *};

fn admission(enabled: bool, burst: u32) -> Admission {
    let burst = NonZeroU32::new(burst).unwrap();
    let rates = RateLimits {
        enabled,
        commands_per_second: NonZeroU32::MIN,
        commands_burst: burst,
        address_per_second: NonZeroU32::MIN,
        address_burst: burst,
        account_per_second: NonZeroU32::MIN,
        account_burst: burst,
        additions_per_minute: NonZeroU32::MIN,
        additions_burst: burst,
        ..RateLimits::default()
    };
    Admission::new(rates, Arc::new(LocalLimiter::default()), 64)
}

fn user(id: u64) -> UserId {
    UserId::new(id).unwrap()
}

fn typing() -> Command {
    Command::Typing { conversation: ConversationId::new(7).unwrap(), on: true }
}

#[tokio::test(start_paused = true)]
async fn each_user_has_a_bucket() {
    let admission = admission(true, 2);
    assert!(admission.admit(user(1), &typing()).await.is_ok());
    assert!(admission.admit(user(1), &typing()).await.is_ok());
    let refused = admission.admit(user(1), &typing()).await;
    assert!(matches!(refused, Err(ChatError::RateLimited { .. })), "{refused:?}");
    assert!(admission.admit(user(2), &typing()).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn session_with_many_memberships_leaves_a_debt() {
    let admission = admission(true, 100);
    admission.begin_session(user(1)).await.unwrap().charge(MEMBERSHIPS_PER_TOKEN).await;
    admission.begin_session(user(1)).await.unwrap().charge(10_000).await;
    let refused = admission.begin_session(user(1)).await;
    let Err(ChatError::RateLimited { retry_after }) = refused else { panic!("{refused:?}") };
    // The bucket had 98 tokens, and owes at most 100.
    assert_eq!(retry_after.as_secs(), 101);
}

#[tokio::test(start_paused = true)]
async fn search_that_compares_long_texts_leaves_a_debt() {
    let admission = admission(true, 100);
    let search = Command::Search { filter: SearchFilter::default(), after: None, limit: 100 };
    admission.admit(user(1), &search).await.unwrap();
    admission.charge_comparison(user(1), COMPARED_BYTES_PER_TOKEN).await;
    admission.admit(user(1), &search).await.unwrap();
    admission.charge_comparison(user(1), 101 * COMPARED_BYTES_PER_TOKEN).await;
    let refused = admission.admit(user(1), &search).await;
    let Err(ChatError::RateLimited { retry_after }) = refused else { panic!("{refused:?}") };
    // The bucket had 60 tokens, and owes 40. One is enough to go on.
    assert_eq!(retry_after.as_secs(), 41);
}

#[tokio::test(start_paused = true)]
async fn examined_file_leaves_a_debt_and_only_its_owner_waits() {
    let admission = admission(true, 100);
    let permit = admission.begin_examination(user(1)).await;
    assert!(admission.begin_examination(user(1)).now_or_never().is_none());
    assert!(admission.begin_examination(user(2)).now_or_never().is_some());
    permit.charge(150 * BYTES_PER_TOKEN).await;
    assert!(admission.begin_examination(user(1)).now_or_never().is_some());
    let refused = admission.admit_other(user(1), Price::Request).await;
    let Err(ChatError::RateLimited { retry_after }) = refused else { panic!("{refused:?}") };
    assert_eq!(retry_after.as_secs(), 51);
}

#[tokio::test(start_paused = true)]
async fn group_costs_a_token_for_each_member() {
    let admission = admission(true, 10);
    let group = |members: u64| Command::CreateGroup {
        title: "Lunch".into(),
        members: (0..members).map(|id| user(id + 2)).collect(),
        key: "key".into(),
    };
    assert!(admission.admit(user(1), &group(8)).await.is_ok());
    assert!(admission.admit(user(1), &group(8)).await.is_ok(), "one token is left");
    assert!(admission.admit(user(1), &group(0)).await.is_err());
    assert!(admission.admit(user(1), &typing()).await.is_ok(), "other requests go on");
}

#[test]
fn price_follows_the_work() {
    assert_eq!(Price::Search("a").tokens(), SHORT_SEARCH_TOKENS);
    assert_eq!(Price::Search("ad").tokens(), 1);
    assert_eq!(Price::Presence(0).tokens(), 1);
    assert_eq!(Price::Presence(100).tokens(), 10);
}

#[tokio::test(start_paused = true)]
async fn guesses_from_one_place_do_not_stop_log_ins_from_others() {
    let admission = Admission {
        rates: RateLimits { address_burst: NonZeroU32::MAX, ..admission(true, 3).rates },
        ..admission(true, 3)
    };
    let from = |last: u8| IpAddr::from([192, 0, 2, last]);
    for name in ["Ada", "ada", "aDa"] {
        assert!(admission.admit_log_in(from(1), name).await.is_ok());
    }
    assert!(admission.admit_log_in(from(1), "ada").await.is_err(), "three guesses");
    assert!(admission.admit_log_in(from(1), "grace").await.is_ok(), "another account");
    let owner = admission.admit_log_in(from(2), "ada").await.unwrap();
    admission.logged_in(&owner);
    // Guesses from everywhere use up what the account has for all places together.
    for last in 3..100 {
        drop(admission.admit_log_in(from(last), "ada").await);
    }
    assert!(admission.admit_log_in(from(200), "ada").await.is_err());
    assert!(admission.admit_log_in(from(2), "ADA").await.is_ok(), "a known place");
}

#[tokio::test(start_paused = true)]
async fn junk_from_an_address_does_not_stop_refreshes() {
    let admission = admission(true, 2);
    let address = IpAddr::from([192, 0, 2, 1]);
    while admission.admit_refresh(address, None).await.is_ok() {}
    let login = LoginId::new(7);
    assert!(admission.admit_refresh(address, login).await.is_ok());
    assert!(admission.admit_refresh(address, login).await.is_ok());
    assert!(admission.admit_refresh(address, login).await.is_err(), "a login has its own limit");
}

#[tokio::test(start_paused = true)]
async fn everything_is_admitted_when_limits_are_disabled() {
    let admission = admission(false, 1);
    for _ in 0..10 {
        assert!(admission.admit(user(1), &typing()).await.is_ok());
        assert!(admission.admit_log_in(IpAddr::from([192, 0, 2, 1]), "ada").await.is_ok());
    }
    assert_eq!(admission.shown(), None);
}
