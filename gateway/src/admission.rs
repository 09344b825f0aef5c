//! Who may do how much: token buckets before anything costs something.

use std::{net::IpAddr, sync::Arc};

use chat_core::{
    command::{Change, Command},
    error::ChatError,
    model::Identity,
    port::{Bucket, Limiter, Taken},
};

use crate::{config::RateLimits, listener::share_of, metrics, protocol::hello};

/// Bytes of a name in a key: longer ones are no names anyway.
const NAME_BYTES_MAX: usize = 64;

/// Who may do how much.
#[derive(Debug)]
pub struct Admission {
    rates: RateLimits,
    limiter: Arc<dyn Limiter>,
}

impl Admission {
    /// These rates, counted by this limiter.
    pub fn new(rates: RateLimits, limiter: Arc<dyn Limiter>) -> Self {
        Self { rates, limiter }
    }

    /// What `hello` tells of it.
    pub fn shown(&self) -> Option<hello::RateLimits> {
        self.rates.enabled.then(|| hello::RateLimits {
            messages_per_second: self.rates.messages_per_second.get(),
            burst: self.rates.messages_burst.get(),
        })
    }

    /// Whether this login may ask this now.
    pub async fn admit(&self, identity: Identity, command: &Command) -> Result<(), ChatError> {
        metrics::command(name(command));
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

    /// Whether this login may ask something that is no command of the domain.
    pub async fn admit_other(&self, identity: Identity) -> Result<(), ChatError> {
        self.take(&format!("o:{}", identity.login), self.rates.commands()).await
    }

    /// Whether somebody at this address may register or refresh.
    pub async fn admit_address(&self, address: IpAddr) -> Result<(), ChatError> {
        self.take(&format!("a:{}", share_of(address)), self.rates.address()).await
    }

    /// Whether somebody at this address may log in to this account.
    pub async fn admit_log_in(&self, address: IpAddr, username: &str) -> Result<(), ChatError> {
        self.admit_address(address).await?;
        let name: String = username.chars().take(NAME_BYTES_MAX).collect();
        self.take(&format!("u:{}", name.to_ascii_lowercase()), self.rates.account()).await
    }

    async fn take(&self, key: &str, bucket: Bucket) -> Result<(), ChatError> {
        if !self.rates.enabled {
            return Ok(());
        }
        match self.limiter.take(key, bucket).await {
            Taken::Granted => Ok(()),
            Taken::Refused { retry_after } => {
                metrics::rate_limited(&key[..1]);
                Err(ChatError::RateLimited { retry_after })
            }
        }
    }
}

/// A command's name on the wire, or as near to it as REST has one.
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
    async fn each_login_has_its_own_bucket() {
        let admission = admission(true, 2);
        assert!(admission.admit(identity(1), &typing()).await.is_ok());
        assert!(admission.admit(identity(1), &typing()).await.is_ok());
        let refused = admission.admit(identity(1), &typing()).await;
        assert!(matches!(refused, Err(ChatError::RateLimited { .. })), "{refused:?}");
        assert!(admission.admit(identity(2), &typing()).await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn account_is_one_however_its_name_is_written() {
        let admission = admission(true, 1);
        let from = |last: u8| IpAddr::from([192, 0, 2, last]);
        assert!(admission.admit_log_in(from(1), "Ada").await.is_ok());
        assert!(admission.admit_log_in(from(2), "ada").await.is_err());
        assert!(admission.admit_log_in(from(3), "grace").await.is_ok());
        assert!(admission.admit_log_in(from(3), "alan").await.is_err(), "one address");
    }

    #[tokio::test(start_paused = true)]
    async fn switched_off_admits_everything_and_says_so() {
        let admission = admission(false, 1);
        for _ in 0..10 {
            assert!(admission.admit(identity(1), &typing()).await.is_ok());
            assert!(admission.admit_address(IpAddr::from([192, 0, 2, 1])).await.is_ok());
        }
        assert_eq!(admission.shown(), None);
    }
}
