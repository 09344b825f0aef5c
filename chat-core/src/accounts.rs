//! People and their logins: registering, logging in, exchanging refresh tokens, logging out.
//!
//! [`Registry`] is the service; [`crate::port::Accounts`] and [`crate::port::Logins`] are what it
//! keeps. Access tokens are made by the gateway, from a [`Grant`].
//!
//! What holds: a name that nobody has and a wrong password give the same error after the same work.
//! A refresh token's successor follows from it and the server's key, so that any gateway can repeat
//! a lost answer and no store holds a secret in the clear. Whoever ends a login, by hand or by using
//! an old token again, also has its access tokens refused: [`Revocations`] here, a hint elsewhere.

mod refresh_token;
mod rules;
mod settle;
#[cfg(test)]
mod tests;

use std::sync::Arc;

pub use self::refresh_token::{RefreshKey, RefreshToken};
use self::settle::settled;
use crate::{
    error::{ChatError, StoreError},
    id::{LoginId, UserId},
    limits::{LOGINS_MAX, REFRESH_TTL},
    model::{Identity, Login, User, Username},
    port::{Accounts, Bus, Channel, Logins, PasswordError, Passwords, Rotation, Stores},
    revocations::{self, Revocations},
    time::Clock,
};

const WRONG_PASSWORD: ChatError = ChatError::Unauthenticated("wrong username or password");
const WRONG_TOKEN: ChatError = ChatError::Unauthenticated("the refresh token is not valid");
const NAME_TAKEN: ChatError = ChatError::Taken("username");

/// What an access token is made from, and the refresh token that gets the next one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// Who.
    pub user: UserId,
    /// By which login.
    pub login: LoginId,
    /// Good once, for the next grant of this login.
    pub refresh_token: RefreshToken,
}

impl Grant {
    /// Who stands behind requests under this grant.
    pub const fn identity(&self) -> Identity {
        Identity { user: self.user, login: self.login }
    }
}

/// Knows people and their logins.
#[derive(Debug)]
pub struct Registry {
    accounts: Arc<dyn Accounts>,
    logins: Arc<dyn Logins>,
    passwords: Arc<dyn Passwords>,
    clock: Arc<dyn Clock>,
    bus: Arc<dyn Bus>,
    revocations: Arc<dyn Revocations>,
    key: RefreshKey,
}

impl Registry {
    /// A registry over these ports. All gateways of one installation have the same key.
    pub fn new(
        stores: &Stores,
        passwords: Arc<dyn Passwords>,
        clock: Arc<dyn Clock>,
        bus: Arc<dyn Bus>,
        revocations: Arc<dyn Revocations>,
        key: RefreshKey,
    ) -> Self {
        let (accounts, logins) = (Arc::clone(&stores.accounts), Arc::clone(&stores.logins));
        Self { accounts, logins, passwords, clock, bus, revocations, key }
    }

    /// Makes an account, and its first login. The claim of the name comes last, for it is what
    /// makes all of it true: where anything before it fails, nothing was done.
    pub async fn register(
        &self,
        username: &str,
        password: &str,
        display_name: Option<&str>,
        device: Option<&str>,
    ) -> Result<(User, Grant), ChatError> {
        let username = Username::new(username)?;
        rules::password(password)?;
        let display_name = rules::display_name(display_name.unwrap_or(username.as_str()))?;
        let device = rules::device(device)?;
        if self.accounts.credentials(&username).await?.is_some() {
            return Err(NAME_TAKEN);
        }
        let hash = self.passwords.hash(password).await.map_err(refusal)?;
        let id = UserId::from(self.clock.fresh_id());
        let user = User { id, username, display_name, created_at: self.clock.now() };
        let grant = self.open(id, device).await?;
        if settled(|| self.accounts.claim(&user, &hash)).await? {
            return Ok((user, grant));
        }
        if let Err(error) = self.logins.revoke(id, grant.login).await {
            tracing::debug!(%error, "login of nobody stays until it runs out");
        }
        Err(NAME_TAKEN)
    }

    /// Opens a login on another device. Names that nobody has or can have take as long as others,
    /// and give the same error as a wrong password.
    pub async fn log_in(
        &self,
        username: &str,
        password: &str,
        device: Option<&str>,
    ) -> Result<(User, Grant), ChatError> {
        rules::guess(password)?;
        let device = rules::device(device)?;
        let known = match Username::new(username) {
            Ok(username) => self.accounts.credentials(&username).await?,
            Err(_) => None,
        };
        let hash = known.as_ref().map(|(_, hash)| hash.as_ref());
        let right = self.passwords.verify(password, hash).await.map_err(refusal)?;
        let (user, _) = known.filter(|_| right).ok_or(WRONG_PASSWORD)?;
        self.make_room(user.id).await?;
        let grant = self.open(user.id, device).await?;
        Ok((user, grant))
    }

