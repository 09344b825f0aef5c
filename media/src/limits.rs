//! What an image may be at most, and why one is refused.

/// What an image may be at most. Checked before it is decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Width times height.
    pub pixels_max: u64,
    /// The longer side, in pixels.
    pub side_max: u32,
    /// The memory that [`crate::image()`] may need beside the file, in bytes.
    pub memory_max: u64,
}

impl Default for Limits {
    /// 50 megapixels, sides of 16,384 pixels, and 1 GiB.
    fn default() -> Self {
        Self { pixels_max: 50_000_000, side_max: 16_384, memory_max: 1 << 30 }
    }
}

impl Limits {
    /// Refuses a size without pixels, and one beyond the limits.
    pub(crate) fn check(&self, width: u32, height: u32) -> Result<(), Refusal> {
        let pixels = u64::from(width) * u64::from(height);
        if pixels == 0 {
            return Err(Refusal::Malformed("no pixels"));
        }
        if width.max(height) > self.side_max || pixels > self.pixels_max {
            return Err(Refusal::TooManyPixels { width, height });
        }
        Ok(())
    }
}

/// Why an image was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The bytes are not one of the images that this crate reads.
    #[error("not a PNG, JPEG, GIF or WebP image")]
    NotAnImage,
    /// The image has more pixels, or a longer side, than allowed.
    #[error("an image of {width} x {height} pixels is too large")]
    TooManyPixels {
        /// Width in pixels.
        width: u32,
        /// Height in pixels.
        height: u32,
    },
    /// Decoding the image needs more memory than allowed.
    #[error("decoding the image needs {needed} bytes of memory")]
    TooMuchMemory {
        /// The bytes that it needs.
        needed: u64,
    },
    /// The bytes break the rules of their format.
    #[error("malformed image: {0}")]
    Malformed(&'static str),
    /// The decoder refused the image, with its reason.
    #[error("undecodable image: {0}")]
    Undecodable(String),
}

/// The file ends in the middle.
pub(crate) const TRUNCATED: Refusal = Refusal::Malformed("truncated");
