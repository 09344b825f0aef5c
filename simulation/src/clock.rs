//! Clocks that step and stand still, and the marks of the ids that they made.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use chat_core::{
    id::{IdMark, Snowflake, Snowflakes, UserId},
    time::{Clock, Timestamp},
};
use parking_lot::Mutex;
use tokio::time::Instant;

/// When every simulation begins.
const START: Timestamp = Timestamp::from_millis(1_800_000_000_000);
/// The offset of a clock that does not stand still.
const RUNS: i64 = i64::MIN;

/// The simulated time, which is the same for all.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SimulatedTime(Instant);

impl SimulatedTime {
    pub(crate) fn start() -> Self {
        Self(Instant::now())
    }

    /// Returns the milliseconds since the start.
    pub(crate) fn ms(self) -> u64 {
        u64::try_from(self.0.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

/// How the clock of a machine differs from the simulated time.
#[derive(Debug)]
pub(crate) struct Skew {
    offset_ms: AtomicI64,
    stands_at: AtomicI64,
}

impl Default for Skew {
    fn default() -> Self {
        Self { offset_ms: AtomicI64::new(0), stands_at: AtomicI64::new(RUNS) }
    }
}

impl Skew {
    /// Moves the clock.
    pub(crate) fn step(&self, ms: i64) {
        self.offset_ms.fetch_add(ms, Ordering::Relaxed);
    }

    /// Lets the clock stand still at this time.
    pub(crate) fn stand_still(&self, at: Timestamp) {
        self.stands_at.store(at.as_millis(), Ordering::Relaxed);
    }

    /// Lets the clock run again.
    pub(crate) fn run(&self) {
        self.stands_at.store(RUNS, Ordering::Relaxed);
    }
}

/// All ids that the gateways of a run have issued.
#[derive(Debug, Default)]
pub(crate) struct IssuedIds(Mutex<Vec<u64>>);

impl IssuedIds {
    pub(crate) fn take(&self) -> Vec<u64> {
        std::mem::take(&mut self.0.lock())
    }
}

/// The clock of a gateway. Its ids are above the machine's mark, as they are in a store.
#[derive(Debug)]
pub(crate) struct SkewedClock {
    time: SimulatedTime,
    skew: Arc<Skew>,
    mark: Arc<Mutex<IdMark>>,
    ids: Snowflakes,
    issued: Arc<IssuedIds>,
}

impl SkewedClock {
    pub(crate) fn new(
        node: u16,
        time: SimulatedTime,
        skew: Arc<Skew>,
        mark: Arc<Mutex<IdMark>>,
        issued: Arc<IssuedIds>,
    ) -> Self {
        let ids = Snowflakes::above(node, *mark.lock());
        Self { time, skew, mark, ids, issued }
    }
}

impl Clock for SkewedClock {
    fn now(&self) -> Timestamp {
        let stands_at = self.skew.stands_at.load(Ordering::Relaxed);
        if stands_at != RUNS {
            return Timestamp::from_millis(stands_at);
        }
        let elapsed = i64::try_from(self.time.ms()).unwrap_or(i64::MAX);
        let offset = self.skew.offset_ms.load(Ordering::Relaxed);
        Timestamp::from_millis(START.as_millis() + elapsed + offset)
    }

    fn fresh_id(&self) -> Snowflake {
        let id = self.ids.next(self.now());
        if let Some(due) = self.ids.due_mark() {
            *self.mark.lock() = due;
            self.ids.set_durable(due);
        }
        self.issued.0.lock().push(UserId::from(id).get());
        id
    }
}
