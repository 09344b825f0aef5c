//! Queries. Unknown and duplicate parameters are refused.

use std::borrow::Cow;

use axum::extract::FromRequestParts;
use chat_core::{
    error::ChatError,
    id::UserId,
    limits::{INTEGER_MAX, PAGE_MAX},
};
use http::{Uri, request::Parts};
use serde::{
    Deserialize,
    de::{DeserializeOwned, Deserializer, IntoDeserializer, Visitor},
    forward_to_deserialize_any,
};
use utoipa::{
    IntoParams,
    openapi::{
        Required,
        path::{Parameter, ParameterIn},
    },
};

use crate::{
    error::ApiError,
    protocol::{
        conversations::StateName,
        read::{Fault, from_named},
        schema,
        value::{Integer, parse_text},
    },
};

/// Reads the query of a request. Axum's own extractor has the parameter at fault only as text.
pub(super) fn read<T: DeserializeOwned>(uri: &Uri) -> Result<T, ChatError> {
    read_text(uri.query().unwrap_or(""))
}

/// Reads the text of a query.
pub(crate) fn read_text<T: DeserializeOwned>(query: &str) -> Result<T, ChatError> {
    let pairs = form_urlencoded::parse(query.as_bytes());
    Ok(from_named(pairs.map(|(name, text)| (name, Text(text))))?)
}

/// Returns the number if the text is digits only and at most 2^53 - 1.
pub(super) fn digits(text: &str) -> Option<u64> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|number| is_plain && *number <= INTEGER_MAX)
}

/// The value of one parameter.
struct Text<'a>(Cow<'a, str>);

impl<'de> Deserializer<'de> for Text<'de> {
    type Error = Fault;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_str(&self.0)
    }

    fn deserialize_u64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match digits(&self.0) {
            Some(number) => visitor.visit_u64(number),
            None => visitor.visit_str(&self.0),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_some(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        visitor.visit_enum(self.0.into_deserializer())
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u128 f32 f64 char str string bytes byte_buf unit
        unit_struct newtype_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}

/// No query: any parameter is unknown.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NoQuery {}

impl<S: Sync> FromRequestParts<S> for NoQuery {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        Ok(read(&parts.uri)?)
    }
}

/// A page of the caller's conversations.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListPage {
    /// Only conversations in which the caller's membership has this state.
    pub state: Option<StateName>,
    /// The `next_cursor` of the previous page.
    #[param(schema_with = schema::cursor, required = false)]
    pub cursor: Option<String>,
    /// The number of items: 1 to 100, 50 by default.
    #[param(schema_with = schema::page_limit, required = false)]
    pub limit: Option<Integer>,
}

/// A page of members.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct MembersPage {
    /// The `next_cursor` of the previous page.
    #[param(schema_with = schema::cursor, required = false)]
    pub cursor: Option<String>,
    /// The number of items: 1 to 1000, which is the default.
    #[param(schema_with = schema::members_limit, required = false)]
    pub limit: Option<Integer>,
}

/// Which users to find: exactly one of `query` and `ids`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FindUsers {
    /// The beginning of the user name, or of words of the display name.
    pub query: Option<String>,
    /// 1 to 100 ids, separated by commas.
    pub ids: Option<Ids>,
    /// With `query`, the number of users: 1 to 100, 50 by default.
    pub limit: Option<Integer>,
}

impl IntoParams for FindUsers {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        vec![schema::query_parameter("find", Required::True, schema::find_users())]
    }
}

/// Whose presence to read.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Presences {
    /// 1 to 100 ids, separated by commas.
    pub users: Ids,
}

impl IntoParams for Presences {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        vec![schema::query_parameter("users", Required::True, schema::ids())]
    }
}

/// 1 to 100 ids, separated by commas.
#[derive(Debug)]
pub struct Ids(pub Vec<UserId>);

impl<'de> Deserialize<'de> for Ids {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        parse_text(deserializer, "1 to 100 ids, separated by commas", |text| {
            let ids = text.split(',').take(PAGE_MAX + 1).map(|id| id.parse().ok());
            let ids: Vec<UserId> = ids.collect::<Option<_>>()?;
            (ids.len() <= PAGE_MAX).then_some(Self(ids))
        })
    }
}
