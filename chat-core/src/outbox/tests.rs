//! Each entry is delivered once and in order, whatever is offered.

mod membership;
mod transport;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use proptest::prelude::*;

use super::*;
use crate::{
    id::{LoginId, UserId},
    limits::{OUTBOX_BYTES_MAX, OUTBOX_EVENTS_MAX, PAGE_MAX},
};

/// What may happen to an outbox while its conversation grows.
#[derive(Debug, Clone)]
enum Step {
    /// The log grows by one.
    Append,
    /// The entries from `back + count` to `back` below the head are offered together.
    Offer { back: u64, count: u64 },
    /// The session sends what it took before, and takes what is there.
    Read,
    /// The same, but a read from the store finds only two entries.
    Page,
    /// From now on the transport takes events, or takes none.
    Transport(bool),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => Just(Step::Append),
        2 => (0..40_u64, 0..4_u64).prop_map(|(back, count)| Step::Offer { back, count }),
        4 => (0..2_u64, 0..3_u64).prop_map(|(back, count)| Step::Offer { back, count }),
        4 => Just(Step::Read),
        1 => Just(Step::Page),
        1 => any::<bool>().prop_map(Step::Transport),
    ];
    proptest::collection::vec(step, 0..300)
}

fn conversation() -> ConversationId {
    ConversationId::new(1).unwrap()
}

/// Returns a frame whose bytes begin with its seq.
fn frame(seq: u64, bytes: usize) -> Frame {
    let mut text = seq.to_be_bytes().to_vec();
    text.resize(bytes.max(8), b'x');
    Frame {
        bytes: text.into(),
        conversation: conversation(),
        seq: Seq::new(seq),
        follow_up: FollowUp::None,
    }
}

fn seq_of(frame: &[u8]) -> u64 {
    u64::from_be_bytes(frame[..8].try_into().unwrap())
}

fn offer(outbox: &Outbox, frames: &[Frame]) {
    outbox.offer(&Delivery::new(frames.to_vec()).unwrap());
}

pub(crate) fn outbox() -> Outbox {
    let (user, login) = (UserId::new(1).unwrap(), LoginId::new(1).unwrap());
    Outbox::new(Identity { user, login }, &ByteBudget::new(usize::MAX, None))
}

/// Starts a conversation of which the client has everything.
fn start(outbox: &Outbox, conversation: ConversationId, head: u64) {
    outbox.prepare(conversation);
    outbox.start(conversation, Seq::new(head), Seq::new(head), false);
}

/// Returns an outbox in which the conversation has started at this head.
fn started_at(head: u64) -> Outbox {
    let outbox = outbox();
    start(&outbox, conversation(), head);
    outbox
}

/// Returns true if the session was woken since the last call.
async fn is_woken(outbox: &Outbox) -> bool {
    tokio::time::timeout(Duration::ZERO, outbox.woken()).await.is_ok()
}

/// A transport that records what it takes.
#[derive(Debug)]
struct Recorder {
    answer: Mutex<Sent>,
    got: Arc<Mutex<Vec<u64>>>,
    is_removed: AtomicBool,
}

impl Recorder {
    fn new(answer: Sent) -> Arc<Self> {
        let (answer, got) = (Mutex::new(answer), Arc::default());
        Arc::new(Self { answer, got, is_removed: AtomicBool::new(false) })
    }

    fn got(&self) -> Vec<u64> {
        self.got.lock().clone()
    }
}

impl Transport for Recorder {
    fn try_send(&self, events: &Bytes, count: usize) -> Sent {
        assert!(!self.is_removed.load(Ordering::Relaxed));
        let answer = *self.answer.lock();
        if answer != Sent::Nothing {
            self.got.lock().extend(events.chunks(events.len() / count).map(seq_of));
        }
        answer
    }
}

/// A session with a transport. What it takes from the outbox is sent a step later.
struct Reader {
    outbox: Outbox,
    transport: Arc<Recorder>,
    taken: Vec<u64>,
}

impl Reader {
    fn new() -> Self {
        let transport = Recorder::new(Sent::All);
        let outbox = outbox();
        outbox.set_transport(transport.clone());
        Self { outbox, transport, taken: Vec::new() }
    }

