//! Ids never repeat in an embedded store, whatever the clock does between and during its runs.
#![expect(clippy::unwrap_used, reason = "a test may end so")]

#[path = "embedded/folder.rs"]
mod folder;
#[expect(dead_code, reason = "this test file uses a part of it")]
#[path = "embedded/writer.rs"]
mod writer;

use std::{
    collections::HashSet,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use backends::embedded::{Embedded, EmbeddedConfig};
use chat_core::{
    accounts::{AccountSettings, RefreshKey, Registry},
    id::{ConversationId, Snowflake, Snowflakes},
    memory::{NoBus, PlainPasswords},
    model::{Founding, Identity, Kind},
    port::Stores,
    revocations::Revocations,
    time::{Clock, Timestamp},
};
use futures_util::future::join_all;
use proptest::{
    prelude::Rng,
    test_runner::{RngAlgorithm, TestRng},
};
use tempfile::TempDir;
use writer::Writer;

const MINUTE: Duration = Duration::from_secs(60);
const SECOND: i64 = 1_000;
const HOUR: i64 = 3_600 * SECOND;
const YEAR: i64 = 365 * 24 * HOUR;
const PASSWORD: &str = "an example password";
const START: i64 = 1_800_000_000_000;

fn open(dir: &Path) -> Embedded {
    Embedded::open(&EmbeddedConfig::new(dir)).unwrap()
}

/// A clock that a test sets, with the ids of a store.
#[derive(Debug)]
struct SetClock {
    time: AtomicI64,
    ids: Arc<Snowflakes>,
}

impl SetClock {
    fn new(time: i64, embedded: &Embedded) -> Arc<Self> {
        Arc::new(Self { time: AtomicI64::new(time), ids: embedded.ids() })
    }
}

impl Clock for SetClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.time.load(Ordering::SeqCst))
    }

    fn fresh_id(&self) -> Snowflake {
        self.ids.next(self.now())
    }
}

#[derive(Debug)]
struct NoSessions;

impl Revocations for NoSessions {
    fn revoked(&self, _ended: Identity) {}
}

fn registry(embedded: &Embedded, clock: Arc<dyn Clock>) -> Registry {
    Registry::new(
        &embedded.stores(),
        Arc::new(PlainPasswords),
        clock,
        Arc::new(NoBus::new()),
        Arc::new(NoSessions),
        RefreshKey::from_secret(b"an example secret"),
        AccountSettings {
            refused_for: MINUTE,
            login_age_max: 60 * MINUTE,
            ..AccountSettings::default()
        },
    )
}

/// Registers people at this time, logs ada in, and returns the new ids.
async fn register(dir: &Path, time: i64, names: [&str; 2]) -> Vec<u64> {
    let embedded = open(dir);
    let registry = registry(&embedded, SetClock::new(time, &embedded));
    let mut ids = Vec::new();
    for name in names {
        let (user, grant) = registry.register(name, PASSWORD, None, None).await.unwrap();
        ids.extend([user.id.get(), grant.login.get()]);
    }
    let (ada, _) = registry.log_in("ada", PASSWORD, None).await.unwrap();
    assert_eq!(ada.username.as_str(), "ada");
    embedded.close();
    ids
}

#[tokio::test]
async fn new_people_get_new_ids_when_the_clock_went_back_before_a_restart() {
    for step in [0, -SECOND, -HOUR, -YEAR, -30 * YEAR] {
        let dir = tempfile::tempdir().unwrap();
        let mut ids = HashSet::new();
        for (run, names) in (0..).zip([["ada", "bob"], ["eve", "kim"], ["sam", "tom"]]) {
            let made = register(dir.path(), START + run * step, names).await;
            assert!(made.into_iter().all(|id| ids.insert(id)), "{names:?} after {step}");
        }
    }
}

/// Ids for each one that is stored. The others are used up, as those of refused requests are.
const IDS_PER_CONVERSATION: usize = 10;

/// Creates conversations with fresh ids, many at once. Returns all ids that were made.
async fn create_conversations(stores: &Stores, clock: &SetClock, count: usize) -> Vec<u64> {
    let created = (0..count).map(async |_| {
        let mut ids: Vec<u64> = (1..IDS_PER_CONVERSATION)
            .map(|_| ConversationId::from(clock.fresh_id()).get())
            .collect();
        let conversation = ConversationId::from(clock.fresh_id());
        let title = Some("Tea".into());
        let founding = Founding { conversation, kind: Kind::Group, title, created_at: clock.now() };
        assert!(stores.conversations.create(&founding).await.unwrap());
        ids.push(conversation.get());
        ids
    });
    join_all(created).await.concat()
}

/// Returns a copy of the folder as it is now, which is what a crash would leave.
fn copy_of(dir: &TempDir) -> TempDir {
    let copied = tempfile::tempdir().unwrap();
    folder::copy(dir.path(), copied.path());
    copied
}

/// One run of the test below. Returns the number of ids.
async fn run_with_clock_steps(random: &mut TestRng) -> usize {
    let mut dir = tempfile::tempdir().unwrap();
    let mut time = START;
    let mut seen = HashSet::new();
    for _ in 0..4 {
        let embedded = open(dir.path());
        let clock = SetClock::new(time, &embedded);
        for _ in 0..10 {
            let step = [0, 1, SECOND, HOUR, YEAR][random.next_u32() as usize % 5];
            time += if random.next_u32().is_multiple_of(2) { step } else { -step };
            clock.time.store(time, Ordering::SeqCst);
            for id in create_conversations(&embedded.stores(), &clock, 250).await {
                assert!(seen.insert(id), "{id} was made twice");
            }
        }
        if random.next_u32().is_multiple_of(2) {
            dir = copy_of(&dir);
        }
        embedded.close();
    }
    seen.len()
}

#[tokio::test]
async fn ids_never_repeat_when_clocks_step_and_processes_restart() {
    for seed in 0..10_u8 {
        let mut random = TestRng::from_seed(RngAlgorithm::ChaCha, &[seed; 32]);
        assert_eq!(run_with_clock_steps(&mut random).await, 100_000, "seed {seed}");
    }
}

#[tokio::test]
async fn time_of_the_newest_entry_is_known_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let embedded = open(dir.path());
    assert_eq!(embedded.newest_entry_at(), Timestamp::default());
    for (conversation, messages) in [(1, 3), (2, 7), (3, 5)] {
        let mut writer = Writer::new(conversation);
        for _ in 0..messages {
            writer.send(&embedded.stores()).await;
        }
    }
    embedded.close();
    let embedded = open(dir.path());
    assert_eq!(embedded.newest_entry_at(), Timestamp::from_millis(7));
}
