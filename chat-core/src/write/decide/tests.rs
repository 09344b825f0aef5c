//! The rules of who may do what, one by one.

use super::*;
use crate::{
    id::ConversationId,
    model::{AttachmentList, Edit, Head, Overlay, Reaction},
    time::Timestamp,
};

const OWNER: UserId = UserId::new(1).expect("valid id");
const ADMIN: UserId = UserId::new(2).expect("valid id");
const MEMBER: UserId = UserId::new(3).expect("valid id");
/// Joined with the entry at seq 5.
const LATE: UserId = UserId::new(4).expect("valid id");
const OUTSIDER: UserId = UserId::new(9).expect("valid id");

const HEAD: u64 = 10;
/// A message of the member.
const MESSAGE: u64 = 3;

const NO_CONVERSATION: ChatError = ChatError::NotFound("conversation");
const NO_MESSAGE: ChatError = ChatError::NotFound("message");
const NO_RIGHT: ChatError = ChatError::Forbidden("your role in the group does not allow this");

fn member(user: UserId, role: Role, joined: u64) -> Member {
    Member { user, role, needs_consent: false, joined_seq: Seq::new(joined), joined_ord: 0 }
}

fn state_of(kind: Kind, members: &[Member], targets: &[(u64, Target)]) -> State {
    let owners = members.iter().filter(|member| member.role == Role::Owner).count();
    let head = Head {
        seq: Seq::new(HEAD),
        members: u32::try_from(members.len()).unwrap(),
        owners: u32::try_from(owners).unwrap(),
        ..Head::default()
    };
    let conversation = ConversationId::new(7).unwrap();
    let title = (kind == Kind::Group).then(|| "title".into());
    let mut state = State::new(conversation, kind, head, title);
    for member in members {
        state.learn_member(member.user, Some(*member));
    }
    state.learn_member(OUTSIDER, None);
    for (seq, target) in targets {
        state.learn_target(Seq::new(*seq), Some(target.clone()));
    }
    state
}

fn members() -> [Member; 4] {
    [
        member(OWNER, Role::Owner, 1),
        member(ADMIN, Role::Admin, 1),
        member(MEMBER, Role::Member, 1),
        member(LATE, Role::Member, 5),
    ]
}

fn text_of(sender: UserId, overlay: Overlay) -> Target {
    Target { sender, is_text: true, attachments: AttachmentList::default(), overlay }
}

/// A group whose message at [`MESSAGE`] has this overlay.
fn group_with(overlay: Overlay) -> State {
    let no_message = Target { is_text: false, ..text_of(OWNER, Overlay::default()) };
    state_of(
        Kind::Group,
        &members(),
        &[
            (MESSAGE, text_of(MEMBER, overlay)),
            (5, no_message),
            (HEAD, text_of(OWNER, Overlay::default())),
            (HEAD + 1, text_of(OWNER, Overlay::default())),
        ],
    )
}

fn group() -> State {
    group_with(Overlay::default())
}

fn direct() -> State {
    let members = [member(OWNER, Role::Member, 1), member(MEMBER, Role::Member, 1)];
    state_of(Kind::Direct, &members, &[(MESSAGE, text_of(MEMBER, Overlay::default()))])
}

fn redacted() -> Overlay {
    Overlay { redacted: Some(Seq::new(8)), ..Overlay::default() }
}

fn text(reply_to: Option<u64>) -> Change {
    Change::plain("hello", reply_to.map(Seq::new))
}

fn edit_of(seq: u64) -> Change {
    Change::Edit { target_seq: Seq::new(seq), text: "new".into() }
}

const fn redact_of(seq: u64) -> Change {
    Change::Redact { target_seq: Seq::new(seq) }
}

fn react_to(seq: u64, emoji: &str, on: bool) -> Change {
    Change::React { target_seq: Seq::new(seq), emoji: emoji.into(), on }
}

fn title_of(title: &str) -> Change {
    Change::SetTitle { title: title.into() }
}

fn assert_appends(state: &State, actor: UserId, change: &Change) {
    let decision = decide(state, actor, change);
    assert!(matches!(decision, Ok(Decision::Append(_))), "{actor}: {change:?}: {decision:?}");
}

fn appended(body: Body) -> Decision {
    Decision::Append(body)
}

#[test]
fn outsider_learns_nothing_from_any_change() {
    for change in [
        text(None),
        edit_of(MESSAGE),
        redact_of(MESSAGE),
        react_to(MESSAGE, "a", true),
        title_of("x"),
        Change::SetMember { user: OUTSIDER, role: None },
        Change::Remove { user: OUTSIDER },
    ] {
        assert_eq!(decide(&group(), OUTSIDER, &change), Err(NO_CONVERSATION));
    }
}

