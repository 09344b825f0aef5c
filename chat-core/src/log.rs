//! Appending to a log and reading from it, on top of the port.

use metrics::{counter, histogram};
use tokio::time::Instant;

use crate::{
    error::StoreError,
    id::ConversationId,
    model::{Entry, Seq},
    port::{Append, Appended, Log},
};

/// Entries read at once.
const READ_PAGE: usize = 500;

/// Appends to a log, and counts the outcome, the entries and the time taken.
pub(crate) async fn append(log: &dyn Log, append: Append<'_>) -> Result<Appended, StoreError> {
    let started = Instant::now();
    let result = log.append(append).await;
    let outcome = match &result {
        Ok(Appended::Done) => "done",
        Ok(Appended::Moved { .. }) => "moved",
        Ok(Appended::Duplicate { .. }) => "duplicate",
        Err(StoreError::Unavailable(_)) => "unavailable",
        Err(StoreError::Unknown(_)) => "unknown",
        Err(StoreError::Corrupt(_)) => "corrupt",
    };
    counter!("confab_appends_total", "outcome" => outcome).increment(1);
    if let Ok(Appended::Done) = result {
        counter!("confab_append_entries_total").increment(append.entries.len() as u64);
    }
    histogram!("confab_append_seconds").record(started.elapsed());
    result
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
