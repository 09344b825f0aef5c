//! WebP: RIFF chunks (WebP container specification, RFC 9649).

use image::metadata::Orientation;

use super::{Cleaned, orientation};
use crate::{
    Kind,
    input::Input,
    limits::{Limits, Refusal, TRUNCATED},
};

/// Flags of the extended header for what is kept: a colour profile, transparency and animation.
const KEPT_FLAGS: u8 = 0x20 | 0x10 | 0x02;
const ANIMATION: u8 = 0x02;
/// Place, size, time and flags of a frame.
const FRAME_HEADER_BYTES: usize = 16;
/// The beginning of a file, before its length is known.
const START: &[u8; 12] = b"RIFF\0\0\0\0WEBP";
/// Where the length ends. It counts what follows.
const LENGTH_END: usize = 8;

pub(super) fn clean(bytes: &[u8], limits: &Limits) -> Result<Cleaned, Refusal> {
    let mut input = Input::new(bytes);
    if input.array() != Some(*b"RIFF") {
        return Err(Refusal::NotAnImage);
    }
    let length = input.le32().ok_or(TRUNCATED)?;
    let mut input = Input::new(input.take_long(length.into()).ok_or(TRUNCATED)?);
    if input.array() != Some(*b"WEBP") {
        return Err(Refusal::NotAnImage);
    }
    let mut file = File { content: Vec::with_capacity(bytes.len()), ..File::default() };
    file.content.extend(START);
    while !input.is_empty() {
        file.add(&Chunk::read(&mut input)?, limits)?;
    }
    file.finish()
}

/// What was read so far.
#[derive(Default)]
struct File {
    content: Vec<u8>,
    canvas: Option<(u32, u32)>,
    orientation: Option<Orientation>,
    is_extended: bool,
    is_animated: bool,
    has_pixels: bool,
}

impl File {
    fn add(&mut self, chunk: &Chunk<'_>, limits: &Limits) -> Result<(), Refusal> {
        match chunk.name {
            b"VP8X" if self.canvas.is_none() => self.start(chunk, limits)?,
            b"VP8X" => return Err(Refusal::Malformed("two headers")),
            b"VP8 " | b"VP8L" => self.add_pixels(chunk, limits)?,
            b"ICCP" | b"ANIM" | b"ALPH" if self.is_extended => copy(chunk, &mut self.content),
            b"ANMF" if self.is_animated => self.add_frame(chunk, limits)?,
            b"EXIF" => self.orientation = Some(orientation(chunk.body)),
            _ => {}
        }
        if self.canvas.is_none() {
            return Err(Refusal::Malformed("no header"));
        }
        Ok(())
    }

    fn start(&mut self, chunk: &Chunk<'_>, limits: &Limits) -> Result<(), Refusal> {
        let mut input = Input::new(chunk.body);
        let flags = input.byte().ok_or(TRUNCATED)?;
        input.take(3).ok_or(TRUNCATED)?;
        let (width, height) = size_less_one(&mut input)?;
        limits.check(width, height)?;
        self.canvas = Some((width, height));
        self.is_extended = true;
        self.is_animated = flags & ANIMATION != 0;
        let mut body = [0; 10];
        body.copy_from_slice(chunk.body.get(..10).ok_or(TRUNCATED)?);
        body[..4].copy_from_slice(&[flags & KEPT_FLAGS, 0, 0, 0]);
        copy(&Chunk { name: b"VP8X", body: &body }, &mut self.content);
        Ok(())
    }

    /// Adds the pixels of a still image, which must be as large as the header says.
    fn add_pixels(&mut self, chunk: &Chunk<'_>, limits: &Limits) -> Result<(), Refusal> {
        let (width, height) = coded_size(chunk)?;
        limits.check(width, height)?;
        if self.has_pixels || self.is_animated {
            return Err(Refusal::Malformed("two images"));
        }
        if *self.canvas.get_or_insert((width, height)) != (width, height) {
            return Err(Refusal::Malformed("sizes differ"));
        }
        self.has_pixels = true;
        copy(chunk, &mut self.content);
        Ok(())
    }

