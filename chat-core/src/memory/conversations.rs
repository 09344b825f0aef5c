//! Read models in memory. Entries can be projected in any order.

use std::{ops::Bound, sync::Arc};

use async_trait::async_trait;

use super::{
    cursors,
    state::{Shared, State, Views},
};
use crate::{
    error::StoreError,
    id::{ConversationId, UserId},
    model::{Entry, Founding, Member, Membership, Overlay, Seq},
    port,
    projection::{Projection, erasures},
};

/// Replaces a value unless a higher seq has written it.
fn write<T>(versioned: &mut (Seq, T), seq: Seq, value: T) {
    if seq >= versioned.0 {
        *versioned = (seq, value);
    }
}

impl Views {
    fn member(&self, conversation: ConversationId, user: UserId) -> Option<Member> {
        self.conversations.get(&conversation)?.members.get(&user)?.1
    }

    fn set_member(&mut self, entry: &Entry, user: UserId, member: Option<Member>) {
        let view = self.conversations.entry(entry.conversation).or_default();
        write(view.members.entry(user).or_default(), entry.seq, member);
        self.of_user.entry(user).or_default().insert(entry.conversation);
    }
}

impl State {
    pub(super) fn project(&mut self, entry: &Entry) {
        match Projection::of(entry) {
            Projection::Member(member) => self.views.set_member(entry, member.user, Some(member)),
            Projection::Gone(user) => self.views.set_member(entry, user, None),
            Projection::Title(title) => {
                let view = self.views.conversations.entry(entry.conversation).or_default();
                write(&mut view.title, entry.seq, Some(title));
            }
            Projection::Overlay { target_seq } => {
                let view = self.views.conversations.entry(entry.conversation).or_default();
                let overlay = view.overlays.entry(target_seq).or_default();
                overlay.fold(entry);
                if let Some(log) = self.logs.get_mut(&entry.conversation) {
                    log.erase(&erasures(target_seq, overlay));
                }
            }
            Projection::Cursor { user, to } => {
                cursors::advance(&mut self.cursors, user, entry.conversation, to);
            }
        }
    }
}

/// Read models in memory.
#[derive(Debug)]
pub struct MemoryConversations(pub(super) Shared);

#[async_trait]
impl port::Conversations for MemoryConversations {
    async fn create(&self, founding: &Founding) -> Result<bool, StoreError> {
        let mut state = self.0.lock();
        let view = state.views.conversations.entry(founding.conversation).or_default();
        Ok(view.founding.get_or_insert_with(|| founding.clone()).is_same(founding))
    }

    async fn direct(
        &self,
        one: UserId,
        other: UserId,
        fresh: ConversationId,
    ) -> Result<Option<ConversationId>, StoreError> {
        let pair = (one.min(other), one.max(other));
        let mut state = self.0.lock();
        if let Some(existing) = state.views.directs.get(&pair) {
            return Ok(Some(*existing));
        }
        if state.views.conversations.contains_key(&fresh) || state.logs.contains_key(&fresh) {
            return Ok(None);
        }
        state.views.directs.insert(pair, fresh);
        Ok(Some(fresh))
    }

    async fn find_direct(
        &self,
        one: UserId,
        other: UserId,
    ) -> Result<Option<ConversationId>, StoreError> {
        Ok(self.0.lock().views.directs.get(&(one.min(other), one.max(other))).copied())
    }

    async fn get(
        &self,
        conversation: ConversationId,
    ) -> Result<Option<(Founding, Option<Arc<str>>)>, StoreError> {
        let state = self.0.lock();
        Ok(state.views.conversations.get(&conversation).and_then(|view| {
            let founding = view.founding.clone()?;
            let title = view.title.1.clone().or_else(|| founding.title.clone());
            Some((founding, title))
        }))
    }

    async fn all(
        &self,
        after: Option<ConversationId>,
        limit: usize,
    ) -> Result<Vec<ConversationId>, StoreError> {
        let above = after.map_or(Bound::Unbounded, Bound::Excluded);
        let views = &self.0.lock().views;
        let founded = views.conversations.range((above, Bound::Unbounded));
        let founded = founded.filter(|(_, view)| view.founding.is_some());
        Ok(founded.map(|(conversation, _)| *conversation).take(limit).collect())
    }

