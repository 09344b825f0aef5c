//! Promises of [`crate::port::Log`] to one caller at a time.

use super::scene::{
    Batch, Draft, Scribe, client_id, every_body, fresh, joined, last, neighbours, text,
};
use crate::{
    id::{ConversationId, UserId},
    limits::{BATCH_BYTES_MAX, FOUNDERS_MAX, TEXT_BYTES_MAX},
    model::{ClientId, Head, Seq},
    port::{Appended, Stores},
};

/// What nobody wrote is not there (phantom).
pub async fn empty_log_has_the_default_head(stores: &[Stores]) {
    let scribe = Scribe::new(&stores[0]);
    scribe.holds(stores, &[]).await;
    let key = client_id();
    let find = stores[0].log.find(scribe.conversation, fresh(), &key, Seq::ZERO);
    assert_eq!(find.await.unwrap(), None);
}

/// Every kind of body, with all that Unicode has, comes back as it went in (lost-write).
pub async fn append_is_read_back_as_written(stores: &[Stores]) {
    let mut scribe = Scribe::new(&stores[0]);
    let user = fresh();
    let drafts: Vec<_> = every_body(user).into_iter().map(|body| Draft::new(user, body)).collect();
    let entries = scribe.append(&drafts).await;
    let seqs: Vec<_> = entries.iter().map(|entry| entry.seq.get()).collect();
    assert_eq!(seqs, (1..=10).collect::<Vec<_>>());
    scribe.holds(stores, &entries).await;
}

/// An acknowledged entry is in every read that starts later (stale-read).
pub async fn append_is_seen_by_every_later_read_on_every_handle(stores: &[Stores]) {
    let mut scribe = Scribe::new(&stores[0]);
    let sender = fresh();
    for _ in 0..32 {
        let entries = scribe.append(&Scribe::texts(sender, 1)).await;
        let after = entries[0].seq.previous();
        for stores in stores.iter().rev() {
            assert_eq!(scribe.head_on(stores).await, scribe.head);
            let read = stores.log.read(scribe.conversation, after, entries[0].seq, 10);
            assert_eq!(read.await.unwrap(), entries);
        }
    }
}

/// The head is what the newest append said, value by value (inconsistent-offset).
pub async fn head_keeps_its_running_values(stores: &[Stores]) {
    let mut scribe = Scribe::new(&stores[0]);
    let user = fresh();
    let mut drafts = vec![Draft::new(user, joined(user))];
    drafts.extend(Scribe::texts(user, 3));
    scribe.append(&drafts).await;
    let head = scribe.head_on(last(stores)).await;
    assert_eq!((head.seq, head.ord, head.members), (Seq::new(4), 3, 1));
    assert_eq!((head.text_seq, head.projected_seq), (Seq::new(4), Seq::new(1)));
    let mut batch = scribe.batch(&Scribe::texts(user, 1));
    batch.head = Head { members: 99_999, owners: u32::MAX, ..batch.head };
    assert_eq!(batch.append(&stores[0]).await, Appended::Done);
    assert_eq!(scribe.head_on(last(stores)).await, batch.head);
}

/// Heads stand where their conversation was asked, also for none and for the same again.
pub async fn heads_answer_in_the_order_asked(stores: &[Stores]) {
    let (mut one, mut other) = (Scribe::new(&stores[0]), Scribe::new(last(stores)));
    one.append(&Scribe::texts(fresh(), 1)).await;
    other.append(&Scribe::texts(fresh(), 2)).await;
    let asked = [other.conversation, fresh(), one.conversation, other.conversation];
    let heads = last(stores).log.heads(&asked).await.unwrap();
    assert_eq!(heads, [other.head, Head::default(), one.head, other.head]);
    assert_eq!(last(stores).log.heads(&[]).await.unwrap(), []);
}

/// No caller writes over or past what it does not know (inconsistent-offset, hole).
pub async fn append_at_another_head_is_refused_with_the_true_head(stores: &[Stores]) {
    let mut scribe = Scribe::new(&stores[0]);
    let sender = fresh();
    let before = Batch::new(scribe.conversation, Head::default(), &Scribe::texts(sender, 2));
    let ahead = Head { seq: Seq::new(9), ord: 9, ..Head::default() };
    let beyond = Batch::new(scribe.conversation, ahead, &Scribe::texts(sender, 1));
    let moved = Appended::Moved { head: Head::default() };
    assert_eq!(beyond.append(last(stores)).await, moved);
    let mut entries = scribe.append(&Scribe::texts(sender, 2)).await;
    entries.extend(scribe.append(&Scribe::texts(sender, 3)).await);
    for stale in [before, beyond] {
        assert_eq!(stale.append(last(stores)).await, Appended::Moved { head: scribe.head });
    }
    scribe.holds(stores, &entries).await;
}

