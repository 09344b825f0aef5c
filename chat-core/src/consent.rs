//! Consent: who may bring a user into a conversation, and whether the user has to agree first.

use std::sync::Arc;

use futures_util::future::try_join;

use crate::{
    context::Context,
    error::{ChatError, StoreError},
    hint::Hint,
    id::{ConversationId, UserId},
    limits::{ASKED_WITHIN, CONVERSATIONS_MAX, REQUESTS_KEPT_MAX, REQUESTS_MAX_DEFAULT},
    model::{Audience, Boundary, Consent, Member, Membership, MembershipState, Seq},
    port::Channel,
};

/// How this deployment handles consent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConsentRules {
    /// True if a membership is a request until its owner takes part. False where everybody knows
    /// everybody.
    pub requests: bool,
    /// The maximum number of direct conversations that a user may have opened and that were not
    /// answered.
    pub requests_max: usize,
}

impl Default for ConsentRules {
    fn default() -> Self {
        Self { requests: true, requests_max: REQUESTS_MAX_DEFAULT }
    }
}

/// What a check found: a value, or the refusal.
pub(crate) type Checked<T> = Result<Result<T, ChatError>, StoreError>;

/// A membership, and what its owner agreed to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Standing {
    pub(crate) membership: Membership,
    pub(crate) consent: Consent,
    pub(crate) state: MembershipState,
}

impl Standing {
    /// Returns the seq up to which the owner has hidden the open conversation, or zero.
    pub(crate) fn hidden_to(&self) -> Seq {
        let is_open = self.state == MembershipState::Open;
        if is_open { self.consent.hidden_to(&self.membership.member) } else { Seq::ZERO }
    }

    /// Returns true if the owner has hidden the open conversation, and nothing came since.
    pub(crate) fn is_hidden(&self, head: Seq) -> bool {
        let hidden_to = self.hidden_to();
        hidden_to > Seq::ZERO && hidden_to >= head
    }
}

impl Context {
    /// Returns what a user allows others, as it was at most [`crate::limits::BOUNDARY_TTL`] ago.
    pub(crate) async fn boundary(&self, user: UserId) -> Result<Arc<Boundary>, StoreError> {
        self.boundaries.get(&*self.stores().boundaries, user).await
    }

    /// Returns whether a member takes part, from what the member agreed to.
    pub(crate) fn state_of(&self, member: &Member, consent: &Consent) -> MembershipState {
        if self.consent.requests { consent.state(member) } else { MembershipState::Open }
    }

    /// Returns whether a member takes part.
    pub(crate) async fn membership_state(
        &self,
        conversation: ConversationId,
        member: &Member,
    ) -> Result<MembershipState, StoreError> {
        if !member.needs_consent || !self.consent.requests {
            return Ok(MembershipState::Open);
        }
        let consent = self.consent_of(conversation, member.user).await?;
        Ok(consent.state(member))
    }

    /// Returns what a member agreed to in a conversation.
    pub(crate) async fn consent_of(
        &self,
        conversation: ConversationId,
        user: UserId,
    ) -> Result<Consent, StoreError> {
        let found = self.stores().consents.of_members(&[(user, conversation)]).await?;
        Ok(found.into_iter().next().unwrap_or_default())
    }

    /// Returns all memberships of a user.
    pub(crate) async fn standings(&self, user: UserId) -> Result<Vec<Standing>, StoreError> {
        let stores = self.stores();
        let (memberships, consents) =
            try_join(stores.conversations.of_user(user), stores.consents.of_user(user)).await?;
        let consents: crate::id_map::IdMap<ConversationId, Consent> =
            consents.into_iter().collect();
        let standing = |membership: Membership| {
            let consent = consents.get(&membership.conversation).copied().unwrap_or_default();
            let state = self.state_of(&membership.member, &consent);
            Standing { membership, consent, state }
        };
        Ok(memberships.into_iter().map(standing).collect())
    }

    /// Records that a member takes part from now on, and shows it to the member's sessions.
    pub(crate) async fn open(
        &self,
        conversation: ConversationId,
        member: &Member,
    ) -> Result<(), StoreError> {
        self.agree(conversation, member.user, Consent::opening(member)).await
    }

    /// Records what a member agrees to, and has the member's sessions on all gateways follow.
    pub(crate) async fn agree(
        &self,
        conversation: ConversationId,
        user: UserId,
        to: Consent,
    ) -> Result<(), StoreError> {
        let (_, has_changed) = self.stores().consents.advance(user, conversation, to).await?;
        if has_changed {
            self.publish(Channel::User(user), || Hint::Consent(conversation));
            self.users.each_session(user, |outbox| outbox.recheck_consent(conversation));
        }
        Ok(())
    }

