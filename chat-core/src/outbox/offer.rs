//! What an offered seq means to a reader at some head.

use crate::{
    model::Seq,
    planted::{Bug, is_planted},
};

/// What an offered seq means to a reader at some head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Offer {
    /// It comes next.
    Next,
    /// The reader has it already.
    Stale,
    /// Something is missing before it.
    Gap,
}

impl Offer {
    /// Returns what `seq` means to a reader that has everything up to `head`.
    pub(crate) fn of(seq: Seq, head: Seq) -> Self {
        if seq == head && head > Seq::ZERO && is_planted(Bug::AcceptsRepeats) {
            Self::Next
        } else if seq <= head {
            Self::Stale
        } else if seq == head.next() {
            Self::Next
        } else {
            Self::Gap
        }
    }
}
