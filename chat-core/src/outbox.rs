//! The bounded queue in front of one session.
//!
//! Nobody waits for a slow reader. For each conversation the outbox knows which seq was handed out
//! and which was queued last; only the next one is ever queued. Whatever else happens (too much, a
//! gap, a session that just opened) the conversation is *behind*, nothing of it is queued, and the
//! session goes on from the store until it has reached the head. So there is no gap and no repeat,
//! whatever is offered, and in whatever order.
//!
//! A conversation ends for its reader with the entry by which the reader leaves: what comes after it
//! is not queued, by seq and not by time. A new joining begins the conversation anew.

mod after;
mod frame;
mod next;
mod place;

use std::{
    collections::{HashMap, HashSet, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;
use tokio::sync::Notify;

use self::place::Place;
pub use self::{
    after::After,
    frame::Frame,
    next::{Ending, Lag, Next},
};
use crate::{
    conversation::feed::Offer,
    id::{ConversationId, UserId},
    limits::{OUTBOX_BYTES_MAX, OUTBOX_EVENTS_MAX},
    model::{Identity, Seq},
};

/// The bounded queue in front of one session.
#[derive(Debug)]
pub struct Outbox {
    identity: Identity,
    inner: Mutex<Inner>,
    wake: Notify,
}

#[derive(Debug, Default)]
struct Inner {
    queue: VecDeque<Item>,
    bytes: usize,
    places: HashMap<ConversationId, Place>,
    /// Conversations to read from the store, each once.
    behind: VecDeque<ConversationId>,
    added: VecDeque<ConversationId>,
    shown: VecDeque<ConversationId>,
    ending: Option<Ending>,
    is_pinged: bool,
}

#[derive(Debug)]
enum Item {
    Entry(Frame),
    /// Of the moment: lost is lost.
    Moment(Bytes),
}

impl Outbox {
    /// An empty outbox of this identity.
    pub fn new(identity: Identity) -> Self {
        Self { identity, inner: Mutex::default(), wake: Notify::new() }
    }

    /// Who reads it.
    pub const fn identity(&self) -> Identity {
        self.identity
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins a conversation: nothing is handed out before [`Self::start`], and nothing missed. Says
    /// whether it had not begun before.
    pub fn begin(&self, conversation: ConversationId) -> bool {
        self.lock().places.insert(conversation, Place::default()).is_none()
    }

    /// Starts a conversation that has begun: `after` is the last seq that its reader has, `head`
    /// the newest that the feed told.
    pub fn start(&self, conversation: ConversationId, after: Seq, head: Seq, is_new: bool) {
        let mut inner = self.lock();
        let Some(place) = inner.places.get_mut(&conversation) else { return };
        let head = place.head.max(head);
        let is_behind = is_new || head > after;
        let left = place.left;
        *place =
            Place { sent: after, queued: after, head, left, is_started: true, is_behind, is_new };
        if is_behind {
            inner.behind.push_back(conversation);
            drop(inner);
            self.wake.notify_one();
        }
    }

    /// Whether the conversation has started.
    pub fn follows(&self, conversation: ConversationId) -> bool {
        self.lock().places.get(&conversation).is_some_and(|place| place.is_started)
    }

    /// Ends a conversation.
    pub fn end(&self, conversation: ConversationId) {
        let mut inner = self.lock();
        inner.places.remove(&conversation);
        inner.behind.retain(|one| *one != conversation);
    }

    /// Offers entries of one conversation in ascending order. Never waits.
    pub fn offer(&self, frames: &[Frame]) {
        if self.lock().offer(frames, self.identity.user) {
            self.wake.notify_one();
        }
    }

    /// Offers an event of the moment; dropped where there is no room.
    pub fn offer_moment(&self, bytes: &Bytes) {
        if self.lock().offer_moment(bytes) {
            self.wake.notify_one();
        }
    }

    /// Offers an event of the moment in a conversation: for its members only.
    pub fn offer_moment_in(&self, conversation: ConversationId, bytes: &Bytes) {
        let mut inner = self.lock();
        let is_member = inner.places.get(&conversation).is_some_and(|place| !place.is_leaving());
        if is_member && inner.offer_moment(bytes) {
            drop(inner);
            self.wake.notify_one();
        }
    }

    /// The session's user may have been added to a conversation.
    pub fn add(&self, conversation: ConversationId) {
        let mut inner = self.lock();
        let is_started = inner.places.get(&conversation).is_some_and(|place| place.is_started);
        // The session may be at the first one: what it has read may be older than this.
        let is_known = inner.added.iter().skip(1).any(|one| *one == conversation);
        if !is_started && !is_known {
            inner.added.push_back(conversation);
            drop(inner);
            self.wake.notify_one();
        }
    }

    /// The store has this head: what is not queued of it is read. Says whether anything is.
    pub fn read_up_to(&self, conversation: ConversationId, head: Seq) -> bool {
        let mut inner = self.lock();
        let Some(place) = inner.places.get_mut(&conversation) else { return false };
        place.head = place.head.max(head);
        let is_past = !place.is_behind && head <= place.queued;
        if !is_past {
            inner.fall_behind(conversation);
        }
        !is_past
    }

    /// The session's user is a member of these: the session is to look at all that differ.
    pub fn compare(&self, yours: &HashSet<ConversationId>) {
        let mut inner = self.lock();
        let started = inner.places.iter().filter(|(_, place)| place.is_started);
        let started: HashSet<_> = started.map(|(conversation, _)| *conversation).collect();
        inner.added.retain(|one| !(yours.contains(one) && started.contains(one)));
        let known: HashSet<_> = inner.added.iter().copied().collect();
        let differ = yours.symmetric_difference(&started).filter(|one| !known.contains(*one));
        inner.added.extend(differ);
        let has_any = !inner.added.is_empty();
        drop(inner);
        if has_any {
            self.wake.notify_one();
        }
    }

    /// The conversation is to be shown anew.
    pub fn show(&self, conversation: ConversationId) {
        let mut inner = self.lock();
        if !inner.shown.contains(&conversation) {
            inner.shown.push_back(conversation);
        }
        drop(inner);
        self.wake.notify_one();
    }

    /// Ends the session; what is queued is not handed out any more. The first reason stands.
    pub fn finish(&self, ending: Ending) {
        self.lock().ending.get_or_insert(ending);
        self.wake.notify_one();
    }

    /// Wakes the session to see whether its client still answers.
    pub fn ping(&self) {
        self.lock().is_pinged = true;
        self.wake.notify_one();
    }

    /// Whether a ping is due, once.
    pub fn take_ping(&self) -> bool {
        std::mem::take(&mut self.lock().is_pinged)
    }

    /// Resolves when something was put in since the last look. Cancel-safe.
    pub async fn woken(&self) {
        self.wake.notified().await;
    }

    /// What there is to do now.
    pub fn next(&self) -> Option<Next> {
        let mut inner = self.lock();
        if let Some(ending) = inner.ending {
            return Some(Next::Ended(ending));
        }
        if !inner.queue.is_empty() {
            return Some(inner.take_frames());
        }
        if let Some(lag) = inner.first_behind() {
            return Some(Next::Behind(lag));
        }
        // Both stay until the session says that they are done: where the store fails, or the session
        // is cancelled, it must find them again.
        if let Some(conversation) = inner.shown.front() {
            return Some(Next::Show(*conversation));
        }
        inner.added.front().copied().map(Next::Added)
    }

    /// The conversation at the front has been shown.
    pub fn shown(&self, conversation: ConversationId) {
        let mut inner = self.lock();
        if inner.shown.front() == Some(&conversation) {
            inner.shown.pop_front();
        }
    }

    /// The added conversation at the front is dealt with.
    pub fn added(&self, conversation: ConversationId) {
        let mut inner = self.lock();
        if inner.added.front() == Some(&conversation) {
            inner.added.pop_front();
        }
    }

    /// The session has handed out what the store had of this lag, up to `to`. The conversation is
    /// live again if it has nothing newer; otherwise it waits for its turn. `is_all` says that the
    /// store had no more: a head beyond that was a false hint.
    pub fn caught_up(&self, lag: &Lag, to: Seq, is_all: bool) {
        let mut inner = self.lock();
        inner.behind.retain(|one| *one != lag.conversation);
        let Some(place) = inner.places.get_mut(&lag.conversation) else { return };
        place.sent = place.sent.max(to);
        place.queued = place.sent;
        place.is_new = false;
        if is_all && place.head == lag.head {
            place.head = place.sent;
        }
        place.is_behind = place.head > place.sent;
        if place.is_behind {
            inner.behind.push_back(lag.conversation);
        }
    }

    /// How far the session has handed out each conversation that its reader knows.
    pub fn cursors(&self) -> Vec<(ConversationId, Seq)> {
        let inner = self.lock();
        let known = inner.places.iter().filter(|(_, place)| place.is_started && !place.is_new);
        known.map(|(id, place)| (*id, place.sent)).collect()
    }

    /// The conversations that have begun.
    pub fn conversations(&self) -> Vec<ConversationId> {
        self.lock().places.keys().copied().collect()
    }
}

impl Inner {
    fn has_room_for(&self, bytes: usize) -> bool {
        self.queue.len() < OUTBOX_EVENTS_MAX && self.bytes + bytes <= OUTBOX_BYTES_MAX
    }

    fn offer_moment(&mut self, bytes: &Bytes) -> bool {
        let has_room = self.has_room_for(bytes.len());
        if has_room {
            self.bytes += bytes.len();
            self.queue.push_back(Item::Moment(bytes.clone()));
        }
        has_room
    }

    /// Queues what is next of these; says whether there is something to do now.
    fn offer(&mut self, frames: &[Frame], reader: UserId) -> bool {
        let Some(conversation) = frames.first().map(|frame| frame.conversation) else {
            return false;
        };
        // Looked up once for all of them: this runs for each listener of a conversation.
        let Some(mut place) = self.places.get(&conversation).copied() else { return false };
        let (before, mut has_room, mut is_whole) = (place.queued, true, true);
        for frame in frames {
            match place.offered(frame, reader) {
                Offer::Stale => {}
                Offer::Next if self.has_room_for(frame.bytes.len()) => {
                    place.queued = frame.seq;
                    self.bytes += frame.bytes.len();
                    self.queue.push_back(Item::Entry(frame.clone()));
                }
                Offer::Next => (has_room, is_whole) = (false, false),
                Offer::Gap => is_whole = false,
            }
        }
        self.places.insert(conversation, place);
        if !has_room {
            self.overflow();
        }
        if !is_whole {
            self.fall_behind(conversation);
        }
        !is_whole || place.queued > before
    }

    /// Frees the queue: everything that waited in it goes on from the store.
    fn overflow(&mut self) {
        let dropped = std::mem::take(&mut self.queue);
        self.bytes = 0;
        for item in dropped {
            if let Item::Entry(frame) = item {
                self.fall_behind(frame.conversation);
            }
        }
    }

    fn fall_behind(&mut self, conversation: ConversationId) {
        let Some(place) = self.places.get_mut(&conversation) else { return };
        if !place.is_behind {
            place.is_behind = true;
            place.head = place.head.max(place.queued);
            place.queued = place.sent;
            self.behind.push_back(conversation);
            // What is still queued of it would come twice.
            let bytes = &mut self.bytes;
            self.queue.retain(|item| match item {
                Item::Entry(frame) if frame.conversation == conversation => {
                    *bytes -= frame.bytes.len();
                    false
                }
                Item::Entry(_) | Item::Moment(_) => true,
            });
        }
    }

    fn take_frames(&mut self) -> Next {
        let queue = std::mem::take(&mut self.queue);
        self.bytes = 0;
        let mut frames = Vec::with_capacity(queue.len());
        let mut after = Vec::new();
        for item in queue {
            frames.push(match item {
                Item::Moment(bytes) => bytes,
                Item::Entry(frame) => self.hand_out(frame, &mut after),
            });
        }
        Next::Frames(frames, after)
    }

    fn hand_out(&mut self, frame: Frame, after: &mut Vec<(ConversationId, Seq, After)>) -> Bytes {
        if let Some(place) = self.places.get_mut(&frame.conversation) {
            place.sent = frame.seq;
            if place.sent == place.left {
                self.places.remove(&frame.conversation);
            }
        }
        if frame.after != After::Nothing {
            after.push((frame.conversation, frame.seq, frame.after));
        }
        frame.bytes
    }

    fn first_behind(&self) -> Option<Lag> {
        let conversation = *self.behind.front()?;
        let place = self.places.get(&conversation)?;
        let (after, head, is_new) = (place.sent, place.head, place.is_new);
        Some(Lag { conversation, after, head, is_new })
    }
}

#[cfg(test)]
mod tests;
