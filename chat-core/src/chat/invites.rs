//! Invites: codes with which people join a group by themselves.
//!
//! Joining takes two steps: the store counts a use, which the user holds from then on, and the log gets
//! the `joined` entry. The use names the entry. So a repeat after a crash between the steps joins with
//! the same use, and a use makes at most one entry.

use std::{fmt, time::Duration};

use metrics::counter;

use super::Chat;
use crate::{
    command::{InvitePreview, Reply},
    error::ChatError,
    id::ConversationId,
    limits::{
        FRESH_IDS_MAX, INVITE_TTL_DEFAULT, INVITE_TTL_MAX, INVITE_TTL_MIN, INVITE_USES_MAX,
        INVITES_MAX, MEMBERS_MAX,
    },
    model::{Body, ClientId, Identity, Invite, InviteCode, InviteUse, Kind, Role, UseClaim},
    port::InviteCreation,
    write::{Change, Outcome, Write},
};

/// How many uses one command takes: another one if the user has joined with the first one before.
const USES_PER_COMMAND: usize = 2;

impl Chat {
    /// Makes an invite to a group, for 1 to [`INVITE_USES_MAX`] uses or any number, and for a life of
    /// [`INVITE_TTL_MIN`] to [`INVITE_TTL_MAX`] or [`INVITE_TTL_DEFAULT`]. Admins and owners may do so.
    pub async fn create_invite(
        &self,
        identity: Identity,
        conversation: ConversationId,
        max_uses: Option<u32>,
        expires_in: Option<Duration>,
    ) -> Result<Invite, ChatError> {
        let life = expires_in.unwrap_or(INVITE_TTL_DEFAULT);
        check_bounds(max_uses, life)?;
        self.check_may_invite(identity, conversation).await?;
        let created_at = self.context.ports.wall_clock.now();
        for _ in 0..FRESH_IDS_MAX {
            let invite = Invite {
                code: InviteCode::from_bits(self.random_bits()?),
                conversation,
                created_by: identity.user,
                created_at,
                expires_at: created_at.after(life),
                max_uses,
                used: 0,
                is_ended: false,
            };
            match self.stores().invites.create(&invite).await? {
                InviteCreation::Created => return Ok(invite),
                InviteCreation::CodeTaken => tracing::error!("the code of a new invite is taken"),
                InviteCreation::Full => {
                    return Err(ChatError::Full {
                        what: "the group's list of invites",
                        max: INVITES_MAX,
                    });
                }
            }
        }
        Err(ChatError::Internal)
    }

    /// Returns the live invites of a group to its admins and owners, newest first.
    pub async fn invites(
        &self,
        identity: Identity,
        conversation: ConversationId,
    ) -> Result<Vec<Invite>, ChatError> {
        self.check_may_invite(identity, conversation).await?;
        let now = self.context.ports.wall_clock.now();
        let mut invites = self.stores().invites.of_conversation(conversation, now).await?;
        invites.sort_unstable_by_key(|invite| (invite.created_at, invite.code));
        invites.reverse();
        Ok(invites)
    }

    /// Fails unless the caller is an admin or an owner of the group.
    async fn check_may_invite(
        &self,
        identity: Identity,
        conversation: ConversationId,
    ) -> Result<(), ChatError> {
        let member = self.caller_membership(identity, conversation).await?;
        let found = self.stores().conversations.get(conversation).await?;
        let (founding, _) = found.ok_or(ChatError::NotFound("conversation"))?;
        if founding.kind == Kind::Direct {
            return Err(ChatError::Forbidden("a direct conversation has no invites"));
        }
        if member.role < Role::Admin {
            return Err(ChatError::Forbidden("your role in the group does not allow this"));
        }
        Ok(())
    }

    /// Returns what people see before they join. Needs no account.
    pub async fn preview_invite(&self, code: InviteCode) -> Result<InvitePreview, ChatError> {
        let invite = self.live_invite(code).await?;
        let found = self.stores().conversations.get(invite.conversation).await?;
        let (_, title) = found.ok_or_else(no_invite)?;
        let member_count = self.head(invite.conversation).await?.members;
        if member_count == 0 {
            return Err(no_invite());
        }
        Ok(InvitePreview { invite, title, member_count })
    }

    /// Ends an invite. Its maker may do so, and every admin of the group.
    pub async fn end_invite(&self, identity: Identity, code: InviteCode) -> Result<(), ChatError> {
        let invite = self.live_invite(code).await?;
        let member = self.membership(invite.conversation, identity.user).await?;
        let is_admin = member.is_some_and(|member| member.role >= Role::Admin);
        if !is_admin && invite.created_by != identity.user {
            return Err(no_invite());
        }
        let has_ended = self.stores().invites.end(code).await?;
        if has_ended { Ok(()) } else { Err(no_invite()) }
    }

    /// Joins a group with an invite. For a member nothing changes, except that a request is accepted.
    pub(super) async fn accept_invite(
        &self,
        identity: Identity,
        code: InviteCode,
        client_id: Option<ClientId>,
    ) -> Result<Reply, ChatError> {
        let invite = self.stores().invites.get(code).await?.ok_or_else(no_invite)?;
        let conversation = invite.conversation;
        if self.membership(conversation, identity.user).await?.is_some() {
            return self.accept(identity, conversation).await;
        }
        let fresh = self.check_joining(identity, conversation, client_id).await?;
        self.join(identity, &invite, &fresh).await?;
        let view = self.view(identity, conversation).await?;
        Ok(Reply::Conversation(Box::new(view)))
    }

