//! Read models of the logs: conversations, their members, and the overlays of their messages.

use std::{fmt, sync::Arc};

use async_trait::async_trait;

use crate::{
    error::StoreError,
    id::{ConversationId, UserId},
    model::{Entry, Founding, Member, Membership, Overlay, Seq},
};

/// Stores the read models of the logs.
#[async_trait]
pub trait Conversations: Send + Sync + fmt::Debug {
    /// Stores the facts of a conversation's creation. If there are some already, they stay.
    /// Returns false if those belong to another conversation ([`Founding::is_same`]). Idempotent.
    async fn create(&self, founding: &Founding) -> Result<bool, StoreError>;

    /// Returns the direct conversation of these two users. Without one, `fresh` becomes it. Returns
    /// `None` if another conversation has that id. The order of the users does not matter.
    async fn direct(
        &self,
        one: UserId,
        other: UserId,
        fresh: ConversationId,
    ) -> Result<Option<ConversationId>, StoreError>;

    /// Returns the direct conversation of these two users, if there is one.
    async fn find_direct(
        &self,
        one: UserId,
        other: UserId,
    ) -> Result<Option<ConversationId>, StoreError>;

    /// Returns the facts of the conversation's creation, and its newest title.
    async fn get(
        &self,
        conversation: ConversationId,
    ) -> Result<Option<(Founding, Option<Arc<str>>)>, StoreError>;

    /// Returns up to `limit` of all conversations, in an order of the store's own, from the one after
    /// `after` on. Conversations that are created meanwhile may be left out.
    async fn all(
        &self,
        after: Option<ConversationId>,
        limit: usize,
    ) -> Result<Vec<ConversationId>, StoreError>;

    /// Returns the conversations that the user is a member of, in any order.
    async fn of_user(&self, user: UserId) -> Result<Vec<Membership>, StoreError>;

    /// Returns up to `limit` members with ids above `after`, ascending by id.
    async fn members(
        &self,
        conversation: ConversationId,
        after: Option<UserId>,
        limit: usize,
    ) -> Result<Vec<Member>, StoreError>;

    /// Returns the memberships of these users in the same order, or `None` for users who are not
    /// members.
    async fn standing(
        &self,
        conversation: ConversationId,
        users: &[UserId],
    ) -> Result<Vec<Option<Member>>, StoreError>;

    /// Returns the overlays of the messages in `(after, to]`, ascending by message. Messages
    /// without one are left out. The lists inside an [`Overlay`] must have the order that it
    /// documents, because it searches them by that order.
    async fn overlays(
        &self,
        conversation: ConversationId,
        after: Seq,
        to: Seq,
    ) -> Result<Vec<(Seq, Overlay)>, StoreError>;

    /// Writes what these entries of one conversation change besides the log
    /// ([`crate::projection`]): all of the above, and the sender's own cursor, which a text entry
    /// moves to itself. Erases the texts that a redaction takes away.
    ///
    /// May be called in any order and any number of times: the highest seq wins. In a store whose
    /// append does this in the same step, this does nothing.
    async fn project(&self, entries: &[Entry]) -> Result<(), StoreError>;
}
