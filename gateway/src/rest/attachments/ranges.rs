//! The range that a download asks for (RFC 9110, 14.2).

use std::ops::Range;

use http::{
    HeaderMap, HeaderValue,
    header::{IF_NONE_MATCH, IF_RANGE, RANGE},
};

/// Which part of a file is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Wanted {
    /// All of it.
    Whole,
    /// These bytes.
    Part(Range<u64>),
    /// Nothing: the client has the same content.
    Nothing,
    /// Nothing: the range is beyond the end.
    BeyondEnd,
}

/// Returns what a client with these headers gets of a file of this size and tag. Ranges that the server
/// does not know, and several ranges, are ignored, as the RFC allows.
pub(super) fn wanted(headers: &HeaderMap, size: u64, tag: &HeaderValue) -> Wanted {
    let is_known = headers.get_all(IF_NONE_MATCH).iter().any(|known| has_tag(known, tag));
    if is_known {
        return Wanted::Nothing;
    }
    if headers.get(IF_RANGE).is_some_and(|expected| expected != tag) {
        return Wanted::Whole;
    }
    let mut ranges = headers.get_all(RANGE).iter();
    let range = ranges.next().filter(|_| ranges.next().is_none());
    let range = range.and_then(|range| range.to_str().ok()?.strip_prefix("bytes="));
    range.and_then(|range| part(range.trim(), size)).unwrap_or(Wanted::Whole)
}

fn has_tag(known: &HeaderValue, tag: &HeaderValue) -> bool {
    let (Ok(known), Ok(tag)) = (known.to_str(), tag.to_str()) else { return false };
    known
        .split(',')
        .map(|one| one.trim().trim_start_matches("W/"))
        .any(|one| one == tag || one == "*")
}

/// Returns the part of a range such as `0-499`, `500-` or `-500`, or `None` if it is malformed.
fn part(range: &str, size: u64) -> Option<Wanted> {
    let (first, last) = range.split_once('-')?;
    if first.is_empty() {
        let length = number(last)?.min(size);
        let is_empty = length == 0;
        return Some(if is_empty { Wanted::BeyondEnd } else { Wanted::Part(size - length..size) });
    }
    let first = number(first)?;
    let last = if last.is_empty() { u64::MAX } else { number(last)? };
    if last < first {
        return None;
    }
    let end = last.saturating_add(1).min(size);
    Some(if first < end { Wanted::Part(first..end) } else { Wanted::BeyondEnd })
}

fn number(digits: &str) -> Option<u64> {
    let is_plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    is_plain.then(|| digits.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use http::HeaderName;

    use super::*;

    const TAG: HeaderValue = HeaderValue::from_static("\"abc\"");

    fn wanted_with(headers: &[(HeaderName, &str)], size: u64) -> Wanted {
        let headers = headers
            .iter()
            .map(|(name, value)| (name.clone(), HeaderValue::try_from(*value).unwrap()));
        wanted(&headers.collect(), size, &TAG)
    }

    #[test]
    fn ranges_are_cut_to_the_file() {
        for (range, expected) in [
            ("bytes=0-0", Wanted::Part(0..1)),
            ("bytes=2-5", Wanted::Part(2..6)),
            ("bytes=2-", Wanted::Part(2..10)),
            ("bytes=2-99", Wanted::Part(2..10)),
            ("bytes=2-99999999999999999999999", Wanted::Part(2..10)),
            ("bytes=-3", Wanted::Part(7..10)),
            ("bytes=-99", Wanted::Part(0..10)),
            ("bytes=10-", Wanted::BeyondEnd),
            ("bytes=99999999999999999999999-", Wanted::BeyondEnd),
            ("bytes=-0", Wanted::BeyondEnd),
            ("bytes=5-2", Wanted::Whole),
            ("bytes=0-1,3-4", Wanted::Whole),
            ("bytes=a-b", Wanted::Whole),
            ("bytes=+1-2", Wanted::Whole),
            ("bytes=", Wanted::Whole),
            ("bytes=-", Wanted::Whole),
            ("lines=0-1", Wanted::Whole),
        ] {
            assert_eq!(wanted_with(&[(RANGE, range)], 10), expected, "{range}");
        }
        assert_eq!(wanted_with(&[(RANGE, "bytes=0-")], 0), Wanted::BeyondEnd);
        assert_eq!(wanted_with(&[(RANGE, "bytes=0-1"), (RANGE, "bytes=0-1")], 10), Wanted::Whole);
    }

    #[test]
    fn range_is_ignored_when_the_content_is_another() {
        let range = (RANGE, "bytes=0-1");
        let part = Wanted::Part(0..2);
        assert_eq!(wanted_with(&[range.clone(), (IF_RANGE, "\"abc\"")], 10), part);
        for other in ["\"other\"", "W/\"abc\"", "Sat, 14 Mar 2026 09:26:53 GMT"] {
            assert_eq!(wanted_with(&[range.clone(), (IF_RANGE, other)], 10), Wanted::Whole);
        }
    }

    #[test]
    fn nothing_is_sent_when_the_client_has_the_content() {
        for known in ["\"abc\"", "W/\"abc\"", "\"x\", \"abc\"", "*"] {
            let headers = [(IF_NONE_MATCH, known), (RANGE, "bytes=0-1")];
            assert_eq!(wanted_with(&headers, 10), Wanted::Nothing, "{known}");
        }
        assert_eq!(wanted_with(&[(IF_NONE_MATCH, "\"x\"")], 10), Wanted::Whole);
    }
}
