//! The index in a local folder keeps the promises of its port, and it survives what happens to its
//! files.
#![cfg(feature = "search")]
#![expect(clippy::unwrap_used, reason = "a test may end so")]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    sync::Arc,
};

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

/// The files of an index at one time.
type Files = BTreeMap<String, Vec<u8>>;

fn files_in(folder: &Path) -> Files {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    let file = |entry: fs::DirEntry| {
        // A merge may have deleted the file meanwhile.
        let bytes = fs::read(entry.path()).ok()?;
        Some((entry.file_name().into_string().unwrap(), bytes))
    };
    entries.filter_map(file).collect()
}

/// Returns what a power failure may leave of files that were not synced.
fn after_power_failure(states: &[Files], random: &mut fastrand::Rng) -> Files {
    let (last, earlier) = states.split_last().unwrap();
    let names: BTreeSet<&String> = states.iter().flat_map(BTreeMap::keys).collect();
    let damage = random.f32().powi(4) * 0.1;
    let mut left = Files::new();
    for name in names {
        let older = &earlier[random.usize(..earlier.len())];
        let is_list = Path::new(name).extension().is_some_and(|kind| kind == "json");
        let is_older = random.f32() < if is_list { 0.4 } else { damage };
        let Some(bytes) = (if is_older { older.get(name) } else { last.get(name) }) else {
            continue;
        };
        let mut bytes = bytes.clone();
        if random.f32() < damage {
            let from = random.usize(..=bytes.len());
            match random.u8(..3) {
                0 => bytes.truncate(from),
                1 => bytes[from..].fill(0),
                _ => bytes[..from].fill(0),
            }
        }
        left.insert(name.clone(), bytes);
    }
    left
}

#[tokio::test]
async fn index_is_right_or_made_again_after_a_power_failure() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("search");
    let search = LocalSearch::open(&path).unwrap();
    let mut states = vec![files_in(&path)];
    for seq in 1..=20 {
        search.index(&[part(seq)]).await.unwrap();
        states.push(files_in(&path));
    }
    drop(search);
    states.push(files_in(&path));
    let (mut kept, mut made_again) = (0, 0);
    for seed in 0..60 {
        let dir = tempfile::tempdir().unwrap();
        for (name, bytes) in after_power_failure(&states, &mut fastrand::Rng::with_seed(seed)) {
            fs::write(dir.path().join(name), bytes).unwrap();
        }
        let search = LocalSearch::open(dir.path()).unwrap();
        let mark = mark(&search).await;
        if mark == 0 {
            made_again += 1;
        } else {
            kept += 1;
        }
        let missing: Vec<IndexedPart> = (mark + 1..=21).map(part).collect();
        search.index(&missing).await.unwrap();
        assert_eq!(found(&search, "message").await, 21, "seed {seed}");
        assert_eq!(found(&search, "number20").await, 1, "seed {seed}");
    }
    assert!(kept > 0 && made_again > 0, "{kept} kept, {made_again} made again");
}
