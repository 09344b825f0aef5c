//! Uncommitted changes, layered over the store.
//!
//! A command reads through its [`Txn`]: first its own writes, then those of earlier commands in the
//! same batch, then the store. A command that fails leaves no changes behind.

use std::{collections::BTreeMap, ops::RangeInclusive};

use chat_core::{
    error::StoreError,
    id::ConversationId,
    id_map::IdMap,
    model::{Cursor, Head},
};
use fjall::{OwnedWriteBatch, UserKey, UserValue};

use super::{
    keys,
    recent::{Moves, Reader},
    spaces::{ALL, Space, Spaces},
    store::Store,
    values::{self, Record},
};

/// The key and the value of a row.
pub(super) type Row = (UserKey, UserValue);

/// The rows of a batch by space and key, where `None` removes the row, and what appends have moved.
#[derive(Default)]
pub(super) struct Changes {
    rows: [BTreeMap<UserKey, Option<UserValue>>; ALL.len()],
    heads: IdMap<ConversationId, Head>,
    cursors: IdMap<Reader, Cursor>,
    staged: Staged,
}

/// What the present command writes, in the order in which it does. A command writes few rows, so a
/// list is cheaper than a map. All commands of a batch use the same lists.
#[derive(Default)]
struct Staged {
    rows: Vec<StagedRow>,
    heads: Vec<(ConversationId, Head)>,
    cursors: Vec<(Reader, Cursor)>,
}

struct StagedRow {
    space: Space,
    key: UserKey,
    value: Option<UserValue>,
}

impl Staged {
    fn put(&mut self, space: Space, key: impl Into<UserKey>, value: Option<UserValue>) {
        self.rows.push(StagedRow { space, key: key.into(), value });
    }

    /// Returns the newest change of a row. The inner `None` removes the row.
    fn get(&self, space: Space, key: &[u8]) -> Option<&Option<UserValue>> {
        let mut newest_first = self.rows.iter().rev();
        newest_first.find(|row| row.space == space && *row.key == *key).map(|row| &row.value)
    }

    fn head(&self, conversation: ConversationId) -> Option<Head> {
        let mut newest_first = self.heads.iter().rev();
        newest_first.find(|(id, _)| *id == conversation).map(|(_, head)| *head)
    }

    fn is_empty(&self) -> bool {
        self.rows.is_empty() && self.heads.is_empty() && self.cursors.is_empty()
    }

    fn clear(&mut self) {
        self.rows.clear();
        self.heads.clear();
        self.cursors.clear();
    }
}

impl Changes {
    /// Returns true if nothing was written.
    pub(super) fn is_empty(&self) -> bool {
        self.heads.is_empty() && self.cursors.is_empty() && self.rows.iter().all(BTreeMap::is_empty)
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

    /// Removes what appends have moved, as the record of this commit.
    pub(super) fn take_moves(&mut self, commit: u64) -> Moves {
        Moves {
            commit,
            heads: self.heads.drain().collect(),
            cursors: self.cursors.drain().collect(),
        }
    }

    /// Adds the changes of the present command.
    fn apply_staged(&mut self) {
        for StagedRow { space, key, value } in self.staged.rows.drain(..) {
            self.rows[space as usize].insert(key, value);
        }
        self.heads.extend(self.staged.heads.drain(..));
        self.cursors.extend(self.staged.cursors.drain(..));
    }

    /// Adds all rows to fjall's batch, in the order of the spaces.
    pub(super) fn write_to(self, batch: &mut OwnedWriteBatch, spaces: &Spaces) {
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
}

impl<'a> Txn<'a> {
    /// Starts a view over the store and the earlier commands of the batch.
    pub(super) fn new(store: &'a Store, batch: &'a mut Changes) -> Self {
        batch.staged.clear();
        Self { store, batch }
    }

    /// Returns the record of a row.
    pub(super) fn get<T: Record>(&self, space: Space, key: &[u8]) -> Result<Option<T>, StoreError> {
        let staged = self.batch.staged.get(space, key);
        match staged.or_else(|| self.batch.rows[space as usize].get(key)) {
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
        let from = self.batch.rows[space as usize].range(UserKey::from(prefix)..);
        let rows = from.take_while(|(key, _)| key.starts_with(prefix));
        found.extend(rows.map(|(key, value)| (key.clone(), value.clone())));
        let is_found = |row: &&StagedRow| row.space == space && row.key.starts_with(prefix);
        let staged = self.batch.staged.rows.iter().filter(is_found);
        found.extend(staged.map(|row| (row.key.clone(), row.value.clone())));
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
        let staged = self.batch.staged.head(conversation);
        match staged.or_else(|| self.batch.heads.get(&conversation).copied()) {
            Some(head) => Ok(head),
            None => self.store.head_for_append(conversation),
        }
    }

    /// Returns the cursor of a member, or the default cursor if it has never moved.
    pub(super) fn cursor(&self, reader: Reader) -> Result<Cursor, StoreError> {
        let (user, conversation) = reader;
        let row = self.get(Space::Cursors, &keys::cursor(user, conversation))?;
        let own = self.batch.staged.cursors.iter().filter(|(one, _)| *one == reader);
        let own = own.map(|(_, cursor)| *cursor);
        let moved = own.chain(self.batch.cursors.get(&reader).copied());
        let moved = moved.chain(self.store.recent.cursor(reader));
        Ok(moved.fold(row.unwrap_or_default(), Cursor::max))
    }

    /// Moves the cursor of a sender to its own newest entry. No cursor passes the head, so this is
    /// further than any other.
    pub(super) fn move_to_own_entry(&mut self, sender: Reader, to: Cursor) {
        self.batch.staged.cursors.push((sender, to));
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
        self.batch.staged.put(space, key, Some(value.into()));
    }

    /// Removes a row.
    pub(super) fn remove(&mut self, space: Space, key: impl Into<UserKey>) {
        self.batch.staged.put(space, key, None);
    }

    /// Sets the head of a log.
    pub(super) fn set_head(&mut self, conversation: ConversationId, head: Head) {
        self.batch.staged.heads.push((conversation, head));
    }

    /// Returns true if the command has written nothing.
    pub(super) fn is_empty(&self) -> bool {
        self.batch.staged.is_empty()
    }

    /// Adds the changes of the command to the batch.
    pub(super) fn apply(self) {
        self.batch.apply_staged();
    }
}
