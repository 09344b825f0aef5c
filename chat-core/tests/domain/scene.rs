//! Gateways on one store and one bus, and people who talk through them.

use std::sync::Arc;

use bytes::Bytes;
use chat_core::{
    chat::Chat,
    command::{Change, Command, ConversationView, Page, Reply, Write, Written},
    error::ChatError,
    event::{Encode, Event},
    id::{ConversationId, LoginId, UserId},
    memory::{MemoryHub, MemoryStores},
    model::{ClientId, Entry, Identity, Seq, User, Username},
    port::Stores,
    ports::Ports,
    revocations::RevokedLogins,
    session::{Batch, Opened, Resume, Session},
    time::{Clock, TestClock, Timestamp},
};
use futures_util::future::BoxFuture;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::doubtful::DoubtfulLog;

/// A start of the clock that leaves room for ids.
const START: Timestamp = Timestamp::from_millis(1_800_000_000_000);

/// Spells an event so that a test can read it.
#[derive(Debug)]
struct Spell;

impl Encode for Spell {
    fn encode(&self, event: &Event) -> Bytes {
        let text = match event {
            Event::Message(view) => {
                let entry = &view.entry;
                format!("message {} {} {:?}", entry.conversation, entry.seq, entry.body)
            }
            Event::Receipt { conversation, user, cursor } => {
                format!(
                    "receipt {conversation} {user} {:?} {:?}",
                    cursor.delivered_seq, cursor.read_seq
                )
            }
            Event::Typing { conversation, user, on } => {
                format!("typing {conversation} {user} {on}")
            }
            Event::Conversation(view) => format!("conversation {} {:?}", view.id, view.title),
            Event::Removed { conversation } => format!("removed {conversation}"),
            Event::Gap { conversation, after_seq, head_seq } => {
                format!("gap {conversation} {after_seq} {head_seq}")
            }
            Event::Draining { .. } => "draining".to_owned(),
        };
        text.into()
    }
}

/// Gateways on one store.
pub(crate) struct Scene {
    pub(crate) gateways: Vec<Arc<Chat>>,
    pub(crate) stores: Stores,
    pub(crate) log: Arc<DoubtfulLog>,
    clock: Arc<dyn Clock>,
    shutdown: CancellationToken,
}

impl Drop for Scene {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}

impl Scene {
    /// This many gateways on a bus that loses nothing and a store that never fails.
    pub(crate) fn new(gateways: u16) -> Self {
        Self::with(gateways, &MemoryHub::new(), 0)
    }

    /// The same, on this bus, with every so many-th append's outcome unknown.
    pub(crate) fn with(gateways: u16, hub: &MemoryHub, doubt_every: u32) -> Self {
        Self::over(gateways, hub, doubt_every, MemoryStores::new())
    }

    /// The same, over these stores.
    pub(crate) fn over(
        gateways: u16,
        hub: &MemoryHub,
        doubt_every: u32,
        mut stores: Stores,
    ) -> Self {
        let log = Arc::new(DoubtfulLog::new(stores.log.clone(), doubt_every));
        stores.log = log.clone();
        let shutdown = CancellationToken::new();
        let chats = (0..gateways).map(|node| {
            let ports = Ports {
                stores: stores.clone(),
                bus: Arc::new(hub.bus()),
                clock: Arc::new(TestClock::new(START, node)),
                encode: Arc::new(Spell),
            };
            let revoked = RevokedLogins::new(chat_core::limits::ACCESS_TTL_DEFAULT);
            Chat::start(ports, revoked, TaskTracker::new(), shutdown.clone())
        });
        let gateways = chats.collect();
        let clock = Arc::new(TestClock::new(START, 1_000));
        Self { gateways, stores, log, clock, shutdown }
    }

    /// A new person.
    pub(crate) async fn person(&self, name: &str) -> Person {
        let id = UserId::from(self.clock.fresh_id());
        let user = User {
            id,
            username: Username::new(name).unwrap(),
            display_name: name.into(),
            created_at: START,
        };
        assert!(self.stores.accounts.claim(&user, "hash").await.unwrap());
        let login = LoginId::from(self.clock.fresh_id());
        Person { identity: Identity { user: id, login }, at: self.gateways[0].clone() }
    }

    /// The log of a conversation, as the store has it.
    pub(crate) async fn entries(&self, conversation: ConversationId) -> Vec<Entry> {
        self.stores.log.read(conversation, Seq::ZERO, Seq::new(1 << 40), 1 << 20).await.unwrap()
    }
}

/// A person at a gateway.
#[derive(Clone)]
pub(crate) struct Person {
    pub(crate) identity: Identity,
    at: Arc<Chat>,
}

impl Person {
    pub(crate) const fn id(&self) -> UserId {
        self.identity.user
    }

    /// The same person at another gateway.
    pub(crate) fn at(&self, gateway: &Arc<Chat>) -> Self {
        Self { identity: self.identity, at: gateway.clone() }
    }

    pub(crate) async fn execute(&self, command: Command) -> Result<Reply, ChatError> {
        self.at.execute(self.identity, command).await
    }

    pub(crate) async fn group(&self, members: &[&Person]) -> ConversationId {
        let key = format!("key-{}", self.at.sessions());
        let members = members.iter().map(|member| member.id()).collect();
        let command = Command::CreateGroup { title: "Tea".into(), members, key: key.into() };
        made(self.execute(command).await).id
    }

