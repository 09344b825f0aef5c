//! Definitions use the words of ARCHITECTURE.md.
//!
//! The rule reads the names in definitions only (types, functions, modules, constants, fields). It
//! ignores comments, texts, and the names of other projects.

use tests::Result;

use crate::{files_of, none_of};

/// Parts of names of types, modules, constants and fields, and the words to use instead.
const WORDS: [(&str, &str); 5] = [
    ("rooms", "conversations"),
    ("participant", "member"),
    ("participants", "members"),
    ("nonce", "client_id"),
    ("sequencer", "appender"),
];

/// Whole names whose parts alone are allowed, and the words to use instead.
const NAMES: [(&str, &str); 6] = [
    ("room_id", "conversation"),
    ("chat_id", "conversation"),
    ("channel_id", "conversation"),
    ("topic_id", "conversation"),
    ("thread_id", "conversation"),
    ("txn_id", "client_id"),
];

/// Parts of names of types and modules that carry no meaning.
const EMPTY: [&str; 8] =
    ["manager", "helper", "helpers", "util", "utils", "common", "mock", "misc"];

/// Beginnings of function names that carry no meaning.
const BEGINNINGS: [&str; 2] = ["handle_", "process_"];

/// What a line defines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Function,
    Type,
    Value,
}

const KEYWORDS: [(&str, Kind); 8] = [
    ("struct ", Kind::Type),
    ("enum ", Kind::Type),
    ("trait ", Kind::Type),
    ("mod ", Kind::Type),
    ("type ", Kind::Type),
    ("fn ", Kind::Function),
    ("const ", Kind::Value),
    ("static ", Kind::Value),
];

fn is_of_names(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// Returns the name that this line defines: after a keyword, or a field before its type.
fn defined(line: &str) -> Option<(&str, Kind)> {
    let line = line.trim_start();
    for (keyword, kind) in KEYWORDS {
        let Some((before, after)) = line.split_once(keyword) else { continue };
        if before.chars().all(|c| c.is_ascii_lowercase() || " ()".contains(c)) {
            return Some((after.split(|c| !is_of_names(c)).next()?, kind));
        }
    }
    let (field, rest) = line.strip_prefix("pub ").unwrap_or(line).split_once(": ")?;
    (field.chars().all(is_of_names) && rest.ends_with(',')).then_some((field, Kind::Value))
}

/// Splits a name: `RoomManager`, `room_manager` and `ROOM_MANAGER` are `room`, `manager`.
fn parts(name: &str) -> Vec<String> {
    let is_camel = name.chars().any(|c| c.is_ascii_lowercase());
    let mut parts = vec![String::new()];
    for c in name.chars() {
        if c == '_' || (is_camel && c.is_ascii_uppercase()) {
            parts.push(String::new());
        }
        if let Some(part) = parts.last_mut().filter(|_| c != '_') {
            part.push(c.to_ascii_lowercase());
        }
    }
    parts.retain(|part| !part.is_empty());
    parts
}

/// Returns what is wrong with the name that this line defines.
fn complaint(line: &str) -> Option<String> {
    let (name, kind) = defined(line)?;
    let parts = parts(name);
    let has = |word: &str| parts.iter().any(|part| part == word);
    match kind {
        Kind::Function => {
            let begin = BEGINNINGS.into_iter().find(|begin| name.starts_with(begin))?;
            Some(format!("{name}: {begin}… carries no meaning"))
        }
        Kind::Type if EMPTY.into_iter().any(has) => Some(format!("{name} carries no meaning")),
        Kind::Type | Kind::Value => {
            let whole = NAMES.into_iter().find(|(other, _)| parts.join("_") == *other);
            let (_, word) = whole.or_else(|| WORDS.into_iter().find(|(other, _)| has(other)))?;
            Some(format!("{name}: the word is {word}"))
        }
    }
}

#[test]
fn definitions_use_the_words_of_the_architecture() -> Result<()> {
    let mut wrong = Vec::new();
    for file in files_of("rs")? {
        for (number, line) in file.text.lines().enumerate() {
            let place = || format!("{}:{}", file.path.display(), number + 1);
            wrong.extend(complaint(line).map(|complaint| format!("{} {complaint}", place())));
        }
    }
    none_of("the words of ARCHITECTURE.md", &wrong)
}

#[test]
fn rule_finds_definitions_and_ignores_uses() {
    for bad in [
        "pub struct RoomId(u64);",
        "    pub(crate) async fn handle_send(&self) {",
        "    room_id: u64,",
        "pub chat_rooms: Vec<u64>,",
        "mod utils;",
        "type ChatRooms = Vec<u8>;",
        "const NONCE_BYTES: usize = 4;",
        "enum Participant {",
    ] {
        assert!(complaint(bad).is_some(), "{bad}");
    }
    for good in [
        "// a room is a conversation",
        "use tokio_util::sync::CancellationToken;",
        "    let nonce = message.nonce();",
        "struct Conversation {",
        "    client_id: ClientId,",
        "fn handles_are_counted() {",
        "fn make_room(&mut self) {",
        "enum Room {",
        "    \"room: x,\"",
    ] {
        assert_eq!(complaint(good), None, "{good}");
    }
}
