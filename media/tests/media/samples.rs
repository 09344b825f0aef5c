//! Images, and the parts that hostile ones are made of.

use std::io::Cursor;

use image::{DynamicImage, ExtendedColorType, ImageEncoder, ImageFormat, Rgb, RgbImage};

/// What no reader may get.
pub(crate) const SECRET: &[u8] = b"SECRET<script>alert(1)</script>";

/// Returns pixels with a gradient, so that their places can be told apart.
pub(crate) fn pixels(width: u32, height: u32) -> RgbImage {
    RgbImage::from_fn(width, height, |x, y| {
        let part = |at: u32, side: u32| u8::try_from(at * 255 / side).unwrap();
        Rgb([part(x, width), part(y, height), 128])
    })
}

/// Encodes pixels.
pub(crate) fn encoded(pixels: RgbImage, format: ImageFormat) -> Vec<u8> {
    let mut file = Cursor::new(Vec::new());
    DynamicImage::from(pixels).write_to(&mut file, format).unwrap();
    file.into_inner()
}

pub(crate) fn png() -> Vec<u8> {
    encoded(pixels(40, 30), ImageFormat::Png)
}

pub(crate) fn jpeg() -> Vec<u8> {
    encoded(pixels(40, 30), ImageFormat::Jpeg)
}

pub(crate) fn gif() -> Vec<u8> {
    encoded(pixels(40, 30), ImageFormat::Gif)
}

pub(crate) fn webp() -> Vec<u8> {
    encoded(pixels(40, 30), ImageFormat::WebP)
}

/// Returns grey pixels of one value as PNG: a large image in a small file.
pub(crate) fn flat_png(width: u32, height: u32) -> Vec<u8> {
    let mut file = Vec::new();
    let grey = vec![0; (width * height).try_into().unwrap()];
    let encoder = image::codecs::png::PngEncoder::new(&mut file);
    encoder.write_image(&grey, width, height, ExtendedColorType::L8).unwrap();
    file
}

/// Replaces bytes from a place on.
pub(crate) fn patched(mut file: Vec<u8>, at: usize, bytes: &[u8]) -> Vec<u8> {
    file[at..at + bytes.len()].copy_from_slice(bytes);
    file
}

/// Inserts bytes at a place.
pub(crate) fn inserted(mut file: Vec<u8>, at: usize, bytes: &[u8]) -> Vec<u8> {
    file.splice(at..at, bytes.iter().copied());
    file
}

pub(crate) fn with_tail(file: Vec<u8>, tail: &[u8]) -> Vec<u8> {
    [file, tail.to_vec()].concat()
}

/// Cuts a file in the middle.
pub(crate) fn half(mut file: Vec<u8>) -> Vec<u8> {
    file.truncate(file.len() / 2);
    file
}

/// Returns where these bytes stand first.
pub(crate) fn find(file: &[u8], bytes: &[u8]) -> Option<usize> {
    file.windows(bytes.len()).position(|window| window == bytes)
}

/// A PNG chunk with its checksum.
pub(crate) fn png_chunk(name: [u8; 4], body: &[u8]) -> Vec<u8> {
    let named = [&name[..], body].concat();
    let mut sum = u32::MAX;
    for byte in &named {
        sum ^= u32::from(*byte);
        for _ in 0..8 {
            sum = if sum & 1 == 0 { sum >> 1 } else { (sum >> 1) ^ 0xEDB8_8320 };
        }
    }
    let length = u32::try_from(body.len()).unwrap().to_be_bytes();
    [&length[..], &named, &(!sum).to_be_bytes()].concat()
}

/// A PNG header chunk of an RGB image.
pub(crate) fn png_header(width: u32, height: u32) -> Vec<u8> {
    let size = [width.to_be_bytes(), height.to_be_bytes()].concat();
    png_chunk(*b"IHDR", &[&size[..], &[8, 2, 0, 0, 0]].concat())
}

/// Inserts chunks after the header of a PNG.
pub(crate) fn png_with(chunks: &[u8]) -> Vec<u8> {
    inserted(png(), 33, chunks)
}

