//! Gateways on one store and one bus, and people who talk through them.

use std::{mem, sync::Arc, time::Duration};

use bytes::Bytes;
use chat_core::{
    budget::Unread,
    chat::Chat,
    command::{Change, Command, ConversationView, Page, Reply, Write, Written},
    consent::ConsentRules,
    error::ChatError,
    event::{Encode, Event},
    faults::Faults,
    id::{ConversationId, LoginId, UserId},
    limits::{ACCESS_TTL_DEFAULT, UNREAD_BYTES_DEFAULT},
    memory::{MemoryHub, MemoryStores},
    model::{ClientId, Entry, Identity, MembershipState, Seq, User, Username},
    port::{Bus, NameClaim, Search, Stores},
    ports::Ports,
    random::SeededRandom,
    revocations::RevokedLogins,
    session::{Batch, Opened, Resume, Session},
    time::{Clock, TestClock, Timestamp},
};
use futures_util::future::BoxFuture;
use tokio::time::timeout;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// A start of the clock that leaves room for ids.
pub(crate) const START: Timestamp = Timestamp::from_millis(1_800_000_000_000);

/// Encodes events as text for assertions.
#[derive(Debug)]
struct PlainText;

impl Encode for PlainText {
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

/// Returns one of 250 emoji.
pub(crate) fn emoji(number: usize) -> Arc<str> {
    let code = 0x1F400 + u32::try_from(number % 250).unwrap();
    char::from_u32(code).unwrap().to_string().into()
}

/// Gateways on one store.
pub(crate) struct Scene {
    pub(crate) gateways: Vec<Arc<Chat>>,
    /// The stores without faults, for the test's own reads.
    pub(crate) stores: Stores,
    /// The faults of the gateways that the scene started with.
    pub(crate) faults: Arc<Faults>,
    pub(crate) clock: Arc<dyn Clock>,
    /// The budget of unread bytes of all gateways together.
    pub(crate) unread: Arc<Unread>,
    shutdown: CancellationToken,
    consent: ConsentRules,
    /// The index of all gateways.
    pub(crate) search: Option<Arc<dyn Search>>,
}

impl Drop for Scene {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}

impl Scene {
    /// Starts gateways on an empty store and a bus that loses nothing.
    pub(crate) fn new(gateways: usize) -> Self {
        Self::on(gateways, &MemoryHub::new(), MemoryStores::new())
    }

    /// Starts gateways where every membership is open at once.
    pub(crate) fn without_requests(gateways: usize) -> Self {
        let rules = ConsentRules { requests: false, ..ConsentRules::default() };
        Self::with(gateways, &MemoryHub::new(), MemoryStores::new(), rules)
    }

    /// Starts gateways on this bus and these stores.
    pub(crate) fn on(gateways: usize, hub: &MemoryHub, stores: Stores) -> Self {
        Self::with(gateways, hub, stores, ConsentRules::default())
    }

    fn with(gateways: usize, hub: &MemoryHub, stores: Stores, consent: ConsentRules) -> Self {
        let mut scene = Self {
            gateways: Vec::new(),
            stores,
            faults: Faults::new(),
            clock: Arc::new(TestClock::new(START, 1_000)),
            unread: Unread::new(UNREAD_BYTES_DEFAULT),
            shutdown: CancellationToken::new(),
            consent,
            search: None,
        };
        let faults = scene.faults.clone();
        for _ in 0..gateways {
            scene.join(&faults, Arc::new(hub.bus()));
        }
        scene
    }

    /// Starts one more gateway, with these faults and on this bus.
    pub(crate) fn join(&mut self, faults: &Arc<Faults>, bus: Arc<dyn Bus>) -> Arc<Chat> {
        let node = u16::try_from(self.gateways.len()).unwrap();
        let clock = Arc::new(TestClock::new(START, node));
        let ports = Ports {
            stores: faults.stores(&self.stores),
            bus,
            search: self.search.clone(),
            wall_clock: clock.clone(),
            clock,
            random: Arc::new(SeededRandom::new(node.into())),
            encode: Arc::new(PlainText),
        };
        let chat = Chat::start(
            ports,
            RevokedLogins::new(ACCESS_TTL_DEFAULT),
            self.unread.clone(),
            self.consent,
            TaskTracker::new(),
            self.shutdown.clone(),
        );
        self.gateways.push(chat.clone());
        chat
    }

