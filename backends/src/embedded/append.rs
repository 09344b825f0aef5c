//! The append: checked against the head and the idempotency rows, then staged.

use chat_core::{
    error::StoreError,
    id::ConversationId,
    model::{Entry, Head, Seq},
    port::{Append, Appended},
};
use fjall::{UserKey, UserValue};

use super::{changes::Txn, keys, projected::Projected, spaces::Space, values};

/// An append with its rows encoded, so that the committer has little left to do.
pub(super) struct Prepared {
    conversation: ConversationId,
    after: Seq,
    head: Head,
    rows: Vec<EntryRows>,
}

struct EntryRows {
    seq: Seq,
    value: UserValue,
    idempotency: Option<UserKey>,
    projected: Projected,
}

impl Prepared {
    /// Encodes an append. One that is not contiguous is a defect of the caller.
    pub(super) fn new(append: &Append<'_>) -> Result<Self, StoreError> {
        let mut seq = append.after;
        let mut rows = Vec::with_capacity(append.entries.len());
        for entry in append.entries {
            seq = seq.next();
            if entry.seq != seq || entry.conversation != append.conversation {
                return Err(StoreError::Corrupt(format!("append of {} at {seq}", entry.seq)));
            }
            rows.push(EntryRows::new(entry));
        }
        if rows.is_empty() || append.head.seq != seq {
            return Err(StoreError::Corrupt(format!("append up to {}", append.head.seq)));
        }
        Ok(Self { conversation: append.conversation, after: append.after, head: append.head, rows })
    }

    /// About how much it writes.
    pub(super) fn bytes(&self) -> usize {
        self.rows.iter().map(|row| row.value.len() + 128).sum()
    }

    /// Checks the head and the keys, then writes all of it.
    pub(super) fn stage(self, txn: &mut Txn<'_>) -> Result<Appended, StoreError> {
        let entries = self.duplicates(txn)?;
        if !entries.is_empty() {
            return Ok(Appended::Duplicate { entries });
        }
        let head = txn.head(self.conversation)?;
        if head.seq != self.after {
            return Ok(Appended::Moved { head });
        }
        for row in self.rows {
            if let Some(key) = row.idempotency {
                txn.put(Space::Keys, key, values::number(row.seq.get()));
            }
            txn.put(Space::Entries, keys::entry(self.conversation, row.seq), row.value);
            row.projected.stage(txn)?;
        }
        txn.set_head(self.conversation, self.head);
        Ok(Appended::Done)
    }

    fn duplicates(&self, txn: &Txn<'_>) -> Result<Vec<(usize, Entry)>, StoreError> {
        let mut found = Vec::new();
        for (index, row) in self.rows.iter().enumerate() {
            let Some(key) = &row.idempotency else { continue };
            if let Some(seq) = txn.get(Space::Keys, key)? {
                let seq = values::read_seq(&seq)?;
                found.push((index, stored_entry(txn, self.conversation, seq)?));
            }
        }
        Ok(found)
    }
}

impl EntryRows {
    fn new(entry: &Entry) -> Self {
        let client_id = entry.client_id.as_ref();
        Self {
            seq: entry.seq,
            value: values::entry(entry),
            projected: Projected::new(entry),
            idempotency: client_id
                .map(|id| keys::idempotency(entry.conversation, entry.sender, id)),
        }
    }
}

/// The entry at this seq, which must be there.
pub(super) fn stored_entry(
    txn: &Txn<'_>,
    conversation: ConversationId,
    seq: Seq,
) -> Result<Entry, StoreError> {
    match txn.get(Space::Entries, &keys::entry(conversation, seq))? {
        Some(value) => values::read_entry(conversation, &value),
        None => Err(missing(conversation, seq)),
    }
}

/// An entry that must be there is not.
pub(super) fn missing(conversation: ConversationId, seq: Seq) -> StoreError {
    StoreError::Corrupt(format!("entry {seq} of conversation {conversation} is missing"))
}
