//! Waits for a condition with a deadline instead of sleeping.
//!
//! Deadlines are long: they end tests that would never end, and do not measure anything.

use std::{future::Future, time::Duration};

use anyhow::{Context, Result, bail};
use tokio::time::{Instant, sleep, timeout};

/// For what happens at once on an idle machine.
pub const SOON: Duration = Duration::from_secs(60);
/// For what has a documented delay, such as the end of a lease.
pub const LATER: Duration = Duration::from_secs(120);
/// For a scenario of many calls.
pub const WHOLE: Duration = Duration::from_secs(600);

/// The pause of [`eventually`] between two attempts.
const PAUSE: Duration = Duration::from_millis(10);

/// Calls `condition` until it returns a value. Returns its last error at the deadline.
pub async fn eventually<T>(
    deadline: Duration,
    mut condition: impl AsyncFnMut() -> Result<T>,
) -> Result<T> {
    let end = Instant::now() + deadline;
    loop {
        match condition().await {
            Ok(value) => return Ok(value),
            Err(error) if Instant::now() >= end => {
                return Err(error).with_context(|| format!("not fulfilled after {deadline:?}"));
            }
            Err(_) => sleep(PAUSE).await,
        }
    }
}

/// Returns the value of `future`. The error at the deadline names what was waited for.
pub async fn within<T>(
    deadline: Duration,
    what: &str,
    future: impl Future<Output = T>,
) -> Result<T> {
    match timeout(deadline, future).await {
        Ok(value) => Ok(value),
        Err(_) => bail!("{what}: nothing after {deadline:?}"),
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use anyhow::ensure;

    use super::*;

    #[tokio::test]
    async fn eventually_retries_until_the_condition_holds() -> Result<()> {
        let calls = Cell::new(0);
        let condition = async || {
            calls.set(calls.get() + 1);
            ensure!(calls.get() >= 3, "not yet");
            Ok(calls.get())
        };
        assert_eq!(eventually(SOON, condition).await?, 3);
        Ok(())
    }

    #[tokio::test]
    async fn eventually_returns_the_last_error_at_the_deadline() {
        let refused: Result<()> = eventually(Duration::ZERO, async || bail!("the reason")).await;
        assert!(refused.is_err_and(|error| format!("{error:#}").contains("the reason")));
    }
}
