//! What must hold for any bytes that reach a parser.
//!
//! A [`Target`] is a parser with a function that checks it on one input. The tests run the inputs in
//! `corpus/`, and `cargo xtask fuzz` invents new ones. [`memory`] bounds what a parser allocates.

#![expect(clippy::panic, reason = "a check panics when a promise is broken")]

mod bodies;
mod commands;
mod configuration;
mod forwarded;
mod frames;
mod hints;
mod media;
mod memory;
mod queries;
mod records;
mod searches;
mod tokens;

/// A parser under test.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// The name of the target and of its corpus.
    pub name: &'static str,
    /// Panics if the parser breaks a promise on this input.
    pub check: fn(&[u8]),
}

/// All targets.
pub const TARGETS: [Target; 11] = [
    Target { name: "frames", check: frames::check },
    Target { name: "commands", check: commands::check },
    Target { name: "bodies", check: bodies::check },
    Target { name: "queries", check: queries::check },
    Target { name: "searches", check: searches::check },
    Target { name: "tokens", check: tokens::check },
    Target { name: "hints", check: hints::check },
    Target { name: "records", check: records::check },
    Target { name: "forwarded", check: forwarded::check },
    Target { name: "configuration", check: configuration::check },
    Target { name: "media", check: media::check },
];

impl Target {
    /// Returns the target with this name.
    pub fn named(name: &str) -> Option<Self> {
        TARGETS.into_iter().find(|target| target.name == name)
    }
}
