//! Password hashing whose calls follow a test's instructions.

use std::sync::Arc;

use async_trait::async_trait;

use super::{Call, Faults};
use crate::port::{PasswordError, Passwords};

#[derive(Debug)]
pub(super) struct FaultyPasswords {
    pub(super) inner: Arc<dyn Passwords>,
    pub(super) faults: Arc<Faults>,
}

#[async_trait]
impl Passwords for FaultyPasswords {
    async fn hash(&self, password: &str) -> Result<String, PasswordError> {
        self.faults.begin(Call::Hash).await;
        self.inner.hash(password).await
    }

    async fn verify(&self, password: &str, hash: Option<&str>) -> Result<bool, PasswordError> {
        self.faults.begin(Call::Verify).await;
        self.inner.verify(password, hash).await
    }
}
