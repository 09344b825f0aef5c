//! Invites: one partition each, written by conditional writes only.
//!
//! A use is taken by one conditional batch: it raises the counter from the value that was read, and
//! writes the user's row. So an attempt that arrives late changes nothing, and of the gateways that want
//! the last use one gets it. The live invites of a conversation are found in numbered slots, as many as
//! it may have. A new invite takes a free slot, or that of an invite which is not live any more.

use std::{collections::BTreeMap, sync::Arc};

use async_trait::async_trait;
use chat_core::{
    error::StoreError,
    id::{ConversationId, UserId},
    limits::INVITES_MAX,
    model::{ClientId, Invite, InviteCode, InviteUse, UseClaim, UseDecision},
    port::{InviteCreation, Invites},
    time::Timestamp,
};
use scylla::DeserializeRow;
use tokio::{
    sync::Semaphore,
    time::{Instant, timeout_at},
};

use super::{
    buckets::bigint,
    rows::{ReadMode, corrupt, read_seq},
    settle::{Attempted, Look, Settled, settle, unknown_after_write},
    store::{CqlStore, join_bounded},
};

/// Claims of this many codes run at the same time on a gateway. Claims of one code take turns, because
/// conditional writes to one partition hinder each other.
const LANES: usize = 64;

/// Invites in a CQL store.
#[derive(Debug)]
pub(super) struct ScyllaInvites {
    store: Arc<CqlStore>,
    lanes: [Semaphore; LANES],
}

#[derive(DeserializeRow)]
struct InviteRow {
    conversation: Option<i64>,
    created_by: Option<i64>,
    created_at: Option<i64>,
    expires_at: Option<i64>,
    max_uses: Option<i32>,
    used: Option<i32>,
    ended: Option<bool>,
}

/// A conversation's slot, and the code in it that is to be replaced, if there is one.
#[derive(Debug, Clone, Copy)]
struct Slot {
    number: i32,
    replaced: Option<InviteCode>,
}

/// A write that takes a use: the number of uses taken before, and the client id that it replaces.
#[derive(Debug, Clone)]
struct Taking {
    used: u32,
    replaced: Option<ClientId>,
}

/// Returns the invite of a row, or `None` if the row only shows that nobody has made one.
fn read_invite(code: InviteCode, row: &InviteRow) -> Result<Option<Invite>, StoreError> {
    let Some(conversation) = row.conversation else { return Ok(None) };
    let missing = || corrupt("an invite without all its values");
    let count = |count: i32| u32::try_from(count).map_err(corrupt);
    Ok(Some(Invite {
        code,
        conversation: ConversationId::from_i64(conversation).ok_or_else(missing)?,
        created_by: row.created_by.and_then(UserId::from_i64).ok_or_else(missing)?,
        created_at: row.created_at.map(Timestamp::from_millis).ok_or_else(missing)?,
        expires_at: row.expires_at.map(Timestamp::from_millis).ok_or_else(missing)?,
        max_uses: row.max_uses.map(count).transpose()?,
        used: row.used.map(count).transpose()?.ok_or_else(missing)?,
        is_ended: row.ended.ok_or_else(missing)?,
    }))
}

fn int(count: u32) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}

impl CqlStore {
    async fn invite(&self, code: InviteCode, mode: ReadMode) -> Result<Option<Invite>, StoreError> {
        let statement = match mode {
            ReadMode::Quorum => &self.statements.invite,
            ReadMode::Serial => &self.statements.invite_serial,
        };
        let row: Option<InviteRow> = self.row(statement, (code.as_i64(),)).await?;
        row.map_or(Ok(None), |row| read_invite(code, &row))
    }

    async fn held_use(
        &self,
        code: InviteCode,
        user: UserId,
    ) -> Result<Option<InviteUse>, StoreError> {
        let values = (code.as_i64(), user.as_i64());
        let row: Option<(String, i64)> =
            self.row(&self.statements.invite_use_serial, values).await?;
        let Some((client_id, base_seq)) = row else { return Ok(None) };
        let client_id = ClientId::new(&client_id).map_err(corrupt)?;
        Ok(Some(InviteUse { client_id, base_seq: read_seq(base_seq)? }))
    }

    /// Returns the codes in a conversation's slots.
    async fn slots(
        &self,
        conversation: ConversationId,
        mode: ReadMode,
    ) -> Result<BTreeMap<i32, InviteCode>, StoreError> {
        let statement = match mode {
            ReadMode::Quorum => &self.statements.invite_slots,
            ReadMode::Serial => &self.statements.invite_slots_serial,
        };
        let rows: Vec<(i32, i64)> = self.rows(statement, (conversation.as_i64(),)).await?;
        Ok(rows.into_iter().map(|(slot, code)| (slot, InviteCode::from_i64(code))).collect())
    }

