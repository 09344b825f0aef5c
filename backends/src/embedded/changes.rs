//! What commands write, before it is durable: an overlay over the store.
//!
//! A command reads through [`Txn`]: its own writes, then those of the commands before it in the same
//! batch, then the store. A command that fails leaves nothing behind.

use std::{
    collections::{BTreeMap, HashMap},
    ops::RangeInclusive,
};

use chat_core::{error::StoreError, id::ConversationId, model::Head};
use fjall::{OwnedWriteBatch, UserKey, UserValue};

use super::{
    keys,
    spaces::{ALL, Space, Spaces},
    store::Store,
    values,
};

/// A row as it is found: its key and its value.
pub(super) type Row = (UserKey, UserValue);

/// Rows to be written (`None`: removed), by space and key, and the heads that they lead to.
#[derive(Default)]
pub(super) struct Changes {
    rows: [BTreeMap<UserKey, Option<UserValue>>; ALL.len()],
    heads: HashMap<ConversationId, Head>,
}

impl Changes {
    /// Whether nothing is to be written.
    pub(super) fn is_empty(&self) -> bool {
        self.heads.is_empty() && self.rows.iter().all(BTreeMap::is_empty)
    }

    /// Writes a row.
    pub(super) fn put(
        &mut self,
        space: Space,
        key: impl Into<UserKey>,
        value: impl Into<UserValue>,
    ) {
        self.rows[space as usize].insert(key.into(), Some(value.into()));
    }

    /// The new heads.
    pub(super) const fn heads(&self) -> &HashMap<ConversationId, Head> {
        &self.heads
    }

    /// Adds what a later command writes.
    fn merge(&mut self, later: Self) {
        for (rows, later) in self.rows.iter_mut().zip(later.rows) {
            rows.extend(later);
        }
        self.heads.extend(later.heads);
    }

    /// Gives all rows to fjall's batch, in the order of the spaces.
    pub(super) fn fill(mut self, batch: &mut OwnedWriteBatch, spaces: &Spaces) {
        for (conversation, head) in std::mem::take(&mut self.heads) {
            self.put(Space::Heads, keys::head(conversation), values::head(&head));
        }
        for (space, rows) in ALL.into_iter().zip(self.rows) {
            let tree = spaces.of(space);
            for (key, value) in rows {
                match value {
                    Some(value) => batch.insert(tree, key, value),
                    None => batch.remove(tree, key),
                }
            }
        }
    }
}

/// One command's view of the store, and what it writes.
pub(super) struct Txn<'a> {
    store: &'a Store,
    before: &'a mut Changes,
    own: Changes,
}

impl<'a> Txn<'a> {
    /// A view over the store and the commands before.
    pub(super) fn new(store: &'a Store, before: &'a mut Changes) -> Self {
        Self { store, before, own: Changes::default() }
    }

    /// The value of a row.
    pub(super) fn get(&self, space: Space, key: &[u8]) -> Result<Option<UserValue>, StoreError> {
        let staged = self.own.rows[space as usize]
            .get(key)
            .or_else(|| self.before.rows[space as usize].get(key));
        match staged {
            Some(value) => Ok(value.clone()),
            None => self.store.get(space, key),
        }
    }

    /// The rows whose keys begin so, ascending.
    pub(super) fn scan(&self, space: Space, prefix: &[u8]) -> Result<Vec<Row>, StoreError> {
        let mut found: BTreeMap<UserKey, Option<UserValue>> = self
            .store
            .scan(space, prefix)?
            .into_iter()
            .map(|(key, value)| (key, Some(value)))
            .collect();
        for staged in [&self.before.rows[space as usize], &self.own.rows[space as usize]] {
            let from = staged.range(UserKey::from(prefix)..);
            let rows = from.take_while(|(key, _)| key.starts_with(prefix));
            found.extend(rows.map(|(key, value)| (key.clone(), value.clone())));
        }
        Ok(found.into_iter().filter_map(|(key, value)| value.map(|value| (key, value))).collect())
    }

    /// Up to `limit` rows of the range as the store has them, without what is written on top.
    pub(super) fn stored(
        &self,
        space: Space,
        keys: RangeInclusive<Vec<u8>>,
        limit: usize,
    ) -> Result<Vec<Row>, StoreError> {
        self.store.range(space, keys, limit)
    }

    /// The head of a log; the default where there is none.
    pub(super) fn head(&self, conversation: ConversationId) -> Result<Head, StoreError> {
        let staged = self.own.heads.get(&conversation);
        match staged.or_else(|| self.before.heads.get(&conversation)) {
            Some(head) => Ok(*head),
            None => self.store.head_for_append(conversation),
        }
    }

    /// Writes a row.
    pub(super) fn put(
        &mut self,
        space: Space,
        key: impl Into<UserKey>,
        value: impl Into<UserValue>,
    ) {
        self.own.put(space, key, value);
    }

    /// Removes a row.
    pub(super) fn remove(&mut self, space: Space, key: impl Into<UserKey>) {
        self.own.rows[space as usize].insert(key.into(), None);
    }

    /// Moves the head of a log.
    pub(super) fn set_head(&mut self, conversation: ConversationId, head: Head) {
        self.own.heads.insert(conversation, head);
    }

    /// Whether the command has written nothing.
    pub(super) fn is_empty(&self) -> bool {
        self.own.is_empty()
    }

    /// Adds what the command wrote to what is to be written.
    pub(super) fn keep(self) {
        self.before.merge(self.own);
    }
}
