//! What a message says about a file that it shows.

use std::{ops::Deref, sync::Arc};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

pub use media::Kind as MediaType;

use super::bounded;
use crate::{
    id::AttachmentId,
    limits::{ATTACHMENTS_MAX, BLURHASH_BYTES_MAX, FILE_NAME_BYTES_MAX},
};

/// The name of a file whose own name has nothing to show.
const UNNAMED: &str = "file";

/// What a message says about a file that it shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attachment {
    /// The file.
    pub id: AttachmentId,
    /// Its name, in the form of [`file_name`].
    #[serde(deserialize_with = "bounded::text::<FILE_NAME_BYTES_MAX, _>")]
    pub name: Arc<str>,
    /// Its size in bytes.
    pub size: u64,
    /// Its type, found in its content.
    pub media: MediaType,
    /// What is known of an image or a sound.
    pub details: Details,
}

/// What is known of an image or a sound.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Details {
    /// Nothing.
    #[default]
    None,
    /// An image.
    Image {
        /// Width in pixels.
        width: u32,
        /// Height in pixels.
        height: u32,
        /// A blurred preview (github.com/woltapp/blurhash).
        #[serde(deserialize_with = "bounded::text::<BLURHASH_BYTES_MAX, _>")]
        blurhash: Arc<str>,
    },
    /// A sound, or a video.
    Sound {
        /// How long it is, in milliseconds.
        duration_ms: u32,
    },
}

/// The files that a message shows. Needs no memory of its own if it is empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AttachmentList(Option<Arc<[Attachment]>>);

impl AttachmentList {
    /// Returns the bytes of all names, which bounds on batches count.
    pub fn name_bytes(&self) -> usize {
        self.iter().map(|attachment| attachment.name.len()).sum()
    }
}

impl Deref for AttachmentList {
    type Target = [Attachment];

    fn deref(&self) -> &[Attachment] {
        self.0.as_deref().unwrap_or_default()
    }
}

impl FromIterator<Attachment> for AttachmentList {
    fn from_iter<I: IntoIterator<Item = Attachment>>(attachments: I) -> Self {
        let attachments: Arc<[Attachment]> = attachments.into_iter().collect();
        Self(Some(attachments).filter(|attachments| !attachments.is_empty()))
    }
}

impl Serialize for AttachmentList {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

impl<'de> Deserialize<'de> for AttachmentList {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let attachments = Vec::<Attachment>::deserialize(deserializer)?;
        if attachments.len() > ATTACHMENTS_MAX {
            return Err(D::Error::custom("too many attachments"));
        }
        Ok(attachments.into_iter().collect())
    }
}

/// Returns a file name that is safe to show and to save under: the part after the last slash or
/// backslash, without control characters, invisible direction marks and characters that file systems
/// refuse, not beginning with a point, and of up to [`FILE_NAME_BYTES_MAX`] bytes. An ending such as
/// `.png` is kept.
pub fn file_name(given: &str) -> Arc<str> {
    let last = given.rsplit(['/', '\\']).next().unwrap_or_default();
    let kept: String = last.chars().filter(|one| is_in_names(*one)).collect();
    let name = kept.trim().trim_start_matches('.').trim_end_matches(['.', ' ']).trim();
    if name.is_empty() { UNNAMED.into() } else { shortened(name).into() }
}

fn is_in_names(character: char) -> bool {
    let is_direction_mark = matches!(character,
        '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{2069}' | '\u{FEFF}');
    let is_reserved = matches!(character, '<' | '>' | ':' | '"' | '|' | '?' | '*');
    !character.is_control() && !is_direction_mark && !is_reserved
}

/// Cuts the middle out of a name that is too long, so that its ending stays.
fn shortened(name: &str) -> String {
    const ENDING_BYTES_MAX: usize = 16;
    if name.len() <= FILE_NAME_BYTES_MAX {
        return name.to_owned();
    }
    let (stem, ending) = match name.rfind('.') {
        Some(at) if name.len() - at <= ENDING_BYTES_MAX => name.split_at(at),
        Some(_) | None => (name, ""),
    };
    let bytes_max = FILE_NAME_BYTES_MAX - ending.len();
    let fits = |(at, character): &(usize, char)| at + character.len_utf8() <= bytes_max;
    let stem: String =
        stem.char_indices().take_while(fits).map(|(_, character)| character).collect();
    format!("{stem}{ending}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_name_loses_paths_controls_and_direction_marks() {
        for (given, expected) in [
            ("photo.png", "photo.png"),
            ("../../etc/passwd", "passwd"),
            ("..\\..\\windows\\system32\\cmd.exe", "cmd.exe"),
            ("/", "file"),
            ("..", "file"),
            ("", "file"),
            (".htaccess", "htaccess"),
            ("a\0b\r\nc.txt", "abc.txt"),
            ("invoice\u{202E}gpj.exe", "invoicegpj.exe"),
            ("\u{FEFF}x\u{200B}.txt ", "x.txt"),
            ("C:evil?.txt...", "Cevil.txt"),
            ("Größe 漢字.jpeg", "Größe 漢字.jpeg"),
        ] {
            assert_eq!(&*file_name(given), expected, "{given:?}");
        }
    }

    #[test]
    fn long_file_name_keeps_its_ending() {
        let name = file_name(&format!("{}.tar.gz", "é".repeat(400)));
        assert!(name.len() <= FILE_NAME_BYTES_MAX && name.ends_with(".gz"), "{name}");
        let name = file_name(&format!("a.{}", "x".repeat(400)));
        assert_eq!(name.len(), FILE_NAME_BYTES_MAX);
    }
}
