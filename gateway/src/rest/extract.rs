//! Extractors: the caller, the query, the path, the body and the idempotency key of a request.
//!
//! Every rejection becomes a problem document that names the member at fault.

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
use serde::de::DeserializeOwned;
use utoipa::{
    IntoParams,
    openapi::{
        ObjectBuilder, Required, Type,
        path::{Parameter, ParameterBuilder, ParameterIn},
    },
};

#[cfg(feature = "fuzzing")]
pub(crate) use self::query::read_text as read_query;
pub use self::{
    body::{Body, BodyRejection, OptionalBody},
    path::{EmojiParam, LoginParam, Path, SeqParam},
    query::{FindUsers, Ids, ListPage, MembersPage, NoQuery, Presences},
};
use crate::{app::App, error::ApiError, listener::Peer, unread::RequestUser};

/// The header of the idempotency key, as errors name it.
const IDEMPOTENCY_KEY: &str = "Idempotency-Key";

/// The identity of the access token. Refuses any query.
#[derive(Debug, Clone, Copy)]
pub struct Caller(pub Identity);

impl FromRequestParts<Arc<App>> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, ApiError> {
        let CallerWithQuery(identity, NoQuery {}) =
            CallerWithQuery::from_request_parts(parts, app).await?;
        Ok(Self(identity))
    }
}

/// The identity of the access token, and the query. Checks the token first, so that only callers
/// learn what is wrong with a query.
#[derive(Debug)]
pub struct CallerWithQuery<T>(pub Identity, pub T);

impl<T: DeserializeOwned> FromRequestParts<Arc<App>> for CallerWithQuery<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, ApiError> {
        let identity = app.verify(bearer_token(&parts.headers)?)?.identity;
        if let Some(RequestUser(user)) = parts.extensions.get() {
            user.get_or_init(|| identity.user);
        }
        Ok(Self(identity, query::read(&parts.uri)?))
    }
}

/// The identity of the access token, if the request has one. A token that is not valid is refused, so
/// that its client refreshes it. Refuses any query.
#[derive(Debug, Clone, Copy)]
pub struct OptionalCaller(pub Option<Identity>);

impl FromRequestParts<Arc<App>> for OptionalCaller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, ApiError> {
        if parts.headers.contains_key(AUTHORIZATION) {
            let Caller(identity) = Caller::from_request_parts(parts, app).await?;
            return Ok(Self(Some(identity)));
        }
        let NoQuery {} = query::read(&parts.uri)?;
        Ok(Self(None))
    }
}

/// Returns the token of `Authorization: Bearer …` (RFC 6750). Refuses a second such header.
fn bearer_token(headers: &HeaderMap) -> Result<&str, ChatError> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let value = values.next().filter(|_| values.next().is_none());
    let parts = value.and_then(|value| value.to_str().ok()?.split_once(' '));
    match parts {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => Ok(token.trim_start()),
        Some(_) | None => Err(ChatError::Unauthenticated("expected Authorization: Bearer")),
    }
}

/// The client's address. Unspecified (`0.0.0.0`) if the request did not come over a listener.
#[derive(Debug, Clone, Copy)]
pub struct ClientAddress(pub IpAddr);

impl<S: Sync> FromRequestParts<S> for ClientAddress {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let peer = parts.extensions.get::<Peer>();
        Ok(Self(peer.map_or(Ipv4Addr::UNSPECIFIED.into(), |peer| peer.0)))
    }
}

/// The `Idempotency-Key` of the request, if it has one.
#[derive(Debug)]
pub struct IdempotencyKey(Option<String>);

impl IdempotencyKey {
    /// Returns the key, or `invalid` if it is missing or malformed.
    pub fn required(self) -> Result<Arc<str>, ChatError> {
        let key = self.0.ok_or_else(|| ChatError::invalid(IDEMPOTENCY_KEY, "required"))?;
        let key = ClientId::new(&key).map_err(|_| {
            ChatError::invalid(IDEMPOTENCY_KEY, "expected 1 to 64 characters of A-Z a-z 0-9 _ -")
        })?;
        Ok(key.as_str().into())
    }
}

impl IntoParams for IdempotencyKey {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let key = ParameterBuilder::new().name(IDEMPOTENCY_KEY).parameter_in(ParameterIn::Header);
        let about = "required for groups: 1 to 64 characters of `A-Z a-z 0-9 _ -`; ignored for direct \
            conversations";
        let key = key.description(Some(about)).required(Required::False);
        vec![key.schema(Some(ObjectBuilder::new().schema_type(Type::String))).build()]
    }
}

impl<S: Sync> FromRequestParts<S> for IdempotencyKey {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let value = parts.headers.get(IDEMPOTENCY_KEY);
        Ok(Self(value.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())))
    }
}
