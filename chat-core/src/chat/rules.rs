//! What a write must look like, before the conversation is asked.

use std::sync::Arc;

use crate::{
    display_name,
    error::ChatError,
    limits::{EMOJI_BYTES_MAX, TEXT_BYTES_MAX, TITLE_BYTES_MAX},
    write::{Change, Write},
};

/// Returns the write with its title normalized. Fails if a text, title or emoji is out of bounds.
pub(super) fn validated(mut write: Write) -> Result<Write, ChatError> {
    match &mut write.change {
        Change::Text { text, .. } | Change::Edit { text, .. } => {
            check_bytes("text", text, TEXT_BYTES_MAX)?;
        }
        Change::React { emoji, .. } => check_emoji(emoji)?,
        Change::SetTitle { title } => *title = normalized_title(title)?,
        Change::Redact { .. } | Change::SetMember { .. } | Change::Remove { .. } => {}
    }
    Ok(write)
}

/// Returns the title without surrounding white space. Fails if it is blank or too long.
pub(super) fn normalized_title(text: &str) -> Result<Arc<str>, ChatError> {
    let title = display_name::check("title", text)?;
    check_bytes("title", title, TITLE_BYTES_MAX)?;
    Ok(title.into())
}

/// Fails unless the text has 1 to `max` bytes.
fn check_bytes(field: &'static str, text: &str, max: usize) -> Result<(), ChatError> {
    if text.is_empty() {
        return Err(ChatError::invalid(field, format!("{field} is empty")));
    }
    if text.len() > max {
        return Err(ChatError::TooLarge { field, max });
    }
    Ok(())
}

fn check_emoji(emoji: &str) -> Result<(), ChatError> {
    let is_plain = !emoji.chars().any(|char| char.is_whitespace() || char.is_control());
    if is_plain && (1..=EMOJI_BYTES_MAX).contains(&emoji.len()) {
        Ok(())
    } else {
        Err(ChatError::invalid("emoji", "expected 1 to 64 bytes without white space"))
    }
}