/// A PNG whose header has another size.
pub(crate) fn png_of(width: u32, height: u32) -> Vec<u8> {
    patched(png(), 8, &png_header(width, height))
}

/// Compressed zeros: 48 MiB in some 50 KB.
pub(crate) fn compressed_zeros() -> Vec<u8> {
    let file = flat_png(16_384, 3_000);
    let start = find(&file, b"IDAT").unwrap();
    let length: [u8; 4] = file[start - 4..start].try_into().unwrap();
    let length = usize::try_from(u32::from_be_bytes(length)).unwrap();
    file[start + 4..start + 4 + length].to_vec()
}

/// A JPEG segment.
pub(crate) fn segment(code: u8, body: &[u8]) -> Vec<u8> {
    let length = u16::try_from(body.len() + 2).unwrap().to_be_bytes();
    [&[0xFF, code][..], &length, body].concat()
}

/// Inserts segments after the start of a JPEG.
pub(crate) fn jpeg_with(segments: &[u8]) -> Vec<u8> {
    inserted(jpeg(), 2, segments)
}

/// Returns where a JPEG's frame header has its height, before its width.
pub(crate) fn jpeg_size_at(file: &[u8]) -> usize {
    find(file, &[0xFF, 0xC0]).unwrap() + 5
}

/// A JPEG whose frame header has another size.
pub(crate) fn jpeg_of(width: u16, height: u16) -> Vec<u8> {
    let size = [height.to_be_bytes(), width.to_be_bytes()].concat();
    let file = jpeg();
    let at = jpeg_size_at(&file);
    patched(file, at, &size)
}

/// A RIFF chunk.
pub(crate) fn riff_chunk(name: [u8; 4], body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len()).unwrap().to_le_bytes();
    let padding = vec![0; body.len() % 2];
    [&name[..], &length, body, &padding].concat()
}

/// A WebP file of chunks.
pub(crate) fn webp_of(chunks: &[Vec<u8>]) -> Vec<u8> {
    riff_chunk(*b"RIFF", &[b"WEBP".to_vec(), chunks.concat()].concat())
}

/// The chunk with the pixels of a WebP file.
pub(crate) fn webp_pixels() -> Vec<u8> {
    webp()[12..].to_vec()
}

/// The header of an extended WebP file.
pub(crate) fn webp_header(flags: u8, width: u32, height: u32) -> Vec<u8> {
    let size = [width, height].map(|side| (side - 1).to_le_bytes());
    riff_chunk(*b"VP8X", &[&[flags, 0, 0, 0], &size[0][..3], &size[1][..3]].concat())
}

/// A frame of an animated WebP file.
pub(crate) fn webp_frame(width: u32, height: u32, parts: &[u8]) -> Vec<u8> {
    let size = [width, height].map(|side| (side - 1).to_le_bytes());
    let header = [&[0; 6], &size[0][..3], &size[1][..3], &[100, 0, 0, 0]].concat();
    riff_chunk(*b"ANMF", &[&header, parts].concat())
}

/// EXIF with an orientation, and a place and a text that nobody may see.
pub(crate) fn exif(orientation: u16) -> Vec<u8> {
    let entry = |tag: u16, kind: u16, count: u32, value: u32| {
        let halves = [tag.to_le_bytes(), kind.to_le_bytes()].concat();
        [halves, [count.to_le_bytes(), value.to_le_bytes()].concat()].concat()
    };
    let secret_bytes = u32::try_from(SECRET.len()).unwrap();
    [
        b"II*\0\x08\0\0\0\x03\0".to_vec(),
        entry(0x0112, 3, 1, orientation.into()),
        entry(0x010E, 2, secret_bytes, 68),
        // GPS, in a directory of its own.
        entry(0x8825, 4, 1, 50),
        vec![0; 4],
        b"\x01\0".to_vec(),
        entry(0x0002, 2, secret_bytes, 68),
        vec![0; 4],
        SECRET.to_vec(),
    ]
    .concat()
}

/// EXIF as a JPEG segment.
pub(crate) fn exif_segment(exif: &[u8]) -> Vec<u8> {
    segment(0xE1, &[b"Exif\0\0", exif].concat())
}
