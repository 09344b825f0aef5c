//! The child of the kill test: writes as hard as it can and tells what was acknowledged, until it
//! is killed.

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
    port::{Append, Appended, Stores},
    time::Timestamp,
};

/// Conversations that are written to.
pub(crate) const CONVERSATIONS: u64 = 3;
/// Tasks that write to each.
const WRITERS: u64 = 3;

/// Numbers that nobody can foretell.
pub(crate) fn chance(below: u64) -> u64 {
    RandomState::new().build_hasher().finish() % below
}

pub(crate) fn conversation(number: u64) -> ConversationId {
    ConversationId::new(100 + number).unwrap()
}

/// Tells the parent, in one write.
fn tell(line: &str) {
    let mut out = std::io::stdout().lock();
    out.write_all(format!("{line}\n").as_bytes()).unwrap();
    out.flush().unwrap();
}

/// Writes into the store of this folder until the process is killed.
pub(crate) async fn write_for_ever(dir: &Path) {
    let embedded = Embedded::open(&EmbeddedConfig::new(dir)).unwrap();
    // Fresh names in each life of the process.
    let names = Arc::new(AtomicU64::new(chance(1 << 40) << 20));
    let mut writers = tokio::task::JoinSet::new();
    for number in 0..CONVERSATIONS * WRITERS {
        let writer = Writer {
            stores: embedded.stores(),
            names: names.clone(),
            conversation: conversation(number % CONVERSATIONS),
            sender: UserId::new(10 + number).unwrap(),
        };
        writers.spawn(writer.run());
    }
    writers.join_all().await;
}

struct Writer {
    stores: Stores,
    names: Arc<AtomicU64>,
    conversation: ConversationId,
    sender: UserId,
}

impl Writer {
    async fn run(self) {
        loop {
            match chance(10) {
                0 => self.advance().await,
                1 => self.claim().await,
                _ => self.append().await,
            }
        }
    }

    fn fresh(&self) -> u64 {
        self.names.fetch_add(1, Ordering::Relaxed) + 1
    }

    async fn head(&self) -> Head {
        self.stores.log.heads(&[self.conversation]).await.unwrap()[0]
    }

    async fn advance(&self) {
        let head = self.head().await;
        let to = Cursor { delivered_seq: head.seq, read_seq: head.seq, read_ord: head.ord };
        self.stores.cursors.advance(self.sender, self.conversation, to).await.unwrap();
        tell(&format!("read {} {} {}", self.conversation, self.sender, head.seq));
    }

    async fn claim(&self) {
        let number = self.fresh();
        let user = User {
            id: UserId::new(number).unwrap(),
            username: Username::new(&format!("user-{number}")).unwrap(),
            display_name: "somebody".into(),
            created_at: Timestamp::default(),
        };
        assert!(self.stores.accounts.claim(&user, "hash").await.unwrap());
        tell(&format!("user {number}"));
    }

    /// Appends, again and again until the head is met, tells, and now and then does it all again.
    async fn append(&self) {
        let names: Vec<_> = (0..=chance(3)).map(|_| self.fresh()).collect();
        loop {
            let head = self.head().await;
            let (entries, after) = self.entries(&names, head);
            match self.try_append(head.seq, &entries, after).await {
                Appended::Done => {
                    entries.iter().for_each(tell_entry);
                    return self.now_and_then_repeat(&entries).await;
                }
                Appended::Moved { .. } => {}
                Appended::Duplicate { entries } => panic!("made twice: {entries:?}"),
            }
        }
    }

    async fn now_and_then_repeat(&self, made: &[Entry]) {
        if chance(4) != 0 {
            return;
        }
        let names: Vec<_> = made.iter().map(|entry| entry.id.get()).collect();
        let head = self.head().await;
        let (entries, after) = self.entries(&names, head);
        let answer = self.try_append(head.seq, &entries, after).await;
        let Appended::Duplicate { entries } = answer else { panic!("not known: {answer:?}") };
        let known: Vec<_> = entries.iter().map(|(_, entry)| (entry.id, entry.seq)).collect();
        let told: Vec<_> = made.iter().map(|entry| (entry.id, entry.seq)).collect();
        assert_eq!(known, told);
    }

    async fn try_append(&self, after: Seq, entries: &[Entry], head: Head) -> Appended {
        let conversation = self.conversation;
        let bases = vec![after; entries.len()];
        let append = Append { conversation, after, entries, bases: &bases, head };
        self.stores.log.append(append).await.unwrap()
    }

    fn entries(&self, names: &[u64], mut head: Head) -> (Vec<Entry>, Head) {
        let mut entries = Vec::new();
        for name in names {
            let seq = head.seq.next();
            let body = self.body(*name, seq);
            let ord = head.ord + u64::from(body.is_text());
            let at = head.at;
            entries.push(Entry {
                conversation: self.conversation,
                seq,
                id: EntryId::new(*name).unwrap(),
                sender: self.sender,
                client_id: ClientId::new(&name.to_string()).ok(),
                at,
                ord,
                body,
            });
            head = Head { seq, ord, ..head };
        }
        (entries, head)
    }

    /// Every third entry is a message, so that the others have something to be about.
    fn body(&self, name: u64, seq: Seq) -> Body {
        let user = UserId::new(1 + chance(40)).unwrap();
        let member = Member { user, role: Role::Member, joined_seq: seq, joined_ord: name };
        let target_seq = Seq::new(3 * (1 + chance((seq.get() / 3).max(1))));
        let message = Body::Text { text: Some(text(name).into()), reply_to: None };
        if seq.get().is_multiple_of(3) || target_seq >= seq {
            return message;
        }
        match chance(12) {
            0 => Body::Role { member },
            1 => Body::Left { user, by: self.sender },
            2 => Body::Title { title: format!("title {name}").into() },
            3 => Body::Edited { target_seq, text: Some(text(name).into()) },
            4 => Body::Redacted { target_seq },
            5 => Body::Reaction { target_seq, emoji: "+".into(), on: chance(2) == 0 },
            _ => message,
        }
    }
}

/// The text of the message of this name: some are long, so that much is written.
pub(crate) fn text(name: u64) -> String {
    let times = if name.is_multiple_of(16) { 600 } else { 1 + name % 40 };
    format!("text {name} ").repeat(usize::try_from(times).unwrap())
}

fn tell_entry(entry: &Entry) {
    tell(&format!("sent {} {} {} {}", entry.conversation, entry.seq, entry.id, entry.sender));
}
