//! Conversations that are hidden, left, behind or checked again.

use super::*;

fn lag(outbox: &Outbox) -> Lag {
    let Some(Next::Behind(lag)) = outbox.next() else { unreachable!() };
    lag
}

#[test]
fn hidden_conversation_is_shown_by_its_next_entry() {
    let hidden_later = started_at(4);
    assert!(hidden_later.hide(conversation()));
    let hidden_at_start = outbox();
    hidden_at_start.prepare(conversation());
    hidden_at_start.start_hidden(conversation(), Seq::new(4));
    for outbox in [hidden_later, hidden_at_start] {
        assert!(!outbox.hide(conversation()), "it is hidden already");
        assert!(outbox.next().is_none());
        assert_eq!(outbox.cursors(), []);
        offer(&outbox, &[frame(5, 1)]);
        let lag = lag(&outbox);
        assert_eq!((lag.after, lag.head, lag.is_new), (Seq::new(4), Seq::new(5), true));
        assert!(!outbox.hide(conversation()), "it is about to be shown");
        outbox.caught_up(&lag, Seq::new(5), true);
        assert_eq!(outbox.cursors(), [(conversation(), Seq::new(5))]);
    }
}

#[tokio::test]
async fn conversation_is_shown_again_when_it_is_hidden_with_an_entry_queued() {
    let outbox = started_at(4);
    offer(&outbox, &[frame(5, 1)]);
    assert!(is_woken(&outbox).await);
    assert!(outbox.hide(conversation()));
    assert!(is_woken(&outbox).await);
    let lag = lag(&outbox);
    assert_eq!((lag.after, lag.head, lag.is_new), (Seq::new(4), Seq::new(5), true));
}

#[tokio::test]
async fn conversation_is_not_hidden_before_it_starts() {
    let outbox = outbox();
    assert!(!outbox.hide(conversation()));
    outbox.prepare(conversation());
    assert!(!outbox.hide(conversation()));
    outbox.start(conversation(), Seq::new(4), Seq::new(4), false);
    assert!(outbox.next().is_none());
    assert_eq!(outbox.cursors(), [(conversation(), Seq::new(4))]);
    assert!(!is_woken(&outbox).await, "there is nothing to deliver");
}

#[test]
fn session_catches_up_to_a_head_that_is_not_queued() {
    let outbox = started_at(4);
    offer(&outbox, &[frame(5, 1)]);
    for known in [4, 5] {
        assert!(!outbox.catch_up_to(conversation(), Seq::new(known)));
    }
    assert!(matches!(outbox.next(), Some(Next::Frames(..))));
    assert!(outbox.catch_up_to(conversation(), Seq::new(7)));
    assert!(outbox.catch_up_to(conversation(), Seq::new(3)), "it is behind");
    let lag = lag(&outbox);
    assert_eq!((lag.after, lag.head), (Seq::new(5), Seq::new(7)));
    let unknown = ConversationId::new(2).unwrap();
    assert!(!outbox.catch_up_to(unknown, Seq::new(7)));
}

#[test]
fn queued_leave_stays_queued_when_the_session_catches_up() {
    let outbox = started_at(4);
    let leave = Frame { follow_up: FollowUp::Leave(outbox.identity().user), ..frame(5, 1) };
    offer(&outbox, &[leave]);
    assert!(outbox.catch_up_to(conversation(), Seq::new(9)));
    let Some(Next::Frames(frames, _)) = outbox.next() else { unreachable!() };
    assert_eq!(frames.iter().map(|frame| seq_of(frame)).collect::<Vec<_>>(), [5]);
    assert!(!outbox.catch_up_to(conversation(), Seq::new(9)), "the reader has left");
}

#[test]
fn leave_is_read_from_the_store_when_the_conversation_is_behind() {
    let outbox = started_at(4);
    let leave = Frame { follow_up: FollowUp::Leave(outbox.identity().user), ..frame(6, 1) };
    offer(&outbox, &[leave]);
    assert!(outbox.catch_up_to(conversation(), Seq::new(6)));
    assert_eq!((lag(&outbox).after, lag(&outbox).head), (Seq::new(4), Seq::new(6)));
}

#[tokio::test]
async fn consent_is_checked_again_when_it_changes_during_a_check() {
    let outbox = started_at(1);
    outbox.recheck_consent(conversation());
    assert!(is_woken(&outbox).await);
    assert!(matches!(outbox.next(), Some(Next::Recheck(_))));
    for _ in 0..3 {
        outbox.recheck_consent(conversation());
    }
    assert!(is_woken(&outbox).await);
    for _ in 0..2 {
        assert!(matches!(outbox.next(), Some(Next::Recheck(_))));
        outbox.mark_rechecked(conversation());
    }
    assert!(outbox.next().is_none());
}

