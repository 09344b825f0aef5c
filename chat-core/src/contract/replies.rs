//! Promises of [`crate::port::Replies`].

use std::time::Duration;

use tokio::task::JoinSet;

use super::scene::{fresh, last, now, random, word};
use crate::{
    id::ConversationId,
    limits::{REPLY_CLAIM_TTL, REPLY_TTL},
    port::{Claim, ReplyKey, Stores},
    time::Timestamp,
};

fn key() -> ReplyKey {
    ReplyKey { user: fresh(), key: word().into() }
}

/// A request that claims its key with a conversation of its own.
#[derive(Debug, Clone)]
struct Request {
    key: ReplyKey,
    digest: [u8; 32],
    own: ConversationId,
}

impl Request {
    fn new() -> Self {
        Self { key: key(), digest: random(), own: fresh() }
    }

    /// The same request, sent once more.
    fn again(&self) -> Self {
        Self { own: fresh(), ..self.clone() }
    }

    /// The same key over another body.
    fn differing(&self) -> Self {
        Self { digest: random(), ..self.again() }
    }

    async fn claim(&self, stores: &Stores, at: Timestamp) -> Claim {
        stores.replies.claim(&self.key, self.digest, self.own, at).await.unwrap()
    }
}

fn before(at: Timestamp) -> Timestamp {
    Timestamp::from_millis(at.as_millis() - 1)
}

/// The first claim is the caller's; until it is settled others wait, then they get what it made,
/// for as long as answers are kept (duplicate, ack-divergence).
pub async fn key_is_claimed_and_settled_once(stores: &[Stores]) {
    let (request, at) = (Request::new(), now());
    assert_eq!(request.claim(&stores[0], at).await, Claim::Yours(request.own));
    assert_eq!(request.again().claim(last(stores), at).await, Claim::Running);
    for later in [Duration::ZERO, REPLY_CLAIM_TTL * 2, REPLY_TTL] {
        stores[0].replies.settle(&request.key).await.unwrap();
        let claim = request.again().claim(last(stores), at.after(later)).await;
        assert_eq!(claim, Claim::Settled(request.own));
    }
}

/// A key stands for its first body, while it runs, when it ran out and when it is settled.
pub async fn key_does_not_stand_for_another_body(stores: &[Stores]) {
    let (request, at) = (Request::new(), now());
    request.claim(&stores[0], at).await;
    for later in [at, at.after(REPLY_CLAIM_TTL * 2)] {
        assert_eq!(request.differing().claim(last(stores), later).await, Claim::Differs);
    }
    stores[0].replies.settle(&request.key).await.unwrap();
    assert_eq!(request.differing().claim(last(stores), at).await, Claim::Differs);
    assert_eq!(request.again().claim(last(stores), at).await, Claim::Settled(request.own));
}

/// A claim that ran out unsettled is another's, to make the first one's conversation, and runs
/// anew (duplicate).
pub async fn claim_that_ran_out_is_taken_over_with_the_first_id(stores: &[Stores]) {
    let (request, mut at) = (Request::new(), now());
    request.claim(&stores[0], at).await;
    for _ in 0..3 {
        let end = at.after(REPLY_CLAIM_TTL);
        assert_eq!(request.again().claim(last(stores), before(end)).await, Claim::Running);
        assert_eq!(request.again().claim(last(stores), end).await, Claim::Yours(request.own));
        at = end;
    }
    stores[0].replies.settle(&request.key).await.unwrap();
    assert_eq!(request.again().claim(last(stores), at).await, Claim::Settled(request.own));
}

/// Of many claims at once one is the caller's, at first and when it has run out (duplicate).
pub async fn one_of_many_claims_at_once_wins(stores: &[Stores]) {
    let (request, start) = (Request::new(), now());
    let mut made = None;
    for round in 0..3 {
        let at = start.after(REPLY_CLAIM_TTL * round);
        let mut callers = JoinSet::new();
        for nth in 0..6 {
            let (stores, request) = (stores[nth % stores.len()].clone(), request.again());
            callers.spawn(async move { request.claim(&stores, at).await });
        }
        let mut claims = callers.join_all().await;
        claims.retain(|claim| *claim != Claim::Running);
        assert_eq!(claims.len(), 1, "{claims:?}");
        assert!(matches!(claims[0], Claim::Yours(_)), "{claims:?}");
        assert_eq!(*made.get_or_insert(claims[0]), claims[0]);
    }
}

/// A key that was given back is as if it had never been claimed; a settled one is not given back.
pub async fn released_key_is_free(stores: &[Stores]) {
    let (request, at) = (Request::new(), now());
    request.claim(&stores[0], at).await;
    for _ in 0..2 {
        last(stores).replies.release(&request.key).await.unwrap();
    }
    let other = request.differing();
    assert_eq!(other.claim(&stores[0], at).await, Claim::Yours(other.own));
    stores[0].replies.settle(&other.key).await.unwrap();
    last(stores).replies.release(&other.key).await.unwrap();
    assert_eq!(other.again().claim(&stores[0], at).await, Claim::Settled(other.own));
}

/// Nothing is settled or given back that nobody claimed (phantom).
pub async fn key_nobody_claimed_is_free(stores: &[Stores]) {
    let request = Request::new();
    stores[0].replies.settle(&request.key).await.unwrap();
    stores[0].replies.release(&request.key).await.unwrap();
    stores[0].replies.settle(&request.key).await.unwrap();
    assert_eq!(request.claim(last(stores), now()).await, Claim::Yours(request.own));
}

/// The same key of another user, or one longer, is another key.
pub async fn key_belongs_to_its_user(stores: &[Stores]) {
    let (request, at) = (Request::new(), now());
    request.claim(&stores[0], at).await;
    let longer = format!("{}-", request.key.key);
    for key in [
        ReplyKey { user: fresh(), ..request.key.clone() },
        ReplyKey { key: longer.into(), ..request.key.clone() },
    ] {
        let other = Request { key, ..request.again() };
        assert_eq!(other.claim(last(stores), at).await, Claim::Yours(other.own));
    }
}
