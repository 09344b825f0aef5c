//! User accounts.
//!
//! One conditional write claims a username and stores the whole account in the name's row. The
//! user's own row and the search index follow from that row, and a login restores them if missing.

use std::sync::Arc;

use async_trait::async_trait;
use chat_core::{
    error::StoreError,
    id::UserId,
    model::{User, Username},
    name_words,
    port::{Accounts, NameClaim},
    time::Timestamp,
};
use scylla::DeserializeRow;
use tokio::time::Instant;

use super::{
    rows::{ReadMode, corrupt},
    settle::{Look, Settled, settle, unknown_after_write},
    store::{CqlStore, join_bounded},
};

/// The characters of usernames, in the order in which names are listed.
const ALPHABET: &[u8] = b"-.0123456789_abcdefghijklmnopqrstuvwxyz";
/// Names that share this many first characters share a partition of their search index.
const PREFIX_CHARS: usize = 2;
/// Sorts after every character of a username.
const AFTER_ALL: &str = "\u{7f}";
/// Sorts after every character of a word.
const AFTER_WORDS: char = char::MAX;
/// Rows that are read for each user who is wanted. More words with the same beginning are rare.
const ROWS_PER_USER: usize = 2;

/// Accounts in a CQL store.
#[derive(Debug)]
pub(super) struct ScyllaAccounts(pub(super) Arc<CqlStore>);

/// The whole account, under its name.
#[derive(DeserializeRow)]
struct NameRow {
    user: i64,
    password_hash: String,
    display_name: String,
    created_at: i64,
}

#[derive(DeserializeRow)]
struct UserRow {
    username: String,
    display_name: String,
    created_at: i64,
}

/// Fails if the stored user has another name: an id that was generated twice must not let anybody
/// log in as somebody else.
fn check_username(stored: &User, username: &Username) -> Result<(), StoreError> {
    if stored.username == *username {
        return Ok(());
    }
    Err(corrupt(format!("user {} of {username:?} is {:?}", stored.id, stored.username)))
}

/// Returns the index partitions that can hold names with this prefix, in the order of the names.
fn partitions(prefix: &str) -> Vec<String> {
    let mut found = vec![beginning(prefix)];
    while found[0].len() < PREFIX_CHARS {
        let longer = |short: &String| {
            let short = short.clone();
            ALPHABET.iter().map(move |last| format!("{short}{}", char::from(*last)))
        };
        found = found.iter().flat_map(longer).collect();
    }
    found
}

/// Returns the partition of a name or a word: its first two characters, or the only one.
fn beginning(word: &str) -> String {
    word.chars().take(PREFIX_CHARS).collect()
}

impl CqlStore {
    /// Writes the index and the user's row of a claimed name, unless they are there. Returns false
    /// if the row belongs to another name.
    async fn add_user(&self, user: &User, deadline: Instant) -> Result<bool, StoreError> {
        let name = user.username.as_str();
        let index = (beginning(name), name, user.id.as_i64());
        self.until(deadline, self.write(&self.statements.index_name, index)).await?;
        let values = (user.id.as_i64(), name, &*user.display_name, user.created_at.as_millis());
        let added = settle(
            deadline,
            Some(()),
            async |()| self.write_if(&self.statements.add_user, values).await,
            async |_| {
                let stored = self.user(user.id, ReadMode::Serial).await?;
                Ok(stored.map_or(Look::Attempt(()), Look::NotApplied))
            },
        );
        let is_ours = match added.await? {
            Settled::Applied(()) => true,
            Settled::NotApplied(stored) => stored.username == user.username,
            Settled::Unknown(detail) => return Err(StoreError::Unknown(detail)),
        };
        if is_ours {
            self.until(deadline, self.index_words(user.id, &user.display_name)).await?;
        }
        Ok(is_ours)
    }

    async fn index_words(&self, user: UserId, display_name: &str) -> Result<(), StoreError> {
        let words = name_words::words(display_name);
        let writes = words.iter().map(|word| {
            let values = (beginning(word), word.clone(), user.as_i64());
            self.write(&self.statements.index_word, values)
        });
        join_bounded(writes.collect()).await.map(drop)
    }

    /// Replaces the words of a display name. Another change at the same time may remove a word that
    /// this one has added. So each change that removes words adds those of the current name again.
    async fn replace_words(&self, before: &User, display_name: &str) -> Result<(), StoreError> {
        self.index_words(before.id, display_name).await?;
        let words = name_words::words(display_name);
        let gone: Vec<String> = name_words::words(&before.display_name)
            .into_iter()
            .filter(|word| !words.contains(word))
            .collect();
        if gone.is_empty() {
            return Ok(());
        }
        let removals = gone.iter().map(|word| {
            let values = (beginning(word), word.clone(), before.id.as_i64());
            self.write(&self.statements.remove_word, values)
        });
        join_bounded(removals.collect()).await?;
        match self.user(before.id, ReadMode::Serial).await? {
            Some(current) if &*current.display_name != display_name => {
                self.index_words(before.id, &current.display_name).await
            }
            Some(_) | None => Ok(()),
        }
    }

