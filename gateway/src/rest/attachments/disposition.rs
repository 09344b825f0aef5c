//! `Content-Disposition` of a download (RFC 6266, RFC 8187).

use std::fmt::Write as _;

use chat_core::model::MediaType;
use http::HeaderValue;

/// Returns the header for a file with this name. Only images, sounds and videos may be shown in a page.
pub(super) fn disposition(name: &str, media: MediaType) -> HeaderValue {
    let kind = if media == MediaType::Other { "attachment" } else { "inline" };
    let plain: String = name.chars().map(|one| if is_plain(one) { one } else { '_' }).collect();
    let mut value = format!("{kind}; filename=\"{plain}\"");
    if plain != name {
        value.push_str("; filename*=UTF-8''");
        for byte in name.bytes() {
            push_encoded(&mut value, byte);
        }
    }
    HeaderValue::try_from(value).unwrap_or(HeaderValue::from_static("attachment"))
}

/// Returns true for characters that stand for themselves between quotes.
const fn is_plain(character: char) -> bool {
    matches!(character, ' '..='~') && !matches!(character, '"' | '\\' | '%')
}

fn push_encoded(value: &mut String, byte: u8) {
    if byte.is_ascii_alphanumeric() || b"!#$&+-.^_`|~".contains(&byte) {
        value.push(char::from(byte));
    } else if write!(value, "%{byte:02X}").is_err() {
        tracing::error!("writing to a string failed");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn name_is_quoted_and_encoded_when_it_is_not_ascii() {
        for (name, media, expected) in [
            ("a b.png", MediaType::Png, "inline; filename=\"a b.png\""),
            ("a.svg", MediaType::Other, "attachment; filename=\"a.svg\""),
            (
                "é\"\\%.txt",
                MediaType::Other,
                "attachment; filename=\"____.txt\"; filename*=UTF-8''%C3%A9%22%5C%25.txt",
            ),
            (
                "漢.mp4",
                MediaType::Mp4,
                "inline; filename=\"_.mp4\"; filename*=UTF-8''%E6%BC%A2.mp4",
            ),
        ] {
            assert_eq!(disposition(name, media), expected, "{name}");
        }
    }

    #[test]
    fn header_cannot_be_split_by_a_name() {
        let value = disposition("a\r\nSet-Cookie: x\0.txt", MediaType::Other);
        assert_eq!(
            value,
            "attachment; filename=\"a__Set-Cookie: x_.txt\"; filename*=UTF-8''a%0D%0ASet-Cookie%3A%20x%00.txt"
        );
    }
}
