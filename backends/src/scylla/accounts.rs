//! People. A name is claimed by one conditional write that holds the whole account; the rest
//! follows from it and is written again by whoever finds it missing.

use std::sync::Arc;

use async_trait::async_trait;
use chat_core::{
    error::StoreError,
    id::UserId,
    model::{User, Username},
    port::Accounts,
    time::Timestamp,
};

use super::{
    deed::Deed,
    heads::Sight,
    store::{Decided, Store, TRIES_MAX, corrupt, together},
};

/// Characters of names in the order in which names are listed.
const ALPHABET: &[u8] = b"-.0123456789_abcdefghijklmnopqrstuvwxyz";
/// Characters by which names are kept together.
const PREFIX_CHARS: usize = 2;
/// After every character of a name.
const AFTER_ALL: &str = "\u{7f}";

/// People in a CQL store.
#[derive(Debug)]
pub(super) struct ScyllaAccounts(pub(super) Arc<Store>);

/// Owner, password hash, display name at first, time.
type NameRow = (Option<i64>, Option<String>, Option<String>, Option<i64>);

fn nobody() -> StoreError {
    corrupt("a name without its user")
}

fn read_account(username: &Username, row: NameRow) -> Result<(User, Arc<str>), StoreError> {
    let (user, hash, display_name, created_at) = row;
    let user = User {
        id: user.and_then(UserId::from_i64).ok_or_else(nobody)?,
        username: username.clone(),
        display_name: display_name.ok_or_else(nobody)?.into(),
        created_at: Timestamp::from_millis(created_at.ok_or_else(nobody)?),
    };
    Ok((user, hash.ok_or_else(nobody)?.into()))
}

/// Two names cannot be one person: an id that was given twice lets nobody in as somebody else.
fn is_of(user: &User, name: &Username) -> Result<(), StoreError> {
    if user.username == *name {
        return Ok(());
    }
    Err(corrupt(format!("user {} of {name:?} is {:?}", user.id, user.username)))
}

/// The partitions of names that may begin with a prefix, in the order of the names.
fn partitions(prefix: &str) -> Vec<String> {
    let mut found = vec![prefix.chars().take(PREFIX_CHARS).collect::<String>()];
    while found[0].len() < PREFIX_CHARS {
        let longer = |short: &String| {
            let short = short.clone();
            ALPHABET.iter().map(move |last| format!("{short}{}", char::from(*last)))
        };
        found = found.iter().flat_map(longer).collect();
    }
    found
}

impl Store {
    async fn claim(&self, user: &User, hash: &str, deed: &Deed) -> Result<bool, StoreError> {
        self.tenure.check()?;
        let name = user.username.as_str();
        let values =
            (name, user.id.as_i64(), hash, &*user.display_name, user.created_at.as_millis());
        for _ in 0..TRIES_MAX {
            let owner = match self.decide(deed, &self.statements.claim_name, values).await? {
                Decided::Applied => Some(user.id.as_i64()),
                Decided::Refused | Decided::Unknown { .. } => self.owner(name).await?,
            };
            match owner {
                Some(owner) if owner == user.id.as_i64() => {
                    return self.add_user(user, deed).await.map(|()| true);
                }
                Some(_) => return Ok(false),
                None => {}
            }
        }
        Err(deed.undecided())
    }

    async fn owner(&self, name: &str) -> Result<Option<i64>, StoreError> {
        let row: Option<NameRow> = self.row(&self.statements.name_serial, (name,)).await?;
        Ok(row.and_then(|row| row.0))
    }

    /// Writes what follows from a claimed name, if it is not there.
    async fn add_user(&self, user: &User, deed: &Deed) -> Result<(), StoreError> {
        let name = user.username.as_str();
        let values = (user.id.as_i64(), name, &*user.display_name, user.created_at.as_millis());
        let prefix: String = name.chars().take(PREFIX_CHARS).collect();
        self.write(&self.statements.index_name, (prefix, name, user.id.as_i64())).await?;
        for _ in 0..TRIES_MAX {
            match self.decide(deed, &self.statements.add_user, values).await? {
                Decided::Applied => return Ok(()),
                Decided::Refused | Decided::Unknown { .. } => {}
            }
            if let Some(stands) = self.user(user.id, Sight::Final).await? {
                return is_of(&stands, &user.username);
            }
        }
        Err(deed.undecided())
    }

    async fn user(&self, id: UserId, sight: Sight) -> Result<Option<User>, StoreError> {
        let statement = match sight {
            Sight::Acknowledged => &self.statements.user,
            Sight::Final => &self.statements.user_serial,
        };
        let row: Option<(Option<String>, Option<String>, Option<i64>)> =
            self.row(statement, (id.as_i64(),)).await?;
        let Some((name, display_name, created_at)) = row else { return Ok(None) };
        let username = Username::new(&name.ok_or_else(nobody)?).map_err(corrupt)?;
        let display_name = display_name.ok_or_else(nobody)?.into();
        let created_at = Timestamp::from_millis(created_at.ok_or_else(nobody)?);
        Ok(Some(User { id, username, display_name, created_at }))
    }

