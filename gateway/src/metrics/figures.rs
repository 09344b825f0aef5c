//! What backends count themselves, looked at when somebody asks.

use std::fmt;

use metrics::{counter, describe_counter, describe_gauge, gauge};

/// A number that a backend keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Figure {
    /// Redis primaries that cannot be reached.
    RedisDown,
    /// Hints that a primary has taken.
    HintsPublished,
    /// Hints that were not sent.
    HintsDropped,
    /// Hints that came.
    HintsReceived,
    /// What came and had no shape.
    HintsGarbage,
    /// How often hints may have been lost.
    HintsLost,
    /// Channels subscribed again.
    Resubscribes,
    /// Tokens of rate limits taken here because a primary was away.
    LocalTakes,
    /// Appends without an answer.
    AppendsUnknown,
    /// Of these, had been done.
    AppendsUnknownDone,
    /// Of these, had not been done.
    AppendsUnknownNotDone,
}

/// Somebody who keeps some of them.
pub trait Figures: Send + Sync + fmt::Debug {
    /// All that it keeps, as of now; they only grow, but for [`Figure::RedisDown`].
    fn figures(&self) -> Vec<(Figure, u64)>;
}

impl Figure {
    const ALL: [Self; 11] = [
        Self::RedisDown,
        Self::HintsPublished,
        Self::HintsDropped,
        Self::HintsReceived,
        Self::HintsGarbage,
        Self::HintsLost,
        Self::Resubscribes,
        Self::LocalTakes,
        Self::AppendsUnknown,
        Self::AppendsUnknownDone,
        Self::AppendsUnknownNotDone,
    ];

    /// The name, and what it means.
    const fn described(self) -> (&'static str, &'static str) {
        match self {
            Self::RedisDown => ("confab_redis_primaries_down", "Redis primaries out of reach"),
            Self::HintsPublished => {
                ("confab_hints_published_total", "hints that a Redis primary has taken")
            }
            Self::HintsDropped => (
                "confab_hints_dropped_total",
                "hints not sent: a primary in doubt, a full queue, no answer, or too large",
            ),
            Self::HintsReceived => {
                ("confab_hints_received_total", "hints and changes of presence that came")
            }
            Self::HintsGarbage => ("confab_hints_garbage_total", "what came and had no shape"),
            Self::HintsLost => (
                "confab_hints_lost_total",
                "how often hints may have been lost; the store is asked each time",
            ),
            Self::Resubscribes => {
                ("confab_resubscribes_total", "channels subscribed again on a new connection")
            }
            Self::LocalTakes => (
                "confab_local_takes_total",
                "rate limits decided by this gateway alone: a primary was away or slow",
            ),
            Self::AppendsUnknown => {
                ("confab_appends_unknown_total", "appends that the store did not answer in time")
            }
            Self::AppendsUnknownDone => {
                ("confab_appends_unknown_done_total", "of these, had been done")
            }
            Self::AppendsUnknownNotDone => {
                ("confab_appends_unknown_not_done_total", "of these, had not been done")
            }
        }
    }
}

/// The names of all of them.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    Figure::ALL.into_iter().map(|figure| figure.described().0)
}

/// Says what they mean; each is there from the beginning.
pub(super) fn describe() {
    for figure in Figure::ALL {
        let (name, meaning) = figure.described();
        if figure == Figure::RedisDown {
            describe_gauge!(name, meaning);
        } else {
            describe_counter!(name, meaning);
        }
        show(figure, 0);
    }
}

/// Looks now.
pub(crate) fn look(at: &dyn Figures) {
    for (figure, value) in at.figures() {
        show(figure, value);
    }
}

#[expect(clippy::cast_precision_loss, reason = "a handful of primaries")]
fn show(figure: Figure, value: u64) {
    let (name, _) = figure.described();
    if figure == Figure::RedisDown {
        gauge!(name).set(value as f64);
    } else {
        counter!(name).absolute(value);
    }
}
