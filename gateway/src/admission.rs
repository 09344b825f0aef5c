//! Rate limits: takes tokens from buckets before any costly work.

mod known_places;
mod password_places;
mod prices;
pub mod quota;
mod turns;

use std::{fmt, net::IpAddr, sync::Arc};

use ::metrics::counter;
use chat_core::{
    command::{Change, Command},
    error::ChatError,
    id::{ConversationId, LoginId, UserId},
    port::{Bucket, Limiter, Taken},
};

pub use self::prices::Price;
use self::{
    known_places::KnownPlaces,
    password_places::{PasswordPlace, PasswordPlaces},
    prices::{BYTES_PER_TOKEN, COMPARED_BYTES_PER_TOKEN, MEMBERSHIPS_PER_TOKEN, tokens},
    turns::{Turn, Turns},
};
use crate::{config::RateLimits, listener::limited_as, metrics, protocol::hello};

/// Sessions of one user that are opened at the same time.
const OPENINGS_AT_ONCE: usize = 2;
/// Characters of a user name in the key of its bucket. Longer names are never valid.
const NAME_CHARS_MAX: usize = 64;

/// Whose tokens a bucket has.
#[derive(Debug, Clone, Copy)]
enum Payer {
    UserWrites,
    UserRequests,
    UserAdditions,
    UserInvites,
    AddressPreviews,
    Conversation,
    Address,
    AccountFromAddress,
    AccountFromAnywhere,
    Login,
}

impl Payer {
    /// Returns the beginning of the keys of these buckets, which is also their label in metrics.
    const fn label(self) -> &'static str {
        match self {
            Self::UserWrites => "m",
            Self::UserRequests => "o",
            Self::UserAdditions => "n",
            Self::UserInvites => "i",
            Self::AddressPreviews => "p",
            Self::Conversation => "c",
            Self::Address => "a",
            Self::AccountFromAddress => "v",
            Self::AccountFromAnywhere => "u",
            Self::Login => "r",
        }
    }

    /// Returns the name in the headers of answers. What others do to an account is not shown.
    const fn public_name(self) -> Option<&'static str> {
        match self {
            Self::UserWrites => Some("messages"),
            Self::UserRequests => Some("requests"),
            Self::UserAdditions => Some("additions"),
            Self::UserInvites | Self::AddressPreviews => Some("invites"),
            Self::Conversation => Some("conversation"),
            Self::Address => Some("address"),
            Self::AccountFromAddress => Some("account"),
            Self::AccountFromAnywhere => None,
            Self::Login => Some("refreshes"),
        }
    }
}

/// Applies the rate limits. Each user has buckets that all their logins share.
#[derive(Debug)]
pub struct Admission {
    rates: RateLimits,
    limiter: Arc<dyn Limiter>,
    /// Sessions that are being opened.
    openings: Turns,
    /// Files that are being examined.
    examinations: Turns,
    password_places: Arc<PasswordPlaces>,
    known_places: KnownPlaces,
}

/// The permission to verify a password.
#[derive(Debug)]
pub struct LogInPermit {
    account: String,
    address: IpAddr,
    _place: Option<PasswordPlace>,
}

/// The permission to open a session.
#[derive(Debug)]
pub struct SessionPermit<'a> {
    admission: &'a Admission,
    user: UserId,
    _turn: Option<Turn<'a>>,
}

impl SessionPermit<'_> {
    /// Charges the user for a session with this many memberships. Only now is its price known.
    pub async fn charge(self, memberships: usize) {
        self.admission.charge_memberships(self.user, memberships).await;
    }
}

/// The permission to examine a file.
#[derive(Debug)]
pub struct ExaminationPermit<'a> {
    admission: &'a Admission,
    user: UserId,
    _turn: Option<Turn<'a>>,
}

impl ExaminationPermit<'_> {
    /// Charges the user for the memory in which the file was examined. The time is in proportion to it.
    pub async fn charge(self, memory_bytes: u64) {
        self.admission.charge_bytes(self.user, memory_bytes).await;
    }
}

impl Admission {
    /// Applies these rates with this limiter. At most `passwords_max` passwords are hashed or wait for
    /// that.
    pub fn new(rates: RateLimits, limiter: Arc<dyn Limiter>, passwords_max: usize) -> Self {
        Self {
            rates,
            limiter,
            openings: Turns::new(OPENINGS_AT_ONCE),
            examinations: Turns::new(1),
            password_places: PasswordPlaces::new(passwords_max),
            known_places: KnownPlaces::default(),
        }
    }

    /// Returns true if there are any limits.
    pub const fn are_enabled(&self) -> bool {
        self.rates.enabled
    }

    /// Returns the limits that `hello` reports to clients, or `None` if they are disabled.
    pub fn shown(&self) -> Option<hello::RateLimits> {
        self.rates.enabled.then(|| hello::RateLimits {
            messages_per_second: self.rates.messages_per_second.get(),
            burst: self.rates.messages_burst.get(),
        })
    }

