//! Outcomes of attacks, their goals, and the table.

use std::time::Duration;

use serde_json::{Value, json};

use super::{
    Scenario,
    load::{Got, Share, Tally},
    others::Latency,
};

const MIB: u64 = 1 << 20;
/// By how much an attack may raise the resident memory: the documented budget.
const BUDGET: u64 = 256 * MIB;
/// By how much memory at rest may exceed the baseline if 10 % of it is less.
const REST_MARGIN: u64 = 16 * MIB;
/// The goal for the sends of others.
const P99_MAX: Duration = Duration::from_millis(100);

/// Resident bytes.
#[derive(Debug, Clone, Copy)]
pub struct Memory {
    /// Before the attack.
    pub before: u64,
    /// The most during the attack.
    pub peak: u64,
    /// Some time after the attack.
    pub rested: u64,
}

/// What an attack has led to.
#[derive(Debug)]
pub struct Outcome {
    /// The attack.
    pub scenario: Scenario,
    /// What the attacker was answered.
    pub answers: Tally,
    /// Log-ins or refreshes of honest users during the attack.
    pub honest: Option<Share>,
    /// Log-ins from new addresses during the attack.
    pub newcomers: Option<Share>,
    /// Sends of other users before the attack.
    pub before: Latency,
    /// Sends of other users during the attack.
    pub during: Latency,
    /// The gateway's memory.
    pub memory: Memory,
    /// Promises that do not depend on the machine's speed, and were broken.
    pub broken: Vec<String>,
}

impl Outcome {
    pub(super) fn new(
        scenario: Scenario,
        got: Got,
        before: Latency,
        during: Latency,
        memory: Memory,
    ) -> Self {
        let Got { answers, honest, newcomers, broken } = got;
        Self { scenario, answers, honest, newcomers, before, during, memory, broken }
    }

    /// Returns by how many bytes the attack raised the resident memory.
    pub const fn grown_bytes(&self) -> u64 {
        self.memory.peak.saturating_sub(self.memory.before)
    }

    /// Returns the goals that were missed, broken promises included.
    pub fn missed(&self) -> Vec<String> {
        let Memory { before, rested, .. } = self.memory;
        let is_back = rested <= before + REST_MARGIN.max(before / 10);
        let goals = [
            (self.grown_bytes() <= BUDGET, "peak above the budget"),
            (is_back, "memory at rest"),
            (self.during.p99 <= P99_MAX, "p99 of others"),
            (self.honest.is_none_or(Share::is_goal_met), "log-ins of honest users"),
            (self.newcomers.is_none_or(Share::is_goal_met), "log-ins from new addresses"),
        ];
        let missed = goals.into_iter().filter(|(is_met, _)| !is_met);
        let missed = missed.map(|(_, goal)| goal.to_owned());
        self.broken.iter().cloned().chain(missed).collect()
    }

    /// Returns the outcome as JSON.
    pub fn json(&self) -> Value {
        let share = |share: Share| json!({"succeeded": share.succeeded, "tried": share.tried});
        let latency = |latency: Latency| {
            let millis = |time: Duration| time.as_secs_f64() * 1_000.0;
            json!({"p50_ms": millis(latency.p50), "p99_ms": millis(latency.p99),
                "sends": latency.sends})
        };
        let Memory { before, peak, rested } = self.memory;
        json!({
            "attack": self.scenario.name(),
            "answers": self.answers.0,
            "honest": self.honest.map(share),
            "newcomers": self.newcomers.map(share),
            "others_before": latency(self.before),
            "others_during": latency(self.during),
            "memory": {"before_bytes": before, "peak_bytes": peak, "rested_bytes": rested},
            "missed": self.missed(),
        })
    }

    fn line(&self) -> String {
        let answers = self.answers.0.iter().map(|(answer, count)| format!("{count} × {answer}"));
        let share = |name: &str, share: Option<Share>| {
            share.map(|Share { succeeded, tried }| format!("{name} {succeeded} of {tried}"))
        };
        let honest = share("honest", self.honest).into_iter();
        let newcomers = share("new addresses", self.newcomers);
        let got = answers.chain(honest).chain(newcomers).collect::<Vec<_>>().join(", ");
        let Memory { before, peak, rested } = self.memory;
        let missed = self.missed();
        let verdict = if missed.is_empty() { "pass".into() } else { missed.join("; ") };
        format!(
            "| {} | {got} | {} | {} | {} | {} | {} | {verdict} |\n",
            self.scenario.name(),
            change(self.before.p50, self.during.p50),
            change(self.before.p99, self.during.p99),
            before / MIB,
            peak / MIB,
            rested / MIB,
        )
    }
}

fn change(before: Duration, during: Duration) -> String {
    let millis = |time: Duration| format!("{:.1}", time.as_secs_f64() * 1_000.0);
    format!("{} → {}", millis(before), millis(during))
}

/// Returns the table of all outcomes.
pub fn table(outcomes: &[Outcome]) -> String {
    let head = "| attack | answers | others' p50 ms | others' p99 ms | before MiB | peak MiB | \
                at rest MiB | goals |\n|---|---|---|---|---:|---:|---:|---|\n";
    outcomes.iter().fold(head.to_owned(), |table, outcome| table + &outcome.line())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(memory: Memory, p99: Duration, honest: Share) -> Outcome {
        let latency = |p99| Latency { p50: Duration::from_millis(1), p99, sends: 100 };
        let got = Got { honest: Some(honest), ..Got::default() };
        Outcome::new(Scenario::Guesses, got, latency(p99), latency(p99), memory)
    }

    #[test]
    fn goals_are_met_at_their_bounds_and_missed_above() {
        let memory = |peak, rested| Memory { before: 100 * MIB, peak, rested };
        let share = |succeeded| Share { succeeded, tried: 100 };
        let good = outcome(memory(356 * MIB, 116 * MIB), P99_MAX, share(95));
        assert_eq!(good.missed(), [""; 0]);
        let late = P99_MAX + Duration::from_micros(1);
        let bad = outcome(memory(356 * MIB + 1, 116 * MIB + 1), late, share(94));
        assert_eq!(bad.missed().len(), 4, "{:?}", bad.missed());
    }
}
