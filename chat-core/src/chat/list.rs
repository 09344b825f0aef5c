//! Reading for clients: the conversation list, one conversation, its members.

use std::cmp::Reverse;

use futures_util::{StreamExt, TryStreamExt, stream};

use super::Chat;
use crate::{
    command::{ConversationView, ListCursor, MemberView, Reply, Totals},
    consent::Standing,
    error::ChatError,
    id::{ConversationId, UserId},
    limits::{PAGE_MAX, READS_AT_ONCE_MAX, UNREAD_ENTRIES_MAX},
    model::{Cursor, Head, Identity, Kind, Member, Membership, MembershipState, Seq, User},
};

/// What the list has of a conversation before its page is known.
#[derive(Debug)]
struct Row {
    standing: Standing,
    head: Head,
    cursor: Cursor,
}

impl Row {
    /// Returns the conversation's place in the list.
    fn at(&self) -> ListCursor {
        ListCursor { at: self.head.at, conversation: self.standing.membership.conversation }
    }

    fn unread(&self) -> u64 {
        unread_before_redactions(&self.standing.membership.member, &self.head, &self.cursor)
    }
}

impl Chat {
    /// Returns a page of the caller's conversations, newest activity first.
    pub(super) async fn conversations(
        &self,
        identity: Identity,
        wanted: Option<MembershipState>,
        after: Option<ListCursor>,
        limit: usize,
    ) -> Result<Reply, ChatError> {
        let stores = &self.stores();
        let mut standings = self.context.standings(identity.user).await?;
        let memberships = standings.len();
        standings.retain(|one| one.state != MembershipState::Declined);
        let ids: Vec<ConversationId> =
            standings.iter().map(|one| one.membership.conversation).collect();
        let heads = stores.log.heads(&ids).await?;
        let cursors = stores.cursors.of_user(identity.user, &ids).await?;
        let mut rows: Vec<Row> = standings
            .into_iter()
            .zip(heads.into_iter().zip(cursors))
            .map(|(standing, (head, cursor))| Row { standing, head, cursor })
            .filter(|row| !row.standing.is_hidden(row.head.seq))
            .collect();
        rows.sort_unstable_by_key(|row| Reverse(row.at()));
        let totals = self.totals(&rows).await?;
        rows.retain(|row| {
            wanted.is_none_or(|state| row.standing.state == state)
                && after.is_none_or(|after| row.at() < after)
        });
        let has_more = rows.len() > limit;
        rows.truncate(limit);
        let next = rows.last().map(Row::at).filter(|_| has_more);
        let views = rows.into_iter().map(|Row { standing, head, cursor }| async move {
            let Standing { membership, state, .. } = standing;
            match self.assemble(&membership, state, head, cursor).await {
                // The user left it during the read, or has not joined it yet.
                Err(ChatError::NotFound(_)) => Ok(None),
                view => view.map(Some),
            }
        });
        let views: Vec<_> = stream::iter(views).buffered(READS_AT_ONCE_MAX).try_collect().await?;
        let items = views.into_iter().flatten().collect();
        Ok(Reply::Conversations { items, next, totals, memberships })
    }

    /// Counts over the rows of all conversations, newest first. A conversation whose unread messages
    /// are all redacted does not count if it is one of the newest.
    async fn totals(&self, rows: &[Row]) -> Result<Totals, ChatError> {
        let (requests, open): (Vec<_>, Vec<_>) =
            rows.iter().partition(|row| row.standing.state == MembershipState::Request);
        let unread: Vec<_> = open.into_iter().filter(|row| row.unread() > 0).collect();
        let (exact, counted) = unread.split_at(unread.len().min(PAGE_MAX));
        let exact: Vec<_> = exact.iter().map(|row| self.unread_of(row)).collect();
        let exact: Vec<u64> = stream::iter(exact).buffered(READS_AT_ONCE_MAX).try_collect().await?;
        let exact = exact.into_iter().filter(|unread| *unread > 0).count();
        Ok(Totals { unread_conversations: exact + counted.len(), requests: requests.len() })
    }

    async fn unread_of(&self, row: &Row) -> Result<u64, ChatError> {
        let Membership { conversation, member } = &row.standing.membership;
        self.unread(*conversation, member, &row.head, &row.cursor).await
    }

    /// Returns a conversation as the caller sees it.
    pub(crate) async fn view(
        &self,
        identity: Identity,
        conversation: ConversationId,
    ) -> Result<ConversationView, ChatError> {
        let member = self.caller_membership(identity, conversation).await?;
        let head = self.head(conversation).await?;
        let cursors = self.stores().cursors.of_user(identity.user, &[conversation]).await?;
        let cursor = cursors.into_iter().next().unwrap_or_default();
        let state = self.context.membership_state(conversation, &member).await?;
        let membership = Membership { conversation, member };
        self.assemble(&membership, state, head, cursor).await
    }

