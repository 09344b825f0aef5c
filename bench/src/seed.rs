//! Users who can be used at once: accounts in the embedded store, and access tokens for them.
//!
//! Registering costs 46 MiB and tens of milliseconds of hashing for each user, which is not what is
//! measured. The accounts are therefore written into the store's folder before the server opens it,
//! by the project's own store. All have the same password, which is hashed once. The tokens are
//! signed with the key that the server reads too.

use std::{path::Path, sync::Arc};

use anyhow::{Context, Result, ensure};
use backends::embedded::{Embedded, EmbeddedConfig};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chat_core::{
    id::UserId,
    model::{User, Username},
    passwords::Argon2Passwords,
    port::{Accounts, NameClaim, Passwords},
    time::{Clock, SystemClock},
};
use futures_util::{StreamExt, TryStreamExt, stream};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::json;
use sha2::Sha256;
use tokio::runtime;

/// The node in the ids of these users. A server that runs alone is node 0.
const NODE: u16 = 1;
/// Accounts that are written at the same time.
const AT_ONCE: usize = 512;
/// Seconds for which a token is valid.
const TOKEN_SECONDS: i64 = 24 * 3600;

/// A user with an access token.
#[derive(Debug, Clone)]
pub(crate) struct Account {
    /// The user's id.
    pub(crate) id: u64,
    /// The access token of a login of this user.
    pub(crate) token: String,
}

/// Signs access tokens.
#[derive(Debug)]
pub(crate) struct Signer {
    key: [u8; 32],
}

impl Signer {
    /// Makes a signer with a new key.
    pub(crate) fn new() -> Result<Self> {
        let mut key = [0; 32];
        getrandom::fill(&mut key).context("no random bytes")?;
        Ok(Self { key })
    }

    /// Returns the content of the server's key file.
    pub(crate) fn key_file(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.key)
    }

    /// Returns a user with a token.
    pub(crate) fn account(&self, id: u64) -> Result<Account> {
        let now = SystemClock::new(NODE).now().as_millis() / 1_000;
        let header = json!({"alg": "HS256", "typ": "at+jwt"});
        let claims = json!({
            "iss": "confab", "aud": "confab", "sub": id.to_string(), "login": id.to_string(),
            "iat": now, "nbf": now, "exp": now + TOKEN_SECONDS,
        });
        let part = |value: serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", part(header), part(claims));
        let mac = Hmac::<Sha256>::new_from_slice(&self.key)?.chain_update(&signed).finalize();
        let token = format!("{signed}.{}", URL_SAFE_NO_PAD.encode(mac.into_bytes()));
        Ok(Account { id, token })
    }
}

/// Writes `count` accounts into a new store in this folder, and returns their ids.
pub(crate) fn write_accounts(folder: &Path, count: usize) -> Result<Vec<u64>> {
    let runtime = runtime::Builder::new_current_thread().enable_time().build()?;
    let embedded = Embedded::open(&EmbeddedConfig::new(folder))?;
    let accounts = embedded.stores().accounts;
    let ids = runtime.block_on(claim(accounts.as_ref(), count))?;
    drop(accounts);
    embedded.close();
    Ok(ids)
}

async fn claim(accounts: &dyn Accounts, count: usize) -> Result<Vec<u64>> {
    let hash = Argon2Passwords::new(1, 1)?.hash("an example password").await?;
    let clock = SystemClock::new(NODE);
    let users = (0..count).map(|number| {
        let username = Username::new(&format!("user-{number}"))?;
        let display_name = Arc::from(username.as_str());
        Ok(User {
            id: UserId::from(clock.fresh_id()),
            username,
            display_name,
            created_at: clock.now(),
        })
    });
    let users: Vec<User> = users.collect::<Result<_>>()?;
    let ids = stream::iter(&users)
        .map(async |user| {
            let claimed = accounts.claim(user, &hash).await?;
            ensure!(claimed == NameClaim::Yours, "{}: {claimed:?}", user.username);
            Ok(user.id.get())
        })
        .buffered(AT_ONCE);
    ids.try_collect().await
}
