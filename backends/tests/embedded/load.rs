//! The child process of the kill test. It writes as fast as it can and reports what was acknowledged,
//! until it is killed.

use std::{
    hash::{BuildHasher, Hasher, RandomState},
    io::Write,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use backends::embedded::{Embedded, EmbeddedConfig};
use chat_core::{
    id::{ConversationId, EntryId, UserId},
    model::{Body, ClientId, Cursor, Entry, Head, Member, Role, Seq, User, Username},
    port::{Append, Appended, NameClaim, Stores},
    time::Timestamp,
};

/// Conversations that the child writes to.
pub(crate) const CONVERSATIONS: u64 = 3;
/// Tasks that write to each conversation.
const WRITERS: u64 = 3;

/// Returns a random number below `below`.
pub(crate) fn random(below: u64) -> u64 {
    RandomState::new().build_hasher().finish() % below
}

pub(crate) fn conversation(number: u64) -> ConversationId {
    ConversationId::new(100 + number).unwrap()
}

/// Writes a line to the parent process in one write.
fn report(line: &str) {
    let mut out = std::io::stdout().lock();
    out.write_all(format!("{line}\n").as_bytes()).unwrap();
    out.flush().unwrap();
}

/// Writes into the store of this folder until the process is killed.
pub(crate) async fn write_until_killed(dir: &Path) {
    let embedded = Embedded::open(&EmbeddedConfig::new(dir)).unwrap();
    // Each run of the process starts at a random number, so that runs do not share numbers.
    let numbers = Arc::new(AtomicU64::new(random(1 << 40) << 20));
    let mut writers = tokio::task::JoinSet::new();
    for number in 0..CONVERSATIONS * WRITERS {
        let writer = Writer {
            stores: embedded.stores(),
            numbers: numbers.clone(),
            conversation: conversation(number % CONVERSATIONS),
            sender: UserId::new(10 + number).unwrap(),
        };
        writers.spawn(writer.run());
    }
    writers.join_all().await;
}

struct Writer {
    stores: Stores,
    /// Numbers for entries, client ids and users.
    numbers: Arc<AtomicU64>,
    conversation: ConversationId,
    sender: UserId,
}

impl Writer {
    async fn run(self) {
        loop {
            match random(10) {
                0 => self.advance().await,
                1 => self.claim().await,
                _ => self.append().await,
            }
        }
    }

    fn fresh_number(&self) -> u64 {
        self.numbers.fetch_add(1, Ordering::Relaxed) + 1
    }

    async fn head(&self) -> Head {
        self.stores.log.heads(&[self.conversation]).await.unwrap()[0]
    }

    async fn advance(&self) {
        let head = self.head().await;
        let to = Cursor { delivered_seq: head.seq, read_seq: head.seq, read_ord: head.ord };
        self.stores.cursors.advance(self.sender, self.conversation, to).await.unwrap();
        report(&format!("read {} {} {}", self.conversation, self.sender, head.seq));
    }

    async fn claim(&self) {
        let number = self.fresh_number();
        let user = User {
            id: UserId::new(number).unwrap(),
            username: Username::new(&format!("user-{number}")).unwrap(),
            display_name: "somebody".into(),
            created_at: Timestamp::default(),
        };
        assert_eq!(self.stores.accounts.claim(&user, "hash").await.unwrap(), NameClaim::Yours);
        report(&format!("user {number}"));
    }

    /// Appends, retries until the head has not moved, reports, and sometimes repeats the append.
    async fn append(&self) {
        let numbers: Vec<_> = (0..=random(3)).map(|_| self.fresh_number()).collect();
        loop {
            let head = self.head().await;
            let (entries, after) = self.entries(&numbers, head);
            match self.try_append(head.seq, &entries, after).await {
                Appended::Done => {
                    entries.iter().for_each(report_entry);
                    return self.sometimes_repeat(&entries).await;
                }
                Appended::Moved { .. } => {}
                Appended::Duplicate { entries } => panic!("appended twice: {entries:?}"),
            }
        }
    }

    async fn sometimes_repeat(&self, appended: &[Entry]) {
        if random(4) != 0 {
            return;
        }
        let numbers: Vec<_> = appended.iter().map(|entry| entry.id.get()).collect();
        let head = self.head().await;
        let (entries, after) = self.entries(&numbers, head);
        let answer = self.try_append(head.seq, &entries, after).await;
        let Appended::Duplicate { entries } = answer else { panic!("not a duplicate: {answer:?}") };
        let found: Vec<_> = entries.iter().map(|(_, entry)| (entry.id, entry.seq)).collect();
        let expected: Vec<_> = appended.iter().map(|entry| (entry.id, entry.seq)).collect();
        assert_eq!(found, expected);
    }

    async fn try_append(&self, after: Seq, entries: &[Entry], head: Head) -> Appended {
        let conversation = self.conversation;
        let bases = vec![after; entries.len()];
        let append = Append { conversation, after, entries, bases: &bases, head };
        self.stores.log.append(append).await.unwrap()
    }

    /// Returns an entry for each number, and the head after them.
    fn entries(&self, numbers: &[u64], mut head: Head) -> (Vec<Entry>, Head) {
        let mut entries = Vec::new();
        for number in numbers {
            let seq = head.seq.next();
            let body = self.body(*number, seq);
            let ord = head.ord + u64::from(body.is_text());
            let at = head.at;
            entries.push(Entry {
                conversation: self.conversation,
                seq,
                id: EntryId::new(*number).unwrap(),
                sender: self.sender,
                client_id: ClientId::new(&number.to_string()).ok(),
                at,
                ord,
                body,
            });
            head = Head { seq, ord, ..head };
        }
        (entries, head)
    }

    /// Returns a message for every third entry, so that the other entries have a target.
    fn body(&self, number: u64, seq: Seq) -> Body {
        let user = UserId::new(1 + random(40)).unwrap();
        let member = Member {
            user,
            role: Role::Member,
            needs_consent: false,
            joined_seq: seq,
            joined_ord: number,
        };
        let target_seq = Seq::new(3 * (1 + random((seq.get() / 3).max(1))));
        let message = Body::plain(text(number), None);
        if seq.get().is_multiple_of(3) || target_seq >= seq {
            return message;
        }
        match random(12) {
            0 => Body::Role { member },
            1 => Body::Left { user, by: self.sender },
            2 => Body::Title { title: format!("title {number}").into() },
            3 => Body::Edited { target_seq, text: Some(text(number).into()) },
            4 => Body::Redacted { target_seq },
            5 => Body::Reaction { target_seq, emoji: "+".into(), on: random(2) == 0 },
            _ => message,
        }
    }
}

/// Returns the text of the message with this number. Some texts are long, to write many bytes.
pub(crate) fn text(number: u64) -> String {
    let times = if number.is_multiple_of(16) { 600 } else { 1 + number % 40 };
    format!("text {number} ").repeat(usize::try_from(times).unwrap())
}

fn report_entry(entry: &Entry) {
    report(&format!("sent {} {} {} {}", entry.conversation, entry.seq, entry.id, entry.sender));
}
