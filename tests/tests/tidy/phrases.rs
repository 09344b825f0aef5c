//! Prose uses plain English: turns of phrase that a native speaker would stumble over are refused.
//!
//! The rule reads words, so that a phrase is found across a line break, and punctuation ends it. It
//! reads code as well, because names of tests and texts of errors are prose.

use tests::Result;

use crate::{File, files, none_of};

/// Refused phrases, and what to write instead. The words are joined by `+`, so that this file does not
/// contain the phrases.
const PHRASES: [(&str, &str); 32] = [
    ("who+ever", "the actor"),
    ("which+ever", "the actor"),
    ("is+none", "has ended, is gone"),
    ("are+none", "have ended, do not exist"),
    ("so+many", "a count"),
    ("for+so+long", "a duration"),
    ("of+before", "earlier"),
    ("of+the+moment", "ephemeral"),
    ("sure+ly", "nothing"),
    ("at+once+where", "nothing"),
    ("all+the+same", "nothing"),
    ("says+whether", "returns true if"),
    ("say+whether", "returns true if"),
    ("tells+whether", "returns true if"),
    ("tell+whether", "returns true if"),
    ("there+is+no+such", "does not exist"),
    ("it+is+known", "is known to have been applied"),
    ("may+be+done", "may have been applied"),
    ("surely+not+done", "not applied"),
    ("own+try", "this gateway's attempt"),
    ("an+own", "an entry that this gateway wrote"),
    ("to+its+end", "completes"),
    ("begins+anew", "restarts"),
    ("begin+anew", "restart"),
    ("begun+anew", "restarted"),
    ("before+all+others", "at the front"),
    ("looked+at", "read"),
    ("is+told", "is sent, receives"),
    ("are+told", "are sent, receive"),
    ("is+heard", "is received"),
    ("are+heard", "are received"),
    ("lost+is+lost", "the outbox drops"),
];

const EXTENSIONS: [&str; 10] =
    ["rs", "ts", "tsx", "mjs", "md", "toml", "yaml", "yml", "html", "service"];

/// Returns the words of a text in lower case with the numbers of their lines. Punctuation within and
/// between words is an empty word; comment markers at the start of a line are left out.
fn words(text: &str) -> Vec<(usize, String)> {
    let mut words = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.trim_start().trim_start_matches(['/', '!', '#', '*', '>', '-']);
        let mut word = String::new();
        for c in line.chars().chain([' ']) {
            if c.is_alphanumeric() || c == '_' || c == '\'' {
                word.extend(c.to_lowercase());
                continue;
            }
            if !word.is_empty() {
                // Long identifiers are names of tests, short ones such as `is_none` are code.
                let is_sentence = word.matches('_').count() > 2;
                let separator = |c| is_sentence && c == '_';
                words.extend(word.split(separator).map(|part| (number, part.to_owned())));
                word.clear();
            }
            if !c.is_whitespace() && c != '*' && c != '`' {
                words.push((number, String::new()));
            }
        }
    }
    words
}

/// Returns the refused phrases of a text with the numbers of their lines and what to write instead.
fn refused(text: &str) -> Vec<String> {
    let words = words(text);
    let mut refused = Vec::new();
    for (phrase, instead) in PHRASES {
        // A word that is written in two halves here is one word of the text.
        let parts: Vec<&str> = phrase.split('+').collect();
        let whole = phrase.replace('+', "");
        for (index, (line, word)) in words.iter().enumerate() {
            let found = *word == whole
                || words[index..].iter().map(|(_, word)| word).take(parts.len()).eq(&parts);
            if found {
                refused.push(format!("{line}: {}: write {instead}", phrase.replace('+', " ")));
            }
        }
    }
    refused
}

fn is_prose(file: &File) -> bool {
    let extension = file.path.extension().and_then(|extension| extension.to_str());
    // This file contains the phrases of its self-test.
    let is_this = file.path.ends_with("tidy/phrases.rs");
    !is_this && extension.is_some_and(|extension| EXTENSIONS.contains(&extension))
}

#[test]
fn prose_has_no_refused_phrases() -> Result<()> {
    let mut wrong = Vec::new();
    for file in files()?.iter().filter(|file| is_prose(file)) {
        let path = file.path.display();
        wrong.extend(refused(&file.text).into_iter().map(|found| format!("{path}:{found}")));
    }
    none_of("prose is plain English", &wrong)
}

#[test]
fn rule_finds_phrases_and_accepts_plain_english() {
    for bad in [
        "/// Whoever asks first wins.",
        "/// Half of a log-in is none.",
        "// The append is surely not there.",
        "/// Waits for so\n/// long.",
        "fn log_out_that_may_be_done() {",
        "The gateway **begins anew** after that.",
        "\"the command may be done\"",
        "Says whether it was sent.",
        "// An own entry comes back.",
    ] {
        assert!(!refused(bad).is_empty(), "{bad}");
    }
    for good in [
        "/// Returns true if the entry is gone.",
        "if value.is_none() {",
        "The answer is short. None of them is read.",
        "// It waits for many: so, many others wait.",
        "// Restarts with this gateway's own entry.",
        "// The outbox drops typing events when it is full.",
    ] {
        assert_eq!(refused(good), [""; 0], "{good}");
    }
}
