//! What an outbox holds, and how it changes: plain data behind the outbox's lock.

use std::{collections::VecDeque, sync::Arc};

use bytes::Bytes;

use super::{
    Delivery, Ending, FollowUp, Frame, Lag, Next, Offer, Sent, Transport, position::Position,
};
use crate::{
    budget::{ByteBudget, Reserved},
    id::{ConversationId, UserId},
    id_map::IdMap,
    limits::{OUTBOX_BYTES_MAX, OUTBOX_EVENTS_MAX},
    model::Seq,
    planted::{Bug, is_planted},
};

/// What an outbox holds.
#[derive(Debug)]
pub(super) struct Contents {
    pub(super) queue: VecDeque<Item>,
    /// The bytes of the queue.
    queued: Reserved,
    /// The bytes that the session has taken and may not have sent.
    taken: Reserved,
    pub(super) positions: IdMap<ConversationId, Position>,
    /// Conversations to read from the store, each once.
    pub(super) behind: VecDeque<ConversationId>,
    /// Conversations whose membership to check in the store.
    pub(super) rechecks: VecDeque<ConversationId>,
    /// Conversation objects to send again, each once.
    pub(super) shows: VecDeque<ConversationId>,
    pub(super) ending: Option<Ending>,
    pub(super) must_ping: bool,
    /// True while the session waits and has sent everything that it took from here.
    pub(super) is_waiting: bool,
    pub(super) transport: Option<Arc<dyn Transport>>,
}

#[derive(Debug)]
pub(super) enum Item {
    Entry(Frame),
    /// An event that is not repeated if it is lost.
    Ephemeral(Bytes),
}

impl Contents {
    pub(super) fn new(budget: &Arc<ByteBudget>) -> Self {
        Self {
            queue: VecDeque::new(),
            queued: Reserved::none(budget.clone()),
            taken: Reserved::none(budget.clone()),
            positions: IdMap::default(),
            behind: VecDeque::new(),
            rechecks: VecDeque::new(),
            shows: VecDeque::new(),
            ending: None,
            must_ping: false,
            is_waiting: false,
            transport: None,
        }
    }

    /// Reserves room for an item of the queue. Returns false if the outbox or the gateway has too little.
    fn reserve(&mut self, bytes: usize) -> bool {
        self.queue.len() < OUTBOX_EVENTS_MAX
            && self.queued.bytes() + bytes <= OUTBOX_BYTES_MAX
            && self.queued.try_add(bytes)
    }

    /// Reserves bytes that the session is about to read from the store. Returns false if the gateway
    /// has no room for them.
    pub(super) fn reserve_page(&mut self, bytes: usize) -> bool {
        self.taken.try_add(bytes)
    }

    /// Drops what is queued, and takes nothing any more. The first reason stands.
    pub(super) fn finish(&mut self, ending: Ending) {
        self.ending.get_or_insert(ending);
        self.queue.clear();
        drop(self.queued.take());
    }

    /// Queues an ephemeral event. Returns false if there is no room for it.
    pub(super) fn offer_ephemeral(&mut self, bytes: &Bytes) -> bool {
        let has_room = self.ending.is_none() && self.reserve(bytes.len());
        if has_room {
            self.queue.push_back(Item::Ephemeral(bytes.clone()));
        }
        has_room
    }

    /// Sends the entries that are next, or queues them. Returns true if the session has something new
    /// to do.
    pub(super) fn offer(&mut self, delivery: &Delivery, reader: UserId) -> bool {
        if self.ending.is_some() {
            return false;
        }
        let conversation = delivery.conversation;
        // One lookup for all of them: this runs for each listener of a conversation.
        let Some(position) = self.positions.get_mut(&conversation) else { return false };
        if self.is_waiting
            && self.queue.is_empty()
            && let Some(transport) = &self.transport
        {
            match position.send(delivery, &**transport) {
                Sent::All => return false,
                Sent::Partly => {
                    self.must_ping = true;
                    return true;
                }
                Sent::Nothing => {}
            }
        }
        let mut position = *position;
        let queued_before = position.queued;
        let mut has_room = true;
        let mut is_whole = true;
        for frame in &delivery.frames {
            match position.note(frame, reader) {
                Offer::Stale => {}
                Offer::Next if self.reserve(frame.bytes.len()) => {
                    position.queued = frame.seq;
                    self.queue.push_back(Item::Entry(frame.clone()));
                }
                Offer::Next if is_planted(Bug::DropsSilently) => position.queued = frame.seq,
                Offer::Next => (has_room, is_whole) = (false, false),
                Offer::Gap => is_whole = false,
            }
        }
        self.positions.insert(conversation, position);
        if !has_room {
            self.overflow();
        }
        if !is_whole {
            self.fall_behind(conversation);
        }
        !is_whole || position.queued > queued_before
    }

