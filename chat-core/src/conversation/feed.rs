//! The live tail of a conversation on one gateway.
//!
//! Entries come from the appender at once, and from other gateways over a bus that may lose, repeat
//! and reorder. Only the next one is delivered; a gap waits a moment for reordered hints and is
//! then read from the store, once for all listeners.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;

use super::{
    Conversation, read_all,
    roster::{Chunk, Roster},
};
use crate::{
    error::{ChatError, StoreError},
    event::Event,
    hint::Hint,
    id::UserId,
    limits::{APPEND_ENTRIES_MAX, HEADS_MAX, REORDER_WAIT, STORE_PAUSE},
    model::{Body, Entry, Seq},
    outbox::{After, Frame, Outbox},
    port::Channel,
    ports::Ports,
};

/// What an offered seq means to a feed at this head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Offer {
    /// The one that comes next.
    Next,
    /// Known.
    Stale,
    /// Something is missing before it.
    Gap,
}

impl Offer {
    /// What `seq` means to a feed that has delivered up to `head`.
    pub fn of(seq: Seq, head: Seq) -> Self {
        if seq <= head {
            Self::Stale
        } else if seq == head.next() {
            Self::Next
        } else {
            Self::Gap
        }
    }
}

/// The live tail of a conversation on one gateway.
#[derive(Debug, Default)]
pub(super) struct Feed {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    /// Delivered up to here; `None` until it is followed: hints are heard, and the store was asked.
    head: Option<Seq>,
    roster: Roster,
    /// Accepted, and on the way to the listeners.
    queue: Vec<Entry>,
    is_pumping: bool,
    /// Came before what precedes them, or before it is followed.
    early: BTreeMap<Seq, Option<Entry>>,
    is_repairing: bool,
}

impl Feed {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a repair goes on: something is missing and, where the store fails, somebody waits.
    fn must_repair(&self, last: &Result<(), StoreError>) -> bool {
        let mut inner = self.lock();
        inner.is_repairing = inner.has_gap() && (last.is_ok() || !inner.roster.is_empty());
        inner.is_repairing
    }

    pub(super) fn detach(&self, outbox: &Outbox) {
        self.lock().roster.remove(outbox);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.lock().roster.is_empty()
    }
}

/// Adds a listener to these conversations, and tells of each the head from which on it hears
/// everything.
pub(super) async fn attach(
    conversations: &[Arc<Conversation>],
    ports: &Ports,
    outbox: &Arc<Outbox>,
) -> Result<Vec<Seq>, ChatError> {
    let known: Vec<_> = conversations.iter().map(|one| add(one, outbox)).collect();
    let is_cold = |(one, known): (_, &Option<Seq>)| known.is_none().then_some(one);
    let cold: Vec<_> = conversations.iter().zip(&known).filter_map(is_cold).collect();
    let woken = match wake(&cold, ports).await {
        Ok(woken) => woken,
        Err(error) => {
            for one in conversations {
                one.feed.detach(outbox);
            }
            return Err(error.into());
        }
    };
    let mut woken = woken.into_iter();
    Ok(known.into_iter().map(|known| known.or_else(|| woken.next()).unwrap_or_default()).collect())
}

/// Adds a listener; the head, if the conversation is followed.
fn add(conversation: &Conversation, outbox: &Arc<Outbox>) -> Option<Seq> {
    let mut inner = conversation.feed.lock();
    inner.roster.add(outbox);
    let head = inner.head;
    settle(conversation, inner);
    head
}

/// The conversation is followed, and the store has this head; what has come since may be later.
/// Others may listen already: what the store has more than they were told is still to come.
fn begin_at(conversation: &Conversation, stored: Seq) -> Seq {
    let mut inner = conversation.feed.lock();
    if inner.head.is_none() {
        inner.head = Some(stored);
        inner.deliver_early();
    } else {
        inner.accept(stored, None);
    }
    let head = inner.head.map_or(stored, |head| head.max(stored));
    settle(conversation, inner);
    head
}

