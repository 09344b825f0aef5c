//! Rate limits: takes tokens from buckets before any costly work.

use std::{net::IpAddr, sync::Arc};

use chat_core::{
    command::{Change, Command},
    error::ChatError,
    model::Identity,
    port::{Bucket, Limiter, Taken},
};
use metrics::counter;

use crate::{config::RateLimits, listener::limited_as, protocol::hello};

/// Characters of a user name in the key of its bucket. Longer names are never valid.
const NAME_CHARS_MAX: usize = 64;

/// Applies the rate limits.
#[derive(Debug)]
pub struct Admission {
    rates: RateLimits,
    limiter: Arc<dyn Limiter>,
}

impl Admission {
    /// Applies these rates with this limiter.
    pub fn new(rates: RateLimits, limiter: Arc<dyn Limiter>) -> Self {
        Self { rates, limiter }
    }

    /// Returns the limits that `hello` reports to clients, or `None` if they are disabled.
    pub fn shown(&self) -> Option<hello::RateLimits> {
        self.rates.enabled.then(|| hello::RateLimits {
            messages_per_second: self.rates.messages_per_second.get(),
            burst: self.rates.messages_burst.get(),
        })
    }

    /// Takes the tokens of a command. Fails with `RateLimited` if a bucket is empty.
    pub async fn admit(&self, identity: Identity, command: &Command) -> Result<(), ChatError> {
        counter!("confab_commands_total", "command" => name(command)).increment(1);
        let login = identity.login;
        match command {
            Command::Write(write) => {
                self.take(&format!("m:{login}"), self.rates.messages()).await?;
                self.take(&format!("c:{}", write.conversation), self.rates.conversation()).await
            }
            Command::Receipt { .. }
            | Command::Typing { .. }
            | Command::History { .. }
            | Command::OpenDirect { .. }
            | Command::CreateGroup { .. }
            | Command::Conversations { .. }
            | Command::Conversation { .. }
            | Command::Member { .. }
            | Command::Members { .. } => self.admit_other(identity).await,
        }
    }

    /// Takes a token for a request that is not a write, including those that are not commands.
    pub async fn admit_other(&self, identity: Identity) -> Result<(), ChatError> {
        self.take(&format!("o:{}", identity.login), self.rates.commands()).await
    }

    /// Takes a token for a registration or a refresh from this address.
    pub async fn admit_address(&self, address: IpAddr) -> Result<(), ChatError> {
        self.take(&format!("a:{}", limited_as(address)), self.rates.address()).await
    }

    /// Takes the tokens for a log-in from this address to this account.
    pub async fn admit_log_in(&self, address: IpAddr, username: &str) -> Result<(), ChatError> {
        self.admit_address(address).await?;
        let name: String = username.chars().take(NAME_CHARS_MAX).collect();
        self.take(&format!("u:{}", name.to_ascii_lowercase()), self.rates.account()).await
    }

    async fn take(&self, key: &str, bucket: Bucket) -> Result<(), ChatError> {
        if !self.rates.enabled {
            return Ok(());
        }
        match self.limiter.take(key, bucket).await {
            Taken::Granted => Ok(()),
            Taken::Refused { retry_after } => {
                let bucket = key[..1].to_owned();
                counter!("confab_rate_limited_total", "bucket" => bucket).increment(1);
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
            Change::SetTitle { .. } => "set_title",
        },
        Command::Receipt { .. } => "receipt",
        Command::Typing { .. } => "typing",
        Command::History { .. } => "history",
        Command::OpenDirect { .. } => "open_direct",
        Command::CreateGroup { .. } => "create_group",
        Command::Conversations { .. } => "conversations",
        Command::Conversation { .. } => "conversation",
        Command::Member { .. } | Command::Members { .. } => "members",
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use chat_core::{
        id::{ConversationId, LoginId, UserId},
        memory::LocalLimiter,
    };

    use super::*;

    fn admission(enabled: bool, burst: u32) -> Admission {
        let burst = NonZeroU32::new(burst).unwrap();
        let rates = RateLimits {
            enabled,
            commands_per_second: NonZeroU32::MIN,
            commands_burst: burst,
            address_per_second: NonZeroU32::MIN,
            address_burst: burst,
            account_per_second: NonZeroU32::MIN,
            account_burst: burst,
            ..RateLimits::default()
        };
        Admission::new(rates, Arc::new(LocalLimiter::default()))
    }

    fn identity(login: u64) -> Identity {
        Identity { user: UserId::new(1).unwrap(), login: LoginId::new(login).unwrap() }
    }

    fn typing() -> Command {
        Command::Typing { conversation: ConversationId::new(7).unwrap(), on: true }
    }

    #[tokio::test(start_paused = true)]
    async fn logins_do_not_share_a_bucket() {
        let admission = admission(true, 2);
        assert!(admission.admit(identity(1), &typing()).await.is_ok());
        assert!(admission.admit(identity(1), &typing()).await.is_ok());
        let refused = admission.admit(identity(1), &typing()).await;
        assert!(matches!(refused, Err(ChatError::RateLimited { .. })), "{refused:?}");
        assert!(admission.admit(identity(2), &typing()).await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn account_has_one_bucket_when_its_name_changes_case() {
        let admission = admission(true, 1);
        let from = |last: u8| IpAddr::from([192, 0, 2, last]);
        assert!(admission.admit_log_in(from(1), "Ada").await.is_ok());
        assert!(admission.admit_log_in(from(2), "ada").await.is_err());
        assert!(admission.admit_log_in(from(3), "grace").await.is_ok());
        assert!(admission.admit_log_in(from(3), "alan").await.is_err(), "one address");
    }

    #[tokio::test(start_paused = true)]
    async fn everything_is_admitted_when_limits_are_disabled() {
        let admission = admission(false, 1);
        for _ in 0..10 {
            assert!(admission.admit(identity(1), &typing()).await.is_ok());
            assert!(admission.admit_address(IpAddr::from([192, 0, 2, 1])).await.is_ok());
        }
        assert_eq!(admission.shown(), None);
    }
}