    /// Returns the invites in these slots that are live.
    async fn live_invites(
        &self,
        slots: &BTreeMap<i32, InviteCode>,
        now: Timestamp,
    ) -> Result<Vec<Invite>, StoreError> {
        let reads = slots.values().map(|code| self.invite(*code, ReadMode::Quorum));
        let found = join_bounded(reads.collect()).await?.into_iter().flatten();
        Ok(found.filter(|invite| invite.is_live(now)).collect())
    }

    /// Returns a slot for a new invite, or `None` if all hold live ones.
    async fn free_slot(
        &self,
        slots: &BTreeMap<i32, InviteCode>,
        now: Timestamp,
    ) -> Result<Option<Slot>, StoreError> {
        let numbers = 0..i32::try_from(INVITES_MAX).unwrap_or(i32::MAX);
        if let Some(number) = numbers.clone().find(|number| !slots.contains_key(number)) {
            return Ok(Some(Slot { number, replaced: None }));
        }
        let live = self.live_invites(slots, now).await?;
        let is_dead = |code: &InviteCode| live.iter().all(|invite| invite.code != *code);
        let dead = slots.iter().find(|(_, code)| is_dead(code));
        Ok(dead.map(|(number, code)| Slot { number: *number, replaced: Some(*code) }))
    }

    /// Stores an invite under its code, before anything leads to it. Returns false if the code is taken.
    async fn insert_invite(&self, invite: &Invite, deadline: Instant) -> Result<bool, StoreError> {
        let values = (
            invite.conversation.as_i64(),
            invite.created_by.as_i64(),
            invite.created_at.as_millis(),
            invite.expires_at.as_millis(),
            invite.max_uses.map(int),
            int(invite.used),
            invite.code.as_i64(),
        );
        let stored = settle(
            deadline,
            Some(()),
            async |()| self.write_if(&self.statements.create_invite, values).await,
            async |_| {
                Ok(match self.invite(invite.code, ReadMode::Serial).await? {
                    Some(stored) if stored == *invite => Look::Applied(()),
                    Some(_) => Look::NotApplied(()),
                    None => Look::Attempt(()),
                })
            },
        );
        match stored.await? {
            Settled::Applied(()) => Ok(true),
            Settled::NotApplied(()) => Ok(false),
            Settled::Unknown(detail) => Err(StoreError::Unknown(detail)),
        }
    }

    /// Puts an invite into a slot of its conversation. Returns false if all hold live ones.
    async fn take_slot(&self, invite: &Invite, deadline: Instant) -> Result<bool, StoreError> {
        let Invite { code, conversation, created_at, .. } = *invite;
        let taken = settle(
            deadline,
            None,
            async |slot: Slot| {
                let replaced = slot.replaced.map(InviteCode::as_i64);
                let values = (code.as_i64(), conversation.as_i64(), slot.number, replaced);
                self.write_if(&self.statements.set_invite_slot, values).await
            },
            async |_| {
                let slots = self.slots(conversation, ReadMode::Serial).await?;
                if slots.values().any(|one| *one == code) {
                    return Ok(Look::NotApplied(true));
                }
                let free = self.free_slot(&slots, created_at).await?;
                Ok(free.map_or(Look::NotApplied(false), Look::Attempt))
            },
        );
        match taken.await? {
            Settled::Applied(_) => Ok(true),
            Settled::NotApplied(is_there) => Ok(is_there),
            Settled::Unknown(detail) => Err(StoreError::Unknown(detail)),
        }
    }

    /// Takes a use with a batch that is conditional on the counter and on the user's row.
    async fn take_use(
        &self,
        code: InviteCode,
        user: UserId,
        fresh: &InviteUse,
        taking: &Taking,
    ) -> Result<Attempted, StoreError> {
        let statements =
            vec![self.statements.count_invite_use.clone(), self.statements.set_invite_use.clone()];
        let code = code.as_i64();
        let counted = (int(taking.used + 1), code, int(taking.used));
        let replaced = taking.replaced.as_ref().map(ClientId::as_str);
        let base_seq = bigint(fresh.base_seq.get());
        let held = (fresh.client_id.as_str(), base_seq, code, user.as_i64(), replaced);
        self.write_batch_if(statements, (counted, held)).await
    }
}