/// Follows conversations that nobody has listened to, and tells their heads. Hints first, the store
/// second: what is appended in between is heard twice, never missed.
async fn wake(cold: &[&Arc<Conversation>], ports: &Ports) -> Result<Vec<Seq>, StoreError> {
    if cold.is_empty() {
        return Ok(Vec::new());
    }
    let channels: Vec<_> = cold.iter().map(|one| Channel::Conversation(one.id)).collect();
    if let Err(error) = ports.bus.subscribe(&channels).await {
        tracing::warn!(%error, count = channels.len(), "no hints of conversations for now");
    }
    let mut woken = Vec::with_capacity(cold.len());
    for part in cold.chunks(HEADS_MAX) {
        let ids: Vec<_> = part.iter().map(|one| one.id).collect();
        let heads = ports.stores.log.heads(&ids).await?;
        woken.extend(part.iter().zip(heads).map(|(one, head)| begin_at(one, head.seq)));
    }
    Ok(woken)
}

/// Takes what this gateway has just appended: for its own listeners, and for the other gateways.
pub(super) fn appended(conversation: &Conversation, entries: &[Entry]) {
    let ports = &conversation.ports;
    ports.publish(Channel::Conversation(conversation.id), &Hint::entries(entries));
    for user in entries.iter().filter_map(newcomer) {
        ports.publish(Channel::User(user), &Hint::Added(conversation.id));
    }
    noticed(conversation, entries);
}

/// Takes what was found in the store: another gateway has appended it.
pub(super) fn noticed(conversation: &Conversation, entries: &[Entry]) {
    offer(conversation, entries);
    for user in entries.iter().filter_map(newcomer) {
        conversation.ports.users.each_of(user, |outbox| outbox.add(conversation.id));
    }
}

fn newcomer(entry: &Entry) -> Option<UserId> {
    if let Body::Joined { user, .. } = &entry.body { Some(*user) } else { None }
}

/// Delivers what is next, drops what is known, and reads what is missing.
fn offer(conversation: &Conversation, entries: &[Entry]) {
    let mut inner = conversation.feed.lock();
    for entry in entries {
        inner.accept(entry.seq, Some(entry));
    }
    settle(conversation, inner);
}

/// Does what follows from a change.
fn settle(conversation: &Conversation, mut inner: MutexGuard<'_, Inner>) {
    let has_gap = inner.has_gap();
    let must_pump = !inner.queue.is_empty() && !std::mem::replace(&mut inner.is_pumping, true);
    drop(inner);
    if must_pump {
        pump(conversation);
    }
    if has_gap {
        repair_soon(conversation);
    }
}

impl Inner {
    /// Whether something is missing before what came early.
    fn has_gap(&self) -> bool {
        self.head.is_some() && !self.early.is_empty()
    }

    fn accept(&mut self, seq: Seq, entry: Option<&Entry>) {
        if self.head.is_none() && self.roster.is_empty() {
            return;
        }
        let offer = self.head.map_or(Offer::Gap, |head| Offer::of(seq, head));
        match (offer, entry) {
            (Offer::Stale, _) => {}
            (Offer::Next, Some(entry)) => {
                self.deliver(entry.clone());
                self.deliver_early();
            }
            (Offer::Next | Offer::Gap, _) => {
                let known = self.early.entry(seq).or_default();
                *known = known.take().or_else(|| entry.cloned());
                // Far too many are missing: what came early is read from the store as well.
                if self.early.len() > APPEND_ENTRIES_MAX {
                    let last = self.early.pop_last();
                    self.early.clear();
                    self.early.extend(last.map(|(seq, _)| (seq, None)));
                }
            }
        }
    }

    fn deliver_early(&mut self) {
        while let Some(next) = self.next_early() {
            self.deliver(next);
        }
    }

    fn deliver(&mut self, entry: Entry) {
        self.head = Some(entry.seq);
        if !self.roster.is_empty() {
            self.queue.push(entry);
        }
    }

    /// The entry that came early and is next now. Markers without an entry stay: they say that the
    /// store has more.
    fn next_early(&mut self) -> Option<Entry> {
        let head = self.head?;
        self.early.retain(|seq, _| *seq > head);
        let is_next = self
            .early
            .first_key_value()
            .is_some_and(|(seq, entry)| *seq == head.next() && entry.is_some());
        if is_next { self.early.pop_first().and_then(|(_, entry)| entry) } else { None }
    }
}

/// Listeners up to which a fan-out runs at once; more get a task that lets others run between
/// chunks.
const INLINE_CHUNKS_MAX: usize = 4;

