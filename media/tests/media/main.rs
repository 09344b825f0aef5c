//! Images and recordings: ordinary ones, and files that were made to do harm.
#![expect(clippy::unwrap_used, reason = "a failed test may panic")]

mod any_bytes;
mod durations;
mod hostile;
mod images;
mod orientations;
mod recordings;
mod samples;