    /// Adds a frame of an animation, with nothing but its pixels.
    fn add_frame(&mut self, chunk: &Chunk<'_>, limits: &Limits) -> Result<(), Refusal> {
        let mut input = Input::new(chunk.body);
        let header = input.take(FRAME_HEADER_BYTES).ok_or(TRUNCATED)?;
        let size = size_less_one(&mut Input::new(&header[6..]))?;
        limits.check(size.0, size.1)?;
        let mut frame = header.to_vec();
        while !input.is_empty() {
            let part = Chunk::read(&mut input)?;
            if matches!(part.name, b"VP8 " | b"VP8L") && coded_size(&part)? != size {
                return Err(Refusal::Malformed("sizes differ"));
            }
            if matches!(part.name, b"VP8 " | b"VP8L" | b"ALPH") {
                copy(&part, &mut frame);
            }
        }
        self.has_pixels = true;
        copy(&Chunk { name: chunk.name, body: &frame }, &mut self.content);
        Ok(())
    }

    fn finish(self) -> Result<Cleaned, Refusal> {
        let (width, height) = self.canvas.ok_or(TRUNCATED)?;
        if !self.has_pixels {
            return Err(Refusal::Malformed("no pixels"));
        }
        let bytes = u32::try_from(self.content.len() - LENGTH_END).unwrap_or(u32::MAX);
        let mut content = self.content;
        content[LENGTH_END - 4..LENGTH_END].copy_from_slice(&bytes.to_le_bytes());
        let turned = self.orientation.filter(|_| !self.is_animated);
        Ok(Cleaned {
            kind: Kind::Webp,
            content,
            width,
            height,
            orientation: turned.unwrap_or(Orientation::NoTransforms),
            decoder_bytes_per_pixel: if self.is_animated { 20 } else { 16 },
            turning_bytes_per_pixel: 56,
        })
    }
}

struct Chunk<'a> {
    name: &'a [u8; 4],
    body: &'a [u8],
}

impl<'a> Chunk<'a> {
    /// Reads a chunk and the byte that makes its length even.
    fn read(input: &mut Input<'a>) -> Result<Self, Refusal> {
        let name = input.take(4).and_then(<[u8]>::first_chunk).ok_or(TRUNCATED)?;
        let length = input.le32().ok_or(TRUNCATED)?;
        let body = input.take_long(length.into()).ok_or(TRUNCATED)?;
        if length % 2 == 1 {
            input.take(1);
        }
        Ok(Self { name, body })
    }
}

fn copy(chunk: &Chunk<'_>, content: &mut Vec<u8>) {
    let length = u32::try_from(chunk.body.len()).unwrap_or(u32::MAX);
    content.extend(chunk.name);
    content.extend(length.to_le_bytes());
    content.extend(chunk.body);
    if length % 2 == 1 {
        content.push(0);
    }
}

/// Reads a width and a height that are stored less one.
fn size_less_one(input: &mut Input<'_>) -> Result<(u32, u32), Refusal> {
    let width = input.le24().ok_or(TRUNCATED)? + 1;
    let height = input.le24().ok_or(TRUNCATED)? + 1;
    Ok((width, height))
}

/// Reads the size in the coded pixels, which is what a decoder follows.
fn coded_size(chunk: &Chunk<'_>) -> Result<(u32, u32), Refusal> {
    let mut input = Input::new(chunk.body);
    if chunk.name == b"VP8L" {
        if input.byte() != Some(0x2F) {
            return Err(Refusal::Malformed("no lossless image"));
        }
        let bits = input.le32().ok_or(TRUNCATED)?;
        return Ok(((bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1));
    }
    input.take(3).ok_or(TRUNCATED)?;
    if input.array() != Some([0x9D, 0x01, 0x2A]) {
        return Err(Refusal::Malformed("no key frame"));
    }
    let width = input.le16().ok_or(TRUNCATED)?;
    let height = input.le16().ok_or(TRUNCATED)?;
    Ok((u32::from(width & 0x3FFF), u32::from(height & 0x3FFF)))
}
