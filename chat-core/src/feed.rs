//! The live tail of a conversation on one gateway.
//!
//! Entries come from the appender at once, and from other gateways over a bus that may lose, repeat
//! and reorder hints. The feed delivers only the entry that is next. A gap waits a moment for
//! reordered hints, and is then read from the store, once for all listeners.

mod roster;

use std::{collections::BTreeMap, sync::Arc};

use bytes::Bytes;
use parking_lot::{Mutex, MutexGuard};
use tokio::runtime::Handle;

use self::roster::{Chunk, Roster};
use crate::{
    context::Context,
    error::{ChatError, StoreError},
    event::Event,
    hint::Hint,
    id::{ConversationId, UserId},
    limits::{APPEND_ENTRIES_MAX, HEADS_MAX, REORDER_WAIT, STORE_PAUSE},
    log,
    model::{Body, Entry, Seq},
    outbox::{Delivery, FollowUp, Frame, Offer, Outbox},
    port::Channel,
};

/// Up to this many listeners a fan-out runs in place. Above it, tasks share the listeners: offering
/// an entry may write to a socket.
const INLINE_LISTENERS_MAX: usize = 16;
/// Chunks below which it does not pay to share them with another task.
const TASK_CHUNKS_MIN: usize = 4;

/// The live tail of a conversation on one gateway.
#[derive(Debug)]
pub(crate) struct Feed {
    conversation: ConversationId,
    context: Arc<Context>,
    tail: Mutex<Tail>,
}

#[derive(Debug, Default)]
struct Tail {
    /// The last seq that was delivered. `None` until the gateway is subscribed to the hints and has
    /// asked the store.
    head: Option<Seq>,
    roster: Roster,
    /// Accepted entries, on their way to the listeners.
    queue: Vec<Entry>,
    is_delivering: bool,
    /// Entries that came before their predecessors, or before there was a head. `None` marks a seq
    /// that the store is known to have.
    early: BTreeMap<Seq, Option<Entry>>,
    is_repairing: bool,
}

impl Feed {
    pub(crate) fn new(conversation: ConversationId, context: Arc<Context>) -> Arc<Self> {
        Arc::new(Self { conversation, context, tail: Mutex::default() })
    }

    /// Removes a listener.
    pub(crate) fn detach(&self, outbox: &Outbox) {
        self.tail.lock().roster.remove(outbox);
    }

    /// Returns true if nobody listens.
    pub(crate) fn is_empty(&self) -> bool {
        self.tail.lock().roster.is_empty()
    }

    /// Returns true if the log is known to have entries that are not delivered yet.
    fn lags(&self) -> bool {
        self.tail.lock().has_gap()
    }

    /// Delivers entries that this gateway has just appended, here and to the other gateways.
    pub(crate) fn publish(self: &Arc<Self>, entries: &[Entry]) {
        if entries.is_empty() {
            return;
        }
        let channel = Channel::Conversation(self.conversation);
        self.context.publish(channel, || Hint::entries(entries));
        for user in entries.iter().filter_map(new_member) {
            self.context.publish(Channel::User(user), || Hint::Added(self.conversation));
        }
        self.receive_stored(entries);
    }

    /// Receives entries that were read from the store, or appended here.
    pub(crate) fn receive_stored(self: &Arc<Self>, entries: &[Entry]) {
        self.receive(entries);
        for user in entries.iter().filter_map(new_member) {
            self.context.users.each_session(user, |outbox| outbox.recheck(self.conversation));
        }
    }

    /// Receives entries in any order: delivers those that are next, drops known ones, and has the
    /// missing ones read.
    pub(crate) fn receive(self: &Arc<Self>, entries: &[Entry]) {
        let mut tail = self.tail.lock();
        for entry in entries {
            tail.accept(entry.seq, Some(entry));
        }
        self.advance(tail);
    }

    /// Learns that the log has at least this head.
    pub(crate) fn learn_head(self: &Arc<Self>, head: Seq) {
        let mut tail = self.tail.lock();
        tail.accept(head, None);
        self.advance(tail);
    }

