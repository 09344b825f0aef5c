//! Who may do what: a pure function of the state at the head where the entry will land.

use super::state::{Needs, State, Target};
use crate::{
    command::Change,
    error::ChatError,
    id::UserId,
    limits::{EDITS_PER_MESSAGE_MAX, EMOJI_PER_MESSAGE_MAX, MEMBERS_MAX},
    model::{Body, Kind, Member, Role, Seq},
};

/// What a permitted command comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// An entry with this body.
    Append(Body),
    /// It is so already, and this entry stands for it.
    Stands(Seq),
    /// It is so already.
    Nothing,
}

/// What must be known of the state to decide this.
pub fn needs(actor: UserId, change: &Change) -> Needs {
    let (other, target) = match change {
        Change::Text { reply_to, .. } => (actor, *reply_to),
        Change::SetTitle { .. } => (actor, None),
        Change::Edit { target_seq, .. }
        | Change::Redact { target_seq }
        | Change::React { target_seq, .. } => (actor, Some(*target_seq)),
        Change::SetMember { user, .. } | Change::Remove { user } => (*user, None),
    };
    Needs { users: [actor, other], target }
}

/// Whether the actor may do it now, and what it comes to. Everything that [`needs`] names must be
/// known in the state.
pub fn decide(state: &State, actor: UserId, change: &Change) -> Result<Decision, ChatError> {
    let actor = state.member(actor).ok_or(ChatError::NotFound("conversation"))?;
    match change {
        Change::Text { text, reply_to } => {
            if reply_to.is_some_and(|seq| message(state, &actor, seq).is_err()) {
                return Err(ChatError::invalid("reply_to", "there is no such message"));
            }
            let body = Body::Text { text: Some(text.clone()), reply_to: *reply_to };
            Ok(Decision::Append(body))
        }
        Change::Edit { target_seq, text } => {
            edit(&actor, message(state, &actor, *target_seq)?, *target_seq, text)
        }
        Change::Redact { target_seq } => {
            redact(&actor, message(state, &actor, *target_seq)?, *target_seq)
        }
        Change::React { target_seq, emoji, on } => {
            react(&actor, message(state, &actor, *target_seq)?, *target_seq, emoji, *on)
        }
        Change::SetMember { user, role } => set_member(state, &actor, *user, *role),
        Change::Remove { user } => remove(state, &actor, *user),
        Change::SetTitle { title } => {
            group_right(state, &actor, Role::Admin)?;
            if state.title() == Some(title) {
                return Ok(Decision::Nothing);
            }
            Ok(Decision::Append(Body::Title { title: title.clone() }))
        }
    }
}

/// The message at this seq, if the actor may see it.
fn message<'a>(state: &'a State, actor: &Member, seq: Seq) -> Result<&'a Target, ChatError> {
    if !(actor.joined_seq..=state.head.seq).contains(&seq) {
        return Err(ChatError::NotFound("message"));
    }
    let target = state.target(seq).flatten().ok_or(ChatError::NotFound("message"))?;
    if target.is_text {
        Ok(target)
    } else {
        Err(ChatError::invalid("seq", "this entry is no message"))
    }
}

fn edit(
    actor: &Member,
    target: &Target,
    target_seq: Seq,
    text: &std::sync::Arc<str>,
) -> Result<Decision, ChatError> {
    if target.sender != actor.user {
        return Err(ChatError::Forbidden("only the sender may edit a message"));
    }
    if target.overlay.redacted.is_some() {
        return Err(ChatError::Conflict("the message has been redacted"));
    }
    if target.overlay.edit_seqs.len() >= EDITS_PER_MESSAGE_MAX {
        return Err(ChatError::Full { what: "the message", max: EDITS_PER_MESSAGE_MAX });
    }
    Ok(Decision::Append(Body::Edited { target_seq, text: Some(text.clone()) }))
}

