//! The publisher connection of one primary: hints in batches, probes, and everybody's scripts.
//!
//! What waits is published as one pipeline while the next batch gathers, so that the queue is as
//! short as the primary is near. Nothing is sent twice: what was not answered is a lost hint.

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
    dial::{Doubt, Line},
    primary::{CHECK_EVERY, Half, Hint, PROBE_EVERY, Primary, in_time},
    scripts,
};

/// Bytes of a payload, going and coming.
pub(super) const PAYLOAD_BYTES_MAX: usize = 2 * HINT_BYTES_MAX;
/// Hints that wait for one primary; more are dropped.
pub(super) const HINTS_MAX: usize = 8_192;
/// Bytes of the hints that wait for one primary; more are dropped.
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
    hints: Receiver<Hint>,
    backoff: Backoff,
}

impl Publisher {
    pub(super) fn new(primary: Arc<Primary>, hints: Receiver<Hint>) -> Self {
        Self { primary, hints, backoff: Backoff::new() }
    }

    /// Connects again and again, for ever.
    pub(super) async fn run(mut self) {
        loop {
            let doubt = self.connect_and_publish().await;
            self.primary.connect(None);
            self.primary.doubt(Half::Publisher, &doubt);
            self.drop_waiting();
            sleep(self.backoff.next()).await;
        }
    }

    async fn connect_and_publish(&mut self) -> Doubt {
        match self.primary.address.dial(|_| Ok(())).await {
            Err(doubt) => doubt,
            Ok(Line { connection, driver }) => tokio::select! {
                biased;
                () = driver => Doubt::Closed,
                Err(doubt) = self.publish_for_ever(connection) => doubt,
            },
        }
    }

    async fn publish_for_ever(
        &mut self,
        mut connection: MultiplexedConnection,
    ) -> Result<Infallible, Doubt> {
        in_time(scripts::load(&mut connection)).await?;
        // What was doubted until now was the connection before.
        self.primary.distrust.notified().now_or_never();
        self.drop_waiting();
        self.primary.connect(Some(connection.clone()));
        self.primary.trust(Half::Publisher);
        let primary = Arc::clone(&self.primary);
        let mut ticks = interval(PROBE_EVERY);
        let began = Instant::now();
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            // All of these are cancel-safe.
            tokio::select! {
                Some(hint) = self.hints.recv() => self.publish(hint, &mut connection).await?,
                _ = ticks.tick() => {
                    self.probe(&mut connection).await?;
                    self.reset_backoff(began);
                }
                () = primary.distrust.notified() => return Err(Doubt::Unheard),
            }
        }
    }

    async fn publish(
        &mut self,
        first: Hint,
        connection: &mut MultiplexedConnection,
    ) -> Result<(), Doubt> {
        let (pipeline, count) = self.gather(first);
        let answers = in_time(connection.req_packed_commands(&pipeline, 0, count)).await;
        let counters = &self.primary.shared.counters;
        let taken = answers.iter().flatten().filter(|answer| matches!(answer, Value::Int(_)));
        let taken = taken.count();
        counters.published.add(taken);
        counters.dropped.add(count - taken);
        answers.map(drop)
    }

    fn gather(&mut self, first: Hint) -> (Pipeline, usize) {
        let mut pipeline = Pipeline::new();
        let (mut count, mut bytes, mut next) = (0, 0, Some(first));
        while let Some(Hint { channel, payload }) = next {
            pipeline.cmd("PUBLISH").arg(channel).arg(&payload[..]);
            self.primary.hints_bytes.fetch_sub(payload.len(), Ordering::Relaxed);
            count += 1;
            bytes += payload.len();
            let full = count >= BATCH_MAX || bytes >= BATCH_BYTES_MAX;
            next = if full { None } else { self.hints.try_recv().ok() };
        }
        (pipeline, count)
    }

    /// Publishes a number that the subscriber has to hear.
    async fn probe(&mut self, connection: &mut MultiplexedConnection) -> Result<(), Doubt> {
        let Primary { probes, shared, .. } = &*self.primary;
        probes.note_published(probes.send(&shared.probe, connection).await?);
        Ok(())
    }

    /// A connection that lives for a while is a good one; one that greets and ends is not.
    fn reset_backoff(&mut self, began: Instant) {
        if began.elapsed() >= CHECK_EVERY {
            self.backoff.reset();
        }
    }

    /// What waited for a connection that ended is lost.
    fn drop_waiting(&mut self) {
        while let Ok(Hint { payload, .. }) = self.hints.try_recv() {
            self.primary.hints_bytes.fetch_sub(payload.len(), Ordering::Relaxed);
            self.primary.shared.counters.dropped.add(1);
        }
    }
}
