//! What attackers have in common: a bounded rate, and counts of what they were answered.

use std::{collections::BTreeMap, time::Duration};

use anyhow::Result;
use tokio::time::{Instant, MissedTickBehavior, interval};

use crate::client::{Answer, Outcome};

/// What the attacker and honest users got.
#[derive(Debug, Default)]
pub(super) struct Got {
    /// Answers to the attacker.
    pub(super) answers: Tally,
    /// Log-ins or refreshes of honest users meanwhile.
    pub(super) honest: Option<Share>,
    /// The same, for users who log in from an address for the first time.
    pub(super) newcomers: Option<Share>,
    /// Promises that were broken.
    pub(super) broken: Vec<String>,
}

impl Got {
    pub(super) fn of(answers: Tally) -> Self {
        Self { answers, ..Self::default() }
    }

    /// Records a broken promise unless the condition holds.
    pub(super) fn check(&mut self, holds: bool, broken: impl FnOnce() -> String) {
        if !holds {
            self.broken.push(broken());
        }
    }

    /// Checks that the attacker was granted something, and at most this much.
    pub(super) fn check_granted(&mut self, max: u64) {
        let granted = self.answers.granted();
        self.check(granted > 0, || "the attacker got nothing at all".into());
        self.check(granted <= max, || format!("{granted} were granted instead of {max}"));
    }
}

/// A part of all attempts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Share {
    /// Attempts that succeeded.
    pub succeeded: u64,
    /// All attempts.
    pub tried: u64,
}

impl Share {
    /// Counts answers with a status below 300 as successes.
    pub(super) fn of(answers: &Tally) -> Self {
        Self { succeeded: answers.granted(), tried: answers.total() }
    }

    /// Returns true if at least 95 % succeeded.
    pub const fn is_goal_met(self) -> bool {
        self.tried > 0 && self.succeeded * 100 >= self.tried * 95
    }
}

/// How often each answer was received, by its status and code.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally(pub(super) BTreeMap<String, u64>);

impl Tally {
    pub(super) fn add(&mut self, answer: &str, count: usize) {
        *self.0.entry(answer.to_owned()).or_default() += count as u64;
    }

    pub(super) fn merge(mut self, other: Self) -> Self {
        for (answer, count) in other.0 {
            *self.0.entry(answer).or_default() += count;
        }
        self
    }

    pub(super) fn total(&self) -> u64 {
        self.0.values().sum()
    }

    /// Returns how many answers have a status below 300.
    pub(super) fn granted(&self) -> u64 {
        let granted = self.0.iter().filter(|(answer, _)| answer.starts_with('2'));
        granted.map(|(_, count)| count).sum()
    }

    /// Returns how many answers begin with this text.
    pub(super) fn with(&self, begin: &str) -> u64 {
        let matching = self.0.iter().filter(|(answer, _)| answer.starts_with(begin));
        matching.map(|(_, count)| count).sum()
    }
}

/// Returns an answer's status and code.
pub(super) fn label(answer: &Answer) -> String {
    match answer.body["code"].as_str() {
        Some(code) => format!("{} {code}", answer.status),
        None => answer.status.to_string(),
    }
}

/// Returns the code of a command's outcome on a WebSocket, and 200 for success.
pub(super) fn label_of_outcome(outcome: &Outcome) -> String {
    match outcome {
        Ok(_) => "200".into(),
        Err(error) => error["code"].as_str().unwrap_or_default().into(),
    }
}

/// Repeats a request at most this often a second until the attack ends. Counts the answers.
pub(super) async fn repeat(
    end: Instant,
    a_second: u32,
    mut request: impl AsyncFnMut(u64) -> Result<String>,
) -> Result<Tally> {
    let mut ticks = interval(Duration::from_secs(1) / a_second);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut answers = Tally::default();
    let mut number = 0;
    loop {
        ticks.tick().await;
        if Instant::now() >= end {
            return Ok(answers);
        }
        let answer = request(number).await?;
        answers.add(&answer, 1);
        number += 1;
    }
}

/// Returns the most tokens that a bucket has granted since `begun`.
pub(super) fn tokens(a_second: u32, at_once: u64, begun: Instant) -> u64 {
    let refilled = begun.elapsed() * a_second;
    at_once + refilled.as_secs() + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_below_300_are_granted() {
        let mut answers = Tally::default();
        answers.add("201", 2);
        answers.add("429 rate_limited", 3);
        let answers = answers.clone().merge(answers);
        assert_eq!((answers.granted(), answers.total(), answers.with("429")), (4, 10, 6));
    }

    #[test]
    fn goal_is_missed_without_an_attempt_and_below_95_percent() {
        let share = |succeeded, tried| Share { succeeded, tried };
        assert!(!share(0, 0).is_goal_met() && !share(94, 100).is_goal_met());
        assert!(share(95, 100).is_goal_met());
    }

    #[test]
    fn attacker_that_gets_more_or_nothing_breaks_a_promise() {
        for (granted, broken) in [(0, 1), (1, 0), (5, 0), (6, 1)] {
            let mut got = Got::default();
            got.answers.add("201", granted);
            got.check_granted(5);
            assert_eq!(got.broken.len(), broken, "{granted}");
        }
    }
}