    /// Lets the session do one thing. Returns false if there was nothing to do.
    fn run_once(&mut self, head: u64, page: u64) -> bool {
        self.transport.got.lock().append(&mut self.taken);
        match self.outbox.next() {
            Some(Next::Frames(frames, _)) => {
                self.taken.extend(frames.iter().map(|frame| seq_of(frame)));
                true
            }
            Some(Next::Behind(lag)) => {
                let to = head.min(lag.head.get()).min(lag.after.get() + page);
                self.taken.extend(lag.after.get() + 1..=to);
                self.outbox.caught_up(&lag, Seq::new(to), to < lag.after.get() + page);
                true
            }
            Some(_) | None => false,
        }
    }
}

proptest! {
    #[test]
    fn session_gets_each_entry_once_and_in_order(
        steps in steps(),
        bytes in prop_oneof![Just(10_usize), Just(OUTBOX_BYTES_MAX / 5)],
    ) {
        let (mut reader, mut head) = (Reader::new(), 3);
        reader.outbox.prepare(conversation());
        reader.outbox.start(conversation(), Seq::ZERO, Seq::new(head), true);
        let frames = |from: u64, to: u64| -> Vec<_> {
            (from.max(1)..=to.max(1)).map(|seq| frame(seq, bytes)).collect()
        };
        for step in steps {
            match step {
                Step::Append => head += 1,
                Step::Offer { back, count } => {
                    let to = head.saturating_sub(back).max(1);
                    offer(&reader.outbox, &frames(to.saturating_sub(count), to));
                }
                Step::Read => { reader.run_once(head, PAGE_MAX as u64); }
                Step::Page => { reader.run_once(head, 2); }
                Step::Transport(takes) => {
                    *reader.transport.answer.lock() = if takes { Sent::All } else { Sent::Nothing };
                }
            }
        }
        offer(&reader.outbox, &frames(head, head));
        while reader.run_once(head, 7) {}
        prop_assert_eq!(reader.transport.got(), (1..=head).collect::<Vec<_>>());
    }
}

#[test]
fn entry_offered_before_the_start_is_delivered() {
    let mut reader = Reader::new();
    reader.outbox.prepare(conversation());
    offer(&reader.outbox, &[frame(6, 1)]);
    reader.outbox.start(conversation(), Seq::new(5), Seq::new(5), false);
    while reader.run_once(6, 10) {}
    assert_eq!(reader.transport.got(), [6]);
}

#[test]
fn overflow_frees_the_queue_and_keeps_its_bound() {
    let outbox = started_at(0);
    for seq in 1..=2 * OUTBOX_EVENTS_MAX as u64 {
        offer(&outbox, &[frame(seq, 1)]);
        assert!(outbox.contents.lock().queue.len() <= OUTBOX_EVENTS_MAX);
    }
    assert!(
        outbox.contents.lock().queue.is_empty(),
        "a conversation that is behind has nothing queued"
    );
    assert!(matches!(outbox.next(), Some(Next::Behind(_))));
}

#[test]
fn queue_holds_exactly_its_bytes() {
    let outbox = started_at(0);
    offer(&outbox, &[frame(1, OUTBOX_BYTES_MAX - 8)]);
    offer(&outbox, &[frame(2, 8)]);
    assert_eq!(outbox.contents.lock().queue.len(), 2);
    offer(&outbox, &[frame(3, 8)]);
    assert!(matches!(outbox.next(), Some(Next::Behind(_))));
}

#[test]
fn conversation_falls_behind_when_the_budget_of_the_gateway_is_used_up() {
    let budget = ByteBudget::new(100, None);
    let identity = outbox().identity();
    let outboxes = [(); 2].map(|()| Outbox::new(identity, &budget));
    for outbox in &outboxes {
        start(outbox, conversation(), 0);
    }
    offer(&outboxes[0], &[frame(1, 90)]);
    offer(&outboxes[1], &[frame(1, 90)]);
    assert!(matches!(outboxes[1].next(), Some(Next::Behind(_))));
    assert!(matches!(outboxes[0].next(), Some(Next::Frames(..))));
    assert_eq!(budget.used(), 90, "what the session took may be unsent");
    assert!(!outboxes[1].reserve_page(20));
    assert!(outboxes[0].next().is_none());
    assert_eq!(budget.used(), 0);
    assert!(outboxes[1].reserve_page(20));
    drop(outboxes);
    assert_eq!(budget.used(), 0);
}

