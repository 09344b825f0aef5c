//! A device: it reads events over sockets and polls, and keeps cursors.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use chat_core::{
    event::Event,
    id::{ConversationId, UserId},
    model::{Identity, Seq},
    outbox::{Sent, Transport},
    session::{Batch, Opened, Resume, Session},
};
use checker::{
    Followed, Read, Step,
    facts::{Served, Shown},
};
use fastrand::Rng;
use parking_lot::Mutex;
use tokio::{
    sync::Notify,
    time::{Instant, sleep, timeout_at},
};

use crate::{
    record::{Delivery, Follower, seen},
    site::Running,
    world::{Phase, World},
};

/// The longest time that a poll waits.
const POLL_WAIT_MS: u64 = 5_000;
/// How long a poll waits after the last fault, so that it ends before the run does.
const LAST_POLL_WAIT: Duration = Duration::from_secs(2);

/// A device: it reads events over sockets and polls, and keeps cursors.
#[derive(Debug)]
pub(crate) struct Device {
    identity: Mutex<Identity>,
    cursors: Mutex<Option<Resume>>,
    follower: Mutex<Follower>,
}

/// Whose events a connection brings.
#[derive(Debug, Clone)]
struct Connection {
    identity: Identity,
    opened_ms: u64,
    /// True if the client is connected all the time.
    is_socket: bool,
}

impl Device {
    pub(crate) fn new(identity: Identity) -> Self {
        Self {
            identity: Mutex::new(identity),
            cursors: Mutex::default(),
            follower: Mutex::default(),
        }
    }

    pub(crate) fn identity(&self) -> Identity {
        *self.identity.lock()
    }

    /// Continues as another login of the same user.
    pub(crate) fn set_identity(&self, identity: Identity) {
        *self.identity.lock() = identity;
    }

    /// Returns the newest seq that the device has of a conversation.
    pub(crate) fn cursor(&self, conversation: ConversationId) -> Option<Seq> {
        self.cursors.lock().as_ref()?.get(&conversation).copied()
    }

    /// Takes what the device received. The cursors of `members` must have reached the end.
    pub(crate) fn take_followed(&self, members: &[ConversationId]) -> Vec<Followed> {
        self.follower.lock().take(members)
    }

    /// Connects again and again until the run stops.
    pub(crate) async fn run(self: Arc<Self>, world: Arc<World>, mut rng: Rng) {
        while world.phase() < Phase::Stopped {
            let gateway = world.gateway(&mut rng).await;
            let is_poll = rng.u32(0..100) < world.plan().devices_do.poll;
            let has_served = tokio::select! {
                biased;
                () = gateway.killed.cancelled() => false,
                () = world.reached(Phase::Stopped) => return,
                served = self.connect(&world, &gateway, &mut rng, is_poll) => served,
            };
            let pause = if has_served { rng.u64(0..200) } else { rng.u64(100..1_000) };
            sleep(Duration::from_millis(pause)).await;
        }
    }

    /// Makes one connection. Returns false if the gateway refused it.
    async fn connect(
        &self,
        world: &World,
        gateway: &Running,
        rng: &mut Rng,
        is_poll: bool,
    ) -> bool {
        let identity = self.identity();
        let resume = self.cursors.lock().clone();
        let called = world.record.tick();
        let opened = Session::open(&gateway.chat, identity, resume.as_ref()).await;
        let Ok(Opened { session, heads, first }) = opened else { return false };
        let connection =
            Connection { identity, opened_ms: world.record.time.ms(), is_socket: !is_poll };
        Self::record_heads(world, identity.user, called, &heads);
        if self.cursors.lock().is_none() {
            *self.cursors.lock() = Some(heads.into_iter().collect());
        }
        if is_poll {
            self.poll(world, &connection, &session, first, rng).await;
        } else {
            self.read_socket(world, &connection, &session, first, rng).await;
        }
        true
    }

    /// Records the heads of an opening as pages without entries, where they are promised to be new.
    fn record_heads(world: &World, reader: UserId, called: u64, heads: &[(ConversationId, Seq)]) {
        if !world.plan().has_honest_bus() {
            return;
        }
        for (conversation, head) in heads {
            world.record.read(Read {
                reader: reader.to_string(),
                conversation: conversation.to_string(),
                called,
                after: head.get(),
                entries: Vec::new(),
                head: head.get(),
            });
        }
    }

    /// Waits for events once, as `gateway::poll` does. The answer may be lost.
    async fn poll(
        &self,
        world: &World,
        connection: &Connection,
        session: &Session,
        first: Vec<Bytes>,
        rng: &mut Rng,
    ) {
        let mut events = first;
        let wait = match world.phase() {
            Phase::Acting => Duration::from_millis(rng.u64(0..POLL_WAIT_MS)),
            Phase::Settling | Phase::Stopped => LAST_POLL_WAIT,
        };
        let deadline = Instant::now() + wait;
        loop {
            let batch = match session.ready_batch().await {
                Ok(Some(batch)) => batch,
                Ok(None) | Err(_) if !events.is_empty() => break,
                Ok(None) => match timeout_at(deadline, session.next_batch()).await {
                    Ok(batch) => batch,
                    Err(_) => break,
                },
                Err(_) => break,
            };
            match batch {
                Batch::Frames(frames) => events.extend(frames),
                Batch::Ended(_) => break,
                Batch::Ping => {}
            }
        }
        let is_lost = world.phase() == Phase::Acting
            && rng.u32(0..100) < world.plan().devices_do.lose_tail / 2;
        if !is_lost {
            self.receive_all(world, connection, &events);
        }
    }