    /// Takes the tokens of a command from its user. Fails with `RateLimited` if a bucket is empty.
    pub async fn admit(&self, user: UserId, command: &Command) -> Result<(), ChatError> {
        metrics::command(name(command));
        match command {
            Command::Write(write) => {
                if matches!(write.change, Change::SetMember { .. }) {
                    self.admit_additions(user, 1).await?;
                }
                self.take(Payer::UserWrites, user, self.rates.messages(), 1).await
            }
            Command::CreateGroup { members, .. } => {
                self.admit_other(user, Price::Request).await?;
                self.admit_additions(user, tokens(members.len() + 1, 1)).await
            }
            Command::OpenDirect { .. } => {
                self.admit_other(user, Price::Request).await?;
                // It may exist already: see `charge_addition`.
                self.admit_additions(user, 0).await
            }
            Command::AcceptInvite { .. } => self.admit_invites(user).await,
            Command::Search { .. } => self.admit_other(user, Price::Messages).await,
            Command::Receipt { .. }
            | Command::Typing { .. }
            | Command::History { .. }
            | Command::Conversations { .. }
            | Command::Conversation { .. }
            | Command::Accept { .. }
            | Command::Decline { .. }
            | Command::Member { .. }
            | Command::Members { .. } => self.admit_other(user, Price::Request).await,
        }
    }

    /// Takes a token for a write in a conversation that the user is a member of. Outsiders never get
    /// here, so that they cannot silence a conversation.
    pub async fn admit_write_in(&self, conversation: ConversationId) -> Result<(), ChatError> {
        self.take(Payer::Conversation, conversation, self.rates.conversation(), 1).await
    }

    /// Takes the tokens for a request that is not a write, including those that are not commands.
    pub async fn admit_other(&self, user: UserId, price: Price<'_>) -> Result<(), ChatError> {
        self.take(Payer::UserRequests, user, self.rates.commands(), price.tokens()).await
    }

    /// Takes the tokens of a user for anything with an invite: nobody may try many codes.
    pub async fn admit_invites(&self, user: UserId) -> Result<(), ChatError> {
        self.admit_other(user, Price::Request).await?;
        self.take(Payer::UserInvites, user, self.rates.invites(), 1).await
    }

    /// Takes a token for looking at an invite: from the user, or from the address of people without an
    /// account.
    pub async fn admit_preview(
        &self,
        user: Option<UserId>,
        address: IpAddr,
    ) -> Result<(), ChatError> {
        if let Some(user) = user {
            return self.admit_invites(user).await;
        }
        let (address, bucket) = (limited_as(address), self.rates.invites());
        self.take(Payer::AddressPreviews, address, bucket, 1).await
    }

