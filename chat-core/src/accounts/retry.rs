//! Retries of idempotent writes whose outcome is unknown.

use std::{future::Future, time::Duration};

use tokio::time::{Instant, sleep};

use crate::{error::StoreError, limits::COMMAND_DEADLINE};

const RETRY_WAIT: Duration = Duration::from_millis(20);

/// Repeats an idempotent write while its outcome is unknown, for up to [`COMMAND_DEADLINE`].
///
/// Once an attempt ended unknown, a later `Unavailable` proves nothing about it, so the result
/// stays `Unknown`.
pub(super) async fn retry_while_unknown<T, F>(mut write: impl FnMut() -> F) -> Result<T, StoreError>
where
    F: Future<Output = Result<T, StoreError>>,
{
    let deadline = Instant::now() + COMMAND_DEADLINE;
    let mut outcome = write().await;
    while let Err(StoreError::Unknown(detail)) = outcome {
        if Instant::now() >= deadline {
            return Err(StoreError::Unknown(detail));
        }
        sleep(RETRY_WAIT).await;
        outcome = match write().await {
            Err(StoreError::Unavailable(detail)) => Err(StoreError::Unknown(detail)),
            other => other,
        };
    }
    outcome
}
