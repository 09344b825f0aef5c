//! Users and their password hashes.

use std::{collections::HashSet, sync::Arc};

use async_trait::async_trait;
use chat_core::{
    error::StoreError,
    id::UserId,
    model::{User, Username},
    name_words,
    port::{Accounts, NameClaim},
};

use super::{
    changes::Txn,
    keys,
    spaces::Space,
    store::Shared,
    values::{self, Account},
};

/// Bytes of the rows of the words of a display name, at most.
const NAME_WORDS_BYTES: usize = 2_048;
/// Rows that are read for each user who is wanted. More words with the same beginning are rare.
const ROWS_PER_USER: usize = 2;

/// The accounts of an embedded store.
#[derive(Debug)]
pub(super) struct EmbeddedAccounts(pub(super) Arc<Shared>);

#[async_trait]
impl Accounts for EmbeddedAccounts {
    async fn claim(&self, user: &User, password_hash: &str) -> Result<NameClaim, StoreError> {
        let id = user.id;
        let name = keys::username(user.username.as_str());
        let account = Account { user: user.clone(), password_hash: password_hash.into() };
        let value = values::encode(&account);
        let words = name_words::words(&user.display_name);
        self.0
            .change(value.len() + name.len() + NAME_WORDS_BYTES, move |txn| {
                if let Some(owner) = txn.get::<UserId>(Space::People, &name)? {
                    let is_own = owner == id;
                    return Ok(if is_own { NameClaim::Yours } else { NameClaim::NameTaken });
                }
                if txn.get::<Account>(Space::People, &keys::account(id))?.is_some() {
                    return Ok(NameClaim::IdTaken);
                }
                txn.put(Space::People, name, &id);
                index(txn, &words, id);
                txn.put_encoded(Space::People, keys::account(id), value);
                Ok(NameClaim::Yours)
            })
            .await
    }

    async fn users(&self, ids: &[UserId]) -> Result<Vec<Option<User>>, StoreError> {
        let ids = ids.to_vec();
        self.0
            .read(move |store| {
                let accounts =
                    ids.into_iter().map(|id| store.get(Space::People, &keys::account(id)));
                accounts.map(|account| Ok(account?.map(|account: Account| account.user))).collect()
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
                let account: Option<Account> = store.get(Space::People, &keys::account(owner))?;
                Ok(account.map(|account| (account.user, account.password_hash)))
            })
            .await
    }

    async fn set_password(
        &self,
        user: &User,
        before: &str,
        after: &str,
    ) -> Result<bool, StoreError> {
        let key = keys::account(user.id);
        let (before, after) = (before.to_owned(), Arc::<str>::from(after));
        self.0
            .change(512, move |txn| {
                let account: Option<Account> = txn.get(Space::People, &key)?;
                let Some(mut account) = account else { return Ok(false) };
                if *account.password_hash == *before {
                    account.password_hash = after.clone();
                    txn.put(Space::People, key, &account);
                }
                Ok(account.password_hash == after)
            })
            .await
    }

    async fn set_profile(
        &self,
        id: UserId,
        display_name: &str,
    ) -> Result<Option<User>, StoreError> {
        let key = keys::account(id);
        let words = name_words::words(display_name);
        let display_name = Arc::from(display_name);
        self.0
            .change(256 + NAME_WORDS_BYTES, move |txn| {
                let account: Option<Account> = txn.get(Space::People, &key)?;
                let Some(mut account) = account else { return Ok(None) };
                for word in name_words::words(&account.user.display_name) {
                    txn.remove(Space::People, keys::name_word(&word, id));
                }
                index(txn, &words, id);
                account.user.display_name = display_name;
                txn.put(Space::People, key, &account);
                Ok(Some(account.user))
            })
            .await
    }

    async fn search(&self, prefix: &str, limit: usize) -> Result<Vec<User>, StoreError> {
        let prefix = keys::username(prefix);
        self.0
            .read(move |store| {
                let mut users = Vec::new();
                for (key, value) in store.scan_up_to(Space::People, &prefix, limit)? {
                    let owner = values::decode(&key, &value)?;
                    let account: Option<Account> =
                        store.get(Space::People, &keys::account(owner))?;
                    users.extend(account.map(|account| account.user));
                }
                Ok(users)
            })
            .await
    }

    async fn search_words(&self, prefix: &str, limit: usize) -> Result<Vec<User>, StoreError> {
        let prefix = keys::name_words(prefix);
        self.0
            .read(move |store| {
                // A user may have several such words.
                let rows = store.scan_up_to(Space::People, &prefix, limit * ROWS_PER_USER)?;
                let mut found = Vec::new();
                let mut seen = HashSet::new();
                for user in rows.iter().filter_map(|(key, _)| keys::user_of_name_word(key)) {
                    if found.len() == limit {
                        break;
                    }
                    if seen.insert(user) {
                        let account: Option<Account> =
                            store.get(Space::People, &keys::account(user))?;
                        found.extend(account.map(|account| account.user));
                    }
                }
                Ok(found)
            })
            .await
    }
}

fn index(txn: &mut Txn<'_>, words: &[String], user: UserId) {
    for word in words {
        txn.put_encoded(Space::People, keys::name_word(word, user), Vec::new());
    }
}
