//! What the store does to the calls of a gateway.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use chat_core::faults::{Call, Disturb, Disturbance, Fault};
use fastrand::Rng;
use parking_lot::Mutex;

use crate::plan::StoreFaults;

/// The time-out of one statement of a real store.
const STATEMENT_TIMEOUT: Duration = Duration::from_millis(1_500);
/// Longer than any simulation.
const NEVER: Duration = Duration::from_secs(1_000_000);

/// True while the store has faults.
#[derive(Debug, Default)]
pub(crate) struct StoreTrouble(AtomicBool);

impl StoreTrouble {
    pub(crate) fn begin(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    pub(crate) fn end(&self) {
        self.0.store(false, Ordering::Relaxed);
    }
}

/// Disturbs the store calls of one gateway.
#[derive(Debug)]
pub(crate) struct Disturber {
    faults: StoreFaults,
    trouble: Arc<StoreTrouble>,
    is_killed: AtomicBool,
    rng: Mutex<Rng>,
}

impl Disturber {
    pub(crate) fn new(faults: StoreFaults, trouble: Arc<StoreTrouble>, rng: Rng) -> Self {
        Self { faults, trouble, is_killed: AtomicBool::new(false), rng: Mutex::new(rng) }
    }

    /// Lets no call of the gateway reach the store any more: its process has ended.
    pub(crate) fn kill(&self) {
        self.is_killed.store(true, Ordering::Relaxed);
    }
}

impl Disturb for Disturber {
    fn next(&self, call: Call) -> Disturbance {
        if self.is_killed.load(Ordering::Relaxed) {
            return Disturbance { before: NEVER, ..Disturbance::default() };
        }
        let StoreFaults { refuses, loses_answer, loses_request, is_slow, latency_ms } = self.faults;
        let rng = &mut *self.rng.lock();
        let latency = |rng: &mut Rng| Duration::from_millis(rng.u64(0..=latency_ms));
        let mut disturbance =
            Disturbance { before: latency(rng), fault: None, after: latency(rng) };
        if !self.trouble.0.load(Ordering::Relaxed) {
            return disturbance;
        }
        let mut happens = |permille: u32| rng.u32(0..1_000) < permille;
        let is_write = call.is_write();
        if happens(refuses) {
            disturbance.fault = Some(Fault::Unavailable);
        } else if is_write && happens(loses_answer) {
            disturbance.fault = Some(Fault::AnswerLost);
        } else if is_write && happens(loses_request) {
            disturbance.fault = Some(Fault::RequestLost(STATEMENT_TIMEOUT));
        } else if happens(is_slow) {
            let late = Duration::from_millis(rng.u64(50..1_500));
            if rng.bool() {
                disturbance.before += late;
            } else {
                disturbance.after += late;
            }
        }
        disturbance
    }
}
