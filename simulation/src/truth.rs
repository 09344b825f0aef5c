//! What the store has in the end, by which everything else is judged.

use std::{collections::BTreeMap, sync::Arc};

use chat_core::{
    id::{ConversationId, UserId},
    model::{Body, Entry, Joining, Seq},
    view::EntryView,
};
use checker::{
    Read, Stay,
    facts::{Hidden, View},
};

use crate::{people::Person, record::seen, world::World};

/// The reader of the store itself, who sees everything.
const STORE: &str = "the store";

/// Returns the whole log of a conversation.
pub(crate) async fn log(world: &World, conversation: ConversationId) -> Vec<Entry> {
    let (log, end) = (world.around.store.stores().log, Seq::new(u64::MAX));
    log.read(conversation, Seq::ZERO, end, usize::MAX).await.unwrap_or_default()
}

/// Returns the members of a conversation, and the first seq that each of them may see.
pub(crate) async fn members(
    world: &World,
    conversation: ConversationId,
) -> Vec<(Arc<Person>, Seq)> {
    let log = log(world, conversation).await;
    let mut members = Vec::new();
    for person in world.people() {
        let last = stays(&log).into_iter().rfind(|stay| stay.user == person.user);
        if let Some(UserStay { joined, left: None, .. }) = last {
            members.push((person.clone(), joined));
        }
    }
    members
}

/// Records the log as the store has it, and what follows from it about members.
pub(crate) fn record_log(world: &World, conversation: ConversationId, log: &[Entry]) {
    let stays = stays(log);
    for stay in &stays {
        if let Some(hidden) = hidden_request(world, conversation, stay, &stays) {
            world.record.change_facts(|facts| facts.hidden.push(hidden));
        }
    }
    let recorded = stays.iter().map(|stay| Stay {
        user: stay.user.to_string(),
        conversation: conversation.to_string(),
        joined: stay.joined.get(),
        left: stay.left.map(Seq::get),
    });
    let store = Stay {
        user: STORE.to_owned(),
        conversation: conversation.to_string(),
        joined: 0,
        left: None,
    };
    world.record.add_stays(recorded.chain([store]).collect());
    world.record.read(Read {
        reader: STORE.to_owned(),
        conversation: conversation.to_string(),
        called: world.record.tick(),
        after: 0,
        entries: log.iter().map(|entry| seen(&EntryView::from(entry.clone()))).collect(),
        head: log.len() as u64,
    });
}

/// Records what all devices received. Those of members must have received everything.
pub(crate) async fn record_cursors(world: &World) {
    let mut member_of: BTreeMap<UserId, Vec<ConversationId>> = BTreeMap::new();
    for conversation in world.conversations().iter().copied() {
        for (person, _) in members(world, conversation).await {
            member_of.entry(person.user).or_default().push(conversation);
        }
    }
    for person in world.people() {
        let conversations = member_of.remove(&person.user).unwrap_or_default();
        for device in &person.devices {
            world.record.followed(device.take_followed(&conversations).into_iter());
        }
    }
}

/// Records what a reader sees of these messages, and what the log says about them.
pub(crate) fn compare(world: &World, reader: UserId, items: &[EntryView], log: &[Entry]) {
    for item in items.iter().filter(|item| item.entry.body.is_text()) {
        let seen = shown(item);
        let expected = expected(item.entry.seq, log);
        let what = format!("{reader} reads {} {}", item.entry.conversation, item.entry.seq);
        world.record.change_facts(|facts| facts.views.push(View { what, seen, expected }));
    }
}

/// One membership of a user.
#[derive(Debug, Clone, Copy)]
struct UserStay {
    user: UserId,
    joined: Seq,
    left: Option<Seq>,
    needs_consent: bool,
}

fn stays(log: &[Entry]) -> Vec<UserStay> {
    let mut stays: Vec<UserStay> = Vec::new();
    for entry in log {
        match &entry.body {
            Body::Joined { user, joining, .. } => stays.push(UserStay {
                user: *user,
                joined: if is_founder(*joining) { Seq::new(1) } else { entry.seq },
                left: None,
                needs_consent: joining.needs_consent(),
            }),
            Body::Left { user, .. } => {
                if let Some(stay) = stays.iter_mut().rfind(|stay| stay.user == *user) {
                    stay.left = Some(entry.seq);
                }
            }
            Body::Text { .. }
            | Body::Edited { .. }
            | Body::Redacted { .. }
            | Body::Reaction { .. }
            | Body::Role { .. }
            | Body::Title { .. } => {}
        }
    }
    stays
}

const fn is_founder(joining: Joining) -> bool {
    joining.is_founder()
}

/// Returns when nobody may see the receipts and the typing of a member whose membership is a request.
fn hidden_request(
    world: &World,
    conversation: ConversationId,
    stay: &UserStay,
    all: &[UserStay],
) -> Option<Hidden> {
    let is_always_request =
        all.iter().filter(|one| one.user == stay.user).all(|one| one.needs_consent);
    if !world.plan().requests || !is_always_request {
        return None;
    }
    // Hidden until the millisecond before the one in which the member may have taken part.
    let end_ms = match world.record.opened_at(stay.user, conversation) {
        Some(opened_ms) => opened_ms.checked_sub(1)?,
        None => u64::MAX,
    };
    Some(Hidden {
        subject: stay.user.to_string(),
        from: None,
        conversation: Some(conversation.to_string()),
        begin_ms: 0,
        end_ms,
    })
}

/// Returns a message as a reader sees it.
fn shown(view: &EntryView) -> String {
    let text = if let Body::Text { text, .. } = &view.entry.body { text.as_deref() } else { None };
    let reactions = view.reactions.iter().flat_map(|reaction| {
        reaction.users.iter().map(|user| format!("{} {user}", reaction.emoji))
    });
    describe(text, reactions.collect())
}

/// Returns a message as it is after the whole log.
fn expected(seq: Seq, log: &[Entry]) -> String {
    let mut text: Option<Arc<str>> = None;
    let mut is_redacted = false;
    let mut reactions: BTreeMap<(Arc<str>, UserId), bool> = BTreeMap::new();
    for entry in log {
        match &entry.body {
            Body::Text { text: first, .. } if entry.seq == seq => text.clone_from(first),
            Body::Edited { target_seq, text: new } if *target_seq == seq => text.clone_from(new),
            Body::Redacted { target_seq } if *target_seq == seq => is_redacted = true,
            Body::Reaction { target_seq, emoji, on } if *target_seq == seq => {
                reactions.insert((emoji.clone(), entry.sender), *on);
            }
            Body::Text { .. }
            | Body::Edited { .. }
            | Body::Redacted { .. }
            | Body::Reaction { .. }
            | Body::Joined { .. }
            | Body::Left { .. }
            | Body::Role { .. }
            | Body::Title { .. } => {}
        }
    }
    if is_redacted {
        return describe(None, Vec::new());
    }
    let on = reactions.into_iter().filter(|(_, on)| *on);
    let on = on.map(|((emoji, user), _)| format!("{emoji} {user}"));
    describe(text.as_deref(), on.collect())
}

fn describe(text: Option<&str>, mut reactions: Vec<String>) -> String {
    reactions.sort();
    format!("{text:?} {reactions:?}")
}
