//! Each entry is delivered once and in order, whatever is offered.

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
    /// An entry this far below the head is offered.
    Offer(u64),
    /// The session takes what is there.
    Read,
    /// The session reads a page from the store.
    Page,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        3 => Just(Step::Append),
        4 => (0..40_u64).prop_map(Step::Offer),
        2 => Just(Step::Read),
        1 => Just(Step::Page),
    ];
    proptest::collection::vec(step, 0..300)
}

fn conversation() -> ConversationId {
    ConversationId::new(1).unwrap()
}

fn frame(seq: u64, bytes: usize) -> Frame {
    Frame {
        bytes: vec![b'x'; bytes].into(),
        conversation: conversation(),
        seq: Seq::new(seq),
        follow_up: FollowUp::Show,
    }
}

fn outbox() -> Outbox {
    let (user, login) = (UserId::new(1).unwrap(), LoginId::new(1).unwrap());
    Outbox::new(Identity { user, login })
}

/// Lets the session do one thing. Returns false if there was nothing to do.
fn run_once(outbox: &Outbox, head: u64, page: u64, got: &mut Vec<u64>) -> bool {
    match outbox.next() {
        Some(Next::Frames(_, follow_ups)) => {
            got.extend(follow_ups.iter().map(|(_, seq, _)| seq.get()));
            true
        }
        Some(Next::Behind(lag)) => {
            let to = head.min(lag.head.get()).min(lag.after.get() + page);
            got.extend(lag.after.get() + 1..=to);
            outbox.caught_up(&lag, Seq::new(to), to < lag.after.get() + page);
            true
        }
        Some(_) | None => false,
    }
}

proptest! {
    #[test]
    fn session_gets_each_entry_once_and_in_order(
        steps in steps(),
        bytes in prop_oneof![Just(10_usize), Just(OUTBOX_BYTES_MAX / 5)],
    ) {
        let (outbox, mut head, mut got) = (outbox(), 3, Vec::new());
        outbox.prepare(conversation());
        outbox.start(conversation(), Seq::ZERO, Seq::new(head), true);
        for step in steps {
            match step {
                Step::Append => head += 1,
                Step::Offer(back) => outbox.offer(&[frame(head.saturating_sub(back).max(1), bytes)]),
                Step::Read => { run_once(&outbox, head, PAGE_MAX as u64, &mut got); }
                Step::Page => { run_once(&outbox, head, 2, &mut got); }
            }
        }
        outbox.offer(&[frame(head, bytes)]);
        while run_once(&outbox, head, 7, &mut got) {}
        prop_assert_eq!(got, (1..=head).collect::<Vec<_>>());
    }
}

#[test]
fn entry_offered_before_the_start_is_delivered() {
    let (outbox, mut got) = (outbox(), Vec::new());
    outbox.prepare(conversation());
    outbox.offer(&[frame(6, 1)]);
    outbox.start(conversation(), Seq::new(5), Seq::new(5), false);
    while run_once(&outbox, 6, 10, &mut got) {}
    assert_eq!(got, [6]);
}

#[test]
fn overflow_frees_the_queue_and_keeps_its_bound() {
    let outbox = outbox();
    outbox.prepare(conversation());
    outbox.start(conversation(), Seq::ZERO, Seq::ZERO, false);
    for seq in 1..=2 * OUTBOX_EVENTS_MAX as u64 {
        outbox.offer(&[frame(seq, 1)]);
        assert!(outbox.contents.lock().queue.len() <= OUTBOX_EVENTS_MAX);
    }
    assert!(
        outbox.contents.lock().queue.is_empty(),
        "a conversation that is behind has nothing queued"
    );
    assert!(matches!(outbox.next(), Some(Next::Behind(_))));
}

#[test]
fn nothing_is_delivered_after_the_reader_left() {
    let outbox = outbox();
    let leave = |seq| Frame { follow_up: FollowUp::Leave(outbox.identity().user), ..frame(seq, 1) };
    outbox.prepare(conversation());
    outbox.start(conversation(), Seq::new(4), Seq::new(4), false);
    outbox.offer(&[leave(5), frame(6, 1), leave(7)]);
    outbox.offer(&[frame(8, 1)]);
    outbox.offer_ephemeral_in(conversation(), &Bytes::from_static(b"typing"));
    let Some(Next::Frames(frames, after)) = outbox.next() else { unreachable!() };
    assert_eq!((frames.len(), after[0].1), (1, Seq::new(5)));
    outbox.offer(&[frame(6, 1)]);
    assert!(outbox.next().is_none(), "a concurrent fan-out comes too late");
}

#[test]
fn overflowed_leave_is_read_from_the_store() {
    let outbox = outbox();
    outbox.prepare(conversation());
    outbox.start(conversation(), Seq::new(4), Seq::new(4), false);
    let leave = Frame { follow_up: FollowUp::Leave(outbox.identity().user), ..frame(5, 1) };
    outbox.offer(&[leave, frame(6, 1)]);
    let other = ConversationId::new(2).unwrap();
    outbox.prepare(other);
    outbox.start(other, Seq::new(4), Seq::new(4), false);
    outbox.offer(&[Frame { conversation: other, ..frame(5, OUTBOX_BYTES_MAX) }]);
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
    let is_woken = async || {
        let now = std::time::Duration::ZERO;
        tokio::time::timeout(now, outbox.woken()).await.is_ok()
    };
    outbox.prepare(conversation());
    outbox.offer(&[frame(5, 1)]);
    outbox.start(conversation(), Seq::new(5), Seq::new(5), false);
    outbox.offer(&[frame(4, 1), frame(5, 1)]);
    assert!(!is_woken().await);
    outbox.offer(&[frame(6, 1)]);
    assert!(is_woken().await);
    outbox.offer(&[frame(8, 1)]);
    assert!(is_woken().await, "the session has to read from the store");
    outbox.offer(&[frame(9, 1)]);
    assert!(!is_woken().await);
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
    outbox.prepare(conversation());
    outbox.start(conversation(), Seq::new(1), Seq::new(1), false);
    outbox.recheck(conversation());
    assert!(outbox.next().is_none(), "the conversation has started already");
}

#[test]
fn session_rechecks_each_difference_from_its_memberships() {
    let outbox = outbox();
    let id = |id| ConversationId::new(id).unwrap();
    for known in [1, 2] {
        outbox.prepare(id(known));
        outbox.start(id(known), Seq::new(1), Seq::new(1), false);
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
