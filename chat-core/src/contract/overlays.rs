//! Contract tests of [`crate::port::Conversations`]: overlays of messages.

use std::collections::BTreeMap;

use super::fixtures::{
    Draft, LogWriter, edited, fresh, last, project_at_once, project_in_disorder, random, reaction,
    redacted, text,
};
use crate::{
    id::UserId,
    model::{Body, Entry, Overlay, Seq},
    port::Stores,
    projection::Projection,
};

/// Returns the overlays after these entries, in the order of the log.
fn fold(entries: &[Entry]) -> Vec<(Seq, Overlay)> {
    let mut overlays: BTreeMap<_, Overlay> = BTreeMap::new();
    for entry in entries {
        if let Projection::Overlay { target_seq } = Projection::of(entry) {
            overlays.entry(target_seq).or_default().fold(entry);
        }
    }
    overlays.into_iter().collect()
}

async fn read_overlays(stores: &Stores, writer: &LogWriter) -> Vec<(Seq, Overlay)> {
    let conversations = &stores.conversations;
    conversations.overlays(writer.conversation, Seq::ZERO, writer.head.seq).await.unwrap()
}

/// Checks on every handle that overlays equal the fold of these entries, and that exactly the texts
/// of redacted messages and of their edits are erased.
async fn assert_overlays(writer: &LogWriter, stores: &[Stores], entries: &[Entry]) {
    let expected = fold(entries);
    let mut erased: Vec<Seq> = Vec::new();
    for (target_seq, overlay) in expected.iter().filter(|(_, overlay)| overlay.redacted.is_some()) {
        erased.push(*target_seq);
        erased.extend(&overlay.edit_seqs);
    }
    for stores in stores {
        assert_eq!(read_overlays(stores, writer).await, expected);
        for entry in writer.read_log(stores).await {
            if let Body::Text { text, .. } | Body::Edited { text, .. } = &entry.body {
                assert_eq!(text.is_none(), erased.contains(&entry.seq), "{entry:?}");
            }
        }
    }
}

/// Makes six texts and a hundred random edits, reactions and redactions of them.
fn random_changes(users: &[UserId]) -> Vec<Draft> {
    let mut drafts = LogWriter::texts(users[0], 6);
    for nth in 0..100 {
        let [kind, user, target, emoji, on, ..] = random::<8>().map(usize::from);
        let target_seq = Seq::new(target as u64 % 6 + 1);
        let body = match kind % 16 {
            0 => redacted(target_seq),
            1..=5 => edited(target_seq, &format!("edit {nth}")),
            _ => reaction(
                target_seq,
                ["\u{1F44D}", "\u{1F44D}\u{1F3FD}", "a\0"][emoji % 3],
                on % 2 == 0,
            ),
        };
        drafts.push(Draft::new(users[user % users.len()], body));
    }
    drafts
}

/// After each acknowledged entry, every read has its effect (stale-read).
pub async fn overlays_follow_the_entries(stores: &[Stores]) {
    let mut writer = LogWriter::new(&stores[0]);
    let (author, reader) = (fresh(), fresh());
    let mut entries = writer.write_all(&LogWriter::texts(author, 3)).await;
    let [one, two, three] = [1, 2, 3].map(Seq::new);
    for (sender, body) in [
        (author, edited(one, "first edit")),
        (reader, reaction(two, "\u{1F44D}", true)),
        (author, edited(one, "")),
        (reader, reaction(two, "\u{1F44D}", false)),
        (author, reaction(two, "\u{1F44D}", true)),
        (author, redacted(one)),
        (author, edited(three, "\0")),
        (author, redacted(three)),
    ] {
        entries.push(writer.write(sender, body).await);
        assert_overlays(&writer, stores, &entries).await;
    }
}

/// Late, repeated and concurrent projection gives the same overlays and leaves no erased text
/// (lost-write, inconsistent-offset).
pub async fn overlays_do_not_depend_on_projection_order(stores: &[Stores]) {
    for round in 0..6 {
        let mut writer = LogWriter::new(&stores[0]);
        let entries = writer.append(&random_changes(&[fresh(), fresh(), fresh()])).await;
        match round % 3 {
            0 => stores[0].conversations.project(&entries).await.unwrap(),
            1 => project_in_disorder(stores, &entries).await,
            _ => project_at_once(stores, &entries).await,
        }
        assert_overlays(&writer, stores, &entries).await;
        last(stores).conversations.project(&entries).await.unwrap();
        assert_overlays(&writer, stores, &entries).await;
    }
}

