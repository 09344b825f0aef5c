//! The form of names that are displayed: of users, groups and devices.
//!
//! A name is displayed inline with other text, and people tell each other apart by it. So it is in
//! Unicode's normal form C. It must not be blank, break the line, change the direction of the text
//! that follows, contain characters that cannot be seen, or pile up marks.

use unicode_normalization::UnicodeNormalization;
use unicode_properties::{GeneralCategoryGroup, UnicodeGeneralCategory};

use crate::{
    emoji::emoji_len,
    error::ChatError,
    visible::{is_ignorable, is_visible},
};

/// The maximum number of combining marks in a row. Languages need up to four.
const MARKS_MAX: usize = 4;

/// Returns the name in normal form C and without white space at its ends, or an error that names
/// `field`.
pub(crate) fn check(field: &str, text: &str) -> Result<String, ChatError> {
    let name: String = text.nfc().collect();
    let chars: Vec<char> = name.chars().collect();
    if has_forbidden(&chars) {
        let message = "expected no control characters, line breaks or invisible characters";
        return Err(ChatError::invalid(field, message));
    }
    if has_too_many_marks(&chars) {
        let message = format!("expected at most {MARKS_MAX} combining marks in a row");
        return Err(ChatError::invalid(field, message));
    }
    if !chars.iter().copied().any(is_visible) {
        return Err(ChatError::invalid(field, "expected something to see"));
    }
    Ok(name.trim().to_owned())
}

/// Returns true if there are control characters or line breaks, or ignorable characters outside of
/// emoji. Emoji may contain joiners and variation selectors, but no tags.
fn has_forbidden(chars: &[char]) -> bool {
    let mut rest = chars;
    while let Some(first) = rest.first() {
        let emoji = emoji_len(rest).filter(|len| !rest[..*len].iter().copied().any(is_tag));
        if emoji.is_none() && is_forbidden(*first) {
            return true;
        }
        rest = &rest[emoji.unwrap_or(1)..];
    }
    false
}

fn is_forbidden(char: char) -> bool {
    char.is_control() || matches!(char, '\u{2028}' | '\u{2029}') || is_ignorable(char)
}

fn is_tag(char: char) -> bool {
    ('\u{E0000}'..='\u{E007F}').contains(&char)
}

fn has_too_many_marks(chars: &[char]) -> bool {
    let is_mark = |char: &char| char.general_category_group() == GeneralCategoryGroup::Mark;
    chars.windows(MARKS_MAX + 1).any(|row| row.iter().all(is_mark))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn name_is_trimmed_and_composed() {
        for (text, expected) in [
            ("Ada", "Ada"),
            ("  Ada\u{3000}L. ", "Ada\u{3000}L."),
            ("\u{1F469}\u{200D}\u{1F680}", "\u{1F469}\u{200D}\u{1F680}"),
            ("Ada \u{2764}\u{FE0F}", "Ada \u{2764}\u{FE0F}"),
            ("\u{5D0}\u{5D3}\u{5D4}", "\u{5D0}\u{5D3}\u{5D4}"),
            ("Rene\u{301}", "Ren\u{E9}"),
            ("x\u{301}\u{302}\u{303}\u{304}", "x\u{301}\u{302}\u{303}\u{304}"),
        ] {
            assert_eq!(check("title", text).as_deref(), Ok(expected));
        }
    }

    #[test]
    fn name_is_refused_when_nothing_is_visible() {
        for text in ["", "   ", "\u{3000}", "\u{200B}\u{FEFF}", "\u{2800}", "\u{3164} \u{AD}"] {
            assert!(check("title", text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn name_is_refused_when_it_breaks_the_line_or_turns_direction() {
        for char in
            ['\0', '\n', '\t', '\u{1B}', '\u{7F}', '\u{85}', '\u{2028}', '\u{202E}', '\u{2066}']
        {
            assert!(check("title", &format!("Ada{char}L.")).is_err(), "{char:?}");
            assert!(check("title", &format!("Ada{char}")).is_err(), "{char:?}");
        }
    }

    #[test]
    fn name_is_refused_when_it_contains_invisible_characters() {
        for invisible in [
            "\u{200B}",
            "\u{AD}",
            "\u{200E}",
            "\u{200F}",
            "\u{200D}",
            "\u{FE0F}",
            "\u{E0041}",
            "\u{1F44D}\u{200D}",
            "\u{1F3F4}\u{E0067}\u{E007F}",
        ] {
            assert!(check("title", &format!("Ad{invisible}a")).is_err(), "{invisible:?}");
            assert!(check("title", &format!("Ada{invisible}")).is_err(), "{invisible:?}");
        }
    }

    #[test]
    fn name_is_refused_when_marks_pile_up() {
        for marks in [5, 60] {
            assert!(check("title", &format!("x{}", "\u{303}".repeat(marks))).is_err(), "{marks}");
        }
    }
}
