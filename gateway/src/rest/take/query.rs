//! Queries, parameter by parameter: unknown and doubled ones are a fault.

use axum::extract::FromRequestParts;
use chat_core::{
    error::ChatError,
    id::UserId,
    limits::{INTEGER_MAX, PAGE_MAX},
    model::Seq,
};
use http::request::Parts;

use crate::{
    error::ApiError,
    protocol::body::{Paging, members_limit, page_limit},
};

/// No call has so many; one of more is unknown.
const PARAMETERS_MAX: usize = 16;

/// The parameters of a query that have not been taken yet.
#[derive(Debug)]
pub struct Parameters(Vec<(String, String)>);

impl Parameters {
    fn parse(query: Option<&str>) -> Result<Self, ChatError> {
        let mut pairs: Vec<(String, String)> = Vec::new();
        for (name, value) in form_urlencoded::parse(query.unwrap_or("").as_bytes()) {
            if pairs.iter().any(|(known, _)| *known == name) {
                return Err(ChatError::invalid(&name, "doubled parameter"));
            }
            if pairs.len() == PARAMETERS_MAX {
                break;
            }
            pairs.push((name.into_owned(), value.into_owned()));
        }
        Ok(Self(pairs))
    }

    /// Takes a parameter that may be missing.
    pub fn optional(&mut self, name: &str) -> Option<String> {
        let at = self.0.iter().position(|(known, _)| known == name)?;
        Some(self.0.remove(at).1)
    }

    /// Takes a number that may be missing.
    fn number(&mut self, name: &str) -> Result<Option<u64>, ChatError> {
        self.optional(name).map(|text| number(name, &text)).transpose()
    }

    fn end(self) -> Result<(), ChatError> {
        match self.0.into_iter().next() {
            None => Ok(()),
            Some((name, _)) => Err(ChatError::invalid(&name, "unknown parameter")),
        }
    }
}

/// Digits only, up to 2^53 - 1.
pub(super) fn number(name: &str, text: &str) -> Result<u64, ChatError> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit());
    let value = plain.then(|| text.parse::<u64>().ok()).flatten();
    value
        .filter(|value| *value <= INTEGER_MAX)
        .ok_or_else(|| ChatError::invalid(name, "expected a whole number from 0 to 2^53 - 1"))
}

/// Refuses any query.
pub(in crate::rest) fn no_query(query: Option<&str>) -> Result<(), ChatError> {
    Parameters::parse(query)?.end()
}

/// A query of this shape.
#[derive(Debug)]
pub struct Query<T>(pub T);

/// A shape that takes its parameters.
pub trait Asked: Sized {
    /// Takes the parameters that belong to it.
    fn take(parameters: &mut Parameters) -> Result<Self, ChatError>;
}

impl<T: Asked, S: Sync> FromRequestParts<S> for Query<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let mut parameters = Parameters::parse(parts.uri.query())?;
        let asked = T::take(&mut parameters)?;
        parameters.end()?;
        Ok(Self(asked))
    }
}

impl Asked for Paging {
    fn take(parameters: &mut Parameters) -> Result<Self, ChatError> {
        let mut seq = |name| parameters.number(name).map(|number| number.map(Seq::new));
        Ok(Self {
            before_seq: seq("before_seq")?,
            after_seq: seq("after_seq")?,
            around_seq: seq("around_seq")?,
            limit: parameters.number("limit")?,
        })
    }
}

impl Asked for () {
    fn take(_: &mut Parameters) -> Result<Self, ChatError> {
        Ok(())
    }
}

/// A page of a list.
#[derive(Debug)]
pub struct ListPage {
    /// Where the page before ended.
    pub cursor: Option<String>,
    /// How many.
    pub limit: usize,
}

impl Asked for ListPage {
    fn take(parameters: &mut Parameters) -> Result<Self, ChatError> {
        let cursor = parameters.optional("cursor");
        let limit = page_limit(parameters.number("limit")?)?;
        Ok(Self { cursor, limit })
    }
}

/// A page of members.
#[derive(Debug)]
pub struct MembersPage {
    /// Where the page before ended.
    pub cursor: Option<String>,
    /// How many.
    pub limit: usize,
}

impl Asked for MembersPage {
    fn take(parameters: &mut Parameters) -> Result<Self, ChatError> {
        let cursor = parameters.optional("cursor");
        let limit = members_limit(parameters.number("limit")?)?;
        Ok(Self { cursor, limit })
    }
}

/// Which users.
#[derive(Debug)]
pub enum Find {
    /// Those whose name begins so.
    Query {
        /// The beginning.
        query: String,
        /// How many.
        limit: usize,
    },
    /// These.
    Ids(Vec<UserId>),
}

impl Asked for Find {
    fn take(parameters: &mut Parameters) -> Result<Self, ChatError> {
        match (parameters.optional("query"), parameters.optional("ids")) {
            (Some(query), None) => {
                let limit = page_limit(parameters.number("limit")?)?;
                Ok(Self::Query { query, limit })
            }
            (None, Some(ids)) => ids_of("ids", &ids).map(Self::Ids),
            (Some(_), Some(_)) => Err(ChatError::invalid("ids", "only one of query and ids")),
            (None, None) => Err(ChatError::invalid("query", "query or ids is required")),
        }
    }
}

/// Whose presence.
#[derive(Debug)]
pub struct Users(pub Vec<UserId>);

impl Asked for Users {
    fn take(parameters: &mut Parameters) -> Result<Self, ChatError> {
        let users = parameters.optional("users");
        let users = users.ok_or_else(|| ChatError::invalid("users", "required"))?;
        ids_of("users", &users).map(Self)
    }
}

/// 1 to 100 ids, separated by commas.
fn ids_of(name: &str, text: &str) -> Result<Vec<UserId>, ChatError> {
    let expected = || ChatError::invalid(name, "expected 1 to 100 ids, separated by commas");
    if text.split(',').count() > PAGE_MAX {
        return Err(expected());
    }
    text.split(',').map(|id| id.parse().map_err(|_| expected())).collect()
}