    /// Takes a token for opening a session, and waits while the user opens others.
    pub async fn begin_session(&self, user: UserId) -> Result<SessionPermit<'_>, ChatError> {
        self.admit_other(user, Price::Request).await?;
        let turn = if self.rates.enabled { Some(self.openings.take(user).await) } else { None };
        Ok(SessionPermit { admission: self, user, _turn: turn })
    }

    /// Charges a user for a request that has read this many memberships, beyond the token that it took
    /// before.
    pub async fn charge_memberships(&self, user: UserId, memberships: usize) {
        let tokens = tokens(memberships, MEMBERSHIPS_PER_TOKEN) - 1;
        self.charge(Payer::UserRequests, user, self.rates.commands(), tokens).await;
    }

    /// Charges a user for bytes of files that were received or will be sent, or of memory in which they
    /// were examined, beyond the token that the request took before.
    pub async fn charge_bytes(&self, user: UserId, bytes: u64) {
        let tokens = u32::try_from(bytes / BYTES_PER_TOKEN).unwrap_or(u32::MAX);
        self.charge(Payer::UserRequests, user, self.rates.commands(), tokens).await;
    }

    /// Waits while another file of this user is examined. So the files of others wait for one of them
    /// at most.
    pub async fn begin_examination(&self, user: UserId) -> ExaminationPermit<'_> {
        let turn = if self.rates.enabled { Some(self.examinations.take(user).await) } else { None };
        ExaminationPermit { admission: self, user, _turn: turn }
    }

    /// Charges a user for a search that has compared this many bytes of texts, beyond the first token's.
    pub async fn charge_comparison(&self, user: UserId, bytes: usize) {
        let tokens = tokens(bytes, COMPARED_BYTES_PER_TOKEN) - 1;
        self.charge(Payer::UserRequests, user, self.rates.commands(), tokens).await;
    }

    /// Charges a user for a new direct conversation.
    pub async fn charge_addition(&self, user: UserId) {
        self.charge(Payer::UserAdditions, user, self.rates.additions(), 1).await;
    }

    /// Takes tokens for adding people to conversations, and for making conversations.
    async fn admit_additions(&self, user: UserId, tokens: u32) -> Result<(), ChatError> {
        self.take(Payer::UserAdditions, user, self.rates.additions(), tokens).await
    }

    /// Takes a token for a registration from this address, and a place to hash its password.
    pub async fn admit_registration(
        &self,
        address: IpAddr,
    ) -> Result<Option<PasswordPlace>, ChatError> {
        self.admit_address(address).await?;
        self.take_place(address, false)
    }

    /// Takes a token for a refresh: from the login if the token is ours, and else from the address, so
    /// that somebody who sends junk from the same address does not stop it.
    pub async fn admit_refresh(
        &self,
        address: IpAddr,
        login: Option<LoginId>,
    ) -> Result<(), ChatError> {
        match login {
            Some(login) => self.take(Payer::Login, login, self.rates.account(), 1).await,
            None => self.admit_address(address).await,
        }
    }

    /// Takes the tokens for a log-in from this address to this account, and a place to verify its
    /// password. Guesses from one place do not stop log-ins from others, and a place from which the
    /// account has logged in before is not affected by guesses from anywhere else.
    pub async fn admit_log_in(
        &self,
        address: IpAddr,
        username: &str,
    ) -> Result<LogInPermit, ChatError> {
        self.admit_address(address).await?;
        let account =
            username.chars().take(NAME_CHARS_MAX).collect::<String>().to_ascii_lowercase();
        let here = format!("{account}:{}", limited_as(address));
        self.take(Payer::AccountFromAddress, here, self.rates.account(), 1).await?;
        let is_known = self.known_places.contains(&account, address);
        if !is_known {
            self.take(Payer::AccountFromAnywhere, &account, self.rates.account_anywhere(), 1)
                .await?;
        }
        let place = self.take_place(address, is_known)?;
        Ok(LogInPermit { account, address, _place: place })
    }

    /// Records that a log-in has succeeded.
    pub fn logged_in(&self, permit: &LogInPermit) {
        self.known_places.add(&permit.account, permit.address);
    }

    async fn admit_address(&self, address: IpAddr) -> Result<(), ChatError> {
        self.take(Payer::Address, limited_as(address), self.rates.address(), 1).await
    }

    fn take_place(
        &self,
        address: IpAddr,
        is_known: bool,
    ) -> Result<Option<PasswordPlace>, ChatError> {
        if !self.rates.enabled {
            return Ok(None);
        }
        let place = self.password_places.take(address, is_known);
        place.map(Some).ok_or(ChatError::Unavailable("too many log-ins at the same time"))
    }

    /// Takes tokens even from an empty bucket.
    async fn charge(&self, payer: Payer, id: impl fmt::Display, bucket: Bucket, tokens: u32) {
        if self.rates.enabled && tokens > 0 {
            self.limiter.charge(&format!("{}:{id}", payer.label()), bucket, tokens).await;
        }
    }

    async fn take(
        &self,
        payer: Payer,
        id: impl fmt::Display,
        bucket: Bucket,
        tokens: u32,
    ) -> Result<(), ChatError> {
        if !self.rates.enabled {
            return Ok(());
        }
        let key = format!("{}:{id}", payer.label());
        let taken = self.limiter.take(&key, bucket, tokens).await;
        if let Some(name) = payer.public_name() {
            quota::note(name, bucket, taken);
        }
        match taken {
            Taken::Granted { .. } => Ok(()),
            Taken::Refused { retry_after } => {
                counter!("confab_rate_limited_total", "bucket" => payer.label()).increment(1);
                Err(ChatError::RateLimited { retry_after })
            }
        }
    }
}

/// Returns a command's name on the wire, or a similar name if only REST has the command.
const fn name(command: &Command) -> &'static str {
    match command {
        Command::Write(write) => match &write.change {
            Change::Text { .. } => "send",
            Change::Edit { .. } => "edit",
            Change::Redact { .. } => "redact",
            Change::React { .. } => "react",
            Change::SetMember { .. } => "set_member",
            Change::Remove { .. } => "remove_member",
            Change::Join { .. } => "join",
            Change::SetTitle { .. } => "set_title",
        },
        Command::Receipt { .. } => "receipt",
        Command::Typing { .. } => "typing",
        Command::History { .. } => "history",
        Command::Search { .. } => "search",
        Command::OpenDirect { .. } => "open_direct",
        Command::CreateGroup { .. } => "create_group",
        Command::Conversations { .. } => "conversations",
        Command::Conversation { .. } => "conversation",
        Command::Accept { .. } => "accept",
        Command::AcceptInvite { .. } => "accept_invite",
        Command::Decline { .. } => "decline",
        Command::Member { .. } | Command::Members { .. } => "members",
    }
}

#[cfg(test)]
mod tests;
