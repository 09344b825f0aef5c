//! Entries go straight to the transport where nothing is queued before them.

use super::*;

/// Returns an outbox whose session waits, with everything up to `head` delivered.
fn waiting_outbox(transport: &Arc<Recorder>, head: u64) -> Outbox {
    let outbox = started_at(head);
    outbox.set_transport(transport.clone());
    assert!(outbox.next().is_none());
    outbox
}

#[test]
fn entries_are_sent_at_once_while_the_session_waits() {
    let transport = Recorder::new(Sent::All);
    let outbox = waiting_outbox(&transport, 4);
    offer(&outbox, &[frame(5, 8), frame(6, 8)]);
    offer(&outbox, &[frame(6, 8)]);
    offer(&outbox, &[frame(7, 8)]);
    assert_eq!(transport.got(), [5, 6, 7]);
    assert!(outbox.next().is_none());
    assert_eq!(outbox.cursors(), [(conversation(), Seq::new(7))]);
}

#[test]
fn entry_is_queued_while_earlier_events_are_unsent() {
    let transport = Recorder::new(Sent::All);
    let outbox = waiting_outbox(&transport, 4);
    outbox.offer_ephemeral(&Bytes::from_static(b"presence"));
    offer(&outbox, &[frame(5, 8)]);
    assert!(matches!(outbox.next(), Some(Next::Frames(frames, _)) if frames.len() == 2));
    // The session has taken both, and may not have sent them.
    offer(&outbox, &[frame(6, 8)]);
    assert_eq!(transport.got(), []);
    assert!(matches!(outbox.next(), Some(Next::Frames(..))));
    assert!(outbox.next().is_none());
    offer(&outbox, &[frame(7, 8)]);
    assert_eq!(transport.got(), [7]);
}

#[test]
fn entry_that_the_session_acts_on_is_queued() {
    let transport = Recorder::new(Sent::All);
    let outbox = waiting_outbox(&transport, 4);
    let renamed = Frame { follow_up: FollowUp::Show, ..frame(6, 8) };
    offer(&outbox, &[frame(5, 8), renamed]);
    assert_eq!(transport.got(), []);
    assert!(
        matches!(outbox.next(), Some(Next::Frames(frames, after)) if frames.len() == 2 && after.len() == 1)
    );
}

#[test]
fn entry_of_a_conversation_that_is_behind_is_read_from_the_store() {
    let transport = Recorder::new(Sent::All);
    let outbox = waiting_outbox(&transport, 4);
    offer(&outbox, &[frame(6, 8)]);
    offer(&outbox, &[frame(7, 8)]);
    assert_eq!(transport.got(), []);
    assert!(matches!(outbox.next(), Some(Next::Behind(_))));
}

#[test]
fn refused_entry_is_queued() {
    let transport = Recorder::new(Sent::Nothing);
    let outbox = waiting_outbox(&transport, 4);
    offer(&outbox, &[frame(5, 8)]);
    *transport.answer.lock() = Sent::All;
    offer(&outbox, &[frame(6, 8)]);
    assert_eq!(transport.got(), [], "an earlier entry is queued");
    assert!(matches!(outbox.next(), Some(Next::Frames(frames, _)) if frames.len() == 2));
}

#[tokio::test]
async fn session_is_woken_for_the_rest_of_an_entry() {
    let transport = Recorder::new(Sent::Partly);
    let outbox = waiting_outbox(&transport, 4);
    offer(&outbox, &[frame(5, 8)]);
    assert!(futures_util::poll!(std::pin::pin!(outbox.woken())).is_ready());
    assert!(outbox.take_ping());
    assert!(outbox.next().is_none(), "the entry is delivered");
}

#[test]
fn nothing_is_sent_through_a_removed_transport() {
    let transport = Recorder::new(Sent::All);
    let outbox = waiting_outbox(&transport, 4);
    outbox.remove_transport();
    transport.is_removed.store(true, Ordering::Relaxed);
    offer(&outbox, &[frame(5, 8)]);
    assert!(matches!(outbox.next(), Some(Next::Frames(..))));
}

#[test]
fn nothing_is_sent_or_queued_after_the_session_has_ended() {
    let transport = Recorder::new(Sent::All);
    let outbox = waiting_outbox(&transport, 4);
    outbox.finish(Ending::LoggedOut);
    offer(&outbox, &[frame(5, 8)]);
    outbox.offer_ephemeral(&Bytes::from_static(b"presence"));
    assert_eq!(transport.got(), []);
    assert!(outbox.contents.lock().queue.is_empty());
    assert!(matches!(outbox.next(), Some(Next::Ended(Ending::LoggedOut))));
}

#[test]
fn nothing_is_sent_before_the_conversation_starts() {
    let transport = Recorder::new(Sent::All);
    let outbox = waiting_outbox(&transport, 4);
    let other = ConversationId::new(2).unwrap();
    outbox.prepare(other);
    offer(&outbox, &[Frame { conversation: other, ..frame(1, 1) }]);
    assert_eq!(transport.got(), []);
}