/// Hands queued entries to all listeners. One fan-out of a conversation runs at a time.
fn pump(conversation: &Conversation) {
    while let Some((frames, chunks)) = next_round(conversation) {
        if chunks.len() > INLINE_CHUNKS_MAX
            && let Some(conversation) = conversation.me.upgrade()
        {
            let tasks = conversation.ports.tasks.clone();
            tasks.spawn(pump_slowly(conversation, frames, chunks));
            return;
        }
        for chunk in &chunks {
            deliver(chunk, &frames);
        }
    }
}

async fn pump_slowly(conversation: Arc<Conversation>, frames: Vec<Frame>, chunks: Vec<Chunk>) {
    let mut round = Some((frames, chunks));
    while let Some((frames, chunks)) = round {
        for chunk in &chunks {
            deliver(chunk, &frames);
            tokio::task::yield_now().await;
        }
        round = next_round(&conversation);
    }
}

fn deliver(chunk: &Chunk, frames: &[Frame]) {
    for outbox in chunk.iter() {
        outbox.offer(frames);
    }
}

/// What waits, and who is to have it; with nothing left the fan-out is over.
fn next_round(conversation: &Conversation) -> Option<(Vec<Frame>, Vec<Chunk>)> {
    let mut inner = conversation.feed.lock();
    if inner.queue.is_empty() {
        inner.is_pumping = false;
        return None;
    }
    let (entries, chunks) = (std::mem::take(&mut inner.queue), inner.roster.snapshot());
    drop(inner);
    Some((frames(&conversation.ports, &entries), chunks))
}

fn frames(ports: &Ports, entries: &[Entry]) -> Vec<Frame> {
    entries
        .iter()
        .map(|entry| Frame {
            bytes: ports.encode.encode(&Event::Message(entry.clone().into())),
            conversation: entry.conversation,
            seq: entry.seq,
            after: After::of(entry),
        })
        .collect()
}

/// Reads what is missing, unless it comes by itself in a moment. One read at a time, until nothing
/// is missing any more.
fn repair_soon(conversation: &Conversation) {
    let Some(conversation) = conversation.me.upgrade() else { return };
    if std::mem::replace(&mut conversation.feed.lock().is_repairing, true) {
        return;
    }
    let tasks = conversation.ports.tasks.clone();
    tasks.spawn(async move {
        let (mut last, mut pause) = (Ok(()), REORDER_WAIT);
        while conversation.feed.must_repair(&last) {
            tokio::time::sleep(pause).await;
            last = conversation.repair().await;
            pause = if last.is_ok() { REORDER_WAIT } else { STORE_PAUSE };
            if let Err(error) = &last {
                tracing::warn!(conversation.id = %conversation.id, %error, "feed lags behind the store");
            }
        }
    });
}

/// Hands an event of the moment to all listeners but this user's.
pub(super) fn moment(conversation: &Conversation, bytes: &Bytes, except: Option<UserId>) {
    let chunks = conversation.feed.lock().roster.snapshot();
    for outbox in chunks.iter().flat_map(|chunk| chunk.iter()) {
        if Some(outbox.identity().user) != except {
            outbox.offer_moment_in(conversation.id, bytes);
        }
    }
}

impl Conversation {
    /// Takes entries that came over the bus.
    pub(crate) fn heard(&self, entries: &[Entry]) {
        offer(self, entries);
    }

    /// Takes the news that the log has at least this head.
    pub(crate) fn heard_head(&self, head: Seq) {
        let mut inner = self.feed.lock();
        inner.accept(head, None);
        settle(self, inner);
    }

    /// Hands an event of the moment to all listeners but this user's.
    pub(crate) fn moment(&self, bytes: &Bytes, except: Option<UserId>) {
        moment(self, bytes, except);
    }

    async fn repair(&self) -> Result<(), StoreError> {
        let range = {
            let inner = self.feed.lock();
            inner.head.zip(inner.early.last_key_value().map(|(seq, _)| *seq))
        };
        let Some((head, to)) = range else { return Ok(()) };
        let missed = read_all(&self.ports, self.id, head, to).await?;
        // A hint that names more than the store has was none. What came during the read is kept.
        self.feed.lock().early.retain(|seq, _| *seq > to);
        noticed(self, &missed);
        Ok(())
    }
}
