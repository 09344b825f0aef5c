//! Deserializes texts that have a bound in [`crate::limits`].

use std::sync::Arc;

use serde::{Deserialize, Deserializer, de::Error};

/// Deserializes a text of up to `MAX` bytes.
pub(super) fn text<'de, const MAX: usize, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Arc<str>, D::Error> {
    check::<MAX, _>(Arc::deserialize(deserializer)?)
}

/// Deserializes an optional text of up to `MAX` bytes.
pub(super) fn optional_text<'de, const MAX: usize, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Arc<str>>, D::Error> {
    Option::deserialize(deserializer)?.map(check::<MAX, _>).transpose()
}

fn check<const MAX: usize, E: Error>(text: Arc<str>) -> Result<Arc<str>, E> {
    if text.len() <= MAX {
        Ok(text)
    } else {
        Err(E::custom(format_args!("{} bytes of text, more than {MAX}", text.len())))
    }
}
