//! People and their logins: registering, logging in, exchanging refresh tokens, logging out.
//!
//! [`Registry`] is the service, over the ports [`crate::port::Accounts`] and
//! [`crate::port::Logins`]. The gateway makes access tokens from a [`Grant`].
//!
//! - An unknown username and a wrong password give the same error after the same work.
//! - A refresh token's successor is derived from the token and the server's key. Any gateway can
//!   therefore repeat a lost answer, and no store keeps a token in clear text.
//! - When a login ends, by a log-out or because an old refresh token was used again, every gateway
//!   refuses its access tokens: this one through [`Revocations`], the others through a hint.

mod refresh_token;
mod retry;
mod rules;
#[cfg(test)]
mod tests;

use std::{sync::Arc, time::Duration};

use futures_util::future::try_join_all;

pub use self::refresh_token::{RefreshKey, RefreshToken};
use self::retry::retry_while_unknown;
use crate::{
    error::{ChatError, StoreError},
    id::{LoginId, UserId},
    limits::{FRESH_IDS_MAX, LOGINS_MAX, PAGE_MAX, REFRESH_TTL},
    model::{EndedLogin, Identity, Login, TokenExchange, TokenGeneration, User, Username},
    name_words,
    port::{Accounts, Bus, Channel, Logins, NameClaim, PasswordError, Passwords, Rotation, Stores},
    revocations::{self, Revocations},
    time::Clock,
};

const WRONG_PASSWORD: ChatError = ChatError::Unauthenticated("wrong username or password");
const WRONG_TOKEN: ChatError = ChatError::Unauthenticated("the refresh token is not valid");
const NAME_TAKEN: ChatError = ChatError::Taken("username");

/// The right to make an access token, and the refresh token that gets the next grant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// The user.
    pub user: UserId,
    /// The login.
    pub login: LoginId,
    /// The login's refresh token. It can be exchanged once.
    pub refresh_token: RefreshToken,
    /// The mark of the access token, whose use proves that the exchange has reached the client.
    /// `None` for the first token of a login.
    pub generation: Option<TokenGeneration>,
}

/// The settings of accounts and logins.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AccountSettings {
    /// How long access tokens of an ended login must be refused.
    pub refused_for: Duration,
    /// The maximum age of a login, however often it is refreshed.
    pub login_age_max: Duration,
    /// Names that nobody can register.
    pub reserved_names: Vec<String>,
}

impl Grant {
    /// Returns the identity of requests under this grant.
    pub const fn identity(&self) -> Identity {
        Identity { user: self.user, login: self.login }
    }
}

/// Manages people and their logins.
#[derive(Debug)]
pub struct Registry {
    accounts: Arc<dyn Accounts>,
    logins: Arc<dyn Logins>,
    passwords: Arc<dyn Passwords>,
    clock: Arc<dyn Clock>,
    bus: Arc<dyn Bus>,
    revocations: Arc<dyn Revocations>,
    key: RefreshKey,
    settings: AccountSettings,
}

impl Registry {
    /// Makes a registry over these ports. All gateways of one installation must have the same key.
    pub fn new(
        stores: &Stores,
        passwords: Arc<dyn Passwords>,
        clock: Arc<dyn Clock>,
        bus: Arc<dyn Bus>,
        revocations: Arc<dyn Revocations>,
        key: RefreshKey,
        settings: AccountSettings,
    ) -> Self {
        let accounts = Arc::clone(&stores.accounts);
        let logins = Arc::clone(&stores.logins);
        Self { accounts, logins, passwords, clock, bus, revocations, key, settings }
    }

    /// Creates an account and its first login.
    ///
    /// Claiming the username is the last step and makes the account visible, so a failure before
    /// it leaves nothing behind that anybody can see.
    pub async fn register(
        &self,
        username: &str,
        password: &str,
        display_name: Option<&str>,
        device: Option<&str>,
    ) -> Result<(User, Grant), ChatError> {
        let username = rules::new_username(username, &self.settings.reserved_names)?;
        rules::check_new_password("password", password, username.as_str()).await?;
        let display_name = rules::display_name(display_name.unwrap_or(username.as_str()))?;
        let device = rules::device(device)?;
        if self.accounts.credentials(&username).await?.is_some() {
            return Err(NAME_TAKEN);
        }
        let hash = self.passwords.hash(password).await.map_err(password_error)?;
        for _ in 0..FRESH_IDS_MAX {
            let id = UserId::from(self.clock.fresh_id());
            let user = User {
                id,
                username: username.clone(),
                display_name: display_name.clone(),
                created_at: self.clock.now(),
            };
            let grant = self.open_login(id, device.clone()).await?;
            let claim = retry_while_unknown(|| self.accounts.claim(&user, &hash)).await?;
            if claim == NameClaim::Yours {
                return Ok((user, grant));
            }
            let now = self.clock.now();
            // Nobody has an access token of this login.
            let ended = EndedLogin { identity: grant.identity(), refused_until: now };
            if let Err(error) = self.logins.revoke(ended, now).await {
                tracing::debug!(%error, "could not delete the login of a refused registration");
            }
            if claim == NameClaim::NameTaken {
                return Err(NAME_TAKEN);
            }
            tracing::error!(user.id = %id, "the id of a new user is taken");
        }
        Err(ChatError::Internal)
    }

