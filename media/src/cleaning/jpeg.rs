//! JPEG: segments, and the coded pixels between them (ITU-T T.81, annex B).

use image::metadata::Orientation;

use super::{Cleaned, orientation};
use crate::{
    Kind,
    input::Input,
    limits::{Limits, Refusal, TRUNCATED},
};

const START: u8 = 0xD8;
const END: u8 = 0xD9;
const SCAN: u8 = 0xDA;
const LINES: u8 = 0xDC;
const JFIF: u8 = 0xE0;
const EXIF: u8 = 0xE1;
const PROFILE: u8 = 0xE2;
const ADOBE: u8 = 0xEE;
/// A JFIF segment without its thumbnail: the name, version, density, and a thumbnail of no pixels.
const JFIF_BYTES: usize = 14;
/// An Adobe segment: the name, version, flags, and how colours are coded.
const ADOBE_BYTES: usize = 12;

pub(super) fn clean(bytes: &[u8], limits: &Limits) -> Result<Cleaned, Refusal> {
    let mut input = Input::new(bytes);
    let mut file = File { content: Vec::with_capacity(bytes.len()), ..File::default() };
    if input.array() != Some([0xFF, START]) {
        return Err(Refusal::NotAnImage);
    }
    file.content.extend([0xFF, START]);
    loop {
        match marker(&mut input)? {
            END => break,
            // Markers without a segment, which say nothing here.
            0x01 | 0xD0..=0xD7 => {}
            0x00 | START | 0xFF => return Err(Refusal::Malformed("unexpected marker")),
            code => {
                let length = input.be16().ok_or(TRUNCATED)?;
                let bytes = length.checked_sub(2).ok_or(Refusal::Malformed("short segment"))?;
                let body = input.take(usize::from(bytes)).ok_or(TRUNCATED)?;
                file.add(code, body, limits)?;
                if code == SCAN {
                    file.content.extend(coded_pixels(&mut input));
                }
            }
        }
    }
    file.content.extend([0xFF, END]);
    file.finish()
}

/// What was read so far.
#[derive(Default)]
struct File {
    content: Vec<u8>,
    frame: Option<Frame>,
    orientation: Option<Orientation>,
    has_scan: bool,
}

#[derive(Clone, Copy)]
struct Frame {
    width: u16,
    height: u16,
    components: u8,
    is_progressive: bool,
}

impl File {
    fn add(&mut self, code: u8, body: &[u8], limits: &Limits) -> Result<(), Refusal> {
        match code {
            // Tables of codes and conditions, which share the numbers of frames.
            0xC4 | 0xCC | 0xDB | 0xDD => self.copy(code, body),
            0xC0..=0xC2 => {
                self.start_frame(code, body, limits)?;
                self.copy(code, body);
            }
            0xC3..=0xCF => return Err(Refusal::Malformed("unsupported coding")),
            SCAN => {
                self.has_scan = true;
                self.copy(code, body);
            }
            LINES => return Err(Refusal::Malformed("size after the pixels")),
            JFIF if body.starts_with(b"JFIF\0") => self.copy_jfif(body),
            PROFILE if body.starts_with(b"ICC_PROFILE\0") => self.copy(code, body),
            ADOBE if body.starts_with(b"Adobe") => {
                self.copy(code, body.get(..ADOBE_BYTES).ok_or(TRUNCATED)?);
            }
            EXIF if body.starts_with(b"Exif\0") && self.orientation.is_none() => {
                self.orientation = Some(orientation(body));
            }
            _ => {}
        }
        Ok(())
    }

    /// Reads the size. A second frame could be larger than the one that was checked.
    fn start_frame(&mut self, code: u8, body: &[u8], limits: &Limits) -> Result<(), Refusal> {
        let mut input = Input::new(body);
        let _precision = input.byte().ok_or(TRUNCATED)?;
        let height = input.be16().ok_or(TRUNCATED)?;
        let width = input.be16().ok_or(TRUNCATED)?;
        let components = input.byte().ok_or(TRUNCATED)?;
        limits.check(width.into(), height.into())?;
        if self.frame.is_some() || self.has_scan {
            return Err(Refusal::Malformed("two frames"));
        }
        self.frame = Some(Frame { width, height, components, is_progressive: code == 0xC2 });
        Ok(())
    }

    fn copy(&mut self, code: u8, body: &[u8]) {
        let length = u16::try_from(body.len() + 2).unwrap_or(u16::MAX);
        self.content.extend([0xFF, code]);
        self.content.extend(length.to_be_bytes());
        self.content.extend(body);
    }

    fn copy_jfif(&mut self, body: &[u8]) {
        let Some(Ok(mut head)) = body.get(..JFIF_BYTES).map(<[u8; JFIF_BYTES]>::try_from) else {
            return;
        };
        head[JFIF_BYTES - 2..].fill(0);
        self.copy(JFIF, &head);
    }

    fn finish(self) -> Result<Cleaned, Refusal> {
        let frame = self.frame.ok_or(Refusal::Malformed("no frame"))?;
        if !self.has_scan {
            return Err(Refusal::Malformed("no pixels"));
        }
        // The result, and in a progressive image 16 bits for each sample until the last scan.
        let result = u64::from(frame.components.max(3));
        let samples = if frame.is_progressive { 2 * u64::from(frame.components) } else { 0 };
        Ok(Cleaned {
            kind: Kind::Jpeg,
            content: self.content,
            width: frame.width.into(),
            height: frame.height.into(),
            orientation: self.orientation.unwrap_or(Orientation::NoTransforms),
            decoder_bytes_per_pixel: result + samples,
            turning_bytes_per_pixel: 4 * result,
        })
    }
}

/// Reads a marker. Any number of 0xFF may stand before its code.
fn marker(input: &mut Input<'_>) -> Result<u8, Refusal> {
    if input.byte().ok_or(TRUNCATED)? != 0xFF {
        return Err(Refusal::Malformed("no marker"));
    }
    loop {
        let code = input.byte().ok_or(TRUNCATED)?;
        if code != 0xFF {
            return Ok(code);
        }
    }
}

/// Takes the coded pixels up to the next marker. 0xFF is followed by 0 in them, and restarts belong to
/// them.
fn coded_pixels<'a>(input: &mut Input<'a>) -> &'a [u8] {
    let rest = input.rest();
    let is_marker = |at: &usize| {
        let next = rest.get(at + 1);
        next.is_some_and(|code| !matches!(code, 0x00 | 0xD0..=0xD7 | 0xFF))
    };
    let end = memchr::memchr_iter(0xFF, rest).find(is_marker).unwrap_or(rest.len());
    input.take(end).unwrap_or_default()
}
