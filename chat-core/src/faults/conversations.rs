//! Read models whose calls follow a test's instructions.

use std::sync::{Arc, atomic::Ordering};

use async_trait::async_trait;

use super::{Call, Faults};
use crate::{
    error::StoreError,
    id::{ConversationId, UserId},
    model::{Entry, Founding, Member, Membership, Overlay, Seq},
    port::Conversations,
};

#[derive(Debug)]
pub(super) struct FaultyConversations {
    pub(super) inner: Arc<dyn Conversations>,
    pub(super) faults: Arc<Faults>,
}

#[async_trait]
impl Conversations for FaultyConversations {
    async fn create(&self, founding: &Founding) -> Result<bool, StoreError> {
        self.faults.run(Call::Create, self.inner.create(founding)).await
    }

    async fn direct(
        &self,
        one: UserId,
        other: UserId,
        fresh: ConversationId,
    ) -> Result<Option<ConversationId>, StoreError> {
        self.faults.run(Call::Direct, self.inner.direct(one, other, fresh)).await
    }

    async fn find_direct(
        &self,
        one: UserId,
        other: UserId,
    ) -> Result<Option<ConversationId>, StoreError> {
        self.faults.run(Call::FindDirect, self.inner.find_direct(one, other)).await
    }

    async fn get(
        &self,
        conversation: ConversationId,
    ) -> Result<Option<(Founding, Option<Arc<str>>)>, StoreError> {
        self.faults.run(Call::Get, self.inner.get(conversation)).await
    }

    async fn all(
        &self,
        after: Option<ConversationId>,
        limit: usize,
    ) -> Result<Vec<ConversationId>, StoreError> {
        self.faults.run(Call::All, self.inner.all(after, limit)).await
    }

    async fn of_user(&self, user: UserId) -> Result<Vec<Membership>, StoreError> {
        let found = self.faults.run(Call::OfUser, self.inner.of_user(user)).await?;
        Ok(self.faults.memberships.lock().clone().unwrap_or(found))
    }

    async fn members(
        &self,
        conversation: ConversationId,
        after: Option<UserId>,
        limit: usize,
    ) -> Result<Vec<Member>, StoreError> {
        let members = self.inner.members(conversation, after, limit);
        self.faults.run(Call::Members, members).await
    }

    async fn standing(
        &self,
        conversation: ConversationId,
        users: &[UserId],
    ) -> Result<Vec<Option<Member>>, StoreError> {
        let found = self.inner.standing(conversation, users);
        let found = self.faults.run(Call::Standing, found).await?;
        let hides = self.faults.hides_members.load(Ordering::SeqCst);
        Ok(if hides { vec![None; users.len()] } else { found })
    }

    async fn overlays(
        &self,
        conversation: ConversationId,
        after: Seq,
        to: Seq,
    ) -> Result<Vec<(Seq, Overlay)>, StoreError> {
        let overlays = self.inner.overlays(conversation, after, to);
        self.faults.run(Call::Overlays, overlays).await
    }

    async fn project(&self, entries: &[Entry]) -> Result<(), StoreError> {
        self.faults.run(Call::Project, self.inner.project(entries)).await
    }
}
