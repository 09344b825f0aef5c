//! Invites and the uses that people hold.

use std::fmt;

use async_trait::async_trait;

use crate::{
    error::StoreError,
    id::{ConversationId, UserId},
    model::{ClientId, Invite, InviteCode, InviteUse, UseClaim},
    time::Timestamp,
};

/// The result of storing a new invite.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InviteCreation {
    /// It is stored.
    Created,
    /// Another invite has the code. Nothing is stored.
    CodeTaken,
    /// The conversation has [`crate::limits::INVITES_MAX`] live invites. None is added.
    Full,
}

/// Stores invites.
#[async_trait]
pub trait Invites: Send + Sync + fmt::Debug {
    /// Stores a new invite. However many gateways do so at the same time, a conversation has at most
    /// [`crate::limits::INVITES_MAX`] invites that are live when the newest of them is created.
    async fn create(&self, invite: &Invite) -> Result<InviteCreation, StoreError>;

    /// Returns the invite, live or not.
    async fn get(&self, code: InviteCode) -> Result<Option<Invite>, StoreError>;

    /// Returns the invites of a conversation that are live at this time, in any order.
    async fn of_conversation(
        &self,
        conversation: ConversationId,
        now: Timestamp,
    ) -> Result<Vec<Invite>, StoreError>;

    /// Returns the use that the user holds, or takes one in one atomic step and stores it as `fresh`.
    /// A use that is `spent` is replaced ([`Invite::decide_use`]). Of several claims at the same time,
    /// on any gateways, exactly as many succeed as there are uses. A repeat takes no second use.
    async fn claim_use(
        &self,
        code: InviteCode,
        user: UserId,
        fresh: &InviteUse,
        spent: Option<&ClientId>,
        now: Timestamp,
    ) -> Result<UseClaim, StoreError>;

    /// Ends the invite. Returns false if it does not exist or has been ended before.
    async fn end(&self, code: InviteCode) -> Result<bool, StoreError>;
}
