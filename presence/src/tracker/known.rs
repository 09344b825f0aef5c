//! Who may see whom, remembered for some seconds. That somebody may not is not remembered: they may
//! have become acquainted since.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use chat_core::id::UserId;
use tokio::time::{Instant, timeout};

use crate::{
    limits::{ANSWER_WITHIN, KNOWN_FOR, KNOWN_MAX},
    port::Acquaintances,
};

/// Who may see whom, as of when.
type Answers = HashMap<(UserId, UserId), Instant>;

/// Who may see whom.
#[derive(Debug)]
pub(super) struct Known {
    port: Arc<dyn Acquaintances>,
    answers: Mutex<Answers>,
}

impl Known {
    pub(super) fn new(port: Arc<dyn Acquaintances>) -> Self {
        Self { port, answers: Mutex::default() }
    }

    /// Whether the watcher may see each of these users, in this order; everybody sees themselves.
    pub(super) async fn may_see(&self, watcher: UserId, users: &[UserId]) -> Vec<bool> {
        let asked = Instant::now();
        let known: Vec<bool> = {
            let answers = self.lock();
            users.iter().map(|user| recalls(&answers, watcher, *user, asked)).collect()
        };
        let open = users.iter().zip(&known).filter(|(_, known)| !**known);
        let open: Vec<UserId> = open.map(|(user, _)| *user).collect();
        let mut fresh = self.ask(watcher, &open, asked).await.into_iter();
        known.into_iter().map(|known| known || fresh.next() == Some(true)).collect()
    }

    async fn ask(&self, watcher: UserId, users: &[UserId], asked: Instant) -> Vec<bool> {
        if users.is_empty() {
            return Vec::new();
        }
        let Ok(mut fresh) = timeout(ANSWER_WITHIN, self.port.know(watcher, users)).await else {
            return Vec::new();
        };
        fresh.resize(users.len(), false);
        let mut answers = self.lock();
        if answers.len() + users.len() > KNOWN_MAX {
            answers.retain(|_, at| asked < *at + KNOWN_FOR);
        }
        let seen = users.iter().zip(&fresh).filter(|(_, may)| **may);
        for (user, _) in seen.take(KNOWN_MAX.saturating_sub(answers.len())) {
            answers.insert((watcher, *user), asked);
        }
        fresh
    }

    fn lock(&self) -> MutexGuard<'_, Answers> {
        self.answers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn recalls(answers: &Answers, watcher: UserId, user: UserId, now: Instant) -> bool {
    watcher == user || answers.get(&(watcher, user)).is_some_and(|asked| now < *asked + KNOWN_FOR)
}
