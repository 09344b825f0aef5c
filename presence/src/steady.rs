//! When an absence may be believed.
//!
//! Leases that were not available for a while have ended, or are lost with everything else, though
//! their gateways live: whoever reads first would call everybody offline. So each renewal is also a
//! beat of whatever keeps the leases, by its own clock, in the same atomic step. After a silence of
//! all gateways an absence is believed only when they had the time to publish their devices again.

use std::time::Duration;

use crate::limits::{BEAT_GAP_MAX, SETTLE_FOR};

/// The beats of all gateways, in time since any fixed moment. Two numbers, kept beside the leases
/// and lost with them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Steady {
    beats: Option<Beats>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Beats {
    /// The first beat after the last silence.
    first: Duration,
    last: Duration,
    /// How long after the first beat absences are believed.
    settle: Duration,
}

impl Steady {
    /// Of leases that begin with their only possible gateways: there is nothing to wait for.
    pub const fn from_the_start(now: Duration) -> Self {
        Self { beats: Some(Beats { first: now, last: now, settle: Duration::ZERO }) }
    }

    /// A gateway has renewed its lease.
    pub fn beat(&mut self, now: Duration) {
        match &mut self.beats {
            Some(beats) if !is_silence(beats, now) => beats.last = beats.last.max(now),
            beats => *beats = Some(Beats { first: now, last: now, settle: SETTLE_FOR }),
        }
    }

    /// Whether what is not there is surely absent.
    pub fn is_whole(&self, now: Duration) -> bool {
        self.beats
            .is_some_and(|beats| !is_silence(&beats, now) && now >= beats.first + beats.settle)
    }
}

fn is_silence(beats: &Beats, now: Duration) -> bool {
    now.saturating_sub(beats.last) > BEAT_GAP_MAX
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::RENEW_EVERY;

    #[test]
    fn absence_is_believed_once_beats_went_on_for_the_settling_time() {
        let mut steady = Steady::default();
        assert!(!steady.is_whole(Duration::from_secs(100)));
        for step in 0..10 {
            let now = Duration::from_secs(100) + RENEW_EVERY * step;
            steady.beat(now);
            assert_eq!(steady.is_whole(now), RENEW_EVERY * step >= SETTLE_FOR);
        }
    }

    #[test]
    fn silence_takes_the_belief_away_and_the_next_beat_does_not_bring_it_back() {
        let mut steady = Steady::from_the_start(Duration::ZERO);
        assert!(steady.is_whole(Duration::ZERO));
        let back = BEAT_GAP_MAX + Duration::from_millis(1);
        assert!(!steady.is_whole(back));
        steady.beat(back);
        assert!(!steady.is_whole(back));
        steady.beat(back + RENEW_EVERY);
        assert!(steady.is_whole(back + SETTLE_FOR));
    }
}
