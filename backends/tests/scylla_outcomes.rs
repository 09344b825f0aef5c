//! What may have been done is never said to be undone, whatever fails after it.
#![expect(clippy::unwrap_used, reason = "a test may end so")]

#[expect(dead_code, reason = "this file of tests uses some of it")]
#[path = "scylla/faulty.rs"]
mod faulty;
#[expect(dead_code, reason = "this file of tests uses some of it")]
#[path = "scylla/stage.rs"]
mod stage;
#[path = "scylla/writer.rs"]
mod writer;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use chat_core::{
    error::StoreError,
    id::{LoginId, UserId},
    model::{Founding, Kind, Login, LoginSecret, Seq, User, Username},
    port::{Claim, ReplyKey, Stores},
    time::Clock,
};
use futures_util::future::BoxFuture;
use scylla::errors::DbError;
use scylla_proxy::{
    Condition, Reaction, RequestOpcode, RequestReaction, RequestRule, ResponseFrame,
    ResponseOpcode, ResponseReaction, ResponseRule,
};

use crate::{
    faulty::{Faulty, applied, faulty, timeout},
    stage::Stage,
    writer::{CLOCK, Draft, Writer, fresh, text},
};

const PATIENCE: Duration = Duration::from_secs(20);
const DAY: Duration = Duration::from_secs(24 * 3600);

fn user() -> User {
    let id: UserId = fresh();
    let username = Username::new(&format!("u{id}")).unwrap();
    User { id, username, display_name: "at first".into(), created_at: CLOCK.now() }
}

fn login(user: UserId) -> Login {
    let now = CLOCK.now();
    let (id, current) = (fresh::<LoginId>(), LoginSecret([1; 32]));
    let (created_at, used_at, expires_at) = (now, now, now.after(DAY));
    Login { id, user, device: None, created_at, used_at, expires_at, current, previous: None }
}

fn reply_key() -> ReplyKey {
    ReplyKey { user: fresh(), key: "key".into() }
}

fn founding() -> Founding {
    let created_at = CLOCK.now();
    Founding { conversation: fresh(), kind: Kind::Group, title: None, created_at }
}

/// From the next conditional write on, which is applied, every answer is an error: a time-out for a
/// conditional write, and for the rest one that says nothing of the store's health.
fn applied_and_then_failures() -> ResponseRule {
    let has_begun = AtomicBool::new(false);
    let forge = move |frame: ResponseFrame| {
        let is_applied = frame.body.windows(9).any(|part| part == b"[applied]");
        if is_applied {
            has_begun.store(true, Ordering::SeqCst);
            return ResponseFrame::forged_error(frame.params, timeout(), None).unwrap();
        }
        if has_begun.load(Ordering::SeqCst) {
            let error = DbError::ServerError;
            return ResponseFrame::forged_error(frame.params, error, None).unwrap();
        }
        frame
    };
    let result = Condition::ResponseOpcode(ResponseOpcode::Result);
    ResponseRule(result, ResponseReaction::transform_frame(Arc::new(forge)))
}

type Call = BoxFuture<'static, Result<(), StoreError>>;

