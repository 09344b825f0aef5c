//! No input makes the parser panic, and none costs more than its length.

use super::{commands, example};
use crate::protocol::{
    body::{CreateConversation, Poll, Send},
    fields::Shape,
    parse,
};

/// A small generator, so that a failure can be repeated.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, below: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % below
    }
}

fn read_all(bytes: &[u8]) {
    if let Ok(text) = std::str::from_utf8(bytes) {
        drop(parse(text));
    }
    drop(Send::parse(bytes));
    drop(Poll::parse(bytes));
    drop(CreateConversation::parse(bytes));
}

#[test]
fn every_beginning_of_a_frame_is_refused_in_peace() {
    for name in commands::NAMES {
        let frame = example(&format!("command-{name}"));
        let whole = frame.trim_end();
        for length in 0..whole.len() {
            if let Some(start) = whole.get(..length) {
                assert!(parse(start).is_err(), "{start}");
            }
        }
        assert!(parse(whole).is_ok());
    }
}

#[test]
fn damaged_frames_are_read_without_a_panic() {
    let mut dice = Dice(7);
    for name in commands::NAMES {
        let frame = example(&format!("command-{name}")).into_bytes();
        for _ in 0..2_000 {
            let mut damaged = frame.clone();
            for _ in 0..=dice.roll(4) {
                let at = dice.roll(damaged.len());
                damaged[at] = b"{}[]\",:0x\\u\xff\x00e-9"[dice.roll(16)];
            }
            read_all(&damaged);
        }
    }
}

#[test]
fn deep_nesting_is_refused_in_peace() {
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
        let deep = format!("{}0{}", open.repeat(10_000), close.repeat(10_000));
        let frame = format!(r#"{{"id":1,"cmd":"hello","token":"x","resume":{deep}}}"#);
        assert!(parse(&frame).is_err());
        assert!(parse(&deep).is_err());
        read_all(deep.as_bytes());
    }
}
