//! The parameters of a path.

use std::sync::Arc;

use axum::extract::{FromRequestParts, path::ErrorKind, rejection::PathRejection};
use chat_core::{error::ChatError, id::LoginId, model::Seq};
use http::request::Parts;
use serde::{
    Deserialize,
    de::{DeserializeOwned, Deserializer},
};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{RefOr, Schema},
};

use super::query::digits;
use crate::{
    error::ApiError,
    protocol::{schema, value::parse_text},
};

/// The parameters of the path, in order. Axum's extractor with [`ApiError`] as its rejection.
#[derive(Debug)]
pub struct Path<T>(pub T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let axum::extract::Path(parameters) =
            axum::extract::Path::from_request_parts(parts, state).await?;
        Ok(Self(parameters))
    }
}

impl From<PathRejection> for ApiError {
    fn from(rejection: PathRejection) -> Self {
        let PathRejection::FailedToDeserializePathParams(failed) = rejection else {
            tracing::error!(%rejection, "handler and route do not match");
            return ChatError::Internal.into();
        };
        match failed.into_kind() {
            ErrorKind::DeserializeError { key, message, .. } => {
                ChatError::invalid(&key, message).into()
            }
            ErrorKind::InvalidUtf8InPathParam { .. } => ChatError::Invalid {
                field: None,
                message: "the path is not UTF-8 after percent-decoding".to_owned(),
            }
            .into(),
            mismatch @ (ErrorKind::WrongNumberOfParameters { .. }
            | ErrorKind::ParseErrorAtKey { .. }
            | ErrorKind::ParseErrorAtIndex { .. }
            | ErrorKind::ParseError { .. }
            | ErrorKind::UnsupportedType { .. }
            | ErrorKind::Message(_)
            | _) => {
                tracing::error!(%mismatch, "handler and route do not match");
                ChatError::Internal.into()
            }
        }
    }
}

/// A seq in a path: digits only, where axum's own integers allow a sign.
#[derive(Debug, Clone, Copy)]
pub struct SeqParam(pub Seq);

impl<'de> Deserialize<'de> for SeqParam {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let expected = "a whole number from 0 to 2^53 - 1";
        parse_text(deserializer, expected, |text| Some(Self(Seq::new(digits(text)?))))
    }
}

/// A login in a path. `current` is the caller's own login (`None`).
#[derive(Debug, Clone, Copy)]
pub struct LoginParam(pub Option<LoginId>);

impl<'de> Deserialize<'de> for LoginParam {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        parse_text(deserializer, "an id: a string of decimal digits, or current", |text| {
            if text == "current" {
                Some(Self(None))
            } else {
                text.parse().ok().map(|id| Self(Some(id)))
            }
        })
    }
}

impl PartialSchema for LoginParam {
    fn schema() -> RefOr<Schema> {
        schema::login().into()
    }
}

impl ToSchema for LoginParam {}

/// An emoji in a path.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
pub struct EmojiParam(pub Arc<str>);

impl PartialSchema for EmojiParam {
    fn schema() -> RefOr<Schema> {
        schema::emoji().into()
    }
}

impl ToSchema for EmojiParam {}
