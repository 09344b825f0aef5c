//! What can be told from the bytes of an uploaded file, and what readers get of it.
//!
//! Everything here is a function of bytes: no files, no sockets, no tasks. What holds for any bytes:
//! - The type comes from the content ([`sniff`]). A name or a claim of the sender does not matter.
//! - What readers get of an image ([`image()`]) has no metadata and no bytes of another file.
//! - Sizes are checked before anything is decoded, and memory is bounded ([`Limits`]).
//! - Work grows with the length of the file, or with the pixels of one frame.
//!
//! In reading order: [`Kind`], [`image()`] with `cleaning`, `decoding` and `thumbnails`, and
//! [`audio_duration`] with one file for each format.

mod cleaning;
mod decoding;
mod duration;
mod images;
mod input;
mod kind;
mod limits;
mod thumbnails;

pub use duration::audio_duration;
pub use images::{Image, image, memory_needed};
pub use kind::{Kind, sniff};
pub use limits::{Limits, Refusal};
pub use thumbnails::{THUMBNAIL_SIDES, Thumbnail};
