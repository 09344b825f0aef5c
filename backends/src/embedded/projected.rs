//! What an entry changes besides the log, staged with it: see [`chat_core::projection`].
//!
//! Entries of one conversation come here in the order of their seqs and once, so that the newest
//! simply stands, and who has gone is simply not there.

use std::sync::Arc;

use chat_core::{
    error::StoreError,
    id::{ConversationId, UserId},
    model::{Cursor, Entry, Member, Seq},
    projection::{Projection, erasures},
};

use super::{changes::Txn, cursors, keys, log, spaces::Space, values};

/// What one entry changes besides the log.
pub(super) struct Projected {
    conversation: ConversationId,
    change: Change,
}

enum Change {
    Member(Member),
    Gone(UserId),
    Title(Arc<str>),
    Overlay { target_seq: Seq, entry: Box<Entry> },
    Cursor { user: UserId, to: Cursor },
}

impl Projected {
    /// What this entry changes.
    pub(super) fn new(entry: &Entry) -> Self {
        let change = match Projection::of(entry) {
            Projection::Member(member) => Change::Member(member),
            Projection::Gone(user) => Change::Gone(user),
            Projection::Title(title) => Change::Title(title),
            Projection::Overlay { target_seq } => {
                Change::Overlay { target_seq, entry: Box::new(entry.clone()) }
            }
            Projection::Cursor { user, to } => Change::Cursor { user, to },
        };
        Self { conversation: entry.conversation, change }
    }

    /// Writes it.
    pub(super) fn stage(self, txn: &mut Txn<'_>) -> Result<(), StoreError> {
        let conversation = self.conversation;
        match self.change {
            Change::Member(member) => {
                let value = values::member(&member);
                txn.put(Space::Views, keys::member(conversation, member.user), value.clone());
                txn.put(Space::Views, keys::membership(member.user, conversation), value);
            }
            Change::Gone(user) => {
                txn.remove(Space::Views, keys::member(conversation, user));
                txn.remove(Space::Views, keys::membership(user, conversation));
            }
            Change::Title(title) => {
                txn.put(Space::Views, keys::title(conversation), values::title(&title));
            }
            Change::Overlay { target_seq, entry } => overlay(txn, target_seq, &entry)?,
            Change::Cursor { user, to } => {
                cursors::advance(txn, user, conversation, to)?;
            }
        }
        Ok(())
    }
}

/// Folds an entry into the overlay of its message, and erases what a redaction takes away.
fn overlay(txn: &mut Txn<'_>, target_seq: Seq, entry: &Entry) -> Result<(), StoreError> {
    let key = keys::overlay(entry.conversation, target_seq);
    let stored = txn.get(Space::Views, &key)?;
    let mut overlay =
        stored.map(|value| values::read_overlay(&value)).transpose()?.unwrap_or_default();
    overlay.fold(entry);
    txn.put(Space::Views, key, values::overlay(&overlay));
    let mut erased = erasures(target_seq, &overlay).into_iter();
    erased.try_for_each(|seq| log::erase(txn, entry.conversation, seq))
}