/// What was refused is nowhere, its key neither: the command may come again (aborted-read).
pub async fn refused_append_leaves_its_keys_free(stores: &[Stores]) {
    let mut scribe = Scribe::new(&stores[0]);
    let sender = fresh();
    let drafts = Scribe::texts(sender, 3);
    let stale = scribe.batch(&drafts);
    let mut entries = scribe.append(&Scribe::texts(sender, 1)).await;
    assert_eq!(stale.append(last(stores)).await, Appended::Moved { head: scribe.head });
    let key = drafts[2].client_id.clone().unwrap();
    let find = last(stores).log.find(scribe.conversation, sender, &key, Seq::ZERO);
    assert_eq!(find.await.unwrap(), None);
    entries.extend(scribe.append(&drafts).await);
    scribe.holds(stores, &entries).await;
}

/// A repeat gets the first attempt's entry, on every handle and at once (duplicate,
/// ack-divergence). One with a stale head as well may hear of that first.
pub async fn known_key_is_refused_with_the_entry_that_stands(stores: &[Stores]) {
    let mut scribe = Scribe::new(&stores[0]);
    let draft = Draft::new(fresh(), text("once"));
    let first = scribe.batch(std::slice::from_ref(&draft));
    let mut entries = scribe.append(std::slice::from_ref(&draft)).await;
    entries.extend(scribe.append(&Scribe::texts(fresh(), 2)).await);
    let stands = Appended::Duplicate { entries: vec![(0, entries[0].clone())] };
    for stores in stores {
        let mut again = scribe.batch(&[Draft { body: text("twice"), ..draft.clone() }]);
        again.bases = first.bases.clone();
        assert_eq!(again.append(stores).await, stands);
        let answer = first.append(stores).await;
        assert!(answer == stands || answer == Appended::Moved { head: scribe.head }, "{answer:?}");
    }
    scribe.holds(stores, &entries).await;
}

/// One known key refuses its whole batch, and all known ones are told with their places
/// (duplicate, phantom).
pub async fn batch_with_known_keys_is_refused_whole(stores: &[Stores]) {
    let mut scribe = Scribe::new(&stores[0]);
    let known = [Scribe::texts(fresh(), 1), Scribe::texts(fresh(), 1)].concat();
    let new = Scribe::texts(fresh(), 3);
    let entries = scribe.append(&known).await;
    let mix = [&new[0], &known[1], &new[1], &known[0], &new[2]].map(Clone::clone);
    let mut batch = scribe.batch(&mix);
    batch.bases = vec![Seq::ZERO; mix.len()];
    let stand = vec![(1, entries[1].clone()), (3, entries[0].clone())];
    assert_eq!(batch.append(last(stores)).await, Appended::Duplicate { entries: stand });
    scribe.holds(stores, &entries).await;
    let rest = scribe.append(&new).await;
    scribe.holds(stores, &[entries, rest].concat()).await;
}

/// The same client id of another sender, in another conversation or longer by one character is
/// another command (lost-write).
pub async fn client_id_belongs_to_its_sender_and_conversation(stores: &[Stores]) {
    let (mut scribe, mut elsewhere) = (Scribe::new(&stores[0]), Scribe::new(&stores[0]));
    let key = |text: &str| ClientId::new(text).ok();
    let [sender, next, _] = neighbours(UserId::new);
    let draft = Draft { sender, client_id: key("a"), body: text("same") };
    let others = [
        Draft { sender: next, ..draft.clone() },
        Draft { client_id: key("A"), ..draft.clone() },
        Draft { client_id: key("a-"), ..draft.clone() },
        Draft { client_id: key(&"a".repeat(64)), ..draft.clone() },
    ];
    let mut entries = scribe.append(std::slice::from_ref(&draft)).await;
    for other in others {
        entries.extend(scribe.append(&[other]).await);
    }
    let there = elsewhere.append(&[draft]).await;
    scribe.holds(stores, &entries).await;
    elsewhere.holds(stores, &there).await;
}