    /// Rows of names that were replaced a moment ago are left out.
    async fn search_words(&self, prefix: &str, limit: usize) -> Result<Vec<User>, StoreError> {
        let rows = i32::try_from(limit * ROWS_PER_USER).unwrap_or(i32::MAX);
        let values = (beginning(prefix), prefix, format!("{prefix}{AFTER_WORDS}"), rows);
        let rows: Vec<(i64,)> = self.rows(&self.statements.words, values).await?;
        let mut ids: Vec<UserId> = Vec::new();
        for id in rows.into_iter().filter_map(|(id,)| UserId::from_i64(id)) {
            if ids.len() < limit && !ids.contains(&id) {
                ids.push(id);
            }
        }
        let sought = [prefix.to_owned()];
        let users = self.users(&ids).await?.into_iter().flatten();
        Ok(users.filter(|user| name_words::matches(&user.display_name, &sought)).collect())
    }

    /// Gives back a name that was claimed for an id of another user.
    async fn release_name(&self, user: &User, deadline: Instant) -> Result<(), StoreError> {
        let (name, id) = (user.username.as_str(), user.id.as_i64());
        let released = settle(
            deadline,
            Some(()),
            async |()| self.write_if(&self.statements.release_name, (name, id)).await,
            async |_| {
                let row: Option<NameRow> = self.row(&self.statements.name_serial, (name,)).await?;
                let is_held = row.is_some_and(|row| row.user == id);
                Ok(if is_held { Look::Attempt(()) } else { Look::NotApplied(()) })
            },
        );
        match released.await? {
            Settled::Applied(()) | Settled::NotApplied(()) => Ok(()),
            Settled::Unknown(detail) => Err(StoreError::Unknown(detail)),
        }
    }

    async fn user(&self, id: UserId, mode: ReadMode) -> Result<Option<User>, StoreError> {
        let statement = match mode {
            ReadMode::Quorum => &self.statements.user,
            ReadMode::Serial => &self.statements.user_serial,
        };
        let row: Option<UserRow> = self.row(statement, (id.as_i64(),)).await?;
        let Some(row) = row else { return Ok(None) };
        Ok(Some(User {
            id,
            username: Username::new(&row.username).map_err(corrupt)?,
            display_name: row.display_name.into(),
            created_at: Timestamp::from_millis(row.created_at),
        }))
    }

    async fn users(&self, ids: &[UserId]) -> Result<Vec<Option<User>>, StoreError> {
        join_bounded(ids.iter().map(|id| self.user(*id, ReadMode::Quorum)).collect()).await
    }

    /// Returns the users of these index rows. Leaves out rows of names that were given back.
    async fn indexed_users(&self, rows: &[(String, UserId)]) -> Result<Vec<User>, StoreError> {
        let ids: Vec<UserId> = rows.iter().map(|(_, id)| *id).collect();
        let users = self.users(&ids).await?.into_iter().zip(rows);
        let current = users.filter_map(|(user, (name, _))| {
            user.filter(|user| user.username.as_str() == name.as_str())
        });
        Ok(current.collect())
    }

    async fn search(&self, prefix: &str, limit: usize) -> Result<Vec<User>, StoreError> {
        let mut found: Vec<User> = Vec::new();
        if limit == 0 {
            return Ok(found);
        }
        let page = i32::try_from(limit).unwrap_or(i32::MAX);
        let end = format!("{prefix}{AFTER_ALL}");
        for part in partitions(prefix).chunks(ALPHABET.len()) {
            let pages = part.iter().map(async |partition| {
                let values = (partition, prefix, &end, page);
                self.rows::<(String, Option<i64>)>(&self.statements.names, values).await
            });
            let rows = join_bounded(pages.collect()).await?.into_iter().flatten();
            let indexed: Vec<(String, UserId)> = rows
                .filter_map(|(name, id)| Some((name, id.and_then(UserId::from_i64)?)))
                .collect();
            let mut chunks = indexed.chunks(limit);
            while found.len() < limit
                && let Some(indexed) = chunks.next()
            {
                found.extend(self.indexed_users(indexed).await?);
            }
            if found.len() >= limit {
                break;
            }
        }
        found.truncate(limit);
        Ok(found)
    }
}

