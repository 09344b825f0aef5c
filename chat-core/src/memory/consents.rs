//! Consents and boundaries in memory.

use async_trait::async_trait;

use super::state::Shared;
use crate::{
    error::StoreError,
    id::{ConversationId, UserId},
    model::{Boundary, Consent, PrivacyChange},
    port,
};

/// Consents in memory.
#[derive(Debug)]
pub struct MemoryConsents(pub(super) Shared);

#[async_trait]
impl port::Consents for MemoryConsents {
    async fn advance(
        &self,
        user: UserId,
        conversation: ConversationId,
        to: Consent,
    ) -> Result<(Consent, bool), StoreError> {
        let mut state = self.0.lock();
        let consents = state.consents.entry(user).or_default();
        let before = consents.get(&conversation).copied().unwrap_or_default();
        let after = before.max(to);
        if after != before {
            consents.insert(conversation, after);
        }
        Ok((after, after != before))
    }

    async fn of_user(&self, user: UserId) -> Result<Vec<(ConversationId, Consent)>, StoreError> {
        let state = self.0.lock();
        let consents = state.consents.get(&user).into_iter().flatten();
        Ok(consents.map(|(conversation, consent)| (*conversation, *consent)).collect())
    }

    async fn of_members(
        &self,
        members: &[(UserId, ConversationId)],
    ) -> Result<Vec<Consent>, StoreError> {
        let state = self.0.lock();
        let consent = |(user, conversation): &(UserId, ConversationId)| {
            let consent = state.consents.get(user).and_then(|of_user| of_user.get(conversation));
            consent.copied().unwrap_or_default()
        };
        Ok(members.iter().map(consent).collect())
    }
}

/// Boundaries in memory.
#[derive(Debug)]
pub struct MemoryBoundaries(pub(super) Shared);

#[async_trait]
impl port::Boundaries for MemoryBoundaries {
    async fn get(&self, user: UserId) -> Result<Boundary, StoreError> {
        Ok(self.0.lock().boundaries.get(&user).cloned().unwrap_or_default())
    }

    async fn set_privacy(&self, user: UserId, change: PrivacyChange) -> Result<(), StoreError> {
        let mut state = self.0.lock();
        let boundary = state.boundaries.entry(user).or_default();
        boundary.privacy = boundary.privacy.changed(change);
        Ok(())
    }

    async fn set_block(&self, owner: UserId, user: UserId, on: bool) -> Result<(), StoreError> {
        self.0.lock().boundaries.entry(owner).or_default().set_block(user, on);
        Ok(())
    }
}
