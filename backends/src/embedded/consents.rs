//! What members agreed to, and what users allow others.

use std::sync::Arc;

use async_trait::async_trait;
use chat_core::{
    error::StoreError,
    id::{ConversationId, UserId},
    model::{Boundary, Consent, PrivacyChange},
    port::{Boundaries, Consents},
};

use super::{keys, spaces::Space, store::Shared, values};

/// Estimated bytes of a row, for the bound of the queue.
const ROW_BYTES: usize = 64;

/// The consents of an embedded store.
#[derive(Debug)]
pub(super) struct EmbeddedConsents(pub(super) Arc<Shared>);

#[async_trait]
impl Consents for EmbeddedConsents {
    async fn advance(
        &self,
        user: UserId,
        conversation: ConversationId,
        to: Consent,
    ) -> Result<(Consent, bool), StoreError> {
        let key = keys::consent(user, conversation);
        self.0
            .change(ROW_BYTES, move |txn| {
                let before: Consent = txn.get(Space::Cursors, &key)?.unwrap_or_default();
                let after = before.max(to);
                if after != before {
                    txn.put(Space::Cursors, key, &after);
                }
                Ok((after, after != before))
            })
            .await
    }

    async fn of_user(&self, user: UserId) -> Result<Vec<(ConversationId, Consent)>, StoreError> {
        self.0
            .read(move |store| {
                let rows = store.scan(Space::Cursors, &keys::consents(user))?;
                let consents = rows.iter().map(|(key, value)| {
                    let conversation = keys::last_number(key).and_then(ConversationId::new);
                    let conversation = conversation.ok_or_else(|| keys::malformed(key))?;
                    Ok((conversation, values::decode(key, value)?))
                });
                consents.collect()
            })
            .await
    }

    async fn of_members(
        &self,
        members: &[(UserId, ConversationId)],
    ) -> Result<Vec<Consent>, StoreError> {
        let members = members.to_vec();
        self.0
            .read(move |store| {
                let consent = |(user, conversation): &(UserId, ConversationId)| {
                    let key = keys::consent(*user, *conversation);
                    Ok(store.get(Space::Cursors, &key)?.unwrap_or_default())
                };
                members.iter().map(consent).collect()
            })
            .await
    }
}

/// The boundaries of an embedded store.
#[derive(Debug)]
pub(super) struct EmbeddedBoundaries(pub(super) Arc<Shared>);

impl EmbeddedBoundaries {
    async fn change(
        &self,
        user: UserId,
        change: impl FnOnce(&mut Boundary) + Send + 'static,
    ) -> Result<(), StoreError> {
        let key = keys::boundary(user);
        self.0
            .change(ROW_BYTES, move |txn| {
                let mut boundary: Boundary = txn.get(Space::People, &key)?.unwrap_or_default();
                change(&mut boundary);
                txn.put(Space::People, key, &boundary);
                Ok(())
            })
            .await
    }
}

#[async_trait]
impl Boundaries for EmbeddedBoundaries {
    async fn get(&self, user: UserId) -> Result<Boundary, StoreError> {
        let key = keys::boundary(user);
        self.0.read(move |store| Ok(store.get(Space::People, &key)?.unwrap_or_default())).await
    }

    async fn set_privacy(&self, user: UserId, change: PrivacyChange) -> Result<(), StoreError> {
        let changed = move |boundary: &mut Boundary| {
            boundary.privacy = boundary.privacy.changed(change);
        };
        self.change(user, changed).await
    }

    async fn set_block(&self, owner: UserId, user: UserId, on: bool) -> Result<(), StoreError> {
        self.change(owner, move |boundary| boundary.set_block(user, on)).await
    }
}