    async fn credentials(&self, name: &Username) -> Result<Option<(User, Arc<str>)>, StoreError> {
        let row: Option<NameRow> = self.row(&self.statements.name, (name.as_str(),)).await?;
        let Some(row) = row else { return Ok(None) };
        let (claimed, hash) = read_account(name, row)?;
        if let Some(user) = self.user(claimed.id, Sight::Acknowledged).await? {
            is_of(&user, name)?;
            return Ok(Some((user, hash)));
        }
        self.add_user(&claimed, &Deed::default()).await?;
        Ok(Some((claimed, hash)))
    }

    /// Conditional on the name that it replaces: an own try without an answer that arrives late
    /// cannot take back what came after it.
    async fn set_profile(
        &self,
        id: UserId,
        display_name: &str,
        deed: &Deed,
    ) -> Result<Option<User>, StoreError> {
        for _ in 0..TRIES_MAX {
            let Some(user) = self.user(id, Sight::Final).await? else { return Ok(None) };
            if &*user.display_name == display_name {
                return Ok(Some(user));
            }
            let values = (display_name, id.as_i64(), &*user.display_name);
            match self.decide(deed, &self.statements.set_profile, values).await? {
                Decided::Applied => {
                    return Ok(Some(User { display_name: display_name.into(), ..user }));
                }
                Decided::Refused | Decided::Unknown { .. } => {}
            }
        }
        Err(deed.undecided())
    }

    async fn users(&self, ids: &[UserId]) -> Result<Vec<Option<User>>, StoreError> {
        let users = ids.iter().map(|id| self.user(*id, Sight::Acknowledged));
        together(users.collect()).await
    }

    /// The first so many of these who are there.
    async fn first_users(&self, ids: &[UserId], limit: usize) -> Result<Vec<User>, StoreError> {
        let mut found = Vec::new();
        for ids in ids.chunks(limit) {
            found.extend(self.users(ids).await?.into_iter().flatten());
            if found.len() >= limit {
                break;
            }
        }
        found.truncate(limit);
        Ok(found)
    }

    async fn named(
        &self,
        partition: &str,
        from: &str,
        end: &str,
        limit: i32,
    ) -> Result<Vec<UserId>, StoreError> {
        let values = (partition, from, end, limit);
        let rows: Vec<(String, Option<i64>)> = self.rows(&self.statements.names, values).await?;
        Ok(rows.into_iter().filter_map(|(_, id)| id.and_then(UserId::from_i64)).collect())
    }

    async fn search(&self, prefix: &str, limit: usize) -> Result<Vec<User>, StoreError> {
        let (page, end) =
            (i32::try_from(limit).unwrap_or(i32::MAX), format!("{prefix}{AFTER_ALL}"));
        if limit == 0 {
            return Ok(Vec::new());
        }
        let mut found = Vec::new();
        for part in partitions(prefix).chunks(ALPHABET.len()) {
            let named = part.iter().map(|partition| self.named(partition, prefix, &end, page));
            let ids: Vec<UserId> = together(named.collect()).await?.into_iter().flatten().collect();
            found.extend(self.first_users(&ids, limit - found.len()).await?);
            if found.len() >= limit {
                break;
            }
        }
        Ok(found)
    }
}

#[async_trait]
impl Accounts for ScyllaAccounts {
    async fn claim(&self, user: &User, password_hash: &str) -> Result<bool, StoreError> {
        let deed = Deed::default();
        self.0.settled_in_time(&deed, self.0.claim(user, password_hash, &deed)).await
    }

    async fn users(&self, ids: &[UserId]) -> Result<Vec<Option<User>>, StoreError> {
        self.0.in_time(self.0.users(ids)).await
    }

    async fn credentials(
        &self,
        username: &Username,
    ) -> Result<Option<(User, Arc<str>)>, StoreError> {
        self.0.in_time(self.0.credentials(username)).await
    }

    async fn set_profile(
        &self,
        id: UserId,
        display_name: &str,
    ) -> Result<Option<User>, StoreError> {
        let deed = Deed::default();
        self.0.settled_in_time(&deed, self.0.set_profile(id, display_name, &deed)).await
    }

    async fn search(&self, prefix: &str, limit: usize) -> Result<Vec<User>, StoreError> {
        self.0.in_time(self.0.search(prefix, limit)).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn partitions_of_a_prefix_are_all_and_in_order() {
        assert_eq!(partitions("abc"), ["ab"]);
        let of_one = partitions("a");
        assert_eq!((of_one.len(), &*of_one[0], &*of_one[38]), (39, "a-", "az"));
        let all = partitions("");
        assert_eq!(all.len(), 39 * 39);
        assert!(all.is_sorted());
    }
}
