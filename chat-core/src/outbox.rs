//! The bounded queue in front of one session.
//!
//! Nobody waits for a slow reader. For each conversation the outbox knows the last seq delivered and
//! the last seq queued, and it only ever queues the next one. After anything else (an overflow, a
//! gap, a session that just opened) the conversation is *behind*: nothing of it is queued, and the
//! session reads it from the store until it has reached the head. So there is no gap and no repeat,
//! whatever is offered in whatever order.
//!
//! A fan-out passes entries straight to the transport where nothing is queued before them. Everything
//! else goes through the queue and wakes the session.
//!
//! A conversation ends for its reader with the entry by which the reader leaves. Later entries are
//! not queued; the seq decides, not the time. Joining again restarts the conversation.

mod contents;
mod follow_up;
mod frame;
mod next;
mod offer;
mod position;
mod transport;

use std::{
    collections::HashSet,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::sync::Notify;

use self::{contents::Contents, position::Position};
pub(crate) use self::{
    follow_up::FollowUp,
    frame::{Delivery, Frame},
    next::{Lag, Next},
    offer::Offer,
};
pub use self::{
    next::Ending,
    transport::{Sent, Transport},
};
use crate::{
    budget::ByteBudget,
    id::ConversationId,
    model::{Identity, Seq},
};

/// The bounded queue in front of one session.
#[derive(Debug)]
pub struct Outbox {
    identity: Identity,
    contents: Mutex<Contents>,
    wake: Notify,
    /// False if the session does not receive what others have read.
    shows_reads: AtomicBool,
}

impl Outbox {
    /// Creates an empty outbox for a session of this identity. What it holds counts against the
    /// budget.
    pub fn new(identity: Identity, budget: &Arc<ByteBudget>) -> Self {
        Self {
            identity,
            contents: Mutex::new(Contents::new(budget)),
            wake: Notify::new(),
            shows_reads: AtomicBool::new(true),
        }
    }

    /// Returns whose session it is.
    pub const fn identity(&self) -> Identity {
        self.identity
    }

    /// Sets whether the session receives what others have read.
    pub(crate) fn show_reads(&self, are_shown: bool) {
        self.shows_reads.store(are_shown, Ordering::Relaxed);
    }

    /// Returns whether the session receives what others have read.
    pub(crate) fn shows_reads(&self) -> bool {
        self.shows_reads.load(Ordering::Relaxed)
    }

    /// Prepares a conversation: from now on offered entries are noted, and delivered after
    /// [`Self::start`]. Returns false if it was prepared before.
    pub(crate) fn prepare(&self, conversation: ConversationId) -> bool {
        self.contents.lock().positions.insert(conversation, Position::default()).is_none()
    }

    /// Starts a prepared conversation. The client has everything up to `after`, and the feed is at
    /// `head`.
    pub(crate) fn start(&self, conversation: ConversationId, after: Seq, head: Seq, is_new: bool) {
        let mut contents = self.contents.lock();
        let Some(position) = contents.positions.get_mut(&conversation) else { return };
        let head = position.head.max(head);
        let is_behind = is_new || head > after;
        *position = Position {
            delivered: after,
            queued: after,
            head,
            left: position.left,
            is_started: true,
            is_behind,
            is_new,
        };
        if is_behind {
            contents.behind.push_back(conversation);
            drop(contents);
            self.wake.notify_one();
        }
    }

    /// Starts a prepared conversation that the user has hidden at this head. The next entry shows it.
    pub(crate) fn start_hidden(&self, conversation: ConversationId, head: Seq) {
        self.start(conversation, head, head, false);
        self.hide(conversation);
    }

    /// Keeps a conversation from the client until its next entry. Returns false if it is hidden or
    /// about to be shown.
    pub(crate) fn hide(&self, conversation: ConversationId) -> bool {
        let mut contents = self.contents.lock();
        let Some(position) = contents.positions.get_mut(&conversation) else { return false };
        let hides = position.is_started && !position.is_behind && !position.is_new;
        position.is_new |= hides;
        let is_newer = position.head > position.delivered;
        if hides && is_newer {
            contents.fall_behind(conversation);
            drop(contents);
            self.wake.notify_one();
        }
        hides
    }

    /// Returns true if the conversation has started.
    pub(crate) fn follows(&self, conversation: ConversationId) -> bool {
        self.contents
            .lock()
            .positions
            .get(&conversation)
            .is_some_and(|position| position.is_started)
    }

    /// Removes a conversation, and drops what is queued of it.
    pub(crate) fn remove(&self, conversation: ConversationId) {
        let mut contents = self.contents.lock();
        contents.positions.remove(&conversation);
        contents.remove_behind(conversation);
        contents.drop_queued(conversation);
    }

    /// Offers entries. Never waits.
    pub(crate) fn offer(&self, delivery: &Delivery) {
        if self.contents.lock().offer(delivery, self.identity.user) {
            self.wake.notify_one();
        }
    }

    /// Lets fan-outs send through this transport while the session waits. From here on the session's
    /// batches must be sent through it too.
    pub fn set_transport(&self, transport: Arc<dyn Transport>) {
        self.contents.lock().transport = Some(transport);
    }

    /// Ends what [`Self::set_transport`] allowed. Nothing is sent through the transport afterwards.
    pub fn remove_transport(&self) {
        self.contents.lock().transport = None;
    }

    /// Offers an ephemeral event, and drops it if there is no room.
    pub fn offer_ephemeral(&self, bytes: &Bytes) {
        if self.contents.lock().offer_ephemeral(bytes) {
            self.wake.notify_one();
        }
    }

    /// Offers an ephemeral event of a conversation, if the reader is a member of it.
    pub(crate) fn offer_ephemeral_in(&self, conversation: ConversationId, bytes: &Bytes) {
        let mut contents = self.contents.lock();
        let is_member =
            contents.positions.get(&conversation).is_some_and(|position| !position.is_leaving());
        if is_member && contents.offer_ephemeral(bytes) {
            drop(contents);
            self.wake.notify_one();
        }
    }

    /// Has the session check a conversation that its user may have been added to.
    pub(crate) fn recheck(&self, conversation: ConversationId) {
        let mut contents = self.contents.lock();
        let is_started =
            contents.positions.get(&conversation).is_some_and(|position| position.is_started);
        // The session may be checking the first one already, with an older read.
        let is_known = contents.rechecks.iter().skip(1).any(|one| *one == conversation);
        if !is_started && !is_known {
            contents.rechecks.push_back(conversation);
            drop(contents);
            self.wake.notify_one();
        }
    }

    /// Has the session check a conversation in which its user has agreed to something.
    pub(crate) fn recheck_consent(&self, conversation: ConversationId) {
        let mut contents = self.contents.lock();
        if !contents.rechecks.iter().skip(1).any(|one| *one == conversation) {
            contents.rechecks.push_back(conversation);
        }
        drop(contents);
        self.wake.notify_one();
    }

    /// Has the session deliver a conversation up to the store's head, and with it the entry by which
    /// the reader has left. Returns false if that entry is delivered already, or is not among those that
    /// are queued.
    pub(crate) fn catch_up_to(&self, conversation: ConversationId, head: Seq) -> bool {
        let mut contents = self.contents.lock();
        let Some(position) = contents.positions.get_mut(&conversation) else { return false };
        position.head = position.head.max(head);
        if position.is_leaving() && !position.is_behind {
            return true;
        }
        let is_past = !position.is_behind && head <= position.queued;
        if !is_past {
            contents.fall_behind(conversation);
        }
        !is_past
    }

    /// Has the session check every conversation in which it differs from its user's memberships.
    pub(crate) fn recheck_against(&self, memberships: &HashSet<ConversationId>) {
        let mut contents = self.contents.lock();
        let started = contents.positions.iter().filter(|(_, position)| position.is_started);
        let started: HashSet<_> = started.map(|(conversation, _)| *conversation).collect();
        contents.rechecks.retain(|one| !(memberships.contains(one) && started.contains(one)));
        let known: HashSet<_> = contents.rechecks.iter().copied().collect();
        let differ = memberships.symmetric_difference(&started).filter(|one| !known.contains(*one));
        let mut differ: Vec<_> = differ.copied().collect();
        differ.sort_unstable();
        contents.rechecks.extend(differ);
        let has_any = !contents.rechecks.is_empty();
        drop(contents);
        if has_any {
            self.wake.notify_one();
        }
    }

    /// Has the session send the conversation object again.
    pub(crate) fn show(&self, conversation: ConversationId) {
        let mut contents = self.contents.lock();
        if !contents.shows.contains(&conversation) {
            contents.shows.push_back(conversation);
        }
        drop(contents);
        self.wake.notify_one();
    }

    /// Ends the session: nothing more is sent, also of what is queued. The first reason stands.
    pub fn finish(&self, ending: Ending) {
        self.contents.lock().finish(ending);
        self.wake.notify_one();
    }

    /// Wakes the session to check its transport.
    pub fn ping(&self) {
        self.contents.lock().must_ping = true;
        self.wake.notify_one();
    }

    /// Returns true once after each [`Self::ping`].
    pub fn take_ping(&self) -> bool {
        std::mem::take(&mut self.contents.lock().must_ping)
    }

    /// Waits until something has changed since the last call. Cancel-safe.
    pub(crate) async fn woken(&self) {
        self.wake.notified().await;
    }

    /// Returns what the session should do now, or `None` if there is nothing. By calling this the
    /// session says that it has sent what it took before.
    pub(crate) fn next(&self) -> Option<Next> {
        let mut contents = self.contents.lock();
        let next = contents.next();
        contents.is_waiting = next.is_none();
        next
    }

    /// Reserves the bytes of a page, until the session calls [`Self::next`] again. Returns false if the
    /// gateway has no room for them.
    pub(crate) fn reserve_page(&self, bytes: usize) -> bool {
        self.contents.lock().reserve_page(bytes)
    }

    /// Records that the conversation object was sent.
    pub(crate) fn mark_shown(&self, conversation: ConversationId) {
        let mut contents = self.contents.lock();
        if contents.shows.front() == Some(&conversation) {
            contents.shows.pop_front();
        }
    }

    /// Records that the conversation's membership was checked.
    pub(crate) fn mark_rechecked(&self, conversation: ConversationId) {
        let mut contents = self.contents.lock();
        if contents.rechecks.front() == Some(&conversation) {
            contents.rechecks.pop_front();
        }
    }

    /// Records that the session has delivered what the store had of this lag, up to `to`. The
    /// conversation is live again if nothing newer is known; otherwise it is read again in its turn.
    /// `is_all` says that the store had no more, so that a newer head came from a false hint.
    pub(crate) fn caught_up(&self, lag: &Lag, to: Seq, is_all: bool) {
        let mut contents = self.contents.lock();
        contents.remove_behind(lag.conversation);
        let Some(position) = contents.positions.get_mut(&lag.conversation) else { return };
        position.delivered = position.delivered.max(to);
        position.queued = position.delivered;
        position.is_new = false;
        if is_all && position.head == lag.head {
            position.head = position.delivered;
        }
        position.is_behind = position.head > position.delivered;
        if position.is_behind {
            contents.behind.push_back(lag.conversation);
        }
    }

    /// Returns the last delivered seq of each conversation that the client knows.
    pub(crate) fn cursors(&self) -> Vec<(ConversationId, Seq)> {
        let contents = self.contents.lock();
        let known = contents
            .positions
            .iter()
            .filter(|(_, position)| position.is_started && !position.is_new);
        known.map(|(id, position)| (*id, position.delivered)).collect()
    }

    /// Returns the prepared conversations.
    pub(crate) fn conversations(&self) -> Vec<ConversationId> {
        self.contents.lock().positions.keys().copied().collect()
    }
}

#[cfg(test)]
pub(crate) mod tests;
