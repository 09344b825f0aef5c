//! Contract tests of [`crate::port::Replies`].

use std::time::Duration;

use tokio::task::JoinSet;

use super::fixtures::{fresh, last, now, random, random_word};
use crate::{
    id::ConversationId,
    limits::{REPLY_CLAIM_TTL, REPLY_TTL},
    port::{Claim, ReplyKey, Stores},
    time::Timestamp,
};

fn key() -> ReplyKey {
    ReplyKey { user: fresh(), key: random_word().into() }
}

/// A request that claims its key and proposes its own conversation.
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

    /// Returns the same request sent again, which proposes another conversation.
    fn retry(&self) -> Self {
        Self { own: fresh(), ..self.clone() }
    }

    /// Returns a request with the same key and another body.
    fn with_other_body(&self) -> Self {
        Self { digest: random(), ..self.retry() }
    }

    async fn claim(&self, stores: &Stores, at: Timestamp) -> Claim {
        stores.replies.claim(&self.key, self.digest, self.own, at).await.unwrap()
    }
}

fn before(at: Timestamp) -> Timestamp {
    Timestamp::from_millis(at.as_millis() - 1)
}

/// The first claim wins. Until it is settled others get `Running`, and then its conversation for as
/// long as keys are kept (duplicate, ack-divergence).
pub async fn settled_key_returns_its_conversation(stores: &[Stores]) {
    let request = Request::new();
    let at = now();
    assert_eq!(request.claim(&stores[0], at).await, Claim::Yours(request.own));
    assert_eq!(request.retry().claim(last(stores), at).await, Claim::Running);
    for later in [Duration::ZERO, REPLY_CLAIM_TTL * 2, REPLY_TTL] {
        stores[0].replies.settle(&request.key).await.unwrap();
        let claim = request.retry().claim(last(stores), at.after(later)).await;
        assert_eq!(claim, Claim::Settled(request.own));
    }
}

/// A key accepts only its first body, while it is claimed, after the claim expires, and once it is
/// settled.
pub async fn key_is_refused_when_the_body_differs(stores: &[Stores]) {
    let request = Request::new();
    let at = now();
    request.claim(&stores[0], at).await;
    for later in [at, at.after(REPLY_CLAIM_TTL * 2)] {
        assert_eq!(request.with_other_body().claim(last(stores), later).await, Claim::Differs);
    }
    stores[0].replies.settle(&request.key).await.unwrap();
    assert_eq!(request.with_other_body().claim(last(stores), at).await, Claim::Differs);
    assert_eq!(request.retry().claim(last(stores), at).await, Claim::Settled(request.own));
}

/// An unsettled claim that has expired is taken over with the first conversation and a new time to
/// live (duplicate).
pub async fn expired_claim_is_taken_over_with_the_first_id(stores: &[Stores]) {
    let request = Request::new();
    let mut at = now();
    request.claim(&stores[0], at).await;
    for _ in 0..3 {
        let end = at.after(REPLY_CLAIM_TTL);
        assert_eq!(request.retry().claim(last(stores), before(end)).await, Claim::Running);
        assert_eq!(request.retry().claim(last(stores), end).await, Claim::Yours(request.own));
        at = end;
    }
    stores[0].replies.settle(&request.key).await.unwrap();
    assert_eq!(request.retry().claim(last(stores), at).await, Claim::Settled(request.own));
}

/// Of several concurrent claims one wins, both at first and after expiry (duplicate).
pub async fn one_of_several_concurrent_claims_wins(stores: &[Stores]) {
    let request = Request::new();
    let start = now();
    let mut made = None;
    for round in 0..3 {
        let at = start.after(REPLY_CLAIM_TTL * round);
        let mut callers = JoinSet::new();
        for nth in 0..6 {
            let stores = stores[nth % stores.len()].clone();
            let request = request.retry();
            callers.spawn(async move { request.claim(&stores, at).await });
        }
        let mut claims = callers.join_all().await;
        claims.retain(|claim| *claim != Claim::Running);
        assert_eq!(claims.len(), 1, "{claims:?}");
        assert!(matches!(claims[0], Claim::Yours(_)), "{claims:?}");
        assert_eq!(*made.get_or_insert(claims[0]), claims[0]);
    }
}

/// A released key can be claimed by another request. A settled key is not released.
pub async fn released_key_can_be_claimed_again(stores: &[Stores]) {
    let request = Request::new();
    let at = now();
    request.claim(&stores[0], at).await;
    for _ in 0..2 {
        last(stores).replies.release(&request.key).await.unwrap();
    }
    let other = request.with_other_body();
    assert_eq!(other.claim(&stores[0], at).await, Claim::Yours(other.own));
    stores[0].replies.settle(&other.key).await.unwrap();
    last(stores).replies.release(&other.key).await.unwrap();
    assert_eq!(other.retry().claim(&stores[0], at).await, Claim::Settled(other.own));
}

/// Settling and releasing do nothing to a key that nobody claimed (phantom).
pub async fn settle_and_release_ignore_unclaimed_keys(stores: &[Stores]) {
    let request = Request::new();
    stores[0].replies.settle(&request.key).await.unwrap();
    stores[0].replies.release(&request.key).await.unwrap();
    stores[0].replies.settle(&request.key).await.unwrap();
    assert_eq!(request.claim(last(stores), now()).await, Claim::Yours(request.own));
}

/// The same key of another user, or a longer key, is a different key.
pub async fn key_is_scoped_to_its_user(stores: &[Stores]) {
    let request = Request::new();
    let at = now();
    request.claim(&stores[0], at).await;
    let longer = format!("{}-", request.key.key);
    for key in [
        ReplyKey { user: fresh(), ..request.key.clone() },
        ReplyKey { key: longer.into(), ..request.key.clone() },
    ] {
        let other = Request { key, ..request.retry() };
        assert_eq!(other.claim(last(stores), at).await, Claim::Yours(other.own));
    }
}
