//! Tokens and passwords.

use std::{fmt::Display, num::NonZeroU32, path::PathBuf, str::FromStr, time::Duration};

use chat_core::limits::{ACCESS_TTL_DEFAULT, ACCESS_TTL_MAX, LOGIN_AGE_MAX_DEFAULT};
use serde::{Deserialize, Deserializer, Serialize, de::Error};

use super::{layers::Layers, list, serving::number};

/// Shortest lifetime of an access token.
const ACCESS_TTL_MIN: Duration = Duration::from_secs(1);
/// Longest maximum age of a login: ten years.
const LOGIN_AGE_MAX_MAX: Duration = Duration::from_secs(3_650 * 24 * 3600);

/// Names by which a user could pass for the operator.
const RESERVED_NAMES: [&str; 16] = [
    "abuse",
    "admin",
    "administrator",
    "confab",
    "everyone",
    "helpdesk",
    "moderator",
    "official",
    "operator",
    "postmaster",
    "root",
    "security",
    "staff",
    "support",
    "system",
    "webmaster",
];

/// Tokens and passwords.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Auth {
    /// File with the signing key. The embedded store keeps one in its folder by default.
    pub secret_file: Option<PathBuf>,
    /// Lifetime of an access token.
    #[serde(with = "humantime_serde")]
    pub access_ttl: Duration,
    /// Maximum age of a login, however often it is refreshed.
    #[serde(with = "humantime_serde")]
    pub login_age_max: Duration,
    /// Names that nobody can register.
    #[serde(with = "list")]
    pub reserved_names: Vec<String>,
    /// `iss` of tokens.
    pub issuer: String,
    /// `aud` of tokens.
    pub audience: String,
    /// Passwords that are hashed at the same time. By default the number of cores.
    #[serde(deserialize_with = "parsed")]
    pub password_workers: Option<NonZeroU32>,
    /// Passwords that wait to be hashed. Further log-ins are refused.
    pub password_queue: NonZeroU32,
}

impl Default for Auth {
    fn default() -> Self {
        Self {
            secret_file: None,
            access_ttl: ACCESS_TTL_DEFAULT,
            login_age_max: LOGIN_AGE_MAX_DEFAULT,
            reserved_names: RESERVED_NAMES.map(str::to_owned).to_vec(),
            issuer: "confab".to_owned(),
            audience: "confab".to_owned(),
            password_workers: None,
            password_queue: number(64),
        }
    }
}

impl Auth {
    /// Returns how many passwords are hashed at the same time.
    pub fn password_workers(&self) -> usize {
        let cores = || std::thread::available_parallelism().map_or(1, usize::from);
        self.password_workers.map_or_else(cores, size)
    }

    /// Returns how many passwords are hashed or wait for that.
    pub fn passwords_max(&self) -> usize {
        self.password_workers().saturating_add(size(self.password_queue))
    }

    pub(super) fn check(&self, layers: &mut Layers) {
        if !(ACCESS_TTL_MIN..=ACCESS_TTL_MAX).contains(&self.access_ttl) {
            layers.refuse("auth.access_ttl", "expected 1s to 1d");
        }
        if !(self.access_ttl..=LOGIN_AGE_MAX_MAX).contains(&self.login_age_max) {
            layers.refuse("auth.login_age_max", "expected auth.access_ttl to 3650d");
        }
    }
}

fn size(number: NonZeroU32) -> usize {
    usize::try_from(number.get()).unwrap_or(usize::MAX)
}

/// Reads an optional number, which is still text because its default has no type.
fn parsed<'de, T, D>(deserializer: D) -> Result<Option<T>, D::Error>
where
    T: FromStr<Err: Display>,
    D: Deserializer<'de>,
{
    let text = Option::<String>::deserialize(deserializer)?;
    text.map(|text| text.parse().map_err(D::Error::custom)).transpose()
}
