//! The append: checks the head and the idempotency rows, then stages the entries.

use chat_core::{
    error::StoreError,
    id::ConversationId,
    model::{Entry, Head, Seq},
    port::{Append, Appended},
};
use fjall::{UserKey, UserValue};

use super::{changes::Txn, keys, projected, spaces::Space, values};

/// An append whose entries are already encoded, which leaves less work to the committer.
pub(super) struct PreparedAppend {
    conversation: ConversationId,
    after: Seq,
    head: Head,
    rows: Vec<EntryRow>,
}

struct EntryRow {
    entry: Entry,
    value: UserValue,
    idempotency: Option<UserKey>,
}

impl PreparedAppend {
    /// Encodes the entries. Fails with `Corrupt` if they are not contiguous, which is a defect of the
    /// caller.
    pub(super) fn new(append: &Append<'_>) -> Result<Self, StoreError> {
        let mut seq = append.after;
        let mut rows = Vec::with_capacity(append.entries.len());
        for entry in append.entries {
            seq = seq.next();
            if entry.seq != seq || entry.conversation != append.conversation {
                return Err(StoreError::Corrupt(format!("append of entry {} at {seq}", entry.seq)));
            }
            let client_id = entry.client_id.as_ref();
            rows.push(EntryRow {
                entry: entry.clone(),
                value: values::encode(entry),
                idempotency: client_id
                    .map(|id| keys::idempotency(entry.conversation, entry.sender, id)),
            });
        }
        if rows.is_empty() || append.head.seq != seq {
            return Err(StoreError::Corrupt(format!(
                "append up to entry {seq} with a head at {}",
                append.head.seq
            )));
        }
        Ok(Self { conversation: append.conversation, after: append.after, head: append.head, rows })
    }

    /// Estimates how many bytes the append writes.
    pub(super) fn bytes(&self) -> usize {
        self.rows.iter().map(|row| row.value.len() + 128).sum()
    }

    /// Stages the entries and their projections, unless some of them are duplicates or the head has
    /// moved.
    pub(super) fn stage(self, txn: &mut Txn<'_>) -> Result<Appended, StoreError> {
        let mut duplicates = Vec::new();
        for (index, row) in self.rows.iter().enumerate() {
            let Some(key) = &row.idempotency else { continue };
            let Some(seq) = txn.get::<Seq>(Space::Keys, key)? else { continue };
            let entry = txn.get(Space::Entries, &keys::entry(self.conversation, seq))?;
            duplicates.push((index, entry.ok_or_else(|| missing_entry(self.conversation, seq))?));
        }
        if !duplicates.is_empty() {
            return Ok(Appended::Duplicate { entries: duplicates });
        }
        let head = txn.head(self.conversation)?;
        if head.seq != self.after {
            return Ok(Appended::Moved { head });
        }
        for EntryRow { entry, value, idempotency } in self.rows {
            if let Some(key) = idempotency {
                txn.put(Space::Keys, key, &entry.seq);
            }
            txn.put_encoded(Space::Entries, keys::entry(self.conversation, entry.seq), value);
            projected::stage(txn, &entry)?;
        }
        txn.set_head(self.conversation, self.head);
        Ok(Appended::Done)
    }
}

/// The error for an entry that must exist but does not.
pub(super) fn missing_entry(conversation: ConversationId, seq: Seq) -> StoreError {
    StoreError::Corrupt(format!("entry {seq} of conversation {conversation} is missing"))
}
