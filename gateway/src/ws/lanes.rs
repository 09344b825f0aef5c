//! The commands of one socket that are in progress.
//!
//! Commands of one conversation take effect and are answered in order. A slow command delays no
//! other conversation. Consecutive writes are queued in the appender at once, so that they share its
//! batches; any other command waits for the writes before it.

use std::{
    collections::VecDeque,
    pin::Pin,
    task::{Context, Poll},
};

use chat_core::id::ConversationId;
use futures_util::{StreamExt, future::BoxFuture, ready, stream::FuturesUnordered};

/// A command that can be begun, and then gives the text of its reply.
pub(super) trait Work {
    /// Returns true if it may begin while earlier writes of its conversation are in progress.
    fn is_write(&self) -> bool;

    /// Begins the command. When this returns, a write is in its conversation's queue.
    fn begin(self) -> BoxFuture<'static, String>;
}

/// The commands of one socket that are in progress.
#[derive(Debug)]
pub(super) struct Lanes<W> {
    running: FuturesUnordered<Running>,
    /// The conversations with commands in progress: few, so a list is cheaper than a map.
    by_conversation: Vec<(ConversationId, Lane<W>)>,
    in_progress: usize,
}

/// The commands of one conversation, oldest first.
#[derive(Debug)]
struct Lane<W> {
    slots: VecDeque<Slot<W>>,
    /// The number of the oldest slot.
    first: u64,
}

#[derive(Debug)]
enum Slot<W> {
    Waiting(W),
    Running { is_write: bool },
    Answered(String),
}

/// A command that has begun, and the slot for its reply; none if it belongs to no conversation.
struct Running {
    slot: Option<(ConversationId, u64)>,
    reply: BoxFuture<'static, String>,
}

impl Future for Running {
    type Output = (Option<(ConversationId, u64)>, String);

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let reply = ready!(self.reply.as_mut().poll(context));
        Poll::Ready((self.slot, reply))
    }
}

impl<W> Default for Lanes<W> {
    fn default() -> Self {
        Self { running: FuturesUnordered::new(), by_conversation: Vec::new(), in_progress: 0 }
    }
}

impl<W: Work> Lanes<W> {
    /// Returns how many commands have no reply yet.
    pub(super) const fn in_progress(&self) -> usize {
        self.in_progress
    }

    /// Adds a command, in the lane of its conversation if it belongs to one, and begins it as soon
    /// as its order allows.
    pub(super) fn push(&mut self, conversation: Option<ConversationId>, work: W) {
        self.in_progress += 1;
        let Some(conversation) = conversation else {
            self.running.push(Running { slot: None, reply: work.begin() });
            return;
        };
        let known = self.by_conversation.iter().position(|(id, _)| *id == conversation);
        let index = known.unwrap_or_else(|| {
            self.by_conversation.push((conversation, Lane { slots: VecDeque::new(), first: 0 }));
            self.by_conversation.len() - 1
        });
        if let Some((_, lane)) = self.by_conversation.get_mut(index) {
            lane.slots.push_back(Slot::Waiting(work));
            lane.begin_ready(conversation, &mut self.running);
        }
    }

    /// Waits for the next replies that may be sent; forever if nothing is in progress. Cancel-safe.
    pub(super) async fn replies(&mut self) -> Vec<String> {
        loop {
            let Some((slot, reply)) = self.running.next().await else {
                return std::future::pending().await;
            };
            let replies = match slot {
                None => vec![reply],
                Some((conversation, number)) => self.complete(conversation, number, reply),
            };
            if !replies.is_empty() {
                self.in_progress -= replies.len();
                return replies;
            }
        }
    }

    fn complete(
        &mut self,
        conversation: ConversationId,
        number: u64,
        reply: String,
    ) -> Vec<String> {
        let known = self.by_conversation.iter().position(|(id, _)| *id == conversation);
        let Some(index) = known else { return Vec::new() };
        let (_, lane) = &mut self.by_conversation[index];
        let replies = lane.complete(number, reply);
        if lane.slots.is_empty() {
            self.by_conversation.swap_remove(index);
        } else {
            lane.begin_ready(conversation, &mut self.running);
        }
        if self.by_conversation.is_empty() {
            self.by_conversation = Vec::new();
        }
        replies
    }
}

