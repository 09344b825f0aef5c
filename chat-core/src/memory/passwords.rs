//! Passwords in clear text, for tests only.

use async_trait::async_trait;

use crate::port::{PasswordError, Passwords};

const PREFIX: &str = "$plain-not-for-production$";

/// Stores passwords in clear text, so that tests need not hash. Must never be used in production.
#[derive(Debug, Clone, Copy, Default)]
pub struct PlainPasswords;

#[async_trait]
impl Passwords for PlainPasswords {
    async fn hash(&self, password: &str) -> Result<String, PasswordError> {
        Ok(format!("{PREFIX}{password}"))
    }

    async fn verify(&self, password: &str, hash: Option<&str>) -> Result<bool, PasswordError> {
        let Some(hash) = hash else { return Ok(false) };
        let stored = hash.strip_prefix(PREFIX).ok_or(PasswordError::Unusable)?;
        Ok(stored == password)
    }
}
