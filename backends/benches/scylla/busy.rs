//! Busy conversations: many users send in each of them, through the whole domain.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use chat_core::{
    budget::Unread,
    chat::Chat,
    command::{Change, Command, Reply, Write},
    consent::ConsentRules,
    event::{Encode, Event},
    id::{ConversationId, LoginId, UserId},
    limits::{ACCESS_TTL_DEFAULT, UNREAD_BYTES_DEFAULT},
    memory::MemoryHub,
    model::{ClientId, Identity, User, Username},
    port::{NameClaim, Stores},
    ports::Ports,
    random::SystemRandom,
    revocations::RevokedLogins,
    time::{Clock, SystemClock},
};
use tokio::{task::JoinSet, time::Instant};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::writer::fresh;

/// Encodes nothing, because no session listens.
#[derive(Debug)]
struct NoEncoding;

impl Encode for NoEncoding {
    fn encode(&self, _: &Event) -> Bytes {
        Bytes::new()
    }
}

/// A gateway's domain, with users who send.
pub(crate) struct BusyChat {
    chat: Arc<Chat>,
    senders: Vec<Identity>,
    conversations: Vec<ConversationId>,
    shutdown: CancellationToken,
}

impl BusyChat {
    /// Creates this many senders, and this many conversations that all of them are in.
    pub(crate) async fn start(stores: Stores, conversations: usize, senders: usize) -> Self {
        let clock = Arc::new(SystemClock::new(1));
        let mut identities = Vec::new();
        for _ in 0..senders {
            identities.push(create_user(&stores, clock.now()).await);
        }
        let ports = Ports {
            stores,
            bus: Arc::new(MemoryHub::new().bus()),
            search: None,
            wall_clock: clock.clone(),
            clock,
            random: Arc::new(SystemRandom),
            encode: Arc::new(NoEncoding),
        };
        let shutdown = CancellationToken::new();
        let revoked = RevokedLogins::new(ACCESS_TTL_DEFAULT);
        let chat = Chat::start(
            ports,
            revoked,
            Unread::new(UNREAD_BYTES_DEFAULT),
            ConsentRules::default(),
            TaskTracker::new(),
            shutdown.clone(),
        );
        let mut busy = Self { chat, senders: identities, conversations: Vec::new(), shutdown };
        for number in 0..conversations {
            busy.conversations.push(busy.create_group(number).await);
        }
        busy
    }

    async fn create_group(&self, number: usize) -> ConversationId {
        let members = self.senders.iter().skip(1).map(|sender| sender.user).collect();
        let key = format!("bench-{number}").into();
        let command = Command::CreateGroup { title: "Busy".into(), members, key };
        let reply = self.chat.execute(self.senders[0], command).await.unwrap();
        let Reply::Made { conversation, .. } = reply else { unreachable!("{reply:?}") };
        conversation.id
    }

    /// Lets each sender send one text after the other in every conversation. Returns how long each
    /// text took.
    pub(crate) async fn send(&self, time: Duration) -> Vec<Duration> {
        let end = Instant::now() + time;
        let mut sending = JoinSet::new();
        for conversation in &self.conversations {
            for sender in &self.senders {
                sending.spawn(send(self.chat.clone(), *sender, *conversation, end));
            }
        }
        sending.join_all().await.concat()
    }
}

impl Drop for BusyChat {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}

async fn create_user(stores: &Stores, created_at: chat_core::time::Timestamp) -> Identity {
    let id: UserId = fresh();
    let username = Username::new(&format!("u{id}")).unwrap();
    let user = User { id, username, display_name: "Sender".into(), created_at };
    assert_eq!(stores.accounts.claim(&user, "no hash").await.unwrap(), NameClaim::Yours);
    Identity { user: id, login: fresh::<LoginId>() }
}

async fn send(
    chat: Arc<Chat>,
    sender: Identity,
    conversation: ConversationId,
    end: Instant,
) -> Vec<Duration> {
    let mut took = Vec::new();
    while Instant::now() < end {
        let began = Instant::now();
        let write = Write {
            conversation,
            client_id: ClientId::new(&format!("c{}", took.len())).ok(),
            expected_seq: None,
            base_seq: None,
            change: Change::plain("x".repeat(120), None),
        };
        let reply = chat.execute(sender, Command::Write(write)).await.unwrap();
        assert!(matches!(reply, Reply::Written(_)), "{reply:?}");
        took.push(began.elapsed());
    }
    took
}