    async fn assemble(
        &self,
        membership: &Membership,
        state: MembershipState,
        head: Head,
        cursor: Cursor,
    ) -> Result<ConversationView, ChatError> {
        let Membership { conversation, member } = *membership;
        let found = self.stores().conversations.get(conversation).await?;
        let (founding, title) = found.ok_or(ChatError::NotFound("conversation"))?;
        let peer = match founding.kind {
            Kind::Direct => self.peer(conversation, member.user).await?,
            Kind::Group => None,
        };
        let last_message = if head.text_seq < member.joined_seq {
            None
        } else {
            let newest = self.entries(conversation, head.text_seq.previous(), head.text_seq, 1);
            newest.await?.into_iter().next()
        };
        self.recheck_membership(member, conversation).await?;
        Ok(ConversationView {
            id: conversation,
            kind: founding.kind,
            title,
            head_seq: head.seq,
            active_at: head.at,
            unread: self.unread(conversation, &member, &head, &cursor).await?,
            last_message,
            cursor: since_joining(cursor, &member),
            role: member.role,
            state,
            member_count: head.members,
            peer,
        })
    }

    /// Returns how many messages the member has not read. Redacted ones do not count, as far as they
    /// are among the newest [`UNREAD_ENTRIES_MAX`] entries.
    async fn unread(
        &self,
        conversation: ConversationId,
        member: &Member,
        head: &Head,
        cursor: &Cursor,
    ) -> Result<u64, ChatError> {
        let unread = unread_before_redactions(member, head, cursor);
        let after = cursor.read_seq.max(member.joined_seq.previous());
        // A redaction comes after its message, so without one after the cursor nothing is redacted.
        if unread == 0 || head.projected_seq <= after {
            return Ok(unread);
        }
        let newest = Seq::new(head.seq.get().saturating_sub(UNREAD_ENTRIES_MAX));
        let conversations = &self.stores().conversations;
        let overlays = conversations.overlays(conversation, after.max(newest), head.seq).await?;
        let redacted = overlays.iter().filter(|(_, overlay)| overlay.redacted.is_some()).count();
        Ok(unread.saturating_sub(redacted as u64))
    }

    async fn peer(
        &self,
        conversation: ConversationId,
        me: UserId,
    ) -> Result<Option<User>, ChatError> {
        let members = self.stores().conversations.members(conversation, None, 2).await?;
        let Some(other) = members.into_iter().find(|member| member.user != me) else {
            return Ok(None);
        };
        let users = self.stores().accounts.users(&[other.user]).await?;
        Ok(users.into_iter().next().flatten())
    }

    /// Returns one member.
    pub(super) async fn member(
        &self,
        identity: Identity,
        conversation: ConversationId,
        user: UserId,
    ) -> Result<Reply, ChatError> {
        let caller = self.caller_membership(identity, conversation).await?;
        let items = match self.membership(conversation, user).await? {
            Some(member) => self.with_cursors(identity.user, conversation, vec![member]).await?,
            None => Vec::new(),
        };
        self.recheck_membership(caller, conversation).await?;
        if items.is_empty() {
            return Err(ChatError::NotFound("member"));
        }
        Ok(Reply::Members { items, next: None })
    }

    /// Returns a page of the members, ascending by id.
    pub(super) async fn members(
        &self,
        identity: Identity,
        conversation: ConversationId,
        after: Option<UserId>,
        limit: usize,
    ) -> Result<Reply, ChatError> {
        let caller = self.caller_membership(identity, conversation).await?;
        let mut found = self.stores().conversations.members(conversation, after, limit + 1).await?;
        let has_more = found.len() > limit;
        found.truncate(limit);
        let next = found.last().map(|member| member.user).filter(|_| has_more);
        let mut items = Vec::with_capacity(found.len());
        for part in found.chunks(PAGE_MAX) {
            items.extend(self.with_cursors(identity.user, conversation, part.to_vec()).await?);
        }
        self.recheck_membership(caller, conversation).await?;
        Ok(Reply::Members { items, next })
    }

    async fn with_cursors(
        &self,
        reader: UserId,
        conversation: ConversationId,
        members: Vec<Member>,
    ) -> Result<Vec<MemberView>, ChatError> {
        let cursors = self.visible_cursors(conversation, reader, &members).await?;
        let views = members
            .into_iter()
            .zip(cursors)
            .map(|(member, cursor)| MemberView { member, cursor: since_joining(cursor, &member) });
        Ok(views.collect())
    }
}

/// Returns the cursor, but not before the member joined.
fn since_joining(cursor: Cursor, member: &Member) -> Cursor {
    let floor = member.joined_seq.previous();
    cursor.max(Cursor { delivered_seq: floor, read_seq: floor, read_ord: member.joined_ord })
}

/// Returns how many messages follow what the member has read.
fn unread_before_redactions(member: &Member, head: &Head, cursor: &Cursor) -> u64 {
    head.ord.saturating_sub(cursor.read_ord.max(member.joined_ord))
}
