//! Tokens and passwords.

use std::{num::NonZeroU32, path::PathBuf, time::Duration};

use chat_core::limits::ACCESS_TTL_DEFAULT;

use super::reader::Reader;

/// The shortest life of an access token.
const ACCESS_TTL_MIN: Duration = Duration::from_secs(1);
/// The longest: a token that was stolen is good for so long.
const ACCESS_TTL_MAX: Duration = Duration::from_secs(24 * 3600);

/// Tokens and passwords.
#[derive(Debug, Clone)]
pub struct Auth {
    /// The signing key; the embedded store has one in its folder.
    pub secret_file: Option<PathBuf>,
    /// How long an access token lives.
    pub access_ttl: Duration,
    /// `iss` of tokens.
    pub issuer: String,
    /// `aud` of tokens.
    pub audience: String,
    /// Passwords hashed at once; as many as there are cores, where it is not given.
    pub password_workers: Option<NonZeroU32>,
    /// Log-ins that wait for that; further ones are refused.
    pub password_queue: NonZeroU32,
}

impl Auth {
    pub(super) fn read(reader: &mut Reader) -> Self {
        let auth = Self {
            secret_file: reader.optional("auth.secret_file"),
            access_ttl: reader.take("auth.access_ttl", ACCESS_TTL_DEFAULT),
            issuer: reader.take("auth.issuer", "confab".to_owned()),
            audience: reader.take("auth.audience", "confab".to_owned()),
            password_workers: reader.optional("auth.password_workers"),
            password_queue: reader.take("auth.password_queue", NonZeroU32::MIN.saturating_add(63)),
        };
        if !(ACCESS_TTL_MIN..=ACCESS_TTL_MAX).contains(&auth.access_ttl) {
            reader.refuse("auth.access_ttl", "expected 1s to 1d");
        }
        auth
    }
}