#[test]
fn blocked_member_may_only_take_back() {
    let mut state = direct();
    state.learn_blocked(MEMBER);
    for change in [text(None), edit_of(MESSAGE), react_to(MESSAGE, "a", true)] {
        assert_eq!(decide(&state, MEMBER, &change), Err(ChatError::Private));
        assert_ne!(decide(&state, OWNER, &change), Err(ChatError::Private));
    }
    assert_appends(&state, MEMBER, &redact_of(MESSAGE));
    let off = react_to(MESSAGE, "a", false);
    assert_eq!(decide(&state, MEMBER, &off), Ok(Decision::Stands(Seq::new(MESSAGE))));
}

#[test]
fn text_is_appended_with_the_message_that_it_answers() {
    for reply_to in [None, Some(MESSAGE), Some(HEAD)] {
        let body = Body::plain("hello", reply_to.map(Seq::new));
        assert_eq!(decide(&group(), MEMBER, &text(reply_to)), Ok(appended(body)));
    }
    let unknown = ChatError::invalid("reply_to", "this message does not exist");
    for reply_to in [0, 4, 5, HEAD + 1, HEAD + 2] {
        assert_eq!(decide(&group(), MEMBER, &text(Some(reply_to))), Err(unknown.clone()));
    }
    assert_eq!(decide(&group(), LATE, &text(Some(MESSAGE))), Err(unknown));
}

#[test]
fn message_from_before_joining_does_not_exist() {
    for change in [edit_of(MESSAGE), redact_of(MESSAGE), react_to(MESSAGE, "a", true)] {
        assert_eq!(decide(&group(), LATE, &change), Err(NO_MESSAGE));
    }
    assert_appends(&group(), LATE, &react_to(HEAD, "a", true));
    let other = ChatError::invalid("seq", "this entry is not a message");
    assert_eq!(decide(&group(), LATE, &react_to(5, "a", true)), Err(other));
}

#[test]
fn only_the_sender_edits_a_message() {
    let body = Body::Edited { target_seq: Seq::new(MESSAGE), text: Some("new".into()) };
    assert_eq!(decide(&group(), MEMBER, &edit_of(MESSAGE)), Ok(appended(body)));
    let refusal = ChatError::Forbidden("only the sender may edit a message");
    for other in [OWNER, ADMIN] {
        assert_eq!(decide(&group(), other, &edit_of(MESSAGE)), Err(refusal.clone()));
    }
    let refusal = ChatError::Conflict("the message has been redacted");
    assert_eq!(decide(&group_with(redacted()), MEMBER, &edit_of(MESSAGE)), Err(refusal));
}

#[test]
fn message_is_full_when_it_has_the_most_edits() {
    let edited = |count: usize| {
        let edit_seqs = (100..).take(count).map(Seq::new).collect();
        let newest = Edit { seq: Seq::new(100), at: Timestamp::from_millis(0), text: None };
        group_with(Overlay { edit_seqs, edited: Some(newest), ..Overlay::default() })
    };
    assert_appends(&edited(EDITS_PER_MESSAGE_MAX - 1), MEMBER, &edit_of(MESSAGE));
    let full = ChatError::Full { what: "the message", max: EDITS_PER_MESSAGE_MAX };
    assert_eq!(decide(&edited(EDITS_PER_MESSAGE_MAX), MEMBER, &edit_of(MESSAGE)), Err(full));
}

#[test]
fn sender_and_admins_redact_a_message_once() {
    for actor in [MEMBER, ADMIN, OWNER] {
        let body = Body::Redacted { target_seq: Seq::new(MESSAGE) };
        assert_eq!(decide(&group(), actor, &redact_of(MESSAGE)), Ok(appended(body)));
        let again = decide(&group_with(redacted()), actor, &redact_of(MESSAGE));
        assert_eq!(again, Ok(Decision::Stands(Seq::new(8))));
    }
    let refusal = ChatError::Forbidden("only the sender or an admin may redact a message");
    assert_eq!(decide(&group(), MEMBER, &redact_of(HEAD)), Err(refusal));
}

fn reaction(emoji: &str, user: UserId, on: bool) -> Reaction {
    Reaction { emoji: emoji.into(), user, on, seq: Seq::new(9) }
}

