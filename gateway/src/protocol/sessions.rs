//! Logins, which the wire calls sessions, and their tokens.

use chat_core::{id::LoginId, model::Login};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    schema,
    value::{Id, Time, WireLoginId},
};
use crate::secret::Secret;

/// The body of `POST /v1/sessions`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LogIn {
    /// The user name.
    #[schema(example = "ada")]
    pub username: String,
    /// The password.
    #[schema(schema_with = schema::any_password)]
    pub password: Secret,
    /// 1 to 128 bytes, for the list of logins.
    #[schema(schema_with = schema::device, required = false)]
    pub device: Option<String>,
}

/// The body of `POST /v1/sessions/refresh`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Refresh {
    /// The newest refresh token of the login.
    #[schema(value_type = String)]
    pub refresh_token: Secret,
}

/// The tokens of a login.
#[derive(Debug, Serialize, ToSchema)]
pub struct SessionJson {
    /// The login.
    pub id: WireLoginId,
    /// For `Authorization: Bearer`.
    pub access_token: String,
    /// The lifetime of the access token in seconds.
    pub expires_in: u64,
    /// For one call of `POST /v1/sessions/refresh`.
    pub refresh_token: String,
}

/// The answer to a refresh over REST.
#[derive(Debug, Serialize, ToSchema)]
pub struct Refreshed {
    /// The new tokens.
    pub session: SessionJson,
}

/// The reply to the command `refresh`.
#[derive(Debug, Serialize, ToSchema)]
pub struct TokenReplaced {
    /// The lifetime of the new access token in seconds.
    pub expires_in: u64,
}

/// One of the caller's logins.
#[derive(Debug, Serialize, ToSchema)]
pub struct LoginJson<'a> {
    id: WireLoginId,
    /// The name that the client gave the device.
    device: Option<&'a str>,
    created_at: Time,
    /// The last log-in or refresh.
    last_used_at: Time,
    /// When the refresh token expires.
    expires_at: Time,
    /// True for the login that made this call.
    current: bool,
}

impl<'a> LoginJson<'a> {
    /// Describes `login` to a caller whose own login is `current`.
    pub fn new(login: &'a Login, current: LoginId) -> Self {
        Self {
            id: Id(login.id),
            device: login.device.as_deref(),
            created_at: Time(login.created_at),
            last_used_at: Time(login.used_at),
            expires_at: Time(login.expires_at),
            current: login.id == current,
        }
    }
}
