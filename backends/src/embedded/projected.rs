//! Stages what an entry changes besides the log: see [`chat_core::projection`].
//!
//! The entries of one conversation arrive once each and in the order of their seqs. So the newest
//! value simply replaces the earlier one, and the rows of former members are removed.

use chat_core::{
    error::StoreError,
    model::{Entry, Overlay},
    projection::{Projection, erasures},
};

use super::{changes::Txn, keys, log, spaces::Space};

/// Writes the projection of an entry, and erases the texts that a redaction removes.
pub(super) fn stage(txn: &mut Txn<'_>, entry: &Entry) -> Result<(), StoreError> {
    let conversation = entry.conversation;
    match Projection::of(entry) {
        Projection::Member(member) => {
            txn.put(Space::Views, keys::member(conversation, member.user), &member);
            txn.put(Space::Views, keys::membership(member.user, conversation), &member);
        }
        Projection::Gone(user) => {
            txn.remove(Space::Views, keys::member(conversation, user));
            txn.remove(Space::Views, keys::membership(user, conversation));
        }
        Projection::Title(title) => txn.put(Space::Views, keys::title(conversation), &title),
        Projection::Overlay { target_seq } => {
            let key = keys::overlay(conversation, target_seq);
            let mut overlay: Overlay = txn.get(Space::Views, &key)?.unwrap_or_default();
            overlay.fold(entry);
            txn.put(Space::Views, key, &overlay);
            for seq in erasures(target_seq, &overlay) {
                log::erase(txn, conversation, seq)?;
            }
        }
        Projection::Cursor { user, to } => txn.move_to_own_entry((user, conversation), to),
    }
    Ok(())
}