    /// Drops the queue: its conversations are read from the store instead.
    fn overflow(&mut self) {
        let dropped = std::mem::take(&mut self.queue);
        drop(self.queued.take());
        for item in dropped {
            if let Item::Entry(frame) = item {
                self.fall_behind(frame.conversation);
            }
        }
    }

    /// Marks a conversation as behind, and drops what is queued of it.
    pub(super) fn fall_behind(&mut self, conversation: ConversationId) {
        let Some(position) = self.positions.get_mut(&conversation) else { return };
        if !position.is_behind {
            position.is_behind = true;
            position.head = position.head.max(position.queued);
            position.queued = position.delivered;
            self.behind.push_back(conversation);
            // Whatever is still queued of it would be delivered twice.
            self.drop_queued(conversation);
        }
    }

    /// Drops the queued entries of a conversation.
    pub(super) fn drop_queued(&mut self, conversation: ConversationId) {
        let queued = &mut self.queued;
        self.queue.retain(|item| match item {
            Item::Entry(frame) if frame.conversation == conversation => {
                queued.release(frame.bytes.len());
                false
            }
            Item::Entry(_) | Item::Ephemeral(_) => true,
        });
    }

    /// Returns what the session should do now, or `None` if there is nothing.
    pub(super) fn next(&mut self) -> Option<Next> {
        drop(self.taken.take());
        if let Some(ending) = self.ending {
            return Some(Next::Ended(ending));
        }
        if !self.queue.is_empty() {
            return Some(self.take_frames());
        }
        if let Some(lag) = self.first_behind() {
            return Some(Next::Behind(lag));
        }
        // Both stay until the session marks them as done: it must find them again after a failed
        // read, or when it was cancelled.
        if let Some(conversation) = self.shows.front() {
            return Some(Next::Show(*conversation));
        }
        self.rechecks.front().copied().map(Next::Recheck)
    }

    /// Takes everything that is queued, as delivered.
    fn take_frames(&mut self) -> Next {
        let queue = std::mem::take(&mut self.queue);
        self.taken = self.queued.take();
        let mut frames = Vec::with_capacity(queue.len());
        let mut follow_ups = Vec::new();
        for item in queue {
            frames.push(match item {
                Item::Ephemeral(bytes) => bytes,
                Item::Entry(frame) => self.deliver(frame, &mut follow_ups),
            });
        }
        Next::Frames(frames, follow_ups)
    }

    fn deliver(
        &mut self,
        frame: Frame,
        follow_ups: &mut Vec<(ConversationId, Seq, FollowUp)>,
    ) -> Bytes {
        if let Some(position) = self.positions.get_mut(&frame.conversation) {
            position.delivered = frame.seq;
            if position.delivered == position.left {
                self.positions.remove(&frame.conversation);
            }
        }
        if frame.follow_up != FollowUp::None {
            follow_ups.push((frame.conversation, frame.seq, frame.follow_up));
        }
        frame.bytes
    }

    /// Removes a conversation from those to read from the store.
    pub(super) fn remove_behind(&mut self, conversation: ConversationId) {
        // Nearly always the first: there may be thousands of others.
        if self.behind.front() == Some(&conversation) {
            self.behind.pop_front();
        } else {
            self.behind.retain(|one| *one != conversation);
        }
    }

    /// Returns the conversation to read next from the store.
    fn first_behind(&self) -> Option<Lag> {
        let conversation = *self.behind.front()?;
        let position = self.positions.get(&conversation)?;
        Some(Lag {
            conversation,
            after: position.delivered,
            head: position.head,
            is_new: position.is_new,
        })
    }
}
