//! The subscriber connection of one primary: what this gateway listens to, and what it hears.
//!
//! One task owns the set of topics, so that orders take effect in their order, whether there is a
//! connection or not. Orders are gathered for a moment and become few commands, and each is
//! confirmed before its giver hears of it. On a new connection everything is subscribed again, in
//! batches that are checked; only then is the connection called good.
//!
//! What is pushed is handled where it is read, without a queue of its own.

use std::{
    collections::{HashMap, HashSet},
    convert::Infallible,
    future::Future,
    pin::pin,
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use chat_core::port::Arrival;
use presence::Change;
use redis::{PushInfo, PushKind, Value, aio::MultiplexedConnection};
use tokio::{
    sync::{mpsc::Receiver, oneshot},
    time::{Instant, MissedTickBehavior, interval, sleep},
};

use super::{
    backoff::Backoff,
    dial::{Doubt, Line},
    primary::{CHECK_EVERY, Half, Primary, in_time},
    publisher::PAYLOAD_BYTES_MAX,
    stream::Room,
    topic::{LEASES, Topic},
};

/// Orders that wait.
pub(super) const ORDERS_MAX: usize = 1_024;
/// How long orders are gathered.
const GATHER_FOR: Duration = Duration::from_millis(1);
/// Channels of one command.
const CHANNELS_MAX: usize = 512;

/// What is to be done about these topics.
#[derive(Debug)]
pub(super) enum Order {
    /// Listen to them, and say when.
    Begin(Vec<Topic>, Waiting),
    /// Listen to them no more.
    End(Vec<Topic>),
}

/// Who waits for an order, and until when.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) done: oneshot::Sender<Result<(), String>>,
    pub(super) until: Instant,
}

/// Whether the primary has confirmed it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Asked,
    Confirmed,
}

/// The owner of the connection.
#[derive(Debug)]
pub(super) struct Subscriber {
    primary: Arc<Primary>,
    orders: Receiver<Order>,
    topics: HashMap<Topic, Phase>,
    backoff: Backoff,
}

/// What a few orders together come to.
#[derive(Default)]
struct Turn {
    begin: Vec<Topic>,
    end: HashSet<Topic>,
    waiting: Vec<Waiting>,
}

impl Subscriber {
    pub(super) fn new(primary: Arc<Primary>, orders: Receiver<Order>) -> Self {
        Self { primary, orders, topics: HashMap::new(), backoff: Backoff::new() }
    }

    /// Connects again and again, for ever.
    pub(super) async fn run(mut self) {
        loop {
            let doubt = self.connect_and_listen().await;
            self.primary.doubt(Half::Subscriber, &doubt);
            let pause = sleep(self.backoff.next());
            self.meanwhile(pause).await;
        }
    }

    async fn connect_and_listen(&mut self) -> Doubt {
        let primary = Arc::clone(&self.primary);
        let hearing = Arc::clone(&self.primary);
        let dialling = primary.address.dial(move |push| {
            hear(&hearing, push);
            Ok(())
        });
        match self.meanwhile(dialling).await {
            Err(doubt) => doubt,
            Ok(Line { mut connection, driver }) => tokio::select! {
                biased;
                () = driver => Doubt::Closed,
                Err(doubt) = self.listen(&mut connection) => doubt,
            },
        }
    }

    /// Waits for something else while there is no connection: orders are noted for the next one.
    async fn meanwhile<T>(&mut self, waited_for: impl Future<Output = T>) -> T {
        let mut waited_for = pin!(waited_for);
        loop {
            // Both are cancel-safe.
            tokio::select! {
                biased;
                done = &mut waited_for => return done,
                Some(order) = self.orders.recv() => {
                    let turn = self.note([order]);
                    answer(turn.waiting, &Err(format!("{} is away", self.primary.address)));
                }
            }
        }
    }

