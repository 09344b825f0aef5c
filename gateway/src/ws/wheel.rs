//! One timer for all sockets, in steps of a second.
//!
//! A socket requests its next wake-up itself, and then checks what is due: a ping, the expiry of its
//! token, or an unfinished message. So there is no timer per socket.

use std::{
    collections::VecDeque,
    sync::{Arc, Weak},
    time::Duration,
};

use chat_core::outbox::Outbox;
use parking_lot::Mutex;
use tokio::time::MissedTickBehavior;

/// The farthest wake-up in steps. A session that needs a later one is woken then and asks again.
const SLOTS: usize = 64;
const STEP: Duration = Duration::from_secs(1);

/// One timer for all sockets.
#[derive(Debug)]
pub struct Wheel {
    slots: Mutex<VecDeque<Vec<Weak<Outbox>>>>,
}

impl Default for Wheel {
    fn default() -> Self {
        Self { slots: Mutex::new((0..SLOTS).map(|_| Vec::new()).collect()) }
    }
}

impl Wheel {
    /// Wakes the session after this time, at most a second later.
    pub fn wake_in(&self, outbox: &Arc<Outbox>, wait: Duration) {
        // Rounded up, so that whatever the session waits for is due when it wakes.
        let steps = usize::try_from(wait.as_nanos().div_ceil(STEP.as_nanos())).unwrap_or(SLOTS);
        let mut slots = self.slots.lock();
        slots[steps.min(SLOTS - 1)].push(Arc::downgrade(outbox));
    }

    /// Wakes sessions forever.
    pub async fn turn(&self) {
        let mut ticks = tokio::time::interval(STEP);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            for outbox in self.due().iter().filter_map(Weak::upgrade) {
                outbox.ping();
            }
        }
    }

    fn due(&self) -> Vec<Weak<Outbox>> {
        let mut slots = self.slots.lock();
        slots.push_back(Vec::new());
        slots.pop_front().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use chat_core::{
        budget::Unread,
        id::{LoginId, UserId},
        model::Identity,
    };

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn session_is_woken_once_at_the_requested_time() {
        let wheel = Wheel::default();
        let identity = Identity { user: UserId::new(1).unwrap(), login: LoginId::new(2).unwrap() };
        let outbox = Arc::new(Outbox::new(identity, &Unread::new(0).of(identity.user)));
        wheel.wake_in(&outbox, Duration::from_millis(2_500));
        let wait = |wait: Duration| tokio::time::timeout(wait, wheel.turn());
        assert!(wait(Duration::from_millis(2_900)).await.is_err());
        assert!(!outbox.take_ping());
        assert!(wait(Duration::from_secs(2)).await.is_err());
        assert!(outbox.take_ping());
        assert!(wait(Duration::from_secs(200)).await.is_err());
        assert!(!outbox.take_ping());
    }
}