    /// Registers a person at the first gateway.
    pub(crate) async fn person(&self, name: &str) -> Person {
        let id = UserId::from(self.clock.fresh_id());
        let user = User {
            id,
            username: Username::new(name).unwrap(),
            display_name: name.into(),
            created_at: START,
        };
        assert_eq!(self.stores.accounts.claim(&user, "hash").await.unwrap(), NameClaim::Yours);
        let login = LoginId::from(self.clock.fresh_id());
        Person { identity: Identity { user: id, login }, gateway: self.gateways[0].clone() }
    }

    /// Returns the log of a conversation as the store has it.
    pub(crate) async fn entries(&self, conversation: ConversationId) -> Vec<Entry> {
        self.stores.log.read(conversation, Seq::ZERO, Seq::new(1 << 40), 1 << 20).await.unwrap()
    }
}

/// A person at a gateway.
#[derive(Clone)]
pub(crate) struct Person {
    pub(crate) identity: Identity,
    gateway: Arc<Chat>,
}

impl Person {
    pub(crate) const fn id(&self) -> UserId {
        self.identity.user
    }

    /// Returns the same person at another gateway.
    pub(crate) fn at(&self, gateway: &Arc<Chat>) -> Self {
        Self { identity: self.identity, gateway: gateway.clone() }
    }

    pub(crate) async fn execute(&self, command: Command) -> Result<Reply, ChatError> {
        self.gateway.execute(self.identity, command).await
    }

    /// Queues a write at once and returns the future of its reply.
    pub(crate) fn begin(
        &self,
        conversation: ConversationId,
        change: Change,
    ) -> BoxFuture<'static, Result<Reply, ChatError>> {
        self.gateway.begin(self.identity, Command::Write(write(conversation, change)))
    }

    pub(crate) async fn change(
        &self,
        conversation: ConversationId,
        change: Change,
    ) -> Result<Reply, ChatError> {
        self.execute(Command::Write(write(conversation, change))).await
    }

    /// Executes a change under a client id.
    pub(crate) async fn change_as(
        &self,
        conversation: ConversationId,
        client_id: &str,
        change: Change,
    ) -> Result<Written, ChatError> {
        let client_id = Some(ClientId::new(client_id).unwrap());
        let write = Write { client_id, ..write(conversation, change) };
        self.execute(Command::Write(write)).await.map(written)
    }

    pub(crate) async fn send(&self, conversation: ConversationId, text: &str) -> Seq {
        written(self.change(conversation, text_of(text)).await.unwrap()).entry.entry.seq
    }

    pub(crate) async fn send_as(
        &self,
        conversation: ConversationId,
        client_id: &str,
        text: &str,
    ) -> Result<Written, ChatError> {
        self.change_as(conversation, client_id, text_of(text)).await
    }

    pub(crate) async fn group(&self, members: &[&Person]) -> ConversationId {
        let key = format!("key-{}", self.gateway.sessions());
        let members = members.iter().map(|member| member.id()).collect();
        let command = Command::CreateGroup { title: "Tea".into(), members, key: key.into() };
        made(self.execute(command).await).id
    }

    pub(crate) async fn direct(&self, other: &Person) -> ConversationId {
        made(self.execute(Command::OpenDirect { user: other.id() }).await).id
    }

    pub(crate) async fn add(&self, conversation: ConversationId, other: &Person) {
        self.change(conversation, add(other)).await.unwrap();
    }

    pub(crate) async fn remove(&self, conversation: ConversationId, other: &Person) {
        self.change(conversation, remove(other)).await.unwrap();
    }

    pub(crate) async fn accept(&self, conversation: ConversationId) {
        self.execute(Command::Accept { conversation }).await.unwrap();
    }

