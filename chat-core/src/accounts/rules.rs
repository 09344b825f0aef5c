//! What names, passwords and queries must look like.

use std::sync::Arc;

use crate::{
    error::ChatError,
    limits::{
        DEVICE_BYTES_MAX, DISPLAY_NAME_BYTES_MAX, PAGE_MAX, PASSWORD_BYTES_MAX, PASSWORD_BYTES_MIN,
        USERNAME_CHARS_MAX,
    },
    shown,
};

/// A password has 8 to 1,024 bytes, whatever they are.
pub(super) fn password(text: &str) -> Result<(), ChatError> {
    bytes("password", text, PASSWORD_BYTES_MIN, PASSWORD_BYTES_MAX)
}

/// A password that is to be checked has no more than a password can have.
pub(super) fn guess(text: &str) -> Result<(), ChatError> {
    bytes("password", text, 0, PASSWORD_BYTES_MAX)
}

/// A display name has 1 to 128 bytes, and something to see.
pub(super) fn display_name(text: &str) -> Result<Arc<str>, ChatError> {
    let name = shown::name("display_name", text)?;
    bytes("display_name", name, 1, DISPLAY_NAME_BYTES_MAX).map(|()| name.into())
}

/// A device's name, where there is one, has 1 to 128 bytes.
pub(super) fn device(text: Option<&str>) -> Result<Option<Arc<str>>, ChatError> {
    text.map(|text| bytes("device", text, 1, DEVICE_BYTES_MAX).map(|()| text.into())).transpose()
}

/// A query is the beginning of a username, in upper or lower case.
pub(super) fn query(text: &str) -> Result<String, ChatError> {
    if (1..=USERNAME_CHARS_MAX).contains(&text.chars().count()) {
        Ok(text.to_ascii_lowercase())
    } else {
        Err(ChatError::invalid("query", format!("expected 1 to {USERNAME_CHARS_MAX} characters")))
    }
}

/// A page has 1 to 100 items.
pub(super) fn page(field: &str, items: usize) -> Result<(), ChatError> {
    if (1..=PAGE_MAX).contains(&items) {
        Ok(())
    } else {
        Err(ChatError::invalid(field, format!("expected 1 to {PAGE_MAX}")))
    }
}

fn bytes(field: &str, text: &str, min: usize, max: usize) -> Result<(), ChatError> {
    if (min..=max).contains(&text.len()) {
        Ok(())
    } else {
        Err(ChatError::invalid(field, format!("expected {min} to {max} bytes")))
    }
}
