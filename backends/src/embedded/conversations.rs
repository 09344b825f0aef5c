//! Read models of the logs. The append writes them; here they are read.

use std::sync::Arc;

use async_trait::async_trait;
use chat_core::{
    error::StoreError,
    id::{ConversationId, UserId},
    model::{Entry, Founding, Member, Membership, Overlay, Seq},
    port::Conversations,
};

use super::{
    changes::Row,
    keys,
    spaces::Space,
    store::{Shared, Store},
    values,
};

/// The read models of an embedded store.
#[derive(Debug)]
pub(super) struct EmbeddedConversations(pub(super) Arc<Shared>);

fn no_such_key() -> StoreError {
    StoreError::Corrupt("a key without its number".to_owned())
}

fn member((key, value): &Row) -> Result<Member, StoreError> {
    let user = keys::last_number(key).and_then(UserId::new).ok_or_else(no_such_key)?;
    values::read_member(user, value)
}

fn members(
    store: &Store,
    conversation: ConversationId,
    after: Option<UserId>,
    limit: usize,
) -> Result<Vec<Member>, StoreError> {
    let keys = keys::members_above(conversation, after);
    store.range(Space::Views, keys, limit)?.iter().map(member).collect()
}

fn standing(
    store: &Store,
    conversation: ConversationId,
    user: UserId,
) -> Result<Option<Member>, StoreError> {
    let value = store.get(Space::Views, &keys::member(conversation, user))?;
    value.map(|value| values::read_member(user, &value)).transpose()
}

fn memberships(store: &Store, user: UserId) -> Result<Vec<Membership>, StoreError> {
    let rows = store.scan(Space::Views, &keys::memberships(user))?;
    rows.iter()
        .map(|(key, value)| {
            let conversation =
                keys::last_number(key).and_then(ConversationId::new).ok_or_else(no_such_key)?;
            Ok(Membership { conversation, member: values::read_member(user, value)? })
        })
        .collect()
}

fn overlays(
    store: &Store,
    conversation: ConversationId,
    after: Seq,
    to: Seq,
) -> Result<Vec<(Seq, Overlay)>, StoreError> {
    if to <= after {
        return Ok(Vec::new());
    }
    let range = keys::overlay(conversation, after.next())..=keys::overlay(conversation, to);
    let rows = store.range(Space::Views, range, usize::MAX)?;
    rows.iter()
        .map(|(key, value)| {
            let seq = keys::last_number(key).map(Seq::new).ok_or_else(no_such_key)?;
            Ok((seq, values::read_overlay(value)?))
        })
        .collect()
}

type Titled = (Founding, Option<Arc<str>>);

/// What a conversation was made with, and its newest title.
fn titled(store: &Store, conversation: ConversationId) -> Result<Option<Titled>, StoreError> {
    let Some(value) = store.get(Space::Views, &keys::founding(conversation))? else {
        return Ok(None);
    };
    let founding = values::read_founding(conversation, &value)?;
    let title = match store.get(Space::Views, &keys::title(conversation))? {
        Some(value) => Some(values::read_title(&value)?),
        None => founding.title.clone(),
    };
    Ok(Some((founding, title)))
}

#[async_trait]
impl Conversations for EmbeddedConversations {
    async fn create(&self, founding: &Founding) -> Result<(), StoreError> {
        let key = keys::founding(founding.conversation);
        let value = values::founding(founding);
        self.0
            .change(value.len(), move |txn| {
                if txn.get(Space::Views, &key)?.is_none() {
                    txn.put(Space::Views, key, value);
                }
                Ok(())
            })
            .await
    }

    async fn direct(
        &self,
        one: UserId,
        other: UserId,
        fresh: ConversationId,
    ) -> Result<ConversationId, StoreError> {
        let key = keys::direct(one, other);
        self.0
            .change(32, move |txn| {
                if let Some(value) = txn.get(Space::Views, &key)? {
                    return values::read_conversation(&value);
                }
                txn.put(Space::Views, key, values::number(fresh.get()));
                Ok(fresh)
            })
            .await
    }

    async fn get(&self, conversation: ConversationId) -> Result<Option<Titled>, StoreError> {
        self.0.read(move |store| titled(store, conversation)).await
    }

    async fn of_user(&self, user: UserId) -> Result<Vec<Membership>, StoreError> {
        self.0.read(move |store| memberships(store, user)).await
    }

    async fn members(
        &self,
        conversation: ConversationId,
        after: Option<UserId>,
        limit: usize,
    ) -> Result<Vec<Member>, StoreError> {
        self.0.read(move |store| members(store, conversation, after, limit)).await
    }

    async fn standing(
        &self,
        conversation: ConversationId,
        users: &[UserId],
    ) -> Result<Vec<Option<Member>>, StoreError> {
        let users = users.to_vec();
        self.0
            .read(move |store| {
                users.into_iter().map(|user| standing(store, conversation, user)).collect()
            })
            .await
    }

    async fn overlays(
        &self,
        conversation: ConversationId,
        after: Seq,
        to: Seq,
    ) -> Result<Vec<(Seq, Overlay)>, StoreError> {
        self.0.read(move |store| overlays(store, conversation, after, to)).await
    }

    /// The append has done it, in the same step.
    async fn project(&self, _entries: &[Entry]) -> Result<(), StoreError> {
        Ok(())
    }
}
