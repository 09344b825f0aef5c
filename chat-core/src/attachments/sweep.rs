//! The job that removes files which are not needed any more: uploads that nobody completed or sent
//! in time, and files of redacted messages.
//!
//! Each round is safe to repeat and to skip. A file is removed in three steps (its record says that it
//! is ending, its bytes go, its record goes), and the next round continues after any of them.

use std::{sync::Arc, time::Duration};

use metrics::counter;
use tokio::time::{Instant, MissedTickBehavior, interval};

use super::Attachments;
use crate::{
    error::ChatError,
    model::{Progress, Upload},
    port::Due,
    time::Timestamp,
};

/// The interval between two rounds.
const EVERY: Duration = Duration::from_secs(10);
/// How far back a round looks.
const RECENT: Duration = Duration::from_secs(2 * 3600);
/// How far back the first round looks, and one each hour, in case no gateway was running.
const ALL: Duration = Duration::from_secs(30 * 24 * 3600);
/// The interval between two of those.
const ALL_EVERY: Duration = Duration::from_secs(3600);
/// How many files one round looks at.
const ROUND_MAX: usize = 256;
/// The age from which a time that its record does not have is forgotten. A younger one may belong to a
/// change in progress.
const STALE_AFTER: Duration = Duration::from_secs(600);

/// Removes files again and again.
pub(super) async fn run(attachments: Arc<Attachments>) {
    let mut ticks = interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut looked_far_at: Option<Instant> = None;
    loop {
        let now = ticks.tick().await;
        let looks_far = looked_far_at.is_none_or(|at| now.duration_since(at) >= ALL_EVERY);
        match attachments.sweep(if looks_far { ALL } else { RECENT }).await {
            Ok(()) if looks_far => looked_far_at = Some(now),
            Ok(()) => {}
            Err(error) => tracing::warn!(%error, "files were not swept"),
        }
    }
}

impl Attachments {
    async fn sweep(&self, back: Duration) -> Result<(), ChatError> {
        let now = self.clock.now();
        let mut failure = Ok(());
        for due in self.stores.uploads.due(now.before(back), now, ROUND_MAX).await? {
            // One file whose conversation or storage does not answer must not keep the others.
            if let Err(error) = self.tidy(due, now).await {
                failure = Err(error);
            }
        }
        failure
    }

    async fn tidy(&self, due: Due, now: Timestamp) -> Result<(), ChatError> {
        let stored = self.stores.uploads.get(due.id).await?;
        let Some(upload) = stored.filter(|upload| upload.due_at.is_some_and(|at| at <= now)) else {
            if due.at.after(STALE_AFTER) < now {
                self.stores.uploads.forget_due(due).await?;
            }
            return Ok(());
        };
        if self.is_needed(&upload).await? {
            return Ok(());
        }
        let ending = match upload.progress {
            Progress::Ending => upload,
            Progress::Receiving(_) | Progress::Received { .. } | Progress::Finished { .. } => {
                let ending = upload.ending(now);
                if !self.stores.uploads.replace(&upload, &ending).await? {
                    return Ok(());
                }
                ending
            }
        };
        self.remove(&ending).await?;
        counter!("confab_attachments_removed_total").increment(1);
        Ok(())
    }

    /// Returns true if a message shows the file. Then no later round looks at it.
    async fn is_needed(&self, upload: &Upload) -> Result<bool, ChatError> {
        let Some(seq) = self.message_of(upload).await? else { return Ok(false) };
        if self.is_redacted(upload.conversation, seq).await? {
            return Ok(false);
        }
        self.stores.uploads.replace(upload, &upload.shown(seq)).await?;
        Ok(true)
    }
}
