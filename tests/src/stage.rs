//! A gateway with users, which most scenarios start with.

use anyhow::Result;

use crate::{
    client::User,
    gateway::{Gateway, Settings},
};

/// A gateway of one test.
#[derive(Debug)]
pub struct Stage {
    /// The gateway.
    pub gateway: Gateway,
}

impl Stage {
    /// Starts a gateway with an empty store and no rate limits.
    pub async fn open() -> Result<Self> {
        Ok(Self { gateway: Gateway::start().await? })
    }

    /// Starts a gateway with these settings.
    pub async fn with(settings: Settings) -> Result<Self> {
        Ok(Self { gateway: Gateway::with(settings).await? })
    }

    /// Registers a user.
    pub async fn user(&self, username: &str) -> Result<User> {
        User::register(self.gateway.url(), username).await
    }

    /// Registers three users who share no conversation.
    pub async fn ada_bob_eve(&self) -> Result<(User, User, User)> {
        Ok((self.user("ada").await?, self.user("bob").await?, self.user("eve").await?))
    }
}
