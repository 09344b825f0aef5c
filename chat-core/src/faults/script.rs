//! What a test has scripted for the calls of each method.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
    time::Duration,
};

use parking_lot::Mutex;

use super::{Call, Fault, Gate};

/// The script of each method.
#[derive(Debug, Default)]
pub(super) struct Scripts(Mutex<HashMap<Call, Script>>);

impl Scripts {
    pub(super) fn change<T>(&self, call: Call, change: impl FnOnce(&mut Script) -> T) -> T {
        change(self.0.lock().entry(call).or_default())
    }
}

/// The script of one method.
#[derive(Debug, Default)]
pub(super) struct Script {
    pub(super) count: usize,
    pub(super) faults: VecDeque<Fault>,
    /// Every how many calls an outcome is unknown; zero for never.
    pub(super) lose_every: usize,
    pub(super) delay: Duration,
    pub(super) before: Arc<Gate>,
    pub(super) after: Arc<Gate>,
}

impl Script {
    /// Counts a call and returns its gate, its delay and its fault.
    pub(super) fn begin(&mut self) -> (Arc<Gate>, Duration, Option<Fault>) {
        self.count += 1;
        let is_lost = self.lose_every > 0 && self.count.is_multiple_of(self.lose_every);
        let fault = self.faults.pop_front().or_else(|| {
            let is_applied = (self.count / self.lose_every.max(1)) % 2 == 1;
            let lost =
                if is_applied { Fault::AnswerLost } else { Fault::RequestLost(Duration::ZERO) };
            is_lost.then_some(lost)
        });
        (self.before.clone(), self.delay, fault)
    }
}
