//! What a state knows, and how entries move it forward.

use super::*;
use crate::{
    id::EntryId,
    model::{AttachmentList, Joining, Reaction},
};

const ADA: UserId = UserId::new(1).expect("valid id");
const BOB: UserId = UserId::new(2).expect("valid id");
const EVE: UserId = UserId::new(3).expect("valid id");

const AT: Timestamp = Timestamp::from_millis(5_000);

fn member(user: UserId, role: Role) -> Member {
    Member { user, role, needs_consent: false, joined_seq: Seq::new(1), joined_ord: 0 }
}

/// A group of an owner and a member, after ten entries of which three are texts.
fn group() -> State {
    let head = Head {
        seq: Seq::new(10),
        ord: 3,
        at: AT,
        text_seq: Seq::new(9),
        projected_seq: Seq::new(10),
        members: 2,
        owners: 1,
    };
    let mut state = State::new(ConversationId::new(7).unwrap(), Kind::Group, head, None);
    state.learn_member(ADA, Some(member(ADA, Role::Owner)));
    state.learn_member(BOB, Some(member(BOB, Role::Member)));
    state
}

fn target_of(sender: UserId, is_text: bool) -> Target {
    let (attachments, overlay) = (AttachmentList::default(), Overlay::default());
    Target { sender, is_text, attachments, overlay }
}

fn text() -> Body {
    Body::plain("hello", None)
}

fn joined(user: UserId, role: Role) -> Body {
    Body::Joined { user, role, joining: Joining::AddedAsRequest }
}

const fn left(user: UserId) -> Body {
    Body::Left { user, by: ADA }
}

fn role(user: UserId, role: Role) -> Body {
    Body::Role { member: member(user, role) }
}

/// Folds this body as the next entry, sent by Ada.
fn fold(state: &mut State, body: Body) {
    let head = state.head_after(&body, AT);
    let entry = Entry {
        conversation: state.conversation,
        seq: head.seq,
        id: EntryId::new(head.seq.get()).unwrap(),
        sender: ADA,
        client_id: None,
        at: head.at,
        ord: head.ord,
        body,
    };
    state.fold(&entry, head);
}

#[test]
fn text_moves_the_ord_and_other_entries_the_projected_seq() {
    let state = group();
    let next = Seq::new(11);
    let after_text = state.head_after(&text(), AT);
    assert_eq!(after_text, Head { seq: next, ord: 4, text_seq: next, ..state.head });
    let title = Body::Title { title: "x".into() };
    let after_title = state.head_after(&title, AT);
    assert_eq!(after_title, Head { seq: next, projected_seq: next, ..state.head });
}

#[test]
fn time_of_the_head_never_decreases() {
    for (at, expected) in [(4_999, 5_000), (5_000, 5_000), (5_001, 5_001)] {
        let after = group().head_after(&text(), Timestamp::from_millis(at));
        assert_eq!(after.at, Timestamp::from_millis(expected));
    }
}

#[test]
fn members_and_owners_are_counted_when_roles_change() {
    for (body, members, owners) in [
        (joined(EVE, Role::Member), 3, 1),
        (joined(EVE, Role::Owner), 3, 2),
        (joined(BOB, Role::Member), 2, 1),
        (left(BOB), 1, 1),
        (left(ADA), 1, 0),
        (left(EVE), 2, 1),
        (role(BOB, Role::Owner), 2, 2),
        (role(BOB, Role::Admin), 2, 1),
        (role(ADA, Role::Member), 2, 0),
        (text(), 2, 1),
    ] {
        let after = group().head_after(&body, AT);
        assert_eq!((after.members, after.owners), (members, owners), "{body:?}");
    }
}

#[test]
fn folded_entries_change_members_and_the_title() {
    let mut state = group();
    fold(&mut state, joined(EVE, Role::Admin));
    let eve = Member {
        needs_consent: true,
        joined_seq: Seq::new(11),
        joined_ord: 3,
        ..member(EVE, Role::Admin)
    };
    assert_eq!(state.member(EVE), Some(eve));
    fold(&mut state, role(BOB, Role::Admin));
    assert_eq!(state.member(BOB), Some(member(BOB, Role::Admin)));
    fold(&mut state, left(EVE));
    assert_eq!(state.standing(EVE), Some(None));
    fold(&mut state, Body::Title { title: "new".into() });
    assert_eq!(state.title(), Some("new"));
    assert_eq!((state.head.seq, state.head.members), (Seq::new(14), 2));
}

