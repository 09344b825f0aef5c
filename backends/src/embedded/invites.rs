//! Invites and the uses that people hold.
//!
//! The rows of an invite stay when it is not live any more, so that its code never names another one.
//! Only the list of its conversation loses it.

use std::sync::Arc;

use async_trait::async_trait;
use chat_core::{
    error::StoreError,
    id::{ConversationId, UserId},
    limits::INVITES_MAX,
    model::{ClientId, Invite, InviteCode, InviteUse, UseClaim, UseDecision},
    port::{InviteCreation, Invites},
    time::Timestamp,
};

use super::{changes::Txn, keys, spaces::Space, store::Shared};

/// Estimated bytes of the rows of a change, for the bound of the queue.
const ROWS_BYTES: usize = 256;

/// The invites of an embedded store.
#[derive(Debug)]
pub(super) struct EmbeddedInvites(pub(super) Arc<Shared>);

fn code_of(key: &[u8]) -> Result<InviteCode, StoreError> {
    keys::last_number(key).map(InviteCode::from_bits).ok_or_else(|| keys::malformed(key))
}

/// Removes invites that are not live from a conversation's list. Returns the number of the others.
fn unlist_dead(
    txn: &mut Txn<'_>,
    conversation: ConversationId,
    now: Timestamp,
) -> Result<usize, StoreError> {
    let mut live = 0;
    for (key, _) in txn.scan(Space::Views, &keys::invites_of(conversation))? {
        let invite: Option<Invite> = txn.get(Space::Views, &keys::invite(code_of(&key)?))?;
        if invite.is_some_and(|invite| invite.is_live(now)) {
            live += 1;
        } else {
            txn.remove(Space::Views, key);
        }
    }
    Ok(live)
}

fn create(txn: &mut Txn<'_>, invite: &Invite) -> Result<InviteCreation, StoreError> {
    let key = keys::invite(invite.code);
    if txn.get::<Invite>(Space::Views, &key)?.is_some() {
        return Ok(InviteCreation::CodeTaken);
    }
    if unlist_dead(txn, invite.conversation, invite.created_at)? >= INVITES_MAX {
        return Ok(InviteCreation::Full);
    }
    txn.put(Space::Views, key, invite);
    txn.put_encoded(Space::Views, keys::invite_of(invite.conversation, invite.code), *b"");
    Ok(InviteCreation::Created)
}

#[async_trait]
impl Invites for EmbeddedInvites {
    async fn create(&self, invite: &Invite) -> Result<InviteCreation, StoreError> {
        let invite = *invite;
        self.0.change(ROWS_BYTES, move |txn| create(txn, &invite)).await
    }

    async fn get(&self, code: InviteCode) -> Result<Option<Invite>, StoreError> {
        self.0.read(move |store| store.get(Space::Views, &keys::invite(code))).await
    }

    async fn of_conversation(
        &self,
        conversation: ConversationId,
        now: Timestamp,
    ) -> Result<Vec<Invite>, StoreError> {
        self.0
            .read(move |store| {
                let mut live = Vec::new();
                for (key, _) in store.scan(Space::Views, &keys::invites_of(conversation))? {
                    let invite =
                        store.get::<Invite>(Space::Views, &keys::invite(code_of(&key)?))?;
                    live.extend(invite.filter(|invite| invite.is_live(now)));
                }
                Ok(live)
            })
            .await
    }

    async fn claim_use(
        &self,
        code: InviteCode,
        user: UserId,
        fresh: &InviteUse,
        spent: Option<&ClientId>,
        now: Timestamp,
    ) -> Result<UseClaim, StoreError> {
        let (fresh, spent) = (fresh.clone(), spent.cloned());
        let (key, use_key) = (keys::invite(code), keys::invite_use(code, user));
        self.0
            .change(ROWS_BYTES, move |txn| {
                let Some(mut invite) = txn.get::<Invite>(Space::Views, &key)? else {
                    return Ok(UseClaim::Gone);
                };
                let held = txn.get(Space::Views, &use_key)?;
                match invite.decide_use(held, spent.as_ref(), now) {
                    UseDecision::Gone => Ok(UseClaim::Gone),
                    UseDecision::Held(held) => Ok(UseClaim::Yours(held)),
                    UseDecision::Take => {
                        invite.used += 1;
                        txn.put(Space::Views, key, &invite);
                        txn.put(Space::Views, use_key, &fresh);
                        Ok(UseClaim::Yours(fresh))
                    }
                }
            })
            .await
    }

    async fn end(&self, code: InviteCode) -> Result<bool, StoreError> {
        let key = keys::invite(code);
        self.0
            .change(ROWS_BYTES, move |txn| {
                let found = txn.get::<Invite>(Space::Views, &key)?;
                let Some(invite) = found.filter(|invite| !invite.is_ended) else {
                    return Ok(false);
                };
                txn.put(Space::Views, key, &Invite { is_ended: true, ..invite });
                txn.remove(Space::Views, keys::invite_of(invite.conversation, code));
                Ok(true)
            })
            .await
    }
}
