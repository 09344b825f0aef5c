//! Numbers that a gateway publishes to itself, to know that what is published is heard.
//!
//! They grow over both connections of a primary, so that hearing one covers all before it.

use std::sync::atomic::{AtomicU64, Ordering};

use redis::aio::MultiplexedConnection;
use tokio::{sync::watch, time::timeout};

use super::{
    dial::Doubt,
    primary::{ANSWER_WITHIN, in_time},
};

/// The probes of one primary.
#[derive(Debug, Default)]
pub(super) struct Probes {
    sent: AtomicU64,
    /// By the publisher's connection, and taken by the primary.
    published: AtomicU64,
    heard: watch::Sender<u64>,
}

impl Probes {
    /// Publishes the next number; gives it when the primary has taken it.
    pub(super) async fn send(
        &self,
        channel: &str,
        connection: &mut MultiplexedConnection,
    ) -> Result<u64, Doubt> {
        let number = self.sent.fetch_add(1, Ordering::AcqRel) + 1;
        in_time(redis::cmd("PUBLISH").arg(channel).arg(number).exec_async(connection)).await?;
        Ok(number)
    }

    /// The publisher's connection has sent this one.
    pub(super) fn published(&self, number: u64) {
        self.published.fetch_max(number, Ordering::AcqRel);
    }

    /// The last one of the publisher's.
    pub(super) fn last_published(&self) -> u64 {
        self.published.load(Ordering::Acquire)
    }

    /// Notes what came; says whether it was a probe. Others may write there, too: a number that was
    /// never sent is none.
    pub(super) fn hear(&self, payload: &[u8]) -> bool {
        let number = str::from_utf8(payload).ok().and_then(|text| text.parse::<u64>().ok());
        let Some(number) = number.filter(|number| *number <= self.sent.load(Ordering::Acquire))
        else {
            return false;
        };
        self.heard.send_if_modified(|heard| {
            let later = number > *heard;
            *heard = number.max(*heard);
            later
        });
        true
    }

    /// Whether this one, or a later one, was heard.
    pub(super) fn is_heard(&self, number: u64) -> bool {
        *self.heard.borrow() >= number
    }

    /// Waits until it is.
    pub(super) async fn wait_for(&self, number: u64) -> Result<(), Doubt> {
        let mut hearing = self.heard.subscribe();
        let heard = hearing.wait_for(|heard| *heard >= number);
        // The sender is here: only the time can end this.
        timeout(ANSWER_WITHIN, heard).await.map(drop).map_err(|_| Doubt::Unheard)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_numbers_that_were_sent_are_heard() {
        let probes = Probes::default();
        probes.sent.store(7, Ordering::Release);
        for garbage in [&b""[..], b"x", b"-1", b"8", b"18446744073709551616", b"\xff", b" 7"] {
            assert!(!probes.hear(garbage), "{garbage:?}");
        }
        assert!(!probes.is_heard(1));
        assert!(probes.hear(b"5") && probes.is_heard(5) && !probes.is_heard(6));
        assert!(probes.hear(b"3") && probes.is_heard(5), "an old one takes nothing back");
    }

    #[tokio::test(start_paused = true)]
    async fn waiting_ends_when_it_is_heard_or_in_doubt() {
        let probes = Probes::default();
        probes.sent.store(2, Ordering::Release);
        assert!(matches!(probes.wait_for(2).await, Err(Doubt::Unheard)));
        let hear = async { assert!(probes.hear(b"2")) };
        let (waited, ()) = tokio::join!(probes.wait_for(2), hear);
        assert!(waited.is_ok());
    }
}