    /// Opens a login on another device. An unknown or invalid username takes as long as a known
    /// one, and gives the same error as a wrong password.
    pub async fn log_in(
        &self,
        username: &str,
        password: &str,
        device: Option<&str>,
    ) -> Result<(User, Grant), ChatError> {
        rules::check_presented_password("password", password)?;
        let device = rules::device(device)?;
        let account = match Username::new(username) {
            Ok(username) => self.accounts.credentials(&username).await?,
            Err(_) => None,
        };
        let known = account.as_ref().map(|(_, hash)| hash.as_ref());
        let is_right = self.passwords.verify(password, known).await.map_err(password_error)?;
        let (user, hash) = account.filter(|_| is_right).ok_or(WRONG_PASSWORD)?;
        // The store would delete the least recently used login too, but without telling anybody.
        let logins = self.logins.list(user.id, self.clock.now()).await?;
        if logins.len() >= LOGINS_MAX
            && let Some(unused) = logins.iter().min_by_key(|login| (login.used_at, login.id))
        {
            self.end_login(user.id, unused.id).await?;
        }
        let grant = self.open_login(user.id, device).await?;
        // A change of the password ends all logins that are open by then. This one may be later.
        let now = self.accounts.credentials(&user.username).await?;
        if now.is_none_or(|(_, now)| now != hash) {
            self.end_login(user.id, grant.login).await?;
            return Err(WRONG_PASSWORD);
        }
        Ok((user, grant))
    }

    /// Returns the login of a refresh token that was issued here, or `None` for any other text. Reads no
    /// store.
    pub fn login_of(&self, refresh_token: &str) -> Option<LoginId> {
        RefreshToken::parse(refresh_token, &self.key).map(|token| token.login())
    }

    /// Exchanges a refresh token for the next grant of its login. The answer may be lost, so the same
    /// exchange can be repeated until a token of that grant is used. Any later use of an old token
    /// ends the login, because one of the tokens must have been stolen.
    pub async fn refresh(&self, refresh_token: &str) -> Result<Grant, ChatError> {
        let presented = RefreshToken::parse(refresh_token, &self.key).ok_or(WRONG_TOKEN)?;
        let successor = presented.successor(&self.key);
        let login = presented.login();
        let now = self.clock.now();
        let exchange = TokenExchange {
            presented: presented.secret(),
            successor: successor.secret(),
            now,
            expires_at: now.after(REFRESH_TTL),
            age_max: self.settings.login_age_max,
            refused_until: now.after(self.settings.refused_for),
        };
        match retry_while_unknown(|| self.logins.rotate(login, &exchange)).await? {
            Rotation::Rotated(stored) | Rotation::Repeated(stored) => {
                let generation = Some(exchange.successor.generation());
                Ok(Grant { user: stored.user, login, refresh_token: successor, generation })
            }
            Rotation::Reused { user } => {
                tracing::warn!(user.id = %user, login.id = %login, "refresh token used again");
                self.broadcast_revocation(Identity { user, login });
                Err(WRONG_TOKEN)
            }
            Rotation::Ended { user } => {
                self.broadcast_revocation(Identity { user, login });
                Err(WRONG_TOKEN)
            }
            Rotation::Gone => Err(WRONG_TOKEN),
        }
    }

    /// Ends one of the caller's logins. The caller's own login may have ended already; another one
    /// must exist.
    pub async fn log_out(&self, identity: Identity, login: LoginId) -> Result<(), ChatError> {
        if login != identity.login {
            let logins = self.logins.list(identity.user, self.clock.now()).await?;
            if !logins.iter().any(|one| one.id == login) {
                return Err(ChatError::NotFound("session"));
            }
        }
        Ok(self.end_login(identity.user, login).await?)
    }

    /// Records that an access token of this generation was used: the refresh token that was
    /// exchanged for its grant may not be used again.
    pub async fn mark_used(
        &self,
        login: LoginId,
        generation: TokenGeneration,
    ) -> Result<(), ChatError> {
        Ok(self.logins.mark_used(login, generation).await?)
    }

    /// Ends all logins of the caller except the caller's own.
    pub async fn log_out_others(&self, identity: Identity) -> Result<(), ChatError> {
        let logins = self.logins.list(identity.user, self.clock.now()).await?;
        let others = logins.iter().map(|login| login.id).filter(|id| *id != identity.login);
        let ended = others.map(|login| self.end_login(identity.user, login));
        try_join_all(ended).await?;
        Ok(())
    }

