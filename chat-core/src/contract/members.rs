//! Contract tests of [`crate::port::Conversations`]: members and memberships.

use std::collections::{BTreeMap, BTreeSet};

use super::fixtures::{
    Draft, LogWriter, fresh, joined, last, left, project_at_once, project_in_disorder, text,
};
use crate::{
    id::UserId,
    limits::FOUNDERS_MAX,
    model::{Body, Entry, Member, Membership, Role, Seq},
    port::Stores,
};

/// Returns the members after these entries, in the order of the log.
fn fold(entries: &[Entry]) -> BTreeMap<UserId, Member> {
    let mut members = BTreeMap::new();
    for entry in entries {
        match entry.body {
            Body::Joined { user, role, .. } => {
                let (joined_seq, joined_ord) = (entry.seq, entry.ord);
                members.insert(
                    user,
                    Member { user, role, needs_consent: false, joined_seq, joined_ord },
                );
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

/// Checks on every handle that all reads agree with the fold of these entries.
async fn assert_members(writer: &LogWriter, stores: &[Stores], entries: &[Entry]) {
    let expected = fold(entries);
    let users: Vec<_> =
        entries.iter().map(|entry| entry.sender).collect::<BTreeSet<_>>().into_iter().collect();
    let conversation = writer.conversation;
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

/// Makes entries in which each user joins, becomes an admin, leaves and joins again, except that
/// the last user does not join again. Each user sends the entries about itself.
fn membership_changes(users: &[UserId]) -> Vec<Draft> {
    let mut drafts = Vec::new();
    for (joined_ord, user) in (0..).zip(users.iter().copied()) {
        let joined_seq = Seq::new(drafts.len() as u64 + 1);
        let member =
            Member { user, role: Role::Admin, needs_consent: false, joined_seq, joined_ord };
        let bodies = [joined(user), text("hello"), Body::Role { member }, left(user), joined(user)];
        let keep = if Some(&user) == users.last() { 4 } else { 5 };
        drafts.extend(bodies.into_iter().take(keep).map(|body| Draft::new(user, body)));
    }
    drafts
}

/// After each acknowledged entry, every read has its effect (stale-read).
pub async fn members_follow_the_entries(stores: &[Stores]) {
    let mut writer = LogWriter::new(&stores[0]);
    let mut entries = Vec::new();
    for draft in membership_changes(&[fresh(), fresh()]) {
        entries.push(writer.write(draft.sender, draft.body).await);
        assert_members(&writer, stores, &entries).await;
    }
}

/// Late and repeated projection does not change memberships (leak-after-removal, nonmember-send).
pub async fn membership_does_not_depend_on_projection_order(stores: &[Stores]) {
    for round in 0..8 {
        let mut writer = LogWriter::new(&stores[0]);
        let entries = writer.append(&membership_changes(&[fresh(), fresh(), fresh()])).await;
        if round % 2 == 0 {
            project_in_disorder(stores, &entries).await;
        } else {
            project_at_once(stores, &entries).await;
        }
        assert_members(&writer, stores, &entries).await;
    }
}

/// A removal lasts even if the `joined` entry is projected after it and again (leak-after-removal).
pub async fn former_member_stays_out_when_joined_is_projected_late(stores: &[Stores]) {
    let mut writer = LogWriter::new(&stores[0]);
    let user = fresh();
    let drafts = [joined(user), text("hello"), left(user)].map(|body| Draft::new(user, body));
    let entries = writer.append(&drafts).await;
    for at in [2, 0, 0, 1] {
        let stores = &stores[at % stores.len()];
        stores.conversations.project(&entries[at..=at]).await.unwrap();
    }
    assert_members(&writer, stores, &entries).await;
}

/// A member who joins again sees the log, and counts unread texts, from its newest `joined` entry
/// (leak-before-join).
pub async fn rejoined_member_sees_the_log_from_its_new_entry(stores: &[Stores]) {
    let mut writer = LogWriter::new(&stores[0]);
    let user = fresh();
    for body in [joined(user), text("one"), text("two"), left(user), text("three")] {
        writer.write(user, body).await;
    }
    let rejoined = writer.write(user, joined(user)).await;
    let standing = last(stores).conversations.standing(writer.conversation, &[user]).await;
    let expected = Member {
        user,
        role: Role::Member,
        needs_consent: false,
        joined_seq: rejoined.seq,
        joined_ord: 3,
    };
    assert_eq!(standing.unwrap(), [Some(expected)]);
}

/// Consecutive pages contain every member once, in ascending order.
pub async fn members_are_paged_by_id(stores: &[Stores]) {
    let mut writer = LogWriter::new(&stores[0]);
    let founder = fresh();
    let mut drafts = vec![Draft::new(founder, joined(founder))];
    drafts.resize_with(FOUNDERS_MAX, || {
        let user = fresh();
        Draft { sender: user, client_id: None, body: joined(user) }
    });
    let entries = writer.write_all(&drafts).await;
    let expected: Vec<_> = fold(&entries).into_values().collect();
    let conversations = &last(stores).conversations;
    let mut all: Vec<Member> = Vec::new();
    loop {
        let after = all.last().map(|member| member.user);
        let page = conversations.members(writer.conversation, after, 100).await.unwrap();
        assert_eq!(page.len(), (expected.len() - all.len()).min(100));
        if page.is_empty() {
            break;
        }
        all.extend(page);
    }
    assert_eq!(all, expected);
    let one = conversations.members(writer.conversation, Some(all[9].user), 1).await;
    assert_eq!(one.unwrap(), [all[10]]);
    let between = UserId::new(all[20].user.get() - 1);
    let from = conversations.members(writer.conversation, between, 2).await.unwrap();
    assert_eq!(from, all[20..22]);
}

/// Pages are full and complete even if former members lie between members.
pub async fn former_members_do_not_shorten_pages(stores: &[Stores]) {
    let mut writer = LogWriter::new(&stores[0]);
    let users: Vec<UserId> = (0..40).map(|_| fresh()).collect();
    let join = |user: &UserId| Draft::new(*user, joined(*user));
    let mut entries = writer.write_all(&users.iter().map(join).collect::<Vec<_>>()).await;
    let leave = |user: &UserId| Draft::new(*user, left(*user));
    let going: Vec<_> = users.iter().take(30).map(leave).collect();
    entries.extend(writer.write_all(&going).await);
    let page = last(stores).conversations.members(writer.conversation, None, 10).await.unwrap();
    assert_eq!(page.iter().map(|member| member.user).collect::<Vec<_>>(), users[30..]);
    assert_members(&writer, stores, &entries).await;
}

/// A user gets exactly the conversations that it is a member of (leak-after-removal).
pub async fn user_gets_exactly_its_own_conversations(stores: &[Stores]) {
    let (user, other) = (fresh(), fresh());
    assert_eq!(last(stores).conversations.of_user(user).await.unwrap(), []);
    let mut expected = BTreeMap::new();
    for nth in 0..40 {
        let mut writer = LogWriter::new(&stores[nth % stores.len()]);
        writer.write(other, joined(other)).await;
        let entry = writer.write(user, joined(user)).await;
        let (joined_seq, joined_ord) = (entry.seq, entry.ord);
        let member =
            Member { user, role: Role::Member, needs_consent: false, joined_seq, joined_ord };
        expected.insert(writer.conversation, member);
        if nth % 4 == 0 {
            writer.write(user, left(user)).await;
            expected.remove(&writer.conversation);
        }
    }
    for stores in stores {
        let memberships = stores.conversations.of_user(user).await.unwrap();
        let returned: BTreeMap<_, _> =
            memberships.iter().map(|one| (one.conversation, one.member)).collect();
        assert_eq!(returned.len(), memberships.len());
        assert_eq!(returned, expected);
        assert_eq!(stores.conversations.of_user(other).await.unwrap().len(), 40);
    }
}

/// Each requested user has its place in the answer, even if it is not a member or requested twice
/// (nonmember-send).
pub async fn standing_is_returned_in_the_order_requested(stores: &[Stores]) {
    let mut writer = LogWriter::new(&stores[0]);
    let (one, other): (UserId, UserId) = (fresh(), fresh());
    for user in [one, other] {
        writer.write(user, joined(user)).await;
    }
    let conversations = &last(stores).conversations;
    let requested = [other, fresh(), one, other];
    let standing = conversations.standing(writer.conversation, &requested).await.unwrap();
    let users: Vec<_> = standing.iter().map(|member| member.map(|member| member.user)).collect();
    assert_eq!(users, [Some(other), None, Some(one), Some(other)]);
    assert_eq!(conversations.standing(fresh(), &[one]).await.unwrap(), [None]);
    assert_eq!(conversations.standing(writer.conversation, &[]).await.unwrap(), []);
    assert_eq!(conversations.members(fresh(), None, 10).await.unwrap(), []);
}
