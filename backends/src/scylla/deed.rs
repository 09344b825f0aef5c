//! What a call may have done: from then on its failure is no longer "surely not done".

use std::sync::{Mutex, MutexGuard, PoisonError};

use chat_core::error::StoreError;

use super::store::Decided;

/// Of the conditional writes of one call: whether one was done or may have been, and how the last
/// of those ended.
#[derive(Debug, Default)]
pub(super) struct Deed(Mutex<Option<String>>);

impl Deed {
    fn lock(&self) -> MutexGuard<'_, Option<String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes in what became of a write.
    pub(super) fn note(&self, decided: &Decided) {
        match decided {
            Decided::Refused => {}
            Decided::Applied => *self.lock() = Some("done in part".to_owned()),
            Decided::Unknown { detail, .. } => *self.lock() = Some(detail.clone()),
        }
    }

    /// Whether something was done, or may have been.
    pub(super) fn may_be_done(&self) -> bool {
        self.lock().is_some()
    }

    /// The error with which the call ends, after one on its way.
    pub(super) fn end(&self, error: StoreError) -> StoreError {
        match error {
            StoreError::Unavailable(detail) if self.may_be_done() => StoreError::Unknown(detail),
            error @ (StoreError::Unavailable(_)
            | StoreError::Unknown(_)
            | StoreError::Corrupt(_)) => error,
        }
    }

    /// The error with which the call ends after its last try.
    pub(super) fn undecided(&self) -> StoreError {
        StoreError::Unknown(self.lock().clone().unwrap_or_else(|| "others were faster".to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failure_after_a_write_that_may_be_done_is_unknown() {
        let unavailable = || StoreError::Unavailable("no answer".to_owned());
        let unknown = StoreError::Unknown("no answer".to_owned());
        let deed = Deed::default();
        assert_eq!(deed.end(unavailable()), unavailable());
        deed.note(&Decided::Refused);
        assert_eq!(deed.end(unavailable()), unavailable());
        for decided in
            [Decided::Applied, Decided::Unknown { detail: "late".to_owned(), is_over: true }]
        {
            let deed = Deed::default();
            deed.note(&decided);
            deed.note(&Decided::Refused);
            assert_eq!(deed.end(unavailable()), unknown);
        }
    }
}
