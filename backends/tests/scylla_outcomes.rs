//! No call reports that a write was not applied when it may have been.
#![expect(clippy::unwrap_used, reason = "a failed test may panic")]

#[expect(dead_code, reason = "this test file uses a part of it")]
#[path = "scylla/faulty.rs"]
mod faulty;
#[expect(dead_code, reason = "this test file uses a part of it")]
#[path = "scylla/keyspace.rs"]
mod keyspace;
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
    id::UserId,
    model::{
        ClientId, EndedLogin, Founding, Identity, Invite, InviteCode, InviteUse, Kind, Login,
        LoginSecret, Seq, TokenExchange, UseClaim, User, Username,
    },
    port::{Claim, InviteCreation, NameClaim, ReplyKey, Stores},
    time::Clock,
};
use futures_util::future::BoxFuture;
use scylla::errors::DbError;
use scylla_proxy::{
    Condition, Reaction, RequestOpcode, RequestReaction, RequestRule, ResponseFrame,
    ResponseOpcode, ResponseReaction, ResponseRule,
};

use crate::{
    faulty::{FaultyGateway, cas_timeout, conditional_answer},
    keyspace::{STATEMENT_WITHIN, TestKeyspace, eventually},
    writer::{CLOCK, Draft, Writer, fresh, text},
};

/// Longer than one attempt of a call with statements of four seconds.
const ARRIVES_LATE: Duration = Duration::from_secs(4);
const DAY: Duration = Duration::from_secs(24 * 3600);

fn user() -> User {
    let id: UserId = fresh();
    let username = Username::new(&format!("u{id}")).unwrap();
    User { id, username, display_name: "at first".into(), created_at: CLOCK.now() }
}

fn login(user: UserId) -> Login {
    let now = CLOCK.now();
    Login {
        id: fresh(),
        user,
        device: None,
        created_at: now,
        used_at: now,
        expires_at: now.after(DAY),
        current: LoginSecret([1; 32]),
        previous: None,
    }
}

fn reply_key() -> ReplyKey {
    ReplyKey { user: fresh(), key: "key".into() }
}

fn founding() -> Founding {
    let created_at = CLOCK.now();
    Founding { conversation: fresh(), kind: Kind::Group, title: None, created_at }
}

