//! Fixtures: fresh ids, bodies, and a writer that appends to a log as a gateway does.

use std::{
    fmt::Write as _,
    sync::{Arc, LazyLock},
};

use tokio::task::JoinSet;

use crate::{
    id::{ConversationId, Snowflake, UserId},
    model::{Body, ClientId, Entry, Head, Joining, Member, Role, Seq},
    port::{Append, Appended, Stores},
    time::{Clock, SystemClock, Timestamp},
};

static CLOCK: LazyLock<SystemClock> = LazyLock::new(|| {
    let [high, low] = random();
    SystemClock::new(u16::from_be_bytes([high, low]))
});

/// Returns random bytes.
pub(super) fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).unwrap();
    bytes
}

/// Returns an unused id. Tests share their store with others, so each uses ids of its own.
pub(super) fn fresh<T: From<Snowflake>>() -> T {
    CLOCK.fresh_id().into()
}

/// Returns three consecutive ids. They are far from the ids that clocks make, so that no other
/// test uses adjacent ones.
pub(super) fn adjacent_ids<T>(new: fn(u64) -> Option<T>) -> [T; 3] {
    let first = u64::from_be_bytes(random()) >> 2 | 1 << 62;
    [first, first + 1, first + 2].map(|number| new(number).unwrap())
}

/// Returns the current time.
pub(super) fn now() -> Timestamp {
    CLOCK.now()
}

/// Returns twelve random characters that are valid in usernames and client ids.
pub(super) fn random_word() -> String {
    random::<6>().iter().fold(String::new(), |mut word, byte| {
        write!(word, "{byte:02x}").unwrap();
        word
    })
}

/// Returns an unused client id.
pub(super) fn client_id() -> ClientId {
    ClientId::new(&random_word()).unwrap()
}

/// Returns the last handle on the store, which is also the first if there is only one.
pub(super) fn last(stores: &[Stores]) -> &Stores {
    stores.last().unwrap()
}

pub(super) fn text(text: &str) -> Body {
    Body::plain(text, None)
}

pub(super) fn joined(user: UserId) -> Body {
    Body::Joined { user, role: Role::Member, joining: Joining::Added }
}

pub(super) fn left(user: UserId) -> Body {
    Body::Left { user, by: user }
}

pub(super) fn title(title: &str) -> Body {
    Body::Title { title: title.into() }
}

pub(super) fn edited(target_seq: Seq, text: &str) -> Body {
    Body::Edited { target_seq, text: Some(text.into()) }
}

pub(super) fn redacted(target_seq: Seq) -> Body {
    Body::Redacted { target_seq }
}

pub(super) fn reaction(target_seq: Seq, emoji: &str, on: bool) -> Body {
    Body::Reaction { target_seq, emoji: emoji.into(), on }
}

/// Returns bodies of every kind, for a log of their own. The redaction erases nothing.
pub(super) fn every_body(user: UserId) -> Vec<Body> {
    let target_seq = Seq::new(1);
    let member = Member {
        user,
        role: Role::Admin,
        needs_consent: true,
        joined_seq: Seq::new(4),
        joined_ord: 2,
    };
    vec![
        text("plain"),
        text("\0nul\0, \u{1F469}\u{200D}\u{1F680}, e\u{301}, \u{202E}rtl, \"quotes\" 'n' \\ \n"),
        Body::plain(Arc::from(""), Some(target_seq)),
        joined(user),
        Body::Role { member },
        edited(target_seq, "other\0"),
        reaction(target_seq, "\u{1F44D}\u{1F3FD}", true),
        title("\0 \u{3042}"),
        left(user),
        redacted(Seq::new(4)),
    ]
}

/// An entry to append, before it has a seq.
#[derive(Debug, Clone)]
pub(super) struct Draft {
    pub(super) sender: UserId,
    pub(super) client_id: Option<ClientId>,
    pub(super) body: Body,
}

impl Draft {
    /// Makes a draft with an unused client id.
    pub(super) fn new(sender: UserId, body: Body) -> Self {
        Self { sender, client_id: Some(client_id()), body }
    }

    /// Returns the entry that follows this head, and the head after it.
    fn after(self, conversation: ConversationId, head: Head) -> (Entry, Head) {
        let Self { sender, client_id, body } = self;
        let ord = head.ord + u64::from(body.is_text());
        let entry = Entry {
            conversation,
            seq: head.seq.next(),
            id: fresh(),
            sender,
            client_id,
            at: now().max(head.at),
            ord,
            body,
        };
        let head = head_after(&entry, head);
        (entry, head)
    }
}

fn head_after(entry: &Entry, head: Head) -> Head {
    let (members, owners) = match &entry.body {
        Body::Joined { role, .. } => {
            (head.members + 1, head.owners + u32::from(*role == Role::Owner))
        }
        Body::Left { .. } => (head.members.saturating_sub(1), head.owners),
        Body::Text { .. }
        | Body::Edited { .. }
        | Body::Redacted { .. }
        | Body::Reaction { .. }
        | Body::Role { .. }
        | Body::Title { .. } => (head.members, head.owners),
    };
    let is_text = entry.body.is_text();
    Head {
        seq: entry.seq,
        ord: entry.ord,
        at: entry.at,
        text_seq: if is_text { entry.seq } else { head.text_seq },
        projected_seq: if is_text { head.projected_seq } else { entry.seq },
        members,
        owners,
    }
}

