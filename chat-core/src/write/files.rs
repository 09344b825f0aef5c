//! The files of messages: read before the decision, taken before the append, recorded after it.
//!
//! A record says that a command has begun to send its file before the message is in the log. So a file
//! is in one message only, and a crash at any moment leaves a record that shows where to look.

use futures_util::future::try_join_all;

use super::{Change, Waiting, plan::Plan};
use crate::{
    context::Context,
    error::{ChatError, StoreError},
    id::AttachmentId,
    limits::COMMAND_DEADLINE,
    model::{AttachmentList, Body, Seq, Upload},
    port::{Stores, Uploads},
    time::Timestamp,
};

/// When a job looks at the files of a message that is being redacted, if this gateway does not say
/// that the redaction is in the log. Later than any attempt at it can be appended.
const REDACTED_LOOK: std::time::Duration = COMMAND_DEADLINE.saturating_mul(30);
/// How often one change of a record is attempted while others change it.
const ATTEMPTS_MAX: usize = 4;

/// Reads the records of the files that these writes send.
pub(super) async fn load_files(stores: &Stores, writes: &mut [Waiting]) -> Result<(), StoreError> {
    for waiting in writes {
        if let Change::Text { attachments, .. } = &waiting.write.change
            && !attachments.is_empty()
        {
            let reads = attachments.iter().map(|id| stores.uploads.get(*id));
            waiting.files = try_join_all(reads).await?.into_iter().flatten().collect();
        }
    }
    Ok(())
}

/// Returns what the message says about its files. Fails unless each is a complete file of the sender
/// for this conversation that no other command has begun to send.
pub(super) fn attachments_of(waiting: &Waiting) -> Result<AttachmentList, ChatError> {
    let Change::Text { attachments, .. } = &waiting.write.change else {
        return Ok(AttachmentList::default());
    };
    let found = attachments.iter().map(|id| {
        let upload = waiting.files.iter().find(|upload| upload.id == *id);
        let own = upload.filter(|upload| {
            let place = (upload.owner, upload.conversation);
            place == (waiting.actor, waiting.write.conversation)
        });
        let upload = own.ok_or_else(|| ChatError::invalid("attachments", "no such attachment"))?;
        let client_id = waiting.write.client_id.as_ref();
        if upload.finished().is_none() {
            Err(ChatError::Conflict("an attachment is not complete"))
        } else if client_id.is_some_and(|client_id| upload.may_be_sent_by(client_id)) {
            Ok(upload.attachment())
        } else {
            Err(ChatError::Conflict("another message has an attachment"))
        }
    });
    found.collect()
}

/// Records that the plan's writes have begun to send their files. Returns false if a record has
/// changed since it was read.
pub(super) async fn take_files(context: &Context, plan: &mut Plan) -> Result<bool, StoreError> {
    let uploads = &context.stores().uploads;
    let (base, now) = (plan.before.head.seq, context.ports.wall_clock.now());
    for waiting in &mut plan.writers {
        let Some(client_id) = &waiting.write.client_id else { continue };
        for upload in &mut waiting.files {
            let Some(sending) = upload.sending(client_id, base, now) else { continue };
            if !uploads.replace(upload, &sending).await? {
                return Ok(false);
            }
            *upload = sending;
        }
    }
    Ok(true)
}

/// Records that a job must look at the files of the messages which the plan redacts.
pub(super) async fn watch_redacted(context: &Context, plan: &Plan) -> Result<(), StoreError> {
    let at = context.ports.wall_clock.now().after(REDACTED_LOOK);
    for (seq, ids) in redacted_files(plan, &plan.before) {
        for id in ids {
            set_due(&*context.stores().uploads, id, seq, at).await?;
        }
    }
    Ok(())
}

/// What follows for files once the plan's entries are in the log.
#[derive(Debug, Default)]
pub(super) struct FilesAfter {
    shown: Vec<(Upload, Seq)>,
    redacted: Vec<(Seq, Vec<AttachmentId>)>,
}

impl FilesAfter {
    /// Collects what follows from this plan.
    pub(super) fn of(plan: &Plan) -> Self {
        let sent = plan.writers.iter().zip(&plan.entries);
        let shown = sent.flat_map(|(waiting, entry)| {
            waiting.files.iter().map(|upload| (upload.clone(), entry.seq))
        });
        Self { shown: shown.collect(), redacted: redacted_files(plan, &plan.after).collect() }
    }

    /// Records what follows. What fails is found later, when a user reads the file, or by the job.
    pub(super) async fn record(self, uploads: &dyn Uploads, now: Timestamp) {
        if let Err(error) = self.try_record(uploads, now).await {
            tracing::debug!(%error, "the use of a file is recorded later");
        }
    }

    async fn try_record(self, uploads: &dyn Uploads, now: Timestamp) -> Result<(), StoreError> {
        for (upload, seq) in &self.shown {
            uploads.replace(upload, &upload.shown(*seq)).await?;
        }
        for (seq, ids) in self.redacted {
            for id in ids {
                set_due(uploads, id, seq, now).await?;
            }
        }
        Ok(())
    }
}

/// Returns the files of each message that the plan redacts, as far as this state knows the message.
fn redacted_files<'a>(
    plan: &'a Plan,
    state: &'a super::state::State,
) -> impl Iterator<Item = (Seq, Vec<AttachmentId>)> + 'a {
    plan.entries.iter().filter_map(|entry| {
        let Body::Redacted { target_seq } = entry.body else { return None };
        let attachments = &state.target(target_seq)??.attachments;
        let ids: Vec<_> = attachments.iter().map(|one| one.id).collect();
        (!ids.is_empty()).then_some((target_seq, ids))
    })
}

/// Has a job look at a file of the message at this seq.
async fn set_due(
    uploads: &dyn Uploads,
    id: AttachmentId,
    seq: Seq,
    at: Timestamp,
) -> Result<(), StoreError> {
    for _ in 0..ATTEMPTS_MAX {
        let Some(upload) = uploads.get(id).await? else { return Ok(()) };
        if upload.finished().is_none() {
            return Ok(());
        }
        if uploads.replace(&upload, &upload.shown(seq).due(Some(at))).await? {
            return Ok(());
        }
    }
    Err(StoreError::Unavailable("others keep changing the record of a file".to_owned()))
}
