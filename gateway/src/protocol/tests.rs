//! Checks every example in `docs/protocol`: the code parses what clients send, and encodes exactly
//! what they get.

mod answers;
mod commands;
mod errors;
mod events;
mod garbage;
mod invites;
mod samples;

use std::{collections::BTreeSet, fs, path::PathBuf};

/// The examples that the tests here read. A new file in the folder must be added.
const TESTED: [(&str, &[&str]); 6] = [
    ("answer", answers::NAMES),
    ("body", commands::BODIES),
    ("command", commands::NAMES),
    ("error", errors::NAMES),
    ("event", events::NAMES),
    ("reply", answers::REPLIES),
];

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../docs/protocol")
}

/// Returns the text of an example.
fn example(name: &str) -> String {
    fs::read_to_string(folder().join(format!("{name}.json"))).unwrap()
}

/// Returns an example without white space between tokens. Keeps the order of the members.
fn compact(name: &str) -> String {
    let (mut out, mut in_string, mut escaped) = (String::new(), false, false);
    for letter in example(name).chars() {
        if in_string {
            in_string = escaped || letter != '"';
            escaped = !escaped && letter == '\\';
        } else if letter.is_whitespace() {
            continue;
        } else {
            in_string = letter == '"';
        }
        out.push(letter);
    }
    out
}

fn json(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).unwrap()
}

#[test]
fn every_example_is_read_by_a_test() {
    let tested: BTreeSet<String> = TESTED
        .iter()
        .flat_map(|(kind, names)| names.iter().map(move |name| format!("{kind}-{name}.json")))
        .collect();
    let present: BTreeSet<String> = fs::read_dir(folder())
        .unwrap()
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(tested, present);
}