    /// Exchanges a refresh token for the next grant of its login. An answer that was lost can be
    /// asked for again for [`crate::limits::REFRESH_GRACE`]; any other use of an old token ends the
    /// login.
    pub async fn refresh(&self, refresh_token: &str) -> Result<Grant, ChatError> {
        let presented = RefreshToken::read(refresh_token, &self.key).ok_or(WRONG_TOKEN)?;
        let successor = presented.successor(&self.key);
        let (login, now) = (presented.login(), self.clock.now());
        let (old, new) = (presented.secret(), successor.secret());
        let expires_at = now.after(REFRESH_TTL);
        match settled(|| self.logins.rotate(login, old, new, now, expires_at)).await? {
            Rotation::Rotated(kept) | Rotation::Repeated(kept) => {
                Ok(Grant { user: kept.user, login, refresh_token: successor })
            }
            Rotation::Reused { user } => {
                tracing::warn!(user.id = %user, login.id = %login, "refresh token used again");
                self.tell(Identity { user, login });
                Err(WRONG_TOKEN)
            }
            Rotation::Gone => Err(WRONG_TOKEN),
        }
    }

    /// Ends one of the caller's logins; `identity.login` is the one that the caller uses.
    pub async fn log_out(&self, identity: Identity, login: LoginId) -> Result<(), ChatError> {
        let user = identity.user;
        if login != identity.login && !self.has(user, login).await? {
            return Err(ChatError::NotFound("session"));
        }
        self.end(user, login).await.map_err(ChatError::from)
    }

    /// The caller's logins that live, newest first.
    pub async fn logins(&self, identity: Identity) -> Result<Vec<Login>, ChatError> {
        Ok(self.logins.list(identity.user, self.clock.now()).await?)
    }

    /// The caller.
    pub async fn me(&self, identity: Identity) -> Result<User, ChatError> {
        self.user(identity.user).await
    }

    /// Sets the caller's display name.
    pub async fn set_profile(
        &self,
        identity: Identity,
        display_name: &str,
    ) -> Result<User, ChatError> {
        let display_name = rules::display_name(display_name)?;
        settled(|| self.accounts.set_profile(identity.user, &display_name))
            .await?
            .ok_or(ChatError::NotFound("user"))
    }

    /// The user with this id.
    pub async fn user(&self, id: UserId) -> Result<User, ChatError> {
        let found = self.accounts.users(&[id]).await?.into_iter().next();
        found.flatten().ok_or(ChatError::NotFound("user"))
    }

    /// The users with these ids, 1 to [`crate::limits::PAGE_MAX`] of them; unknown ones are left
    /// out.
    pub async fn users(&self, ids: &[UserId]) -> Result<Vec<User>, ChatError> {
        rules::page("ids", ids.len())?;
        Ok(self.accounts.users(ids).await?.into_iter().flatten().collect())
    }

    /// Up to `limit` users whose username begins with `query`, by username.
    pub async fn search(&self, query: &str, limit: usize) -> Result<Vec<User>, ChatError> {
        rules::page("limit", limit)?;
        let prefix = rules::query(query)?;
        Ok(self.accounts.search(&prefix, limit).await?)
    }

    async fn open(&self, user: UserId, device: Option<Arc<str>>) -> Result<Grant, ChatError> {
        let (id, now) = (LoginId::from(self.clock.fresh_id()), self.clock.now());
        let refresh_token = RefreshToken::fresh(id, &self.key).map_err(|error| {
            tracing::error!(%error, "no random bytes");
            ChatError::Internal
        })?;
        let login = Login {
            id,
            user,
            device,
            created_at: now,
            used_at: now,
            expires_at: now.after(REFRESH_TTL),
            current: refresh_token.secret(),
            previous: None,
        };
        settled(|| self.logins.open(&login)).await?;
        Ok(Grant { user, login: id, refresh_token })
    }

    /// Ends the login unused longest where there is no room for one more. The store would do it
    /// too, but nobody would hear of it.
    async fn make_room(&self, user: UserId) -> Result<(), StoreError> {
        let logins = self.logins.list(user, self.clock.now()).await?;
        if logins.len() < LOGINS_MAX {
            return Ok(());
        }
        match logins.iter().min_by_key(|login| (login.used_at, login.id)) {
            Some(unused) => self.end(user, unused.id).await,
            None => Ok(()),
        }
    }

    async fn has(&self, user: UserId, login: LoginId) -> Result<bool, StoreError> {
        let logins = self.logins.list(user, self.clock.now()).await?;
        Ok(logins.iter().any(|own| own.id == login))
    }

    /// Ends a login that is known to be the user's. What may be done is told as done.
    async fn end(&self, user: UserId, login: LoginId) -> Result<(), StoreError> {
        let ended = settled(|| self.logins.revoke(user, login)).await;
        if !matches!(ended, Err(StoreError::Unavailable(_))) {
            self.tell(Identity { user, login });
        }
        ended.map(drop)
    }

    fn tell(&self, ended: Identity) {
        self.revocations.revoked(ended);
        self.bus.publish(Channel::Gateways, revocations::encode(ended));
    }
}

fn refusal(error: PasswordError) -> ChatError {
    match error {
        PasswordError::Busy => ChatError::Unavailable("too many log-ins at once"),
        PasswordError::Unusable => {
            tracing::error!(%error, "password not checked");
            ChatError::Internal
        }
    }
}
