//! Password hashing whose queue is measured.

use std::sync::Arc;

use async_trait::async_trait;
use chat_core::port::{PasswordError, Passwords};

use crate::metrics;

/// Password hashing whose queue is seen.
#[derive(Debug)]
pub struct MeteredPasswords(pub Arc<dyn Passwords>);

#[async_trait]
impl Passwords for MeteredPasswords {
    async fn hash(&self, password: &str) -> Result<String, PasswordError> {
        let _counted = metrics::password();
        self.0.hash(password).await
    }

    async fn verify(&self, password: &str, hash: Option<&str>) -> Result<bool, PasswordError> {
        let _counted = metrics::password();
        self.0.verify(password, hash).await
    }
}
