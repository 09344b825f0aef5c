//! Splits a text into words that can be compared: without case, accents and punctuation.
//!
//! Words end where Unicode says so (UAX #29). Scripts without spaces between words, such as Chinese
//! and Thai, give one word for each character: the character and the one after it. So every part of
//! such a text is found, without a dictionary.

use std::ops::Range;

use unicode_normalization::UnicodeNormalization;
use unicode_properties::{GeneralCategoryGroup, UnicodeGeneralCategory};
use unicode_segmentation::UnicodeSegmentation;

use crate::name_words::{fold, is_accent};

/// The most characters of a word that count.
const WORD_CHARS_MAX: usize = 64;

/// A word of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    /// The word in the form in which it is compared.
    pub folded: String,
    /// Where it is in the text, in bytes.
    pub bytes: Range<usize>,
    /// True for a pair of characters of a script without spaces.
    pub is_pair: bool,
    /// Where the first character of such a pair ends. For other words, where the word ends.
    pub first_end: usize,
    /// True for the last character of a text without spaces, which has no character to pair with.
    pub is_run_end: bool,
}

/// Returns the words of a text, in their order.
pub fn words(text: &str) -> Vec<Word> {
    if text.is_ascii() { ascii_words(text) } else { unicode_words(text) }
}

/// Returns the words of a text without other characters: all runs of letters and digits. They are what
/// [`unicode_words`] returns, much cheaper.
fn ascii_words(text: &str) -> Vec<Word> {
    let bytes = text.as_bytes();
    let mut words = Vec::new();
    let mut from = 0;
    while let Some(before) = bytes[from..].iter().position(u8::is_ascii_alphanumeric) {
        let start = from + before;
        let length = bytes[start..].iter().position(|byte| !byte.is_ascii_alphanumeric());
        let end = length.map_or(text.len(), |length| start + length);
        from = end;
        words.push(Word {
            folded: text[start..end.min(start + WORD_CHARS_MAX)].to_ascii_lowercase(),
            bytes: start..end,
            is_pair: false,
            first_end: end,
            is_run_end: false,
        });
    }
    words
}

fn unicode_words(text: &str) -> Vec<Word> {
    let mut splitter = Splitter::default();
    for (start, segment) in text.unicode_word_indices() {
        splitter.add_segment(start, segment);
    }
    splitter.end_run();
    splitter.words
}

/// One character of a script without spaces, with its marks.
#[derive(Debug)]
struct Unit {
    folded: String,
    bytes: Range<usize>,
}

#[derive(Debug, Default)]
struct Splitter {
    words: Vec<Word>,
    /// The word that is being read.
    word: String,
    word_chars: usize,
    word_bytes: Range<usize>,
    /// Adjacent characters of scripts without spaces.
    run: Vec<Unit>,
}

impl Splitter {
    fn add_segment(&mut self, start: usize, segment: &str) {
        if self.run.last().is_some_and(|last| last.bytes.end != start) {
            self.end_run();
        }
        if segment.is_ascii() {
            for (at, char) in segment.char_indices() {
                self.add_char(char.to_ascii_lowercase(), start + at..start + at + 1);
            }
        } else {
            for (at, grapheme) in segment.grapheme_indices(true) {
                self.add_grapheme(start + at, grapheme);
            }
        }
        self.end_word();
    }

    fn add_grapheme(&mut self, start: usize, grapheme: &str) {
        let plain = grapheme.nfkd().filter(|char| !is_accent(*char)).flat_map(fold);
        for char in plain.nfc() {
            self.add_char(char, start..start + grapheme.len());
        }
    }

    /// Adds a folded character, which stands for these bytes of the text.
    fn add_char(&mut self, char: char, bytes: Range<usize>) {
        let is_mark = is_mark(char);
        if is_mark && let Some(last) = self.run.last_mut() {
            last.folded.push(char);
            last.bytes.end = bytes.end;
        } else if is_unspaced(char) {
            self.end_word();
            self.run.push(Unit { folded: char.to_string(), bytes });
        } else if char.is_alphanumeric() || is_mark && !self.word.is_empty() {
            self.end_run();
            if self.word.is_empty() {
                self.word_bytes.start = bytes.start;
            }
            self.word_bytes.end = bytes.end;
            if self.word_chars < WORD_CHARS_MAX {
                self.word.push(char);
                self.word_chars += 1;
            }
        } else {
            self.end_word();
            self.end_run();
        }
    }

    fn end_word(&mut self) {
        if !self.word.is_empty() {
            self.words.push(Word {
                folded: std::mem::take(&mut self.word),
                first_end: self.word_bytes.end,
                bytes: self.word_bytes.clone(),
                is_pair: false,
                is_run_end: false,
            });
        }
        self.word_chars = 0;
    }

