//! A process that is killed while it writes loses, doubles and reorders nothing it acknowledged.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may end so")]
#![expect(clippy::print_stdout, reason = "tells how much was tried")]

#[path = "embedded/load.rs"]
mod load;

use std::{
    collections::{HashMap, HashSet},
    env,
    io::{BufRead, BufReader},
    path::Path,
    process::{Command, Stdio},
};

use backends::embedded::{Embedded, EmbeddedConfig};
use chat_core::{
    id::{ConversationId, UserId},
    memory::MemoryStores,
    model::{Body, Cursor, Entry, Seq},
    port::Stores,
};
use load::{CONVERSATIONS, chance, conversation, text};

/// How often the process is killed.
const KILLS: u64 = 24;
/// Names the folder to the child.
const DIR: &str = "CONFAB_TEST_KILL_DIR";

/// Not a test: what the test below starts and kills.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "started by the test that kills it"]
async fn child() {
    if let Some(dir) = env::var_os(DIR) {
        load::write_for_ever(Path::new(&dir)).await;
    }
}

/// What the children have been told is done.
#[derive(Default)]
struct Told {
    /// By conversation and seq: id and sender.
    sent: HashMap<(u64, u64), (u64, u64)>,
    /// By conversation and user.
    read: HashMap<(u64, u64), u64>,
    users: HashSet<u64>,
}

impl Told {
    fn hear(&mut self, line: &str) -> bool {
        let mut words = line.split(' ');
        let what = words.next();
        let Ok(numbers) = words.map(str::parse).collect::<Result<Vec<u64>, _>>() else {
            return false;
        };
        match (what, &numbers[..]) {
            (Some("sent"), [conversation, seq, id, sender]) => {
                let before = self.sent.insert((*conversation, *seq), (*id, *sender));
                assert_eq!(before, None, "two were told that they have {conversation}/{seq}");
            }
            (Some("read"), [conversation, user, seq]) => {
                let read = self.read.entry((*conversation, *user)).or_default();
                *read = (*read).max(*seq);
            }
            (Some("user"), [user]) => {
                self.users.insert(*user);
            }
            _ => return false,
        }
        true
    }
}

/// Starts the child and kills it when it has told so many times.
fn kill_one(dir: &Path, told: &mut Told, enough: u64) {
    let mut child = Command::new(env::current_exe().unwrap())
        .args(["--exact", "child", "--ignored", "--nocapture"])
        .env(DIR, dir)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).split(b'\n');
    let mut heard = 0;
    while heard < enough {
        let line = lines.next().expect("the child ended by itself").unwrap();
        heard += u64::from(told.hear(&String::from_utf8(line).unwrap()));
    }
    child.kill().unwrap();
    // What it had told before it died counts; a line without its end may not have been told.
    let rest: Vec<_> = lines.map(|line| String::from_utf8(line.unwrap()).unwrap()).collect();
    for line in rest {
        told.hear(&line);
    }
    child.wait().unwrap();
}

async fn log(stores: &Stores, conversation: ConversationId) -> Vec<Entry> {
    stores.log.read(conversation, Seq::ZERO, Seq::new(1 << 40), usize::MAX).await.unwrap()
}

fn check_log(entries: &[Entry], told: &Told) {
    let mut keys = HashSet::new();
    for (seq, entry) in (1..).zip(entries) {
        assert_eq!(entry.seq.get(), seq, "a hole");
        assert!(keys.insert((entry.sender, entry.client_id.clone())), "doubled: {entry:?}");
        if let Body::Text { text: Some(said), .. } = &entry.body {
            assert_eq!(**said, text(entry.id.get()));
        }
    }
    let conversation = entries.first().map_or(0, |entry| entry.conversation.get());
    for ((_, seq), expected) in told.sent.iter().filter(|((of, _), _)| *of == conversation) {
        let place = usize::try_from(seq - 1).unwrap();
        let entry = entries.get(place).unwrap_or_else(|| panic!("lost: {conversation}/{seq}"));
        assert_eq!((entry.id.get(), entry.sender.get()), *expected, "another at {seq}");
    }
}

