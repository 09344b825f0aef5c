//! Read models of the logs: who is where, and what later entries did to earlier ones.

use std::{fmt, sync::Arc};

use async_trait::async_trait;

use crate::{
    error::StoreError,
    id::{ConversationId, UserId},
    model::{Entry, Founding, Member, Membership, Overlay, Seq},
};

/// Read models of the logs.
#[async_trait]
pub trait Conversations: Send + Sync + fmt::Debug {
    /// Keeps what a conversation was made with; the first one stands. Idempotent.
    async fn create(&self, founding: &Founding) -> Result<(), StoreError>;

    /// The direct conversation of these two people: `fresh` if there was none. The order of the
    /// two does not matter.
    async fn direct(
        &self,
        one: UserId,
        other: UserId,
        fresh: ConversationId,
    ) -> Result<ConversationId, StoreError>;

    /// What the conversation was made with, and its newest title.
    async fn get(
        &self,
        conversation: ConversationId,
    ) -> Result<Option<(Founding, Option<Arc<str>>)>, StoreError>;

    /// The conversations that the user is a member of, in any order.
    async fn of_user(&self, user: UserId) -> Result<Vec<Membership>, StoreError>;

    /// Up to `limit` members with ids above `after`, ascending by id.
    async fn members(
        &self,
        conversation: ConversationId,
        after: Option<UserId>,
        limit: usize,
    ) -> Result<Vec<Member>, StoreError>;

    /// The standing of these users, in this order; `None` for who is no member.
    async fn standing(
        &self,
        conversation: ConversationId,
        users: &[UserId],
    ) -> Result<Vec<Option<Member>>, StoreError>;

    /// What later entries did to the messages in `(after, to]`, ascending by message; untouched
    /// messages are left out. Everything in an [`Overlay`] is in the order that it names, as if the
    /// entries had been folded into it: it is searched by that order.
    async fn overlays(
        &self,
        conversation: ConversationId,
        after: Seq,
        to: Seq,
    ) -> Result<Vec<(Seq, Overlay)>, StoreError>;

    /// Folds entries of one conversation into everything above (and into the sender's own cursor,
    /// which an entry of kind text moves to itself; and erases what a redaction takes away). May be
    /// called in any order and any number of times: the highest seq wins. A store whose append
    /// does this in the same step does nothing here.
    async fn project(&self, entries: &[Entry]) -> Result<(), StoreError>;
}
