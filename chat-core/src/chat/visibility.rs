//! What members may see of each other: presence, receipts, typing.

use std::collections::HashSet;

use futures_util::{StreamExt, TryStreamExt, stream};

use super::Chat;
use crate::{
    error::{ChatError, StoreError},
    id::{ConversationId, UserId},
    limits::{MOMENTS_MEMBERS_MAX, READS_AT_ONCE_MAX},
    model::{Audience, Cursor, Head, Member, MembershipState},
    planted::{Bug, is_planted},
};

/// What the other members may see of a member's receipts and typing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Shown {
    /// Nothing.
    ToNobody,
    /// Everything, except to these members.
    ToOthers {
        /// Members whom the member has blocked.
        except: Vec<UserId>,
        /// False if nobody may see what the member has read.
        reads: bool,
    },
}

impl Chat {
    /// Returns for each of these users whether the caller may see their presence: the two share a
    /// conversation in which the user takes part, and both allow it. Callers may see themselves.
    pub async fn acquainted(
        &self,
        caller: UserId,
        users: &[UserId],
    ) -> Result<Vec<bool>, ChatError> {
        let audience = self.context.boundary(caller).await?.privacy.last_seen;
        let others: HashSet<UserId> =
            users.iter().copied().filter(|user| *user != caller).collect();
        let mut sharing = filter(&others, |user| self.takes_part_with(user, caller)).await?;
        let rest: HashSet<UserId> = others.difference(&sharing).copied().collect();
        if !rest.is_empty() {
            let own = self.stores().conversations.of_user(caller).await?;
            let own: HashSet<ConversationId> =
                own.into_iter().map(|one| one.conversation).collect();
            sharing.extend(filter(&rest, |user| self.takes_part_in_one_of(user, &own)).await?);
        }
        let visible = filter(&sharing, |user| self.both_allow(user, caller, audience)).await?;
        Ok(users.iter().map(|user| *user == caller || visible.contains(user)).collect())
    }

    /// Returns true if the user takes part in the direct conversation with the watcher. Most who ask
    /// for somebody's presence have one, so that the long lists are not read.
    async fn takes_part_with(&self, user: UserId, watcher: UserId) -> Result<bool, StoreError> {
        let conversations = &self.stores().conversations;
        let Some(direct) = conversations.find_direct(user, watcher).await? else {
            return Ok(false);
        };
        let standing = conversations.standing(direct, &[user]).await?;
        let Some(member) = standing.into_iter().next().flatten() else { return Ok(false) };
        Ok(self.context.membership_state(direct, &member).await? == MembershipState::Open)
    }

    async fn takes_part_in_one_of(
        &self,
        user: UserId,
        conversations: &HashSet<ConversationId>,
    ) -> Result<bool, StoreError> {
        let mut shared = self.stores().conversations.of_user(user).await?;
        shared.retain(|one| conversations.contains(&one.conversation));
        if shared.iter().any(|one| !one.member.needs_consent) {
            return Ok(true);
        }
        let keys: Vec<_> = shared.iter().map(|one| (user, one.conversation)).collect();
        let consents = self.stores().consents.of_members(&keys).await?;
        Ok(shared.iter().zip(&consents).any(|(one, consent)| {
            self.context.state_of(&one.member, consent) == MembershipState::Open
        }))
    }

    /// Returns true if the user lets the watcher see their presence, and the watcher, who shows their
    /// own to this audience, lets the user see it.
    async fn both_allow(
        &self,
        user: UserId,
        watcher: UserId,
        audience: Audience,
    ) -> Result<bool, StoreError> {
        Ok(self.allows_to_see(user, watcher).await?
            && self.context.allows(watcher, audience, user).await?)
    }

    /// Returns true if the user lets the watcher see their presence.
    async fn allows_to_see(&self, user: UserId, watcher: UserId) -> Result<bool, StoreError> {
        let boundary = self.context.boundary(user).await?;
        if boundary.blocks(watcher) {
            return Ok(false);
        }
        self.context.allows(user, boundary.privacy.last_seen, watcher).await
    }

    /// Returns what the others in a conversation may see of this member's receipts and typing now.
    pub(super) async fn shown_of(
        &self,
        conversation: ConversationId,
        member: &Member,
        head: &Head,
    ) -> Result<Shown, ChatError> {
        let is_open =
            self.context.membership_state(conversation, member).await? == MembershipState::Open;
        let is_open = is_open || is_planted(Bug::TypesFromRequests);
        if !is_open || head.members > MOMENTS_MEMBERS_MAX {
            return Ok(Shown::ToNobody);
        }
        let boundary = self.boundary_of(member.user).await?;
        let reads = boundary.privacy.read_receipts;
        if boundary.blocked.is_empty() || is_planted(Bug::TypesThroughBlocks) {
            return Ok(Shown::ToOthers { except: Vec::new(), reads });
        }
        let limit = MOMENTS_MEMBERS_MAX as usize;
        let members = self.stores().conversations.members(conversation, None, limit).await?;
        let users = members.into_iter().map(|member| member.user);
        let except = users.filter(|user| boundary.blocks(*user)).collect();
        Ok(Shown::ToOthers { except, reads })
    }

    /// Returns the members' cursors as the reader may see them.
    pub(super) async fn visible_cursors(
        &self,
        conversation: ConversationId,
        reader: UserId,
        members: &[Member],
    ) -> Result<Vec<Cursor>, ChatError> {
        let users: Vec<UserId> = members.iter().map(|member| member.user).collect();
        let cursors = self.stores().cursors.of_conversation(conversation, &users).await?;
        let shows_reads = self.boundary_of(reader).await?.privacy.read_receipts;
        let visible: Vec<_> = members
            .iter()
            .zip(cursors)
            .map(|(member, cursor)| self.visible_cursor(conversation, reader, *member, cursor))
            .collect();
        let mut visible: Vec<Cursor> =
            stream::iter(visible).buffered(READS_AT_ONCE_MAX).try_collect().await?;
        if !shows_reads {
            let others = members.iter().zip(&mut visible).filter(|(one, _)| one.user != reader);
            others.for_each(|(_, cursor)| *cursor = cursor.without_reads());
        }
        Ok(visible)
    }

    /// Returns a member's cursor as far as the member shows it to the reader.
    async fn visible_cursor(
        &self,
        conversation: ConversationId,
        reader: UserId,
        member: Member,
        cursor: Cursor,
    ) -> Result<Cursor, StoreError> {
        if member.user == reader {
            return Ok(cursor);
        }
        let boundary = self.context.boundary(member.user).await?;
        let state = self.context.membership_state(conversation, &member).await?;
        Ok(if state != MembershipState::Open || boundary.blocks(reader) {
            Cursor::default()
        } else if boundary.privacy.read_receipts {
            cursor
        } else {
            cursor.without_reads()
        })
    }
}

/// Returns those of the users who pass the test, several of which run at once.
async fn filter<T: Future<Output = Result<bool, StoreError>>>(
    users: &HashSet<UserId>,
    test: impl Fn(UserId) -> T,
) -> Result<HashSet<UserId>, StoreError> {
    let tests: Vec<_> = users.iter().map(|user| test(*user)).collect();
    let passed: Vec<bool> = stream::iter(tests).buffered(READS_AT_ONCE_MAX).try_collect().await?;
    Ok(users.iter().zip(passed).filter(|(_, passed)| *passed).map(|(user, _)| *user).collect())
}
