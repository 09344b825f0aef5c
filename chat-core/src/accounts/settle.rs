//! Steps that are asked again until their outcome is known.

use std::{future::Future, time::Duration};

use tokio::time::{Instant, sleep};

use crate::{error::StoreError, limits::COMMAND_DEADLINE};

const RETRY_WAIT: Duration = Duration::from_millis(20);

/// Does an idempotent step again while its outcome is unknown, for [`COMMAND_DEADLINE`]. Once an
/// outcome was unknown, a later "surely not done" speaks for the later attempt only.
pub(super) async fn settled<T, F>(mut step: impl FnMut() -> F) -> Result<T, StoreError>
where
    F: Future<Output = Result<T, StoreError>>,
{
    let deadline = Instant::now() + COMMAND_DEADLINE;
    let mut outcome = step().await;
    while let Err(StoreError::Unknown(detail)) = outcome {
        if Instant::now() >= deadline {
            return Err(StoreError::Unknown(detail));
        }
        sleep(RETRY_WAIT).await;
        outcome = match step().await {
            Err(StoreError::Unavailable(detail)) => Err(StoreError::Unknown(detail)),
            known => known,
        };
    }
    outcome
}
