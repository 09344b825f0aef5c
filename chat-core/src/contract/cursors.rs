//! Contract tests of [`crate::port::Cursors`].

use tokio::task::JoinSet;

use super::fixtures::{
    Draft, LogWriter, edited, fresh, joined, last, project_in_disorder, reaction, redacted, text,
};
use crate::{
    id::{ConversationId, UserId},
    model::{Cursor, Seq},
    port::Stores,
};

fn cursor(delivered: u64, read: u64, read_ord: u64) -> Cursor {
    Cursor { delivered_seq: Seq::new(delivered), read_seq: Seq::new(read), read_ord }
}

async fn read_cursor(stores: &Stores, user: UserId, conversation: ConversationId) -> Cursor {
    let by_user = stores.cursors.of_user(user, &[conversation]).await.unwrap();
    let by_conversation = stores.cursors.of_conversation(conversation, &[user]).await.unwrap();
    assert_eq!(by_user, by_conversation);
    by_user[0]
}

/// A cursor is always the furthest of all positions, field by field, and `advance` returns whether
/// it moved (cursor-regress).
pub async fn read_cursorly_moves_forward(stores: &[Stores]) {
    let (user, conversation) = (fresh(), fresh());
    for (nth, (to, expected, moved)) in [
        (cursor(0, 0, 0), cursor(0, 0, 0), false),
        (cursor(5, 0, 0), cursor(5, 0, 0), true),
        (cursor(3, 2, 1), cursor(5, 2, 1), true),
        (cursor(5, 2, 1), cursor(5, 2, 1), false),
        (cursor(0, 1, 1), cursor(5, 2, 1), false),
        (cursor(9, 1, 1), cursor(9, 2, 1), true),
        (cursor(0, 12, 7), cursor(12, 12, 7), true),
        (cursor(11, 11, 7), cursor(12, 12, 7), false),
        (cursor(20_000_000_000, 0, 0), cursor(20_000_000_000, 12, 7), true),
    ]
    .into_iter()
    .enumerate()
    {
        let answer = stores[nth % stores.len()].cursors.advance(user, conversation, to).await;
        assert_eq!(answer.unwrap(), (expected, moved), "step {nth}");
        for stores in stores {
            assert_eq!(read_cursor(stores, user, conversation).await, expected, "step {nth}");
        }
    }
}

async fn advance_by(
    stores: Stores,
    user: UserId,
    conversation: ConversationId,
    steps: Vec<Cursor>,
) {
    for to in steps {
        let (at, _) = stores.cursors.advance(user, conversation, to).await.unwrap();
        assert_eq!(at.max(to), at, "the answer is behind {to:?}");
    }
}

/// After concurrent advances the furthest position remains, and no answer is behind its request
/// (cursor-regress).
pub async fn concurrent_advances_end_at_the_furthest(stores: &[Stores]) {
    let (user, conversation) = (fresh(), fresh());
    let mut devices = JoinSet::new();
    for nth in 0..16 {
        let stores = stores[nth % stores.len()].clone();
        let seqs = (0..8).map(move |step| (step * 16 + nth as u64) * 7 % 128 + 1);
        let step =
            if nth % 2 == 0 { |seq| cursor(seq, 0, 0) } else { |seq| cursor(0, seq, seq / 2) };
        devices.spawn(advance_by(stores, user, conversation, seqs.map(step).collect()));
    }
    devices.join_all().await;
    let furthest = (0..128).map(|step| (step * 7 % 128 + 1, step % 16 % 2));
    let read = furthest.clone().filter(|(_, odd)| *odd == 1).map(|(seq, _)| seq).max().unwrap();
    for stores in stores {
        assert_eq!(read_cursor(stores, user, conversation).await, cursor(128, read, read / 2));
    }
}

/// Each requested cursor has its place in the answer, even if it does not exist.
pub async fn cursors_are_returned_in_the_order_requested(stores: &[Stores]) {
    let (one, other): (UserId, UserId) = (fresh(), fresh());
    let (here, there): (ConversationId, ConversationId) = (fresh(), fresh());
    let advance = |user, conversation, to| {
        let stores = stores[0].clone();
        async move { stores.cursors.advance(user, conversation, to).await.unwrap() }
    };
    advance(one, here, cursor(1, 0, 0)).await;
    advance(one, there, cursor(2, 0, 0)).await;
    advance(other, here, cursor(3, 0, 0)).await;
    let cursors = &last(stores).cursors;
    let by_user = cursors.of_user(one, &[there, fresh(), here, there]).await.unwrap();
    assert_eq!(by_user, [cursor(2, 0, 0), cursor(0, 0, 0), cursor(1, 0, 0), cursor(2, 0, 0)]);
    let of_here = cursors.of_conversation(here, &[fresh(), other, one, other]).await.unwrap();
    assert_eq!(of_here, [cursor(0, 0, 0), cursor(3, 0, 0), cursor(1, 0, 0), cursor(3, 0, 0)]);
    assert_eq!(cursors.of_conversation(there, &[other]).await.unwrap(), [cursor(0, 0, 0)]);
    assert_eq!(cursors.of_user(one, &[]).await.unwrap(), []);
}

/// Sending a text moves the sender's own cursor to it. Other entries and other cursors stay.
pub async fn sending_moves_the_senders_own_cursor(stores: &[Stores]) {
    let mut writer = LogWriter::new(&stores[0]);
    let (sender, reader) = (fresh(), fresh());
    let target_seq = Seq::new(3);
    for (body, expected) in [
        (joined(sender), cursor(0, 0, 0)),
        (joined(reader), cursor(0, 0, 0)),
        (text("one"), cursor(3, 3, 1)),
        (edited(target_seq, "two"), cursor(3, 3, 1)),
        (reaction(target_seq, "\u{1F44D}", true), cursor(3, 3, 1)),
        (text("three"), cursor(6, 6, 2)),
        (redacted(target_seq), cursor(6, 6, 2)),
    ] {
        writer.write(sender, body).await;
        for stores in stores {
            assert_eq!(read_cursor(stores, sender, writer.conversation).await, expected);
            assert_eq!(read_cursor(stores, reader, writer.conversation).await, cursor(0, 0, 0));
        }
    }
}

/// A text that is projected late does not move a cursor back (cursor-regress).
pub async fn cursor_stays_when_texts_are_projected_late(stores: &[Stores]) {
    let mut writer = LogWriter::new(&stores[0]);
    let (one, other) = (fresh(), fresh());
    let mut drafts: Vec<_> = LogWriter::texts(one, 6);
    drafts.extend(LogWriter::texts(other, 3));
    drafts.push(Draft::new(one, text("last")));
    let entries = writer.append(&drafts).await;
    let delivered = cursor(100, 8, 8);
    stores[0].cursors.advance(other, writer.conversation, delivered).await.unwrap();
    project_in_disorder(stores, &entries).await;
    for stores in stores {
        assert_eq!(read_cursor(stores, one, writer.conversation).await, cursor(10, 10, 10));
        assert_eq!(read_cursor(stores, other, writer.conversation).await, cursor(100, 9, 9));
    }
}
