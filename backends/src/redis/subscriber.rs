//! The subscriber connection of one primary: the topics of this gateway, and what arrives on them.
//!
//! One task owns the set of topics, so requests take effect in order, with and without a connection.
//! Requests are gathered for a moment and become few commands. Each is confirmed by the primary
//! before its sender gets the answer. A new connection first subscribes to all topics again, in
//! confirmed batches. Only then does it count as up.
//!
//! Pushed messages are handled where they are read, without another queue.

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
    connection::{ConnectionError, OpenConnection},
    primary::{CHECK_EVERY, Primary, Role, in_time},
    publisher::PAYLOAD_BYTES_MAX,
    topic::{LEASES, Topic},
};

/// Requests in the queue.
pub(super) const REQUESTS_MAX: usize = 1_024;
/// How long requests are gathered.
const GATHER_FOR: Duration = Duration::from_millis(1);
/// Channels of one command.
const CHANNELS_MAX: usize = 512;

#[derive(Debug)]
pub(super) enum Request {
    /// Subscribe to these topics and answer the waiter.
    Subscribe(Vec<Topic>, Waiter),
    Unsubscribe(Vec<Topic>),
}

/// The sender of a request, and until when it waits.
#[derive(Debug)]
pub(super) struct Waiter {
    pub(super) done: oneshot::Sender<Result<(), String>>,
    pub(super) until: Instant,
}

/// Whether the primary has confirmed a subscription.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Subscription {
    Requested,
    Confirmed,
}

/// The owner of the connection.
#[derive(Debug)]
pub(super) struct Subscriber {
    primary: Arc<Primary>,
    requests: Receiver<Request>,
    topics: HashMap<Topic, Subscription>,
    backoff: Backoff,
}

/// The commands to which some requests add up.
#[derive(Default)]
struct Plan {
    subscribe: Vec<Topic>,
    unsubscribe: HashSet<Topic>,
    waiters: Vec<Waiter>,
}

impl Subscriber {
    pub(super) fn new(primary: Arc<Primary>, requests: Receiver<Request>) -> Self {
        Self { primary, requests, topics: HashMap::new(), backoff: Backoff::new() }
    }

    /// Connects and reconnects, forever.
    pub(super) async fn run(mut self) {
        loop {
            let error = self.connect_and_listen().await;
            self.primary.mark_down(Role::Subscriber, &error);
            let pause = sleep(self.backoff.next());
            self.reject_requests_until(pause).await;
        }
    }

    async fn connect_and_listen(&mut self) -> ConnectionError {
        let primary = Arc::clone(&self.primary);
        let receiver = Arc::clone(&self.primary);
        let connecting = primary.address.connect(move |push| {
            receive(&receiver, push);
            Ok(())
        });
        match self.reject_requests_until(connecting).await {
            Err(error) => error,
            Ok(OpenConnection { mut connection, driver }) => tokio::select! {
                biased;
                () = driver => ConnectionError::Closed,
                Err(error) = self.listen(&mut connection) => error,
            },
        }
    }

    /// Waits for `event` while there is no connection. Requests fail meanwhile, but their topics
    /// are subscribed to on the next connection.
    async fn reject_requests_until<T>(&mut self, event: impl Future<Output = T>) -> T {
        let mut event = pin!(event);
        loop {
            // Both branches are cancel-safe.
            tokio::select! {
                biased;
                output = &mut event => return output,
                Some(request) = self.requests.recv() => {
                    let plan = self.plan([request]);
                    answer(plan.waiters, &Err(format!("{} is down", self.primary.address)));
                }
            }
        }
    }

