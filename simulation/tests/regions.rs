//! Two regions and a witness keep their promises, and every planted mistake is found.
#![expect(clippy::unwrap_used, reason = "a failed test may panic")]

use std::{ops::Range, thread, time::Duration};

use simulation::regions::{
    replica::Mistake,
    run::{Counts, run},
    waits::waits,
};

/// Texts of each client.
const TEXTS: u64 = 40;
const SEEDS: u64 = 100;
/// Within these, every mistake is found.
const SEEDS_OF_MISTAKES: u64 = 40;

/// Runs seeds, and returns what happened, with a line for each seed that breaks a promise.
fn run_all(seeds: Range<u64>) -> (Vec<Counts>, Vec<String>) {
    let (mut all, mut failures) = (Vec::new(), Vec::new());
    for seed in seeds {
        let (counts, violations) = run(seed, TEXTS, None).unwrap();
        all.push(counts);
        if !violations.is_empty() {
            failures.push(format!("seed {seed}: {violations:?}"));
        }
    }
    (all, failures)
}

#[test]
#[expect(clippy::print_stdout, reason = "the counts in docs/two-regions.md")]
fn no_seed_loses_repeats_or_reorders_a_text() {
    let threads = thread::available_parallelism().map_or(1, usize::from) as u64;
    let share = SEEDS.div_ceil(threads);
    let (mut all, mut failures) = (Vec::new(), Vec::new());
    thread::scope(|scope| {
        let shares = (0..threads).map(|nth| nth * share..SEEDS.min((nth + 1) * share));
        let running: Vec<_> = shares.map(|seeds| scope.spawn(|| run_all(seeds))).collect();
        for one in running {
            let (counts, failed) = one.join().unwrap();
            all.extend(counts);
            failures.extend(failed);
        }
    });
    let total = |count: fn(&Counts) -> u64| all.iter().map(count).sum::<u64>();
    let longest = all.iter().map(|counts| counts.longest).max().unwrap_or_default();
    println!(
        "{SEEDS} seeds: {} texts, {} unknown outcomes, {} lost places ({} with their data), {} cuts, \
         {} moves, {} epochs, {} reads, longest {longest:?}",
        total(|counts| counts.sends),
        total(|counts| counts.unknown),
        total(|counts| counts.losses),
        total(|counts| counts.erasures),
        total(|counts| counts.cuts),
        total(|counts| counts.moves),
        total(|counts| counts.takeovers),
        total(|counts| counts.reads),
    );
    assert!(failures.is_empty(), "{} of {SEEDS} failed:\n{}", failures.len(), failures.join("\n"));
    assert!(total(|counts| counts.losses) > SEEDS, "too few places were lost");
    assert!(total(|counts| counts.erasures) > 0, "no place lost its data");
    assert!(total(|counts| counts.takeovers) > SEEDS, "the home hardly ever moved");
}

#[test]
#[expect(clippy::print_stdout, reason = "the table in docs/two-regions.md")]
fn every_mistake_is_found() {
    let find = |mistake: Mistake| {
        (0..SEEDS_OF_MISTAKES).find_map(|seed| {
            let (_, violations) = run(seed, TEXTS, Some(mistake)).unwrap();
            (!violations.is_empty()).then(|| format!("| {mistake:?} | {seed} | {violations:?} |"))
        })
    };
    let mut missed = Vec::new();
    for mistake in Mistake::ALL {
        match find(mistake) {
            Some(row) => println!("{row}"),
            None => missed.push(mistake),
        }
    }
    assert!(missed.is_empty(), "not found: {missed:?}");
}

#[test]
fn same_seed_makes_the_same_history() {
    for seed in 0..10 {
        assert_eq!(run(seed, TEXTS, None).unwrap(), run(seed, TEXTS, None).unwrap(), "{seed}");
    }
}

#[test]
#[expect(clippy::print_stdout, reason = "the table in docs/two-regions.md")]
fn lost_region_costs_a_takeover_and_nothing_afterwards() {
    let waits = waits().unwrap();
    for (what, wait) in &waits {
        println!("| {what} | {} ms |", wait.as_millis());
    }
    let of = |name: &str| waits.iter().find(|(what, _)| *what == name).unwrap().1;
    // One round trip to the witness, 16 ms, and one within the region.
    assert_eq!(of("a send in the home region"), Duration::from_millis(18));
    assert_eq!(of("a send in the home region, with the link cut"), Duration::from_millis(18));
    // Without the witness, one round trip to the other region.
    assert_eq!(of("a send in the home region, without the witness"), Duration::from_millis(72));
    assert_eq!(of("a further send in the other region"), Duration::from_millis(72));
    assert!(of("the first send after the home region is lost") < Duration::from_secs(8));
    assert!(of("the next send there") < Duration::from_millis(100));
    assert!(of("the first send in the lost region after its return") < Duration::from_secs(1));
}
