//! A progress bar on a terminal. Nothing is displayed elsewhere.

use std::time::Duration;

use anyhow::Result;
use indicatif::{ProgressBar, ProgressStyle};

/// Displays how many runs are done and what happens now.
#[derive(Debug)]
pub(crate) struct Progress {
    bar: ProgressBar,
}

impl Progress {
    /// Starts a bar for this many runs. The library hides it if standard error is no terminal.
    pub(crate) fn new(runs: usize) -> Result<Self> {
        let bar = ProgressBar::new(u64::try_from(runs)?);
        bar.set_style(ProgressStyle::with_template("{bar:20} {pos}/{len} {elapsed} {msg}")?);
        bar.enable_steady_tick(Duration::from_millis(500));
        Ok(Self { bar })
    }

    /// Displays what happens now.
    pub(crate) fn phase(&self, what: &str) {
        self.bar.set_message(what.to_owned());
    }

    /// Counts a finished run.
    pub(crate) fn step(&self) {
        self.bar.inc(1);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
