//! The record behind an idempotency key.

use serde::{Deserialize, Serialize};

use crate::{
    id::ConversationId,
    limits::{REPLY_CLAIM_TTL, REPLY_TTL},
    time::Timestamp,
};

/// The result of claiming an idempotency key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Claim {
    /// The caller holds the key and must create this conversation. It is the id that the first
    /// claim proposed, so that a request that takes over an abandoned claim creates nothing twice.
    Yours(ConversationId),
    /// Another request holds the key.
    Running,
    /// An earlier request created this conversation.
    Settled(ConversationId),
    /// The key was used with another request body.
    Differs,
}

/// What a store keeps under an idempotency key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdempotencyRecord {
    /// The digest of the request's body.
    pub digest: [u8; 32],
    /// The conversation that the request creates.
    pub conversation: ConversationId,
    /// When the key was last claimed.
    pub claimed_at: Timestamp,
    /// True once the conversation has been created.
    pub is_settled: bool,
}

impl IdempotencyRecord {
    /// Makes the record of a key's first claim.
    pub const fn new(digest: [u8; 32], conversation: ConversationId, now: Timestamp) -> Self {
        Self { digest, conversation, claimed_at: now, is_settled: false }
    }

    /// Decides what a further claim of the key gets. After [`Claim::Yours`], store the record with
    /// `claimed_at` set to `now`; other results change nothing.
    pub fn claim(&self, digest: &[u8; 32], now: Timestamp) -> Claim {
        if self.digest != *digest {
            Claim::Differs
        } else if self.is_settled {
            Claim::Settled(self.conversation)
        } else if now < self.claimed_at.after(REPLY_CLAIM_TTL) {
            Claim::Running
        } else {
            Claim::Yours(self.conversation)
        }
    }

    /// Returns true if the record may be deleted. It was kept for [`REPLY_TTL`] even if it was
    /// settled at the last moment of its claim.
    pub fn has_expired(&self, now: Timestamp) -> bool {
        self.claimed_at.after(REPLY_TTL + REPLY_CLAIM_TTL) <= now
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIGEST: [u8; 32] = [1; 32];
    const CONVERSATION: ConversationId = ConversationId::new(3).expect("valid id");

    fn record() -> IdempotencyRecord {
        IdempotencyRecord::new(DIGEST, CONVERSATION, Timestamp::default())
    }

    #[test]
    fn unsettled_claim_is_taken_over_when_it_runs_out() {
        let runs_out = Timestamp::default().after(REPLY_CLAIM_TTL);
        let just_before = Timestamp::from_millis(runs_out.as_millis() - 1);
        assert_eq!(record().claim(&DIGEST, just_before), Claim::Running);
        assert_eq!(record().claim(&DIGEST, runs_out), Claim::Yours(CONVERSATION));
    }

    #[test]
    fn settled_key_answers_only_the_same_request() {
        let settled = IdempotencyRecord { is_settled: true, ..record() };
        assert_eq!(settled.claim(&DIGEST, Timestamp::default()), Claim::Settled(CONVERSATION));
        assert_eq!(settled.claim(&[2; 32], Timestamp::default()), Claim::Differs);
        assert_eq!(record().claim(&[2; 32], Timestamp::default()), Claim::Differs);
    }

    #[test]
    fn record_expires_when_reply_and_claim_are_over() {
        let over = Timestamp::default().after(REPLY_TTL + REPLY_CLAIM_TTL);
        assert!(!record().has_expired(Timestamp::from_millis(over.as_millis() - 1)));
        assert!(record().has_expired(over));
    }
}
