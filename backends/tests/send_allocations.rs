//! How many allocations a durable send makes, from the domain's entrance to the events of its readers.
//!
//! Each hop between tasks and threads, and each row, allocates. The bounds are what a send costs at
//! present plus a tenth, so that another hop on its way is noticed.
#![expect(clippy::unwrap_used, reason = "a test may end so")]

use std::{alloc::System, sync::Arc};

use backends::embedded::{Embedded, EmbeddedConfig};
use bytes::Bytes;
use chat_core::{
    budget::Unread,
    chat::Chat,
    command::{Change, Command, Reply, Write},
    consent::ConsentRules,
    event::{Encode, Event},
    id::{ConversationId, LoginId, UserId},
    limits::{ACCESS_TTL_DEFAULT, UNREAD_BYTES_DEFAULT},
    memory::NoBus,
    model::{ClientId, Identity, User, Username},
    port::Stores,
    ports::Ports,
    random::SystemRandom,
    revocations::RevokedLogins,
    session::{Batch, Session},
    time::{SystemClock, Timestamp},
};
use futures_util::future::try_join_all;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Sends before counting, after which all caches and lists have their size.
const WARM_UP: usize = 128;
/// Sends that are counted.
const COUNTED: usize = 512;

/// The most allocations of a send that is alone.
const ALONE_MAX: usize = 59;
/// The most allocations of a send that shares its batch with 15 others.
const BATCHED_MAX: usize = 30;

/// Allocates once an event, as a real encoder does.
#[derive(Debug)]
struct OneAllocation;

impl Encode for OneAllocation {
    fn encode(&self, _: &Event) -> Bytes {
        Bytes::from(vec![b'x'; 256])
    }
}

/// Two users with a session each, and their direct conversation.
struct Pair {
    chat: Arc<Chat>,
    sender: Identity,
    conversation: ConversationId,
    sessions: [Session; 2],
    sent: usize,
}

fn identity(number: u64) -> Identity {
    Identity { user: UserId::new(number).unwrap(), login: LoginId::new(number).unwrap() }
}

async fn register(stores: &Stores, number: u64) {
    let user = User {
        id: identity(number).user,
        username: Username::new(&format!("user-{number}")).unwrap(),
        display_name: "somebody".into(),
        created_at: Timestamp::default(),
    };
    stores.accounts.claim(&user, "hash").await.unwrap();
}

impl Pair {
    async fn new(stores: Stores) -> Self {
        register(&stores, 1).await;
        register(&stores, 2).await;
        let clock = Arc::new(SystemClock::new(1));
        let ports = Ports {
            stores,
            bus: Arc::new(NoBus::new()),
            search: None,
            wall_clock: clock.clone(),
            clock,
            random: Arc::new(SystemRandom),
            encode: Arc::new(OneAllocation),
        };
        let revoked = RevokedLogins::new(ACCESS_TTL_DEFAULT);
        let unread = Unread::new(UNREAD_BYTES_DEFAULT);
        let chat = Chat::start(
            ports,
            revoked,
            unread,
            ConsentRules::default(),
            TaskTracker::new(),
            CancellationToken::new(),
        );
        let sender = identity(1);
        let open = Command::OpenDirect { user: identity(2).user };
        let Reply::Made { conversation, .. } = chat.execute(sender, open).await.unwrap() else {
            unreachable!("opening a direct conversation makes it");
        };
        let session = async |number| Session::open(&chat, identity(number), None).await.unwrap();
        let sessions = [session(1).await.session, session(2).await.session];
        Self { chat: chat.clone(), sender, conversation: conversation.id, sessions, sent: 0 }
    }

    fn next_command(&mut self) -> Command {
        self.sent += 1;
        Command::Write(Write {
            conversation: self.conversation,
            client_id: ClientId::new(&format!("c-{}", self.sent)).ok(),
            expected_seq: None,
            base_seq: None,
            change: Change::plain("x".repeat(128), None),
        })
    }

    /// Sends `at_once` messages at a time, until both sessions have got `count` of them.
    async fn send(&mut self, count: usize, at_once: usize) {
        for _ in 0..count / at_once {
            let commands: Vec<Command> = (0..at_once).map(|_| self.next_command()).collect();
            let begun = commands.into_iter().map(|command| self.chat.begin(self.sender, command));
            try_join_all(begun).await.unwrap();
            for session in &self.sessions {
                read_events(session, at_once).await;
            }
        }
    }

    /// Returns the allocations of a send.
    async fn allocations(&mut self, at_once: usize) -> usize {
        self.send(WARM_UP, at_once).await;
        let region = Region::new(ALLOCATOR);
        self.send(COUNTED, at_once).await;
        let stats = region.change();
        (stats.allocations + stats.reallocations) / COUNTED
    }
}

/// Reads this many events.
async fn read_events(session: &Session, count: usize) {
    let mut read = 0;
    while read < count {
        if let Batch::Frames(frames) = session.next_batch().await {
            read += frames.len();
        }
    }
}

/// One test, because the allocator counts for the whole process.
#[tokio::test]
async fn send_allocates_within_its_bounds_when_alone_and_in_batches() {
    let dir = tempfile::tempdir().unwrap();
    let embedded = Embedded::open(&EmbeddedConfig::new(dir.path())).unwrap();
    let mut pair = Pair::new(embedded.stores()).await;
    let (alone, batched) = (pair.allocations(1).await, pair.allocations(16).await);
    let counted = format!("{alone} allocations a send alone, {batched} in batches of 16");
    assert!(alone <= ALONE_MAX && batched <= BATCHED_MAX, "{counted}");
}
