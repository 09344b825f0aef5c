//! People and their credentials.

use std::sync::Arc;

use async_trait::async_trait;
use chat_core::{
    error::StoreError,
    id::UserId,
    model::{User, Username},
    port::Accounts,
};

use super::{
    keys,
    spaces::Space,
    store::{Shared, Store},
    values::{self, Account},
};

/// The accounts of an embedded store.
#[derive(Debug)]
pub(super) struct EmbeddedAccounts(pub(super) Arc<Shared>);

fn account(store: &Store, id: UserId) -> Result<Option<Account>, StoreError> {
    let value = store.get(Space::People, &keys::account(id))?;
    value.map(|value| values::read_account(id, &value)).transpose()
}

/// The account of the owner that a username's row names.
fn account_of(store: &Store, owner: &[u8]) -> Result<Option<Account>, StoreError> {
    account(store, read_owner(owner)?)
}

fn read_owner(value: &[u8]) -> Result<UserId, StoreError> {
    let no_user = || StoreError::Corrupt("a username of nobody".to_owned());
    UserId::new(values::read_number(value)?).ok_or_else(no_user)
}

fn search(store: &Store, prefix: &str, limit: usize) -> Result<Vec<User>, StoreError> {
    let rows = store.scan_up_to(Space::People, &keys::username(prefix), limit)?;
    let users = rows.iter().filter_map(|(_, owner)| account_of(store, owner).transpose());
    users.map(|account| account.map(|account| account.user)).collect()
}

#[async_trait]
impl Accounts for EmbeddedAccounts {
    async fn claim(&self, user: &User, password_hash: &str) -> Result<bool, StoreError> {
        let (id, name) = (user.id, keys::username(user.username.as_str()));
        let account = Account { user: user.clone(), password_hash: password_hash.into() };
        let value = values::account(&account);
        self.0
            .change(value.len() + name.len(), move |txn| {
                if let Some(owner) = txn.get(Space::People, &name)? {
                    return Ok(read_owner(&owner)? == id);
                }
                txn.put(Space::People, name, values::number(id.get()));
                txn.put(Space::People, keys::account(id), value);
                Ok(true)
            })
            .await
    }

    async fn users(&self, ids: &[UserId]) -> Result<Vec<Option<User>>, StoreError> {
        let ids = ids.to_vec();
        self.0
            .read(move |store| {
                let user = |id| Ok(account(store, id)?.map(|account| account.user));
                ids.into_iter().map(user).collect()
            })
            .await
    }

    async fn credentials(
        &self,
        username: &Username,
    ) -> Result<Option<(User, Arc<str>)>, StoreError> {
        let name = keys::username(username.as_str());
        self.0
            .read(move |store| {
                let Some(owner) = store.get(Space::People, &name)? else { return Ok(None) };
                let account = account_of(store, &owner)?;
                Ok(account.map(|account| (account.user, account.password_hash)))
            })
            .await
    }

    async fn set_profile(
        &self,
        id: UserId,
        display_name: &str,
    ) -> Result<Option<User>, StoreError> {
        let (key, display_name) = (keys::account(id), Arc::from(display_name));
        self.0
            .change(256, move |txn| {
                let Some(value) = txn.get(Space::People, &key)? else { return Ok(None) };
                let mut account = values::read_account(id, &value)?;
                account.user.display_name = display_name;
                txn.put(Space::People, key, values::account(&account));
                Ok(Some(account.user))
            })
            .await
    }

    async fn search(&self, prefix: &str, limit: usize) -> Result<Vec<User>, StoreError> {
        let prefix = prefix.to_owned();
        self.0.read(move |store| search(store, &prefix, limit)).await
    }
}