    fn end_run(&mut self) {
        let run = std::mem::take(&mut self.run);
        for (nth, unit) in run.iter().enumerate() {
            let next = run.get(nth + 1);
            let mut folded = unit.folded.clone();
            folded.push_str(next.map_or("", |next| &next.folded));
            self.words.push(Word {
                folded,
                bytes: unit.bytes.start..next.unwrap_or(unit).bytes.end,
                is_pair: next.is_some(),
                first_end: unit.bytes.end,
                is_run_end: next.is_none(),
            });
        }
    }
}

fn is_mark(char: char) -> bool {
    // The category of other characters is looked up in a table.
    !char.is_ascii() && char.general_category_group() == GeneralCategoryGroup::Mark
}

/// Returns true for letters of scripts that do not put spaces between all words.
const fn is_unspaced(char: char) -> bool {
    matches!(char,
        '\u{0e01}'..='\u{0eff}'     // Thai, Lao
        | '\u{1000}'..='\u{109f}'   // Burmese
        | '\u{1780}'..='\u{17ff}'   // Khmer
        | '\u{3005}'..='\u{3007}'   // marks of repetition, zero
        | '\u{3040}'..='\u{30ff}'   // Hiragana, Katakana
        | '\u{3100}'..='\u{312f}'   // Bopomofo
        | '\u{31f0}'..='\u{31ff}'   // more Katakana
        | '\u{3400}'..='\u{4dbf}'   // Han
        | '\u{4e00}'..='\u{9fff}'
        | '\u{ac00}'..='\u{d7a3}'   // Hangul
        | '\u{f900}'..='\u{faff}'   // Han
        | '\u{20000}'..='\u{323af}'
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn folded(text: &str) -> Vec<String> {
        words(text).into_iter().map(|word| word.folded).collect()
    }

    #[test]
    fn words_have_neither_case_nor_accents_nor_punctuation() {
        for (text, expected) in [
            ("Meet at the Café, ÉCOLE!", &["meet", "at", "the", "cafe", "ecole"][..]),
            ("Don't e-mail ada@example.com", &["don", "t", "e", "mail", "ada", "example", "com"]),
            ("Straße Ærø Łódź", &["strasse", "aero", "lodz"]),
            ("Ὀδυσσεύς", &["οδυσσευσ"]),
            ("हिन्दी", &["हिन्दी"]),
            ("3.14 v2", &["3", "14", "v2"]),
            ("ﬁne \u{1F389} --- …", &["fine"]),
            ("", &[]),
        ] {
            assert_eq!(folded(text), expected, "{text}");
        }
    }

    #[test]
    fn scripts_without_spaces_give_pairs_of_characters() {
        for (text, expected) in [
            ("東京都", &["東京", "京都", "都"][..]),
            ("猫", &["猫"]),
            ("東京 大阪", &["東京", "京", "大阪", "阪"]),
            ("私はRustが好き", &["私は", "は", "rust", "が好", "好き", "き"]),
            ("ガギ", &["ガギ", "ギ"]),
            ("ｶﾞｷﾞ", &["ガギ", "ギ"]),
            ("한국어", &["한국", "국어", "어"]),
        ] {
            assert_eq!(folded(text), expected, "{text}");
        }
    }

    #[test]
    fn word_is_cut_when_it_is_very_long() {
        assert_eq!(folded(&"x".repeat(1_000)), ["x".repeat(WORD_CHARS_MAX)]);
        assert_eq!(words(&"x".repeat(1_000))[0].bytes, 0..1_000);
    }

    #[test]
    fn words_say_where_they_are() {
        let text = "Über 東京";
        let found: Vec<_> = words(text).into_iter().map(|word| &text[word.bytes]).collect();
        assert_eq!(found, ["Über", "東京", "京"]);
    }

    proptest! {
        #[test]
        fn cheap_way_for_ascii_gives_the_same_words(text in "[\\x00-\\x7f]{0,200}|[ab1.,'_:-]{0,200}") {
            prop_assert_eq!(ascii_words(&text), unicode_words(&text));
        }

        #[test]
        fn words_are_in_order_and_within_the_text(text in any::<String>()) {
            let mut start = 0;
            for word in words(&text) {
                prop_assert!(word.bytes.start >= start && text.get(word.bytes.clone()).is_some());
                prop_assert!(text.is_char_boundary(word.first_end) && !word.folded.is_empty());
                start = word.bytes.start;
            }
        }

        #[test]
        fn folding_again_changes_nothing(text in "[\\PC]{0,40}") {
            let once = folded(&text).into_iter().filter(|word| !word.chars().any(is_unspaced));
            for word in once {
                prop_assert_eq!(folded(&word).concat(), word);
            }
        }
    }
}
