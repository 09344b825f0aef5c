//! Entrances to private parsers for fuzz targets, and the echo for protocol suites.

use std::ffi::OsString;

use chat_core::error::ChatError;
use serde::de::DeserializeOwned;
use tokio::net::TcpStream;

use crate::{
    config::{Config, Problems, Report},
    rest::extract::read_query,
    tokens::SigningKey,
    ws,
};

/// Reads the text of a query.
pub fn query<T: DeserializeOwned>(text: &str) -> Result<T, ChatError> {
    read_query(text)
}

/// Returns the configuration of the text of a file and of this environment.
pub fn config(
    file: &str,
    environment: impl IntoIterator<Item = (OsString, OsString)>,
) -> Result<(Config, Report), Problems> {
    Config::parse(file, environment)
}

/// Returns the signing key with these bytes.
pub fn signing_key(bytes: Vec<u8>) -> SigningKey {
    SigningKey::new(bytes)
}

/// Sends every message of a WebSocket back, after its handshake.
pub async fn echo(stream: TcpStream) {
    ws::echo::serve(stream).await;
}