#[tokio::test]
async fn session_is_woken_to_recheck_only_if_its_memberships_differ() {
    let outbox = started_at(1);
    outbox.recheck_against(&[conversation()].into());
    assert!(!is_woken(&outbox).await);
    outbox.recheck_against(&[].into());
    assert!(is_woken(&outbox).await);
}

#[tokio::test]
async fn ephemeral_event_reaches_only_members() {
    let event = Bytes::from_static(b"typing");
    let outbox = outbox();
    outbox.offer_ephemeral_in(conversation(), &event);
    assert!(outbox.next().is_none());
    assert!(!is_woken(&outbox).await);
    let outbox = started_at(4);
    outbox.offer_ephemeral_in(conversation(), &event);
    assert!(is_woken(&outbox).await);
    let Some(Next::Frames(frames, _)) = outbox.next() else { unreachable!() };
    assert_eq!(frames, [event]);
}

#[test]
fn session_receives_what_others_read_unless_that_is_turned_off() {
    let outbox = outbox();
    assert!(outbox.shows_reads());
    outbox.show_reads(false);
    assert!(!outbox.shows_reads());
}

#[tokio::test]
async fn ping_is_taken_once() {
    let outbox = outbox();
    assert!(!outbox.take_ping());
    outbox.ping();
    assert!(is_woken(&outbox).await);
    assert!(outbox.take_ping());
    assert!(!outbox.take_ping());
}

#[test]
fn conversation_is_followed_from_its_start_until_it_is_removed() {
    let outbox = outbox();
    assert!(outbox.prepare(conversation()));
    assert!(!outbox.prepare(conversation()), "it was prepared before");
    assert!(!outbox.follows(conversation()));
    outbox.start(conversation(), Seq::new(4), Seq::new(4), false);
    assert!(outbox.follows(conversation()));
    assert_eq!(outbox.conversations(), [conversation()]);
    offer(&outbox, &[frame(5, 1)]);
    outbox.remove(conversation());
    assert!(!outbox.follows(conversation()));
    assert!(outbox.next().is_none(), "what was queued of it is dropped");
    assert_eq!(outbox.conversations(), []);
}

#[test]
fn conversation_that_is_behind_is_not_read_when_it_is_removed() {
    let outbox = started_at(4);
    offer(&outbox, &[frame(6, 1)]);
    outbox.remove(conversation());
    assert!(outbox.next().is_none());
    assert!(outbox.contents.lock().behind.is_empty());
}

#[test]
fn conversation_is_live_when_the_store_has_no_more() {
    let outbox = started_at(4);
    offer(&outbox, &[frame(9, 1)]);
    let lag = lag(&outbox);
    assert_eq!(lag.head, Seq::new(9));
    outbox.caught_up(&lag, Seq::new(5), true);
    assert!(outbox.next().is_none());
    offer(&outbox, &[frame(6, 1)]);
    assert!(matches!(outbox.next(), Some(Next::Frames(..))));
}

#[test]
fn conversation_stays_behind_while_the_store_has_more() {
    let outbox = started_at(4);
    offer(&outbox, &[frame(9, 1)]);
    outbox.caught_up(&lag(&outbox), Seq::new(6), false);
    let second = lag(&outbox);
    assert_eq!((second.after, second.head), (Seq::new(6), Seq::new(9)));
    offer(&outbox, &[frame(12, 1)]);
    outbox.caught_up(&second, Seq::new(9), true);
    let third = lag(&outbox);
    assert_eq!((third.after, third.head), (Seq::new(9), Seq::new(12)), "it grew meanwhile");
}

#[test]
fn other_conversations_stay_queued_when_one_is_removed() {
    let outbox = started_at(4);
    let other = ConversationId::new(2).unwrap();
    start(&outbox, other, 4);
    offer(&outbox, &[frame(5, 1)]);
    offer(&outbox, &[Frame { conversation: other, ..frame(5, 1) }]);
    outbox.remove(conversation());
    let Some(Next::Frames(frames, _)) = outbox.next() else { unreachable!() };
    assert_eq!(frames.len(), 1);
    assert_eq!(outbox.cursors(), [(other, Seq::new(5))]);
}

#[test]
fn other_conversations_stay_behind_when_one_is_removed() {
    let outbox = started_at(4);
    let other = ConversationId::new(2).unwrap();
    start(&outbox, other, 4);
    offer(&outbox, &[frame(6, 1)]);
    offer(&outbox, &[Frame { conversation: other, ..frame(6, 1) }]);
    outbox.remove(other);
    let lag = lag(&outbox);
    assert_eq!(lag.conversation, conversation());
    outbox.caught_up(&lag, Seq::new(6), true);
    assert!(outbox.next().is_none());
}