    /// Checks everything about joining but the invite, so that no use is taken in vain. Returns the use
    /// to claim.
    async fn check_joining(
        &self,
        identity: Identity,
        conversation: ConversationId,
        client_id: Option<ClientId>,
    ) -> Result<InviteUse, ChatError> {
        let user = identity.user;
        let head = self.head(conversation).await?;
        if head.members == 0 {
            return Err(no_invite());
        }
        if head.members >= MEMBERS_MAX {
            return Err(ChatError::Full { what: "the group", max: MEMBERS_MAX as usize });
        }
        self.context.check_room(user, false).await??;
        let client_id = match client_id {
            Some(client_id) => {
                let log = &self.stores().log;
                match log.find(conversation, user, &client_id, head.seq).await? {
                    Some(entry) => return Err(repeat_of_an_earlier_stay(&entry.body)),
                    None => client_id,
                }
            }
            None => self.own_client_id()?,
        };
        Ok(InviteUse { client_id, base_seq: head.seq })
    }

    /// Makes the user a member with a use of the invite: the one that the user holds, or else `fresh`.
    async fn join(
        &self,
        identity: Identity,
        invite: &Invite,
        fresh: &InviteUse,
    ) -> Result<(), ChatError> {
        let invites = &self.stores().invites;
        let mut spent = None;
        for _ in 0..USES_PER_COMMAND {
            let now = self.context.ports.wall_clock.now();
            let claim =
                invites.claim_use(invite.code, identity.user, fresh, spent.as_ref(), now).await?;
            let UseClaim::Yours(held) = claim else { return Err(no_invite()) };
            if self.append_joining(identity, invite, &held).await? {
                return Ok(());
            }
            spent = Some(held.client_id);
        }
        Err(ChatError::KeyReused("client_id"))
    }

    /// Appends the entry of a use. Returns false if the user has joined with it before, and is no
    /// member any more.
    async fn append_joining(
        &self,
        identity: Identity,
        invite: &Invite,
        held: &InviteUse,
    ) -> Result<bool, ChatError> {
        let write = Write {
            conversation: invite.conversation,
            client_id: Some(held.client_id.clone()),
            expected_seq: None,
            base_seq: Some(held.base_seq),
            change: Change::Join { invited_by: invite.created_by },
        };
        let conversation = self.directory.open(write.conversation, &self.context);
        match conversation.appender.begin(identity.user, write).outcome().await {
            Ok(Outcome::Entry { replayed: false, .. } | Outcome::Unchanged) => Ok(true),
            Ok(Outcome::Entry { replayed: true, .. }) => {
                Ok(self.membership(invite.conversation, identity.user).await?.is_some())
            }
            Err(ChatError::KeyReused(_)) => Ok(false),
            Err(error) => Err(error),
        }
    }

    async fn live_invite(&self, code: InviteCode) -> Result<Invite, ChatError> {
        let now = self.context.ports.wall_clock.now();
        let found = self.stores().invites.get(code).await?;
        found.filter(|invite| invite.is_live(now)).ok_or_else(no_invite)
    }

    fn random_bits(&self) -> Result<u64, ChatError> {
        self.context.ports.random.bits().map_err(no_random_bits)
    }

    /// Returns a client id for the entry of a command that named none.
    fn own_client_id(&self) -> Result<ClientId, ChatError> {
        let id = format!("invite-{:016x}", self.random_bits()?);
        ClientId::new(&id).map_err(|_| ChatError::Internal)
    }
}

fn check_bounds(max_uses: Option<u32>, life: Duration) -> Result<(), ChatError> {
    if max_uses.is_some_and(|max| !(1..=INVITE_USES_MAX).contains(&max)) {
        let message = format!("expected 1 to {INVITE_USES_MAX}");
        return Err(ChatError::invalid("max_uses", message));
    }
    if !(INVITE_TTL_MIN..=INVITE_TTL_MAX).contains(&life) {
        let (min, max) = (INVITE_TTL_MIN.as_secs(), INVITE_TTL_MAX.as_secs());
        return Err(ChatError::invalid("expires_in", format!("expected {min} to {max} seconds")));
    }
    Ok(())
}

/// Counts a code that lets nobody in. The answer is the same whether the invite has ended, has expired,
/// is used up, or never existed.
fn no_invite() -> ChatError {
    counter!("confab_invite_misses_total", "reason" => "unknown").increment(1);
    ChatError::NotFound("invite")
}

/// Returns the error for a client id that has made an entry before. If that entry is a joining, the
/// command is a late repeat: the user has left since, and must not be brought back.
fn repeat_of_an_earlier_stay(body: &Body) -> ChatError {
    if matches!(body, Body::Joined { .. }) {
        ChatError::Conflict("you have left the group since you joined with this client_id")
    } else {
        ChatError::KeyReused("client_id")
    }
}

fn no_random_bits(error: impl fmt::Display) -> ChatError {
    tracing::error!(%error, "the system has no random bits");
    ChatError::Internal
}
