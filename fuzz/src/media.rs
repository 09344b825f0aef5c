//! Uploaded files: what readers get of an image, and how long a recording is.

use ::media::{Limits, audio_duration, image, memory_needed, sniff};

use super::memory::bounded;

/// Small, so that an input takes little time.
const LIMITS: Limits = Limits { pixels_max: 500_000, side_max: 4_096, memory_max: 64 << 20 };
/// Bytes that the tracks of a recording need.
const DURATION_BYTES_MAX: usize = 1_024;
/// Bytes that cleaning needs, and for each byte of the file.
const CLEANING: (usize, usize) = (1_024, 4);

pub(crate) fn check(input: &[u8]) {
    if let Some(duration) = bounded(DURATION_BYTES_MAX, || audio_duration(input)) {
        assert!(duration > 0 && sniff(input).has_duration());
    }
    let (base, factor) = CLEANING;
    let needed = bounded(base + factor * input.len(), || memory_needed(input, &LIMITS));
    let Ok(needed) = needed else {
        assert!(image(input, &LIMITS).is_err());
        return;
    };
    let bytes_max = usize::try_from(needed).expect("a number of bytes");
    let Ok(image) = bounded(bytes_max, || ::media::image(input, &LIMITS)) else { return };
    assert_eq!(sniff(&image.content), image.kind);
    let again = ::media::image(&image.content, &LIMITS).expect("the same image");
    assert_eq!(again.content, image.content, "cleaning again changes the image");
    for thumbnail in image.thumbnails {
        assert!(thumbnail.width <= image.width && thumbnail.height <= image.height);
        assert_eq!(sniff(&thumbnail.content), thumbnail.kind);
    }
}
