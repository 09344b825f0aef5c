//! Who may do what: a pure function of the state at the head where the entry will land.

use super::{
    Change,
    state::{Needs, State, Target},
};
use crate::{
    error::ChatError,
    id::UserId,
    limits::{EDITS_PER_MESSAGE_MAX, EMOJI_PER_MESSAGE_MAX, MEMBERS_MAX},
    model::{Body, Joining, Kind, Member, Role, Seq},
};

/// What a permitted change results in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// An entry with this body.
    Append(Body),
    /// The entry at this seq already says it; nothing is appended.
    Stands(Seq),
    /// The conversation is already as asked, and no entry says so; nothing is appended.
    Unchanged,
    /// The actor does not want to see the direct conversation until its next entry.
    Hide,
}

/// Returns what the state must know before [`decide`] is called.
pub fn needs(actor: UserId, change: &Change) -> Needs {
    let nothing = Needs { users: [actor, actor], target: None, candidate: None };
    match change {
        Change::Text { reply_to, .. } => Needs { target: *reply_to, ..nothing },
        Change::SetTitle { .. } | Change::Join { .. } => nothing,
        Change::Edit { target_seq, .. }
        | Change::Redact { target_seq }
        | Change::React { target_seq, .. } => Needs { target: Some(*target_seq), ..nothing },
        Change::Remove { user } => Needs { users: [actor, *user], ..nothing },
        Change::SetMember { user, .. } => {
            Needs { users: [actor, *user], candidate: Some(*user), ..nothing }
        }
    }
}

/// Returns what the change results in, or why the actor may not make it. The state must know
/// everything that [`needs`] returns. Non-members get `NotFound`, which hides that the conversation
/// exists.
pub fn decide(state: &State, actor: UserId, change: &Change) -> Result<Decision, ChatError> {
    let Some(actor) = state.member(actor) else { return decide_for_outsider(state, actor, change) };
    if is_for_the_other(change) && state.is_blocked(actor.user) {
        return Err(ChatError::Private);
    }
    match change {
        Change::Text { text, reply_to, .. } => {
            if reply_to.is_some_and(|seq| message(state, &actor, seq).is_err()) {
                return Err(ChatError::invalid("reply_to", "this message does not exist"));
            }
            Ok(Decision::Append(Body::plain(text.clone(), *reply_to)))
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
        // A member need not join.
        Change::Join { .. } => Ok(Decision::Unchanged),
        Change::SetTitle { title } => {
            group_right(state, &actor, Role::Admin)?;
            if state.title() == Some(title) {
                return Ok(Decision::Unchanged);
            }
            Ok(Decision::Append(Body::Title { title: title.clone() }))
        }
    }
}

/// Returns what the change of somebody who is not a member results in. Outsiders can do nothing but join
/// with an invite, which needs a group with a member in it.
fn decide_for_outsider(
    state: &State,
    user: UserId,
    change: &Change,
) -> Result<Decision, ChatError> {
    let Change::Join { invited_by } = change else {
        return Err(ChatError::NotFound("conversation"));
    };
    if state.kind == Kind::Direct || state.head.members == 0 {
        return Err(ChatError::NotFound("invite"));
    }
    check_members(state)?;
    let joining = Joining::ByInvite { invited_by: *invited_by };
    Ok(Decision::Append(Body::Joined { user, role: Role::Member, joining }))
}

/// Returns true for changes that show the other member of a direct conversation something new.
const fn is_for_the_other(change: &Change) -> bool {
    matches!(change, Change::Text { .. } | Change::Edit { .. } | Change::React { on: true, .. })
}

/// Returns the message at this seq. Fails if the actor may not see it, or if it is another entry.
fn message<'a>(state: &'a State, actor: &Member, seq: Seq) -> Result<&'a Target, ChatError> {
    if !(actor.joined_seq..=state.head.seq).contains(&seq) {
        return Err(ChatError::NotFound("message"));
    }
    let target = state.target(seq).flatten().ok_or(ChatError::NotFound("message"))?;
    if target.is_text {
        Ok(target)
    } else {
        Err(ChatError::invalid("seq", "this entry is not a message"))
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

/// Fails unless the conversation is a group in which the actor has at least this role.
fn group_right(state: &State, actor: &Member, role: Role) -> Result<(), ChatError> {
    if state.kind == Kind::Direct {
        return Err(ChatError::Forbidden("a direct conversation cannot be changed"));
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
    let needs_consent = state.check_candidate(actor.user, user)?;
    check_members(state)?;
    Ok(Decision::Append(Body::Joined { user, role, joining: Joining::added(needs_consent) }))
}

/// Fails if the group has as many members as it may have.
fn check_members(state: &State) -> Result<(), ChatError> {
    if state.head.members < MEMBERS_MAX {
        return Ok(());
    }
    Err(ChatError::Full { what: "the group", max: MEMBERS_MAX as usize })
}

fn change_role(
    state: &State,
    actor: &Member,
    member: Member,
    role: Role,
) -> Result<Decision, ChatError> {
    if member.role == role {
        return Ok(Decision::Unchanged);
    }
    group_right(state, actor, Role::Owner)?;
    keeps_an_owner(state, &member)?;
    Ok(Decision::Append(Body::Role { member: Member { role, ..member } }))
}

fn remove(state: &State, actor: &Member, user: UserId) -> Result<Decision, ChatError> {
    if state.kind == Kind::Direct && user == actor.user {
        return Ok(Decision::Hide);
    }
    group_right(state, actor, Role::Member)?;
    let member = if user == actor.user {
        *actor
    } else {
        group_right(state, actor, Role::Admin)?;
        state.member(user).ok_or(ChatError::NotFound("member"))?
    };
    if user != actor.user && actor.role == Role::Admin && member.role > Role::Member {
        return Err(ChatError::Forbidden("an admin can remove plain members only"));
    }
    keeps_an_owner(state, &member)?;
    Ok(Decision::Append(Body::Left { user, by: actor.user }))
}

/// Fails if a group with other members would be left without an owner.
fn keeps_an_owner(state: &State, leaving: &Member) -> Result<(), ChatError> {
    let is_last = leaving.role == Role::Owner && state.head.owners == 1 && state.head.members > 1;
    if is_last {
        return Err(ChatError::Conflict("the last owner must make somebody else an owner first"));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