    /// Returns the conversations in the person's list.
    pub(crate) async fn list(&self, state: Option<MembershipState>) -> Vec<ConversationId> {
        let command = Command::Conversations { state, after: None, limit: 100 };
        let reply = self.execute(command).await;
        let Ok(Reply::Conversations { items, .. }) = reply else { unreachable!("{reply:?}") };
        items.into_iter().map(|item| item.id).collect()
    }

    /// Returns what the person sees of a member's cursor: the delivered and the read seq.
    pub(crate) async fn cursor_of(&self, conversation: ConversationId, member: &Self) -> [u64; 2] {
        let command = Command::Member { conversation, user: member.id() };
        let reply = self.execute(command).await.unwrap();
        let Reply::Members { items, .. } = reply else { unreachable!("{reply:?}") };
        [items[0].cursor.delivered_seq, items[0].cursor.read_seq].map(Seq::get)
    }

    pub(crate) async fn read_up_to(&self, conversation: ConversationId, seq: Seq) {
        let up_to = Some(seq);
        self.execute(Command::Receipt { conversation, delivered_seq: up_to, read_seq: up_to })
            .await
            .unwrap();
    }

    /// Returns the seqs of the newest page.
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

    /// Opens a session after these cursors, or at the heads.
    pub(crate) async fn open(&self, resume: Option<Resume>) -> Reader {
        let Opened { session, heads, first } =
            Session::open(&self.gateway, self.identity, resume.as_ref()).await.unwrap();
        Reader { session, heads, events: first.iter().map(utf8).collect() }
    }
}

/// Returns a write without a client id and conditions.
pub(crate) fn write(conversation: ConversationId, change: Change) -> Write {
    Write { conversation, client_id: None, expected_seq: None, base_seq: None, change }
}

pub(crate) fn text_of(text: &str) -> Change {
    Change::plain(text, None)
}

pub(crate) fn add(user: &Person) -> Change {
    Change::SetMember { user: user.id(), role: None }
}

pub(crate) fn remove(user: &Person) -> Change {
    Change::Remove { user: user.id() }
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

fn utf8(bytes: &Bytes) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// A session and the events that it has received.
pub(crate) struct Reader {
    pub(crate) session: Session,
    pub(crate) heads: Vec<(ConversationId, Seq)>,
    events: Vec<String>,
}

impl Reader {
    /// Reads until no event has come for a while and returns all events.
    pub(crate) async fn read(&mut self) -> Vec<String> {
        let quiet = Duration::from_secs(8);
        while let Ok(batch) = timeout(quiet, self.session.next_batch()).await {
            match batch {
                Batch::Frames(frames) => self.events.extend(frames.iter().map(utf8)),
                Batch::Ended(ending) => {
                    self.events.push(format!("ended {ending:?}"));
                    break;
                }
                Batch::Ping => {}
            }
        }
        mem::take(&mut self.events)
    }

    /// Returns the next event that begins like this and drops the events before it.
    pub(crate) async fn next(&mut self, prefix: &str) -> Option<String> {
        loop {
            let found = self.events.iter().position(|event| event.starts_with(prefix));
            if let Some(found) = found {
                return self.events.drain(..=found).next_back();
            }
            match self.session.next_batch().await {
                Batch::Frames(frames) => self.events.extend(frames.iter().map(utf8)),
                Batch::Ended(_) => return None,
                Batch::Ping => {}
            }
        }
    }

    /// Returns true if an event that begins like this comes within this time.
    pub(crate) async fn receives(&mut self, prefix: &str, within: Duration) -> bool {
        timeout(within, self.next(prefix)).await.is_ok_and(|event| event.is_some())
    }

    /// Returns the cursors as a client would send them.
    pub(crate) fn resume(&self) -> Resume {
        self.session.cursors().into_iter().collect()
    }
}

/// Returns the seqs of the messages among events.
pub(crate) fn seqs(events: &[String]) -> Vec<u64> {
    let messages = events.iter().filter_map(|event| event.strip_prefix("message "));
    messages.map(|event| event.split(' ').nth(1).unwrap().parse().unwrap()).collect()
}
