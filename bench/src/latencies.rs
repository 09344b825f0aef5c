//! A histogram of times.

use std::time::Duration;

use anyhow::Result;
use hdrhistogram::Histogram;

/// The longest time that the histogram distinguishes from longer ones.
const LONGEST: Duration = Duration::from_secs(120);
/// Three digits of each time are kept.
const DIGITS: u8 = 3;

/// Times, from a nanosecond to two minutes.
#[derive(Debug, Clone)]
pub(crate) struct Latencies {
    histogram: Histogram<u64>,
}

impl Latencies {
    pub(crate) fn new() -> Result<Self> {
        let longest = u64::try_from(LONGEST.as_nanos())?;
        Ok(Self { histogram: Histogram::new_with_bounds(1, longest, DIGITS)? })
    }

    /// Adds a time. A longer one than the histogram knows counts as its longest.
    pub(crate) fn record(&mut self, took: Duration) {
        let nanos = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        self.histogram.saturating_record(nanos);
    }

    pub(crate) fn count(&self) -> u64 {
        self.histogram.len()
    }

    /// Returns the time that this share of all times does not exceed, in milliseconds.
    pub(crate) fn millis(&self, share: f64) -> f64 {
        let nanos = self.histogram.value_at_quantile(share);
        Duration::from_nanos(nanos).as_secs_f64() * 1_000.0
    }

    pub(crate) fn clear(&mut self) {
        self.histogram.reset();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_within_three_digits() {
        let mut latencies = Latencies::new().unwrap();
        for micros in 1..=10_000 {
            latencies.record(Duration::from_micros(micros));
        }
        for (share, millis) in [(0.5, 5.0), (0.99, 9.9), (0.999, 9.99), (1.0, 10.0)] {
            let found = latencies.millis(share);
            assert!((found / millis - 1.0).abs() < 0.002, "{share}: {found}");
        }
        assert_eq!(latencies.count(), 10_000);
        latencies.clear();
        assert_eq!(latencies.count(), 0);
    }

    #[test]
    fn longer_time_counts_as_the_longest() {
        let mut latencies = Latencies::new().unwrap();
        latencies.record(Duration::from_secs(500));
        assert!(latencies.millis(1.0) >= 119_000.0);
    }
}