fn reaction(target: u64) -> Body {
    Body::Reaction { target_seq: Seq::new(target), emoji: "a".into(), on: true }
}

#[test]
fn folded_reaction_changes_a_target_that_is_known() {
    let mut state = group();
    let target = target_of(BOB, true);
    state.learn_target(Seq::new(9), Some(target));
    state.learn_target(Seq::new(8), None);
    for seq in [7, 8, 9] {
        fold(&mut state, reaction(seq));
    }
    let standing = Reaction { emoji: "a".into(), user: ADA, on: true, seq: Seq::new(13) };
    let known = state.target(Seq::new(9)).flatten().unwrap();
    assert_eq!(known.overlay.reactions, [standing]);
    assert_eq!(state.target(Seq::new(8)), Some(None));
    assert_eq!(state.target(Seq::new(7)), None);
}

#[test]
fn target_is_completed_when_the_log_gets_its_entry() {
    let mut state = group();
    state.learn_target(Seq::new(11), None);
    state.learn_target(Seq::new(12), None);
    fold(&mut state, text());
    fold(&mut state, Body::Title { title: "x".into() });
    fold(&mut state, text());
    let of = |is_text| target_of(ADA, is_text);
    assert_eq!(state.target(Seq::new(11)), Some(Some(&of(true))));
    assert_eq!(state.target(Seq::new(12)), Some(Some(&of(false))));
    assert_eq!(state.target(Seq::new(13)), None, "nobody has asked for it");
}

#[test]
fn what_was_read_replaces_nothing_that_was_folded() {
    let mut state = group();
    fold(&mut state, left(BOB));
    state.learn_member(BOB, Some(member(BOB, Role::Owner)));
    assert_eq!(state.standing(BOB), Some(None));
    let target = target_of(BOB, true);
    state.learn_target(Seq::new(9), Some(target.clone()));
    state.learn_target(Seq::new(9), None);
    assert_eq!(state.target(Seq::new(9)), Some(Some(&target)));
}

#[test]
fn copies_of_a_state_change_apart() {
    let before = group();
    let mut after = before.clone();
    fold(&mut after, left(BOB));
    assert!(before.member(BOB).is_some());
    assert!(after.member(BOB).is_none());
}

#[test]
fn member_that_takes_part_needs_no_consent_any_more() {
    let mut state = group();
    fold(&mut state, joined(EVE, Role::Member));
    state.open(EVE);
    let eve = state.member(EVE).unwrap();
    assert!(!eve.needs_consent);
    assert_eq!((eve.role, eve.joined_seq), (Role::Member, Seq::new(11)));
    let stranger = UserId::new(9).unwrap();
    state.open(stranger);
    assert_eq!(state.standing(stranger), None);
}

#[test]
fn peer_is_the_other_member() {
    let mut state = group();
    assert_eq!(state.peer_of(ADA), None);
    state.learn_peers([ADA, BOB]);
    assert_eq!(state.peer_of(ADA), Some(BOB));
    assert_eq!(state.peer_of(BOB), Some(ADA));
}

#[test]
fn candidates_and_blocks_are_forgotten_by_a_trim() {
    let mut state = group();
    state.learn_candidate(ADA, EVE, Ok(true));
    state.learn_blocked(BOB);
    assert_eq!(state.check_candidate(ADA, EVE), Ok(true));
    assert!(state.check_candidate(BOB, EVE).is_err());
    assert!(state.is_blocked(BOB) && !state.is_blocked(ADA));
    state.trim();
    assert!(state.check_candidate(ADA, EVE).is_err());
    assert!(!state.is_blocked(BOB));
}

#[test]
fn members_and_targets_are_forgotten_when_there_are_too_many() {
    let mut state = group();
    let first = Seq::new(1);
    for number in 1..=KNOWN_MAX as u64 {
        state.learn_member(UserId::new(number).unwrap(), None);
        state.learn_target(Seq::new(number), None);
    }
    state.trim();
    assert!(state.standing(ADA).is_some() && state.target(first).is_some());
    state.learn_member(UserId::new(KNOWN_MAX as u64 + 1).unwrap(), None);
    state.trim();
    assert!(state.standing(ADA).is_none() && state.target(first).is_some());
    state.learn_target(Seq::new(KNOWN_MAX as u64 + 1), None);
    state.trim();
    assert_eq!(state.target(first), None);
}
