//! The form of names that are displayed: of users and of groups.
//!
//! A name is displayed inline with other text. It must therefore not be blank, break the line, or
//! change the direction of the text that follows.

use std::ops::RangeInclusive;

use crate::error::ChatError;

/// Returns the name without white space at its ends, or an error that names `field`.
pub(crate) fn check<'a>(field: &str, text: &'a str) -> Result<&'a str, ChatError> {
    if text.chars().any(is_forbidden) {
        let message = "expected no control characters, line breaks or changes of direction";
        return Err(ChatError::invalid(field, message));
    }
    if !text.chars().any(is_visible) {
        return Err(ChatError::invalid(field, "expected something to see"));
    }
    Ok(text.trim())
}

/// Returns true for control characters, line and paragraph separators, and characters that embed,
/// override or isolate a text direction.
fn is_forbidden(char: char) -> bool {
    char.is_control()
        || matches!(char, '\u{2028}' | '\u{2029}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

fn is_visible(char: char) -> bool {
    !char.is_whitespace() && !INVISIBLE.iter().any(|range| range.contains(&char))
}

/// Unicode's `Default_Ignorable_Code_Point`, and the blank Braille pattern.
const INVISIBLE: [RangeInclusive<char>; 18] = [
    '\u{AD}'..='\u{AD}',
    '\u{34F}'..='\u{34F}',
    '\u{61C}'..='\u{61C}',
    '\u{115F}'..='\u{1160}',
    '\u{17B4}'..='\u{17B5}',
    '\u{180B}'..='\u{180F}',
    '\u{200B}'..='\u{200F}',
    '\u{202A}'..='\u{202E}',
    '\u{2060}'..='\u{206F}',
    '\u{2800}'..='\u{2800}',
    '\u{3164}'..='\u{3164}',
    '\u{FE00}'..='\u{FE0F}',
    '\u{FEFF}'..='\u{FEFF}',
    '\u{FFA0}'..='\u{FFA0}',
    '\u{FFF0}'..='\u{FFF8}',
    '\u{1BCA0}'..='\u{1BCA3}',
    '\u{1D173}'..='\u{1D17A}',
    '\u{E0000}'..='\u{E0FFF}',
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn name_is_trimmed_and_refused_when_nothing_is_visible() {
        for (text, expected) in [
            ("Ada", "Ada"),
            ("  Ada\u{3000}L. ", "Ada\u{3000}L."),
            ("\u{1F469}\u{200D}\u{1F680}", "\u{1F469}\u{200D}\u{1F680}"),
            ("\u{200F}\u{5D0}\u{5D3}\u{5D4}", "\u{200F}\u{5D0}\u{5D3}\u{5D4}"),
            ("e\u{301}", "e\u{301}"),
        ] {
            assert_eq!(check("title", text), Ok(expected));
        }
        for text in ["", "   ", "\u{3000}", "\u{200B}\u{FEFF}", "\u{2800}", "\u{3164} \u{AD}"] {
            assert!(check("title", text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn name_is_refused_when_it_breaks_the_line_or_turns_direction() {
        for char in ['\0', '\n', '\t', '\u{7F}', '\u{85}', '\u{2028}', '\u{202E}', '\u{2066}'] {
            assert!(check("title", &format!("Ada{char}L.")).is_err(), "{char:?}");
            assert!(check("title", &format!("Ada{char}")).is_err(), "{char:?}");
        }
    }
}
