//! Gateways of the product's own code on one store in memory, and people who are spread over them.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use chat_core::{
    budget::Unread,
    chat::Chat,
    command::{Command, Reply},
    consent::ConsentRules,
    error::StoreError,
    event::{Encode, Event},
    faults::{Call, Faults},
    id::{ConversationId, LoginId, UserId},
    limits::{ACCESS_TTL_DEFAULT, UNREAD_BYTES_DEFAULT},
    memory::MemoryStores,
    model::{ClientId, Entry, Head, Identity, Seq, User, Username},
    port::{Append, Appended, Log, NameClaim, Stores},
    ports::Ports,
    random::SeededRandom,
    revocations::RevokedLogins,
    session::Session,
    time::{Clock, TestClock, Timestamp},
    write::{Change, Write},
};
use fastrand::Rng;
use tokio::time::sleep;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::bus::Primaries;

const START: Timestamp = Timestamp::from_millis(1_800_000_000_000);
/// More than a gateway gathers hints or commands for.
const MOMENT: Duration = Duration::from_millis(200);

/// A log that counts the heads that are read.
#[derive(Debug)]
struct CountingLog {
    inner: Arc<dyn Log>,
    heads: Arc<AtomicU64>,
}

#[async_trait]
impl Log for CountingLog {
    fn room(&self, after: Seq) -> usize {
        self.inner.room(after)
    }

    async fn append(&self, append: Append<'_>) -> Result<Appended, StoreError> {
        self.inner.append(append).await
    }

    async fn read(
        &self,
        conversation: ConversationId,
        after: Seq,
        to: Seq,
        limit: usize,
    ) -> Result<Vec<Entry>, StoreError> {
        self.inner.read(conversation, after, to, limit).await
    }

    async fn heads(&self, conversations: &[ConversationId]) -> Result<Vec<Head>, StoreError> {
        self.heads.fetch_add(conversations.len() as u64, Ordering::Relaxed);
        self.inner.heads(conversations).await
    }

    async fn find(
        &self,
        conversation: ConversationId,
        sender: UserId,
        client_id: &ClientId,
        base: Seq,
    ) -> Result<Option<Entry>, StoreError> {
        self.inner.find(conversation, sender, client_id, base).await
    }

    async fn erase(&self, conversation: ConversationId, seqs: &[Seq]) -> Result<(), StoreError> {
        self.inner.erase(conversation, seqs).await
    }
}

/// Encodes every event as nothing: what is on the wire is not counted.
#[derive(Debug)]
struct NoBytes;

impl Encode for NoBytes {
    fn encode(&self, _event: &Event) -> Bytes {
        Bytes::from_static(b"x")
    }
}

#[derive(Debug)]
struct Running {
    chat: Arc<Chat>,
    ends: CancellationToken,
}

/// A person who is connected once, or not at all.
#[derive(Debug)]
pub(crate) struct Person {
    identity: Identity,
    /// The gateway and the session.
    connected: Option<(usize, Session)>,
}

/// A fleet and its people.
#[derive(Debug)]
pub(crate) struct Fleet {
    pub(crate) primaries: Primaries,
    pub(crate) people: Vec<Person>,
    pub(crate) conversations: Vec<(ConversationId, Vec<usize>)>,
    gateways: Vec<Option<Running>>,
    stores: Stores,
    faults: Arc<Faults>,
    heads: Arc<AtomicU64>,
    clock: Arc<TestClock>,
    rng: Rng,
}

/// What the store was asked.
#[derive(Debug, Clone, Copy)]
pub(crate) struct StoreReads {
    pub(crate) heads: u64,
    pub(crate) memberships: u64,
}

impl Fleet {
    /// Starts gateways, and makes people who are not connected yet.
    pub(crate) async fn start(seed: u64, gateways: usize, primaries: usize, people: usize) -> Self {
        let (heads, faults) = (Arc::new(AtomicU64::new(0)), Faults::new());
        let memory = MemoryStores::new();
        let log = CountingLog { inner: memory.log.clone(), heads: heads.clone() };
        let stores = faults.stores(&Stores { log: Arc::new(log), ..memory });
        let mut fleet = Self {
            primaries: Primaries::new(primaries),
            people: Vec::new(),
            conversations: Vec::new(),
            gateways: Vec::new(),
            stores,
            faults,
            heads,
            clock: Arc::new(TestClock::new(START, 1_000)),
            rng: Rng::with_seed(seed),
        };
        for node in 0..gateways {
            let running = fleet.start_gateway(node);
            fleet.gateways.push(Some(running));
        }
        for number in 0..people {
            let identity = fleet.create_user(number).await;
            fleet.people.push(Person { identity, connected: None });
        }
        fleet
    }

    fn start_gateway(&self, node: usize) -> Running {
        let clock = Arc::new(TestClock::new(START, u16::try_from(node).unwrap()));
        let ports = Ports {
            stores: self.stores.clone(),
            bus: Arc::new(self.primaries.bus()),
            search: None,
            clock: clock.clone(),
            wall_clock: clock,
            random: Arc::new(SeededRandom::new(0)),
            encode: Arc::new(NoBytes),
        };
        let ends = CancellationToken::new();
        let chat = Chat::start(
            ports,
            RevokedLogins::new(ACCESS_TTL_DEFAULT),
            Unread::new(UNREAD_BYTES_DEFAULT),
            ConsentRules { requests: false, ..ConsentRules::default() },
            TaskTracker::new(),
            ends.clone(),
        );
        Running { chat, ends }
    }

