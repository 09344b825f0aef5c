//! Bounds on what a parser allocates.

use std::alloc::System;

use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Runs a parser. Panics if it allocates more than `bytes_max` in total.
///
/// Counts all threads, so only one may run.
pub(crate) fn bounded<T>(bytes_max: usize, parse: impl FnOnce() -> T) -> T {
    let region = Region::new(ALLOCATOR);
    let parsed = parse();
    let allocated = region.change().bytes_allocated;
    assert!(allocated <= bytes_max, "{allocated} bytes allocated, at most {bytes_max} expected");
    parsed
}
