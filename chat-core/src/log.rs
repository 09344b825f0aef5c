//! Appending to a log and reading from it, on top of the port.

use metrics::{Counter, Histogram, counter, histogram};
use tokio::time::Instant;

use crate::{
    error::StoreError,
    id::ConversationId,
    model::{Entry, Head, Seq},
    port::{Append, Appended, Log},
};

/// Entries read at once.
const READ_PAGE: usize = 500;

/// Handles of the metrics of an append that succeeds. Looking them up by name for each append costs
/// more than counting.
#[derive(Debug)]
pub(crate) struct AppendMetrics {
    done: Counter,
    entries: Counter,
    seconds: Histogram,
}

impl AppendMetrics {
    /// Takes the handles. The recorder must be installed before.
    pub(crate) fn new() -> Self {
        Self {
            done: counter!("confab_appends_total", "outcome" => "done"),
            entries: counter!("confab_append_entries_total"),
            seconds: histogram!("confab_append_seconds"),
        }
    }
}

/// Appends to a log, and counts the outcome, the entries and the time taken.
pub(crate) async fn append(
    log: &dyn Log,
    append: Append<'_>,
    metrics: &AppendMetrics,
) -> Result<Appended, StoreError> {
    let started = Instant::now();
    let result = log.append(append).await;
    metrics.seconds.record(started.elapsed());
    let outcome = match &result {
        Ok(Appended::Done) => {
            metrics.done.increment(1);
            metrics.entries.increment(append.entries.len() as u64);
            return result;
        }
        Ok(Appended::Moved { .. }) => "moved",
        Ok(Appended::Duplicate { .. }) => "duplicate",
        Err(StoreError::Unavailable(_)) => "unavailable",
        Err(StoreError::Unknown(_)) => "unknown",
        Err(StoreError::Corrupt(_)) => "corrupt",
    };
    counter!("confab_appends_total", "outcome" => outcome).increment(1);
    result
}

/// Returns the head of one log.
pub(crate) async fn head(log: &dyn Log, conversation: ConversationId) -> Result<Head, StoreError> {
    let heads = log.heads(&[conversation]).await?;
    Ok(heads.first().copied().unwrap_or_default())
}

/// Returns the entries of `(after, to]`, read page by page. Returns fewer if the log ends earlier.
pub(crate) async fn read_all(
    log: &dyn Log,
    conversation: ConversationId,
    after: Seq,
    to: Seq,
) -> Result<Vec<Entry>, StoreError> {
    let mut entries: Vec<Entry> = Vec::new();
    loop {
        let from = entries.last().map_or(after, |entry| entry.seq);
        if from >= to {
            return Ok(entries);
        }
        let page = log.read(conversation, from, to, READ_PAGE).await?;
        if page.is_empty() {
            return Ok(entries);
        }
        entries.extend(page);
    }
}