    pub(crate) async fn direct(&self, other: &Person) -> ConversationId {
        made(self.execute(Command::OpenDirect { user: other.id() }).await).id
    }

    pub(crate) async fn change(
        &self,
        conversation: ConversationId,
        change: Change,
    ) -> Result<Reply, ChatError> {
        let write =
            Write { conversation, client_id: None, expected_seq: None, base_seq: None, change };
        self.execute(Command::Write(write)).await
    }

    pub(crate) async fn send_as(
        &self,
        conversation: ConversationId,
        client_id: &str,
        text: &str,
    ) -> Result<Written, ChatError> {
        let write = Write {
            conversation,
            client_id: Some(ClientId::new(client_id).unwrap()),
            expected_seq: None,
            base_seq: None,
            change: Change::Text { text: text.into(), reply_to: None },
        };
        self.execute(Command::Write(write)).await.map(written)
    }

    pub(crate) async fn send(&self, conversation: ConversationId, text: &str) -> Seq {
        let change = Change::Text { text: text.into(), reply_to: None };
        written(self.change(conversation, change).await.unwrap()).entry.entry.seq
    }

    pub(crate) async fn history(
        &self,
        conversation: ConversationId,
    ) -> Result<Vec<Seq>, ChatError> {
        let command = Command::History { conversation, page: Page::Newest, limit: 100 };
        let reply = self.execute(command).await?;
        let Reply::History { items, .. } = reply else { unreachable!("{reply:?}") };
        Ok(items.into_iter().map(|item| item.entry.seq).collect())
    }

    pub(crate) async fn view(
        &self,
        conversation: ConversationId,
    ) -> Result<ConversationView, ChatError> {
        let reply = self.execute(Command::Conversation { conversation }).await?;
        let Reply::Conversation(view) = reply else { unreachable!("{reply:?}") };
        Ok(*view)
    }

    /// A session after these cursors.
    pub(crate) async fn open(&self, resume: Option<Resume>) -> Reader {
        let Opened { session, heads, first } =
            Session::open(&self.at, self.identity, resume.as_ref()).await.unwrap();
        Reader { session, heads, events: first.iter().map(text).collect() }
    }
}

pub(crate) fn made(reply: Result<Reply, ChatError>) -> ConversationView {
    let reply = reply.unwrap();
    let Reply::Made { conversation, .. } = reply else { unreachable!("{reply:?}") };
    *conversation
}

pub(crate) fn written(reply: Reply) -> Written {
    let Reply::Written(written) = reply else { unreachable!("{reply:?}") };
    written
}

fn text(bytes: &Bytes) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// A session that is read.
pub(crate) struct Reader {
    pub(crate) session: Session,
    pub(crate) heads: Vec<(ConversationId, Seq)>,
    pub(crate) events: Vec<String>,
}

impl Reader {
    /// Reads until nothing has come for a while, and gives all that came.
    pub(crate) async fn read(&mut self) -> Vec<String> {
        let quiet = std::time::Duration::from_secs(8);
        while let Ok(batch) = tokio::time::timeout(quiet, self.session.next_batch()).await {
            match batch {
                Batch::Frames(frames) => self.events.extend(frames.iter().map(text)),
                Batch::Ended(ending) => {
                    self.events.push(format!("ended {ending:?}"));
                    break;
                }
                Batch::Ping => {}
            }
        }
        std::mem::take(&mut self.events)
    }

    /// Reads until a message has come.
    pub(crate) async fn message(&mut self) -> String {
        loop {
            let found = self.events.iter().position(|event| event.starts_with("message "));
            if let Some(found) = found {
                return self.events.drain(..=found).next_back().unwrap();
            }
            let Batch::Frames(frames) = self.session.next_batch().await else { continue };
            self.events.extend(frames.iter().map(text));
        }
    }

    /// The cursors as a client would send them.
    pub(crate) fn resume(&self) -> Resume {
        self.session.cursors().into_iter().collect()
    }
}

/// The seqs of the messages among events.
pub(crate) fn seqs(events: &[String]) -> Vec<u64> {
    let messages = events.iter().filter_map(|event| event.strip_prefix("message "));
    messages.map(|event| event.split(' ').nth(1).unwrap().parse().unwrap()).collect()
}

impl Scene {
    /// One more gateway, on these stores and this bus; the scene's own are its to wrap.
    pub(crate) fn join(&mut self, stores: Stores, bus: Arc<dyn chat_core::port::Bus>) -> Arc<Chat> {
        let node = u16::try_from(self.gateways.len()).unwrap();
        let ports = Ports {
            stores,
            bus,
            clock: Arc::new(TestClock::new(START, node)),
            encode: Arc::new(Spell),
        };
        let revoked = RevokedLogins::new(chat_core::limits::ACCESS_TTL_DEFAULT);
        let chat = Chat::start(ports, revoked, TaskTracker::new(), self.shutdown.clone());
        self.gateways.push(chat.clone());
        chat
    }
}

impl Person {
    /// Queues a write, and returns the future of its reply.
    pub(crate) fn begin(&self, write: Write) -> BoxFuture<'static, Result<Reply, ChatError>> {
        self.at.begin(self.identity, Command::Write(write))
    }
}