/// Answers the next conditional write, which is applied, with a timeout, and everything after it
/// with errors. Those of other statements do not count as an outage of the store.
fn fail_from_the_next_conditional_write() -> ResponseRule {
    let has_begun = AtomicBool::new(false);
    let forge = move |frame: ResponseFrame| {
        let is_applied = frame.body.windows(9).any(|part| part == b"[applied]");
        if is_applied {
            has_begun.store(true, Ordering::SeqCst);
            return ResponseFrame::forged_error(frame.params, cas_timeout(), None).unwrap();
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

fn ended_login(login: &Login) -> EndedLogin {
    let identity = Identity { user: login.user, login: login.id };
    EndedLogin { identity, refused_until: CLOCK.now().after(DAY) }
}

type Call = BoxFuture<'static, Result<(), StoreError>>;

/// Returns every call that sends a conditional write, by its name.
async fn calls(stores: &Stores) -> Vec<(&'static str, Call)> {
    let mut calls: Vec<(&'static str, Call)> = Vec::new();
    let mut add = |name, call: Call| calls.push((name, call));
    add_account_calls(stores, &mut add).await;
    add_reply_calls(stores, &mut add).await;
    add_invite_calls(stores, &mut add).await;
    let conversations = stores.conversations.clone();
    add("create", Box::pin(async move { conversations.create(&founding()).await.map(drop) }));
    let conversations = stores.conversations.clone();
    let direct = async move { conversations.direct(fresh(), fresh(), fresh()).await.map(drop) };
    add("direct", Box::pin(direct));
    let mut writer = Writer::new();
    let draft = Draft::new(fresh(), text("to be erased"));
    writer.append(stores, &[draft]).await;
    let log = stores.log.clone();
    let conversation = writer.conversation;
    add("erase", Box::pin(async move { log.erase(conversation, &[Seq::new(1)]).await }));
    calls
}

fn invite() -> Invite {
    let created_at = CLOCK.now();
    Invite {
        code: InviteCode::from_bits(fresh::<UserId>().get()),
        conversation: fresh(),
        created_by: fresh(),
        created_at,
        expires_at: created_at.after(DAY),
        max_uses: Some(5),
        used: 0,
        is_ended: false,
    }
}

fn new_use(client_id: &str) -> InviteUse {
    InviteUse { client_id: ClientId::new(client_id).unwrap(), base_seq: Seq::new(1) }
}

async fn add_invite_calls(stores: &Stores, add: &mut impl FnMut(&'static str, Call)) {
    let known = invite();
    assert_eq!(stores.invites.create(&known).await, Ok(InviteCreation::Created));
    let invites = stores.invites.clone();
    add("create an invite", Box::pin(async move { invites.create(&invite()).await.map(drop) }));
    let invites = stores.invites.clone();
    let claim = async move {
        let (user, now) = (fresh(), CLOCK.now());
        invites.claim_use(known.code, user, &new_use("a"), None, now).await.map(drop)
    };
    add("claim a use", Box::pin(claim));
    let invites = stores.invites.clone();
    add("end an invite", Box::pin(async move { invites.end(known.code).await.map(drop) }));
}

async fn add_account_calls(stores: &Stores, add: &mut impl FnMut(&'static str, Call)) {
    let accounts = stores.accounts.clone();
    let known = user();
    assert_eq!(accounts.claim(&known, "hash").await.unwrap(), NameClaim::Yours);
    let claiming = accounts.clone();
    add("claim", Box::pin(async move { claiming.claim(&user(), "hash").await.map(drop) }));
    let renaming = async move { accounts.set_profile(known.id, "newest").await.map(drop) };
    add("set_profile", Box::pin(renaming));

    let opened = [login(fresh()), login(fresh()), login(fresh())];
    for one in &opened {
        stores.logins.open(one).await.unwrap();
    }
    let [ended, exchanged, reused] = opened;
    let logins = stores.logins.clone();
    add("open", Box::pin(async move { logins.open(&login(fresh())).await.map(drop) }));
    let logins = stores.logins.clone();
    add(
        "revoke",
        Box::pin(async move { logins.revoke(ended_login(&ended), CLOCK.now()).await.map(drop) }),
    );
    let rotate = |login: Login, presented: LoginSecret| {
        let logins = stores.logins.clone();
        let now = CLOCK.now();
        let successor = LoginSecret([2; 32]);
        let exchange = TokenExchange {
            presented,
            successor,
            now,
            expires_at: now.after(DAY),
            age_max: DAY,
            refused_until: now.after(DAY),
        };
        async move { logins.rotate(login.id, &exchange).await.map(drop) }
    };
    add("rotate", Box::pin(rotate(exchanged.clone(), exchanged.current)));
    add("rotate, reused", Box::pin(rotate(reused, LoginSecret([9; 32]))));
}

async fn add_reply_calls(stores: &Stores, add: &mut impl FnMut(&'static str, Call)) {
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn call_never_fails_as_unavailable_when_its_write_may_be_applied() {
    let Some(keyspace) = TestKeyspace::shared("faults", 4_096).await else { return };
    let mut faulty = FaultyGateway::connect(&keyspace, STATEMENT_WITHIN).await;
    let mut wrong = Vec::new();
    for (name, call) in calls(&faulty.gateway.stores()).await {
        faulty.set_response_rules(vec![fail_from_the_next_conditional_write()]);
        let outcome = call.await;
        if matches!(outcome, Err(StoreError::Unavailable(_))) {
            wrong.push((name, outcome));
        }
        faulty.heal();
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// A use is counted once, however often its user asks after a lost answer.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn use_is_taken_once_when_its_answer_is_lost() {
    let Some(keyspace) = TestKeyspace::shared("faults", 4_096).await else { return };
    let mut faulty = FaultyGateway::connect(&keyspace, STATEMENT_WITHIN).await;
    let (invites, invite, user) = (faulty.gateway.stores().invites, invite(), fresh());
    assert_eq!(invites.create(&invite).await, Ok(InviteCreation::Created));
    let (first, now) = (new_use("first"), CLOCK.now());
    faulty.set_response_rules(vec![fail_from_the_next_conditional_write()]);
    let lost = invites.claim_use(invite.code, user, &first, None, now).await;
    assert!(matches!(lost, Err(StoreError::Unknown(_))), "{lost:?}");
    faulty.heal();
    let other = keyspace.connect().await.stores().invites;
    for invites in [&other, &invites] {
        let repeated = invites.claim_use(invite.code, user, &new_use("second"), None, now).await;
        assert_eq!(repeated, Ok(UseClaim::Yours(first.clone())));
    }
    assert_eq!(other.get(invite.code).await.unwrap().map(|invite| invite.used), Some(1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn revoke_succeeds_when_the_index_of_logins_cannot_be_written() {
    let Some(keyspace) = TestKeyspace::shared("faults", 4_096).await else { return };
    let mut faulty = FaultyGateway::connect(&keyspace, STATEMENT_WITHIN).await;
    let logins = faulty.gateway.stores().logins;
    let login = login(fresh());
    logins.open(&login).await.unwrap();
    let value = |id: i64| [8_i32.to_be_bytes().to_vec(), id.to_be_bytes().to_vec()].concat();
    let row = [value(login.user.as_i64()), value(login.id.as_i64())].concat();
    let unindex = Condition::RequestOpcode(RequestOpcode::Execute)
        .and(Condition::BodyContainsCaseSensitive(row.into()));
    faulty.set_request_rules(vec![RequestRule(
        unindex,
        RequestReaction::forge_with_error(cas_timeout()),
    )]);
    assert_eq!(logins.revoke(ended_login(&login), CLOCK.now()).await, Ok(true));
    assert_eq!(logins.list(login.user, login.used_at).await, Ok(Vec::new()));
}

/// Delays the first request with this text, and counts the answers to conditional writes.
fn delay_first_request(faulty: &mut FaultyGateway, content: &str) -> Arc<AtomicU64> {
    let answers = Arc::new(AtomicU64::new(0));
    let counting = answers.clone();
    let count = move |frame: ResponseFrame| {
        counting.fetch_add(1, Ordering::SeqCst);
        frame
    };
    let forward = ResponseReaction::transform_frame(Arc::new(count));
    faulty.set_response_rules(vec![ResponseRule(conditional_answer(1_000), forward)]);
    let once = Condition::RequestOpcode(RequestOpcode::Execute)
        .and(Condition::BodyContainsCaseSensitive(content.as_bytes().into()))
        .and(Condition::TrueForLimitedTimes(1));
    let late = RequestReaction::delay(ARRIVES_LATE);
    faulty.set_request_rules(vec![RequestRule(once, late)]);
    answers
}

/// The first attempt arrives after a second attempt was applied and somebody set another name.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn late_attempt_to_rename_does_not_undo_a_newer_name() {
    let Some(keyspace) = TestKeyspace::shared("faults", 4_096).await else { return };
    let mut faulty = FaultyGateway::connect(&keyspace, Duration::from_secs(4)).await;
    let other = keyspace.connect().await.stores().accounts;
    let accounts = faulty.gateway.stores().accounts;
    let user = user();
    assert_eq!(accounts.claim(&user, "hash").await, Ok(NameClaim::Yours));
    let answers = delay_first_request(&mut faulty, "by two attempts");
    assert!(accounts.set_profile(user.id, "by two attempts").await.unwrap().is_some());
    let before = answers.load(Ordering::SeqCst);
    other.set_profile(user.id, "newest").await.unwrap();
    let has_arrived = async || answers.load(Ordering::SeqCst) > before;
    eventually("the first attempt arrives", has_arrived).await;
    let stored = other.users(&[user.id]).await.unwrap().remove(0);
    assert_eq!(&*stored.unwrap().display_name, "newest");
}
