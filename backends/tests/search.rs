//! The index in a local folder keeps the promises of its port, and it survives what happens to its
//! files.
#![cfg(feature = "search")]
#![expect(clippy::unwrap_used, reason = "a test may end so")]

use std::{fs, sync::Arc};

use backends::search::LocalSearch;
use chat_core::{
    id::{ConversationId, UserId},
    model::Seq,
    port::{Document, IndexedPart, Place, Search, SearchRequest},
    search::Query,
    time::Timestamp,
};
use tempfile::TempDir;

#[expect(clippy::unused_async, reason = "other indexes take time to open")]
async fn open() -> (TempDir, Vec<Arc<dyn Search>>) {
    let dir = tempfile::tempdir().unwrap();
    let search: Arc<dyn Search> = Arc::new(LocalSearch::open(&dir.path().join("search")).unwrap());
    (dir, vec![search.clone(), search])
}

chat_core::search_contract!(open);

fn conversation() -> ConversationId {
    ConversationId::new(7).unwrap()
}

/// Returns the part of a log with one message of two words.
fn part(seq: u64) -> IndexedPart {
    let place = Place {
        at: Timestamp::from_millis(1_000),
        conversation: conversation(),
        seq: Seq::new(seq),
    };
    let document = Document {
        place,
        version: Seq::new(seq),
        sender: UserId::new(9).unwrap(),
        text: Some(format!("message number{seq}").into()),
        has_attachment: false,
    };
    IndexedPart { conversation: conversation(), to: Seq::new(seq), documents: vec![document] }
}

async fn found(search: &LocalSearch, words: &str) -> usize {
    let request = SearchRequest {
        scope: vec![(conversation(), Seq::new(1))],
        query: Query::parse(words).unwrap(),
        sender: None,
        has: None,
        before: None,
        after: None,
        below: None,
        limit: 100,
    };
    search.query(&request).await.unwrap().len()
}

async fn mark(search: &LocalSearch) -> u64 {
    search.marks(&[conversation()]).await.unwrap()[0].get()
}

#[tokio::test]
async fn index_is_kept_when_it_is_opened_again() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("search");
    for seq in 1..=20 {
        let search = LocalSearch::open(&path).unwrap();
        assert_eq!(mark(&search).await, seq - 1);
        search.index(&[part(seq)]).await.unwrap();
    }
    let search = LocalSearch::open(&path).unwrap();
    assert_eq!((mark(&search).await, found(&search, "message").await), (20, 20));
}

#[tokio::test]
async fn index_is_made_again_when_a_file_is_damaged() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("search");
    LocalSearch::open(&path).unwrap().index(&[part(1)]).await.unwrap();
    let mut damaged = 0;
    for file in fs::read_dir(&path).unwrap() {
        let file = file.unwrap().path();
        if file.extension().is_some_and(|kind| kind == "idx" || kind == "term") {
            let mut bytes = fs::read(&file).unwrap();
            bytes[0] ^= 0xff;
            fs::write(&file, bytes).unwrap();
            damaged += 1;
        }
    }
    assert!(damaged > 0, "the index has such files");
    let search = LocalSearch::open(&path).unwrap();
    assert_eq!((mark(&search).await, found(&search, "message").await), (0, 0));
    search.index(&[part(1)]).await.unwrap();
    assert_eq!(found(&search, "message").await, 1);
}

#[tokio::test]
async fn index_is_made_again_when_it_is_incomplete_or_of_another_format() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("search");
    for file in ["format", "meta.json"] {
        LocalSearch::open(&path).unwrap().index(&[part(1)]).await.unwrap();
        fs::write(path.join(file), "0").unwrap();
        let search = LocalSearch::open(&path).unwrap();
        assert_eq!((mark(&search).await, found(&search, "message").await), (0, 0), "{file}");
    }
}
