//! The memory that images need is bounded by what is announced before they are decoded.
//!
//! One test, because the counters are those of all threads. They add up all allocations, so the peak is
//! below what is compared here.
#![expect(clippy::unwrap_used, reason = "a failed test may panic")]

use std::{alloc::System, io::Cursor};

use image::{DynamicImage, ExtendedColorType, ImageEncoder, ImageFormat, codecs::png::PngEncoder};
use media::{Limits, image, memory_needed};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const SIDES: [u32; 2] = [1_200, 900];

/// Returns how many bytes the calls allocate, one after the other.
fn allocated<T>(calls: impl FnOnce() -> T) -> (T, u64) {
    let region = Region::new(ALLOCATOR);
    let result = calls();
    (result, u64::try_from(region.change().bytes_allocated).unwrap())
}

fn encoded(pixels: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut file = Cursor::new(Vec::new());
    pixels.write_to(&mut file, format).unwrap();
    file.into_inner()
}

/// Pixels without a pattern, so that files are as large as they get, with the colors of these bits.
fn noise(colors: [u8; 3]) -> DynamicImage {
    let mut state = 1_u32;
    let pixels = image::RgbImage::from_fn(SIDES[0], SIDES[1], |_, _| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let [_, red, green, blue] = state.to_be_bytes();
        image::Rgb([red & colors[0], green & colors[1], blue & colors[2]])
    });
    pixels.into()
}

/// Inserts EXIF that says to turn the image.
fn turned(mut jpeg: Vec<u8>) -> Vec<u8> {
    let exif =
        b"\xFF\xE1\0\x22Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0";
    jpeg.splice(2..2, exif.iter().copied());
    jpeg
}

fn files() -> Vec<(&'static str, Vec<u8>)> {
    let pixels = noise([0xFF; 3]);
    let deep = DynamicImage::from(pixels.to_rgba16());
    let jpeg = encoded(&pixels, ImageFormat::Jpeg);
    let mut flat = Vec::new();
    let grey = vec![0; 4_000 * 3_000];
    PngEncoder::new(&mut flat).write_image(&grey, 4_000, 3_000, ExtendedColorType::L8).unwrap();
    vec![
        ("PNG", encoded(&pixels, ImageFormat::Png)),
        ("PNG with 16 bits", encoded(&deep, ImageFormat::Png)),
        ("PNG of one color", flat),
        ("JPEG that is turned", turned(jpeg.clone())),
        ("JPEG", jpeg),
        ("GIF", encoded(&noise([0xE0, 0xE0, 0xC0]), ImageFormat::Gif)),
        ("WebP", encoded(&pixels, ImageFormat::WebP)),
    ]
}

#[test]
fn images_need_no_more_memory_than_announced() {
    for (name, file) in files() {
        let (needed, to_find_out) = allocated(|| memory_needed(&file, &Limits::default()));
        let needed = needed.unwrap();
        let bytes_max = 4 * u64::try_from(file.len()).unwrap() + 1_024;
        assert!(to_find_out <= bytes_max, "{name}: {to_find_out} bytes to find out");
        let (image, total) = allocated(|| image(&file, &Limits::default()));
        assert!(image.is_ok(), "{name}");
        assert!(total <= needed, "{name}: {total} bytes allocated, {needed} announced");
    }
}