impl<W: Work> Lane<W> {
    /// Begins what may begin: the oldest command, and writes that have only writes before them.
    fn begin_ready(
        &mut self,
        conversation: ConversationId,
        running: &mut FuturesUnordered<Running>,
    ) {
        let mut only_writes = true;
        for (slot, number) in self.slots.iter_mut().zip(self.first..) {
            let is_write = match slot {
                Slot::Answered(_) => continue,
                Slot::Running { is_write } => *is_write,
                Slot::Waiting(work) => work.is_write(),
            };
            only_writes &= is_write;
            if !matches!(slot, Slot::Waiting(_)) {
                continue;
            }
            if number != self.first && !only_writes {
                return;
            }
            if let Slot::Waiting(work) = std::mem::replace(slot, Slot::Running { is_write }) {
                let reply = work.begin();
                running.push(Running { slot: Some((conversation, number)), reply });
            }
        }
    }

    /// Stores a reply, and returns the replies before which none is missing.
    fn complete(&mut self, number: u64, reply: String) -> Vec<String> {
        let index = usize::try_from(number - self.first).unwrap_or(usize::MAX);
        if let Some(slot) = self.slots.get_mut(index) {
            *slot = Slot::Answered(reply);
        }
        let mut replies = Vec::new();
        while let Some(Slot::Answered(_)) = self.slots.front() {
            if let Some(Slot::Answered(reply)) = self.slots.pop_front() {
                replies.push(reply);
            }
            self.first += 1;
        }
        replies
    }
}

impl std::fmt::Debug for Running {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Running").field("slot", &self.slot).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use parking_lot::Mutex;
    use tokio::sync::oneshot;

    use super::*;

    #[derive(Debug)]
    struct Step {
        name: &'static str,
        is_write: bool,
        begun: Arc<Mutex<Vec<&'static str>>>,
        end: oneshot::Receiver<()>,
    }

    impl Work for Step {
        fn is_write(&self) -> bool {
            self.is_write
        }

        fn begin(self) -> BoxFuture<'static, String> {
            self.begun.lock().push(self.name);
            Box::pin(async move {
                self.end.await.unwrap();
                self.name.to_owned()
            })
        }
    }

    #[derive(Default)]
    struct Scene {
        lanes: Lanes<Step>,
        begun: Arc<Mutex<Vec<&'static str>>>,
    }

    impl Scene {
        fn push(&mut self, lane: u64, name: &'static str, is_write: bool) -> oneshot::Sender<()> {
            let (done, end) = oneshot::channel();
            let begun = self.begun.clone();
            self.lanes.push(ConversationId::new(lane), Step { name, is_write, begun, end });
            done
        }

        fn begun(&self) -> Vec<&'static str> {
            self.begun.lock().clone()
        }
    }

    #[tokio::test]
    async fn replies_keep_the_order_of_a_conversations_commands() {
        let mut scene = Scene::default();
        let first = scene.push(1, "a", true);
        let second = scene.push(1, "b", true);
        assert_eq!(scene.begun(), ["a", "b"], "writes begin at once");
        second.send(()).unwrap();
        first.send(()).unwrap();
        let mut replies = Vec::new();
        while scene.lanes.in_progress() > 0 {
            replies.extend(scene.lanes.replies().await);
        }
        assert_eq!(replies, ["a", "b"]);
    }

    #[tokio::test]
    async fn read_waits_for_earlier_writes_and_delays_later_ones() {
        let mut scene = Scene::default();
        let first = scene.push(1, "a", true);
        let read = scene.push(1, "read", false);
        let last = scene.push(1, "b", true);
        assert_eq!(scene.begun(), ["a"]);
        first.send(()).unwrap();
        assert_eq!(scene.lanes.replies().await, ["a"]);
        assert_eq!(scene.begun(), ["a", "read"]);
        read.send(()).unwrap();
        assert_eq!(scene.lanes.replies().await, ["read"]);
        assert_eq!(scene.begun(), ["a", "read", "b"]);
        last.send(()).unwrap();
        assert_eq!(scene.lanes.replies().await, ["b"]);
    }

    #[tokio::test]
    async fn slow_command_delays_no_other_conversation() {
        let mut scene = Scene::default();
        let _slow = scene.push(1, "slow", false);
        let quick = scene.push(2, "quick", false);
        quick.send(()).unwrap();
        assert_eq!(scene.lanes.replies().await, ["quick"]);
        assert_eq!(scene.lanes.in_progress(), 1);
    }
}