#[test]
fn nothing_is_delivered_after_the_reader_left() {
    let outbox = started_at(4);
    let leave = |seq| Frame { follow_up: FollowUp::Leave(outbox.identity().user), ..frame(seq, 1) };
    offer(&outbox, &[leave(5), frame(6, 1), leave(7)]);
    offer(&outbox, &[frame(8, 1)]);
    outbox.offer_ephemeral_in(conversation(), &Bytes::from_static(b"typing"));
    let Some(Next::Frames(frames, after)) = outbox.next() else { unreachable!() };
    assert_eq!((frames.len(), after[0].1), (1, Seq::new(5)));
    offer(&outbox, &[frame(6, 1)]);
    assert!(outbox.next().is_none(), "a concurrent fan-out comes too late");
}

#[test]
fn overflowed_leave_is_read_from_the_store() {
    let outbox = started_at(4);
    let leave = Frame { follow_up: FollowUp::Leave(outbox.identity().user), ..frame(5, 1) };
    offer(&outbox, &[leave, frame(6, 1)]);
    let other = ConversationId::new(2).unwrap();
    start(&outbox, other, 4);
    offer(&outbox, &[Frame { conversation: other, ..frame(5, OUTBOX_BYTES_MAX) }]);
    let Some(Next::Behind(lag)) = outbox.next() else { unreachable!() };
    assert_eq!((lag.conversation, lag.after), (conversation(), Seq::new(4)));
    assert!(lag.head >= Seq::new(5));
}

#[test]
fn cursors_name_only_delivered_conversations() {
    let outbox = outbox();
    outbox.prepare(conversation());
    outbox.start(conversation(), Seq::ZERO, Seq::new(3), true);
    assert_eq!(outbox.cursors(), []);
    let Some(Next::Behind(lag)) = outbox.next() else { unreachable!() };
    outbox.caught_up(&lag, Seq::new(2), false);
    assert_eq!(outbox.cursors(), [(conversation(), Seq::new(2))]);
}

#[test]
fn conversation_to_show_stays_until_it_is_marked_shown() {
    let outbox = outbox();
    outbox.show(conversation());
    for _ in 0..2 {
        assert!(matches!(outbox.next(), Some(Next::Show(_))));
    }
    outbox.mark_shown(conversation());
    assert!(outbox.next().is_none());
}

#[tokio::test]
async fn offer_that_queues_nothing_wakes_no_session() {
    let outbox = outbox();
    outbox.prepare(conversation());
    offer(&outbox, &[frame(5, 1)]);
    outbox.start(conversation(), Seq::new(5), Seq::new(5), false);
    offer(&outbox, &[frame(4, 1), frame(5, 1)]);
    assert!(!is_woken(&outbox).await);
    offer(&outbox, &[frame(6, 1)]);
    assert!(is_woken(&outbox).await);
    offer(&outbox, &[frame(8, 1)]);
    assert!(is_woken(&outbox).await, "the session has to read from the store");
    offer(&outbox, &[frame(9, 1)]);
    assert!(!is_woken(&outbox).await);
}

#[test]
fn change_during_a_recheck_is_checked_again() {
    let outbox = outbox();
    outbox.recheck(conversation());
    assert!(matches!(outbox.next(), Some(Next::Recheck(_))));
    for _ in 0..3 {
        outbox.recheck(conversation());
    }
    outbox.mark_rechecked(conversation());
    assert!(matches!(outbox.next(), Some(Next::Recheck(_))));
    outbox.mark_rechecked(conversation());
    assert!(outbox.next().is_none());
    start(&outbox, conversation(), 1);
    outbox.recheck(conversation());
    assert!(outbox.next().is_none(), "the conversation has started already");
}

#[test]
fn session_rechecks_each_difference_from_its_memberships() {
    let outbox = outbox();
    let id = |id| ConversationId::new(id).unwrap();
    for known in [1, 2] {
        start(&outbox, id(known), 1);
    }
    outbox.recheck(id(4));
    for _ in 0..2 {
        outbox.recheck_against(&[id(2), id(3)].into());
    }
    let mut rechecked = Vec::new();
    while let Some(Next::Recheck(one)) = outbox.next() {
        outbox.mark_rechecked(one);
        rechecked.push(one.get());
    }
    rechecked.sort_unstable();
    assert_eq!(rechecked, [1, 3, 4]);
}
