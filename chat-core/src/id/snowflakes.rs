//! Makes ids, and keeps them unique across restarts.
//!
//! A store keeps a mark that no id of the node has reached. A generator that starts later starts
//! above the mark, whatever its clock says. The mark is raised by a block at a time, so that few
//! ids cost a write.

use std::num::NonZeroU64;

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

use super::{COUNTER_BITS, EPOCH_MS, NODE_BITS, NODES_MAX, Snowflake};
use crate::{
    planted::{Bug, is_planted},
    time::Timestamp,
};

/// The bits of milliseconds in an id. They last until 2094.
const TIME_BITS: u32 = 63 - NODE_BITS - COUNTER_BITS;
/// The largest place: [`IdMark`] describes places.
const PLACE_MAX: u64 = (1 << (TIME_BITS + COUNTER_BITS)) - 1;
/// How far a mark is raised above the newest id: ten seconds of milliseconds and counters.
const BLOCK: u64 = 10_000 << COUNTER_BITS;

/// A place in a node's ids, milliseconds above the counter. All ids that were ever made under the
/// node number are at or below its durable mark.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
pub struct IdMark(u64);

impl IdMark {
    /// Returns the number for stores without unsigned integers.
    #[expect(clippy::cast_possible_wrap, reason = "a place has 53 bits")]
    pub const fn as_i64(self) -> i64 {
        self.0 as i64
    }

    /// Makes a mark from a number that [`Self::as_i64`] returned.
    pub fn from_i64(value: i64) -> Option<Self> {
        u64::try_from(value).ok().map(Self)
    }

    /// Returns a time that the ids below this mark had reached, at most one block earlier than the
    /// newest of them.
    pub fn reached(self) -> Timestamp {
        let millis = self.0.saturating_sub(BLOCK) >> COUNTER_BITS;
        Timestamp::from_millis(EPOCH_MS.saturating_add_unsigned(millis))
    }
}

/// Makes the ids of one node. They increase even if the clock stands still or steps back.
#[derive(Debug)]
pub struct Snowflakes {
    node: u64,
    places: Mutex<Places>,
}

#[derive(Debug)]
struct Places {
    /// The place of the newest id.
    last: u64,
    /// The durable mark.
    durable: u64,
}

impl Snowflakes {
    /// Makes the generator of a node whose ids end with the process. Numbers from [`NODES_MAX`] on
    /// wrap around.
    pub fn new(node: u16) -> Self {
        Self::starting_at(node, Places { last: 0, durable: PLACE_MAX })
    }

    /// Makes the generator of a node whose durable mark is this one. All its ids are above the mark.
    pub fn above(node: u16, mark: IdMark) -> Self {
        let last = if is_planted(Bug::ForgetsIds) { 0 } else { mark.0 };
        Self::starting_at(node, Places { last, durable: mark.0 })
    }

    fn starting_at(node: u16, places: Places) -> Self {
        Self { node: u64::from(node % NODES_MAX) << COUNTER_BITS, places: Mutex::new(places) }
    }

    /// Returns the next id at this time. A time that does not fit into an id counts as the time of
    /// the id before.
    pub fn next(&self, now: Timestamp) -> Snowflake {
        // A full counter carries into the milliseconds: ids then run ahead of the clock instead of
        // waiting for it.
        let place = {
            let mut places = self.places.lock();
            places.last = place_of(now).unwrap_or(0).max(places.last + 1);
            places.last
        };
        let millis = place >> COUNTER_BITS;
        let counter = place & ((1 << COUNTER_BITS) - 1);
        let id = (millis << (NODE_BITS + COUNTER_BITS) | self.node | counter) & (i64::MAX as u64);
        Snowflake(NonZeroU64::new(id).unwrap_or(NonZeroU64::MIN))
    }

    /// Returns the mark that must be durable before another id is stored, or `None` if the durable
    /// mark is far enough ahead.
    pub fn due_mark(&self) -> Option<IdMark> {
        let places = self.places.lock();
        let is_due = places.last.saturating_add(BLOCK / 2) > places.durable;
        is_due.then(|| IdMark(places.last.saturating_add(BLOCK).min(PLACE_MAX)))
    }

    /// Returns true if all ids so far are below the durable mark.
    pub fn are_covered(&self) -> bool {
        let places = self.places.lock();
        places.last <= places.durable
    }

    /// Records that this mark is durable.
    pub fn set_durable(&self, mark: IdMark) {
        let mut places = self.places.lock();
        places.durable = places.durable.max(mark.0);
    }
}

/// Returns the first place of a time, or `None` if the time does not fit into an id.
fn place_of(time: Timestamp) -> Option<u64> {
    let millis = u64::try_from(time.as_millis().saturating_sub(EPOCH_MS)).ok()?.max(1);
    (millis < 1 << TIME_BITS).then_some(millis << COUNTER_BITS)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::id::UserId;

    const START: i64 = EPOCH_MS + 10_000_000_000;
    const SECOND: i64 = 1_000;
    const HOUR: i64 = 3_600 * SECOND;
    const YEAR: i64 = 365 * 24 * HOUR;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    #[test]
    fn ids_increase_when_the_clock_steps_back() {
        let ids = Snowflakes::new(5);
        let mut last = ids.next(at(START));
        for step in 0..10_000 {
            let next = ids.next(at(START - step % 7));
            assert!(next.0 > last.0);
            last = next;
        }
    }

    #[test]
    fn id_contains_the_time_when_it_was_made() {
        assert_eq!(UserId::from(Snowflakes::new(1023).next(at(START))).made_at(), at(START));
    }

    /// Makes ids at this time above the mark, and raises the mark whenever it is due.
    fn make_ids(time: i64, mark: &mut IdMark) -> Vec<NonZeroU64> {
        let ids = Snowflakes::above(7, *mark);
        let next = |_| {
            let id = ids.next(at(time)).0;
            if let Some(due) = ids.due_mark() {
                *mark = due;
                ids.set_durable(due);
            }
            assert!(ids.are_covered());
            id
        };
        (0..1_000).map(next).collect()
    }

    #[test]
    fn ids_start_above_the_mark_whatever_the_clock_says() {
        for later in [0, -SECOND, -HOUR, -YEAR, -50 * YEAR, SECOND, HOUR, YEAR] {
            let mut mark = IdMark::default();
            let runs = (0..3).flat_map(|run| make_ids(START + run * later, &mut mark));
            assert_eq!(runs.collect::<HashSet<_>>().len(), 3_000, "{later}");
        }
    }

    #[test]
    fn few_ids_make_a_mark_due() {
        let ids = Snowflakes::above(7, IdMark::default());
        let mut due = 0;
        for millis in 0..60_000 {
            for _ in 0..5 {
                ids.next(at(START + millis));
            }
            if let Some(mark) = ids.due_mark() {
                ids.set_durable(mark);
                due += 1;
            }
        }
        assert!((1..=13).contains(&due), "{due}");
    }

    #[test]
    fn times_that_no_id_can_hold_are_ignored() {
        let ids = Snowflakes::new(0);
        let first = ids.next(at(START));
        for time in [i64::MIN, -1, EPOCH_MS - 1, EPOCH_MS + (1 << TIME_BITS), i64::MAX] {
            ids.next(at(time));
        }
        let next = ids.next(at(START));
        assert_eq!(next.0.get(), first.0.get() + 6);
    }

    #[test]
    fn mark_is_near_the_time_of_the_newest_id() {
        let ids = Snowflakes::above(7, IdMark::default());
        ids.next(at(START));
        assert_eq!(ids.due_mark().map(IdMark::reached), Some(at(START)));
    }
}