#[test]
fn reaction_is_appended_when_it_changes_something() {
    let put_on = |on| Overlay { reactions: vec![reaction("a", MEMBER, on)], ..Overlay::default() };
    let standing = Ok(Decision::Stands(Seq::new(9)));
    for (overlay, on, expected) in [
        (Overlay::default(), true, None),
        (Overlay::default(), false, Some(Ok(Decision::Stands(Seq::new(MESSAGE))))),
        (put_on(true), true, Some(standing.clone())),
        (put_on(true), false, None),
        (put_on(false), true, None),
        (put_on(false), false, Some(standing)),
        (redacted(), true, Some(Err(ChatError::Conflict("the message has been redacted")))),
        (redacted(), false, Some(Ok(Decision::Stands(Seq::new(MESSAGE))))),
    ] {
        let target_seq = Seq::new(MESSAGE);
        let body = Body::Reaction { target_seq, emoji: "a".into(), on };
        let decision = decide(&group_with(overlay), MEMBER, &react_to(MESSAGE, "a", on));
        assert_eq!(decision, expected.unwrap_or_else(|| Ok(appended(body))));
    }
}

#[test]
fn message_is_full_when_it_has_the_most_emoji() {
    let with = |count: usize| {
        let names = (0..count).map(|number| format!("{number:03}"));
        let reactions = names.map(|emoji| reaction(&emoji, OWNER, true)).collect();
        group_with(Overlay { reactions, ..Overlay::default() })
    };
    assert_appends(&with(EMOJI_PER_MESSAGE_MAX - 1), MEMBER, &react_to(MESSAGE, "new", true));
    let full = with(EMOJI_PER_MESSAGE_MAX);
    let refusal = ChatError::Full { what: "the message", max: EMOJI_PER_MESSAGE_MAX };
    assert_eq!(decide(&full, MEMBER, &react_to(MESSAGE, "new", true)), Err(refusal));
    assert_appends(&full, MEMBER, &react_to(MESSAGE, "000", true));
    assert_appends(&full, OWNER, &react_to(MESSAGE, "000", false));
}

#[test]
fn admins_change_the_title_of_a_group() {
    for actor in [OWNER, ADMIN] {
        let body = Body::Title { title: "new".into() };
        assert_eq!(decide(&group(), actor, &title_of("new")), Ok(appended(body)));
        assert_eq!(decide(&group(), actor, &title_of("title")), Ok(Decision::Unchanged));
    }
    assert_eq!(decide(&group(), MEMBER, &title_of("title")), Err(NO_RIGHT));
    let refusal = ChatError::Forbidden("a direct conversation cannot be changed");
    assert_eq!(decide(&direct(), MEMBER, &title_of("new")), Err(refusal));
}

/// A group in which this many members are counted, and whose admins may add the outsider.
fn group_of(count: u32, needs_consent: bool) -> State {
    let mut state = group();
    state.head.members = count;
    for adder in [OWNER, ADMIN] {
        state.learn_candidate(adder, OUTSIDER, Ok(needs_consent));
    }
    state
}

#[test]
fn admins_add_members_and_owners_add_admins() {
    for (actor, role, expected) in [
        (OWNER, None, Ok(Role::Member)),
        (OWNER, Some(Role::Owner), Ok(Role::Owner)),
        (ADMIN, None, Ok(Role::Member)),
        (ADMIN, Some(Role::Member), Ok(Role::Member)),
        (ADMIN, Some(Role::Admin), Err(NO_RIGHT)),
        (MEMBER, None, Err(NO_RIGHT)),
    ] {
        for needs_consent in [false, true] {
            let change = Change::SetMember { user: OUTSIDER, role };
            let decision = decide(&group_of(4, needs_consent), actor, &change);
            let joined = |role| {
                let joining = Joining::added(needs_consent);
                Decision::Append(Body::Joined { user: OUTSIDER, role, joining })
            };
            assert_eq!(decision, expected.clone().map(joined), "{actor} {role:?}");
        }
    }
}

#[test]
fn user_is_not_added_when_they_refuse_or_the_group_is_full() {
    let add = Change::SetMember { user: OUTSIDER, role: None };
    assert_appends(&group_of(MEMBERS_MAX - 1, false), ADMIN, &add);
    let full = ChatError::Full { what: "the group", max: MEMBERS_MAX as usize };
    assert_eq!(decide(&group_of(MEMBERS_MAX, false), ADMIN, &add), Err(full));
    let mut state = group();
    state.learn_candidate(ADMIN, OUTSIDER, Err(ChatError::Private));
    assert_eq!(decide(&state, ADMIN, &add), Err(ChatError::Private));
    let unknown = ChatError::Unavailable("the new member could not be looked up");
    assert_eq!(decide(&state, OWNER, &add), Err(unknown));
}

