//! No input makes the parser panic or take more than linear time.

use super::{commands, example};
use crate::protocol::{
    conversations::CreateConversation, messages::Send, parse, poll::Poll, read::from_json,
};

/// A small random generator with a fixed seed, so that failures can be reproduced.
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
    drop(from_json::<Send>(bytes));
    drop(from_json::<Poll>(bytes));
    drop(from_json::<CreateConversation>(bytes));
}

#[test]
fn frame_is_refused_when_cut_short_anywhere() {
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
fn parser_does_not_panic_when_frames_are_damaged() {
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
fn deeply_nested_frame_is_refused() {
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
        let deep = format!("{}0{}", open.repeat(10_000), close.repeat(10_000));
        let frame = format!(r#"{{"id":1,"cmd":"hello","token":"x","resume":{deep}}}"#);
        assert!(parse(&frame).is_err());
        assert!(parse(&deep).is_err());
        read_all(deep.as_bytes());
    }
}
