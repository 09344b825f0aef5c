//! The read models of conversations. The append writes them; this file reads them.

use std::sync::Arc;

use async_trait::async_trait;
use chat_core::{
    error::StoreError,
    id::{ConversationId, UserId},
    model::{Entry, Founding, Member, Membership, Overlay, Seq},
    port::Conversations,
};

use super::{keys, spaces::Space, store::Shared, values};

/// The read models of an embedded store.
#[derive(Debug)]
pub(super) struct EmbeddedConversations(pub(super) Arc<Shared>);

#[async_trait]
impl Conversations for EmbeddedConversations {
    async fn create(&self, founding: &Founding) -> Result<bool, StoreError> {
        let key = keys::founding(founding.conversation);
        let founding = founding.clone();
        let value = values::encode(&founding);
        self.0
            .change(value.len(), move |txn| {
                if let Some(stored) = txn.get::<Founding>(Space::Views, &key)? {
                    return Ok(stored.is_same(&founding));
                }
                txn.put_encoded(Space::Views, key, value);
                Ok(true)
            })
            .await
    }

    async fn direct(
        &self,
        one: UserId,
        other: UserId,
        fresh: ConversationId,
    ) -> Result<Option<ConversationId>, StoreError> {
        let key = keys::direct(one, other);
        self.0
            .change(32, move |txn| {
                if let Some(existing) = txn.get(Space::Views, &key)? {
                    return Ok(Some(existing));
                }
                let founding: Option<Founding> = txn.get(Space::Views, &keys::founding(fresh))?;
                if founding.is_some() || txn.head(fresh)?.seq > Seq::ZERO {
                    return Ok(None);
                }
                txn.put(Space::Views, key, &fresh);
                Ok(Some(fresh))
            })
            .await
    }

    async fn find_direct(
        &self,
        one: UserId,
        other: UserId,
    ) -> Result<Option<ConversationId>, StoreError> {
        let key = keys::direct(one, other);
        self.0.read(move |store| store.get(Space::Views, &key)).await
    }

    async fn get(
        &self,
        conversation: ConversationId,
    ) -> Result<Option<(Founding, Option<Arc<str>>)>, StoreError> {
        self.0
            .read(move |store| {
                let founding: Option<Founding> =
                    store.get(Space::Views, &keys::founding(conversation))?;
                let Some(founding) = founding else { return Ok(None) };
                let title = store.get(Space::Views, &keys::title(conversation))?;
                let title = title.or_else(|| founding.title.clone());
                Ok(Some((founding, title)))
            })
            .await
    }

    async fn all(
        &self,
        after: Option<ConversationId>,
        limit: usize,
    ) -> Result<Vec<ConversationId>, StoreError> {
        self.0
            .read(move |store| {
                let rows = store.range(Space::Views, keys::foundings_above(after), limit)?;
                let ids = rows.iter().map(|(key, _)| {
                    let id = keys::last_number(key).and_then(ConversationId::new);
                    id.ok_or_else(|| keys::malformed(key))
                });
                ids.collect()
            })
            .await
    }

    async fn of_user(&self, user: UserId) -> Result<Vec<Membership>, StoreError> {
        self.0
            .read(move |store| {
                let rows = store.scan(Space::Views, &keys::memberships(user))?;
                let memberships = rows.iter().map(|(key, value)| {
                    let conversation = keys::last_number(key).and_then(ConversationId::new);
                    Ok(Membership {
                        conversation: conversation.ok_or_else(|| keys::malformed(key))?,
                        member: values::decode(key, value)?,
                    })
                });
                memberships.collect()
            })
            .await
    }

    async fn members(
        &self,
        conversation: ConversationId,
        after: Option<UserId>,
        limit: usize,
    ) -> Result<Vec<Member>, StoreError> {
        self.0
            .read(move |store| {
                let keys = keys::members_above(conversation, after);
                let rows = store.range(Space::Views, keys, limit)?;
                rows.iter().map(|(key, value)| values::decode(key, value)).collect()
            })
            .await
    }

    async fn standing(
        &self,
        conversation: ConversationId,
        users: &[UserId],
    ) -> Result<Vec<Option<Member>>, StoreError> {
        let users = users.to_vec();
        self.0
            .read(move |store| {
                let keys = users.into_iter().map(|user| keys::member(conversation, user));
                keys.map(|key| store.get(Space::Views, &key)).collect()
            })
            .await
    }

    async fn overlays(
        &self,
        conversation: ConversationId,
        after: Seq,
        to: Seq,
    ) -> Result<Vec<(Seq, Overlay)>, StoreError> {
        if to <= after {
            return Ok(Vec::new());
        }
        let range = keys::overlay(conversation, after.next())..=keys::overlay(conversation, to);
        self.0
            .read(move |store| {
                let rows = store.range(Space::Views, range, usize::MAX)?;
                let overlays = rows.iter().map(|(key, value)| {
                    let seq = keys::last_number(key).ok_or_else(|| keys::malformed(key))?;
                    Ok((Seq::new(seq), values::decode(key, value)?))
                });
                overlays.collect()
            })
            .await
    }

    /// Does nothing, because the append writes the projections in the same batch.
    async fn project(&self, _entries: &[Entry]) -> Result<(), StoreError> {
        Ok(())
    }
}