#[test]
fn outsider_joins_a_group_that_has_members_and_room() {
    let join = Change::Join { invited_by: ADMIN };
    let joining = Joining::ByInvite { invited_by: ADMIN };
    let joined = Body::Joined { user: OUTSIDER, role: Role::Member, joining };
    let full = ChatError::Full { what: "the group", max: MEMBERS_MAX as usize };
    let no_invite = ChatError::NotFound("invite");
    for (state, expected) in [
        (group_of(1, false), Ok(Decision::Append(joined))),
        (group_of(0, false), Err(no_invite.clone())),
        (group_of(MEMBERS_MAX, false), Err(full)),
        (direct(), Err(no_invite)),
    ] {
        assert_eq!(decide(&state, OUTSIDER, &join), expected);
    }
    assert_eq!(decide(&group(), MEMBER, &join), Ok(Decision::Unchanged));
}

#[test]
fn owners_change_roles() {
    let set = |user, role| Change::SetMember { user, role: Some(role) };
    let promoted = Member { role: Role::Admin, ..member(MEMBER, Role::Member, 1) };
    let decision = decide(&group(), OWNER, &set(MEMBER, Role::Admin));
    assert_eq!(decision, Ok(appended(Body::Role { member: promoted })));
    assert_eq!(decide(&group(), ADMIN, &set(MEMBER, Role::Admin)), Err(NO_RIGHT));
    assert_eq!(decide(&group(), MEMBER, &set(MEMBER, Role::Member)), Err(NO_RIGHT));
    for unchanged in [set(MEMBER, Role::Member), Change::SetMember { user: LATE, role: None }] {
        assert_eq!(decide(&group(), ADMIN, &unchanged), Ok(Decision::Unchanged));
    }
}

#[test]
fn last_owner_stays_while_there_are_other_members() {
    let last = ChatError::Conflict("the last owner must make somebody else an owner first");
    let step_down = Change::SetMember { user: OWNER, role: Some(Role::Admin) };
    let leave = Change::Remove { user: OWNER };
    for change in [&step_down, &leave] {
        assert_eq!(decide(&group(), OWNER, change), Err(last.clone()));
        let mut two_owners = group();
        two_owners.head.owners = 2;
        assert_appends(&two_owners, OWNER, change);
        let mut alone = group();
        alone.head.members = 1;
        assert_appends(&alone, OWNER, change);
    }
}

#[test]
fn members_leave_and_are_removed_by_higher_roles() {
    let above = ChatError::Forbidden("an admin can remove plain members only");
    let two_admins = [&members()[..], &[member(OUTSIDER, Role::Admin, 1)]].concat();
    let state = state_of(Kind::Group, &two_admins, &[]);
    for (actor, user, expected) in [
        (MEMBER, MEMBER, Ok(())),
        (ADMIN, ADMIN, Ok(())),
        (ADMIN, MEMBER, Ok(())),
        (OWNER, ADMIN, Ok(())),
        (MEMBER, LATE, Err(NO_RIGHT)),
        (ADMIN, OUTSIDER, Err(above.clone())),
        (ADMIN, OWNER, Err(above)),
        (OWNER, UserId::new(77).unwrap(), Err(ChatError::NotFound("member"))),
    ] {
        let decision = decide(&state, actor, &Change::Remove { user });
        let left = |()| Decision::Append(Body::Left { user, by: actor });
        assert_eq!(decision, expected.map(left), "{actor} {user}");
    }
}

#[test]
fn direct_conversation_is_hidden_and_not_left() {
    let hide = Change::Remove { user: MEMBER };
    assert_eq!(decide(&direct(), MEMBER, &hide), Ok(Decision::Hide));
    let refusal = ChatError::Forbidden("a direct conversation cannot be changed");
    assert_eq!(decide(&direct(), OWNER, &hide), Err(refusal));
}

#[test]
fn state_must_know_what_the_change_is_about() {
    let nothing = Needs { users: [ADMIN, ADMIN], target: None, candidate: None };
    let target = Some(Seq::new(MESSAGE));
    let of = |users, candidate| Needs { users, target: None, candidate };
    for (change, expected) in [
        (text(None), nothing),
        (text(Some(MESSAGE)), Needs { target, ..nothing }),
        (edit_of(MESSAGE), Needs { target, ..nothing }),
        (redact_of(MESSAGE), Needs { target, ..nothing }),
        (react_to(MESSAGE, "a", true), Needs { target, ..nothing }),
        (title_of("x"), nothing),
        (Change::Remove { user: LATE }, of([ADMIN, LATE], None)),
        (Change::SetMember { user: LATE, role: None }, of([ADMIN, LATE], Some(LATE))),
    ] {
        assert_eq!(needs(ADMIN, &change), expected, "{change:?}");
    }
}
