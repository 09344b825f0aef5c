//! What readers get of an image.

use crate::{
    Kind, Thumbnail,
    cleaning::{Cleaned, clean},
    decoding::{Picture, decode},
    limits::{Limits, Refusal},
    thumbnails::reduce,
};

/// For pixels that are written again because they had to be turned.
const QUALITY: u8 = 92;
/// Memory of tables, of thumbnails and of the pixels that they are made from.
const FIXED_BYTES: u64 = 24 << 20;

/// What readers get of an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// The type of `content`. It differs from the upload's for a WebP image that had to be turned.
    pub kind: Kind,
    /// Width in pixels, as the image is shown.
    pub width: u32,
    /// Height in pixels, as the image is shown.
    pub height: u32,
    /// The image without metadata. Pixels and animations are as they were uploaded, unless they had to
    /// be turned.
    pub content: Vec<u8>,
    /// Thumbnails, the smallest first. A size that the image does not exceed is missing.
    pub thumbnails: Vec<Thumbnail>,
    /// A blurred preview (github.com/woltapp/blurhash).
    pub blurhash: String,
}

/// Cleans, measures and reduces an image.
///
/// The content has no EXIF, no location, no comments and no bytes after the image's end, but keeps its
/// colour profile. Only an image that its EXIF says to turn is written again; an animation never is.
/// Only the first frame is decoded.
///
/// The peak of memory, beside `bytes`, is at most what [`memory_needed`] returns. For an image of
/// 12 megapixels in a file of 4 MiB that is 70 MB for a JPEG, 178 MB for one that is turned, 142 MB for a
/// progressive one, 82 MB for a PNG with 8 bits, 130 MB with 16 bits, 130 MB for a GIF and 226 MB for a
/// WebP.
///
/// Blocks for as long as decoding takes: up to a second for 50 megapixels.
pub fn image(bytes: &[u8], limits: &Limits) -> Result<Image, Refusal> {
    let cleaned = clean(bytes, limits)?;
    let needed = memory_of(&cleaned, bytes);
    if needed > limits.memory_max {
        return Err(Refusal::TooMuchMemory { needed });
    }
    let mut picture = decode(&cleaned, &Limits { memory_max: needed, ..*limits })?;
    let (kind, content) = if cleaned.is_upright() {
        (cleaned.kind, cleaned.content)
    } else {
        turn(&mut picture, cleaned)?
    };
    let (width, height) = (picture.pixels.width(), picture.pixels.height());
    let (thumbnails, blurhash) = reduce(&picture)?;
    Ok(Image { kind, width, height, content, thumbnails, blurhash })
}

/// Returns the most memory that [`image()`] needs beside `bytes`. Decodes nothing.
///
/// Refuses what [`image()`] refuses before decoding, so that nobody waits for memory in vain.
pub fn memory_needed(bytes: &[u8], limits: &Limits) -> Result<u64, Refusal> {
    let needed = memory_of(&clean(bytes, limits)?, bytes);
    if needed > limits.memory_max { Err(Refusal::TooMuchMemory { needed }) } else { Ok(needed) }
}

/// The cleaned file and a decoder's copy of it, and the pixels: while they are decoded, or twice and
/// with the new file while they are turned.
fn memory_of(cleaned: &Cleaned, bytes: &[u8]) -> u64 {
    let pixels = u64::from(cleaned.width) * u64::from(cleaned.height);
    let files = 2 * u64::try_from(bytes.len()).unwrap_or(u64::MAX / 4);
    let while_turned = if cleaned.is_upright() { 0 } else { cleaned.turning_bytes_per_pixel };
    let bytes_per_pixel = cleaned.decoder_bytes_per_pixel.max(while_turned);
    FIXED_BYTES + files + pixels * bytes_per_pixel
}

/// Applies the orientation and writes the pixels again: without loss as PNG, else as JPEG.
fn turn(picture: &mut Picture, cleaned: Cleaned) -> Result<(Kind, Vec<u8>), Refusal> {
    let Cleaned { kind, orientation, content, .. } = cleaned;
    drop(content);
    picture.pixels.apply_orientation(orientation);
    if kind == Kind::Png { Ok((kind, picture.encode_png()?)) } else { picture.encode(QUALITY) }
}
