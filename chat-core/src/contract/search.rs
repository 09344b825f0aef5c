//! Contract tests of [`crate::port::Search`]. Queries may be two seconds behind, so they are repeated.

use std::{sync::Arc, time::Duration};

use tokio::time::{Instant, sleep};

use super::fixtures::{fresh, random_word};
use crate::{
    id::{ConversationId, UserId},
    model::Seq,
    port::{Document, IndexedPart, Place, Search, SearchRequest},
    search::{Has, Query},
    time::Timestamp,
};

/// Makes the contract tests of an index.
///
/// `open` is the path of an `async fn() -> (guard, Vec<Arc<dyn Search>>)`. It returns at least one
/// handle, all on the same index. The guard is dropped after the test.
#[macro_export]
macro_rules! search_contract {
    ($open:path) => {
        $crate::search_contract!(@tests $open;
            message_is_found_by_each_of_its_words;
            last_word_matches_as_a_prefix;
            phrase_needs_adjacent_words;
            scripts_without_spaces_are_found_by_any_part;
            no_match_is_missed;
            hits_are_newest_first_and_paged;
            only_the_scope_is_searched;
            filters_narrow_the_hits;
            edited_text_replaces_the_old_one;
            redacted_message_is_forgotten;
            change_reaches_its_own_message_alone;
            older_version_does_not_replace_a_newer_one;
            repeated_part_changes_nothing;
            marks_only_move_forward;
            cleared_index_is_empty;
        );
    };
    (@tests $open:path; $($test:ident;)+) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $test() {
            let (_guard, indexes) = $open().await;
            $crate::contract::search::$test(&indexes).await;
        }
    )+};
}

/// The time after which a query must find what was indexed.
const FOUND_WITHIN: Duration = Duration::from_secs(2);

/// A conversation of its own, in which documents are made.
#[derive(Debug, Clone, Copy)]
struct Ground {
    conversation: ConversationId,
    sender: UserId,
}

impl Ground {
    fn new() -> Self {
        Self { conversation: fresh(), sender: fresh() }
    }

    /// Returns a message at this seq, sent at that second.
    fn document(self, seq: u64, text: &str) -> Document {
        let at = Timestamp::from_millis(1_700_000_000_000 + i64::try_from(seq).unwrap() * 1_000);
        Document {
            place: Place { at, conversation: self.conversation, seq: Seq::new(seq) },
            version: Seq::new(seq),
            sender: self.sender,
            text: Some(text.into()),
            has_attachment: false,
        }
    }

    fn part(self, to: u64, documents: Vec<Document>) -> IndexedPart {
        IndexedPart { conversation: self.conversation, to: Seq::new(to), documents }
    }

    /// Returns a part with these texts, from seq 1 on.
    fn texts(self, texts: &[&str]) -> IndexedPart {
        let documents: Vec<_> =
            (1..).zip(texts).map(|(seq, text)| self.document(seq, text)).collect();
        self.part(documents.len() as u64, documents)
    }

    fn request(self, query: &str) -> SearchRequest {
        SearchRequest {
            scope: vec![(self.conversation, Seq::new(1))],
            query: Query::parse(query).unwrap(),
            sender: None,
            has: None,
            before: None,
            after: None,
            below: None,
            limit: 50,
        }
    }
}

/// Repeats a query on the last handle until it returns messages with these seqs.
async fn expect_request(indexes: &[Arc<dyn Search>], request: &SearchRequest, expected: &[u64]) {
    let index = indexes.last().unwrap();
    let began = Instant::now();
    loop {
        let found = index.query(request).await.unwrap();
        let seqs: Vec<u64> = found.iter().map(|place| place.seq.get()).collect();
        if seqs == expected {
            return;
        }
        assert!(began.elapsed() < FOUND_WITHIN, "{seqs:?} instead of {expected:?}: {request:?}");
        sleep(Duration::from_millis(50)).await;
    }
}

async fn expect(indexes: &[Arc<dyn Search>], ground: Ground, query: &str, expected: &[u64]) {
    expect_request(indexes, &ground.request(query), expected).await;
}

async fn index(indexes: &[Arc<dyn Search>], part: IndexedPart) {
    indexes[0].index(&[part]).await.unwrap();
}

