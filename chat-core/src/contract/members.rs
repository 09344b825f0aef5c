//! Promises of [`crate::port::Conversations`] on who is a member, and of what.

use std::collections::{BTreeMap, BTreeSet};

use super::scene::{
    Draft, Scribe, fresh, joined, last, left, project_at_once, project_in_disorder, text,
};
use crate::{
    id::UserId,
    limits::FOUNDERS_MAX,
    model::{Body, Entry, Member, Membership, Role, Seq},
    port::Stores,
};

/// Who is a member after these entries, taken in the order of the log.
fn fold(entries: &[Entry]) -> BTreeMap<UserId, Member> {
    let mut members = BTreeMap::new();
    for entry in entries {
        match entry.body {
            Body::Joined { user, role, .. } => {
                let (joined_seq, joined_ord) = (entry.seq, entry.ord);
                members.insert(user, Member { user, role, joined_seq, joined_ord });
            }
            Body::Role { member } => {
                members.insert(member.user, member);
            }
            Body::Left { user, .. } => {
                members.remove(&user);
            }
            Body::Text { .. }
            | Body::Edited { .. }
            | Body::Redacted { .. }
            | Body::Reaction { .. }
            | Body::Title { .. } => {}
        }
    }
    members
}

/// Every read of every handle agrees with the fold of these entries, about all they name.
async fn assert_members(scribe: &Scribe, stores: &[Stores], entries: &[Entry]) {
    let expected = fold(entries);
    let users: Vec<_> =
        entries.iter().map(|entry| entry.sender).collect::<BTreeSet<_>>().into_iter().collect();
    let conversation = scribe.conversation;
    for stores in stores {
        let conversations = &stores.conversations;
        let members = conversations.members(conversation, None, 1_000).await.unwrap();
        assert_eq!(members, expected.values().copied().collect::<Vec<_>>());
        let standing = conversations.standing(conversation, &users).await.unwrap();
        assert_eq!(
            standing,
            users.iter().map(|user| expected.get(user).copied()).collect::<Vec<_>>()
        );
        for user in &users {
            let member = expected.get(user).map(|&member| Membership { conversation, member });
            assert_eq!(conversations.of_user(*user).await.unwrap(), Vec::from_iter(member));
        }
    }
}

/// Each user joins, becomes an admin, leaves, joins again, with texts between; the last one stays
/// away and the first one stays. Who changes is the sender.
fn comings_and_goings(users: &[UserId]) -> Vec<Draft> {
    let mut drafts = Vec::new();
    for (joined_ord, user) in (0..).zip(users.iter().copied()) {
        let joined_seq = Seq::new(drafts.len() as u64 + 1);
        let member = Member { user, role: Role::Admin, joined_seq, joined_ord };
        let bodies = [joined(user), text("hello"), Body::Role { member }, left(user), joined(user)];
        let keep = if Some(&user) == users.last() { 4 } else { 5 };
        drafts.extend(bodies.into_iter().take(keep).map(|body| Draft::new(user, body)));
    }
    drafts
}

/// After each entry that was answered, every read knows what it did (stale-read).
pub async fn members_are_what_the_entries_say(stores: &[Stores]) {
    let mut scribe = Scribe::new(&stores[0]);
    let mut entries = Vec::new();
    for draft in comings_and_goings(&[fresh(), fresh()]) {
        entries.push(scribe.write(draft.sender, draft.body).await);
        assert_members(&scribe, stores, &entries).await;
    }
}

/// Late and repeated projecting changes nobody's standing (leak-after-removal, nonmember-send).
pub async fn standing_does_not_depend_on_the_order_of_projecting(stores: &[Stores]) {
    for round in 0..8 {
        let mut scribe = Scribe::new(&stores[0]);
        let entries = scribe.append(&comings_and_goings(&[fresh(), fresh(), fresh()])).await;
        if round % 2 == 0 {
            project_in_disorder(stores, &entries).await;
        } else {
            project_at_once(stores, &entries).await;
        }
        assert_members(&scribe, stores, &entries).await;
    }
}

/// A removal holds, even when its `joined` is projected after it, and again (leak-after-removal).
pub async fn late_joined_does_not_bring_a_former_member_back(stores: &[Stores]) {
    let mut scribe = Scribe::new(&stores[0]);
    let user = fresh();
    let drafts = [joined(user), text("hello"), left(user)].map(|body| Draft::new(user, body));
    let entries = scribe.append(&drafts).await;
    for at in [2, 0, 0, 1] {
        let stores = &stores[at % stores.len()];
        stores.conversations.project(&entries[at..=at]).await.unwrap();
    }
    assert_members(&scribe, stores, &entries).await;
}

