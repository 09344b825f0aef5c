//! Access tokens: signed, short-lived, checked without a store.
//!
//! A token is a JWT of type `at+jwt` (RFC 9068), signed with HS256. The library parses it and
//! verifies the signature. The algorithm is pinned, `kid` must match exactly, and headers that
//! bring another key or must be understood are refused. Times are compared here, with the
//! [`Clock`]. A token that was valid and is too old fails with `token_expired`, any other token
//! with `unauthenticated`.

mod first_uses;
mod hs256;
mod key;

use std::{sync::Arc, time::Duration};

use chat_core::{
    error::ChatError,
    id::{LoginId, UserId},
    model::{Identity, TokenGeneration},
    time::{Clock, Timestamp},
};
use jsonwebtoken::{Algorithm, Header, Validation};
use serde::{Deserialize, Serialize};

pub(crate) use self::first_uses::FirstUses;
pub use self::key::{KeyError, SigningKey};
use crate::secret::Secret;

/// Bytes of a token. Ours have about 400.
pub const TOKEN_BYTES_MAX: usize = 4 * 1024;
/// Time by which another gateway's clock may be ahead of this one's. It does not extend a token's
/// lifetime: the client can refresh.
pub const LEEWAY: Duration = Duration::from_secs(5);
/// The type of an access token in RFC 9068.
const TYPE: &str = "at+jwt";

const NOT_VALID: ChatError = ChatError::Unauthenticated("the access token is not valid");

/// A verified token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verified {
    /// The token's user and login.
    pub identity: Identity,
    /// When the token expires.
    pub expires_at: Timestamp,
    /// The refresh that the token came from, or `None` if it came from a log-in.
    pub generation: Option<TokenGeneration>,
}

/// A new token.
#[derive(Debug)]
pub struct Issued {
    /// The token itself.
    pub token: Secret,
    /// Its lifetime in seconds.
    pub expires_in: u64,
}

/// The issuer and the audience that tokens name.
#[derive(Debug, Clone)]
pub struct TokenScope {
    /// `iss`.
    pub issuer: String,
    /// `aud`.
    pub audience: String,
}

/// Issues and verifies access tokens.
#[derive(Debug)]
pub struct Tokens {
    key: SigningKey,
    scope: TokenScope,
    ttl: Duration,
    clock: Arc<dyn Clock>,
    validation: Validation,
}

#[derive(Serialize, Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    sub: String,
    login: String,
    /// The generation in hexadecimal: JSON readers do not represent all of its numbers.
    #[serde(default, rename = "gen", skip_serializing_if = "Option::is_none")]
    generation: Option<String>,
    iat: i64,
    nbf: i64,
    exp: i64,
}

impl Tokens {
    /// Issues tokens that are signed with this key and live for `ttl`.
    pub fn new(key: SigningKey, scope: TokenScope, ttl: Duration, clock: Arc<dyn Clock>) -> Self {
        hs256::install();
        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_issuer(&[&scope.issuer]);
        validation.set_audience(&[&scope.audience]);
        validation.set_required_spec_claims(&["iss", "aud", "sub", "exp", "nbf"]);
        // The library would use the machine's clock; `verify` compares times with ours.
        validation.validate_exp = false;
        validation.validate_nbf = false;
        Self { key, scope, ttl, clock, validation }
    }

    /// Returns a new token for this identity, from a refresh of this generation if there was one.
    pub fn issue(
        &self,
        identity: Identity,
        generation: Option<TokenGeneration>,
    ) -> Result<Issued, ChatError> {
        let now = self.clock.now().as_millis().div_euclid(1_000);
        let expires_in = self.ttl.as_secs().max(1);
        let claims = Claims {
            iss: self.scope.issuer.clone(),
            aud: self.scope.audience.clone(),
            sub: identity.user.to_string(),
            login: identity.login.to_string(),
            generation: generation.map(|TokenGeneration(number)| format!("{number:016x}")),
            iat: now,
            nbf: now,
            exp: now.saturating_add_unsigned(expires_in),
        };
        let header = Header {
            typ: Some(TYPE.to_owned()),
            kid: Some(self.key.id().to_owned()),
            ..Header::new(Algorithm::HS256)
        };
        let token =
            jsonwebtoken::encode(&header, &claims, self.key.signing()).map_err(|error| {
                tracing::error!(%error, "access token could not be signed");
                ChatError::Internal
            })?;
        Ok(Issued { token: Secret::new(token), expires_in })
    }

    /// Verifies a token. [`App::verify`](crate::app::App::verify) also checks that its login has not
    /// ended.
    pub fn verify(&self, token: &str) -> Result<Verified, ChatError> {
        let claims = self.signed_claims(token).ok_or(NOT_VALID)?;
        let user: UserId = claims.sub.parse().map_err(|_| NOT_VALID)?;
        let login: LoginId = claims.login.parse().map_err(|_| NOT_VALID)?;
        let identity = Identity { user, login };
        let generation = claims.generation.map(|hex| u64::from_str_radix(&hex, 16)).transpose();
        let generation = generation.map_err(|_| NOT_VALID)?.map(TokenGeneration);
        let now = self.clock.now();
        if seconds(claims.nbf.max(claims.iat)) > now.after(LEEWAY) {
            return Err(NOT_VALID);
        }
        let expires_at = seconds(claims.exp);
        if expires_at <= now {
            return Err(ChatError::TokenExpired);
        }
        Ok(Verified { identity, expires_at, generation })
    }

    /// Returns the claims of a token that was signed with our key for our audience.
    fn signed_claims(&self, token: &str) -> Option<Claims> {
        if token.len() > TOKEN_BYTES_MAX {
            return None;
        }
        let header = jsonwebtoken::decode_header(token).ok()?;
        if !is_plain(&header) || header.kid.as_deref().is_some_and(|kid| kid != self.key.id()) {
            return None;
        }
        let decoded = jsonwebtoken::decode(token, self.key.verifying(), &self.validation);
        Some(decoded.ok()?.claims)
    }
}

/// Returns true if a header has the right type and neither brings a key of its own (RFC 7515 4.1.2
/// to 4.1.6) nor a parameter that must be understood (4.1.11).
fn is_plain(header: &Header) -> bool {
    let is_access_token = header.typ.as_deref().is_some_and(|typ| {
        typ.eq_ignore_ascii_case(TYPE) || typ.eq_ignore_ascii_case("application/at+jwt")
    });
    is_access_token
        && header.crit.is_none()
        && header.jku.is_none()
        && header.jwk.is_none()
        && header.x5u.is_none()
        && header.x5c.is_none()
        && header.enc.is_none()
        && header.zip.is_none()
}

const fn seconds(value: i64) -> Timestamp {
    Timestamp::from_millis(value.saturating_mul(1_000))
}

#[cfg(test)]
mod tests;
