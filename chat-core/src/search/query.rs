//! What a caller looks for, and where a text has it.

use std::{collections::BTreeMap, fmt, ops::Range};

use super::words::{Word, words};

/// The most words of a query.
const PATTERNS_MAX: usize = 128;
/// The most places of a text that are found.
const PLACES_MAX: usize = 100;

/// The words that a text must have. All clauses must be found, in any order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Query {
    clauses: Vec<Vec<Pattern>>,
}

/// A word to look for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Pattern {
    /// The folded word ([`Word::folded`]).
    pub folded: String,
    /// True if the word may go on.
    pub is_prefix: bool,
}

/// The error for a query with too many words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QueryError;

impl fmt::Display for QueryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "expected at most {PATTERNS_MAX} words")
    }
}

impl Pattern {
    fn matches(&self, word: &Word) -> bool {
        if self.is_prefix {
            word.folded.starts_with(&self.folded)
        } else {
            word.folded == self.folded
        }
    }
}

impl Query {
    /// Reads a query. What is in quotation marks is a phrase. The last word may go on, unless a closing
    /// quotation mark follows.
    pub fn parse(text: &str) -> Result<Self, QueryError> {
        let mut clauses = Vec::new();
        let mut sections = text.split(is_quotation_mark).enumerate().peekable();
        while let Some((number, section)) = sections.next() {
            let is_last = sections.peek().is_none();
            if number % 2 == 1 {
                clauses.extend(clause(section, is_last));
                continue;
            }
            let mut pieces = section.split_whitespace().peekable();
            while let Some(piece) = pieces.next() {
                clauses.extend(clause(piece, is_last && pieces.peek().is_none()));
            }
        }
        if clauses.iter().map(Vec::len).sum::<usize>() > PATTERNS_MAX {
            return Err(QueryError);
        }
        // What is asked for twice is looked for once.
        clauses.sort_unstable();
        clauses.dedup();
        Ok(Self { clauses })
    }

    /// Returns true if any text matches.
    pub fn is_empty(&self) -> bool {
        self.clauses.is_empty()
    }

    /// Returns what a text must have. The words of one clause follow each other.
    pub fn clauses(&self) -> &[Vec<Pattern>] {
        &self.clauses
    }

    /// Returns where a text has what the query looks for, in bytes, ascending and without overlaps: some
    /// places, up to 100. Returns `None` if it lacks any of it.
    pub fn find(&self, text: &str) -> Option<Vec<Range<usize>>> {
        let words = words(text);
        let mut numbers: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (number, word) in words.iter().enumerate() {
            numbers.entry(&word.folded).or_default().push(number);
        }
        let mut found = Vec::new();
        for clause in &self.clauses {
            let before = found.len();
            let starts = starts(clause, &numbers);
            let places = starts.filter_map(|start| {
                let part = words.get(start..start + clause.len())?;
                place(clause, part)
            });
            found.extend(places.take(PLACES_MAX));
            if found.len() == before {
                return None;
            }
        }
        let mut found = without_overlaps(found);
        found.truncate(PLACES_MAX);
        Some(found)
    }
}

/// Returns the numbers of the words at which a clause may start: where its rarest whole word is in the
/// right place. A single prefix starts at any word that it begins.
fn starts<'a>(
    clause: &'a [Pattern],
    numbers: &'a BTreeMap<&str, Vec<usize>>,
) -> Box<dyn Iterator<Item = usize> + 'a> {
    let whole = clause.iter().enumerate().filter(|(_, pattern)| !pattern.is_prefix);
    let places = whole.map(|(offset, pattern)| {
        (offset, numbers.get(pattern.folded.as_str()).map_or(&[][..], Vec::as_slice))
    });
    if let Some((offset, places)) = places.min_by_key(|(_, places)| places.len()) {
        return Box::new(places.iter().filter_map(move |number| number.checked_sub(offset)));
    }
    let Some(prefix) = clause.first().map(|pattern| pattern.folded.as_str()) else {
        return Box::new(std::iter::empty());
    };
    let begun = numbers.range(prefix..).take_while(move |(word, _)| word.starts_with(prefix));
    Box::new(begun.flat_map(|(_, places)| places.iter().copied()))
}

/// Returns the words of a phrase or of a piece between spaces, or `None` if it has none.
fn clause(text: &str, may_go_on: bool) -> Option<Vec<Pattern>> {
    let mut words = words(text);
    // The text may go on after a run of characters, so its last one is found in a pair.
    let ends_in_run = words.last().is_some_and(|last| last.is_run_end);
    let follows_pair = words.iter().rev().nth(1).is_some_and(|word| word.is_pair);
    if ends_in_run && follows_pair {
        words.pop();
    }
    let count = words.len();
    let pattern = |(nth, word): (usize, Word)| {
        let is_last = nth + 1 == count;
        let is_prefix = is_last && (word.is_run_end || may_go_on && !word.is_pair);
        Pattern { folded: word.folded, is_prefix }
    };
    let patterns: Vec<Pattern> = words.into_iter().enumerate().map(pattern).collect();
    (!patterns.is_empty()).then_some(patterns)
}

/// Returns where these adjacent words are, if they are those of the clause.
fn place(clause: &[Pattern], words: &[Word]) -> Option<Range<usize>> {
    let (pattern, word) = (clause.last()?, words.last()?);
    let is_found = clause.iter().zip(words).all(|(pattern, word)| pattern.matches(word));
    let end = if pattern.is_prefix { word.first_end } else { word.bytes.end };
    is_found.then(|| words[0].bytes.start..end)
}