/// Who comes back sees and counts from its newest `joined` on (leak-before-join).
pub async fn rejoining_begins_anew(stores: &[Stores]) {
    let mut scribe = Scribe::new(&stores[0]);
    let user = fresh();
    for body in [joined(user), text("one"), text("two"), left(user), text("three")] {
        scribe.write(user, body).await;
    }
    let again = scribe.write(user, joined(user)).await;
    let standing = last(stores).conversations.standing(scribe.conversation, &[user]).await;
    let expected = Member { user, role: Role::Member, joined_seq: again.seq, joined_ord: 3 };
    assert_eq!(standing.unwrap(), [Some(expected)]);
}

/// Pages of members, one after the other, are all members once and ascending.
pub async fn members_are_paged_by_id(stores: &[Stores]) {
    let mut scribe = Scribe::new(&stores[0]);
    let founder = fresh();
    let mut drafts = vec![Draft::new(founder, joined(founder))];
    drafts.resize_with(FOUNDERS_MAX, || {
        let user = fresh();
        Draft { sender: user, client_id: None, body: joined(user) }
    });
    let entries = scribe.write_all(&drafts).await;
    let expected: Vec<_> = fold(&entries).into_values().collect();
    let conversations = &last(stores).conversations;
    let mut all: Vec<Member> = Vec::new();
    loop {
        let after = all.last().map(|member| member.user);
        let page = conversations.members(scribe.conversation, after, 100).await.unwrap();
        assert_eq!(page.len(), (expected.len() - all.len()).min(100));
        if page.is_empty() {
            break;
        }
        all.extend(page);
    }
    assert_eq!(all, expected);
    let one = conversations.members(scribe.conversation, Some(all[9].user), 1).await;
    assert_eq!(one.unwrap(), [all[10]]);
    let between = UserId::new(all[20].user.get() - 1);
    let from = conversations.members(scribe.conversation, between, 2).await.unwrap();
    assert_eq!(from, all[20..22]);
}

/// Pages stay full, and complete, over those who have gone.
pub async fn former_members_take_no_place_on_a_page(stores: &[Stores]) {
    let mut scribe = Scribe::new(&stores[0]);
    let users: Vec<UserId> = (0..40).map(|_| fresh()).collect();
    let join = |user: &UserId| Draft::new(*user, joined(*user));
    let mut entries = scribe.write_all(&users.iter().map(join).collect::<Vec<_>>()).await;
    let leave = |user: &UserId| Draft::new(*user, left(*user));
    let going: Vec<_> = users.iter().take(30).map(leave).collect();
    entries.extend(scribe.write_all(&going).await);
    let page = last(stores).conversations.members(scribe.conversation, None, 10).await.unwrap();
    assert_eq!(page.iter().map(|member| member.user).collect::<Vec<_>>(), users[30..]);
    assert_members(&scribe, stores, &entries).await;
}

/// A user is told all conversations it is in, and none other (leak-after-removal).
pub async fn user_is_told_its_conversations(stores: &[Stores]) {
    let (user, other) = (fresh(), fresh());
    assert_eq!(last(stores).conversations.of_user(user).await.unwrap(), []);
    let mut expected = BTreeMap::new();
    for nth in 0..40 {
        let mut scribe = Scribe::new(&stores[nth % stores.len()]);
        scribe.write(other, joined(other)).await;
        let entry = scribe.write(user, joined(user)).await;
        let (joined_seq, joined_ord) = (entry.seq, entry.ord);
        let member = Member { user, role: Role::Member, joined_seq, joined_ord };
        expected.insert(scribe.conversation, member);
        if nth % 4 == 0 {
            scribe.write(user, left(user)).await;
            expected.remove(&scribe.conversation);
        }
    }
    for stores in stores {
        let memberships = stores.conversations.of_user(user).await.unwrap();
        let told: BTreeMap<_, _> =
            memberships.iter().map(|one| (one.conversation, one.member)).collect();
        assert_eq!(told.len(), memberships.len());
        assert_eq!(told, expected);
        assert_eq!(stores.conversations.of_user(other).await.unwrap().len(), 40);
    }
}

/// Standing is told for each user asked, at its place, also for strangers and for one asked twice
/// (nonmember-send).
pub async fn standing_answers_in_the_order_asked(stores: &[Stores]) {
    let mut scribe = Scribe::new(&stores[0]);
    let (one, other): (UserId, UserId) = (fresh(), fresh());
    for user in [one, other] {
        scribe.write(user, joined(user)).await;
    }
    let conversations = &last(stores).conversations;
    let asked = [other, fresh(), one, other];
    let standing = conversations.standing(scribe.conversation, &asked).await.unwrap();
    let users: Vec<_> = standing.iter().map(|member| member.map(|member| member.user)).collect();
    assert_eq!(users, [Some(other), None, Some(one), Some(other)]);
    assert_eq!(conversations.standing(fresh(), &[one]).await.unwrap(), [None]);
    assert_eq!(conversations.standing(scribe.conversation, &[]).await.unwrap(), []);
    assert_eq!(conversations.members(fresh(), None, 10).await.unwrap(), []);
}