    async fn create_user(&self, number: usize) -> Identity {
        let user = UserId::from(self.clock.fresh_id());
        let name = format!("person-{number}");
        let username = Username::new(&name).unwrap();
        let user_record = User { id: user, username, display_name: name.into(), created_at: START };
        let claim = self.stores.accounts.claim(&user_record, "hash").await.unwrap();
        assert_eq!(claim, NameClaim::Yours);
        Identity { user, login: LoginId::from(self.clock.fresh_id()) }
    }

    /// Returns a running gateway that chance chooses.
    fn any_gateway(&mut self) -> usize {
        loop {
            let number = self.rng.usize(0..self.gateways.len());
            if self.gateways[number].is_some() {
                return number;
            }
        }
    }

    fn chat(&self, gateway: usize) -> Arc<Chat> {
        self.gateways[gateway].as_ref().unwrap().chat.clone()
    }

    /// Makes conversations of this many members, whom chance chooses.
    pub(crate) async fn add_conversations(&mut self, count: usize, members: usize) {
        for number in 0..count {
            let chosen = self.rng.choose_multiple(0..self.people.len(), members);
            let founder = self.people[chosen[0]].identity;
            let users = chosen[1..].iter().map(|one| self.people[*one].identity.user).collect();
            let name = format!("{members}-{number}");
            let command = Command::CreateGroup {
                title: name.as_str().into(),
                members: users,
                key: name.as_str().into(),
            };
            let gateway = self.any_gateway();
            let reply = self.chat(gateway).execute(founder, command).await.unwrap();
            let Reply::Made { conversation, .. } = reply else { panic!("{reply:?}") };
            self.conversations.push((conversation.id, chosen));
        }
    }

    /// Connects this share of the people to gateways that chance chooses.
    pub(crate) async fn connect(&mut self, share: f64) {
        for person in 0..self.people.len() {
            if self.rng.f64() < share {
                self.connect_one(person).await;
            }
        }
    }

    async fn connect_one(&mut self, person: usize) {
        let gateway = self.any_gateway();
        let identity = self.people[person].identity;
        let opened = Session::open(&self.chat(gateway), identity, None).await.unwrap();
        self.people[person].connected = Some((gateway, opened.session));
    }

    /// Returns how many people are connected.
    pub(crate) fn connected(&self) -> usize {
        self.people.iter().filter(|one| one.connected.is_some()).count()
    }

    /// Returns the most people of one gateway, divided by the average.
    pub(crate) fn balance(&self) -> f64 {
        let mut counts = vec![0_u32; self.gateways.len()];
        let connected = self.people.iter().filter_map(|one| one.connected.as_ref());
        connected.for_each(|(gateway, _)| counts[*gateway] += 1);
        let average = f64::from(counts.iter().sum::<u32>()) / counts.len() as f64;
        f64::from(counts.into_iter().max().unwrap_or_default()) / average
    }

    /// Lets every connected member of each conversation send a text. Returns how many were sent.
    pub(crate) async fn send_everywhere(&mut self) -> u64 {
        let mut sent = 0;
        for (conversation, members) in self.conversations.clone() {
            let connected = |one: &usize| self.people[*one].connected.is_some();
            for sender in members.into_iter().filter(connected) {
                let command = Command::Write(Write {
                    conversation,
                    client_id: None,
                    expected_seq: None,
                    base_seq: None,
                    change: Change::plain("hello", None),
                });
                self.execute(sender, command).await;
                sent += 1;
            }
        }
        sleep(MOMENT).await;
        sent
    }

    /// Lets every connected member of each conversation read its newest text. Returns how many receipts
    /// were sent.
    pub(crate) async fn read_everywhere(&mut self) -> u64 {
        let mut sent = 0;
        for (conversation, members) in self.conversations.clone() {
            let head = self.stores.log.heads(&[conversation]).await.unwrap()[0].seq;
            let connected = |one: &usize| self.people[*one].connected.is_some();
            for member in members.into_iter().filter(connected) {
                let (delivered_seq, read_seq) = (Some(head), Some(head));
                let receipt = Command::Receipt { conversation, delivered_seq, read_seq };
                self.execute(member, receipt).await;
                sent += 1;
            }
        }
        sleep(MOMENT).await;
        sent
    }

    async fn execute(&self, person: usize, command: Command) {
        let Person { identity, connected } = &self.people[person];
        let (gateway, _) = connected.as_ref().unwrap();
        self.chat(*gateway).execute(*identity, command).await.unwrap();
    }

    /// Returns what the store was asked so far.
    pub(crate) fn store_reads(&self) -> StoreReads {
        StoreReads {
            heads: self.heads.load(Ordering::Relaxed),
            memberships: self.faults.count(Call::OfUser) as u64,
        }
    }

    /// Loses a gateway with its sessions, and connects its people again. Returns how many they are.
    pub(crate) async fn lose_gateway(&mut self, gateway: usize) -> usize {
        if let Some(running) = self.gateways[gateway].take() {
            running.ends.cancel();
        }
        let mut lost = Vec::new();
        for (number, person) in self.people.iter_mut().enumerate() {
            if person.connected.as_ref().is_some_and(|(on, _)| *on == gateway) {
                person.connected = None;
                lost.push(number);
            }
        }
        self.primaries.remove(gateway);
        for person in &lost {
            self.connect_one(*person).await;
        }
        lost.len()
    }
}