    /// Replaces the caller's password and ends all logins except the caller's own.
    pub async fn change_password(
        &self,
        identity: Identity,
        old_password: &str,
        new_password: &str,
    ) -> Result<(), ChatError> {
        rules::check_presented_password("old_password", old_password)?;
        let user = self.user(identity.user).await?;
        rules::check_new_password("new_password", new_password, user.username.as_str()).await?;
        let (user, before) =
            self.accounts.credentials(&user.username).await?.ok_or(ChatError::NotFound("user"))?;
        let verified = self.passwords.verify(old_password, Some(&before)).await;
        if !verified.map_err(password_error)? {
            return Err(ChatError::WrongPassword("old_password"));
        }
        let after = self.passwords.hash(new_password).await.map_err(password_error)?;
        if !retry_while_unknown(|| self.accounts.set_password(&user, &before, &after)).await? {
            return Err(ChatError::Conflict("the password was changed by another request"));
        }
        self.log_out_others(identity).await
    }

    /// Returns the caller's logins that have not expired, newest first.
    pub async fn logins(&self, identity: Identity) -> Result<Vec<Login>, ChatError> {
        Ok(self.logins.list(identity.user, self.clock.now()).await?)
    }

    /// Returns the caller.
    pub async fn me(&self, identity: Identity) -> Result<User, ChatError> {
        self.user(identity.user).await
    }

    /// Sets the caller's display name and returns the changed user.
    pub async fn set_profile(
        &self,
        identity: Identity,
        display_name: &str,
    ) -> Result<User, ChatError> {
        let display_name = rules::display_name(display_name)?;
        retry_while_unknown(|| self.accounts.set_profile(identity.user, &display_name))
            .await?
            .ok_or(ChatError::NotFound("user"))
    }

    /// Returns the user with this id.
    pub async fn user(&self, id: UserId) -> Result<User, ChatError> {
        let found = self.accounts.users(&[id]).await?.into_iter().next();
        found.flatten().ok_or(ChatError::NotFound("user"))
    }

    /// Returns the users with these ids, 1 to [`crate::limits::PAGE_MAX`] of them. Unknown ids are
    /// left out.
    pub async fn users(&self, ids: &[UserId]) -> Result<Vec<User>, ChatError> {
        rules::check_page_size("ids", ids.len())?;
        Ok(self.accounts.users(ids).await?.into_iter().flatten().collect())
    }

    /// Returns up to `limit` users whose username starts with `query`, ordered by username, and then
    /// those whose display name has a word for each beginning in `query`.
    pub async fn search(&self, query: &str, limit: usize) -> Result<Vec<User>, ChatError> {
        rules::check_page_size("limit", limit)?;
        let mut found = match rules::search_prefix(query)? {
            Some(prefix) => self.accounts.search(&prefix, limit).await?,
            None => Vec::new(),
        };
        let beginnings = name_words::words(query);
        let longest = beginnings.iter().max_by_key(|word| word.len());
        let Some(longest) = longest.filter(|_| found.len() < limit) else { return Ok(found) };
        let by_word = self.accounts.search_words(longest, PAGE_MAX).await?.into_iter();
        let known: Vec<UserId> = found.iter().map(|user| user.id).collect();
        found.extend(by_word.filter(|user| {
            !known.contains(&user.id) && name_words::matches(&user.display_name, &beginnings)
        }));
        found.truncate(limit);
        Ok(found)
    }

    async fn open_login(&self, user: UserId, device: Option<Arc<str>>) -> Result<Grant, ChatError> {
        for _ in 0..FRESH_IDS_MAX {
            let id = LoginId::from(self.clock.fresh_id());
            let now = self.clock.now();
            let refresh_token = RefreshToken::random(id, &self.key).map_err(|error| {
                tracing::error!(%error, "the system gave no random bytes");
                ChatError::Internal
            })?;
            let login = Login {
                id,
                user,
                device: device.clone(),
                created_at: now,
                used_at: now,
                expires_at: now.after(REFRESH_TTL.min(self.settings.login_age_max)),
                current: refresh_token.secret(),
                previous: None,
            };
            if retry_while_unknown(|| self.logins.open(&login)).await? {
                return Ok(Grant { user, login: id, refresh_token, generation: None });
            }
            tracing::error!(login.id = %id, "the id of a new login is taken");
        }
        Err(ChatError::Internal)
    }

    /// Ends a login that is known to be the user's. If the outcome stays unknown, the login may
    /// have ended, so its revocation is broadcast too.
    async fn end_login(&self, user: UserId, login: LoginId) -> Result<(), StoreError> {
        let identity = Identity { user, login };
        let now = self.clock.now();
        let refused_until = now.after(self.settings.refused_for);
        let ended = EndedLogin { identity, refused_until };
        let ended = retry_while_unknown(|| self.logins.revoke(ended, now)).await;
        if !matches!(ended, Err(StoreError::Unavailable(_))) {
            self.broadcast_revocation(identity);
        }
        ended.map(drop)
    }

    fn broadcast_revocation(&self, ended: Identity) {
        self.revocations.revoked(ended);
        self.bus.publish(Channel::Gateways, revocations::encode(&[ended]));
    }
}

fn password_error(error: PasswordError) -> ChatError {
    match error {
        PasswordError::Busy => ChatError::Unavailable("too many log-ins at once"),
        PasswordError::Unusable => {
            tracing::error!(%error, "could not hash or verify a password");
            ChatError::Internal
        }
    }
}
