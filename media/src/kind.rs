//! The type of a file, found in its content.

use serde::{Deserialize, Serialize};

/// How many bytes of a file are enough for [`sniff`].
const HEAD_BYTES_MAX: usize = 4_096;

/// The type of a file. All but [`Self::Other`] may be shown inside a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub enum Kind {
    /// Anything that is only downloaded: texts with HTML and SVG, documents, archives, programs.
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
    /// MPEG-4 whose brand says that it has sound only.
    M4a,
    /// AAC without a container.
    Aac,
    /// MPEG-4 with a video, or with sound.
    Mp4,
    /// WebM with a video, or with sound.
    Webm,
}

impl Kind {
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

    /// Returns true for the images that [`crate::image()`] reads.
    pub const fn is_image(self) -> bool {
        matches!(self, Self::Png | Self::Jpeg | Self::Gif | Self::Webp)
    }

    /// Returns true for the files whose length [`crate::audio_duration`] may find.
    pub const fn has_duration(self) -> bool {
        !self.is_image() && !matches!(self, Self::Other)
    }
}

/// Returns the type of a file that begins with these bytes; 4 KiB are enough.
///
/// Images that cannot be cleaned of metadata, such as AVIF and TIFF, are [`Kind::Other`].
pub fn sniff(head: &[u8]) -> Kind {
    let head = &head[..head.len().min(HEAD_BYTES_MAX)];
    let found = infer::get(head).map_or("", |found| found.mime_type());
    match found {
        "image/png" => Kind::Png,
        "image/jpeg" => Kind::Jpeg,
        "image/gif" => Kind::Gif,
        "image/webp" => Kind::Webp,
        "audio/mpeg" => Kind::Mp3,
        "audio/ogg" | "audio/opus" => Kind::Ogg,
        "audio/x-flac" => Kind::Flac,
        "audio/x-wav" => Kind::Wav,
        "audio/m4a" => Kind::M4a,
        "audio/aac" => Kind::Aac,
        "video/mp4" => Kind::Mp4,
        "video/webm" => Kind::Webm,
        _ => Kind::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn type_is_found_in_the_content() {
        let webm = [&b"\x1A\x45\xDF\xA3\x9F\x42\x82\x84webm"[..], &[0; 256]].concat();
        let mp4 = b"\0\0\0\x18ftypisom\0\0\x02\0isomiso2";
        let m4a = b"\0\0\0\x18ftypM4A \0\0\x02\0isomiso2";
        let avif = b"\0\0\0\x1cftypavif\0\0\0\0avifmif1miafMA1B";
        for (head, expected) in [
            (&b"\x89PNG\r\n\x1a\n"[..], Kind::Png),
            (b"\xFF\xD8\xFF\xE0", Kind::Jpeg),
            (b"GIF87a", Kind::Gif),
            (b"GIF89a", Kind::Gif),
            (b"RIFF\0\0\0\0WEBP", Kind::Webp),
            (b"RIFF\0\0\0\0WAVE", Kind::Wav),
            (b"fLaC", Kind::Flac),
            (b"OggS", Kind::Ogg),
            (b"ID3\x03", Kind::Mp3),
            (b"\xFF\xFB\x90\x64", Kind::Mp3),
            (b"\xFF\xF1\x50\x80", Kind::Aac),
            (mp4, Kind::Mp4),
            (m4a, Kind::M4a),
            (&webm[..], Kind::Webm),
            (avif, Kind::Other),
            (b"MM\0*\0\0\0\x08", Kind::Other),
            (b"BM\x46\0\0\0", Kind::Other),
            (b"%PDF-1.7", Kind::Other),
            (b"<svg xmlns='http://www.w3.org/2000/svg'><script>", Kind::Other),
            (b"<?xml version='1.0'?><svg>", Kind::Other),
            (b"<!DOCTYPE html><script>", Kind::Other),
            (b"PK\x03\x04", Kind::Other),
            (b"MZ\x90\0", Kind::Other),
            (b"#!/bin/sh", Kind::Other),
            (b"", Kind::Other),
        ] {
            assert_eq!(sniff(head), expected, "{}", head.escape_ascii());
        }
    }

    #[test]
    fn only_images_sound_and_video_have_a_name_of_their_own() {
        for kind in Kind::ALL {
            let family = kind.name().split('/').next().unwrap();
            assert_eq!(["image", "audio", "video"].contains(&family), kind != Kind::Other);
            assert_eq!(family == "image", kind.is_image());
            assert!(!kind.name().contains("svg") && !kind.name().contains("html"));
        }
    }
}
