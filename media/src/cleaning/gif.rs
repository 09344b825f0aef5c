//! GIF: a screen, then frames and extensions in small blocks (GIF89a specification).

use image::metadata::Orientation;

use super::Cleaned;
use crate::{
    Kind,
    input::Input,
    limits::{Limits, Refusal, TRUNCATED},
};

const FRAME: u8 = 0x2C;
const EXTENSION: u8 = 0x21;
const TRAILER: u8 = 0x3B;
/// The extension with a frame's time and transparency.
const CONTROL: u8 = 0xF9;
/// The extension that a program defines. One says how often an animation repeats.
const APPLICATION: u8 = 0xFF;
const REPEATS: [&[u8]; 2] = [b"\x0BNETSCAPE2.0\x03\x01", b"\x0BANIMEXTS1.0\x03\x01"];

pub(super) fn clean(bytes: &[u8], limits: &Limits) -> Result<Cleaned, Refusal> {
    let mut input = Input::new(bytes);
    let mut content = Vec::with_capacity(bytes.len());
    let (width, height) = screen(&mut input, limits)?;
    copy_until(&input, bytes, &mut content);
    let mut frames = 0_u64;
    loop {
        let at = input.rest();
        let is_needed = match input.byte() {
            // Some programs leave the trailer out.
            Some(TRAILER) | None => break,
            Some(FRAME) => {
                frame(&mut input, limits)?;
                frames += 1;
                true
            }
            Some(EXTENSION) => extension(&mut input)?,
            Some(_) => return Err(Refusal::Malformed("unknown block")),
        };
        if is_needed {
            copy_until(&input, at, &mut content);
        }
    }
    content.push(TRAILER);
    if frames == 0 {
        return Err(Refusal::Malformed("no frames"));
    }
    Ok(Cleaned {
        kind: Kind::Gif,
        content,
        width,
        height,
        orientation: Orientation::NoTransforms,
        // The screen, and a frame that does not cover it.
        decoder_bytes_per_pixel: 8,
        turning_bytes_per_pixel: 0,
    })
}

/// Copies what was read since `from`.
fn copy_until(input: &Input<'_>, from: &[u8], content: &mut Vec<u8>) {
    content.extend(&from[..from.len() - input.rest().len()]);
}

/// Reads the header up to the first block, and returns the size.
fn screen(input: &mut Input<'_>, limits: &Limits) -> Result<(u32, u32), Refusal> {
    let signature = input.array::<6>().ok_or(TRUNCATED)?;
    if &signature != b"GIF87a" && &signature != b"GIF89a" {
        return Err(Refusal::NotAnImage);
    }
    let size = size(input, limits)?;
    let flags = input.byte().ok_or(TRUNCATED)?;
    input.take(2).ok_or(TRUNCATED)?;
    colours(input, flags)?;
    Ok(size)
}

fn size(input: &mut Input<'_>, limits: &Limits) -> Result<(u32, u32), Refusal> {
    let width = input.le16().ok_or(TRUNCATED)?.into();
    let height = input.le16().ok_or(TRUNCATED)?.into();
    limits.check(width, height)?;
    Ok((width, height))
}

/// Skips the table of colours that the flags announce.
fn colours(input: &mut Input<'_>, flags: u8) -> Result<(), Refusal> {
    let bytes = if flags & 0x80 == 0 { 0 } else { 3 << ((flags & 7) + 1) };
    input.take(bytes).map(drop).ok_or(TRUNCATED)
}

fn frame(input: &mut Input<'_>, limits: &Limits) -> Result<(), Refusal> {
    input.take(4).ok_or(TRUNCATED)?;
    size(input, limits)?;
    let flags = input.byte().ok_or(TRUNCATED)?;
    colours(input, flags)?;
    input.byte().ok_or(TRUNCATED)?;
    blocks(input)
}

/// Skips an extension. Returns true if frames need it.
fn extension(input: &mut Input<'_>) -> Result<bool, Refusal> {
    let label = input.byte().ok_or(TRUNCATED)?;
    let body = input.rest();
    blocks(input)?;
    let bytes = body.len() - input.rest().len();
    Ok(match label {
        // One block of 4 bytes and the end.
        CONTROL => bytes == 6,
        // The name, one block of 3 bytes and the end.
        APPLICATION => bytes == 17 && REPEATS.iter().any(|name| body.starts_with(name)),
        _ => false,
    })
}

/// Skips blocks up to the empty one.
fn blocks(input: &mut Input<'_>) -> Result<(), Refusal> {
    loop {
        let bytes = input.byte().ok_or(TRUNCATED)?;
        input.take(bytes.into()).ok_or(TRUNCATED)?;
        if bytes == 0 {
            return Ok(());
        }
    }
}
