//! The pixels of the first frame, and how they are written again.

use std::{borrow::Cow, io::Cursor};

use image::{
    DynamicImage, ExtendedColorType, ImageDecoder, ImageEncoder, ImageResult, RgbaImage,
    codecs::{
        gif::GifDecoder,
        jpeg::{JpegDecoder, JpegEncoder},
        png::{CompressionType, FilterType, PngDecoder, PngEncoder},
        webp::WebPDecoder,
    },
};

use crate::{
    Kind,
    cleaning::Cleaned,
    limits::{Limits, Refusal},
};

/// The largest colour profile that is repeated in images that are written again.
const PROFILE_BYTES_MAX: usize = 64 * 1024;

/// Pixels with the profile of their colours.
#[derive(Debug)]
pub(crate) struct Picture {
    pub pixels: DynamicImage,
    profile: Option<Vec<u8>>,
}

/// Decodes the first frame.
pub(crate) fn decode(image: &Cleaned, limits: &Limits) -> Result<Picture, Refusal> {
    let input = Cursor::new(&image.content[..]);
    let within = decoder_limits(limits);
    let decoded = match image.kind {
        Kind::Png => {
            PngDecoder::with_limits(input, within.clone()).and_then(|one| read(one, within))
        }
        Kind::Jpeg => JpegDecoder::new(input).and_then(|one| read(one, within)),
        Kind::Gif => GifDecoder::new(input).and_then(|one| read(one, within)),
        Kind::Webp => WebPDecoder::new(input).and_then(|one| read(one, within)),
        Kind::Other
        | Kind::Mp3
        | Kind::Ogg
        | Kind::Flac
        | Kind::Wav
        | Kind::M4a
        | Kind::Aac
        | Kind::Mp4
        | Kind::Webm => return Err(Refusal::NotAnImage),
    };
    let picture = decoded.map_err(|error| Refusal::Undecodable(error.to_string()))?;
    let size = (picture.pixels.width(), picture.pixels.height());
    if size == (image.width, image.height) {
        Ok(picture)
    } else {
        Err(Refusal::Malformed("sizes differ"))
    }
}

fn decoder_limits(limits: &Limits) -> image::Limits {
    let mut within = image::Limits::no_limits();
    within.max_image_width = Some(limits.side_max);
    within.max_image_height = Some(limits.side_max);
    within.max_alloc = Some(limits.memory_max);
    within
}

fn read(mut decoder: impl ImageDecoder, within: image::Limits) -> ImageResult<Picture> {
    decoder.set_limits(within)?;
    let profile = decoder.icc_profile().unwrap_or_default();
    let pixels = DynamicImage::from_decoder(decoder)?;
    Ok(Picture { pixels, profile: profile.filter(|bytes| bytes.len() <= PROFILE_BYTES_MAX) })
}

impl Picture {
    /// Returns the same colours with other pixels.
    pub(crate) fn with(&self, pixels: DynamicImage) -> Self {
        Self { pixels, profile: self.profile.clone() }
    }

    /// Writes the pixels as JPEG, or as PNG if they are transparent in places.
    pub(crate) fn encode(&self, quality: u8) -> Result<(Kind, Vec<u8>), Refusal> {
        if is_transparent(&self.pixels) {
            return Ok((Kind::Png, self.encode_png()?));
        }
        Ok((Kind::Jpeg, self.encode_jpeg(quality)?))
    }

    /// Writes the pixels without loss.
    pub(crate) fn encode_png(&self) -> Result<Vec<u8>, Refusal> {
        let mut content = Vec::new();
        let (fast, filter) = (CompressionType::Fast, FilterType::Adaptive);
        let mut encoder = PngEncoder::new_with_quality(&mut content, fast, filter);
        if let Some(profile) = self.profile_for(self.pixels.color().has_color()) {
            encoder.set_icc_profile(profile).map_err(unwritten)?;
        }
        self.pixels.write_with_encoder(encoder).map_err(unwritten)?;
        Ok(content)
    }

    fn encode_jpeg(&self, quality: u8) -> Result<Vec<u8>, Refusal> {
        let mut content = Vec::new();
        let mut encoder = JpegEncoder::new_with_quality(&mut content, quality);
        let has_color = self.pixels.color().has_color();
        if let Some(profile) = self.profile_for(has_color) {
            encoder.set_icc_profile(profile).map_err(unwritten)?;
        }
        let (width, height) = (self.pixels.width(), self.pixels.height());
        let (pixels, color) = self.eight_bits();
        encoder.write_image(&pixels, width, height, color).map_err(unwritten)?;
        Ok(content)
    }

    /// Returns the pixels as JPEG needs them. Copies them only if they are in another form.
    fn eight_bits(&self) -> (Cow<'_, [u8]>, ExtendedColorType) {
        let has_color = self.pixels.color().has_color();
        let color = if has_color { ExtendedColorType::Rgb8 } else { ExtendedColorType::L8 };
        let pixels = if ExtendedColorType::from(self.pixels.color()) == color {
            Cow::Borrowed(self.pixels.as_bytes())
        } else if has_color {
            Cow::Owned(self.pixels.to_rgb8().into_raw())
        } else {
            Cow::Owned(self.pixels.to_luma8().into_raw())
        };
        (pixels, color)
    }

    /// Returns the profile if it fits the pixels. One for printers' colours does not, because the
    /// decoder has converted them.
    fn profile_for(&self, has_color: bool) -> Option<Vec<u8>> {
        let space = if has_color { b"RGB " } else { b"GRAY" };
        self.profile.clone().filter(|profile| profile.get(16..20) == Some(space))
    }
}

fn is_transparent(pixels: &DynamicImage) -> bool {
    let has_clear_pixel = |rgba: &RgbaImage| rgba.pixels().any(|pixel| pixel.0[3] < u8::MAX);
    match pixels.as_rgba8() {
        Some(rgba) => has_clear_pixel(rgba),
        None => pixels.color().has_alpha() && has_clear_pixel(&pixels.to_rgba8()),
    }
}

#[expect(clippy::needless_pass_by_value, reason = "fits map_err")]
fn unwritten(error: impl ToString) -> Refusal {
    Refusal::Undecodable(error.to_string())
}
