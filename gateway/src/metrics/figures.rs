//! Counters that backends keep themselves, copied to the recorder when they are asked for.

use std::fmt;

use metrics::{counter, gauge};

/// A number that a backend counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the help texts of the metrics")]
pub enum Figure {
    RedisDown,
    HintsPublished,
    HintsDropped,
    HintsReceived,
    HintsGarbage,
    HintsLost,
    Resubscribes,
    LocalTakes,
    AppendsUnknown,
    AppendsUnknownDone,
    AppendsUnknownNotDone,
}

/// A backend that counts some of them.
pub trait Figures: Send + Sync + fmt::Debug {
    /// Returns the present numbers. All but [`Figure::RedisDown`] only grow.
    fn figures(&self) -> Vec<(Figure, u64)>;
}

#[expect(clippy::cast_precision_loss, reason = "a handful of primaries")]
pub(crate) fn copy(from: &dyn Figures) {
    for (figure, value) in from.figures() {
        let name = match figure {
            Figure::RedisDown => {
                gauge!("confab_redis_primaries_down").set(value as f64);
                continue;
            }
            Figure::HintsPublished => "confab_hints_published_total",
            Figure::HintsDropped => "confab_hints_dropped_total",
            Figure::HintsReceived => "confab_hints_received_total",
            Figure::HintsGarbage => "confab_hints_garbage_total",
            Figure::HintsLost => "confab_hints_lost_total",
            Figure::Resubscribes => "confab_resubscribes_total",
            Figure::LocalTakes => "confab_local_takes_total",
            Figure::AppendsUnknown => "confab_appends_unknown_total",
            Figure::AppendsUnknownDone => "confab_appends_unknown_done_total",
            Figure::AppendsUnknownNotDone => "confab_appends_unknown_not_done_total",
        };
        counter!(name).absolute(value);
    }
}
