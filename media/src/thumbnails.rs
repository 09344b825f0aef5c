//! Small forms of an image: thumbnails and a blurred preview of a few letters.

use image::DynamicImage;

use crate::{Kind, Refusal, decoding::Picture};

/// The longer sides of thumbnails, in pixels.
pub const THUMBNAIL_SIDES: [u32; 2] = [256, 1024];

/// Good enough for photos, at a tenth of a byte or two for each pixel.
const QUALITY: u8 = 80;
/// The side from which the preview is computed. It shows less than a dozen waves.
const PREVIEW_SIDE: u32 = 64;

/// A smaller form of an image, without metadata.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Thumbnail {
    /// One of [`THUMBNAIL_SIDES`], which the longer side has.
    pub side: u32,
    /// JPEG, or PNG for an image that is transparent in places.
    pub kind: Kind,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// The file.
    pub content: Vec<u8>,
}

/// Returns the thumbnails that are smaller than the picture, the smallest first, and its blurhash.
pub(crate) fn reduce(picture: &Picture) -> Result<(Vec<Thumbnail>, String), Refusal> {
    let mut thumbnails = Vec::new();
    let mut last: Option<Picture> = None;
    for side in THUMBNAIL_SIDES.into_iter().rev() {
        let from = last.as_ref().unwrap_or(picture);
        let pixels = &from.pixels;
        if pixels.width().max(pixels.height()) <= side {
            continue;
        }
        let smaller = picture.with(pixels.thumbnail(side, side));
        thumbnails.insert(0, write(side, &smaller)?);
        last = Some(smaller);
    }
    let blurhash = blurhash_of(&last.as_ref().unwrap_or(picture).pixels)?;
    Ok((thumbnails, blurhash))
}

fn write(side: u32, picture: &Picture) -> Result<Thumbnail, Refusal> {
    let (kind, content) = picture.encode(QUALITY)?;
    let (width, height) = (picture.pixels.width(), picture.pixels.height());
    Ok(Thumbnail { side, kind, width, height, content })
}

/// Returns the blurhash (github.com/woltapp/blurhash): a few waves of colour as text.
fn blurhash_of(pixels: &DynamicImage) -> Result<String, Refusal> {
    let is_small = pixels.width().max(pixels.height()) <= PREVIEW_SIDE;
    let small = if is_small {
        pixels.to_rgba8()
    } else {
        pixels.thumbnail(PREVIEW_SIDE, PREVIEW_SIDE).to_rgba8()
    };
    let (width, height) = small.dimensions();
    let (across, down) = if width >= height { (4, 3) } else { (3, 4) };
    blurhash::encode(across, down, width, height, &small)
        .map_err(|error| Refusal::Undecodable(error.to_string()))
}
