//! Images without metadata, without decoding them.
//!
//! Each format has a list of the parts that pixels need. Those are copied as they are, and everything
//! else is left out: EXIF, XMP, comments, thumbnails, unknown parts, and bytes after the end. So pixels
//! and animations do not change. Sizes are checked on the way, wherever the format repeats them.

mod gif;
mod jpeg;
mod png;
mod webp;

use image::metadata::Orientation;

use crate::{
    Kind,
    limits::{Limits, Refusal},
    sniff,
};

/// An image without metadata.
#[derive(Debug)]
pub(crate) struct Cleaned {
    pub kind: Kind,
    pub content: Vec<u8>,
    /// The size of the pixels as they are stored, before the orientation is applied.
    pub width: u32,
    pub height: u32,
    /// How to turn the pixels. Animations are never turned.
    pub orientation: Orientation,
    /// The most bytes that a decoder needs for a pixel, with its result.
    pub decoder_bytes_per_pixel: u64,
    /// The same while the pixels are turned and written again.
    pub turning_bytes_per_pixel: u64,
}

impl Cleaned {
    pub(crate) fn is_upright(&self) -> bool {
        self.orientation == Orientation::NoTransforms
    }
}

/// Returns the image without metadata.
pub(crate) fn clean(bytes: &[u8], limits: &Limits) -> Result<Cleaned, Refusal> {
    match sniff(bytes) {
        Kind::Png => png::clean(bytes, limits),
        Kind::Jpeg => jpeg::clean(bytes, limits),
        Kind::Gif => gif::clean(bytes, limits),
        Kind::Webp => webp::clean(bytes, limits),
        Kind::Other
        | Kind::Mp3
        | Kind::Ogg
        | Kind::Flac
        | Kind::Wav
        | Kind::M4a
        | Kind::Aac
        | Kind::Mp4
        | Kind::Webm => Err(Refusal::NotAnImage),
    }
}

/// Reads the orientation from EXIF, with or without its marker.
fn orientation(exif: &[u8]) -> Orientation {
    let exif = exif.strip_prefix(b"Exif\0\0").unwrap_or(exif);
    Orientation::from_exif_chunk(exif).unwrap_or(Orientation::NoTransforms)
}
