//! Uncommitted changes, layered over the store.
//!
//! A command reads through its [`Txn`]: first its own writes, then those of earlier commands in the
//! same batch, then the store. A command that fails leaves no changes behind.

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
    values::{self, Record},
};

/// The key and the value of a row.
pub(super) type Row = (UserKey, UserValue);

/// The rows of a batch by space and key, where `None` removes the row, and the new heads.
#[derive(Default)]
pub(super) struct Changes {
    rows: [BTreeMap<UserKey, Option<UserValue>>; ALL.len()],
    heads: HashMap<ConversationId, Head>,
}

impl Changes {
    /// Returns true if nothing was written.
    pub(super) fn is_empty(&self) -> bool {
        self.heads.is_empty() && self.rows.iter().all(BTreeMap::is_empty)
    }

    /// Writes a row.
    pub(super) fn put_encoded(
        &mut self,
        space: Space,
        key: impl Into<UserKey>,
        value: impl Into<UserValue>,
    ) {
        self.rows[space as usize].insert(key.into(), Some(value.into()));
    }

    /// Returns the new heads.
    pub(super) const fn heads(&self) -> &HashMap<ConversationId, Head> {
        &self.heads
    }

    /// Adds the changes of a later command.
    fn merge(&mut self, later: Self) {
        for (rows, later) in self.rows.iter_mut().zip(later.rows) {
            rows.extend(later);
        }
        self.heads.extend(later.heads);
    }

    /// Adds all rows to fjall's batch, in the order of the spaces.
    pub(super) fn write_to(mut self, batch: &mut OwnedWriteBatch, spaces: &Spaces) {
        for (conversation, head) in std::mem::take(&mut self.heads) {
            self.put_encoded(Space::Heads, keys::head(conversation), values::encode(&head));
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

/// One command's view of the store, and the changes that it makes.
pub(super) struct Txn<'a> {
    store: &'a Store,
    batch: &'a mut Changes,
    own: Changes,
}

impl<'a> Txn<'a> {
    /// Starts a view over the store and the earlier commands of the batch.
    pub(super) fn new(store: &'a Store, batch: &'a mut Changes) -> Self {
        Self { store, batch, own: Changes::default() }
    }

    /// Returns the record of a row.
    pub(super) fn get<T: Record>(&self, space: Space, key: &[u8]) -> Result<Option<T>, StoreError> {
        let staged = self.own.rows[space as usize]
            .get(key)
            .or_else(|| self.batch.rows[space as usize].get(key));
        match staged {
            Some(value) => value.as_ref().map(|value| values::decode(key, value)).transpose(),
            None => self.store.get(space, key),
        }
    }

    /// Returns all rows whose keys start with `prefix`, ascending.
    pub(super) fn scan(&self, space: Space, prefix: &[u8]) -> Result<Vec<Row>, StoreError> {
        let mut found: BTreeMap<UserKey, Option<UserValue>> = self
            .store
            .scan(space, prefix)?
            .into_iter()
            .map(|(key, value)| (key, Some(value)))
            .collect();
        for staged in [&self.batch.rows[space as usize], &self.own.rows[space as usize]] {
            let from = staged.range(UserKey::from(prefix)..);
            let rows = from.take_while(|(key, _)| key.starts_with(prefix));
            found.extend(rows.map(|(key, value)| (key.clone(), value.clone())));
        }
        Ok(found.into_iter().filter_map(|(key, value)| value.map(|value| (key, value))).collect())
    }

    /// Returns up to `limit` committed rows of the range, ascending. Ignores the changes of this batch.
    pub(super) fn committed_range(
        &self,
        space: Space,
        keys: RangeInclusive<Vec<u8>>,
        limit: usize,
    ) -> Result<Vec<Row>, StoreError> {
        self.store.range(space, keys, limit)
    }

    /// Returns the head of a log, or the default head if the log is empty.
    pub(super) fn head(&self, conversation: ConversationId) -> Result<Head, StoreError> {
        let staged = self.own.heads.get(&conversation);
        match staged.or_else(|| self.batch.heads.get(&conversation)) {
            Some(head) => Ok(*head),
            None => self.store.head_for_append(conversation),
        }
    }

    /// Writes a row.
    pub(super) fn put<T: Record>(&mut self, space: Space, key: impl Into<UserKey>, record: &T) {
        self.put_encoded(space, key, values::encode(record));
    }

    /// Writes a row whose value is encoded already.
    pub(super) fn put_encoded(
        &mut self,
        space: Space,
        key: impl Into<UserKey>,
        value: impl Into<UserValue>,
    ) {
        self.own.put_encoded(space, key, value);
    }

    /// Removes a row.
    pub(super) fn remove(&mut self, space: Space, key: impl Into<UserKey>) {
        self.own.rows[space as usize].insert(key.into(), None);
    }

    /// Sets the head of a log.
    pub(super) fn set_head(&mut self, conversation: ConversationId, head: Head) {
        self.own.heads.insert(conversation, head);
    }

    /// Returns true if the command has written nothing.
    pub(super) fn is_empty(&self) -> bool {
        self.own.is_empty()
    }

    /// Adds the changes of the command to the batch.
    pub(super) fn apply(self) {
        self.batch.merge(self.own);
    }
}
