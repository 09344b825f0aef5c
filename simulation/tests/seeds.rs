//! No seed breaks a promise, and a seed repeats its history.

use std::{ops::Range, thread};

use simulation::{plan::Plan, run::run};

const OPERATIONS: u64 = 500;
const SEEDS: u64 = 300;

/// Runs seeds, and returns a line for each one that breaks a promise.
fn failures(seeds: Range<u64>) -> Vec<String> {
    let failure = |seed| match run(Plan::new(seed, OPERATIONS)) {
        Ok(outcome) => {
            let finding = outcome.findings.first()?;
            Some(format!("cargo xtask simulate --seed {seed} --ops {OPERATIONS}: {finding}"))
        }
        Err(error) => Some(format!("seed {seed}: {error:#}")),
    };
    seeds.filter_map(failure).collect()
}

#[test]
fn no_seed_breaks_a_promise() {
    let threads = thread::available_parallelism().map_or(1, usize::from) as u64;
    let share = SEEDS.div_ceil(threads);
    let failures: Vec<String> = thread::scope(|scope| {
        let shares = (0..threads).map(|nth| nth * share..SEEDS.min((nth + 1) * share));
        let running: Vec<_> = shares.map(|seeds| scope.spawn(|| failures(seeds))).collect();
        running.into_iter().flat_map(|share| share.join().unwrap()).collect()
    });
    assert!(failures.is_empty(), "{} of {SEEDS} failed:\n{}", failures.len(), failures.join("\n"));
}

#[test]
fn same_seed_makes_the_same_history() {
    for seed in 0..12 {
        let history = || format!("{:?}", run(Plan::new(seed, OPERATIONS)).unwrap().history);
        assert!(history() == history(), "seed {seed} made two histories");
    }
}
