//! The parts of a path, each of its type.

use std::str::FromStr;

use axum::extract::{FromRequestParts, RawPathParams};
use chat_core::{
    error::ChatError,
    id::{ConversationId, LoginId, UserId},
    model::Seq,
};
use http::request::Parts;

use super::query::number;
use crate::error::ApiError;

/// The parts of the path, each of its type, in their order.
#[derive(Debug)]
pub struct Paths<T>(pub T);

/// Types that the parts of a path can be.
pub trait FromPaths: Sized {
    /// From names and values in the order of the path.
    fn from_paths(parts: &[(&str, &str)]) -> Result<Self, ChatError>;
}

impl<T: FromPaths, S: Send + Sync> FromRequestParts<S> for Paths<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let no_text = |_| ChatError::Invalid {
            field: None,
            message: "the path is not UTF-8 where it is percent-encoded".to_owned(),
        };
        let raw = RawPathParams::from_request_parts(parts, state).await.map_err(no_text)?;
        let found: Vec<(&str, &str)> = raw.iter().collect();
        Ok(Self(T::from_paths(&found)?))
    }
}

/// One part of a path.
pub trait Part: Sized {
    /// The value of a part with this name.
    fn part(name: &str, text: &str) -> Result<Self, ChatError>;
}

fn id<T: FromStr>(name: &str, text: &str) -> Result<T, ChatError> {
    text.parse().map_err(|_| ChatError::invalid(name, "expected an id: decimal digits"))
}

impl Part for UserId {
    fn part(name: &str, text: &str) -> Result<Self, ChatError> {
        id(name, text)
    }
}

impl Part for ConversationId {
    fn part(name: &str, text: &str) -> Result<Self, ChatError> {
        id(name, text)
    }
}

impl Part for Seq {
    fn part(name: &str, text: &str) -> Result<Self, ChatError> {
        number(name, text).map(Self::new)
    }
}

impl Part for String {
    fn part(_: &str, text: &str) -> Result<Self, ChatError> {
        Ok(text.to_owned())
    }
}

/// A login in a path: `current` is the caller's own (`None`).
#[derive(Debug, Clone, Copy)]
pub struct LoginPart(pub Option<LoginId>);

impl Part for LoginPart {
    fn part(name: &str, text: &str) -> Result<Self, ChatError> {
        if text == "current" { Ok(Self(None)) } else { id(name, text).map(|id| Self(Some(id))) }
    }
}

impl<A: Part> FromPaths for (A,) {
    fn from_paths(parts: &[(&str, &str)]) -> Result<Self, ChatError> {
        let [one] = parts else { return Err(ChatError::Internal) };
        Ok((A::part(one.0, one.1)?,))
    }
}

impl<A: Part, B: Part> FromPaths for (A, B) {
    fn from_paths(parts: &[(&str, &str)]) -> Result<Self, ChatError> {
        let [one, two] = parts else { return Err(ChatError::Internal) };
        Ok((A::part(one.0, one.1)?, B::part(two.0, two.1)?))
    }
}

impl<A: Part, B: Part, C: Part> FromPaths for (A, B, C) {
    fn from_paths(parts: &[(&str, &str)]) -> Result<Self, ChatError> {
        let [one, two, three] = parts else { return Err(ChatError::Internal) };
        Ok((A::part(one.0, one.1)?, B::part(two.0, two.1)?, C::part(three.0, three.1)?))
    }
}
