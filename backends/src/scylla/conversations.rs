//! Read models of the logs. Entries write them in [`super::views`]; here they are read.

use std::sync::Arc;

use async_trait::async_trait;
use chat_core::{
    error::StoreError,
    id::{ConversationId, UserId},
    model::{Entry, Founding, Kind, Member, Membership, Overlay, Role, Seq},
    port::Conversations,
    time::Timestamp,
};

use super::{
    heads::{seq, unsigned},
    settle::{Look, Settled, settle},
    store::{Store, corrupt, together},
};

/// Rows of one partition that are read at once.
const PAGE: usize = 1_000;

/// Read models in a CQL store.
#[derive(Debug)]
pub(super) struct ScyllaConversations(pub(super) Arc<Store>);

/// A user or a conversation, whether it has gone, and the standing.
type StandingRow = (i64, Option<bool>, Option<i8>, Option<i64>, Option<i64>);
/// Kind, title, time.
type FoundingRow = (Option<i8>, Option<String>, Option<i64>);

fn read_standing(user: UserId, row: StandingRow) -> Result<Option<Member>, StoreError> {
    let (_, gone, role, joined_seq, joined_ord) = row;
    if gone != Some(false) {
        return Ok(None);
    }
    let role = role.unwrap_or_default();
    let role = Role::from_code(role.cast_unsigned())
        .ok_or_else(|| corrupt(format!("unknown role {role}")))?;
    let joined_ord = unsigned(joined_ord.unwrap_or_default())?;
    Ok(Some(Member { user, role, joined_seq: seq(joined_seq)?, joined_ord }))
}

fn read_member(row: StandingRow) -> Result<Option<Member>, StoreError> {
    let user = UserId::from_i64(row.0).ok_or_else(|| corrupt("a member without an id"))?;
    read_standing(user, row)
}

const fn kind_column(kind: Kind) -> i8 {
    match kind {
        Kind::Direct => 0,
        Kind::Group => 1,
    }
}

fn read_founding(conversation: ConversationId, row: FoundingRow) -> Result<Founding, StoreError> {
    let (kind, title, created_at) = row;
    let kind = match kind {
        Some(0) => Kind::Direct,
        Some(1) => Kind::Group,
        other => return Err(corrupt(format!("a conversation of kind {other:?}"))),
    };
    let created_at = Timestamp::from_millis(created_at.unwrap_or_default());
    Ok(Founding { conversation, kind, title: title.map(Arc::from), created_at })
}

impl Store {
    async fn get(
        self: &Arc<Self>,
        conversation: ConversationId,
    ) -> Result<Option<(Founding, Option<Arc<str>>)>, StoreError> {
        self.mend(conversation).await?;
        let key = (conversation.as_i64(),);
        let founding = self.row::<FoundingRow>(&self.statements.conversation, key);
        let view = self.row::<(Option<String>, Option<i64>)>(&self.statements.view, key);
        let (founding, view) = futures_util::future::try_join(founding, view).await?;
        let Some(row) = founding else { return Ok(None) };
        let founding = read_founding(conversation, row)?;
        let title = view.and_then(|(title, _)| title).map(Arc::from);
        let title = title.or_else(|| founding.title.clone());
        Ok(Some((founding, title)))
    }

    async fn memberships(&self, user: UserId) -> Result<Vec<Membership>, StoreError> {
        let (mut found, mut above) = (Vec::new(), 0);
        loop {
            let values = (user.as_i64(), above, i32::try_from(PAGE).unwrap_or(i32::MAX));
            let rows: Vec<StandingRow> = self.rows(&self.statements.memberships, values).await?;
            let is_last = rows.len() < PAGE;
            for row in rows {
                above = row.0;
                let conversation = ConversationId::from_i64(row.0)
                    .ok_or_else(|| corrupt("a membership without its conversation"))?;
                let member = read_standing(user, row)?;
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
        self.mend(conversation).await?;
        let (mut found, mut above) = (Vec::new(), after.map_or(0, UserId::as_i64));
        let page = limit.clamp(1, PAGE);
        while found.len() < limit {
            let values = (conversation.as_i64(), above, i32::try_from(page).unwrap_or(i32::MAX));
            let rows: Vec<StandingRow> = self.rows(&self.statements.members, values).await?;
            let is_last = rows.len() < page;
            for row in rows {
                above = row.0;
                found.extend(read_member(row)?);
            }
            if is_last {
                break;
            }
        }
        found.truncate(limit);
        Ok(found)
    }

    async fn standing(
        self: &Arc<Self>,
        conversation: ConversationId,
        users: &[UserId],
    ) -> Result<Vec<Option<Member>>, StoreError> {
        self.mend(conversation).await?;
        together(users.iter().map(|user| self.member(conversation, *user)).collect()).await
    }

    async fn member(
        &self,
        conversation: ConversationId,
        user: UserId,
    ) -> Result<Option<Member>, StoreError> {
        let key = (conversation.as_i64(), user.as_i64());
        let row: Option<StandingRow> = self.row(&self.statements.member, key).await?;
        row.map_or(Ok(None), read_member)
    }
}

#[async_trait]
impl Conversations for ScyllaConversations {
    async fn create(&self, founding: &Founding) -> Result<(), StoreError> {
        let store = &self.0;
        store.tenure.check()?;
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
                Ok(stored.map_or(Look::Attempt(()), |_| Look::NotApplied(())))
            },
        );
        match created.await? {
            Settled::Applied(()) | Settled::NotApplied(()) => Ok(()),
            Settled::Unknown(detail) => Err(StoreError::Unknown(detail)),
        }
    }

    async fn direct(
        &self,
        one: UserId,
        other: UserId,
        fresh: ConversationId,
    ) -> Result<ConversationId, StoreError> {
        let store = &self.0;
        store.tenure.check()?;
        let low = one.min(other).as_i64();
        let high = one.max(other).as_i64();
        let claimed = settle(
            store.deadline(),
            Some(fresh),
            async |fresh: ConversationId| {
                store.write_if(&store.statements.direct, (low, high, fresh.as_i64())).await
            },
            async |_| {
                let statement = &store.statements.direct_serial;
                let Some((stored,)) = store.row::<(i64,)>(statement, (low, high)).await? else {
                    return Ok(Look::Attempt(fresh));
                };
                let stored = ConversationId::from_i64(stored);
                stored.map(Look::NotApplied).ok_or_else(|| corrupt("a pair without a conversation"))
            },
        );
        match claimed.await? {
            Settled::Applied(conversation) | Settled::NotApplied(conversation) => Ok(conversation),
            Settled::Unknown(detail) => Err(StoreError::Unknown(detail)),
        }
    }

    async fn get(
        &self,
        conversation: ConversationId,
    ) -> Result<Option<(Founding, Option<Arc<str>>)>, StoreError> {
        self.0.in_time(self.0.get(conversation)).await
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
        self.0.in_time(self.0.standing(conversation, users)).await
    }

    async fn overlays(
        &self,
        conversation: ConversationId,
        after: Seq,
        to: Seq,
    ) -> Result<Vec<(Seq, Overlay)>, StoreError> {
        let work = async {
            self.0.mend(conversation).await?;
            self.0.read_overlays(conversation, after, to).await
        };
        self.0.in_time(work).await
    }

    async fn project(&self, entries: &[Entry]) -> Result<(), StoreError> {
        self.0.in_time(self.0.project(entries)).await
    }
}
