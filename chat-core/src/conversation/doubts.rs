//! Appends of one batch whose outcome was unknown.
//!
//! All of them were tried at the head that the log had then. While nothing comes after that head, a
//! slow store may still do one of them. Once something has come, it is one of them or none ever is.

use std::collections::HashMap;

use super::plan::{Pending, Plan};
use crate::{id::EntryId, model::Entry};

/// Appends of one batch whose outcome was unknown: whose command each of their entries is, by its
/// order in the queue.
#[derive(Debug, Default)]
pub(super) struct Doubts(HashMap<EntryId, u64>);

/// An entry of this gateway, and who waits for it.
pub(super) type Own = (Entry, Option<Pending>);

impl Doubts {
    /// Notes that an append with the plan's entries may have been done.
    pub(super) fn note(&mut self, plan: &mut Plan) {
        for (pending, entry) in plan.writers.iter_mut().zip(&plan.entries) {
            pending.is_doubtful = true;
            self.0.insert(entry.id, pending.order);
        }
    }

    /// Ends all doubt if something has come: gives the entries among it that are own ones, and the
    /// commands that are still to be done.
    pub(super) fn end(
        &mut self,
        batch: Vec<Pending>,
        come: Vec<Entry>,
    ) -> (Vec<Own>, Vec<Pending>) {
        if come.is_empty() || self.0.is_empty() {
            return (Vec::new(), batch);
        }
        let orders = std::mem::take(&mut self.0);
        let mut waiting: HashMap<u64, Pending> = batch
            .into_iter()
            .map(|pending| (pending.order, Pending { is_doubtful: false, ..pending }))
            .collect();
        let own = come.into_iter().filter_map(|entry| {
            let order = orders.get(&entry.id)?;
            Some((entry, waiting.remove(order)))
        });
        let own = own.collect();
        let mut rest: Vec<Pending> = waiting.into_values().collect();
        rest.sort_unstable_by_key(|pending| pending.order);
        (own, rest)
    }
}