fn without_overlaps(mut ranges: Vec<Range<usize>>) -> Vec<Range<usize>> {
    ranges.sort_unstable_by_key(|range| (range.start, range.end));
    let mut merged: Vec<Range<usize>> = Vec::with_capacity(ranges.len());
    for range in ranges {
        match merged.last_mut() {
            Some(last) if range.start < last.end => last.end = last.end.max(range.end),
            _ => merged.push(range),
        }
    }
    merged
}

const fn is_quotation_mark(char: char) -> bool {
    matches!(char, '"' | '\u{201c}' | '\u{201d}' | '\u{201e}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Returns the found parts of a text.
    fn found<'a>(query: &str, text: &'a str) -> Option<Vec<&'a str>> {
        let ranges = Query::parse(query).unwrap().find(text)?;
        Some(ranges.into_iter().map(|range| &text[range]).collect())
    }

    #[test]
    fn all_words_are_found_in_any_order() {
        let text = "We meet at the Café at noon";
        assert_eq!(found("noon cafe", text), Some(vec!["Café", "noon"]));
        assert_eq!(found("AT", text), Some(vec!["at", "at"]));
        assert_eq!(found("noon midnight", text), None);
    }

    #[test]
    fn only_the_last_word_may_go_on() {
        let text = "Deployment finished";
        assert_eq!(found("finished deplo", text), Some(vec!["Deployment", "finished"]));
        assert_eq!(found("deplo finished", text), None);
        assert_eq!(found("fini", text), Some(vec!["finished"]));
    }

    #[test]
    fn words_of_a_phrase_follow_each_other() {
        let text = "The quick brown fox";
        assert_eq!(found("\"quick brown\"", text), Some(vec!["quick brown"]));
        assert_eq!(
            found("\u{201e}Quick, brown\u{201d} the", text),
            Some(vec!["The", "quick brown"])
        );
        assert_eq!(found("\"brown quick\"", text), None);
        assert_eq!(found("\"quick bro\"", text), None);
        assert_eq!(found("\"quick bro", text), Some(vec!["quick brown"]));
        assert_eq!(found("e-mail", "by e-mail"), Some(vec!["e-mail"]));
        assert_eq!(found("e-mail", "mail me an e"), None);
    }

    #[test]
    fn any_part_of_a_text_without_spaces_is_found() {
        let text = "明日は東京都で会いましょう";
        for part in
            ["東", "東京", "京都", "東京都で会", "う", "しょう", "明日は東京都で会いましょう"]
        {
            assert_eq!(found(part, text), Some(vec![part]), "{part}");
            assert_eq!(found(&format!("\"{part}\""), text), Some(vec![part]), "{part}");
        }
        assert_eq!(found("京東", text), None);
        assert_eq!(found("会いました", text), None);
        assert_eq!(found("東京 明日", text), Some(vec!["明日", "東京"]));
    }

    #[test]
    fn query_without_words_is_empty() {
        for text in ["", "  ", "\"\"", "--- …", "\u{1F389}"] {
            assert!(Query::parse(text).unwrap().is_empty(), "{text}");
        }
    }

    #[test]
    fn query_is_refused_when_it_has_too_many_words() {
        assert!(Query::parse(&"a ".repeat(PATTERNS_MAX)).is_ok());
        assert_eq!(Query::parse(&"a ".repeat(PATTERNS_MAX + 1)), Err(QueryError));
    }

    #[test]
    fn repeated_words_count_once() {
        let once = Query::parse("b a \"a b\" a").unwrap();
        assert_eq!(once, Query::parse("a b \"a b\" b a").unwrap());
    }

    #[test]
    fn some_places_are_enough_when_a_text_repeats_a_word() {
        let text = "a b ".repeat(PLACES_MAX);
        assert_eq!(found("\"a b\"", &text).unwrap().len(), PLACES_MAX);
        assert_eq!(found("a b", &text).unwrap().len(), PLACES_MAX);
    }

    /// Returns the same as [`Query::find`], by comparing each clause with all words.
    fn find_slowly(query: &Query, text: &str) -> Option<Vec<Range<usize>>> {
        let words = words(text);
        let mut found = Vec::new();
        for clause in query.clauses() {
            let places = words.windows(clause.len()).filter_map(|part| place(clause, part));
            let places: Vec<_> = places.collect();
            if places.is_empty() {
                return None;
            }
            found.extend(places);
        }
        Some(without_overlaps(found))
    }

    proptest! {
        #[test]
        fn looking_words_up_finds_what_comparing_them_finds(
            query in "[a-c東京\" ]{0,12}",
            text in "[a-c東京é, ]{0,40}",
        ) {
            let query = Query::parse(&query).unwrap();
            prop_assert_eq!(query.find(&text), find_slowly(&query, &text));
        }

        #[test]
        fn every_text_is_found_by_its_own_beginning(text in "[\\PC]{1,60}", length in 1_usize..60) {
            let part: String = text.chars().take(length).collect();
            if let Ok(query) = Query::parse(&part.replace(is_quotation_mark, " "))
                && part.chars().all(|char| char.is_ascii_alphanumeric() || char == ' ')
            {
                prop_assert!(query.find(&text).is_some(), "{part:?} in {text:?}");
            }
        }

        #[test]
        fn places_are_within_the_text(query in "[a-c東京\" ]{0,8}", text in "[a-c東京é, ]{0,30}") {
            let found = Query::parse(&query).unwrap().find(&text).unwrap_or_default();
            for range in &found {
                prop_assert!(text.get(range.clone()).is_some_and(|part| !part.is_empty()));
            }
            prop_assert!(found.windows(2).all(|pair| pair[0].end <= pair[1].start));
        }
    }
}
