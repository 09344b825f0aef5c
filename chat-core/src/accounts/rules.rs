//! The form of names, passwords and queries.

use std::sync::Arc;

use tokio::task::spawn_blocking;
use zxcvbn::{Score, zxcvbn};

use crate::{
    display_name,
    error::ChatError,
    limits::{
        DEVICE_BYTES_MAX, DISPLAY_NAME_BYTES_MAX, PAGE_MAX, PASSWORD_BYTES_MAX, PASSWORD_CHARS_MIN,
        USERNAME_CHARS_MAX,
    },
    model::Username,
};

/// The weakest score of a new password: it takes a million guesses or more, which the rate limits on
/// log-ins stretch to years.
const PASSWORD_SCORE_MIN: Score = Score::Two;
/// A word that makes a password easier to guess here than elsewhere.
const PRODUCT: &str = "confab";

/// Returns the name for a new account. It has a letter or a digit and is not reserved. Separators do
/// not make a reserved name another one.
pub(super) fn new_username(text: &str, reserved: &[String]) -> Result<Username, ChatError> {
    let username = Username::new(text)?;
    let letters = without_separators(username.as_str());
    if letters.is_empty() {
        return Err(ChatError::invalid("username", "expected a letter or a digit"));
    }
    if reserved.iter().any(|name| without_separators(name).eq_ignore_ascii_case(&letters)) {
        return Err(ChatError::invalid("username", "this name is reserved"));
    }
    Ok(username)
}

fn without_separators(name: &str) -> String {
    name.chars().filter(|char| !matches!(char, '_' | '.' | '-')).collect()
}

/// Checks that a new password has at least 8 characters and at most 1,024 bytes, and is not easy to
/// guess. The estimate takes milliseconds, so it runs on a thread that may block.
pub(super) async fn check_new_password(
    field: &str,
    text: &str,
    username: &str,
) -> Result<(), ChatError> {
    check_bytes(field, text, 0, PASSWORD_BYTES_MAX)?;
    if text.chars().count() < PASSWORD_CHARS_MIN {
        let message = format!("expected at least {PASSWORD_CHARS_MIN} characters");
        return Err(ChatError::Invalid { field: Some(field.to_owned()), message });
    }
    let (password, username) = (text.to_owned(), username.to_owned());
    let estimate = spawn_blocking(move || zxcvbn(&password, &[&username, PRODUCT]).score());
    let score = estimate.await.map_err(|error| {
        tracing::error!(%error, "could not estimate a password");
        ChatError::Internal
    })?;
    if score < PASSWORD_SCORE_MIN {
        return Err(ChatError::invalid(field, "this password is easy to guess"));
    }
    Ok(())
}

/// Checks that a password presented at log-in is not longer than a password can be. Shorter ones
/// are simply wrong.
pub(super) fn check_presented_password(field: &str, text: &str) -> Result<(), ChatError> {
    check_bytes(field, text, 0, PASSWORD_BYTES_MAX)
}

/// Returns the display name in the form of names. It has 1 to 128 bytes.
pub(super) fn display_name(text: &str) -> Result<Arc<str>, ChatError> {
    let name = display_name::check("display_name", text)?;
    check_bytes("display_name", &name, 1, DISPLAY_NAME_BYTES_MAX)?;
    Ok(name.into())
}

/// Returns the device's name in the form of names. It has 1 to 128 bytes if there is one.
pub(super) fn device(text: Option<&str>) -> Result<Option<Arc<str>>, ChatError> {
    let Some(text) = text else { return Ok(None) };
    let name = display_name::check("device", text)?;
    check_bytes("device", &name, 1, DEVICE_BYTES_MAX)?;
    Ok(Some(name.into()))
}

/// Returns the query, which has 1 to 32 characters, in lower case. Returns `None` if no username can
/// begin with it.
pub(super) fn search_prefix(text: &str) -> Result<Option<String>, ChatError> {
    if (1..=USERNAME_CHARS_MAX).contains(&text.chars().count()) {
        Ok(text.bytes().all(Username::is_letter).then(|| text.to_ascii_lowercase()))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn new_password_has_eight_characters_and_is_hard_to_guess() {
        let refused = [
            "sx7vq9z",
            "\u{436}\u{44a}\u{443}\u{449}\u{43a}\u{444}\u{44b}",
            "password1",
            "confab12",
            "adalove1",
        ];
        for password in refused {
            let checked = check_new_password("password", password, "adalove").await;
            assert!(matches!(checked, Err(ChatError::Invalid { .. })), "{password}");
        }
        let longest = "sx7vq9zk".repeat(PASSWORD_BYTES_MAX / 8);
        for password in ["sx7vq9zk", &longest] {
            assert_eq!(check_new_password("password", password, "adalove").await, Ok(()));
        }
        let long = format!("{longest}!");
        assert!(check_new_password("password", &long, "adalove").await.is_err());
    }
}
