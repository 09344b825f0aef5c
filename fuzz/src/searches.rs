//! Searches: the first line is what somebody looks for, and the rest is a text.

use chat_core::search::{Query, words};

/// The most places of a text that are shown.
const PLACES_MAX: usize = 100;

pub(crate) fn check(input: &[u8]) {
    let Ok(input) = std::str::from_utf8(input) else { return };
    let (query, text) = input.split_once('\n').unwrap_or((input, input));
    check_words(text);
    let Ok(query) = Query::parse(query) else { return };
    for clause in query.clauses() {
        assert!(!clause.is_empty(), "a clause without words matches everything");
    }
    if let Some(places) = query.find(text) {
        assert!(places.len() <= PLACES_MAX);
        assert!(places.windows(2).all(|pair| pair[0].end <= pair[1].start), "places overlap");
        let is_part = |place| text.get(place).is_some_and(|part: &str| !part.is_empty());
        assert!(places.into_iter().all(is_part), "a place is not a part of the text");
    }
    check_itself(text);
}

/// Words are parts of the text, in their order, and are not empty.
fn check_words(text: &str) {
    let mut start = 0;
    for word in words(text) {
        assert!(word.bytes.start >= start, "words are not in their order");
        assert!(!word.folded.is_empty());
        assert!(text.get(word.bytes.clone()).is_some_and(|part| !part.is_empty()));
        start = word.bytes.start;
    }
}

/// A text of plain words is found by itself.
fn check_itself(text: &str) {
    let is_plain = |char: char| char.is_ascii_alphanumeric() || char == ' ';
    if text.chars().all(is_plain)
        && let Ok(query) = Query::parse(text)
    {
        assert!(query.find(text).is_some(), "a text does not match itself");
    }
}