/// Case and accents do not matter, and all words must be there.
pub async fn message_is_found_by_each_of_its_words(indexes: &[Arc<dyn Search>]) {
    let ground = Ground::new();
    index(indexes, ground.texts(&["Meet at the Café", "The CAFÉ is closed"])).await;
    expect(indexes, ground, "cafe ", &[2, 1]).await;
    expect(indexes, ground, "closed CAFÉ", &[2]).await;
    expect(indexes, ground, "meet closed", &[]).await;
}

/// The last word may be unfinished.
pub async fn last_word_matches_as_a_prefix(indexes: &[Arc<dyn Search>]) {
    let ground = Ground::new();
    index(indexes, ground.texts(&["deployment today", "deploy tomorrow", "depart"])).await;
    expect(indexes, ground, "deploy", &[2, 1]).await;
    expect(indexes, ground, "today deploy", &[1]).await;
    expect(indexes, ground, "deploy today", &[]).await;
}

/// The words of a phrase follow each other, and its last word is whole.
pub async fn phrase_needs_adjacent_words(indexes: &[Arc<dyn Search>]) {
    let ground = Ground::new();
    index(indexes, ground.texts(&["the quick brown fox", "the brown quick fox"])).await;
    expect(indexes, ground, "\"quick brown\"", &[1]).await;
    expect(indexes, ground, "\"quick bro\"", &[]).await;
    expect(indexes, ground, "\"brown quick\" fox", &[2]).await;
}

/// Texts without spaces are found by any part of them.
pub async fn scripts_without_spaces_are_found_by_any_part(indexes: &[Arc<dyn Search>]) {
    let ground = Ground::new();
    index(indexes, ground.texts(&["明日は東京都で会いましょう", "京都の東"])).await;
    expect(indexes, ground, "東京都", &[1]).await;
    expect(indexes, ground, "京都", &[2, 1]).await;
    expect(indexes, ground, "東", &[2, 1]).await;
    expect(indexes, ground, "う", &[1]).await;
}

/// A query may return too much, but never too little.
pub async fn no_match_is_missed(indexes: &[Arc<dyn Search>]) {
    let ground = Ground::new();
    let texts = [
        "The quick brown fox",
        "quick-brown, e-mail: ada@example.com",
        "QUICK! Brown?",
        "Ωμέγα ὅς Straße résumé naïve",
        "明日は東京都で、Rustを話す",
        "한국어를 배워요",
        "กรุงเทพมหานคร",
        "हिन्दी में लिखो",
        "v1.2.3 3.14 \u{1F389} x",
    ];
    index(indexes, ground.texts(&texts)).await;
    let all = SearchRequest { sender: Some(ground.sender), ..ground.request("") };
    let newest_first: Vec<u64> = (1..=texts.len() as u64).rev().collect();
    expect_request(indexes, &all, &newest_first).await;
    let queries = [
        "quick",
        "qui",
        "\"quick brown\"",
        "\"quick bro",
        "brown quick",
        "e-mail",
        "ada@example",
        "ωμεγα",
        "ος",
        "strasse",
        "RESUME nai",
        "東",
        "東京都",
        "都で",
        "rust",
        "を話",
        "한국",
        "배워",
        "กรุง",
        "เทพ",
        "हिन्दी",
        "लिख",
        "1.2",
        "3.14",
        "v1",
        "x",
        "q",
        "z",
    ];
    for text in queries {
        let query = Query::parse(text).unwrap();
        let matching = (1..).zip(texts).filter(|(_, text)| query.find(text).is_some());
        let matching: Vec<u64> = matching.map(|(seq, _)| seq).collect();
        let hits = indexes.last().unwrap().query(&ground.request(text)).await.unwrap();
        let hits: Vec<u64> = hits.iter().map(|place| place.seq.get()).collect();
        assert!(matching.iter().all(|seq| hits.contains(seq)), "{text}: {hits:?} {matching:?}");
    }
}

