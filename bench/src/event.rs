//! What a text frame of the server is about, found without parsing JSON.
//!
//! The server writes `ev` or `re` first and the `seq` of an entry before its text, so the texts of a
//! run cannot be mistaken for a member.

use std::sync::LazyLock;

use memchr::memmem::Finder;

const ENTRY: &[u8] = br#"{"ev":"message","#;
const REPLY: &[u8] = br#"{"re":"#;
const OK: &[u8] = br#","ok":"#;

static SEQ: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(br#""seq":"#));

/// What a text frame is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Incoming {
    /// An entry of a conversation with this seq.
    Entry(u64),
    /// The command with this id succeeded.
    Done(u64),
    /// A command was refused.
    Refused,
    /// Another event.
    Other,
}

/// Reads what a text frame is about.
pub(crate) fn scan(text: &[u8]) -> Incoming {
    if text.starts_with(ENTRY) {
        return seq(text).map_or(Incoming::Other, Incoming::Entry);
    }
    let Some(reply) = text.strip_prefix(REPLY) else { return Incoming::Other };
    match number(reply) {
        Some((id, digits)) if reply[digits..].starts_with(OK) => Incoming::Done(id),
        Some(_) | None => Incoming::Refused,
    }
}

/// Returns the first `seq` in a JSON text.
fn seq(text: &[u8]) -> Option<u64> {
    seqs(text).next()
}

/// Returns the value of each member `seq` in a JSON text, in order.
pub(crate) fn seqs(text: &[u8]) -> impl Iterator<Item = u64> {
    let after = |found: usize| number(&text[found + SEQ.needle().len()..]);
    SEQ.find_iter(text).filter_map(move |found| Some(after(found)?.0))
}

/// Returns the number at the start of a text and the count of its digits.
fn number(text: &[u8]) -> Option<(u64, usize)> {
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let add =
        |number: u64, digit: &u8| number.checked_mul(10)?.checked_add(u64::from(digit - b'0'));
    let number = text[..digits].iter().try_fold(0, add)?;
    (digits > 0).then_some((number, digits))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scan_distinguishes_entries_replies_and_other_events() {
        let entry =
            br#"{"ev":"message","conversation":"29","seq":1234,"id":"7","text":"\"seq\":9"}"#;
        assert_eq!(scan(entry), Incoming::Entry(1234));
        assert_eq!(scan(br#"{"re":17,"ok":{"message":{"seq":3}}}"#), Incoming::Done(17));
        assert_eq!(scan(br#"{"re":17,"error":{"code":"invalid"}}"#), Incoming::Refused);
        assert_eq!(scan(br#"{"re":null,"error":{}}"#), Incoming::Refused);
        assert_eq!(scan(br#"{"ev":"receipt","read_seq":5}"#), Incoming::Other);
        assert_eq!(scan(br#"{"ev":"message","seq":99999999999999999999}"#), Incoming::Other);
    }

    #[test]
    fn seqs_are_found_in_order_and_other_members_are_not() {
        let text = br#"{"items":[{"seq":4,"target_seq":9},{"seq":5}],"head_seq":7}"#;
        assert_eq!(seqs(text).collect::<Vec<_>>(), [4, 5]);
    }

    #[test]
    fn number_stops_at_the_first_other_byte() {
        assert_eq!(number(b"18446744073709551615,"), Some((u64::MAX, 20)));
        assert_eq!(number(b"18446744073709551616"), None);
        assert_eq!(number(b"-1"), None);
        assert_eq!(number(b""), None);
    }
}
