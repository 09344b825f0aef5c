//! The publisher connection of one primary: hints in batches, probes of hints and of writes, and
//! scripts for all callers.
//!
//! Queued hints are published as one pipeline while the next batch gathers, so the queue stays
//! short if the primary is near. Nothing is sent twice: a hint without an answer is lost.

use std::{
    convert::Infallible,
    sync::{Arc, atomic::Ordering},
};

use chat_core::{hint::HINT_BYTES_MAX, limits::FRAME_BYTES_MAX};
use futures_util::FutureExt;
use redis::{
    Pipeline, Value,
    aio::{ConnectionLike, MultiplexedConnection},
};
use tokio::{
    sync::mpsc::Receiver,
    time::{Instant, MissedTickBehavior, interval, sleep},
};

use super::{
    backoff::Backoff,
    connection::{ConnectionError, OpenConnection},
    primary::{CHECK_EVERY, PROBE_EVERY, Primary, QueuedHint, Role, in_time},
    scripts,
};

/// Bytes of a payload, sent or received.
pub(super) const PAYLOAD_BYTES_MAX: usize = 2 * HINT_BYTES_MAX;
/// Hints in the queue of one primary; more are dropped.
pub(super) const HINTS_MAX: usize = 8_192;
/// Bytes of the hints in the queue of one primary; more are dropped.
pub(super) const HINTS_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Hints of one pipeline.
const BATCH_MAX: usize = 512;
/// Bytes of one pipeline after which no other hint is added.
const BATCH_BYTES_MAX: usize = 512 * 1024;

const _: () = assert!(FRAME_BYTES_MAX <= PAYLOAD_BYTES_MAX, "a frame fits a payload");

/// The owner of the connection.
#[derive(Debug)]
pub(super) struct Publisher {
    primary: Arc<Primary>,
    hints: Receiver<QueuedHint>,
    backoff: Backoff,
}

impl Publisher {
    pub(super) fn new(primary: Arc<Primary>, hints: Receiver<QueuedHint>) -> Self {
        Self { primary, hints, backoff: Backoff::new() }
    }

    /// Connects and reconnects, forever.
    pub(super) async fn run(mut self) {
        loop {
            let error = self.connect_and_publish().await;
            self.primary.set_connection(None);
            self.primary.mark_down(Role::Publisher, &error);
            self.drop_queued();
            sleep(self.backoff.next()).await;
        }
    }

    async fn connect_and_publish(&mut self) -> ConnectionError {
        match self.primary.address.connect(|_| Ok(())).await {
            Err(error) => error,
            Ok(OpenConnection { connection, driver }) => tokio::select! {
                biased;
                () = driver => ConnectionError::Closed,
                Err(error) = self.publish_forever(connection) => error,
            },
        }
    }

    async fn publish_forever(
        &mut self,
        mut connection: MultiplexedConnection,
    ) -> Result<Infallible, ConnectionError> {
        in_time(scripts::load(&mut connection)).await?;
        self.check_writes(&mut connection).await?;
        // An earlier suspicion was about the connection before.
        self.primary.publisher_suspect.notified().now_or_never();
        self.drop_queued();
        self.primary.set_connection(Some(connection.clone()));
        self.primary.mark_up(Role::Publisher);
        let primary = Arc::clone(&self.primary);
        let connected_at = Instant::now();
        let mut ticks = interval(PROBE_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut checks = interval(CHECK_EVERY);
        checks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        checks.reset();
        loop {
            // All branches are cancel-safe.
            tokio::select! {
                Some(hint) = self.hints.recv() => self.publish(hint, &mut connection).await?,
                _ = ticks.tick() => {
                    let channel = &primary.shared.probe_channel;
                    let number = primary.probes.send(channel, &mut connection).await?;
                    primary.probes.note_published(number);
                    // A connection that is closed right after the handshake does not count.
                    if connected_at.elapsed() >= CHECK_EVERY {
                        self.backoff.reset();
                    }
                }
                _ = checks.tick() => self.check_writes(&mut connection).await?,
                () = primary.publisher_suspect.notified() => {
                    return Err(ConnectionError::ProbeLost);
                }
            }
        }
    }

    /// Fails if the primary refuses writes. It still publishes hints then, but is of no other use, and
    /// its data may be older than that of the primary that it replicates.
    async fn check_writes(
        &self,
        connection: &mut MultiplexedConnection,
    ) -> Result<(), ConnectionError> {
        let script = scripts::WRITE.key(&self.primary.shared.probe_channel);
        in_time(script.invoke_async(connection)).await
    }

    /// Publishes this hint, and as many queued ones as fit a batch.
    async fn publish(
        &mut self,
        first: QueuedHint,
        connection: &mut MultiplexedConnection,
    ) -> Result<(), ConnectionError> {
        let mut pipeline = Pipeline::new();
        let (mut count, mut bytes, mut next) = (0, 0, Some(first));
        while let Some(QueuedHint { channel, payload }) = next {
            pipeline.cmd("PUBLISH").arg(channel).arg(&payload[..]);
            self.primary.queued_bytes.fetch_sub(payload.len(), Ordering::Relaxed);
            count += 1;
            bytes += payload.len();
            let is_full = count >= BATCH_MAX || bytes >= BATCH_BYTES_MAX;
            next = if is_full { None } else { self.hints.try_recv().ok() };
        }
        let answers = in_time(connection.req_packed_commands(&pipeline, 0, count)).await;
        let accepted = answers.iter().flatten().filter(|answer| matches!(answer, Value::Int(_)));
        let accepted = accepted.count();
        let metrics = &self.primary.shared.metrics;
        metrics.hints_published.increment(accepted as u64);
        metrics.hints_dropped.increment((count - accepted) as u64);
        answers.map(drop)
    }

    /// Drops the hints that were queued for a connection that is closed.
    fn drop_queued(&mut self) {
        while let Ok(QueuedHint { payload, .. }) = self.hints.try_recv() {
            self.primary.queued_bytes.fetch_sub(payload.len(), Ordering::Relaxed);
            self.primary.shared.metrics.hints_dropped.increment(1);
        }
    }
}