/// What no command is behind is never taken for a repeat (lost-write).
pub async fn entries_without_client_id_are_no_duplicates(stores: &[Stores]) {
    let mut scribe = Scribe::new(&stores[0]);
    let sender = fresh();
    let draft = |user| Draft { sender, client_id: None, body: joined(user) };
    let mut entries = scribe.append(&[draft(fresh()), draft(fresh())]).await;
    entries.extend(scribe.append(&[draft(sender)]).await);
    scribe.holds(stores, &entries).await;
}

/// A read begins after `after`, has no holes, and ends at `to`, at `limit` or at the head (hole).
pub async fn reads_are_contiguous_and_bounded(stores: &[Stores]) {
    let mut scribe = Scribe::new(&stores[0]);
    let mut entries = scribe.append(&Scribe::texts(fresh(), 20)).await;
    entries.extend(scribe.append(&Scribe::texts(fresh(), 10)).await);
    for (after, to, limit, expected) in [
        (0, 30, 100, 0..30),
        (0, 30, 7, 0..7),
        (15, 25, 100, 15..25),
        (15, 25, 3, 15..18),
        (29, 30, 1, 29..30),
        (25, 1_000_000, 100, 25..30),
        (10, 10, 100, 0..0),
        (20, 10, 100, 0..0),
        (30, 40, 100, 0..0),
        (9_000, 1_000_000, 100, 0..0),
    ] {
        let (after, to) = (Seq::new(after), Seq::new(to));
        let read = last(stores).log.read(scribe.conversation, after, to, limit).await;
        assert_eq!(read.unwrap(), entries[expected], "({after}, {to}], up to {limit}");
    }
}

/// A key is found from any base before its entry on, and in a short log from any base at all
/// (ack-divergence).
pub async fn find_tells_what_a_client_id_made(stores: &[Stores]) {
    let mut scribe = Scribe::new(&stores[0]);
    let sender = fresh();
    let drafts = Scribe::texts(sender, 3);
    let entries = scribe.append(&drafts).await;
    let (log, conversation) = (&last(stores).log, scribe.conversation);
    for (draft, entry) in drafts.iter().zip(&entries) {
        let key = draft.client_id.as_ref().unwrap();
        for base in [Seq::ZERO, entry.seq.previous(), scribe.head.seq] {
            let found = log.find(conversation, sender, key, base).await.unwrap();
            assert_eq!(found.as_ref(), Some(entry));
        }
        assert_eq!(log.find(conversation, fresh(), key, Seq::ZERO).await.unwrap(), None);
        assert_eq!(log.find(fresh(), sender, key, Seq::ZERO).await.unwrap(), None);
    }
    assert_eq!(log.find(conversation, sender, &client_id(), Seq::ZERO).await.unwrap(), None);
}

/// Conversations with ids next to each other are apart (phantom).
pub async fn neighbouring_conversations_do_not_mix(stores: &[Stores]) {
    let mut scribes =
        neighbours(ConversationId::new).map(|conversation| Scribe::of(&stores[0], conversation));
    let mut logs = Vec::new();
    for (nth, scribe) in scribes.iter_mut().enumerate() {
        logs.push(scribe.append(&Scribe::texts(fresh(), 3 - nth)).await);
    }
    for (scribe, entries) in scribes.iter().zip(&logs) {
        scribe.holds(stores, entries).await;
    }
}

/// As many bytes as one group commit gathers fit one append.
pub async fn big_texts_fit_one_append(stores: &[Stores]) {
    let mut scribe = Scribe::new(&stores[0]);
    let sender = fresh();
    let count = BATCH_BYTES_MAX / TEXT_BYTES_MAX;
    let big = |nth: usize| {
        let mark = u8::try_from(nth).map_or('x', |nth| char::from(b'a' + nth));
        Draft::new(sender, text(&mark.to_string().repeat(TEXT_BYTES_MAX)))
    };
    let entries = scribe.append(&(0..count).map(big).collect::<Vec<_>>()).await;
    scribe.holds(stores, &entries).await;
}

/// The founding of the largest group is one step, all or nothing.
pub async fn group_is_founded_in_one_append(stores: &[Stores]) {
    let mut scribe = Scribe::new(&stores[0]);
    let founder = fresh();
    let mut drafts = vec![Draft::new(founder, joined(founder))];
    let others = || Draft { sender: founder, client_id: None, body: joined(fresh()) };
    drafts.resize_with(FOUNDERS_MAX, others);
    let mut entries = scribe.write_all(&drafts).await;
    entries.push(scribe.write(founder, text("welcome")).await);
    assert_eq!(scribe.head.members as usize, FOUNDERS_MAX);
    scribe.holds(stores, &entries).await;
}