#[async_trait]
impl Accounts for ScyllaAccounts {
    async fn claim(&self, user: &User, password_hash: &str) -> Result<NameClaim, StoreError> {
        let store = &self.0;
        store.check_ids().await?;
        let deadline = store.deadline();
        let id = user.id.as_i64();
        let name = user.username.as_str();
        let values = (name, id, password_hash, &*user.display_name, user.created_at.as_millis());
        let claimed = settle(
            deadline,
            Some(()),
            async |()| store.write_if(&store.statements.claim_name, values).await,
            async |_| {
                let row: Option<NameRow> =
                    store.row(&store.statements.name_serial, (name,)).await?;
                Ok(match row {
                    Some(row) if row.user == id => Look::Applied(()),
                    Some(_) => Look::NotApplied(()),
                    None => Look::Attempt(()),
                })
            },
        );
        match claimed.await? {
            Settled::Applied(()) => {
                if store.add_user(user, deadline).await.map_err(unknown_after_write)? {
                    return Ok(NameClaim::Yours);
                }
                store.release_name(user, deadline).await.map_err(unknown_after_write)?;
                Ok(NameClaim::IdTaken)
            }
            Settled::NotApplied(()) => Ok(NameClaim::NameTaken),
            Settled::Unknown(detail) => Err(StoreError::Unknown(detail)),
        }
    }

    async fn users(&self, ids: &[UserId]) -> Result<Vec<Option<User>>, StoreError> {
        self.0.in_time(self.0.users(ids)).await
    }

    async fn credentials(
        &self,
        username: &Username,
    ) -> Result<Option<(User, Arc<str>)>, StoreError> {
        let store = &self.0;
        let deadline = store.deadline();
        let work = async {
            let row: Option<NameRow> =
                store.row(&store.statements.name, (username.as_str(),)).await?;
            let Some(row) = row else { return Ok(None) };
            let user = UserId::from_i64(row.user);
            let claimed = User {
                id: user.ok_or_else(|| corrupt("a name without its user"))?,
                username: username.clone(),
                display_name: row.display_name.into(),
                created_at: Timestamp::from_millis(row.created_at),
            };
            let hash = row.password_hash.into();
            if let Some(user) = store.user(claimed.id, ReadMode::Quorum).await? {
                check_username(&user, username)?;
                return Ok(Some((user, hash)));
            }
            let is_added = store.add_user(&claimed, deadline).await?;
            Ok(is_added.then_some((claimed, hash)))
        };
        store.until(deadline, work).await
    }

    async fn set_password(
        &self,
        user: &User,
        before: &str,
        after: &str,
    ) -> Result<bool, StoreError> {
        let store = &self.0;
        let name = user.username.as_str();
        let set = settle(
            store.deadline(),
            Some(()),
            async |()| store.write_if(&store.statements.set_password, (after, name, before)).await,
            async |_| {
                let row: Option<NameRow> =
                    store.row(&store.statements.name_serial, (name,)).await?;
                Ok(match row {
                    Some(row) if row.password_hash == after => Look::Applied(()),
                    Some(row) if row.password_hash == before => Look::Attempt(()),
                    Some(_) | None => Look::NotApplied(()),
                })
            },
        );
        match set.await? {
            Settled::Applied(()) => Ok(true),
            Settled::NotApplied(()) => Ok(false),
            Settled::Unknown(detail) => Err(StoreError::Unknown(detail)),
        }
    }

    async fn set_profile(
        &self,
        id: UserId,
        display_name: &str,
    ) -> Result<Option<User>, StoreError> {
        let store = &self.0;
        let deadline = store.deadline();
        let set = settle(
            deadline,
            None,
            // Conditional on the name that it replaces: an attempt that arrives late cannot undo a
            // newer change.
            async |before: User| {
                let values = (display_name, id.as_i64(), &*before.display_name);
                store.write_if(&store.statements.set_profile, values).await
            },
            async |_| {
                Ok(match store.user(id, ReadMode::Serial).await? {
                    Some(user) if &*user.display_name != display_name => Look::Attempt(user),
                    unchanged => Look::NotApplied(unchanged),
                })
            },
        );
        match set.await? {
            Settled::Applied(before) => {
                let replaced = store.replace_words(&before, display_name);
                store.until(deadline, replaced).await.map_err(unknown_after_write)?;
                Ok(Some(User { display_name: display_name.into(), ..before }))
            }
            Settled::NotApplied(unchanged) => Ok(unchanged),
            Settled::Unknown(detail) => Err(StoreError::Unknown(detail)),
        }
    }

    async fn search(&self, prefix: &str, limit: usize) -> Result<Vec<User>, StoreError> {
        self.0.in_time(self.0.search(prefix, limit)).await
    }

    async fn search_words(&self, prefix: &str, limit: usize) -> Result<Vec<User>, StoreError> {
        self.0.in_time(self.0.search_words(prefix, limit)).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn partitions_cover_a_prefix_in_the_order_of_names() {
        assert_eq!(partitions("abc"), ["ab"]);
        let of_one = partitions("a");
        assert_eq!((of_one.len(), &*of_one[0], &*of_one[38]), (39, "a-", "az"));
        let all = partitions("");
        assert_eq!(all.len(), 39 * 39);
        assert!(all.is_sorted());
    }
}
