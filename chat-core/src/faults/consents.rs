//! Consents and boundaries whose calls follow a test's instructions.

use std::sync::Arc;

use async_trait::async_trait;

use super::{Call, Faults};
use crate::{
    error::StoreError,
    id::{ConversationId, UserId},
    model::{Boundary, Consent, PrivacyChange},
    port::{Boundaries, Consents},
};

#[derive(Debug)]
pub(super) struct FaultyConsents {
    pub(super) inner: Arc<dyn Consents>,
    pub(super) faults: Arc<Faults>,
}

#[async_trait]
impl Consents for FaultyConsents {
    async fn advance(
        &self,
        user: UserId,
        conversation: ConversationId,
        to: Consent,
    ) -> Result<(Consent, bool), StoreError> {
        self.faults.run(Call::AdvanceConsent, self.inner.advance(user, conversation, to)).await
    }

    async fn of_user(&self, user: UserId) -> Result<Vec<(ConversationId, Consent)>, StoreError> {
        self.faults.run(Call::ConsentsOfUser, self.inner.of_user(user)).await
    }

    async fn of_members(
        &self,
        members: &[(UserId, ConversationId)],
    ) -> Result<Vec<Consent>, StoreError> {
        self.faults.run(Call::ConsentsOfMembers, self.inner.of_members(members)).await
    }
}

#[derive(Debug)]
pub(super) struct FaultyBoundaries {
    pub(super) inner: Arc<dyn Boundaries>,
    pub(super) faults: Arc<Faults>,
}

#[async_trait]
impl Boundaries for FaultyBoundaries {
    async fn get(&self, user: UserId) -> Result<Boundary, StoreError> {
        self.faults.run(Call::Boundary, self.inner.get(user)).await
    }

    async fn set_privacy(&self, user: UserId, change: PrivacyChange) -> Result<(), StoreError> {
        self.faults.run(Call::SetPrivacy, self.inner.set_privacy(user, change)).await
    }

    async fn set_block(&self, owner: UserId, user: UserId, on: bool) -> Result<(), StoreError> {
        self.faults.run(Call::SetBlock, self.inner.set_block(owner, user, on)).await
    }
}