impl ScyllaInvites {
    /// Returns the port of this store.
    pub(super) fn new(store: Arc<CqlStore>) -> Self {
        Self { store, lanes: [(); LANES].map(|()| Semaphore::new(1)) }
    }

    fn lane(&self, code: InviteCode) -> &Semaphore {
        let number = usize::try_from(code.bits() % LANES as u64).unwrap_or_default();
        &self.lanes[number]
    }

    async fn claim_in_turn(
        &self,
        code: InviteCode,
        user: UserId,
        fresh: &InviteUse,
        spent: Option<&ClientId>,
        now: Timestamp,
        deadline: Instant,
    ) -> Result<UseClaim, StoreError> {
        let store = &self.store;
        let claimed = settle(
            deadline,
            None,
            async |taking: Taking| store.take_use(code, user, fresh, &taking).await,
            async |_| {
                // The serial read also settles what is in flight in the partition.
                let held = store.held_use(code, user).await?;
                let Some(invite) = store.invite(code, ReadMode::Quorum).await? else {
                    return Ok(Look::NotApplied(UseClaim::Gone));
                };
                let replaced = held.as_ref().map(|held| held.client_id.clone());
                Ok(match invite.decide_use(held, spent, now) {
                    UseDecision::Gone => Look::NotApplied(UseClaim::Gone),
                    UseDecision::Held(held) => Look::NotApplied(UseClaim::Yours(held)),
                    UseDecision::Take => Look::Attempt(Taking { used: invite.used, replaced }),
                })
            },
        );
        match claimed.await? {
            Settled::Applied(_) => Ok(UseClaim::Yours(fresh.clone())),
            Settled::NotApplied(claim) => Ok(claim),
            Settled::Unknown(detail) => Err(StoreError::Unknown(detail)),
        }
    }
}

#[async_trait]
impl Invites for ScyllaInvites {
    /// An invite that is stored and gets no slot is never shown to anybody.
    async fn create(&self, invite: &Invite) -> Result<InviteCreation, StoreError> {
        let store = &self.store;
        let deadline = store.deadline();
        let full = async {
            let slots = store.slots(invite.conversation, ReadMode::Quorum).await?;
            Ok(store.free_slot(&slots, invite.created_at).await?.is_none())
        };
        if store.until(deadline, full).await? {
            return Ok(InviteCreation::Full);
        }
        if !store.insert_invite(invite, deadline).await? {
            return Ok(InviteCreation::CodeTaken);
        }
        let has_slot = store.take_slot(invite, deadline).await.map_err(unknown_after_write)?;
        Ok(if has_slot { InviteCreation::Created } else { InviteCreation::Full })
    }

    async fn get(&self, code: InviteCode) -> Result<Option<Invite>, StoreError> {
        self.store.in_time(self.store.invite(code, ReadMode::Quorum)).await
    }

    async fn of_conversation(
        &self,
        conversation: ConversationId,
        now: Timestamp,
    ) -> Result<Vec<Invite>, StoreError> {
        let store = &self.store;
        let work = async {
            let slots = store.slots(conversation, ReadMode::Quorum).await?;
            store.live_invites(&slots, now).await
        };
        store.in_time(work).await
    }

    async fn claim_use(
        &self,
        code: InviteCode,
        user: UserId,
        fresh: &InviteUse,
        spent: Option<&ClientId>,
        now: Timestamp,
    ) -> Result<UseClaim, StoreError> {
        let deadline = self.store.deadline();
        let late = || StoreError::Unavailable("too many claims of one invite".to_owned());
        let turn = timeout_at(deadline, self.lane(code).acquire()).await.map_err(|_| late())?;
        let _turn = turn.map_err(|_| late())?;
        self.claim_in_turn(code, user, fresh, spent, now, deadline).await
    }

    async fn end(&self, code: InviteCode) -> Result<bool, StoreError> {
        let store = &self.store;
        let ended = settle(
            store.deadline(),
            Some(()),
            async |()| store.write_if(&store.statements.end_invite, (code.as_i64(),)).await,
            async |attempts| {
                Ok(match store.invite(code, ReadMode::Serial).await? {
                    Some(invite) if !invite.is_ended => Look::Attempt(()),
                    // After a lost answer, this call may have ended it, and so may another one.
                    Some(_) if attempts.unknown.is_some() => Look::Applied(()),
                    Some(_) | None => Look::NotApplied(()),
                })
            },
        );
        match ended.await? {
            Settled::Applied(()) => Ok(true),
            Settled::NotApplied(()) => Ok(false),
            Settled::Unknown(detail) => Err(StoreError::Unknown(detail)),
        }
    }
}
