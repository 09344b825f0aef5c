//! Contract tests of [`crate::port::Log::erase`].

use super::fixtures::{Draft, LogWriter, edited, every_body, fresh, last, text};
use crate::{
    model::{Body, Entry, Seq},
    port::{Appended, Stores},
};

fn without_text(entry: &Entry) -> Entry {
    let body = entry.body.without_text().unwrap_or_else(|| entry.body.clone());
    Entry { body, ..entry.clone() }
}

/// Erased texts are gone on every handle, and the rest of their entries stays. Erasing again
/// changes nothing (hole, lost-write).
pub async fn erase_removes_the_text_and_keeps_the_entry(stores: &[Stores]) {
    let mut writer = LogWriter::new(&stores[0]);
    let sender = fresh();
    let mut drafts = LogWriter::texts(sender, 4);
    drafts[1].body = Body::plain("an answer", Some(Seq::new(1)));
    drafts.push(Draft::new(sender, edited(Seq::new(1), "edited")));
    let mut entries = writer.append(&drafts).await;
    for _ in 0..2 {
        let seqs = [Seq::new(5), Seq::new(2)];
        last(stores).log.erase(writer.conversation, &seqs).await.unwrap();
        for at in [1, 4] {
            entries[at] = without_text(&entries[at]);
        }
        writer.assert_log(stores, &entries).await;
    }
    entries.extend(writer.append(&LogWriter::texts(sender, 1)).await);
    writer.assert_log(stores, &entries).await;
}

/// A retry of a command whose text has been erased still finds its entry, without the text
/// (duplicate).
pub async fn retry_finds_its_entry_after_erasure(stores: &[Stores]) {
    let mut writer = LogWriter::new(&stores[0]);
    let draft = Draft::new(fresh(), text("secret"));
    let entry = writer.append(std::slice::from_ref(&draft)).await.remove(0);
    stores[0].log.erase(writer.conversation, &[entry.seq]).await.unwrap();
    let erased = without_text(&entry);
    let key = draft.client_id.clone().unwrap();
    let found = last(stores).log.find(writer.conversation, draft.sender, &key, Seq::ZERO).await;
    assert_eq!(found.unwrap().as_ref(), Some(&erased));
    let mut retry = writer.batch(&[draft]);
    retry.bases = vec![Seq::ZERO];
    let expected = Appended::Duplicate { entries: vec![(0, erased)] };
    assert_eq!(retry.append(last(stores)).await, expected);
}

/// Entries without a text stay as they are, and no entry appears where there was none (phantom).
pub async fn erase_changes_nothing_but_texts(stores: &[Stores]) {
    let mut writer = LogWriter::new(&stores[0]);
    let user = fresh();
    let drafts: Vec<_> = every_body(user).into_iter().map(|body| Draft::new(user, body)).collect();
    let entries = writer.append(&drafts).await;
    let empty = LogWriter::new(&stores[0]);
    let all: Vec<_> = (1..=12).map(Seq::new).collect();
    stores[0].log.erase(empty.conversation, &all).await.unwrap();
    empty.assert_log(stores, &[]).await;
    stores[0].log.erase(writer.conversation, &[]).await.unwrap();
    writer.assert_log(stores, &entries).await;
    stores[0].log.erase(writer.conversation, &all).await.unwrap();
    writer.assert_log(stores, &entries.iter().map(without_text).collect::<Vec<_>>()).await;
}
