//! Which characters can be seen.

use std::ops::RangeInclusive;

/// Returns true if a text displays something: not only white space, controls and characters that
/// display nothing.
pub(crate) fn is_visible(char: char) -> bool {
    !char.is_whitespace() && !char.is_control() && !is_ignorable(char) && char != BLANK_BRAILLE
}

/// Returns true for Unicode's `Default_Ignorable_Code_Point`: a character that displays nothing by
/// itself, but may change how its neighbours are displayed.
pub(crate) fn is_ignorable(char: char) -> bool {
    IGNORABLE.iter().any(|range| range.contains(&char))
}

/// The Braille pattern without dots. Fonts display it as a space.
const BLANK_BRAILLE: char = '\u{2800}';

const IGNORABLE: [RangeInclusive<char>; 17] = [
    '\u{AD}'..='\u{AD}',
    '\u{34F}'..='\u{34F}',
    '\u{61C}'..='\u{61C}',
    '\u{115F}'..='\u{1160}',
    '\u{17B4}'..='\u{17B5}',
    '\u{180B}'..='\u{180F}',
    '\u{200B}'..='\u{200F}',
    '\u{202A}'..='\u{202E}',
    '\u{2060}'..='\u{206F}',
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
    fn blank_characters_are_not_visible() {
        for char in [' ', '\n', '\u{7}', '\u{200B}', '\u{2800}', '\u{3000}', '\u{3164}', '\u{FEFF}']
        {
            assert!(!is_visible(char), "{char:?}");
        }
        for char in ['a', '.', '\u{301}', '\u{5D0}', '\u{1F680}', '\u{3042}'] {
            assert!(is_visible(char), "{char:?}");
        }
    }
}
