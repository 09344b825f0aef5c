//! Appends of one batch whose outcome is unknown.
//!
//! All of them were conditional on the same head. While the log shows nothing after that head, a
//! slow store may still apply one of them. As soon as anything follows that head, either it is one
//! of them, or none of them will ever be applied.

use std::collections::HashMap;

use super::{Waiting, plan::Plan};
use crate::{error::ChatError, id::EntryId, model::Entry};

/// What is known about the earlier appends of a batch.
#[derive(Debug, Default)]
pub(super) enum EarlierAppends {
    /// None of them can still be applied.
    #[default]
    Settled,
    /// Each of them may have been applied, or may still be. Maps every entry that was attempted to
    /// the order of the write that it was made for.
    Unknown(HashMap<EntryId, u64>),
}

/// An entry that this gateway appended, and the write that waits for it.
pub(super) type OwnEntry = (Entry, Option<Waiting>);

impl EarlierAppends {
    /// Records that the append of this plan has an unknown outcome.
    pub(super) fn add(&mut self, plan: &Plan) {
        if let Self::Settled = self {
            *self = Self::Unknown(HashMap::new());
        }
        if let Self::Unknown(attempted) = self {
            let orders = plan.writers.iter().map(|write| write.order);
            attempted.extend(plan.entries.iter().map(|entry| entry.id).zip(orders));
        }
    }

    /// Answers a write that could not be attempted again. If an earlier append may have applied it,
    /// its outcome is unknown.
    pub(super) fn fail(&self, write: Waiting, error: ChatError) {
        let may_be_applied = match self {
            Self::Settled => false,
            Self::Unknown(attempted) => attempted.values().any(|order| *order == write.order),
        };
        write.answer(Err(if may_be_applied { ChatError::OutcomeUnknown } else { error }));
    }

    /// Answers a whole batch with one error, in the same way.
    pub(super) fn fail_all(&self, batch: Vec<Waiting>, error: &ChatError) {
        for write in batch {
            self.fail(write, error.clone());
        }
    }

    /// Settles the earlier appends once entries have followed the head. Returns the entries among
    /// them that this gateway appended, with their writes, and the writes that are still to be done.
    pub(super) fn settle(
        &mut self,
        batch: Vec<Waiting>,
        arrived: Vec<Entry>,
    ) -> (Vec<OwnEntry>, Vec<Waiting>) {
        if arrived.is_empty() {
            return (Vec::new(), batch);
        }
        let Self::Unknown(attempted) = std::mem::take(self) else { return (Vec::new(), batch) };
        let mut waiting: HashMap<u64, Waiting> =
            batch.into_iter().map(|write| (write.order, write)).collect();
        let own = arrived
            .into_iter()
            .filter_map(|entry| {
                let order = attempted.get(&entry.id)?;
                Some((entry, waiting.remove(order)))
            })
            .collect();
        let mut rest: Vec<Waiting> = waiting.into_values().collect();
        rest.sort_unstable_by_key(|write| write.order);
        (own, rest)
    }
}
