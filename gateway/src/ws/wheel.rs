//! One timer for all sockets: who is due is woken, in steps of a second.
//!
//! A socket asks for its next wake-up itself, and looks itself what is due then: a ping, the end of
//! its token, a message that never ended. No timer per socket.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError, Weak},
    time::Duration,
};

use chat_core::outbox::Outbox;
use tokio::time::MissedTickBehavior;

/// The farthest wake-up; whoever wants a later one is woken then and asks again.
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
    /// Wakes the session after this time, up to a second later.
    pub fn wake_in(&self, outbox: &Arc<Outbox>, wait: Duration) {
        // Never before: who is woken then finds due what it waited for.
        let steps = usize::try_from(wait.as_nanos().div_ceil(STEP.as_nanos())).unwrap_or(SLOTS);
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        slots[steps.min(SLOTS - 1)].push(Arc::downgrade(outbox));
    }

    /// Turns for ever.
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
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        slots.push_back(Vec::new());
        slots.pop_front().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use chat_core::{
        id::{LoginId, UserId},
        model::Identity,
    };

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn session_is_woken_when_it_asked_to_be_and_not_again() {
        let wheel = Wheel::default();
        let identity = Identity { user: UserId::new(1).unwrap(), login: LoginId::new(2).unwrap() };
        let outbox = Arc::new(Outbox::new(identity));
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
