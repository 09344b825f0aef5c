//! Reads the projections of conversations, which [`super::views`] writes.

use std::sync::Arc;

use async_trait::async_trait;
use chat_core::{
    error::StoreError,
    id::{ConversationId, UserId},
    model::{Entry, Founding, Kind, Member, Membership, Overlay, Seq},
    port::Conversations,
    time::Timestamp,
};
use scylla::DeserializeRow;

use super::{
    rows::{corrupt, read_seq, read_u64},
    settle::{Look, Settled, settle},
    store::{CqlStore, join_bounded},
};

/// How many rows of one partition are read at once.
const PAGE: usize = 1_000;

/// Conversations in a CQL store.
#[derive(Debug)]
pub(super) struct ScyllaConversations(pub(super) Arc<CqlStore>);

/// User or conversation, gone, role, `joined_seq`, `joined_ord`.
type MemberRow = (i64, Option<bool>, Option<i8>, Option<i64>, Option<i64>);
#[derive(DeserializeRow)]
struct FoundingRow {
    kind: i8,
    title: Option<String>,
    created_at: i64,
}

/// Returns the member of a row, or `None` if the member has left.
fn read_member(user: UserId, row: MemberRow) -> Result<Option<Member>, StoreError> {
    let (_, gone, role, joined_seq, joined_ord) = row;
    if gone != Some(false) {
        return Ok(None);
    }
    let code = role.unwrap_or_default();
    let (role, needs_consent) = Member::from_code(code.cast_unsigned())
        .ok_or_else(|| corrupt(format!("unknown role {code}")))?;
    let joined_ord = read_u64(joined_ord.unwrap_or_default())?;
    let joined_seq = read_seq(joined_seq.ok_or_else(|| corrupt("a member without a seq"))?)?;
    Ok(Some(Member { user, role, needs_consent, joined_seq, joined_ord }))
}

const fn kind_column(kind: Kind) -> i8 {
    match kind {
        Kind::Direct => 0,
        Kind::Group => 1,
    }
}

fn read_founding(conversation: ConversationId, row: FoundingRow) -> Result<Founding, StoreError> {
    let kind = match row.kind {
        0 => Kind::Direct,
        1 => Kind::Group,
        other => return Err(corrupt(format!("a conversation of kind {other}"))),
    };
    let created_at = Timestamp::from_millis(row.created_at);
    Ok(Founding { conversation, kind, title: row.title.map(Arc::from), created_at })
}

impl CqlStore {
    /// Reads the direct conversation of a pair of users serially.
    async fn direct_of(&self, low: i64, high: i64) -> Result<Option<ConversationId>, StoreError> {
        let statement = &self.statements.direct_serial;
        let Some((stored,)) = self.row::<(i64,)>(statement, (low, high)).await? else {
            return Ok(None);
        };
        let stored = ConversationId::from_i64(stored);
        stored.map(Some).ok_or_else(|| corrupt("a pair without a conversation"))
    }

    async fn has_conversation(&self, conversation: ConversationId) -> Result<bool, StoreError> {
        let statement = &self.statements.conversation_serial;
        let row: Option<FoundingRow> = self.row(statement, (conversation.as_i64(),)).await?;
        Ok(row.is_some())
    }

    async fn memberships(&self, user: UserId) -> Result<Vec<Membership>, StoreError> {
        let mut found = Vec::new();
        let mut after = 0;
        loop {
            let values = (user.as_i64(), after, i32::try_from(PAGE).unwrap_or(i32::MAX));
            let rows: Vec<MemberRow> = self.rows(&self.statements.memberships, values).await?;
            let is_last = rows.len() < PAGE;
            for row in rows {
                after = row.0;
                let conversation = ConversationId::from_i64(row.0)
                    .ok_or_else(|| corrupt("a membership without its conversation"))?;
                let member = read_member(user, row)?;
                found.extend(member.map(|member| Membership { conversation, member }));
            }
            if is_last {
                return Ok(found);
            }
        }
    }

    async fn members(
        self: &Arc<Self>,
        conversation: ConversationId,
        after: Option<UserId>,
        limit: usize,
    ) -> Result<Vec<Member>, StoreError> {
        self.repair(conversation).await?;
        let mut found = Vec::new();
        let mut after = after.map_or(0, UserId::as_i64);
        let page = limit.clamp(1, PAGE);
        while found.len() < limit {
            let values = (conversation.as_i64(), after, i32::try_from(page).unwrap_or(i32::MAX));
            let rows: Vec<MemberRow> = self.rows(&self.statements.members, values).await?;
            let is_last = rows.len() < page;
            for row in rows {
                after = row.0;
                let user =
                    UserId::from_i64(row.0).ok_or_else(|| corrupt("a member without an id"))?;
                found.extend(read_member(user, row)?);
            }
            if is_last {
                break;
            }
        }
        found.truncate(limit);
        Ok(found)
    }
}