/// An edit that is projected after the redaction of its message is erased too.
pub async fn edit_is_erased_when_projected_after_the_redaction(stores: &[Stores]) {
    let mut writer = LogWriter::new(&stores[0]);
    let author = fresh();
    let target_seq = Seq::new(1);
    let bodies = [text("secret"), edited(target_seq, "also secret"), redacted(target_seq)];
    let entries = writer.append(&bodies.map(|body| Draft::new(author, body))).await;
    for at in [2, 1, 0, 1] {
        stores[at % stores.len()].conversations.project(&entries[at..=at]).await.unwrap();
    }
    assert_overlays(&writer, stores, &entries).await;
}

/// A redaction and earlier edits that two gateways project concurrently leave no text behind.
pub async fn concurrent_redaction_and_edits_leave_no_text(stores: &[Stores]) {
    for _ in 0..12 {
        let mut writer = LogWriter::new(&stores[0]);
        let author = fresh();
        let target_seq = Seq::new(1);
        let mut drafts = vec![Draft::new(author, text("secret"))];
        drafts.extend(["one", "two"].map(|text| Draft::new(author, edited(target_seq, text))));
        drafts.push(Draft::new(author, redacted(target_seq)));
        let entries = writer.append(&drafts).await;
        project_at_once(stores, &entries[1..]).await;
        assert_overlays(&writer, stores, &entries).await;
    }
}

/// The newest entry of each user and emoji decides whether the reaction is on, in any order.
pub async fn reactions_follow_their_newest_entry(stores: &[Stores]) {
    let mut writer = LogWriter::new(&stores[0]);
    let target_seq = Seq::new(1);
    let mut drafts = LogWriter::texts(fresh(), 1);
    let users: Vec<UserId> = (0..3).map(|_| fresh()).collect();
    for (nth, user) in users.iter().enumerate() {
        for change in 0..=nth {
            drafts
                .push(Draft::new(*user, reaction(target_seq, "\u{2764}\u{FE0F}", change % 2 == 0)));
        }
    }
    let entries = writer.append(&drafts).await;
    project_in_disorder(stores, &entries).await;
    let overlays = read_overlays(last(stores), &writer).await;
    assert_eq!(overlays, fold(&entries));
    let on = users.iter().map(|user| overlays[0].1.reaction("\u{2764}\u{FE0F}", *user).unwrap().on);
    assert_eq!(on.collect::<Vec<_>>(), [true, false, true]);
}

/// Reactions are ascending by emoji and user, so that each of them can be found (stale-read).
pub async fn reactions_are_ordered_by_emoji_and_user(stores: &[Stores]) {
    let mut writer = LogWriter::new(&stores[0]);
    let target_seq = Seq::new(1);
    writer.write_all(&LogWriter::texts(fresh(), 1)).await;
    let mut users: Vec<UserId> = (0..3).map(|_| fresh()).collect();
    users.sort_unstable();
    for user in users.iter().rev() {
        for emoji in ["\u{1F680}", "\u{1F44D}"] {
            writer.write(*user, reaction(target_seq, emoji, true)).await;
        }
    }
    for stores in stores {
        let overlay = read_overlays(stores, &writer).await.remove(0).1;
        assert!(overlay.reactions.is_sorted_by_key(|one| (one.emoji.clone(), one.user)));
        for user in &users {
            assert!(overlay.reaction("\u{1F44D}", *user).is_some_and(|one| one.on));
            assert!(overlay.reaction("\u{1F680}", *user).is_some_and(|one| one.on));
        }
    }
}

/// Overlays of `(after, to]` are ascending, only for messages that have one, and only from the
/// requested conversation (phantom).
pub async fn overlays_are_limited_to_the_range(stores: &[Stores]) {
    let mut writer = LogWriter::new(&stores[0]);
    let author = fresh();
    let mut entries = writer.write_all(&LogWriter::texts(author, 12)).await;
    for target in [11, 3, 7, 4] {
        entries.push(writer.write(author, edited(Seq::new(target), "edited")).await);
    }
    let all = fold(&entries);
    for (after, to, expected) in
        [(0, 100, 0..4), (2, 3, 0..1), (3, 7, 1..3), (4, 6, 0..0), (10, 11, 3..4), (7, 3, 0..0)]
    {
        let (after, to) = (Seq::new(after), Seq::new(to));
        let overlays = last(stores).conversations.overlays(writer.conversation, after, to).await;
        assert_eq!(overlays.unwrap(), all[expected], "({after}, {to}]");
    }
    let other_conversation =
        last(stores).conversations.overlays(fresh(), Seq::ZERO, Seq::new(100)).await;
    assert_eq!(other_conversation.unwrap(), []);
}
