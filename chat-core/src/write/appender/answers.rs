//! The answers to writes that make no entry, or whose entry stands already.

use std::{cmp::Reverse, slice};

use futures_util::future::join_all;

use super::Appender;
use crate::{
    error::ChatError,
    model::{Consent, Entry},
    write::{
        Outcome, Waiting, WriteResult,
        plan::{Plan, Verdict, repeated},
        unknown::EarlierAppends,
    },
};

impl Appender {
    /// Answers the plan's writes whose entries are in the log already, and removes them from it. The
    /// gateway that has appended them may not have published them yet.
    pub(super) async fn answer_repeats(&self, plan: &mut Plan, mut standing: Vec<(usize, Entry)>) {
        let entries: Vec<Entry> = standing.iter().map(|(_, entry)| entry.clone()).collect();
        let projected = self.context.stores().conversations.project(&entries).await;
        self.feed.publish(&entries);
        standing.sort_unstable_by_key(|(index, _)| Reverse(*index));
        for (index, entry) in standing {
            if index >= plan.writers.len() {
                continue;
            }
            let waiting = plan.writers.remove(index);
            let result = repeated(&waiting.write, entry);
            waiting.answer(if projected.is_ok() { result } else { Err(ChatError::OutcomeUnknown) });
        }
    }

    /// Answers writes that made no entry, all at once. A write that would make no entry now may have
    /// made one before: then that entry is the answer, but not for somebody who is not a member.
    pub(super) async fn answer_without_entry(
        &self,
        verdicts: Vec<(Waiting, Verdict)>,
        earlier: &EarlierAppends,
    ) {
        let answers = verdicts.into_iter().map(|(waiting, verdict)| async {
            match self.result_without_entry(&waiting, verdict).await {
                Ok(outcome) => waiting.answer(Ok(outcome)),
                Err(error) => earlier.fail(waiting, error),
            }
        });
        join_all(answers).await;
    }

    async fn result_without_entry(&self, waiting: &Waiting, verdict: Verdict) -> WriteResult {
        let log = &self.context.stores().log;
        let is_outsider = matches!(verdict, Verdict::Refused(ChatError::NotFound("conversation")));
        if let Some(client_id) = &waiting.write.client_id
            && !is_outsider
        {
            let base = waiting.base.unwrap_or_default();
            let made = log.find(self.conversation, waiting.actor, client_id, base).await?;
            if let Some(entry) = made {
                self.feed.publish(slice::from_ref(&entry));
                return repeated(&waiting.write, entry);
            }
        }
        match verdict {
            Verdict::Unchanged => Ok(Outcome::Unchanged),
            Verdict::Hide(head) => {
                let hiding = Consent::hiding(head);
                self.context.agree(self.conversation, waiting.actor, hiding).await?;
                Ok(Outcome::Unchanged)
            }
            Verdict::Refused(refusal) => Err(refusal),
            Verdict::Stands(seq) => {
                let found = log.read(self.conversation, seq.previous(), seq, 1).await?;
                let entry = found.into_iter().next().ok_or(ChatError::Internal)?;
                self.feed.publish(slice::from_ref(&entry));
                Ok(Outcome::Entry { entry: Box::new(entry), replayed: true })
            }
        }
    }
}
