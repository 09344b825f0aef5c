//! Passwords kept as they are, for tests: no secret is safe here.

use async_trait::async_trait;

use crate::port::{PasswordError, Passwords};

const PREFIX: &str = "$plain-not-for-production$";

/// Passwords that anybody can read. Never for production: it is there so that tests need not hash.
#[derive(Debug, Clone, Copy, Default)]
pub struct PlainPasswords;

#[async_trait]
impl Passwords for PlainPasswords {
    async fn hash(&self, password: &str) -> Result<String, PasswordError> {
        Ok(format!("{PREFIX}{password}"))
    }

    async fn verify(&self, password: &str, hash: Option<&str>) -> Result<bool, PasswordError> {
        let Some(hash) = hash else { return Ok(false) };
        let kept = hash.strip_prefix(PREFIX).ok_or(PasswordError::Unusable)?;
        Ok(kept == password)
    }
}