    /// Offers each listener the ephemeral event that `choose` returns for it.
    pub(crate) fn offer_ephemeral<'a>(&self, choose: impl Fn(&Outbox) -> Option<&'a Bytes>) {
        let chunks = self.tail.lock().roster.snapshot();
        for outbox in chunks.iter().flat_map(|chunk| chunk.iter()) {
            if let Some(event) = choose(outbox) {
                outbox.offer_ephemeral_in(self.conversation, event);
            }
        }
    }

    /// Adds a listener. Returns the head, or `None` if the store has to be asked first.
    fn add(self: &Arc<Self>, outbox: &Arc<Outbox>) -> Option<Seq> {
        let mut tail = self.tail.lock();
        tail.roster.add(outbox);
        let head = tail.head;
        self.advance(tail);
        head
    }

    /// Begins at the store's head, or goes on to it: others may listen already and have to be told
    /// what the store has more. Returns the newest head known.
    fn begin_at(self: &Arc<Self>, stored: Seq) -> Seq {
        let mut tail = self.tail.lock();
        if tail.head.is_none() {
            tail.head = Some(stored);
            tail.accept_early();
        } else {
            tail.accept(stored, None);
        }
        let head = tail.head.map_or(stored, |head| head.max(stored));
        self.advance(tail);
        head
    }

    /// Starts what a change of the tail calls for: a delivery, or a repair.
    fn advance(self: &Arc<Self>, mut tail: MutexGuard<'_, Tail>) {
        let has_gap = tail.has_gap();
        let must_repair = has_gap && !std::mem::replace(&mut tail.is_repairing, true);
        let must_deliver =
            !tail.queue.is_empty() && !std::mem::replace(&mut tail.is_delivering, true);
        drop(tail);
        if must_deliver {
            self.deliver();
        }
        if must_repair {
            self.context.tasks.spawn(self.clone().repair());
        }
    }

    /// Hands queued entries to all listeners. One delivery of a conversation runs at a time.
    fn deliver(self: &Arc<Self>) {
        while let Some((delivery, chunks)) = self.next_delivery() {
            if chunks.iter().map(|chunk| chunk.len()).sum::<usize>() > INLINE_LISTENERS_MAX {
                self.context.tasks.spawn(self.clone().deliver_to_many(delivery, chunks));
                return;
            }
            for chunk in &chunks {
                offer(chunk, &delivery);
            }
        }
    }

    /// Delivers to many listeners. Entries that arrive meanwhile leave as one delivery afterwards.
    async fn deliver_to_many(self: Arc<Self>, delivery: Delivery, chunks: Vec<Chunk>) {
        let mut next = Some((delivery, chunks));
        while let Some((delivery, chunks)) = next {
            self.share(delivery, chunks).await;
            next = self.next_delivery();
        }
    }

    /// Offers a delivery to all listeners. All worker threads share them.
    async fn share(&self, delivery: Delivery, mut chunks: Vec<Chunk>) {
        let delivery = Arc::new(delivery);
        let workers = Handle::current().metrics().num_workers();
        let share = chunks.len().div_ceil(workers).max(TASK_CHUNKS_MIN);
        let mut others = Vec::new();
        while chunks.len() > share {
            let part = chunks.split_off(chunks.len() - share);
            others.push(self.context.tasks.spawn(offer_to_all(part, delivery.clone())));
        }
        offer_to_all(chunks, delivery).await;
        for other in others {
            if let Err(error) = other.await {
                let conversation = self.conversation;
                tracing::error!(conversation.id = %conversation, %error, "a fan-out failed");
            }
        }
    }

    /// Takes the queued entries, and returns them with their listeners. Returns `None`, and ends the
    /// delivery, if the queue is empty.
    fn next_delivery(&self) -> Option<(Delivery, Vec<Chunk>)> {
        let mut tail = self.tail.lock();
        if tail.queue.is_empty() {
            tail.is_delivering = false;
            return None;
        }
        let entries = std::mem::take(&mut tail.queue);
        let chunks = tail.roster.snapshot();
        drop(tail);
        let frames = entries
            .into_iter()
            .map(|entry| Frame {
                conversation: entry.conversation,
                seq: entry.seq,
                follow_up: FollowUp::of(&entry),
                bytes: self.context.ports.encode.encode(&Event::Message(entry.into())),
            })
            .collect();
        Delivery::new(frames).map(|delivery| (delivery, chunks))
    }

    /// Reads what is missing until nothing is, each time after a moment in which it may still come
    /// by itself. Gives up on a store that fails only if nobody listens.
    async fn repair(self: Arc<Self>) {
        let mut pause = REORDER_WAIT;
        loop {
            tokio::time::sleep(pause).await;
            let result = self.read_missing().await;
            pause = REORDER_WAIT;
            if let Err(error) = &result {
                let conversation = self.conversation;
                tracing::warn!(conversation.id = %conversation, %error, "feed lags behind the store");
                pause = STORE_PAUSE;
            }
            let mut tail = self.tail.lock();
            tail.is_repairing = tail.has_gap() && (result.is_ok() || !tail.roster.is_empty());
            if !tail.is_repairing {
                return;
            }
        }
    }

    async fn read_missing(self: &Arc<Self>) -> Result<(), StoreError> {
        let range = {
            let tail = self.tail.lock();
            tail.head.zip(tail.early.last_key_value().map(|(seq, _)| *seq))
        };
        let Some((head, to)) = range else { return Ok(()) };
        let log = &*self.context.stores().log;
        let missing = log::read_all(log, self.conversation, head, to).await?;
        // Entries up to `to` that the store does not have were announced wrongly. Whatever came
        // during the read is kept.
        self.tail.lock().early.retain(|seq, _| *seq > to);
        self.receive_stored(&missing);
        Ok(())
    }
}

