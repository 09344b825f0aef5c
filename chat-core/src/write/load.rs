//! Reading what the decision about a batch depends on.

use std::collections::BTreeSet;

use futures_util::future::{try_join, try_join_all};

use super::{
    Waiting,
    decide::needs,
    files::load_files,
    state::{State, Target},
};
use crate::{
    context::Context,
    error::{ChatError, StoreError},
    id::{ConversationId, UserId},
    log,
    model::{Kind, Overlay, Seq},
    port::Stores,
};

/// Returns the state with everything known that the writes need. Fails with `NotFound` if the
/// conversation does not exist.
pub(super) async fn load(
    context: &Context,
    conversation: ConversationId,
    state: Option<State>,
    writes: &mut [Waiting],
) -> Result<State, ChatError> {
    let stores = context.stores();
    let mut state = if let Some(state) = state {
        state
    } else {
        // The head first: what is read after it may be newer, and the append is then refused.
        let head = log::head(&*stores.log, conversation).await?;
        let found = stores.conversations.get(conversation).await?;
        let (founding, title) = found.ok_or(ChatError::NotFound("conversation"))?;
        State::new(conversation, founding.kind, head, title)
    };
    state.trim();
    load_files(stores, writes).await?;
    let mut users = BTreeSet::new();
    let mut targets = BTreeSet::new();
    for waiting in &*writes {
        let needs = needs(waiting.actor, &waiting.write.change);
        users.extend(needs.users.into_iter().filter(|user| state.standing(*user).is_none()));
        targets.extend(needs.target.filter(|seq| state.target(*seq).is_none()));
    }
    if !users.is_empty() || !targets.is_empty() {
        learn(stores, &mut state, users, targets).await?;
    }
    for waiting in &*writes {
        let needs = needs(waiting.actor, &waiting.write.change);
        // Only a member can cause these reads.
        if let Some(user) = needs.candidate
            && state.member(waiting.actor).is_some()
        {
            let needs_consent = context.check_addition(waiting.actor, user).await?;
            state.learn_candidate(waiting.actor, user, needs_consent);
        }
    }
    if state.kind == Kind::Direct {
        learn_blocks(context, &mut state, writes).await?;
    }
    Ok(state)
}

/// Adds which actors the other member of a direct conversation has blocked.
async fn learn_blocks(
    context: &Context,
    state: &mut State,
    writes: &[Waiting],
) -> Result<(), StoreError> {
    let mut previous = None;
    for actor in writes.iter().map(|waiting| waiting.actor) {
        if previous.replace(actor) == Some(actor) || state.member(actor).is_none() {
            continue;
        }
        if state.peer_of(actor).is_none() {
            let conversations = &context.stores().conversations;
            let members = conversations.members(state.conversation, None, 2).await?;
            if let [one, other] = &members[..] {
                state.learn_peers([one.user, other.user]);
            }
        }
        if let Some(peer) = state.peer_of(actor)
            && context.boundary(peer).await?.blocks(actor)
        {
            state.learn_blocked(actor);
        }
    }
    Ok(())
}

/// Reads these memberships and these entries, all at once, and adds them to the state.
async fn learn(
    stores: &Stores,
    state: &mut State,
    users: BTreeSet<UserId>,
    targets: BTreeSet<Seq>,
) -> Result<(), StoreError> {
    let conversation = state.conversation;
    let users: Vec<UserId> = users.into_iter().collect();
    let head = state.head.seq;
    let (standings, found) = try_join(
        async {
            if users.is_empty() {
                return Ok(Vec::new());
            }
            stores.conversations.standing(conversation, &users).await
        },
        try_join_all(targets.iter().map(|seq| read_target(stores, conversation, *seq, head))),
    )
    .await?;
    for (user, standing) in users.into_iter().zip(standings) {
        state.learn_member(user, standing);
    }
    for (seq, target) in targets.into_iter().zip(found) {
        state.learn_target(seq, target);
    }
    Ok(())
}

/// Returns the entry at this seq with what later entries did to it. An entry after the state's head is
/// learned when it is folded.
async fn read_target(
    stores: &Stores,
    conversation: ConversationId,
    seq: Seq,
    head: Seq,
) -> Result<Option<Target>, StoreError> {
    if seq == Seq::ZERO || seq > head {
        return Ok(None);
    }
    let (found, overlays) = try_join(
        stores.log.read(conversation, seq.previous(), seq, 1),
        stores.conversations.overlays(conversation, seq.previous(), seq),
    )
    .await?;
    let Some(entry) = found.into_iter().next() else { return Ok(None) };
    let overlay = overlays.into_iter().next().map_or_else(Overlay::default, |(_, one)| one);
    Ok(Some(Target { overlay, ..Target::of(&entry) }))
}