    /// Reads a socket until it breaks.
    async fn read_socket(
        &self,
        world: &World,
        connection: &Connection,
        session: &Session,
        first: Vec<Bytes>,
        rng: &mut Rng,
    ) {
        let habits = world.plan().devices_do;
        let socket = Arc::new(Socket::new(rng.fork(), habits.direct));
        session.outbox().set_transport(socket.clone());
        self.receive_all(world, connection, &first);
        let life = Duration::from_millis(rng.u64(0..habits.life_ms));
        let breaks = async {
            tokio::select! {
                biased;
                () = world.reached(Phase::Settling) => world.reached(Phase::Stopped).await,
                () = sleep(life) => {}
            }
        };
        tokio::pin!(breaks);
        loop {
            tokio::select! {
                biased;
                () = &mut breaks => break,
                () = socket.sent.notified() => self.drain(world, connection, &socket),
                batch = session.next_batch() => {
                    self.drain(world, connection, &socket);
                    match batch {
                        Batch::Frames(frames) => {
                            self.receive_all(world, connection, &frames);
                        }
                        Batch::Ended(_) => break,
                        Batch::Ping => {}
                    }
                }
            }
            if world.phase() == Phase::Acting && rng.u32(0..100) < habits.stall {
                sleep(Duration::from_millis(rng.u64(0..3_000))).await;
            }
        }
        session.outbox().remove_transport();
        if rng.u32(0..100) >= habits.lose_tail {
            self.drain(world, connection, &socket);
        }
    }

    /// Receives what fan-outs have written to the socket.
    fn drain(&self, world: &World, connection: &Connection, socket: &Socket) {
        let written = std::mem::take(&mut *socket.written.lock());
        self.receive_all(world, connection, &written);
    }

    fn receive_all(&self, world: &World, connection: &Connection, frames: &[Bytes]) {
        for event in frames.iter().flat_map(|frames| world.around.wire.decode(frames)) {
            self.apply(world, connection, &event);
        }
    }

    /// Records an event, and moves the cursor as `docs/protocol.md` says.
    fn apply(&self, world: &World, connection: &Connection, event: &Event) {
        let Connection { identity: Identity { user, login }, opened_ms, is_socket } = *connection;
        let at_ms = world.record.time.ms();
        let login = login.get();
        world.record.change_facts(|facts| facts.served.push(Served { login, at_ms }));
        let mut cursors = self.cursors.lock();
        let cursors = cursors.get_or_insert_default();
        match event {
            Event::Message(view) => {
                let (conversation, seq) = (view.entry.conversation, view.entry.seq);
                let before = cursors.insert(conversation, seq);
                let is_direct = world.direct() == Some(conversation);
                let after = before.unwrap_or(if is_direct { seq.previous() } else { Seq::ZERO });
                let step = Step::Entry(seen(view));
                self.follower.lock().step(user, conversation, after, step);
                if is_socket {
                    let (reader, conversation) = (user.to_string(), conversation.to_string());
                    let seq = seq.get();
                    world.record.deliver(Delivery { reader, conversation, seq, opened_ms, at_ms });
                }
            }
            Event::Gap { conversation, head_seq, .. } => {
                let after = cursors.insert(*conversation, *head_seq).unwrap_or_default();
                let step = Step::Gap(head_seq.get());
                self.follower.lock().step(user, *conversation, after, step);
            }
            Event::Removed { conversation } => {
                cursors.remove(conversation);
                if world.direct() == Some(*conversation) {
                    self.follower.lock().restart(*conversation);
                }
            }
            Event::Receipt { conversation, user: subject, .. }
            | Event::Typing { conversation, user: subject, .. } => {
                if *subject != user {
                    let shown = Shown {
                        subject: subject.to_string(),
                        reader: user.to_string(),
                        conversation: conversation.to_string(),
                        at_ms,
                    };
                    world.record.change_facts(|facts| facts.shown.push(shown));
                }
            }
            Event::Conversation(_) | Event::Draining { .. } => {}
        }
    }

    /// Goes on with an ended login for a while, as a thief of its token would.
    pub(crate) async fn haunt(world: Arc<World>, identity: Identity, mut rng: Rng) {
        for _ in 0..30 {
            sleep(Duration::from_millis(rng.u64(300..1_000))).await;
            let gateway = world.gateway(&mut rng).await;
            let opened = tokio::select! {
                biased;
                () = gateway.killed.cancelled() => continue,
                () = world.reached(Phase::Stopped) => return,
                opened = Session::open(&gateway.chat, identity, None) => opened,
            };
            if opened.is_ok() {
                let (login, at_ms) = (identity.login.get(), world.record.time.ms());
                world.record.change_facts(|facts| facts.served.push(Served { login, at_ms }));
            }
        }
    }
}

/// The socket of a client: fan-outs may write to it.
#[derive(Debug)]
struct Socket {
    rng: Mutex<Rng>,
    /// How often it takes what a fan-out writes, in percent.
    takes: u32,
    written: Mutex<Vec<Bytes>>,
    sent: Notify,
}

impl Socket {
    fn new(rng: Rng, takes: u32) -> Self {
        Self { rng: Mutex::new(rng), takes, written: Mutex::default(), sent: Notify::new() }
    }
}

impl Transport for Socket {
    fn try_send(&self, events: &Bytes, _count: usize) -> Sent {
        let mut rng = self.rng.lock();
        if rng.u32(0..100) >= self.takes {
            return Sent::Nothing;
        }
        self.written.lock().push(events.clone());
        self.sent.notify_one();
        if rng.u8(0..4) == 0 { Sent::Partly } else { Sent::All }
    }
}
