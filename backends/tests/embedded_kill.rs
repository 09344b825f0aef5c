//! A process that is killed while it writes does not lose, duplicate or reorder acknowledged writes.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may end so")]
#![expect(clippy::print_stdout, reason = "reports how much was tested")]

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
    model::{Body, Cursor, Entry, Membership, Seq},
    port::Stores,
};
use load::{CONVERSATIONS, conversation, random, text};

/// How often the process is killed.
const KILLS: u64 = 24;
/// The environment variable that passes the folder to the child.
const DIR: &str = "CONFAB_TEST_KILL_DIR";

/// The child process that the tests below start and kill; not a test itself.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "started by the test that kills it"]
async fn child() {
    if let Some(dir) = env::var_os(DIR) {
        load::write_until_killed(Path::new(&dir)).await;
    }
}

/// The acknowledged writes that the children have reported.
#[derive(Default)]
struct Reported {
    /// Id and sender by conversation and seq.
    sent: HashMap<(u64, u64), (u64, u64)>,
    /// The read seq by conversation and user.
    read: HashMap<(u64, u64), u64>,
    users: HashSet<u64>,
}

impl Reported {
    /// Adds a line of the child. Returns false if the line is not a report.
    fn add(&mut self, line: &str) -> bool {
        let mut words = line.split(' ');
        let kind = words.next();
        let Ok(numbers) = words.map(str::parse).collect::<Result<Vec<u64>, _>>() else {
            return false;
        };
        match (kind, &numbers[..]) {
            (Some("sent"), [conversation, seq, id, sender]) => {
                let before = self.sent.insert((*conversation, *seq), (*id, *sender));
                assert_eq!(before, None, "two appends were acknowledged at {conversation}/{seq}");
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

/// Starts the child and kills it after `enough` reports.
fn run_and_kill(dir: &Path, reported: &mut Reported, enough: u64) {
    let mut child = Command::new(env::current_exe().unwrap())
        .args(["--exact", "child", "--ignored", "--nocapture"])
        .env(DIR, dir)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).split(b'\n');
    let mut count = 0;
    while count < enough {
        let line = lines.next().expect("the child ended by itself").unwrap();
        count += u64::from(reported.add(&String::from_utf8(line).unwrap()));
    }
    child.kill().unwrap();
    // Reports that the child wrote before it died count too.
    let rest: Vec<_> = lines.map(|line| String::from_utf8(line.unwrap()).unwrap()).collect();
    for line in rest {
        reported.add(&line);
    }
    child.wait().unwrap();
}

async fn log(stores: &Stores, conversation: ConversationId) -> Vec<Entry> {
    stores.log.read(conversation, Seq::ZERO, Seq::new(1 << 40), usize::MAX).await.unwrap()
}

fn check_log(entries: &[Entry], reported: &Reported) {
    let mut keys = HashSet::new();
    for (seq, entry) in (1..).zip(entries) {
        assert_eq!(entry.seq.get(), seq, "a gap");
        assert!(keys.insert((entry.sender, entry.client_id.clone())), "duplicated: {entry:?}");
        if let Body::Text { text: Some(stored), .. } = &entry.body {
            assert_eq!(**stored, text(entry.id.get()));
        }
    }
    let conversation = entries.first().map_or(0, |entry| entry.conversation.get());
    for ((_, seq), expected) in reported.sent.iter().filter(|((of, _), _)| *of == conversation) {
        let place = usize::try_from(seq - 1).unwrap();
        let entry = entries.get(place).unwrap_or_else(|| panic!("lost: {conversation}/{seq}"));
        assert_eq!((entry.id.get(), entry.sender.get()), *expected, "another entry at {seq}");
    }
}

/// Checks that the read models match the entries.
async fn check_views(stores: &Stores, conversation: ConversationId, entries: &[Entry]) {
    let expected = MemoryStores::new();
    expected.conversations.project(entries).await.unwrap();
    let users: Vec<_> = (1..60).map(|number| UserId::new(number).unwrap()).collect();
    let last = Seq::new(entries.len() as u64);
    for user in &users {
        let in_conversation = |memberships: Vec<Membership>| {
            memberships.into_iter().find(|membership| membership.conversation == conversation)
        };
        let actual = stores.conversations.of_user(*user).await.unwrap();
        let wanted = expected.conversations.of_user(*user).await.unwrap();
        assert_eq!(in_conversation(actual), in_conversation(wanted));
    }
    let actual = stores.conversations.members(conversation, None, 1000).await.unwrap();
    let wanted = expected.conversations.members(conversation, None, 1000).await.unwrap();
    assert_eq!(actual, wanted);
    let actual = stores.conversations.overlays(conversation, Seq::ZERO, last).await.unwrap();
    let wanted = expected.conversations.overlays(conversation, Seq::ZERO, last).await.unwrap();
    assert_eq!(actual, wanted);
}

/// Checks that every cursor is at least where its user was reported to be, and not beyond the head.
async fn check_cursors(stores: &Stores, entries: &[Entry], reported: &Reported) {
    let Some(last) = entries.last() else { return };
    let conversation = last.conversation;
    let mut minimum: HashMap<UserId, Cursor> = HashMap::new();
    for entry in entries.iter().filter(|entry| entry.body.is_text()) {
        let own = Cursor { delivered_seq: entry.seq, read_seq: entry.seq, read_ord: entry.ord };
        minimum.insert(entry.sender, own);
    }
    for ((of, user), seq) in &reported.read {
        if *of == conversation.get() && *seq > 0 {
            let entry = &entries[usize::try_from(*seq - 1).unwrap()];
            let read =
                Cursor { delivered_seq: entry.seq, read_seq: entry.seq, read_ord: entry.ord };
            let cursor = minimum.entry(UserId::new(*user).unwrap()).or_default();
            *cursor = cursor.max(read);
        }
    }
    for (user, least) in minimum {
        let cursor = stores.cursors.of_user(user, &[conversation]).await.unwrap()[0];
        assert_eq!(cursor.max(least), cursor, "the cursor of {user} moved back");
        assert!(cursor.read_seq <= last.seq && cursor.read_ord <= last.ord);
    }
}

/// Checks everything and returns the number of entries.
async fn check(stores: &Stores, reported: &Reported) -> usize {
    let mut count = 0;
    for number in 0..CONVERSATIONS {
        let conversation = conversation(number);
        let entries = log(stores, conversation).await;
        check_log(&entries, reported);
        check_views(stores, conversation, &entries).await;
        check_cursors(stores, &entries, reported).await;
        let head = stores.log.heads(&[conversation]).await.unwrap()[0];
        let (seq, ord) = entries.last().map_or((Seq::ZERO, 0), |last| (last.seq, last.ord));
        assert_eq!((head.seq, head.ord), (seq, ord));
        count += entries.len();
    }
    let users: Vec<_> = reported.users.iter().filter_map(|user| UserId::new(*user)).collect();
    assert!(stores.accounts.users(&users).await.unwrap().iter().all(Option::is_some));
    count
}

/// Kills the child `kills` times, checks the store after most kills, and returns the number of
/// reported entries.
async fn kill_and_check(kills: u64, enough: impl Fn() -> u64) -> usize {
    let dir = tempfile::tempdir().unwrap();
    let mut reported = Reported::default();
    let mut found = 0;
    for kill in 1..=kills {
        run_and_kill(dir.path(), &mut reported, enough());
        // Sometimes the next child recovers the store, instead of this process.
        if kill < kills && random(3) == 0 {
            continue;
        }
        let embedded = Embedded::open(&EmbeddedConfig::new(dir.path())).unwrap();
        found = check(&embedded.stores(), &reported).await;
        embedded.close();
    }
    let sent = reported.sent.len();
    println!("{kills} kills: {sent} entries reported, {found} entries found");
    assert!(found >= sent);
    sent
}

#[tokio::test]
async fn acknowledged_writes_survive_when_the_process_is_killed() {
    let enough = || if random(8) == 0 { 1 } else { random(900) };
    assert!(kill_and_check(KILLS, enough).await > 500);
}

/// Runs long enough that journals are sealed and memtables are flushed between the kills.
#[tokio::test]
#[ignore = "takes minutes"]
async fn acknowledged_writes_survive_kills_during_flushes() {
    assert!(kill_and_check(12, || 10_000 + random(30_000)).await > 100_000);
}