/// The read models are what the entries make of them.
async fn check_views(stores: &Stores, conversation: ConversationId, entries: &[Entry]) {
    let expected = MemoryStores::new();
    expected.conversations.project(entries).await.unwrap();
    let everybody: Vec<_> = (1..60).map(|number| UserId::new(number).unwrap()).collect();
    let last = Seq::new(entries.len() as u64);
    let views = (&stores.conversations, &expected.conversations);
    for user in &everybody {
        let here = |list: Vec<_>| {
            let here = |one: &&chat_core::model::Membership| one.conversation == conversation;
            list.iter().find(here).copied()
        };
        let (is, should) = (views.0.of_user(*user), views.1.of_user(*user));
        assert_eq!(here(is.await.unwrap()), here(should.await.unwrap()));
    }
    let (is, should) =
        (views.0.members(conversation, None, 1000), views.1.members(conversation, None, 1000));
    assert_eq!(is.await.unwrap(), should.await.unwrap());
    let (is, should) = (
        views.0.overlays(conversation, Seq::ZERO, last),
        views.1.overlays(conversation, Seq::ZERO, last),
    );
    assert_eq!(is.await.unwrap(), should.await.unwrap());
}

async fn check_cursors(stores: &Stores, entries: &[Entry], told: &Told) {
    let Some(last) = entries.last() else { return };
    let conversation = last.conversation;
    let mut told_of: HashMap<UserId, Cursor> = HashMap::new();
    for entry in entries.iter().filter(|entry| entry.body.is_text()) {
        let own = Cursor { delivered_seq: entry.seq, read_seq: entry.seq, read_ord: entry.ord };
        told_of.insert(entry.sender, own);
    }
    for ((of, user), seq) in &told.read {
        if *of == conversation.get() && *seq > 0 {
            let entry = &entries[usize::try_from(*seq - 1).unwrap()];
            let read =
                Cursor { delivered_seq: entry.seq, read_seq: entry.seq, read_ord: entry.ord };
            let cursor = told_of.entry(UserId::new(*user).unwrap()).or_default();
            *cursor = cursor.max(read);
        }
    }
    for (user, least) in told_of {
        let cursor = stores.cursors.of_user(user, &[conversation]).await.unwrap()[0];
        assert_eq!(cursor.max(least), cursor, "{user} had read further");
        assert!(cursor.read_seq <= last.seq && cursor.read_ord <= last.ord);
    }
}

async fn check(stores: &Stores, told: &Told) -> usize {
    let mut count = 0;
    for number in 0..CONVERSATIONS {
        let conversation = conversation(number);
        let entries = log(stores, conversation).await;
        check_log(&entries, told);
        check_views(stores, conversation, &entries).await;
        check_cursors(stores, &entries, told).await;
        let head = stores.log.heads(&[conversation]).await.unwrap()[0];
        let (seq, ord) = entries.last().map_or((Seq::ZERO, 0), |last| (last.seq, last.ord));
        assert_eq!((head.seq, head.ord), (seq, ord));
        count += entries.len();
    }
    let users: Vec<_> = told.users.iter().filter_map(|user| UserId::new(*user)).collect();
    assert!(stores.accounts.users(&users).await.unwrap().iter().all(Option::is_some));
    count
}

/// Kills, opens and checks, again and again; how many entries there were.
async fn kill_and_check(kills: u64, enough: impl Fn() -> u64) -> usize {
    let dir = tempfile::tempdir().unwrap();
    let mut told = Told::default();
    let mut found = 0;
    for kill in 1..=kills {
        kill_one(dir.path(), &mut told, enough());
        // Now and then the next process finds what the kill left, not what this one made of it.
        if kill < kills && chance(3) == 0 {
            continue;
        }
        let embedded = Embedded::open(&EmbeddedConfig::new(dir.path())).unwrap();
        found = check(&embedded.stores(), &told).await;
        embedded.close();
    }
    let (sent, users) = (told.sent.len(), told.users.len());
    println!("{kills} kills: {sent} entries and {users} users told, {found} entries found");
    assert!(found >= sent);
    sent
}

#[tokio::test]
async fn killed_process_keeps_all_it_acknowledged() {
    let enough = || if chance(8) == 0 { 1 } else { chance(900) };
    assert!(kill_and_check(KILLS, enough).await > 500);
}

/// Long enough that journals are closed and memory is flushed to files between the kills.
#[tokio::test]
#[ignore = "takes minutes"]
async fn killed_process_keeps_all_it_acknowledged_through_flushes() {
    assert!(kill_and_check(12, || 10_000 + chance(30_000)).await > 100_000);
}