/// Adds a listener to these feeds, and returns for each the head after which it receives every
/// entry.
pub(crate) async fn attach(
    feeds: &[Arc<Feed>],
    context: &Context,
    outbox: &Arc<Outbox>,
) -> Result<Vec<Seq>, ChatError> {
    let mut heads: Vec<Option<Seq>> = feeds.iter().map(|feed| feed.add(outbox)).collect();
    let cold: Vec<Channel> = feeds
        .iter()
        .zip(&heads)
        .filter(|(_, head)| head.is_none())
        .map(|(feed, _)| Channel::Conversation(feed.conversation))
        .collect();
    // Hints first, the store second: an entry appended in between is received twice, never missed.
    if !cold.is_empty()
        && let Err(error) = context.ports.bus.subscribe(&cold).await
    {
        tracing::warn!(%error, count = cold.len(), "no hints of conversations for now");
    }
    // A live head may be older than what was acknowledged elsewhere while hints are missing, or while
    // what is between two hints is still being read.
    let may_miss_hints = context.may_miss_hints();
    for (feed, head) in feeds.iter().zip(&mut heads) {
        if may_miss_hints || feed.lags() {
            *head = None;
        }
    }
    let unknown: Vec<usize> = (0..feeds.len()).filter(|index| heads[*index].is_none()).collect();
    for part in unknown.chunks(HEADS_MAX) {
        let ids: Vec<_> = part.iter().map(|index| feeds[*index].conversation).collect();
        let stored = match context.stores().log.heads(&ids).await {
            Ok(stored) => stored,
            Err(error) => {
                for feed in feeds {
                    feed.detach(outbox);
                }
                return Err(error.into());
            }
        };
        for (index, head) in part.iter().zip(stored) {
            heads[*index] = Some(feeds[*index].begin_at(head.seq));
        }
    }
    Ok(heads.into_iter().map(Option::unwrap_or_default).collect())
}

/// Offers a delivery to all listeners in these chunks, and lets other tasks run in between.
async fn offer_to_all(chunks: Vec<Chunk>, delivery: Arc<Delivery>) {
    for chunk in &chunks {
        offer(chunk, &delivery);
        tokio::task::yield_now().await;
    }
}

fn offer(chunk: &Chunk, delivery: &Delivery) {
    for outbox in chunk.iter() {
        outbox.offer(delivery);
    }
}

fn new_member(entry: &Entry) -> Option<UserId> {
    if let Body::Joined { user, .. } = &entry.body { Some(*user) } else { None }
}

impl Tail {
    fn has_gap(&self) -> bool {
        self.head.is_some() && !self.early.is_empty()
    }

    /// Takes an entry, or the news that the store has one at this seq.
    fn accept(&mut self, seq: Seq, entry: Option<&Entry>) {
        if self.head.is_none() && self.roster.is_empty() {
            return;
        }
        let offer = self.head.map_or(Offer::Gap, |head| Offer::of(seq, head));
        match (offer, entry) {
            (Offer::Stale, _) => {}
            (Offer::Next, Some(entry)) => {
                self.queue_next(entry.clone());
                self.accept_early();
            }
            (Offer::Next | Offer::Gap, _) => {
                let known = self.early.entry(seq).or_default();
                *known = known.take().or_else(|| entry.cloned());
                // Above the bound even the early entries are read from the store.
                if self.early.len() > APPEND_ENTRIES_MAX {
                    let last = self.early.pop_last();
                    self.early.clear();
                    self.early.extend(last.map(|(seq, _)| (seq, None)));
                }
            }
        }
    }

    /// Queues the early entries that are next by now. A marker without an entry stays: it says that
    /// the store has more.
    fn accept_early(&mut self) {
        while let Some(head) = self.head {
            self.early.retain(|seq, _| *seq > head);
            match self.early.first_key_value() {
                Some((seq, Some(_))) if *seq == head.next() => {}
                Some(_) | None => return,
            }
            if let Some((_, Some(entry))) = self.early.pop_first() {
                self.queue_next(entry);
            }
        }
    }

    fn queue_next(&mut self, entry: Entry) {
        self.head = Some(entry.seq);
        if !self.roster.is_empty() {
            self.queue.push(entry);
        }
    }
}
