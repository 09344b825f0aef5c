//! What members agreed to, and what users allow others.

use std::fmt;

use async_trait::async_trait;

use crate::{
    error::StoreError,
    id::{ConversationId, UserId},
    model::{Boundary, Consent, PrivacyChange},
};

/// Stores what members agreed to.
#[async_trait]
pub trait Consents: Send + Sync + fmt::Debug {
    /// Moves the member's consent to the furthest of what it was and `to` ([`Consent::max`]). Returns
    /// the new consent, and true if it changed.
    async fn advance(
        &self,
        user: UserId,
        conversation: ConversationId,
        to: Consent,
    ) -> Result<(Consent, bool), StoreError>;

    /// Returns all consents of the user that differ from the default, in any order.
    async fn of_user(&self, user: UserId) -> Result<Vec<(ConversationId, Consent)>, StoreError>;

    /// Returns the consents of these members in the same order. One that does not exist is the
    /// default.
    async fn of_members(
        &self,
        members: &[(UserId, ConversationId)],
    ) -> Result<Vec<Consent>, StoreError>;
}

/// Stores what users allow others.
#[async_trait]
pub trait Boundaries: Send + Sync + fmt::Debug {
    /// Returns the user's boundary, or the default.
    async fn get(&self, user: UserId) -> Result<Boundary, StoreError>;

    /// Changes privacy settings. Idempotent.
    async fn set_privacy(&self, user: UserId, change: PrivacyChange) -> Result<(), StoreError>;

    /// Has `owner` block a user, or ends the block. Idempotent.
    async fn set_block(&self, owner: UserId, user: UserId, on: bool) -> Result<(), StoreError>;
}
