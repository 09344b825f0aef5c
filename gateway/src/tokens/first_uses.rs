//! Remembers which refreshed access tokens were used here, so that each first use is recorded once.

use std::collections::HashMap;

use chat_core::{id::LoginId, model::TokenGeneration};
use parking_lot::Mutex;

/// The number of logins that are remembered. Then all are forgotten, and the next use of each is
/// recorded again, which changes nothing.
const LOGINS_MAX: usize = 1 << 16;

/// The newest generation of each login whose access token was used here.
#[derive(Debug, Default)]
pub(crate) struct FirstUses(Mutex<HashMap<LoginId, TokenGeneration>>);

impl FirstUses {
    /// Remembers a use. Returns true if it is the first one here.
    pub(crate) fn note(&self, login: LoginId, generation: TokenGeneration) -> bool {
        let mut seen = self.0.lock();
        if seen.get(&login) == Some(&generation) {
            return false;
        }
        if seen.len() >= LOGINS_MAX {
            seen.clear();
        }
        seen.insert(login, generation);
        true
    }

    /// Forgets a use that could not be recorded, so that the next one is recorded.
    pub(crate) fn forget(&self, login: LoginId) {
        self.0.lock().remove(&login);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_use_of_each_generation_is_noted_once() {
        let uses = FirstUses::default();
        let login = |number: usize| LoginId::new(number as u64 + 1).unwrap();
        let (one, two) = (TokenGeneration(1), TokenGeneration(2));
        assert!(uses.note(login(0), one) && !uses.note(login(0), one));
        assert!(uses.note(login(1), one));
        assert!(uses.note(login(0), two) && !uses.note(login(0), two));
        uses.forget(login(0));
        assert!(uses.note(login(0), two));
        for number in 0..LOGINS_MAX + 10 {
            uses.note(login(number), one);
        }
        assert!(uses.0.lock().len() <= LOGINS_MAX);
    }
}
