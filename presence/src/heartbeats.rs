//! Decides when an absence may be believed.
//!
//! After an outage of the leases they have expired or are lost, although their gateways live. Who
//! reads first would call everybody offline. Each renewal is therefore also a heartbeat: it is
//! noted in the same atomic step, by the clock of whatever keeps the leases. After a silence of all
//! gateways an absence is believed only once they had the time to publish their devices again.

use std::time::Duration;

use crate::limits::{HEARTBEAT_GAP_MAX, SETTLE_FOR};

/// The heartbeats of all gateways, as times since any fixed moment. They are kept beside the leases
/// and lost with them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Heartbeats {
    run: Option<Run>,
}

/// Heartbeats without a silence between them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Run {
    first: Duration,
    last: Duration,
    /// How long after `first` absences are believed.
    settle: Duration,
}

impl Heartbeats {
    /// Returns heartbeats that are settled at once: the leases begin together with the only
    /// gateways that can have any.
    pub const fn from_the_start(now: Duration) -> Self {
        Self { run: Some(Run { first: now, last: now, settle: Duration::ZERO }) }
    }

    /// Notes that a gateway has renewed its lease.
    pub fn beat(&mut self, now: Duration) {
        match &mut self.run {
            Some(run) if !is_silence(run, now) => run.last = run.last.max(now),
            run => *run = Some(Run { first: now, last: now, settle: SETTLE_FOR }),
        }
    }

    /// Returns true if a device that is not published is certainly absent.
    pub fn are_settled(&self, now: Duration) -> bool {
        self.run.is_some_and(|run| !is_silence(&run, now) && now >= run.first + run.settle)
    }
}

fn is_silence(run: &Run, now: Duration) -> bool {
    now.saturating_sub(run.last) > HEARTBEAT_GAP_MAX
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::RENEW_EVERY;

    #[test]
    fn heartbeats_settle_after_the_settling_time() {
        let mut heartbeats = Heartbeats::default();
        assert!(!heartbeats.are_settled(Duration::from_secs(100)));
        for step in 0..10 {
            let now = Duration::from_secs(100) + RENEW_EVERY * step;
            heartbeats.beat(now);
            assert_eq!(heartbeats.are_settled(now), RENEW_EVERY * step >= SETTLE_FOR);
        }
    }

    #[test]
    fn heartbeats_settle_anew_after_a_silence() {
        let mut heartbeats = Heartbeats::from_the_start(Duration::ZERO);
        assert!(heartbeats.are_settled(Duration::ZERO));
        let back = HEARTBEAT_GAP_MAX + Duration::from_millis(1);
        assert!(!heartbeats.are_settled(back));
        heartbeats.beat(back);
        assert!(!heartbeats.are_settled(back));
        heartbeats.beat(back + RENEW_EVERY);
        assert!(heartbeats.are_settled(back + SETTLE_FOR));
    }
}