fn redact(actor: &Member, target: &Target, target_seq: Seq) -> Result<Decision, ChatError> {
    if target.sender != actor.user && actor.role < Role::Admin {
        return Err(ChatError::Forbidden("only the sender or an admin may redact a message"));
    }
    match target.overlay.redacted {
        Some(standing) => Ok(Decision::Stands(standing)),
        None => Ok(Decision::Append(Body::Redacted { target_seq })),
    }
}

fn react(
    actor: &Member,
    target: &Target,
    target_seq: Seq,
    emoji: &std::sync::Arc<str>,
    on: bool,
) -> Result<Decision, ChatError> {
    if target.overlay.redacted.is_some() {
        return if on {
            Err(ChatError::Conflict("the message has been redacted"))
        } else {
            Ok(Decision::Stands(target_seq))
        };
    }
    match target.overlay.reaction(emoji, actor.user) {
        Some(standing) if standing.on == on => return Ok(Decision::Stands(standing.seq)),
        None if !on => return Ok(Decision::Stands(target_seq)),
        Some(_) | None => {}
    }
    let is_new = target.overlay.reactions.iter().all(|one| one.emoji != *emoji);
    if on && is_new && target.overlay.emoji_count() >= EMOJI_PER_MESSAGE_MAX {
        return Err(ChatError::Full { what: "the message", max: EMOJI_PER_MESSAGE_MAX });
    }
    Ok(Decision::Append(Body::Reaction { target_seq, emoji: emoji.clone(), on }))
}

/// Members of a direct conversation are who they are; in a group the actor needs this role.
fn group_right(state: &State, actor: &Member, role: Role) -> Result<(), ChatError> {
    if state.kind == Kind::Direct {
        return Err(ChatError::Forbidden("a direct conversation stays as it is"));
    }
    if actor.role < role {
        return Err(ChatError::Forbidden("your role in the group does not allow this"));
    }
    Ok(())
}

fn set_member(
    state: &State,
    actor: &Member,
    user: UserId,
    role: Option<Role>,
) -> Result<Decision, ChatError> {
    group_right(state, actor, Role::Admin)?;
    match state.member(user) {
        None => add(state, actor, user, role.unwrap_or(Role::Member)),
        Some(member) => change_role(state, actor, member, role.unwrap_or(member.role)),
    }
}

fn add(state: &State, actor: &Member, user: UserId, role: Role) -> Result<Decision, ChatError> {
    if role > Role::Member {
        group_right(state, actor, Role::Owner)?;
    }
    if state.head.members >= MEMBERS_MAX {
        return Err(ChatError::Full { what: "the group", max: MEMBERS_MAX as usize });
    }
    Ok(Decision::Append(Body::Joined { user, role, is_founder: false }))
}

fn change_role(
    state: &State,
    actor: &Member,
    member: Member,
    role: Role,
) -> Result<Decision, ChatError> {
    if member.role == role {
        return Ok(Decision::Nothing);
    }
    group_right(state, actor, Role::Owner)?;
    keeps_an_owner(state, &member)?;
    Ok(Decision::Append(Body::Role { member: Member { role, ..member } }))
}

fn remove(state: &State, actor: &Member, user: UserId) -> Result<Decision, ChatError> {
    group_right(state, actor, Role::Member)?;
    let member = if user == actor.user {
        *actor
    } else {
        group_right(state, actor, Role::Admin)?;
        state.member(user).ok_or(ChatError::NotFound("member"))?
    };
    if user != actor.user && actor.role == Role::Admin && member.role > Role::Member {
        return Err(ChatError::Forbidden("an admin removes plain members only"));
    }
    keeps_an_owner(state, &member)?;
    Ok(Decision::Append(Body::Left { user, by: actor.user }))
}

/// A group with other members is never without an owner.
fn keeps_an_owner(state: &State, going: &Member) -> Result<(), ChatError> {
    let is_last = going.role == Role::Owner && state.head.owners == 1 && state.head.members > 1;
    if is_last {
        return Err(ChatError::Conflict("the group's last owner must hand ownership on first"));
    }
    Ok(())
}
