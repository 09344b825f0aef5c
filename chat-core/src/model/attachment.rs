//! What a message says about a file that it shows.

use std::{ops::Deref, sync::Arc};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

use super::bounded;
use crate::{
    id::AttachmentId,
    limits::{ATTACHMENTS_MAX, FILE_NAME_BYTES_MAX},
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

/// The type of a file, found in its content. All but [`Self::Other`] may be shown inside a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum MediaType {
    /// Anything that is only downloaded.
    #[default]
    Other,
    /// A PNG image.
    Png,
    /// A JPEG image.
    Jpeg,
    /// A GIF image.
    Gif,
    /// A WebP image.
    Webp,
    /// MP3.
    Mp3,
    /// Ogg with sound, such as Opus.
    Ogg,
    /// FLAC.
    Flac,
    /// Wave.
    Wav,
    /// MPEG-4 with sound only.
    M4a,
    /// AAC without a container.
    Aac,
    /// An MPEG-4 video.
    Mp4,
    /// A WebM video or sound.
    Webm,
}

impl MediaType {
    /// All types.
    pub const ALL: [Self; 13] = [
        Self::Other,
        Self::Png,
        Self::Jpeg,
        Self::Gif,
        Self::Webp,
        Self::Mp3,
        Self::Ogg,
        Self::Flac,
        Self::Wav,
        Self::M4a,
        Self::Aac,
        Self::Mp4,
        Self::Webm,
    ];

    /// Returns the type of a file with this beginning. The name of the file and what its sender says
    /// about it do not matter. Texts, and with them HTML and SVG, are `Other`.
    pub fn of(beginning: &[u8]) -> Self {
        let found = infer::get(beginning).map_or("", |kind| kind.mime_type());
        match found {
            "image/png" => Self::Png,
            "image/jpeg" => Self::Jpeg,
            "image/gif" => Self::Gif,
            "image/webp" => Self::Webp,
            "audio/mpeg" => Self::Mp3,
            "audio/ogg" | "audio/opus" => Self::Ogg,
            "audio/x-flac" => Self::Flac,
            "audio/x-wav" => Self::Wav,
            "audio/m4a" => Self::M4a,
            "audio/aac" => Self::Aac,
            "video/mp4" => Self::Mp4,
            "video/webm" => Self::Webm,
            _ => Self::Other,
        }
    }

    /// Returns the name of the type for `Content-Type`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Other => "application/octet-stream",
            Self::Png => "image/png",
            Self::Jpeg => "image/jpeg",
            Self::Gif => "image/gif",
            Self::Webp => "image/webp",
            Self::Mp3 => "audio/mpeg",
            Self::Ogg => "audio/ogg",
            Self::Flac => "audio/flac",
            Self::Wav => "audio/wav",
            Self::M4a => "audio/mp4",
            Self::Aac => "audio/aac",
            Self::Mp4 => "video/mp4",
            Self::Webm => "video/webm",
        }
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

    #[test]
    fn media_type_is_found_in_the_content() {
        let webm = [&b"\x1A\x45\xDF\xA3\x9F\x42\x82\x84webm"[..], &[0; 256]].concat();
        let mp4 = b"\0\0\0\x18ftypisom\0\0\x02\0isomiso2";
        for (beginning, expected) in [
            (&b"\x89PNG\r\n\x1a\n"[..], MediaType::Png),
            (b"\xFF\xD8\xFF\xE0", MediaType::Jpeg),
            (b"GIF89a", MediaType::Gif),
            (b"RIFF\0\0\0\0WEBP", MediaType::Webp),
            (b"RIFF\0\0\0\0WAVE", MediaType::Wav),
            (b"fLaC", MediaType::Flac),
            (b"OggS", MediaType::Ogg),
            (b"ID3\x03", MediaType::Mp3),
            (mp4, MediaType::Mp4),
            (&webm[..], MediaType::Webm),
            (b"%PDF-1.7", MediaType::Other),
            (b"<svg xmlns='http://www.w3.org/2000/svg'>", MediaType::Other),
            (b"<!DOCTYPE html><script>", MediaType::Other),
            (b"PK\x03\x04", MediaType::Other),
            (b"", MediaType::Other),
        ] {
            assert_eq!(MediaType::of(beginning), expected, "{}", beginning.escape_ascii());
        }
    }

    #[test]
    fn only_images_sound_and_video_have_a_type_of_their_own() {
        for media in MediaType::ALL {
            let kind = media.name().split('/').next().unwrap();
            let is_shown = ["image", "audio", "video"].contains(&kind);
            assert_eq!(is_shown, media != MediaType::Other, "{media:?}");
            assert!(!media.name().contains("svg") && !media.name().contains("html"));
        }
    }
}