    async fn listen(
        &mut self,
        connection: &mut MultiplexedConnection,
    ) -> Result<Infallible, Doubt> {
        self.begin_again(connection).await?;
        self.primary.trust(Half::Subscriber);
        let mut expected = 0;
        let mut ticks = interval(CHECK_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        ticks.reset();
        loop {
            // Both are cancel-safe.
            tokio::select! {
                Some(order) = self.orders.recv() => self.carry_out(order, connection).await?,
                _ = ticks.tick() => expected = self.check(expected, connection).await?,
            }
        }
    }

    /// Subscribes to everything on a new connection.
    async fn begin_again(&mut self, connection: &mut MultiplexedConnection) -> Result<(), Doubt> {
        in_time(connection.subscribe(&[self.primary.shared.probe.as_str(), LEASES])).await?;
        self.topics.values_mut().for_each(|phase| *phase = Phase::Asked);
        let topics: Vec<Topic> = self.topics.keys().copied().collect();
        self.primary.shared.counters.resubscribes.add(topics.len());
        self.begin(&topics, connection).await?;
        // What is pushed arrives; and probes of before need not be heard any more.
        let Primary { probes, shared, .. } = &*self.primary;
        let number = probes.send(&shared.probe, connection).await?;
        probes.wait_for(number).await
    }

    async fn begin(
        &mut self,
        topics: &[Topic],
        connection: &mut MultiplexedConnection,
    ) -> Result<(), Doubt> {
        for topics in topics.chunks(CHANNELS_MAX) {
            in_time(connection.subscribe(names(topics))).await?;
            for topic in topics {
                self.topics.insert(*topic, Phase::Confirmed);
            }
        }
        Ok(())
    }

    async fn carry_out(
        &mut self,
        order: Order,
        connection: &mut MultiplexedConnection,
    ) -> Result<(), Doubt> {
        sleep(GATHER_FOR).await;
        let mut orders = vec![order];
        while let Ok(order) = self.orders.try_recv() {
            orders.push(order);
        }
        let turn = self.note(orders);
        let done = self.perform(&turn, connection).await;
        let words = done.as_ref().copied().map_err(ToString::to_string);
        if answer(turn.waiting, &words) == Heard::TooLate && done.is_ok() {
            self.primary.tell_lost();
        }
        done
    }

    async fn perform(
        &mut self,
        turn: &Turn,
        connection: &mut MultiplexedConnection,
    ) -> Result<(), Doubt> {
        let end: Vec<Topic> = turn.end.iter().copied().collect();
        for topics in end.chunks(CHANNELS_MAX) {
            in_time(connection.unsubscribe(names(topics))).await?;
        }
        let asked = |topic: &&Topic| self.topics.get(topic) == Some(&Phase::Asked);
        let begin: Vec<Topic> = turn.begin.iter().filter(asked).copied().collect();
        self.begin(&begin, connection).await
    }

    /// Changes the set of topics; what the primary is to be told follows from it.
    fn note(&mut self, orders: impl IntoIterator<Item = Order>) -> Turn {
        let mut turn = Turn::default();
        for order in orders {
            let (begin, end) = match order {
                Order::Begin(topics, waiting) => {
                    turn.waiting.push(waiting);
                    (topics, Vec::new())
                }
                Order::End(topics) => (Vec::new(), topics),
            };
            for topic in begin {
                self.note_begin(topic, &mut turn);
            }
            for topic in end {
                self.note_end(topic, &mut turn);
            }
        }
        turn
    }

    fn note_begin(&mut self, topic: Topic, turn: &mut Turn) {
        if turn.end.remove(&topic) {
            // The primary has not been told to end it.
            self.topics.insert(topic, Phase::Confirmed);
        } else if self.topics.get(&topic) != Some(&Phase::Confirmed) {
            self.topics.insert(topic, Phase::Asked);
            turn.begin.push(topic);
        }
    }

    fn note_end(&mut self, topic: Topic, turn: &mut Turn) {
        if self.topics.remove(&topic) == Some(Phase::Confirmed) {
            turn.end.insert(topic);
        }
    }

    /// Whether the connection answers, and pushes: the publisher's probe of the last
    /// check must have been heard since. Gives the one to be heard until the next.
    async fn check(
        &mut self,
        expected: u64,
        connection: &mut MultiplexedConnection,
    ) -> Result<u64, Doubt> {
        let primary = &self.primary;
        if !primary.probes.is_heard(expected) {
            primary.distrust.notify_one();
            return Err(Doubt::Unheard);
        }
        let published = primary.probes.last_published();
        in_time(redis::cmd("PING").exec_async(connection)).await?;
        self.backoff.reset();
        Ok(published)
    }
}

fn names(topics: &[Topic]) -> Vec<String> {
    topics.iter().map(ToString::to_string).collect()
}

/// Whether the answer came within everybody's time. Who has gone before that waits for nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Heard {
    InTime,
    TooLate,
}

fn answer(waiting: Vec<Waiting>, done: &Result<(), String>) -> Heard {
    let now = Instant::now();
    let mut heard = Heard::InTime;
    for Waiting { done: waiting, until } in waiting {
        if waiting.send(done.clone()).is_err() && until <= now {
            heard = Heard::TooLate;
        }
    }
    heard
}

/// What the primary pushes. Runs where the connection is read: it must not wait.
fn hear(primary: &Primary, push: PushInfo) {
    if push.kind != PushKind::Message {
        return;
    }
    let shared = &primary.shared;
    let mut parts = push.data.into_iter();
    let (Some(Value::BulkString(name)), Some(Value::BulkString(payload)), None) =
        (parts.next(), parts.next(), parts.next())
    else {
        return shared.counters.garbage.add(1);
    };
    if name == shared.probe.as_bytes() {
        return shared.counters.garbage.add(usize::from(!primary.probes.note_heard(&payload)));
    }
    if name == LEASES.as_bytes() {
        return shared.changes.tell_lost();
    }
    shared.counters.received.add(1);
    let room = match Topic::parse(&name) {
        Some(Topic::Hints(channel)) if payload.len() <= PAYLOAD_BYTES_MAX => {
            shared.arrivals.tell(Arrival::Hint { channel, payload: Bytes::from(payload) })
        }
        Some(Topic::Presence(user)) => shared.changes.tell(Change::User(user)),
        Some(Topic::Hints(_)) | None => return shared.counters.garbage.add(1),
    };
    if room == Room::Missed {
        shared.counters.lost.add(1);
    }
}
