//! Reading what other gateways have appended.

use std::time::Duration;

use tokio::time::Instant;

use super::Appender;
use crate::{
    error::StoreError,
    log,
    model::{Entry, Head},
    write::state::State,
};

/// The pause before the store is asked again about an unknown outcome.
const UNKNOWN_PAUSE: Duration = Duration::from_millis(50);

impl Appender {
    /// Folds what the log has after the state's head, and passes it to the feed. Returns those
    /// entries. Asks the store for the log's head unless the caller knows it. A store that does not answer
    /// is asked again until `ask_until`.
    pub(super) async fn catch_up(
        &self,
        state: &mut State,
        head: Option<Head>,
        ask_until: Option<Instant>,
    ) -> Result<Vec<Entry>, StoreError> {
        let log = &*self.context.stores().log;
        let after = state.head.seq;
        let (head, entries) = loop {
            let read = async {
                let head = match head {
                    Some(head) => head,
                    None => log::head(log, self.conversation).await?,
                };
                let entries = log::read_all(log, self.conversation, after, head.seq).await?;
                Ok((head, entries))
            };
            match read.await {
                Ok(found) => break found,
                Err(_) if ask_until.is_some_and(|until| Instant::now() + UNKNOWN_PAUSE < until) => {
                    tokio::time::sleep(UNKNOWN_PAUSE).await;
                }
                Err(error) => return Err(error),
            }
        };
        if !entries.is_empty() {
            self.queue.lock().turns.meet_others();
        }
        for entry in &entries {
            state.fold(entry, head);
        }
        state.head = head;
        self.context.unindexed.note(self.conversation);
        self.feed.receive_stored(&entries);
        Ok(entries)
    }
}
