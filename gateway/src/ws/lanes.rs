//! Commands of one socket that are in progress.
//!
//! Commands of one conversation take effect and are answered in their order; a slow one holds back
//! no other conversation's. Writes that follow each other go into the appender's queue at once, so
//! that they share its batches; whatever reads waits for the writes before it.

use std::{
    collections::{HashMap, VecDeque},
    fmt,
    future::Future,
    pin::Pin,
};

use chat_core::id::ConversationId;
use futures_util::{StreamExt, stream::FuturesUnordered};

/// A command on its way to its reply.
pub type Work = Pin<Box<dyn Future<Output = String> + Send>>;

/// A command that can be begun.
pub struct Job {
    /// Begins it: when this returns, a write is in its conversation's queue.
    pub begin: Box<dyn FnOnce() -> Work + Send>,
    /// Whether it may begin while writes before it are in progress.
    pub is_write: bool,
}

impl Job {
    /// A command that is answered already, and only waits for those before it.
    pub fn answered(reply: String) -> Self {
        let begin = Box::new(move || -> Work { Box::pin(std::future::ready(reply)) });
        // Writes may pass by: it takes no effect that they could see.
        Self { begin, is_write: true }
    }
}

impl fmt::Debug for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Job").field("is_write", &self.is_write).finish_non_exhaustive()
    }
}

/// Where a command stands: in the lane of its conversation, or in none.
type Place = Option<(ConversationId, u64)>;

/// A command that has begun, and the place its reply goes to.
type Running = Pin<Box<dyn Future<Output = (Place, String)> + Send>>;

/// Commands of one socket that are in progress.
#[derive(Debug, Default)]
pub struct Lanes {
    running: FuturesUnordered<Running>,
    by_conversation: HashMap<ConversationId, Lane>,
    in_progress: usize,
}

/// The commands of one conversation, oldest first.
#[derive(Debug, Default)]
struct Lane {
    slots: VecDeque<Slot>,
    /// The place of the oldest slot.
    first: u64,
}

#[derive(Debug)]
enum Slot {
    Waiting(Job),
    Running { is_write: bool },
    Answered(String),
}

impl Lanes {
    /// How many commands have no reply yet.
    pub const fn in_progress(&self) -> usize {
        self.in_progress
    }

    /// Takes a command, in the lane of its conversation if it is of one.
    pub fn take(&mut self, conversation: Option<ConversationId>, job: Job) {
        self.in_progress += 1;
        let Some(conversation) = conversation else {
            let work = (job.begin)();
            self.running.push(Box::pin(async move { (None, work.await) }));
            return;
        };
        let lane = self.by_conversation.entry(conversation).or_default();
        lane.slots.push_back(Slot::Waiting(job));
        lane.begin(conversation, &mut self.running);
    }

    /// The next replies that may be given; waits for ever where nothing is in progress.
    /// Cancel-safe.
    pub async fn replies(&mut self) -> Vec<String> {
        loop {
            let Some((place, reply)) = self.running.next().await else {
                return std::future::pending().await;
            };
            let replies = match place {
                None => vec![reply],
                Some((conversation, place)) => self.answered(conversation, place, reply),
            };
            if !replies.is_empty() {
                self.in_progress -= replies.len();
                return replies;
            }
        }
    }

    fn answered(&mut self, conversation: ConversationId, place: u64, reply: String) -> Vec<String> {
        let Some(lane) = self.by_conversation.get_mut(&conversation) else { return Vec::new() };
        let replies = lane.answered(place, reply);
        if lane.slots.is_empty() {
            self.by_conversation.remove(&conversation);
        } else {
            lane.begin(conversation, &mut self.running);
        }
        if self.by_conversation.is_empty() {
            self.by_conversation.shrink_to(0);
        }
        replies
    }
}

