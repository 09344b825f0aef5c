//! Promises of [`crate::port::Log::erase`].

use super::scene::{Draft, Scribe, edited, every_body, fresh, last, text};
use crate::{
    model::{Body, Entry, Seq},
    port::{Appended, Stores},
};

fn without_text(entry: &Entry) -> Entry {
    let body = match entry.body.clone() {
        Body::Text { reply_to, .. } => Body::Text { text: None, reply_to },
        Body::Edited { target_seq, .. } => Body::Edited { target_seq, text: None },
        other @ (Body::Redacted { .. }
        | Body::Reaction { .. }
        | Body::Joined { .. }
        | Body::Left { .. }
        | Body::Role { .. }
        | Body::Title { .. }) => other,
    };
    Entry { body, ..entry.clone() }
}

/// Erased texts are gone for every reader, and everything else of their entries stays; once more
/// changes nothing (hole, lost-write).
pub async fn erase_takes_the_text_and_keeps_the_place(stores: &[Stores]) {
    let mut scribe = Scribe::new(&stores[0]);
    let sender = fresh();
    let mut drafts = Scribe::texts(sender, 4);
    drafts[1].body = Body::Text { text: Some("an answer".into()), reply_to: Some(Seq::new(1)) };
    drafts.push(Draft::new(sender, edited(Seq::new(1), "edited")));
    let mut entries = scribe.append(&drafts).await;
    for _ in 0..2 {
        let seqs = [Seq::new(5), Seq::new(2)];
        last(stores).log.erase(scribe.conversation, &seqs).await.unwrap();
        for at in [1, 4] {
            entries[at] = without_text(&entries[at]);
        }
        scribe.holds(stores, &entries).await;
    }
    entries.extend(scribe.append(&Scribe::texts(sender, 1)).await);
    scribe.holds(stores, &entries).await;
}

/// A repeat of what has been erased still finds its entry, without the text (duplicate).
pub async fn erased_entries_still_answer_repeats(stores: &[Stores]) {
    let mut scribe = Scribe::new(&stores[0]);
    let draft = Draft::new(fresh(), text("secret"));
    let entry = scribe.append(std::slice::from_ref(&draft)).await.remove(0);
    stores[0].log.erase(scribe.conversation, &[entry.seq]).await.unwrap();
    let (erased, key) = (without_text(&entry), draft.client_id.clone().unwrap());
    let found = last(stores).log.find(scribe.conversation, draft.sender, &key, Seq::ZERO).await;
    assert_eq!(found.unwrap().as_ref(), Some(&erased));
    let mut again = scribe.batch(&[draft]);
    again.bases = vec![Seq::ZERO];
    let stands = Appended::Duplicate { entries: vec![(0, erased)] };
    assert_eq!(again.append(last(stores)).await, stands);
}

/// What has no text keeps all it has, and where there is no entry none appears (phantom).
pub async fn erase_leaves_everything_else(stores: &[Stores]) {
    let mut scribe = Scribe::new(&stores[0]);
    let user = fresh();
    let drafts: Vec<_> = every_body(user).into_iter().map(|body| Draft::new(user, body)).collect();
    let entries = scribe.append(&drafts).await;
    let nowhere = Scribe::new(&stores[0]);
    let all: Vec<_> = (1..=12).map(Seq::new).collect();
    stores[0].log.erase(nowhere.conversation, &all).await.unwrap();
    nowhere.holds(stores, &[]).await;
    stores[0].log.erase(scribe.conversation, &[]).await.unwrap();
    scribe.holds(stores, &entries).await;
    stores[0].log.erase(scribe.conversation, &all).await.unwrap();
    scribe.holds(stores, &entries.iter().map(without_text).collect::<Vec<_>>()).await;
}
