//! What promises are written with: fresh ids, bodies, and a scribe who appends as a caller does.

use std::{
    fmt::Write as _,
    sync::{Arc, LazyLock},
};

use tokio::task::JoinSet;

use crate::{
    id::{ConversationId, Snowflake, UserId},
    model::{Body, ClientId, Entry, Head, Member, Role, Seq},
    port::{Append, Appended, Stores},
    time::{Clock, SystemClock, Timestamp},
};

static CLOCK: LazyLock<SystemClock> = LazyLock::new(|| {
    let [high, low] = random();
    SystemClock::new(u16::from_be_bytes([high, low]))
});

/// Random bytes.
pub(super) fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).unwrap();
    bytes
}

/// An id that nobody has: promises share their store with others.
pub(super) fn fresh<T: From<Snowflake>>() -> T {
    CLOCK.fresh_id().into()
}

/// Three numbers of ids that stand side by side, far from those that clocks make: fresh ones may
/// be next to another promise's.
pub(super) fn neighbours<T>(new: fn(u64) -> Option<T>) -> [T; 3] {
    let first = u64::from_be_bytes(random()) >> 2 | 1 << 62;
    [first, first + 1, first + 2].map(|number| new(number).unwrap())
}

/// The time now.
pub(super) fn now() -> Timestamp {
    CLOCK.now()
}

/// Twelve random characters that a username and a client id may have.
pub(super) fn word() -> String {
    random::<6>().iter().fold(String::new(), |mut word, byte| {
        write!(word, "{byte:02x}").unwrap();
        word
    })
}

/// A client id that nobody has.
pub(super) fn client_id() -> ClientId {
    ClientId::new(&word()).unwrap()
}

/// The last handle; the same as the first where there is one only.
pub(super) fn last(stores: &[Stores]) -> &Stores {
    stores.last().unwrap()
}

pub(super) fn text(text: &str) -> Body {
    Body::Text { text: Some(text.into()), reply_to: None }
}