/// Hits come newest first over all conversations, and a page continues below the last place.
pub async fn hits_are_newest_first_and_paged(indexes: &[Arc<dyn Search>]) {
    let word = random_word();
    let (one, two) = (Ground::new(), Ground::new());
    let texts = [word.as_str(); 7];
    indexes[0].index(&[one.texts(&texts), two.texts(&texts[..3])]).await.unwrap();
    let scope = vec![(one.conversation, Seq::new(1)), (two.conversation, Seq::new(1))];
    let all = SearchRequest { scope, ..one.request(&word) };
    expect_request(indexes, &all, &[7, 6, 5, 4, 3, 3, 2, 2, 1, 1]).await;
    let index = indexes.last().unwrap();
    let whole = index.query(&all).await.unwrap();
    assert!(whole.windows(2).all(|pair| pair[0] > pair[1]), "{whole:?}");
    let mut paged = Vec::new();
    while paged.len() < whole.len() {
        let request = SearchRequest { below: paged.last().copied(), limit: 3, ..all.clone() };
        let page = index.query(&request).await.unwrap();
        assert!(!page.is_empty() && page.len() <= 3);
        paged.extend(page);
    }
    assert_eq!(paged, whole);
}

/// Messages of other conversations are not found.
pub async fn only_the_scope_is_searched(indexes: &[Arc<dyn Search>]) {
    let word = random_word();
    let (one, two) = (Ground::new(), Ground::new());
    indexes[0].index(&[one.texts(&[&word]), two.texts(&[&word, &word])]).await.unwrap();
    expect(indexes, two, &word, &[2, 1]).await;
    expect(indexes, one, &word, &[1]).await;
    let nowhere = SearchRequest { scope: Vec::new(), ..one.request(&word) };
    assert_eq!(indexes[0].query(&nowhere).await.unwrap(), []);
}

/// Sender, links, files and times narrow what the words find.
pub async fn filters_narrow_the_hits(indexes: &[Arc<dyn Search>]) {
    let ground = Ground::new();
    let mut part = ground.texts(&["see https://example.com", "see you", "see them"]);
    let other = fresh();
    part.documents[2].sender = other;
    part.documents[1].has_attachment = true;
    index(indexes, part.clone()).await;
    expect(indexes, ground, "see ", &[3, 2, 1]).await;
    let see = ground.request("see ");
    expect_request(indexes, &SearchRequest { sender: Some(other), ..see.clone() }, &[3]).await;
    let has = |has, request: &SearchRequest| SearchRequest { has: Some(has), ..request.clone() };
    expect_request(indexes, &has(Has::Link, &see), &[1]).await;
    expect_request(indexes, &has(Has::Attachment, &see), &[2]).await;
    let second = part.documents[1].place.at;
    expect_request(indexes, &SearchRequest { before: Some(second), ..see.clone() }, &[1]).await;
    expect_request(indexes, &SearchRequest { after: Some(second), ..see }, &[3]).await;
    let any = ground.request("");
    expect_request(indexes, &SearchRequest { sender: Some(other), ..any.clone() }, &[3]).await;
    expect_request(indexes, &has(Has::Link, &any), &[1]).await;
    expect_request(indexes, &has(Has::Attachment, &any), &[2]).await;
}

/// An edit replaces the text, and the message keeps its place.
pub async fn edited_text_replaces_the_old_one(indexes: &[Arc<dyn Search>]) {
    let ground = Ground::new();
    index(indexes, ground.texts(&["draft", "other draft"])).await;
    expect(indexes, ground, "draft", &[2, 1]).await;
    let edited = Document { version: Seq::new(3), ..ground.document(1, "final") };
    index(indexes, ground.part(3, vec![edited])).await;
    expect(indexes, ground, "draft", &[2]).await;
    expect(indexes, ground, "final", &[1]).await;
}

/// After a redaction no word of the message is found.
pub async fn redacted_message_is_forgotten(indexes: &[Arc<dyn Search>]) {
    let ground = Ground::new();
    index(indexes, ground.texts(&["secret", "public"])).await;
    expect(indexes, ground, "secret", &[1]).await;
    let redacted = Document { version: Seq::new(3), text: None, ..ground.document(1, "") };
    index(indexes, ground.part(3, vec![redacted])).await;
    expect(indexes, ground, "secret", &[]).await;
    let all = SearchRequest { sender: Some(ground.sender), ..ground.request("") };
    expect_request(indexes, &all, &[2]).await;
}

