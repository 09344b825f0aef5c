//! Measures durable appends per second and their latency, and the cost of a bare sync on the same disk.
//!
//! `cargo bench -p backends --bench embedded -- [folder]` creates the store in `folder`, or in a
//! temporary folder by default.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a bench may fail and print")]

use std::{
    fs::File,
    io::Write,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use backends::embedded::{Embedded, EmbeddedConfig};
use chat_core::{
    id::{ConversationId, EntryId, UserId},
    model::{Body, ClientId, Entry, Head, Seq},
    port::{Append, Appended, Log},
    time::Timestamp,
};
use tokio::time::Instant;

/// Duration of each measurement.
const MEASURED: Duration = Duration::from_secs(4);
/// Characters of each message.
const TEXT_CHARS: usize = 120;

/// One writer of one conversation.
struct Writer {
    log: Arc<dyn Log>,
    conversation: ConversationId,
    sender: UserId,
    head: Head,
}

impl Writer {
    fn next(&self) -> (Entry, Head) {
        let seq = self.head.seq.next();
        let entry = Entry {
            conversation: self.conversation,
            seq,
            id: EntryId::new(seq.get()).unwrap(),
            sender: self.sender,
            client_id: ClientId::new(&format!("c-{seq}")).ok(),
            at: Timestamp::from_millis(1_800_000_000_000),
            ord: self.head.ord + 1,
            body: Body::plain("x".repeat(TEXT_CHARS), None),
        };
        let head = Head { seq, ord: entry.ord, at: entry.at, text_seq: seq, ..self.head };
        (entry, head)
    }

    async fn append(&mut self) {
        let (entry, head) = self.next();
        let append = Append {
            conversation: self.conversation,
            after: self.head.seq,
            entries: &[entry],
            bases: &[self.head.seq],
            head,
        };
        assert_eq!(self.log.append(append).await, Ok(Appended::Done));
        self.head = head;
    }

    /// Appends one entry at a time until `end` and returns the duration of each append.
    async fn run(mut self, end: Instant) -> Vec<Duration> {
        let mut took = Vec::new();
        while Instant::now() < end {
            let start = Instant::now();
            self.append().await;
            took.push(start.elapsed());
        }
        took
    }
}

fn report(what: &str, mut took: Vec<Duration>) {
    took.sort_unstable();
    let at = |share: usize| took[(took.len() - 1) * share / 1000].as_micros();
    let per_second = took.len() as u64 / MEASURED.as_secs();
    println!(
        "{what:<28} {per_second:>8}/s   p50 {:>6} us   p99 {:>6} us   p99.9 {:>7} us",
        at(500),
        at(990),
        at(999)
    );
}

/// Measures the bare sync: appends the bytes of a message to a file and calls fdatasync.
fn bare_syncs(dir: &Path) -> Vec<Duration> {
    let mut file = File::create(dir.join("bare")).unwrap();
    file.set_len(64 * 1024 * 1024).unwrap();
    file.sync_all().unwrap();
    let (mut took, end) = (Vec::new(), Instant::now() + MEASURED);
    while Instant::now() < end {
        let start = Instant::now();
        file.write_all(&[b'x'; 400]).unwrap();
        file.sync_data().unwrap();
        took.push(start.elapsed());
    }
    took
}

async fn measure(log: &Arc<dyn Log>, in_flight: u64, round: u64) -> Vec<Duration> {
    let end = Instant::now() + MEASURED;
    let writers = (1..=in_flight).map(|number| Writer {
        log: log.clone(),
        conversation: ConversationId::new(round * 1_000_000 + number).unwrap(),
        sender: UserId::new(number).unwrap(),
        head: Head::default(),
    });
    let mut running = tokio::task::JoinSet::new();
    for writer in writers {
        running.spawn(writer.run(end));
    }
    running.join_all().await.concat()
}

#[tokio::main]
async fn main() {
    let temporary = tempfile::tempdir().unwrap();
    let given = std::env::args().nth(1).filter(|argument| !argument.starts_with('-'));
    let dir = given.map_or_else(|| temporary.path().to_owned(), PathBuf::from);
    report("bare write and fdatasync", bare_syncs(&dir));
    let embedded = Embedded::open(&EmbeddedConfig::new(dir.join("store"))).unwrap();
    let log = embedded.stores().log;
    for (round, in_flight) in (1..).zip([1, 16, 64, 256]) {
        let took = measure(&log, in_flight, round).await;
        report(&format!("{in_flight} in flight"), took);
        assert_eq!(
            log.read(
                ConversationId::new(round * 1_000_000 + 1).unwrap(),
                Seq::ZERO,
                Seq::new(3),
                3,
            )
            .await
            .unwrap()
            .len(),
            3
        );
    }
    drop(log);
    embedded.close();
}
