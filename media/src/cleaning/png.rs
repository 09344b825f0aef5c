//! PNG: chunks with a length and a checksum (PNG specification, third edition).

use image::metadata::Orientation;

use super::{Cleaned, orientation};
use crate::{
    Kind,
    input::Input,
    limits::{Limits, Refusal, TRUNCATED},
};

const SIGNATURE: &[u8; 8] = b"\x89PNG\r\n\x1a\n";
/// The last chunk, which is always the same.
const END: &[u8; 12] = b"\0\0\0\0IEND\xAE\x42\x60\x82";

pub(super) fn clean(bytes: &[u8], limits: &Limits) -> Result<Cleaned, Refusal> {
    let mut input = Input::new(bytes);
    if input.array() != Some(*SIGNATURE) {
        return Err(Refusal::NotAnImage);
    }
    let mut content = Vec::with_capacity(bytes.len());
    content.extend(SIGNATURE);
    let mut header = None;
    let mut turned = Orientation::NoTransforms;
    let mut is_animated = false;
    loop {
        let chunk = Chunk::read(&mut input)?;
        match chunk.name {
            b"IHDR" if header.is_none() => header = Some(Header::read(chunk.body, limits)?),
            b"IHDR" => return Err(Refusal::Malformed("two headers")),
            b"IEND" => break,
            b"eXIf" => turned = orientation(chunk.body),
            b"acTL" => is_animated = true,
            _ => {}
        }
        if header.is_none() {
            return Err(Refusal::Malformed("no header"));
        }
        if chunk.is_needed() {
            content.extend(chunk.whole);
        }
    }
    content.extend(END);
    let Some(Header { width, height, is_deep }) = header else {
        return Err(Refusal::Malformed("no header"));
    };
    let result = if is_deep { 8 } else { 4 };
    Ok(Cleaned {
        kind: Kind::Png,
        content,
        width,
        height,
        orientation: if is_animated { Orientation::NoTransforms } else { turned },
        decoder_bytes_per_pixel: result,
        turning_bytes_per_pixel: 8 * result,
    })
}

struct Header {
    width: u32,
    height: u32,
    is_deep: bool,
}

impl Header {
    fn read(body: &[u8], limits: &Limits) -> Result<Self, Refusal> {
        let mut input = Input::new(body);
        let width = input.be32().ok_or(TRUNCATED)?;
        let height = input.be32().ok_or(TRUNCATED)?;
        let depth = input.byte().ok_or(TRUNCATED)?;
        limits.check(width, height)?;
        Ok(Self { width, height, is_deep: depth > 8 })
    }
}

struct Chunk<'a> {
    name: &'a [u8; 4],
    body: &'a [u8],
    /// With its length, name and checksum.
    whole: &'a [u8],
}

impl<'a> Chunk<'a> {
    fn read(input: &mut Input<'a>) -> Result<Self, Refusal> {
        let at = input.rest();
        let length = input.be32().ok_or(TRUNCATED)?;
        let name = input.take(4).and_then(<[u8]>::first_chunk).ok_or(TRUNCATED)?;
        let body = input.take_long(length.into()).ok_or(TRUNCATED)?;
        input.take(4).ok_or(TRUNCATED)?;
        let whole = &at[..at.len() - input.rest().len()];
        Ok(Self { name, body, whole })
    }

    /// Returns true for pixels, colours and frames.
    fn is_needed(&self) -> bool {
        let bytes_max = match self.name {
            b"IHDR" => 13,
            b"PLTE" => 768,
            b"tRNS" => 256,
            b"gAMA" | b"sBIT" | b"cICP" => 4,
            b"cHRM" => 32,
            b"sRGB" => 1,
            b"acTL" => 8,
            b"fcTL" => 26,
            b"IDAT" | b"fdAT" | b"iCCP" => usize::MAX,
            _ => return false,
        };
        self.body.len() <= bytes_max
    }
}
