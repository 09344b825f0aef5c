//! The form of names, passwords and queries.

use std::sync::Arc;

use crate::{
    display_name,
    error::ChatError,
    limits::{
        DEVICE_BYTES_MAX, DISPLAY_NAME_BYTES_MAX, PAGE_MAX, PASSWORD_BYTES_MAX, PASSWORD_BYTES_MIN,
        USERNAME_CHARS_MAX,
    },
};

/// Checks that a new password has 8 to 1,024 bytes.
pub(super) fn check_new_password(field: &str, text: &str) -> Result<(), ChatError> {
    check_bytes(field, text, PASSWORD_BYTES_MIN, PASSWORD_BYTES_MAX)
}

/// Checks that a password presented at log-in is not longer than a password can be. Shorter ones
/// are simply wrong.
pub(super) fn check_presented_password(field: &str, text: &str) -> Result<(), ChatError> {
    check_bytes(field, text, 0, PASSWORD_BYTES_MAX)
}

/// Returns the trimmed display name, which has 1 to 128 bytes and something visible.
pub(super) fn display_name(text: &str) -> Result<Arc<str>, ChatError> {
    let name = display_name::check("display_name", text)?;
    check_bytes("display_name", name, 1, DISPLAY_NAME_BYTES_MAX)?;
    Ok(name.into())
}

/// Returns the device's name, which has 1 to 128 bytes if there is one.
pub(super) fn device(text: Option<&str>) -> Result<Option<Arc<str>>, ChatError> {
    let Some(text) = text else { return Ok(None) };
    check_bytes("device", text, 1, DEVICE_BYTES_MAX)?;
    Ok(Some(text.into()))
}

/// Returns the query in lower case. It is a prefix of usernames with 1 to 32 characters.
pub(super) fn search_prefix(text: &str) -> Result<String, ChatError> {
    if (1..=USERNAME_CHARS_MAX).contains(&text.chars().count()) {
        Ok(text.to_ascii_lowercase())
    } else {
        Err(ChatError::invalid("query", format!("expected 1 to {USERNAME_CHARS_MAX} characters")))
    }
}

/// Checks that a page has 1 to 100 items.
pub(super) fn check_page_size(field: &str, items: usize) -> Result<(), ChatError> {
    if (1..=PAGE_MAX).contains(&items) {
        Ok(())
    } else {
        Err(ChatError::invalid(field, format!("expected 1 to {PAGE_MAX}")))
    }
}

fn check_bytes(field: &str, text: &str, min: usize, max: usize) -> Result<(), ChatError> {
    if (min..=max).contains(&text.len()) {
        Ok(())
    } else {
        Err(ChatError::invalid(field, format!("expected {min} to {max} bytes")))
    }
}
