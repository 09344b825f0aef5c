//! Waiting with a deadline instead of sleeping.
//!
//! Deadlines are long, because they only end what would never happen: nothing here measures.

use std::{future::Future, time::Duration};

use anyhow::{Context, Result, bail};
use tokio::time::{Instant, sleep, timeout};

/// For what happens at once on a machine that has nothing else to do.
pub const SOON: Duration = Duration::from_secs(20);
/// For what has a documented delay of its own, such as a lease that runs out.
pub const LATER: Duration = Duration::from_secs(60);
/// For a scenario of many calls.
pub const WHOLE: Duration = Duration::from_secs(300);

/// How long [`eventually`] rests between two looks.
const REST: Duration = Duration::from_millis(10);

/// Looks again until `condition` gives a value; its last refusal is the error at the deadline.
pub async fn eventually<T>(
    deadline: Duration,
    mut condition: impl AsyncFnMut() -> Result<T>,
) -> Result<T> {
    let end = Instant::now() + deadline;
    loop {
        match condition().await {
            Ok(value) => return Ok(value),
            Err(refusal) if Instant::now() >= end => {
                return Err(refusal).with_context(|| format!("not so after {deadline:?}"));
            }
            Err(_) => sleep(REST).await,
        }
    }
}

/// The value of `future`, or an error that names what was waited for.
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
    async fn eventually_looks_until_it_is_so() -> Result<()> {
        let looks = Cell::new(0);
        let look = async || {
            looks.set(looks.get() + 1);
            ensure!(looks.get() >= 3, "not yet");
            Ok(looks.get())
        };
        assert_eq!(eventually(SOON, look).await?, 3);
        Ok(())
    }

    #[tokio::test]
    async fn eventually_tells_the_last_refusal() {
        let refused: Result<()> = eventually(Duration::ZERO, async || bail!("the reason")).await;
        assert!(refused.is_err_and(|error| format!("{error:#}").contains("the reason")));
    }
}