/// Every call with a conditional write, ready to be made.
async fn calls(stores: &Stores) -> Vec<(&'static str, Call)> {
    let mut calls: Vec<(&'static str, Call)> = Vec::new();
    let mut add = |name, call: Call| calls.push((name, call));
    people(stores, &mut add).await;
    replies(stores, &mut add).await;
    let made = stores.conversations.clone();
    add("create", Box::pin(async move { made.create(&founding()).await }));
    let made = stores.conversations.clone();
    add("direct", Box::pin(async move { made.direct(fresh(), fresh(), fresh()).await.map(drop) }));
    let mut writer = Writer::new();
    let draft = Draft::new(fresh(), text("to be erased"));
    writer.append(stores, &[draft]).await;
    let log = stores.log.clone();
    let conversation = writer.conversation;
    add("erase", Box::pin(async move { log.erase(conversation, &[Seq::new(1)]).await }));
    calls
}

async fn people(stores: &Stores, add: &mut impl FnMut(&'static str, Call)) {
    let (accounts, known) = (stores.accounts.clone(), user());
    assert!(accounts.claim(&known, "hash").await.unwrap());
    let claiming = accounts.clone();
    add("claim", Box::pin(async move { claiming.claim(&user(), "hash").await.map(drop) }));
    let named = async move { accounts.set_profile(known.id, "newest").await.map(drop) };
    add("set_profile", Box::pin(named));

    let opened = [login(fresh()), login(fresh()), login(fresh())];
    for one in &opened {
        stores.logins.open(one).await.unwrap();
    }
    let [ended, exchanged, reused] = opened;
    let logins = stores.logins.clone();
    add("open", Box::pin(async move { logins.open(&login(fresh())).await }));
    let logins = stores.logins.clone();
    add("revoke", Box::pin(async move { logins.revoke(ended.user, ended.id).await.map(drop) }));
    let rotate = |login: Login, presented: LoginSecret| {
        let (logins, now) = (stores.logins.clone(), CLOCK.now());
        let successor = LoginSecret([2; 32]);
        async move { logins.rotate(login.id, presented, successor, now, now.after(DAY)).await.map(drop) }
    };
    add("rotate", Box::pin(rotate(exchanged.clone(), exchanged.current)));
    add("rotate, reused", Box::pin(rotate(reused, LoginSecret([9; 32]))));
}

async fn replies(stores: &Stores, add: &mut impl FnMut(&'static str, Call)) {
    let claim = |key: ReplyKey| {
        let replies = stores.replies.clone();
        async move { replies.claim(&key, [0; 32], fresh(), CLOCK.now()).await }
    };
    let [fresh_key, settled, released] = [reply_key(), reply_key(), reply_key()];
    for key in [&settled, &released] {
        assert!(matches!(claim(key.clone()).await.unwrap(), Claim::Yours(_)));
    }
    let first = claim(fresh_key);
    add("claim a reply", Box::pin(async move { first.await.map(drop) }));
    let replies = stores.replies.clone();
    add("settle", Box::pin(async move { replies.settle(&settled).await }));
    let replies = stores.replies.clone();
    add("release", Box::pin(async move { replies.release(&released).await }));
}

/// The first conditional write of a call is applied and its answer lost, and then the store fails:
/// no call says that it is surely not done.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_may_be_done_is_never_called_undone() {
    let Some(stage) = Stage::shared("faults", 4_096).await else { return };
    let mut faulty = faulty(&stage, PATIENCE).await;
    let mut wrong = Vec::new();
    for (name, call) in calls(&faulty.gateway.stores()).await {
        faulty.responses(vec![applied_and_then_failures()]);
        let outcome = call.await;
        if matches!(outcome, Err(StoreError::Unavailable(_))) {
            wrong.push((name, outcome));
        }
        faulty.heal();
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// A login has ended, and the list of logins cannot be written: that it has ended is told.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ended_login_is_told_whatever_becomes_of_its_list() {
    let Some(stage) = Stage::shared("faults", 4_096).await else { return };
    let mut faulty = faulty(&stage, PATIENCE).await;
    let (logins, login) = (faulty.gateway.stores().logins, login(fresh()));
    logins.open(&login).await.unwrap();
    let value = |id: i64| [8_i32.to_be_bytes().to_vec(), id.to_be_bytes().to_vec()].concat();
    let row = [value(login.user.as_i64()), value(login.id.as_i64())].concat();
    let unindex = Condition::RequestOpcode(RequestOpcode::Execute)
        .and(Condition::BodyContainsCaseSensitive(row.into()));
    faulty.requests(vec![RequestRule(unindex, RequestReaction::forge_with_error(timeout()))]);
    assert_eq!(logins.revoke(login.user, login.id).await, Ok(true));
    assert_eq!(logins.list(login.user, login.used_at).await, Ok(Vec::new()));
}

/// An id that was given to two people lets neither in as the other.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn id_that_was_given_twice_is_one_account() {
    let Some(stage) = Stage::shared("faults", 4_096).await else { return };
    let gateway = stage.connect().await;
    let (accounts, first) = (gateway.stores().accounts, user());
    let second = User { id: first.id, ..user() };
    assert_eq!(accounts.claim(&first, "first").await, Ok(true));
    let claimed = accounts.claim(&second, "second").await;
    assert!(matches!(claimed, Err(StoreError::Corrupt(_))), "{claimed:?}");
    let credentials = accounts.credentials(&second.username).await;
    assert!(matches!(credentials, Err(StoreError::Corrupt(_))), "{credentials:?}");
    assert_eq!(accounts.credentials(&first.username).await.unwrap().unwrap().0, first);

    let logins = gateway.stores().logins;
    let first = login(fresh());
    let second = Login { user: fresh(), ..first.clone() };
    logins.open(&first).await.unwrap();
    let opened = logins.open(&second).await;
    assert!(matches!(opened, Err(StoreError::Corrupt(_))), "{opened:?}");
}

/// Lets the first conditional write arrive late, and counts the answers to conditional writes.
fn late_once(faulty: &mut Faulty, name: &str) -> Arc<AtomicU64> {
    let answers = Arc::new(AtomicU64::new(0));
    let counting = answers.clone();
    let count = move |frame: ResponseFrame| {
        counting.fetch_add(1, Ordering::SeqCst);
        frame
    };
    let pass = ResponseReaction::transform_frame(Arc::new(count));
    faulty.responses(vec![ResponseRule(applied(1_000), pass)]);
    let once = Condition::RequestOpcode(RequestOpcode::Execute)
        .and(Condition::BodyContainsCaseSensitive(name.as_bytes().into()))
        .and(Condition::TrueForLimitedTimes(1));
    let late = RequestReaction::delay(Duration::from_millis(2_500));
    faulty.requests(vec![RequestRule(once, late)]);
    answers
}

/// A display name was set by a second try; the first arrives when somebody has set another name.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn late_try_of_a_display_name_takes_nothing_back() {
    let Some(stage) = Stage::shared("faults", 4_096).await else { return };
    let (mut faulty, other) =
        (faulty(&stage, Duration::from_millis(1_500)).await, stage.connect().await);
    let (accounts, user) = (faulty.gateway.stores().accounts, user());
    assert_eq!(accounts.claim(&user, "hash").await, Ok(true));
    let answers = late_once(&mut faulty, "by two tries");
    let set = accounts.set_profile(user.id, "by two tries").await;
    assert!(matches!(set, Ok(Some(_)) | Err(StoreError::Unknown(_))), "{set:?}");
    let before = answers.load(Ordering::SeqCst);
    other.stores().accounts.set_profile(user.id, "newest").await.unwrap();
    let deadline = tokio::time::Instant::now() + Duration::from_secs(20);
    while answers.load(Ordering::SeqCst) == before {
        assert!(tokio::time::Instant::now() < deadline, "the first try never arrived");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let stands = other.stores().accounts.users(&[user.id]).await.unwrap()[0].clone();
    assert_eq!(&*stands.unwrap().display_name, "newest");
}
