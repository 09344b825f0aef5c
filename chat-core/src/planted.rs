//! Defects that a simulation switches on by name, to prove that it would find them.
//!
//! Without the feature `planted-bugs` every question is answered with a constant `false`, and costs
//! nothing.

macro_rules! bugs {
    ($($(#[$doc:meta])* $bug:ident => $name:literal,)+) => {
        /// A defect that can be switched on.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Bug {
            $($(#[$doc])* $bug,)+
        }

        impl Bug {
            /// All defects.
            pub const ALL: &[Self] = &[$(Self::$bug,)+];

            /// Returns the name on the command line.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$bug => $name,)+
                }
            }
        }
    };
}

bugs! {
    /// A refused append is acknowledged.
    AcknowledgesBeforeCommit => "acknowledges-before-commit",
    /// A write with an unknown outcome is appended again without looking for its entry.
    RetriesBlindly => "retries-blindly",
    /// Heads are not compared with the store.
    SkipsHeadCheck => "skips-head-check",
    /// An outbox without room drops entries without a trace.
    DropsSilently => "drops-silently",
    /// Ids do not start above those of the run before.
    ForgetsIds => "forgets-ids",
    /// Ended logins are forgotten.
    ForgetsRevocation => "forgets-revocation",
    /// A wrapper of the log hides the edge of a bucket.
    HidesBucketEdge => "hides-bucket-edge",
    /// Openings trust old heads while hints are missing.
    TrustsOldHeads => "trusts-old-heads",
    /// Cursors move back.
    MovesReceiptsBack => "moves-receipts-back",
    /// Typing reaches blocked users.
    TypesThroughBlocks => "types-through-blocks",
    /// Typing shows members who have not agreed to take part.
    TypesFromRequests => "types-from-requests",
    /// A reaction is folded twice.
    ReactsTwice => "reacts-twice",
    /// A session goes on one entry too early after a page.
    RepeatsAfterPage => "repeats-after-page",
    /// Removals by other gateways are not folded before the next decision.
    DecidesOnOldMembers => "decides-on-old-members",
    /// A write that is planned again loses its client id.
    LosesClientId => "loses-client-id",
    /// Writes that are planned again change their order.
    ReordersBatch => "reorders-batch",
    /// A redacted text stays readable.
    LeavesRedactedText => "leaves-redacted-text",
    /// A session goes on after the removal of its user.
    DeliversAfterRemoval => "delivers-after-removal",
    /// History shows what was before the membership.
    ShowsEarlierHistory => "shows-earlier-history",
    /// An entry that was delivered is delivered again.
    AcceptsRepeats => "accepts-repeats",
    /// An unknown outcome is reported as not done.
    ReportsUnknownAsFailed => "reports-unknown-as-failed",
    /// An append at an old head counts as done.
    IgnoresMovedHead => "ignores-moved-head",
}

#[cfg(feature = "planted-bugs")]
std::thread_local! {
    static PLANTED: std::cell::Cell<Option<Bug>> = const { std::cell::Cell::new(None) };
}

/// Switches one defect on in this thread, or all of them off.
#[cfg(feature = "planted-bugs")]
pub fn plant(bug: Option<Bug>) {
    PLANTED.set(bug);
}

/// Returns true if the defect is switched on in this thread.
#[cfg(feature = "planted-bugs")]
pub(crate) fn is_planted(bug: Bug) -> bool {
    PLANTED.get() == Some(bug)
}

/// Returns false: no defects are built in.
#[cfg(not(feature = "planted-bugs"))]
pub(crate) const fn is_planted(_: Bug) -> bool {
    false
}