    async fn of_user(&self, user: UserId) -> Result<Vec<Membership>, StoreError> {
        let views = &self.0.lock().views;
        let membership = |&conversation| {
            let member = views.member(conversation, user)?;
            Some(Membership { conversation, member })
        };
        Ok(views.of_user.get(&user).into_iter().flatten().filter_map(membership).collect())
    }

    async fn members(
        &self,
        conversation: ConversationId,
        after: Option<UserId>,
        limit: usize,
    ) -> Result<Vec<Member>, StoreError> {
        let state = self.0.lock();
        let Some(view) = state.views.conversations.get(&conversation) else {
            return Ok(Vec::new());
        };
        let above = after.map_or(Bound::Unbounded, Bound::Excluded);
        let members = view.members.range((above, Bound::Unbounded));
        Ok(members.filter_map(|(_, (_, member))| *member).take(limit).collect())
    }

    async fn standing(
        &self,
        conversation: ConversationId,
        users: &[UserId],
    ) -> Result<Vec<Option<Member>>, StoreError> {
        let views = &self.0.lock().views;
        Ok(users.iter().map(|user| views.member(conversation, *user)).collect())
    }

    async fn overlays(
        &self,
        conversation: ConversationId,
        after: Seq,
        to: Seq,
    ) -> Result<Vec<(Seq, Overlay)>, StoreError> {
        let state = self.0.lock();
        let Some(view) = state.views.conversations.get(&conversation) else {
            return Ok(Vec::new());
        };
        let within = |seq: &Seq| *seq > after && *seq <= to;
        let overlays = view.overlays.iter().filter(|(seq, _)| within(seq));
        Ok(overlays.map(|(seq, overlay)| (*seq, overlay.clone())).collect())
    }

    async fn project(&self, entries: &[Entry]) -> Result<(), StoreError> {
        let mut state = self.0.lock();
        for entry in entries {
            state.project(entry);
        }
        Ok(())
    }
}

/// `append` projects too, so the contract cannot test `project` alone. These tests do.
#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        id::EntryId,
        memory::MemoryStores,
        model::{Body, Joining, Kind, Role},
        time::Timestamp,
    };

    fn entries() -> Vec<Entry> {
        let user = UserId::new(1).unwrap();
        let target_seq = Seq::new(2);
        let text = |text: &str| Some(Arc::from(text));
        let bodies = [
            Body::Joined { user, role: Role::Member, joining: Joining::Added },
            Body::plain("text", None),
            Body::Edited { target_seq, text: text("edit") },
            Body::Left { user, by: user },
            Body::Redacted { target_seq },
            Body::Title { title: "one".into() },
            Body::Title { title: "two".into() },
        ];
        let entry = |(nth, body): (u64, Body)| Entry {
            conversation: ConversationId::new(1).unwrap(),
            seq: Seq::new(nth),
            id: EntryId::new(nth).unwrap(),
            sender: user,
            client_id: None,
            at: Timestamp::default(),
            ord: u64::from(nth > 1),
            body,
        };
        (1..).zip(bodies).map(entry).collect()
    }

    async fn projected(entries: &[Entry]) -> String {
        let stores = MemoryStores::new();
        let user = entries[0].sender;
        let conversation = entries[0].conversation;
        let conversations = &stores.conversations;
        let founding = Founding {
            conversation,
            kind: Kind::Group,
            title: Some("founded".into()),
            created_at: Timestamp::default(),
        };
        conversations.create(&founding).await.unwrap();
        conversations.project(entries).await.unwrap();
        let title = conversations.get(conversation).await.unwrap().unwrap().1;
        let standing = conversations.standing(conversation, &[user]).await.unwrap();
        let overlays = conversations.overlays(conversation, Seq::ZERO, Seq::new(9)).await.unwrap();
        let cursors = stores.cursors.of_user(user, &[conversation]).await.unwrap();
        format!("{title:?} {standing:?} {overlays:?} {cursors:?}")
    }

    #[tokio::test]
    async fn projections_are_equal_in_any_order_and_when_repeated() {
        let entries = entries();
        let expected = projected(&entries).await;
        assert!(expected.starts_with("Some(\"two\") [None] "), "{expected}");
        for count in 0..entries.len() {
            let mut rotated = entries.clone();
            rotated.rotate_left(count);
            let reversed: Vec<_> = rotated.iter().rev().cloned().collect();
            assert_eq!(projected(&rotated).await, expected);
            assert_eq!(projected(&reversed).await, expected);
            assert_eq!(projected(&[rotated, reversed].concat()).await, expected);
        }
    }
}