/// Neither messages near a changed one nor those with its seq in another conversation change.
pub async fn change_reaches_its_own_message_alone(indexes: &[Arc<dyn Search>]) {
    let grounds = [Ground::new(), Ground::new()];
    for ground in grounds {
        index(indexes, ground.texts(&["word"; 300])).await;
    }
    let changed = [1, 127, 128, 300];
    let redacted = changed.map(|seq| Document {
        version: Seq::new(301),
        text: None,
        ..grounds[0].document(seq, "")
    });
    index(indexes, grounds[0].part(301, redacted.to_vec())).await;
    for (ground, changed) in grounds.into_iter().zip([&changed[..], &[]]) {
        let left: Vec<u64> = (1..=300).rev().filter(|seq| !changed.contains(seq)).collect();
        let request = SearchRequest { limit: 300, ..ground.request("word ") };
        expect_request(indexes, &request, &left).await;
    }
}

/// A late writer with an old state does not bring a text back (leak-after-redaction).
pub async fn older_version_does_not_replace_a_newer_one(indexes: &[Arc<dyn Search>]) {
    let ground = Ground::new();
    let first = ground.texts(&["secret", "draft"]);
    index(indexes, first.clone()).await;
    let redacted = Document { version: Seq::new(3), text: None, ..ground.document(1, "") };
    let edited = Document { version: Seq::new(4), ..ground.document(2, "final") };
    index(indexes, ground.part(4, vec![redacted, edited])).await;
    expect(indexes, ground, "final", &[2]).await;
    indexes.last().unwrap().index(&[first]).await.unwrap();
    index(indexes, ground.part(5, vec![ground.document(5, "later")])).await;
    expect(indexes, ground, "later", &[5]).await;
    expect(indexes, ground, "secret", &[]).await;
    expect(indexes, ground, "draft", &[]).await;
}

/// Indexing a part again makes no second hit.
pub async fn repeated_part_changes_nothing(indexes: &[Arc<dyn Search>]) {
    let ground = Ground::new();
    let part = ground.texts(&["once", "twice"]);
    for index in indexes.iter().cycle().take(3) {
        index.index(std::slice::from_ref(&part)).await.unwrap();
    }
    index(indexes, ground.part(3, vec![ground.document(3, "once more")])).await;
    expect(indexes, ground, "once ", &[3, 1]).await;
    expect(indexes, ground, "twice", &[2]).await;
}

/// Marks are returned in the order requested, and an old part does not move one back.
pub async fn marks_only_move_forward(indexes: &[Arc<dyn Search>]) {
    let (one, two, none) = (Ground::new(), Ground::new(), Ground::new());
    indexes[0].index(&[one.part(7, Vec::new()), two.texts(&["a", "b"])]).await.unwrap();
    indexes.last().unwrap().index(&[one.texts(&["a"])]).await.unwrap();
    let ids = [two, none, one].map(|ground| ground.conversation);
    for index in indexes {
        let marks: Vec<u64> =
            index.marks(&ids).await.unwrap().iter().map(|mark| mark.get()).collect();
        assert_eq!(marks, [2, 0, 7]);
    }
    index(indexes, one.part(9, vec![one.document(8, "new")])).await;
    assert_eq!(indexes[0].marks(&ids[2..]).await.unwrap(), [Seq::new(9)]);
    expect(indexes, one, "new", &[8]).await;
}

/// After clearing, nothing is found and all marks are zero. Only for an index of one's own.
pub async fn cleared_index_is_empty(indexes: &[Arc<dyn Search>]) {
    let ground = Ground::new();
    index(indexes, ground.texts(&["gone"])).await;
    expect(indexes, ground, "gone", &[1]).await;
    indexes[0].clear().await.unwrap();
    assert_eq!(indexes[0].marks(&[ground.conversation]).await.unwrap(), [Seq::ZERO]);
    expect(indexes, ground, "gone", &[]).await;
    index(indexes, ground.texts(&["back"])).await;
    expect(indexes, ground, "back", &[1]).await;
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_test_is_listed() {
        let text = include_str!("search.rs");
        for test in text.split("\npub async fn ").skip(1) {
            let name = test.split('(').next().unwrap();
            assert!(text.contains(&format!("            {name};\n")), "{name}");
        }
    }
}
