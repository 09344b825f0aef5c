//! Probes: messages that a gateway publishes to itself, which prove that hints arrive.
//!
//! Redis pushes messages to a connection in the order in which they were published. A received probe
//! therefore proves that everything published before it has arrived. A probe's number is the time at
//! which it was sent, so the last received number also tells how old that proof is. Both connections
//! of a primary send probes, and no two probes have the same number.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use redis::aio::MultiplexedConnection;
use tokio::{
    sync::watch,
    time::{Instant, timeout},
};

use super::{
    connection::ConnectionError,
    primary::{ANSWER_WITHIN, in_time},
};

/// The probes of one primary. Numbers are microseconds since `started`; 0 stands for no probe.
#[derive(Debug)]
pub(super) struct Probes {
    started: Instant,
    last_sent: AtomicU64,
    /// The last probe that the primary has taken from the publisher connection.
    last_published: AtomicU64,
    last_received: watch::Sender<u64>,
}

impl Probes {
    pub(super) fn new() -> Self {
        Self {
            started: Instant::now(),
            last_sent: AtomicU64::new(0),
            last_published: AtomicU64::new(0),
            last_received: watch::Sender::new(0),
        }
    }

    /// Publishes a probe and returns its number once the primary has taken it.
    pub(super) async fn send(
        &self,
        channel: &str,
        connection: &mut MultiplexedConnection,
    ) -> Result<u64, ConnectionError> {
        let number = self.next_number();
        in_time(redis::cmd("PUBLISH").arg(channel).arg(number).exec_async(connection)).await?;
        Ok(number)
    }

    fn next_number(&self) -> u64 {
        let now = self.now();
        let before = self
            .last_sent
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |last| Some(now.max(last + 1)));
        let (Ok(last) | Err(last)) = before;
        now.max(last + 1)
    }

    fn now(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_micros()).unwrap_or(u64::MAX)
    }

    /// Notes that the primary has taken this probe from the publisher connection.
    pub(super) fn note_published(&self, number: u64) {
        self.last_published.fetch_max(number, Ordering::AcqRel);
    }

    /// Returns the last probe that the primary has taken from the publisher connection.
    pub(super) fn last_published(&self) -> u64 {
        self.last_published.load(Ordering::Acquire)
    }

    /// Notes a message of the probe channel. Returns false if it is not a probe of this gateway:
    /// others may write to the channel, too.
    pub(super) fn note_received(&self, payload: &[u8]) -> bool {
        let number = str::from_utf8(payload).ok().and_then(|text| text.parse::<u64>().ok());
        let Some(number) =
            number.filter(|number| *number <= self.last_sent.load(Ordering::Acquire))
        else {
            return false;
        };
        self.last_received.send_if_modified(|last| {
            let is_later = number > *last;
            *last = number.max(*last);
            is_later
        });
        true
    }

    /// Returns true if this probe or a later one has been received.
    pub(super) fn is_received(&self, number: u64) -> bool {
        *self.last_received.borrow() >= number
    }

    /// Returns true if the last probe that was received was sent at most `age_max` ago.
    pub(super) fn is_proven_within(&self, age_max: Duration) -> bool {
        let last_received = *self.last_received.borrow();
        last_received > 0
            && Duration::from_micros(self.now().saturating_sub(last_received)) <= age_max
    }

    /// Waits until this probe or a later one has been received; fails after [`ANSWER_WITHIN`].
    pub(super) async fn wait_for(&self, number: u64) -> Result<(), ConnectionError> {
        let mut received = self.last_received.subscribe();
        // The sender lives in `self`: only the timeout can fail.
        let waited = timeout(ANSWER_WITHIN, received.wait_for(|last| *last >= number)).await;
        waited.map(drop).map_err(|_| ConnectionError::ProbeLost)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn probes_accept_only_numbers_that_were_sent() {
        let probes = Probes::new();
        let sent: Vec<u64> = (0..7).map(|_| probes.next_number()).collect();
        assert_eq!(sent, [1, 2, 3, 4, 5, 6, 7]);
        for garbage in [&b""[..], b"x", b"-1", b"8", b"18446744073709551616", b"\xff", b" 7"] {
            assert!(!probes.note_received(garbage), "{garbage:?}");
        }
        assert!(!probes.is_received(1));
        assert!(probes.note_received(b"5") && probes.is_received(5) && !probes.is_received(6));
        assert!(
            probes.note_received(b"3") && probes.is_received(5),
            "an older probe changes nothing"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn wait_ends_when_the_probe_is_received_or_late() {
        let probes = Probes::new();
        let number = probes.next_number();
        assert!(matches!(probes.wait_for(number).await, Err(ConnectionError::ProbeLost)));
        let receive = async { assert!(probes.note_received(number.to_string().as_bytes())) };
        let (waited, ()) = tokio::join!(probes.wait_for(number), receive);
        assert!(waited.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn proof_expires_by_the_time_of_sending() {
        let (probes, age_max) = (Probes::new(), Duration::from_millis(300));
        assert!(!probes.is_proven_within(age_max), "nothing has been received");
        let number = probes.next_number();
        tokio::time::advance(Duration::from_millis(250)).await;
        assert!(probes.note_received(number.to_string().as_bytes()));
        assert!(probes.is_proven_within(age_max));
        tokio::time::advance(Duration::from_millis(100)).await;
        assert!(!probes.is_proven_within(age_max), "sent too long ago, although received lately");
    }
}