    async fn listen(
        &mut self,
        connection: &mut MultiplexedConnection,
    ) -> Result<Infallible, ConnectionError> {
        self.subscribe_again(connection).await?;
        self.primary.mark_up(Role::Subscriber);
        let mut expected_probe = 0;
        let mut ticks = interval(CHECK_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        ticks.reset();
        loop {
            // Both branches are cancel-safe.
            tokio::select! {
                Some(request) = self.requests.recv() => self.handle(request, connection).await?,
                _ = ticks.tick() => expected_probe = self.check(expected_probe, connection).await?,
            }
        }
    }

    /// Subscribes to all topics on a new connection.
    async fn subscribe_again(
        &mut self,
        connection: &mut MultiplexedConnection,
    ) -> Result<(), ConnectionError> {
        let probe_channel = self.primary.shared.probe_channel.as_str();
        in_time(connection.subscribe(&[probe_channel, LEASES])).await?;
        self.topics.values_mut().for_each(|state| *state = Subscription::Requested);
        let topics: Vec<Topic> = self.topics.keys().copied().collect();
        self.primary.shared.metrics.resubscribes.increment(topics.len() as u64);
        self.subscribe(&topics, connection).await?;
        // This proves that pushes arrive. Earlier probes need not arrive any more.
        let Primary { probes, shared, .. } = &*self.primary;
        let number = probes.send(&shared.probe_channel, connection).await?;
        probes.wait_for(number).await
    }

    async fn subscribe(
        &mut self,
        topics: &[Topic],
        connection: &mut MultiplexedConnection,
    ) -> Result<(), ConnectionError> {
        for topics in topics.chunks(CHANNELS_MAX) {
            in_time(connection.subscribe(names(topics))).await?;
            self.topics.extend(topics.iter().map(|topic| (*topic, Subscription::Confirmed)));
        }
        Ok(())
    }

    /// Handles a request and those that arrive within [`GATHER_FOR`].
    async fn handle(
        &mut self,
        request: Request,
        connection: &mut MultiplexedConnection,
    ) -> Result<(), ConnectionError> {
        sleep(GATHER_FOR).await;
        let mut requests = vec![request];
        while let Ok(request) = self.requests.try_recv() {
            requests.push(request);
        }
        let plan = self.plan(requests);
        let result = self.carry_out(&plan, connection).await;
        let answered = answer(plan.waiters, &result.as_ref().copied().map_err(ToString::to_string));
        if answered == Answered::TooLate && result.is_ok() {
            self.primary.report_lost();
        }
        result
    }

    async fn carry_out(
        &mut self,
        plan: &Plan,
        connection: &mut MultiplexedConnection,
    ) -> Result<(), ConnectionError> {
        let unsubscribe: Vec<Topic> = plan.unsubscribe.iter().copied().collect();
        for topics in unsubscribe.chunks(CHANNELS_MAX) {
            in_time(connection.unsubscribe(names(topics))).await?;
        }
        let is_requested =
            |topic: &&Topic| self.topics.get(topic) == Some(&Subscription::Requested);
        let subscribe: Vec<Topic> = plan.subscribe.iter().filter(is_requested).copied().collect();
        self.subscribe(&subscribe, connection).await
    }

    /// Applies requests to the set of topics and returns the commands that follow from them.
    fn plan(&mut self, requests: impl IntoIterator<Item = Request>) -> Plan {
        let mut plan = Plan::default();
        for request in requests {
            match request {
                Request::Subscribe(topics, waiter) => {
                    plan.waiters.push(waiter);
                    self.plan_subscriptions(topics, &mut plan);
                }
                Request::Unsubscribe(topics) => {
                    let confirmed = topics
                        .into_iter()
                        .filter(|topic| self.topics.remove(topic) == Some(Subscription::Confirmed));
                    plan.unsubscribe.extend(confirmed);
                }
            }
        }
        plan
    }

    fn plan_subscriptions(&mut self, topics: Vec<Topic>, plan: &mut Plan) {
        for topic in topics {
            if plan.unsubscribe.remove(&topic) {
                // The primary has not received the end of this subscription.
                self.topics.insert(topic, Subscription::Confirmed);
            } else if self.topics.get(&topic) != Some(&Subscription::Confirmed) {
                self.topics.insert(topic, Subscription::Requested);
                plan.subscribe.push(topic);
            }
        }
    }

    /// Checks that the connection answers, and that the publisher's probe of the last check has
    /// arrived. Returns the probe that must have arrived at the next check.
    async fn check(
        &mut self,
        expected_probe: u64,
        connection: &mut MultiplexedConnection,
    ) -> Result<u64, ConnectionError> {
        let primary = &self.primary;
        if !primary.probes.is_received(expected_probe) {
            primary.publisher_suspect.notify_one();
            return Err(ConnectionError::ProbeLost);
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

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answered {
    InTime,
    /// A waiter's time was over before the answer. Waiters that left earlier do not count.
    TooLate,
}

fn answer(waiters: Vec<Waiter>, result: &Result<(), String>) -> Answered {
    let now = Instant::now();
    let mut answered = Answered::InTime;
    for Waiter { done, until } in waiters {
        if done.send(result.clone()).is_err() && until <= now {
            answered = Answered::TooLate;
        }
    }
    answered
}

/// Handles a pushed message. Runs where the connection is read, so it must not wait.
fn receive(primary: &Primary, push: PushInfo) {
    if push.kind != PushKind::Message {
        return;
    }
    let shared = &primary.shared;
    let mut parts = push.data.into_iter();
    let (Some(Value::BulkString(name)), Some(Value::BulkString(payload)), None) =
        (parts.next(), parts.next(), parts.next())
    else {
        return shared.metrics.hints_garbage.increment(1);
    };
    if name == shared.probe_channel.as_bytes() {
        if !primary.probes.note_received(&payload) {
            shared.metrics.hints_garbage.increment(1);
        }
        return;
    }
    if name == LEASES.as_bytes() {
        return shared.changes.push_lost();
    }
    shared.metrics.hints_received.increment(1);
    let is_kept = match Topic::parse(&name) {
        Some(Topic::Hints(channel)) if payload.len() <= PAYLOAD_BYTES_MAX => {
            shared.hints.push(Arrival::Hint { channel, payload: Bytes::from(payload) })
        }
        Some(Topic::Presence(user)) => shared.changes.push(Change::User(user)),
        Some(Topic::Hints(_)) | None => return shared.metrics.hints_garbage.increment(1),
    };
    if !is_kept {
        shared.metrics.hints_lost.increment(1);
    }
}
