//! Invites in memory.

use std::collections::{HashMap, hash_map::Entry};

use async_trait::async_trait;

use super::state::Shared;
use crate::{
    error::StoreError,
    id::{ConversationId, UserId},
    limits::INVITES_MAX,
    model::{ClientId, Invite, InviteCode, InviteUse, UseClaim, UseDecision},
    port::{self, InviteCreation},
    time::Timestamp,
};

/// Invites in memory.
#[derive(Debug)]
pub struct MemoryInvites(pub(super) Shared);

/// An invite, and who holds a use of it.
pub(super) struct KeptInvite {
    invite: Invite,
    uses: HashMap<UserId, InviteUse>,
}

fn live(
    invites: &HashMap<InviteCode, KeptInvite>,
    conversation: ConversationId,
    now: Timestamp,
) -> impl Iterator<Item = &Invite> {
    let all = invites.values().map(|kept| &kept.invite);
    all.filter(move |invite| invite.conversation == conversation && invite.is_live(now))
}

#[async_trait]
impl port::Invites for MemoryInvites {
    async fn create(&self, invite: &Invite) -> Result<InviteCreation, StoreError> {
        let invites = &mut self.0.lock().invites;
        let count = live(invites, invite.conversation, invite.created_at).count();
        match invites.entry(invite.code) {
            Entry::Occupied(_) => Ok(InviteCreation::CodeTaken),
            Entry::Vacant(_) if count >= INVITES_MAX => Ok(InviteCreation::Full),
            Entry::Vacant(place) => {
                place.insert(KeptInvite { invite: *invite, uses: HashMap::new() });
                Ok(InviteCreation::Created)
            }
        }
    }

    async fn get(&self, code: InviteCode) -> Result<Option<Invite>, StoreError> {
        Ok(self.0.lock().invites.get(&code).map(|kept| kept.invite))
    }

    async fn of_conversation(
        &self,
        conversation: ConversationId,
        now: Timestamp,
    ) -> Result<Vec<Invite>, StoreError> {
        Ok(live(&self.0.lock().invites, conversation, now).copied().collect())
    }

    async fn claim_use(
        &self,
        code: InviteCode,
        user: UserId,
        fresh: &InviteUse,
        spent: Option<&ClientId>,
        now: Timestamp,
    ) -> Result<UseClaim, StoreError> {
        let mut state = self.0.lock();
        let Some(KeptInvite { invite, uses }) = state.invites.get_mut(&code) else {
            return Ok(UseClaim::Gone);
        };
        Ok(match invite.decide_use(uses.get(&user).cloned(), spent, now) {
            UseDecision::Gone => UseClaim::Gone,
            UseDecision::Held(held) => UseClaim::Yours(held),
            UseDecision::Take => {
                invite.used += 1;
                uses.insert(user, fresh.clone());
                UseClaim::Yours(fresh.clone())
            }
        })
    }

    async fn end(&self, code: InviteCode) -> Result<bool, StoreError> {
        let mut state = self.0.lock();
        let Some(kept) = state.invites.get_mut(&code) else { return Ok(false) };
        Ok(!std::mem::replace(&mut kept.invite.is_ended, true))
    }
}
