//! People in memory.

use std::{ops::Bound, sync::Arc};

use async_trait::async_trait;

use super::state::Shared;
use crate::{
    error::StoreError,
    id::UserId,
    model::{User, Username},
    name_words,
    port::{self, NameClaim},
};

/// People in memory.
#[derive(Debug)]
pub struct MemoryAccounts(pub(super) Shared);

#[async_trait]
impl port::Accounts for MemoryAccounts {
    async fn claim(&self, user: &User, password_hash: &str) -> Result<NameClaim, StoreError> {
        let accounts = &mut self.0.lock().accounts;
        if let Some(owner) = accounts.by_name.get(user.username.as_str()) {
            let is_own = *owner == user.id;
            return Ok(if is_own { NameClaim::Yours } else { NameClaim::NameTaken });
        }
        if accounts.users.contains_key(&user.id) {
            return Ok(NameClaim::IdTaken);
        }
        accounts.by_name.insert(user.username.as_str().into(), user.id);
        accounts.users.insert(user.id, (user.clone(), password_hash.into()));
        Ok(NameClaim::Yours)
    }

    async fn users(&self, ids: &[UserId]) -> Result<Vec<Option<User>>, StoreError> {
        let users = &self.0.lock().accounts.users;
        Ok(ids.iter().map(|id| users.get(id).map(|(user, _)| user.clone())).collect())
    }

    async fn credentials(
        &self,
        username: &Username,
    ) -> Result<Option<(User, Arc<str>)>, StoreError> {
        let accounts = &self.0.lock().accounts;
        let owner = accounts.by_name.get(username.as_str());
        Ok(owner.and_then(|id| accounts.users.get(id)).cloned())
    }

    async fn set_password(
        &self,
        user: &User,
        before: &str,
        after: &str,
    ) -> Result<bool, StoreError> {
        let accounts = &mut self.0.lock().accounts;
        let Some((_, hash)) = accounts.users.get_mut(&user.id) else { return Ok(false) };
        if &**hash == before {
            *hash = after.into();
        }
        Ok(&**hash == after)
    }

    async fn set_profile(
        &self,
        id: UserId,
        display_name: &str,
    ) -> Result<Option<User>, StoreError> {
        Ok(self.0.lock().accounts.users.get_mut(&id).map(|(user, _)| {
            user.display_name = display_name.into();
            user.clone()
        }))
    }

    async fn search(&self, prefix: &str, limit: usize) -> Result<Vec<User>, StoreError> {
        let accounts = &self.0.lock().accounts;
        let from = accounts.by_name.range::<str, _>((Bound::Included(prefix), Bound::Unbounded));
        let ids = from.take_while(|(name, _)| name.starts_with(prefix)).map(|(_, id)| id);
        Ok(ids.filter_map(|id| Some(accounts.users.get(id)?.0.clone())).take(limit).collect())
    }

    async fn search_words(&self, prefix: &str, limit: usize) -> Result<Vec<User>, StoreError> {
        let accounts = &self.0.lock().accounts;
        let is_one = prefix.chars().nth(1).is_none();
        let mut found: Vec<(String, User)> = Vec::new();
        for (user, _) in accounts.users.values() {
            let mut words = name_words::words(&user.display_name).into_iter();
            let fits =
                |word: &String| if is_one { word == prefix } else { word.starts_with(prefix) };
            found.extend(words.find(fits).map(|word| (word, user.clone())));
        }
        found.sort_unstable_by(|(one, user), (other, another)| {
            (one, user.id).cmp(&(other, another.id))
        });
        Ok(found.into_iter().map(|(_, user)| user).take(limit).collect())
    }
}
