//! The simulation finds each planted defect within twenty seeds.
#![cfg(feature = "planted-bugs")]

use std::thread;

use chat_core::planted::{Bug, plant};
use simulation::{plan::Plan, run::run};

const OPERATIONS: u64 = 500;
const SEEDS: u64 = 20;

/// Returns the first seed that finds the defect, and the violation.
fn found(bug: Bug) -> Option<(u64, &'static str)> {
    plant(Some(bug));
    let found = (0..SEEDS).find_map(|seed| {
        let findings = run(Plan::new(seed, OPERATIONS)).unwrap().findings;
        Some((seed, findings.first()?.violation.name()))
    });
    plant(None);
    found
}

#[test]
#[expect(clippy::print_stdout, reason = "the table in docs/reliability.md")]
fn every_planted_bug_is_found_within_twenty_seeds() {
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let results: Vec<_> = thread::scope(|scope| {
        let share = Bug::ALL.len().div_ceil(threads);
        let search = |bugs: &'static [Bug]| bugs.iter().map(|bug| (*bug, found(*bug))).collect();
        let running: Vec<_> =
            Bug::ALL.chunks(share).map(|bugs| scope.spawn(move || search(bugs))).collect();
        running.into_iter().flat_map(|share| -> Vec<_> { share.join().unwrap() }).collect()
    });
    for (bug, found) in &results {
        if let Some((seed, violation)) = found {
            println!("| {} | {seed} | {violation} |", bug.name());
        }
    }
    let missed: Vec<_> = results.iter().filter(|(_, found)| found.is_none()).collect();
    assert!(missed.is_empty(), "not found: {missed:?}");
}
