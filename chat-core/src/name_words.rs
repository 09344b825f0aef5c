//! Words of display names, by which people are found: without case and accents.

use unicode_normalization::UnicodeNormalization;

/// The most words of a name that are found.
const WORDS_MAX: usize = 8;
/// The most characters of a word that count.
const WORD_CHARS_MAX: usize = 32;

/// Returns the different words of a name, ascending, in the form in which they are compared.
pub fn words(name: &str) -> Vec<String> {
    let folded: String = name.nfkd().filter(|char| !is_accent(*char)).flat_map(fold).collect();
    let parts = folded.split(|char: char| !char.is_alphanumeric()).filter(|word| !word.is_empty());
    let shortened = |word: &str| word.chars().take(WORD_CHARS_MAX).collect();
    let mut words: Vec<String> = parts.map(shortened).take(WORDS_MAX).collect();
    words.sort_unstable();
    words.dedup();
    words
}

/// Returns true if each of these folded words begins a word of the name.
pub fn matches(name: &str, beginnings: &[String]) -> bool {
    let words = words(name);
    beginnings.iter().all(|beginning| words.iter().any(|word| word.starts_with(beginning)))
}

/// Returns true for combining marks of Latin, Greek and Cyrillic letters, and the optional vowel signs
/// of Hebrew and Arabic.
pub(crate) const fn is_accent(char: char) -> bool {
    matches!(char, '\u{300}'..='\u{36f}' | '\u{591}'..='\u{5c7}' | '\u{64b}'..='\u{65f}')
}

/// Returns the letter in lower case. Letters that Unicode does not decompose become those that people
/// type instead.
pub(crate) fn fold(char: char) -> impl Iterator<Item = char> {
    char.to_lowercase().flat_map(|char| {
        let (first, second) = match char {
            'ß' => ('s', Some('s')),
            'æ' => ('a', Some('e')),
            'œ' => ('o', Some('e')),
            'þ' => ('t', Some('h')),
            'ø' => ('o', None),
            'ł' => ('l', None),
            'đ' | 'ð' => ('d', None),
            'ħ' => ('h', None),
            'ı' => ('i', None),
            'ς' => ('σ', None),
            // Lowering a dotted capital I leaves its dot.
            '\u{307}' => return OneOrTwo(None, None),
            other => (other, None),
        };
        OneOrTwo(Some(first), second)
    })
}

/// One letter or two.
struct OneOrTwo(Option<char>, Option<char>);

impl Iterator for OneOrTwo {
    type Item = char;

    fn next(&mut self) -> Option<char> {
        self.0.take().or_else(|| self.1.take())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_have_neither_case_nor_accents() {
        for (name, expected) in [
            ("Öztürk", &["ozturk"][..]),
            ("Ozturk", &["ozturk"]),
            ("José María O'Brien-Núñez", &["brien", "jose", "maria", "nunez", "o"]),
            (
                "ĐẶNG Łukasz Groß Ærø İpek ılgaz",
                &["aero", "dang", "gross", "ilgaz", "ipek", "lukasz"],
            ),
            ("Ὀδυσσεύς", &["οδυσσευσ"]),
            ("王小明", &["王小明"]),
            ("مُحَمَّد", &["محمد"]),
            ("Ada Ada ada", &["ada"]),
            ("\u{1F98A} fox", &["fox"]),
            ("...", &[]),
        ] {
            assert_eq!(words(name), expected, "{name}");
        }
    }

    #[test]
    fn words_are_bounded() {
        let many: Vec<_> = (0..100).map(|word| format!("word{word}")).collect();
        assert_eq!(words(&many.join(" ")).len(), WORDS_MAX);
        assert_eq!(words(&"x".repeat(1_000)), ["x".repeat(WORD_CHARS_MAX)]);
    }

    #[test]
    fn name_matches_when_all_beginnings_are_found() {
        let matches = |query| matches("Ada Byron Lovelace", &words(query));
        assert!(matches("lov ada"));
        assert!(matches("LÓVE"));
        assert!(!matches("ada x"));
    }
}