#[async_trait]
impl Conversations for ScyllaConversations {
    async fn create(&self, founding: &Founding) -> Result<bool, StoreError> {
        let store = &self.0;
        store.check_ids().await?;
        let conversation = founding.conversation.as_i64();
        let created = settle(
            store.deadline(),
            Some(()),
            async |()| {
                let values = (
                    conversation,
                    kind_column(founding.kind),
                    founding.title.as_deref(),
                    founding.created_at.as_millis(),
                );
                store.write_if(&store.statements.create, values).await
            },
            async |_| {
                let statement = &store.statements.conversation_serial;
                let stored: Option<FoundingRow> = store.row(statement, (conversation,)).await?;
                let Some(row) = stored else { return Ok(Look::Attempt(())) };
                Ok(Look::NotApplied(read_founding(founding.conversation, row)?))
            },
        );
        match created.await? {
            Settled::Applied(()) => Ok(true),
            Settled::NotApplied(stored) => Ok(stored.is_same(founding)),
            Settled::Unknown(detail) => Err(StoreError::Unknown(detail)),
        }
    }

    async fn direct(
        &self,
        one: UserId,
        other: UserId,
        fresh: ConversationId,
    ) -> Result<Option<ConversationId>, StoreError> {
        let store = &self.0;
        store.check_ids().await?;
        let deadline = store.deadline();
        let low = one.min(other).as_i64();
        let high = one.max(other).as_i64();
        let existing = store.until(deadline, store.direct_of(low, high)).await?;
        if existing.is_some() {
            return Ok(existing);
        }
        // No other gateway makes this id, so nobody takes it after this read.
        if store.until(deadline, store.has_conversation(fresh)).await? {
            return Ok(None);
        }
        let claimed = settle(
            deadline,
            Some(fresh),
            async |fresh: ConversationId| {
                store.write_if(&store.statements.direct, (low, high, fresh.as_i64())).await
            },
            async |_| {
                let stored = store.direct_of(low, high).await?;
                Ok(stored.map_or(Look::Attempt(fresh), Look::NotApplied))
            },
        );
        match claimed.await? {
            Settled::Applied(conversation) | Settled::NotApplied(conversation) => {
                Ok(Some(conversation))
            }
            Settled::Unknown(detail) => Err(StoreError::Unknown(detail)),
        }
    }

    async fn find_direct(
        &self,
        one: UserId,
        other: UserId,
    ) -> Result<Option<ConversationId>, StoreError> {
        let pair = (one.min(other).as_i64(), one.max(other).as_i64());
        let work = async {
            let row: Option<(Option<i64>,)> =
                self.0.row(&self.0.statements.find_direct, pair).await?;
            Ok(row.and_then(|(id,)| id).and_then(ConversationId::from_i64))
        };
        self.0.in_time(work).await
    }

    async fn get(
        &self,
        conversation: ConversationId,
    ) -> Result<Option<(Founding, Option<Arc<str>>)>, StoreError> {
        let store = &self.0;
        let work = async {
            store.repair(conversation).await?;
            let key = (conversation.as_i64(),);
            let founding = store.row::<FoundingRow>(&store.statements.conversation, key);
            let view = store.row::<(Option<String>, Option<i64>)>(&store.statements.view, key);
            let (founding, view) = futures_util::future::try_join(founding, view).await?;
            let Some(row) = founding else { return Ok(None) };
            let founding = read_founding(conversation, row)?;
            let title = view.and_then(|(title, _)| title).map(Arc::from);
            let title = title.or_else(|| founding.title.clone());
            Ok(Some((founding, title)))
        };
        store.in_time(work).await
    }

    /// Returns the conversations in the order of their partitions.
    async fn all(
        &self,
        after: Option<ConversationId>,
        limit: usize,
    ) -> Result<Vec<ConversationId>, StoreError> {
        let store = &self.0;
        let limit = i32::try_from(limit).unwrap_or(i32::MAX);
        let work = async {
            let rows: Vec<(i64,)> = match after {
                None => store.rows(&store.statements.conversations, (limit,)).await?,
                Some(after) => {
                    let statement = &store.statements.conversations_after;
                    store.rows(statement, (after.as_i64(), limit)).await?
                }
            };
            let id = |(id,)| {
                ConversationId::from_i64(id).ok_or_else(|| corrupt("a conversation without an id"))
            };
            rows.into_iter().map(id).collect()
        };
        store.in_time(work).await
    }

    async fn of_user(&self, user: UserId) -> Result<Vec<Membership>, StoreError> {
        self.0.in_time(self.0.memberships(user)).await
    }

    async fn members(
        &self,
        conversation: ConversationId,
        after: Option<UserId>,
        limit: usize,
    ) -> Result<Vec<Member>, StoreError> {
        self.0.in_time(self.0.members(conversation, after, limit)).await
    }

    async fn standing(
        &self,
        conversation: ConversationId,
        users: &[UserId],
    ) -> Result<Vec<Option<Member>>, StoreError> {
        let store = &self.0;
        let work = async {
            store.repair(conversation).await?;
            let members = users.iter().map(async |user| {
                let key = (conversation.as_i64(), user.as_i64());
                let row: Option<MemberRow> = store.row(&store.statements.member, key).await?;
                row.map_or(Ok(None), |row| read_member(*user, row))
            });
            join_bounded(members.collect()).await
        };
        store.in_time(work).await
    }

    async fn overlays(
        &self,
        conversation: ConversationId,
        after: Seq,
        to: Seq,
    ) -> Result<Vec<(Seq, Overlay)>, StoreError> {
        let work = async {
            self.0.repair(conversation).await?;
            self.0.read_overlays(conversation, after, to).await
        };
        self.0.in_time(work).await
    }

    async fn project(&self, entries: &[Entry]) -> Result<(), StoreError> {
        self.0.in_time(self.0.project(entries)).await
    }
}
