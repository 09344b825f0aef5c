//! A gateway with people on it: how nearly every scenario begins.

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
    /// A gateway with an empty store and no rate limits.
    pub async fn open() -> Result<Self> {
        Ok(Self { gateway: Gateway::start().await? })
    }

    /// A gateway with these settings.
    pub async fn with(settings: Settings) -> Result<Self> {
        Ok(Self { gateway: Gateway::with(settings).await? })
    }

    /// A new user.
    pub async fn user(&self, username: &str) -> Result<User> {
        User::register(self.gateway.url(), username).await
    }

    /// Three new users, who share no conversation yet.
    pub async fn ada_bob_eve(&self) -> Result<(User, User, User)> {
        Ok((self.user("ada").await?, self.user("bob").await?, self.user("eve").await?))
    }
}