impl Lane {
    /// Begins what may begin: the oldest command, and writes behind nothing but writes.
    fn begin(&mut self, conversation: ConversationId, running: &mut FuturesUnordered<Running>) {
        let mut only_writes = true;
        for (slot, place) in self.slots.iter_mut().zip(self.first..) {
            let is_write = match slot {
                Slot::Answered(_) => continue,
                Slot::Running { is_write } => *is_write,
                Slot::Waiting(job) if place == self.first || (only_writes && job.is_write) => {
                    let is_write = job.is_write;
                    let begun = std::mem::replace(slot, Slot::Running { is_write });
                    running.extend(begun.run(conversation, place));
                    is_write
                }
                Slot::Waiting(_) => return,
            };
            only_writes &= is_write;
        }
    }

    /// Notes a reply, and gives those before which nothing is missing.
    fn answered(&mut self, place: u64, reply: String) -> Vec<String> {
        let index = usize::try_from(place - self.first).unwrap_or(usize::MAX);
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

impl Slot {
    /// Begins a waiting command.
    fn run(self, conversation: ConversationId, place: u64) -> Option<Running> {
        let Self::Waiting(job) = self else { return None };
        let (work, place) = ((job.begin)(), Some((conversation, place)));
        Some(Box::pin(async move { (place, work.await) }))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use tokio::sync::oneshot;

    use super::*;

    async fn reply_after(end: oneshot::Receiver<()>, name: &str) -> String {
        end.await.unwrap();
        name.to_owned()
    }

    struct Scene {
        lanes: Lanes,
        begun: Arc<Mutex<Vec<&'static str>>>,
    }

    impl Scene {
        fn new() -> Self {
            Self { lanes: Lanes::default(), begun: Arc::default() }
        }

        fn job(&mut self, lane: u64, name: &'static str, is_write: bool) -> oneshot::Sender<()> {
            let (done, end) = oneshot::channel();
            let log = self.begun.clone();
            let begin = Box::new(move || {
                log.lock().unwrap().push(name);
                Box::pin(reply_after(end, name)) as Work
            });
            self.lanes.take(ConversationId::new(lane), Job { begin, is_write });
            done
        }

        fn begun(&self) -> Vec<&'static str> {
            self.begun.lock().unwrap().clone()
        }
    }

    #[tokio::test]
    async fn replies_of_a_conversation_keep_the_order_of_its_commands() {
        let mut scene = Scene::new();
        let (a, b) = (scene.job(1, "a", true), scene.job(1, "b", true));
        assert_eq!(scene.begun(), ["a", "b"], "writes begin at once");
        b.send(()).unwrap();
        a.send(()).unwrap();
        let mut replies = Vec::new();
        while scene.lanes.in_progress() > 0 {
            replies.extend(scene.lanes.replies().await);
        }
        assert_eq!(replies, ["a", "b"]);
    }

    #[tokio::test]
    async fn read_waits_for_the_writes_before_it_and_holds_back_what_follows() {
        let mut scene = Scene::new();
        let (a, read, b) =
            (scene.job(1, "a", true), scene.job(1, "read", false), scene.job(1, "b", true));
        assert_eq!(scene.begun(), ["a"]);
        a.send(()).unwrap();
        assert_eq!(scene.lanes.replies().await, ["a"]);
        assert_eq!(scene.begun(), ["a", "read"]);
        read.send(()).unwrap();
        assert_eq!(scene.lanes.replies().await, ["read"]);
        assert_eq!(scene.begun(), ["a", "read", "b"]);
        b.send(()).unwrap();
        assert_eq!(scene.lanes.replies().await, ["b"]);
    }

    #[tokio::test]
    async fn slow_command_holds_back_no_other_conversation() {
        let mut scene = Scene::new();
        let (_slow, quick) = (scene.job(1, "slow", false), scene.job(2, "quick", false));
        quick.send(()).unwrap();
        assert_eq!(scene.lanes.replies().await, ["quick"]);
        assert_eq!(scene.lanes.in_progress(), 1);
    }
}