    /// Returns true if `other` is a contact of `owner`: their direct conversation is open on the
    /// owner's side.
    pub(crate) async fn is_contact(
        &self,
        owner: UserId,
        other: UserId,
    ) -> Result<bool, StoreError> {
        let conversations = &self.stores().conversations;
        let Some(direct) = conversations.find_direct(owner, other).await? else {
            return Ok(false);
        };
        let found = conversations.standing(direct, &[owner]).await?;
        let Some(member) = found.into_iter().next().flatten() else { return Ok(false) };
        Ok(self.membership_state(direct, &member).await? == MembershipState::Open)
    }

    /// Returns true if `owner` belongs to those whom `audience` names, as `other` sees it.
    pub(crate) async fn allows(
        &self,
        owner: UserId,
        audience: Audience,
        other: UserId,
    ) -> Result<bool, StoreError> {
        match audience {
            Audience::Everyone => Ok(true),
            Audience::Contacts => self.is_contact(owner, other).await,
            Audience::Nobody => Ok(false),
        }
    }

    /// Checks whether `adder` may add this user to a group. Returns whether the user has to agree.
    pub(crate) async fn check_addition(&self, adder: UserId, user: UserId) -> Checked<bool> {
        if let Err(refusal) = self.check_exists(user).await? {
            return Ok(Err(refusal));
        }
        let boundary = self.boundary(user).await?;
        let audience = boundary.privacy.add_to_groups;
        if boundary.blocks(adder) || !self.allows(user, audience, adder).await? {
            return Ok(Err(ChatError::Private));
        }
        let needs_consent = self.consent.requests && !self.is_contact(user, adder).await?;
        Ok(self.check_room(user, needs_consent).await?.map(|()| needs_consent))
    }

    /// Checks whether `opener` may open a new direct conversation with this user. Returns whether the
    /// user has to agree.
    pub(crate) async fn check_opening(&self, opener: UserId, user: UserId) -> Checked<bool> {
        let boundary = self.boundary(user).await?;
        // Without a direct conversation, nobody is a contact.
        if boundary.blocks(opener) || boundary.privacy.direct_messages != Audience::Everyone {
            return Ok(Err(ChatError::Private));
        }
        let needs_consent = self.consent.requests;
        if needs_consent && let Err(refusal) = self.check_unanswered(opener).await? {
            return Ok(Err(refusal));
        }
        if let Err(refusal) = self.check_room(opener, false).await? {
            return Ok(Err(refusal));
        }
        Ok(self.check_room(user, needs_consent).await?.map(|()| needs_consent))
    }

    /// Refuses if the user does not exist.
    pub(crate) async fn check_exists(&self, user: UserId) -> Checked<()> {
        let found = self.stores().accounts.users(&[user]).await?;
        let exists = found.iter().all(Option::is_some);
        Ok(if exists { Ok(()) } else { Err(ChatError::NotFound("user")) })
    }

    /// Refuses if the user is in too many conversations. Requests and open ones count apart, so that
    /// strangers cannot fill the list of open ones.
    pub(crate) async fn check_room(&self, user: UserId, needs_consent: bool) -> Checked<()> {
        let standings = self.standings(user).await?;
        let is_open = |standing: &&Standing| standing.state == MembershipState::Open;
        let open = standings.iter().filter(is_open).count();
        let (what, count, max) = if needs_consent {
            ("the user's list of requests", standings.len() - open, REQUESTS_KEPT_MAX)
        } else {
            ("the user's list of conversations", open, CONVERSATIONS_MAX)
        };
        Ok(if count < max { Ok(()) } else { Err(ChatError::Full { what, max }) })
    }

    /// Refuses if too many people have not answered what this user lately opened. Declining is no
    /// answer, so that nobody can tell.
    async fn check_unanswered(&self, user: UserId) -> Checked<()> {
        let max = self.consent.requests_max;
        let now = self.ports.wall_clock.now();
        let consents = &self.stores().consents;
        let asked: Vec<(UserId, ConversationId)> = consents
            .of_user(user)
            .await?
            .into_iter()
            .filter(|(conversation, _)| now.since(conversation.made_at()) < ASKED_WITHIN)
            .filter_map(|(conversation, consent)| Some((consent.asked?, conversation)))
            .collect();
        if asked.len() < max {
            return Ok(Ok(()));
        }
        let answers = consents.of_members(&asked).await?;
        let unanswered = answers.iter().filter(|one| one.opened_seq == Seq::ZERO).count();
        let what = "the list of unanswered requests";
        Ok(if unanswered < max { Ok(()) } else { Err(ChatError::Full { what, max }) })
    }
}
