//! Whatever is offered, each entry is handed out once and in order.

use proptest::prelude::*;

use super::*;
use crate::{
    id::{LoginId, UserId},
    limits::PAGE_MAX,
};

/// What may happen to an outbox whose conversation has more and more entries.
#[derive(Debug, Clone)]
enum Step {
    /// The log grows by one.
    Append,
    /// An entry is offered, wherever it stands.
    Offer(u64),
    /// The session takes what there is.
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
        after: After::Show,
    }
}

fn outbox() -> Outbox {
    let (user, login) = (UserId::new(1).unwrap(), LoginId::new(1).unwrap());
    Outbox::new(Identity { user, login })
}

/// One look of a session; says whether there was anything.
fn look(outbox: &Outbox, head: u64, page: u64, got: &mut Vec<u64>) -> bool {
    match outbox.next() {
        Some(Next::Frames(_, after)) => {
            got.extend(after.iter().map(|(_, seq, _)| seq.get()));
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
    fn whatever_is_offered_the_session_gets_each_entry_once_and_in_order(
        steps in steps(),
        bytes in prop_oneof![Just(10_usize), Just(OUTBOX_BYTES_MAX / 5)],
    ) {
        let (outbox, mut head, mut got) = (outbox(), 3, Vec::new());
        outbox.begin(conversation());
        outbox.start(conversation(), Seq::ZERO, Seq::new(head), true);
        for step in steps {
            match step {
                Step::Append => head += 1,
                Step::Offer(back) => outbox.offer(&[frame(head.saturating_sub(back).max(1), bytes)]),
                Step::Read => { look(&outbox, head, PAGE_MAX as u64, &mut got); }
                Step::Page => { look(&outbox, head, 2, &mut got); }
            }
        }
        outbox.offer(&[frame(head, bytes)]);
        while look(&outbox, head, 7, &mut got) {}
        prop_assert_eq!(got, (1..=head).collect::<Vec<_>>());
    }
}

#[test]
fn what_is_offered_between_attaching_and_starting_is_not_missed() {
    let (outbox, mut got) = (outbox(), Vec::new());
    outbox.begin(conversation());
    outbox.offer(&[frame(6, 1)]);
    outbox.start(conversation(), Seq::new(5), Seq::new(5), false);
    while look(&outbox, 6, 10, &mut got) {}
    assert_eq!(got, [6]);
}

#[test]
fn overflow_frees_the_queue_and_keeps_its_bound() {
    let outbox = outbox();
    outbox.begin(conversation());
    outbox.start(conversation(), Seq::ZERO, Seq::ZERO, false);
    for seq in 1..=2 * OUTBOX_EVENTS_MAX as u64 {
        outbox.offer(&[frame(seq, 1)]);
        assert!(outbox.lock().queue.len() <= OUTBOX_EVENTS_MAX);
    }
    assert!(outbox.lock().queue.is_empty(), "behind: nothing of it is queued");
    assert!(matches!(outbox.next(), Some(Next::Behind(_))));
}

#[test]
fn nothing_after_the_readers_leaving_is_handed_out() {
    let outbox = outbox();
    let leave = |seq| Frame { after: After::Leave(outbox.identity().user), ..frame(seq, 1) };
    outbox.begin(conversation());
    outbox.start(conversation(), Seq::new(4), Seq::new(4), false);
    outbox.offer(&[leave(5), frame(6, 1), leave(7)]);
    outbox.offer(&[frame(8, 1)]);
    outbox.offer_moment_in(conversation(), &Bytes::from_static(b"typing"));
    let Some(Next::Frames(frames, after)) = outbox.next() else { unreachable!() };
    assert_eq!((frames.len(), after[0].1), (1, Seq::new(5)));
    outbox.offer(&[frame(6, 1)]);
    assert!(outbox.next().is_none(), "another thread's fan-out comes too late");
}

#[test]
fn leaving_that_overflows_is_read_from_the_store() {
    let outbox = outbox();
    outbox.begin(conversation());
    outbox.start(conversation(), Seq::new(4), Seq::new(4), false);
    let leave = Frame { after: After::Leave(outbox.identity().user), ..frame(5, 1) };
    outbox.offer(&[leave, frame(6, 1)]);
    let other = ConversationId::new(2).unwrap();
    outbox.begin(other);
    outbox.start(other, Seq::new(4), Seq::new(4), false);
    outbox.offer(&[Frame { conversation: other, ..frame(5, OUTBOX_BYTES_MAX) }]);
    let Some(Next::Behind(lag)) = outbox.next() else { unreachable!() };
    assert_eq!((lag.conversation, lag.after), (conversation(), Seq::new(4)));
    assert!(lag.head >= Seq::new(5));
}

#[test]
fn cursors_name_only_what_the_reader_has_been_shown() {
    let outbox = outbox();
    outbox.begin(conversation());
    outbox.start(conversation(), Seq::ZERO, Seq::new(3), true);
    assert_eq!(outbox.cursors(), []);
    let Some(Next::Behind(lag)) = outbox.next() else { unreachable!() };
    outbox.caught_up(&lag, Seq::new(2), false);
    assert_eq!(outbox.cursors(), [(conversation(), Seq::new(2))]);
}

#[test]
fn conversation_to_show_stays_until_it_has_been_shown() {
    let outbox = outbox();
    outbox.show(conversation());
    for _ in 0..2 {
        assert!(matches!(outbox.next(), Some(Next::Show(_))));
    }
    outbox.shown(conversation());
    assert!(outbox.next().is_none());
}

#[tokio::test]
async fn offer_that_queues_nothing_wakes_nobody() {
    let outbox = outbox();
    let is_woken = async || {
        let now = std::time::Duration::ZERO;
        tokio::time::timeout(now, outbox.woken()).await.is_ok()
    };
    outbox.begin(conversation());
    outbox.offer(&[frame(5, 1)]);
    outbox.start(conversation(), Seq::new(5), Seq::new(5), false);
    outbox.offer(&[frame(4, 1), frame(5, 1)]);
    assert!(!is_woken().await);
    outbox.offer(&[frame(6, 1)]);
    assert!(is_woken().await);
    outbox.offer(&[frame(8, 1)]);
    assert!(is_woken().await, "behind: there is something to read");
    outbox.offer(&[frame(9, 1)]);
    assert!(!is_woken().await);
}

#[test]
fn what_is_added_while_the_session_looks_is_looked_at_once_more() {
    let outbox = outbox();
    outbox.add(conversation());
    assert!(matches!(outbox.next(), Some(Next::Added(_))));
    for _ in 0..3 {
        outbox.add(conversation());
    }
    outbox.added(conversation());
    assert!(matches!(outbox.next(), Some(Next::Added(_))));
    outbox.added(conversation());
    assert!(outbox.next().is_none());
    outbox.begin(conversation());
    outbox.start(conversation(), Seq::new(1), Seq::new(1), false);
    outbox.add(conversation());
    assert!(outbox.next().is_none(), "it is known");
}

#[test]
fn session_looks_at_all_in_which_it_differs_from_the_store() {
    let outbox = outbox();
    let id = |id| ConversationId::new(id).unwrap();
    for known in [1, 2] {
        outbox.begin(id(known));
        outbox.start(id(known), Seq::new(1), Seq::new(1), false);
    }
    outbox.add(id(4));
    for _ in 0..2 {
        outbox.compare(&[id(2), id(3)].into());
    }
    let mut looked_at = Vec::new();
    while let Some(Next::Added(one)) = outbox.next() {
        outbox.added(one);
        looked_at.push(one.get());
    }
    looked_at.sort_unstable();
    assert_eq!(looked_at, [1, 3, 4]);
}
