//! What a call takes: who asks, the body, the query, the path, the idempotency key.

mod body;
mod path;
mod query;

use std::{
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
};

use axum::extract::FromRequestParts;
use chat_core::{
    error::ChatError,
    model::{ClientId, Identity},
};
use http::{HeaderMap, header::AUTHORIZATION, request::Parts};

pub(super) use self::query::no_query;
pub use self::{
    body::{Body, MaybeBody},
    path::{FromPaths, LoginPart, Part, Paths},
    query::{Asked, Find, ListPage, MembersPage, Parameters, Query, Users},
};
use crate::{app::App, error::ApiError, listener::Peer};

/// The header of the idempotency key, as it is named in errors.
const IDEMPOTENCY_KEY: &str = "Idempotency-Key";

/// Who asks: the identity behind the bearer token.
#[derive(Debug, Clone, Copy)]
pub struct Caller(pub Identity);

impl FromRequestParts<Arc<App>> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, ApiError> {
        let token = bearer(&parts.headers)?;
        let identity = app.verify(token)?.identity;
        match parts.extensions.remove::<QueryToRefuse>() {
            Some(QueryToRefuse(error)) => Err(error.into()),
            None => Ok(Self(identity)),
        }
    }
}

/// What is wrong with the query of a call that knows none; told to a [`Caller`] only.
#[derive(Debug, Clone)]
pub(super) struct QueryToRefuse(pub(super) ChatError);

/// The token of `Authorization: Bearer …` (RFC 6750).
fn bearer(headers: &HeaderMap) -> Result<&str, ChatError> {
    const MISSING: ChatError = ChatError::Unauthenticated("expected Authorization: Bearer");
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let (value, None) = (values.next().ok_or(MISSING)?, values.next()) else { return Err(MISSING) };
    let (scheme, token) =
        value.to_str().ok().and_then(|text| text.split_once(' ')).ok_or(MISSING)?;
    if scheme.eq_ignore_ascii_case("bearer") { Ok(token.trim_start()) } else { Err(MISSING) }
}

/// The client's address; without a listener of ours, nowhere.
#[derive(Debug, Clone, Copy)]
pub struct Address(pub IpAddr);

impl<S: Sync> FromRequestParts<S> for Address {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let peer = parts.extensions.get::<Peer>();
        Ok(Self(peer.map_or(Ipv4Addr::UNSPECIFIED.into(), |peer| peer.0)))
    }
}

/// The request's own name, if it has one.
#[derive(Debug)]
pub struct IdempotencyKey(Option<String>);

impl IdempotencyKey {
    /// The key, where the call needs one.
    pub fn required(self) -> Result<Arc<str>, ChatError> {
        let key = self.0.ok_or_else(|| ChatError::invalid(IDEMPOTENCY_KEY, "required"))?;
        let expected = |_| {
            let message = "expected 1 to 64 characters of A-Z a-z 0-9 _ -";
            ChatError::invalid(IDEMPOTENCY_KEY, message)
        };
        ClientId::new(&key).map(|key| key.as_str().into()).map_err(expected)
    }
}

impl<S: Sync> FromRequestParts<S> for IdempotencyKey {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let value = parts.headers.get(IDEMPOTENCY_KEY);
        Ok(Self(value.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())))
    }
}
