//! Recognizes emoji by the grammar of possible emoji in Unicode Technical Standard #51.
//!
//! The grammar also accepts sequences that no font displays as one picture, so that emoji of later
//! versions of Unicode are accepted.

use unicode_properties::UnicodeEmoji;

const JOINER: char = '\u{200D}';
const VARIATION_SELECTORS: [char; 2] = ['\u{FE0E}', '\u{FE0F}'];
const KEYCAP: char = '\u{20E3}';
const BLACK_FLAG: char = '\u{1F3F4}';
const TAG_END: char = '\u{E007F}';

/// Returns true if the text is one emoji.
pub(crate) fn is_emoji(text: &str) -> bool {
    let chars: Vec<char> = text.chars().collect();
    emoji_len(&chars) == Some(chars.len())
}

/// Returns how many characters the emoji at the start has, or `None` if it has no emoji.
pub(crate) fn emoji_len(chars: &[char]) -> Option<usize> {
    if let [first, second, ..] = chars
        && is_regional(*first)
        && is_regional(*second)
    {
        return Some(2);
    }
    let mut len = element_len(chars)?;
    while chars.get(len) == Some(&JOINER)
        && let Some(next) = element_len(&chars[len + 1..])
    {
        len += 1 + next;
    }
    Some(len)
}

/// Returns how many characters the part of a joined emoji at the start has.
fn element_len(chars: &[char]) -> Option<usize> {
    let base = *chars.first()?;
    let has_selector = chars.get(1).is_some_and(|next| VARIATION_SELECTORS.contains(next));
    let after = 1 + usize::from(has_selector);
    if matches!(base, '0'..='9' | '#' | '*') {
        return (chars.get(after) == Some(&KEYCAP)).then_some(after + 1);
    }
    if !base.is_emoji_char() || is_regional(base) {
        return None;
    }
    if base == BLACK_FLAG {
        return Some(1 + tags_len(&chars[1..]));
    }
    let is_modified = !has_selector && chars.get(1).is_some_and(|next| is_modifier(*next));
    Some(after + usize::from(is_modified))
}

/// Returns how many tag characters follow a flag, with the end of the tags.
fn tags_len(chars: &[char]) -> usize {
    let tags = chars.iter().take_while(|char| ('\u{E0020}'..='\u{E007E}').contains(*char)).count();
    if tags > 0 && chars.get(tags) == Some(&TAG_END) { tags + 1 } else { 0 }
}

fn is_regional(char: char) -> bool {
    ('\u{1F1E6}'..='\u{1F1FF}').contains(&char)
}

/// Returns true for the skin tones.
fn is_modifier(char: char) -> bool {
    ('\u{1F3FB}'..='\u{1F3FF}').contains(&char)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_emoji_is_recognized() {
        for emoji in [
            "\u{1F44D}",
            "\u{1F44D}\u{1F3FD}",
            "\u{2764}",
            "\u{2764}\u{FE0F}",
            "\u{1F1EB}\u{1F1F7}",
            "1\u{FE0F}\u{20E3}",
            "#\u{20E3}",
            "\u{1F469}\u{200D}\u{1F680}",
            "\u{1F468}\u{1F3FB}\u{200D}\u{2764}\u{FE0F}\u{200D}\u{1F468}\u{1F3FF}",
            "\u{1F3F4}\u{E0067}\u{E0062}\u{E0065}\u{E006E}\u{E0067}\u{E007F}",
            "\u{1F3F4}\u{200D}\u{2620}\u{FE0F}",
        ] {
            assert!(is_emoji(emoji), "{emoji}");
        }
    }

    #[test]
    fn other_texts_are_not_one_emoji() {
        for text in [
            "",
            "a",
            "1",
            "#",
            "+1",
            ":)",
            "evil.example/free",
            "\u{202E}",
            "\u{200B}",
            "\u{200D}",
            "\u{FE0F}",
            "\u{20E3}",
            "\u{1F1EB}",
            "\u{1F44D}\u{1F44D}",
            "\u{1F44D} ",
            "\u{1F44D}\u{200D}",
            "\u{1F44D}\u{200B}",
            "\u{1F44D}\u{E0067}\u{E007F}",
            "\u{1F44D}a",
            "e\u{301}",
        ] {
            assert!(!is_emoji(text), "{text:?}");
        }
    }
}
