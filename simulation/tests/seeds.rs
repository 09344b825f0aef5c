//! No seed breaks a promise, and a seed repeats its history.

use std::{ops::Range, thread};

use simulation::{plan::Plan, run::run};

const OPERATIONS: u64 = 500;
const SEEDS: u64 = 300;
const EMBEDDED_SEEDS: u64 = 40;

/// Draws the plan of a seed with this many operations.
type Draw = fn(u64, u64) -> Plan;

/// Runs seeds, and returns a line for each one that breaks a promise.
fn failures(seeds: Range<u64>, draw: Draw, flag: &str) -> Vec<String> {
    let failure = |seed| match run(draw(seed, OPERATIONS)) {
        Ok(outcome) => {
            let finding = outcome.findings.first()?;
            Some(format!("cargo xtask simulate --seed {seed} --ops {OPERATIONS}{flag}: {finding}"))
        }
        Err(error) => Some(format!("seed {seed}{flag}: {error:#}")),
    };
    seeds.filter_map(failure).collect()
}

/// Runs the first seeds on all processors.
fn check(count: u64, draw: Draw, flag: &str) {
    let threads = thread::available_parallelism().map_or(1, usize::from) as u64;
    let share = count.div_ceil(threads);
    let failures: Vec<String> = thread::scope(|scope| {
        let shares = (0..threads).map(|nth| nth * share..count.min((nth + 1) * share));
        let running: Vec<_> =
            shares.map(|seeds| scope.spawn(move || failures(seeds, draw, flag))).collect();
        let panicked = |_| vec!["a run panicked".to_owned()];
        running.into_iter().flat_map(|share| share.join().unwrap_or_else(panicked)).collect()
    });
    assert!(failures.is_empty(), "{} of {count} failed:\n{}", failures.len(), failures.join("\n"));
}

#[test]
fn no_seed_breaks_a_promise() {
    check(SEEDS, Plan::new, "");
}

#[test]
fn no_seed_breaks_a_promise_on_the_embedded_store() {
    check(EMBEDDED_SEEDS, Plan::embedded, " --embedded");
}

#[test]
fn same_seed_makes_the_same_history() {
    for draw in [Plan::new as Draw, Plan::embedded] {
        for seed in 0..12 {
            let history = || format!("{:?}", run(draw(seed, OPERATIONS)).unwrap().history);
            assert!(history() == history(), "seed {seed} made two histories");
        }
    }
}