/// An append with all its arguments.
#[derive(Debug, Clone)]
pub(super) struct Batch {
    pub(super) after: Seq,
    pub(super) entries: Vec<Entry>,
    pub(super) bases: Vec<Seq>,
    pub(super) head: Head,
}

impl Batch {
    /// Makes entries of the drafts that follow this head, with it as their base.
    pub(super) fn new(conversation: ConversationId, head: Head, drafts: &[Draft]) -> Self {
        let bases = vec![head.seq; drafts.len()];
        let mut batch = Self { after: head.seq, entries: Vec::new(), bases, head };
        for draft in drafts {
            let (entry, head) = draft.clone().after(conversation, batch.head);
            batch.entries.push(entry);
            batch.head = head;
        }
        batch
    }

    /// Appends the batch without projecting it.
    pub(super) async fn append(&self, stores: &Stores) -> Appended {
        let append = Append {
            conversation: self.entries[0].conversation,
            after: self.after,
            entries: &self.entries,
            bases: &self.bases,
            head: self.head,
        };
        stores.log.append(append).await.unwrap()
    }
}

/// The only writer of a conversation, which therefore knows its head.
#[derive(Debug, Clone)]
pub(super) struct LogWriter {
    stores: Stores,
    pub(super) conversation: ConversationId,
    pub(super) head: Head,
}

impl LogWriter {
    /// Makes a writer for a new conversation.
    pub(super) fn new(stores: &Stores) -> Self {
        Self::of(stores, fresh())
    }

    /// Makes a writer for this conversation, whose log must be empty.
    pub(super) fn of(stores: &Stores, conversation: ConversationId) -> Self {
        Self { stores: stores.clone(), conversation, head: Head::default() }
    }

    /// Makes the next append from these drafts.
    pub(super) fn batch(&self, drafts: &[Draft]) -> Batch {
        Batch::new(self.conversation, self.head, drafts)
    }

    /// Appends the drafts without projecting them, and remembers the new head.
    pub(super) async fn append(&mut self, drafts: &[Draft]) -> Vec<Entry> {
        let batch = self.batch(drafts);
        assert_eq!(batch.append(&self.stores).await, Appended::Done);
        self.head = batch.head;
        batch.entries
    }

    /// Appends and projects one body, as a gateway does.
    pub(super) async fn write(&mut self, sender: UserId, body: Body) -> Entry {
        let mut entries = self.write_all(&[Draft::new(sender, body)]).await;
        entries.remove(0)
    }

    /// Appends and projects the drafts, as a gateway does.
    pub(super) async fn write_all(&mut self, drafts: &[Draft]) -> Vec<Entry> {
        let entries = self.append(drafts).await;
        self.stores.conversations.project(&entries).await.unwrap();
        entries
    }

    /// Makes `count` texts of one sender, with unused client ids.
    pub(super) fn texts(sender: UserId, count: usize) -> Vec<Draft> {
        (0..count).map(|nth| Draft::new(sender, text(&format!("text {nth}")))).collect()
    }

    /// Reads the whole log on this handle.
    pub(super) async fn read_log(&self, stores: &Stores) -> Vec<Entry> {
        let to = Seq::new(u64::from(u32::MAX));
        stores.log.read(self.conversation, Seq::ZERO, to, usize::MAX).await.unwrap()
    }

    /// Reads the head on this handle.
    pub(super) async fn read_head(&self, stores: &Stores) -> Head {
        stores.log.heads(&[self.conversation]).await.unwrap()[0]
    }

    /// Checks that every handle reads exactly these entries and their head.
    pub(super) async fn assert_log(&self, stores: &[Stores], entries: &[Entry]) {
        for stores in stores {
            assert_eq!(self.read_log(stores).await, entries);
            assert_eq!(self.read_head(stores).await, self.head);
        }
    }
}

/// Returns the items in random order.
pub(super) fn shuffled<T: Clone>(items: &[T]) -> Vec<T> {
    let mut keyed: Vec<_> = items.iter().map(|item| (random::<8>(), item.clone())).collect();
    keyed.sort_by_key(|(key, _)| *key);
    keyed.into_iter().map(|(_, item)| item).collect()
}

/// Projects the entries one by one, in random order, twice, on alternating handles, as late
/// gateways may.
pub(super) async fn project_in_disorder(stores: &[Stores], entries: &[Entry]) {
    for (nth, entry) in shuffled(&[entries, entries].concat()).iter().enumerate() {
        let stores = &stores[nth % stores.len()];
        stores.conversations.project(std::slice::from_ref(entry)).await.unwrap();
    }
}

/// Projects all entries concurrently, each in a call of its own, on alternating handles.
pub(super) async fn project_at_once(stores: &[Stores], entries: &[Entry]) {
    let mut projecting = JoinSet::new();
    for (nth, entry) in shuffled(entries).into_iter().enumerate() {
        let stores = stores[nth % stores.len()].clone();
        projecting.spawn(async move { stores.conversations.project(&[entry]).await.unwrap() });
    }
    projecting.join_all().await;
}
