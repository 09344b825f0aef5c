//! Access tokens: signed, short-lived, checked without a store.
//!
//! A token is a JWT of type `at+jwt` (RFC 9068) under HS256. The library parses and compares the
//! signature; the algorithm is pinned, the key is found by exact `kid`, headers that would name
//! another key or another meaning are refused, and times are compared with the [`Clock`] here.
//! Whatever is wrong, the answer is `unauthenticated`; only a token that was good and is too old
//! is `token_expired`.

mod hs256;
mod key;

use std::{sync::Arc, time::Duration};

use chat_core::{
    error::ChatError,
    id::{LoginId, UserId},
    model::Identity,
    time::{Clock, Timestamp},
};
use jsonwebtoken::{Algorithm, Header, Validation};
use serde::{Deserialize, Serialize};

pub use self::key::{KeyError, SigningKey};

/// Bytes of a token; ours have about 400.
pub const TOKEN_BYTES_MAX: usize = 4 * 1024;
/// How far another gateway's clock may be ahead of this one's. A token that ends is not given it: a
/// client can refresh.
pub const LEEWAY: Duration = Duration::from_secs(5);
/// The type of an access token, as RFC 9068 has it.
const TYPE: &str = "at+jwt";

const NOT_VALID: ChatError = ChatError::Unauthenticated("the access token is not valid");

/// Who stands behind a token, and until when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verified {
    /// The user and the login.
    pub identity: Identity,
    /// When the token ends.
    pub expires_at: Timestamp,
}

/// A fresh token.
#[derive(Debug)]
pub struct Issued {
    /// Its text.
    pub token: crate::secret::Secret,
    /// Seconds that it has.
    pub expires_in: u64,
}

/// What tokens say about where they come from and whom they are for.
#[derive(Debug, Clone)]
pub struct Naming {
    /// `iss`.
    pub issuer: String,
    /// `aud`.
    pub audience: String,
}

/// Makes and checks access tokens.
#[derive(Debug)]
pub struct Tokens {
    key: SigningKey,
    naming: Naming,
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
    iat: i64,
    nbf: i64,
    exp: i64,
}

impl Tokens {
    /// Tokens of this key that live `ttl`.
    pub fn new(key: SigningKey, naming: Naming, ttl: Duration, clock: Arc<dyn Clock>) -> Self {
        hs256::install();
        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_issuer(&[&naming.issuer]);
        validation.set_audience(&[&naming.audience]);
        validation.set_required_spec_claims(&["iss", "aud", "sub", "exp", "nbf"]);
        // Times are ours to compare: the library would ask the machine's clock.
        (validation.validate_exp, validation.validate_nbf) = (false, false);
        Self { key, naming, ttl, clock, validation }
    }

    /// A token for this identity.
    pub fn issue(&self, identity: Identity) -> Result<Issued, ChatError> {
        let now = self.clock.now().as_millis().div_euclid(1_000);
        let expires_in = self.ttl.as_secs().max(1);
        let claims = Claims {
            iss: self.naming.issuer.clone(),
            aud: self.naming.audience.clone(),
            sub: identity.user.to_string(),
            login: identity.login.to_string(),
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
                tracing::error!(%error, "access token not signed");
                ChatError::Internal
            })?;
        Ok(Issued { token: crate::secret::Secret::new(token), expires_in })
    }

    /// Who stands behind this token. Whether the login has ended meanwhile is another question:
    /// [`crate::app::App::verify`] asks both.
    pub fn verify(&self, token: &str) -> Result<Verified, ChatError> {
        let claims = self.signed(token).ok_or(NOT_VALID)?;
        let identity = identity(&claims).ok_or(NOT_VALID)?;
        let now = self.clock.now();
        let (begins_at, expires_at) = (seconds(claims.nbf.max(claims.iat)), seconds(claims.exp));
        if begins_at > now.after(LEEWAY) {
            return Err(NOT_VALID);
        }
        if expires_at <= now {
            return Err(ChatError::TokenExpired);
        }
        Ok(Verified { identity, expires_at })
    }

    /// The claims of a token that this installation signed for itself.
    fn signed(&self, token: &str) -> Option<Claims> {
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

/// Whether a header says no more than the type and the key's name: nothing that brings a key of its
/// own (RFC 7515 4.1.2 to 4.1.6) and nothing that must be understood (4.1.11).
fn is_plain(header: &Header) -> bool {
    let typed = header.typ.as_deref().is_some_and(|typ| {
        typ.eq_ignore_ascii_case(TYPE) || typ.eq_ignore_ascii_case("application/at+jwt")
    });
    typed
        && header.crit.is_none()
        && header.jku.is_none()
        && header.jwk.is_none()
        && header.x5u.is_none()
        && header.x5c.is_none()
        && header.enc.is_none()
        && header.zip.is_none()
}

fn identity(claims: &Claims) -> Option<Identity> {
    let user: UserId = claims.sub.parse().ok()?;
    let login: LoginId = claims.login.parse().ok()?;
    Some(Identity { user, login })
}

const fn seconds(value: i64) -> Timestamp {
    Timestamp::from_millis(value.saturating_mul(1_000))
}

#[cfg(test)]
mod tests;