pub(super) fn joined(user: UserId) -> Body {
    Body::Joined { user, role: Role::Member, is_founder: false }
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

/// One body of each kind, on a log of its own. The redaction takes nothing away.
pub(super) fn every_body(user: UserId) -> Vec<Body> {
    let target_seq = Seq::new(1);
    let member = Member { user, role: Role::Admin, joined_seq: Seq::new(4), joined_ord: 2 };
    vec![
        text("plain"),
        text("\0nul\0, \u{1F469}\u{200D}\u{1F680}, e\u{301}, \u{202E}rtl, \"quotes\" 'n' \\ \n"),
        Body::Text { text: Some(Arc::from("")), reply_to: Some(target_seq) },
        joined(user),
        Body::Role { member },
        edited(target_seq, "other\0"),
        reaction(target_seq, "\u{1F44D}\u{1F3FD}", true),
        title("\0 \u{3042}"),
        left(user),
        redacted(Seq::new(4)),
    ]
}

/// A body that somebody wants in the log.
#[derive(Debug, Clone)]
pub(super) struct Draft {
    pub(super) sender: UserId,
    pub(super) client_id: Option<ClientId>,
    pub(super) body: Body,
}

impl Draft {
    /// Under a fresh client id.
    pub(super) fn new(sender: UserId, body: Body) -> Self {
        Self { sender, client_id: Some(client_id()), body }
    }

    /// The entry that it becomes after this head, and the head then.
    fn after(self, conversation: ConversationId, head: Head) -> (Entry, Head) {
        let Self { sender, client_id, body } = self;
        let (id, seq, at) = (fresh(), head.seq.next(), now().max(head.at));
        let ord = head.ord + u64::from(body.is_text());
        let entry = Entry { conversation, seq, id, sender, client_id, at, ord, body };
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
    let (text_seq, projected_seq) = if entry.body.is_text() {
        (entry.seq, head.projected_seq)
    } else {
        (head.text_seq, entry.seq)
    };
    let (seq, ord, at) = (entry.seq, entry.ord, entry.at);
    Head { seq, ord, at, text_seq, projected_seq, members, owners }
}

/// An append that is ready to be tried.
#[derive(Debug, Clone)]
pub(super) struct Batch {
    pub(super) after: Seq,
    pub(super) entries: Vec<Entry>,
    pub(super) bases: Vec<Seq>,
    pub(super) head: Head,
}

impl Batch {
    /// These drafts as entries after this head, first made there.
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

    /// Tries the append, without projecting.
    pub(super) async fn append(&self, stores: &Stores) -> Appended {
        let (conversation, entries) = (self.entries[0].conversation, &*self.entries);
        let append = Append {
            conversation,
            after: self.after,
            entries,
            bases: &self.bases,
            head: self.head,
        };
        stores.log.append(append).await.unwrap()
    }
}

/// One conversation that is written by one caller, who knows its head.
#[derive(Debug, Clone)]
pub(super) struct Scribe {
    stores: Stores,
    pub(super) conversation: ConversationId,
    pub(super) head: Head,
}

impl Scribe {
    /// Of an empty log of its own.
    pub(super) fn new(stores: &Stores) -> Self {
        Self::of(stores, fresh())
    }

    /// Of this log, still empty.
    pub(super) fn of(stores: &Stores, conversation: ConversationId) -> Self {
        Self { stores: stores.clone(), conversation, head: Head::default() }
    }

    /// The drafts as the next append.
    pub(super) fn batch(&self, drafts: &[Draft]) -> Batch {
        Batch::new(self.conversation, self.head, drafts)
    }

    /// Appends, without projecting, and goes on from there.
    pub(super) async fn append(&mut self, drafts: &[Draft]) -> Vec<Entry> {
        let batch = self.batch(drafts);
        assert_eq!(batch.append(&self.stores).await, Appended::Done);
        self.head = batch.head;
        batch.entries
    }

    /// Appends one body and projects it, as callers do.
    pub(super) async fn write(&mut self, sender: UserId, body: Body) -> Entry {
        let mut entries = self.write_all(&[Draft::new(sender, body)]).await;
        entries.remove(0)
    }

    /// Appends and projects, as callers do.
    pub(super) async fn write_all(&mut self, drafts: &[Draft]) -> Vec<Entry> {
        let entries = self.append(drafts).await;
        self.stores.conversations.project(&entries).await.unwrap();
        entries
    }

    /// Texts of one sender, as drafts under fresh client ids.
    pub(super) fn texts(sender: UserId, count: usize) -> Vec<Draft> {
        (0..count).map(|nth| Draft::new(sender, text(&format!("text {nth}")))).collect()
    }

    /// The whole log as this handle reads it.
    pub(super) async fn log_on(&self, stores: &Stores) -> Vec<Entry> {
        let to = Seq::new(u64::from(u32::MAX));
        stores.log.read(self.conversation, Seq::ZERO, to, usize::MAX).await.unwrap()
    }

    /// The head as this handle reads it.
    pub(super) async fn head_on(&self, stores: &Stores) -> Head {
        stores.log.heads(&[self.conversation]).await.unwrap()[0]
    }

    /// Nothing but these entries is in the log, on every handle.
    pub(super) async fn holds(&self, stores: &[Stores], entries: &[Entry]) {
        for stores in stores {
            assert_eq!(self.log_on(stores).await, entries);
            assert_eq!(self.head_on(stores).await, self.head);
        }
    }
}

/// In another order, by chance.
pub(super) fn shuffled<T: Clone>(items: &[T]) -> Vec<T> {
    let mut keyed: Vec<_> = items.iter().map(|item| (random::<8>(), item.clone())).collect();
    keyed.sort_by_key(|(key, _)| *key);
    keyed.into_iter().map(|(_, item)| item).collect()
}

/// Projects as gateways that are late may: one by one, on all handles, in disorder, and twice.
pub(super) async fn project_in_disorder(stores: &[Stores], entries: &[Entry]) {
    for (nth, entry) in shuffled(&[entries, entries].concat()).iter().enumerate() {
        let stores = &stores[nth % stores.len()];
        stores.conversations.project(std::slice::from_ref(entry)).await.unwrap();
    }
}

/// Projects all entries at the same moment, each on its own, on all handles.
pub(super) async fn project_at_once(stores: &[Stores], entries: &[Entry]) {
    let mut projecting = JoinSet::new();
    for (nth, entry) in shuffled(entries).into_iter().enumerate() {
        let stores = stores[nth % stores.len()].clone();
        projecting.spawn(async move { stores.conversations.project(&[entry]).await.unwrap() });
    }
    projecting.join_all().await;
}
