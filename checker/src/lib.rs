//! Checks a recorded history against the promises.
//!
//! Clients record their calls and the answers. [`check`] returns every violation, named as in
//! `docs/reliability.md`. Time is a count of calls and answers ([`Ticks`]), so that clocks and speed
//! do not matter.
//!
//! The checker has tests of its own: they damage a correct history in every way that has a name.

mod order;
mod privacy;
mod service;
mod writes;

pub mod facts;

#[cfg(test)]
mod mutations;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    io::{self, Write},
    sync::atomic::{AtomicU64, Ordering},
};

use anyhow::{Context, Result, ensure};
pub use facts::Facts;
use serde_json::Value;

/// A kind of violation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Violation {
    /// An acknowledged entry is not in the log.
    LostWrite,
    /// A read that started after an acknowledgement lacks the entry.
    StaleRead,
    /// Two readers saw different entries at one seq.
    InconsistentOffset,
    /// A seq is missing between others.
    Hole,
    /// One command made two entries, or one entry is at two seqs.
    Duplicate,
    /// Answers to the same command differ from each other or from the log.
    AckDivergence,
    /// A refused command is in the log.
    AbortedRead,
    /// An entry in the log was sent by no client.
    Phantom,
    /// A cursor skipped entries without a gap event.
    PollSkip,
    /// A cursor received entries out of order.
    Nonmonotonic,
    /// A cursor received an entry twice.
    Redelivery,
    /// Commands of one connection were written out of order.
    NonmonotonicSend,
    /// An entry reached a user after the user's removal.
    LeakAfterRemoval,
    /// An entry from before the join reached a user.
    LeakBeforeJoin,
    /// An entry was written by a user who was not a member.
    NonmemberSend,
    /// A receipt moved back or past the head.
    CursorRegress,
    /// A cursor did not reach the head in the end.
    Unseen,
    /// A connected client received an entry too late.
    Lag,
    /// An id was issued twice.
    IdReuse,
    /// An ended login received something.
    EndedLoginServed,
    /// A valid refresh token was refused.
    LoginLost,
    /// Receipts, typing or presence reached a user who may not see them.
    PresenceLeak,
    /// A redacted text reached a user.
    RedactedText,
    /// What a reader sees differs from what the log says.
    ViewDivergence,
    /// A command failed although nothing was broken.
    NotServing,
}

impl Violation {
    /// Returns the name in `docs/reliability.md`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::LostWrite => "lost-write",
            Self::StaleRead => "stale-read",
            Self::InconsistentOffset => "inconsistent-offset",
            Self::Hole => "hole",
            Self::Duplicate => "duplicate",
            Self::AckDivergence => "ack-divergence",
            Self::AbortedRead => "aborted-read",
            Self::Phantom => "phantom",
            Self::PollSkip => "poll-skip",
            Self::Nonmonotonic => "nonmonotonic",
            Self::Redelivery => "redelivery",
            Self::NonmonotonicSend => "nonmonotonic-send",
            Self::LeakAfterRemoval => "leak-after-removal",
            Self::LeakBeforeJoin => "leak-before-join",
            Self::NonmemberSend => "nonmember-send",
            Self::CursorRegress => "cursor-regress",
            Self::Unseen => "unseen",
            Self::Lag => "lag",
            Self::IdReuse => "id-reuse",
            Self::EndedLoginServed => "ended-login-served",
            Self::LoginLost => "login-lost",
            Self::PresenceLeak => "presence-leak",
            Self::RedactedText => "redacted-text",
            Self::ViewDivergence => "view-divergence",
            Self::NotServing => "not-serving",
        }
    }
}

/// A violation and its details.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The kind of violation.
    pub violation: Violation,
    /// The place and the entries.
    pub detail: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.violation.name(), self.detail)
    }
}

/// The clock of a history, which counts the calls and answers of all clients.
#[derive(Debug, Default)]
pub struct Ticks(AtomicU64);

impl Ticks {
    /// Returns the next tick.
    pub fn tick(&self) -> u64 {
        self.0.fetch_add(1, Ordering::SeqCst)
    }
}

/// The name under which a command makes at most one entry.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// The conversation.
    pub conversation: String,
    /// The sender's user id.
    pub sender: String,
    /// The sender's name for the command.
    pub client_id: String,
}

/// What the answer to a send says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SendOutcome {
    /// The entry is in the log.
    Acknowledged {
        /// The entry's seq.
        seq: u64,
        /// The entry's id.
        id: u64,
        /// True if an earlier attempt wrote the entry.
        replayed: bool,
    },
    /// The entry is not in the log and never will be.
    Refused,
    /// There was no answer, or it left the outcome unknown.
    Unknown,
}

/// One attempt to send a text.
#[derive(Debug, Clone)]
pub struct Attempt {
    /// The connection of this attempt. The attempts of a connection are recorded in order.
    pub connection: String,
    /// The command's key.
    pub key: Key,
    /// The text.
    pub text: String,
    /// The tick at which it was sent.
    pub called: u64,
    /// The tick of the answer, or `u64::MAX` without an answer.
    pub answered: u64,
    /// The answer.
    pub outcome: SendOutcome,
}

/// An entry as a client received it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// The entry's seq.
    pub seq: u64,
    /// The entry's id.
    pub id: u64,
    /// The sender's user id.
    pub sender: String,
    /// The sender's name for the command, if any.
    pub client_id: Option<String>,
    /// The text of a message that is not redacted.
    pub text: Option<String>,
}

impl Seen {
    /// Reads an entry of the wire format.
    pub fn new(entry: &Value) -> Result<Self> {
        let text = |name: &str| entry[name].as_str().map(str::to_owned);
        let is_text = entry["kind"] == "text";
        Ok(Self {
            seq: entry["seq"].as_u64().with_context(|| format!("no seq: {entry}"))?,
            id: text("id").and_then(|id| id.parse().ok()).context("no id")?,
            sender: text("sender").context("no sender")?,
            client_id: text("client_id"),
            text: text("text").filter(|_| is_text),
        })
    }
}

/// One page of history.
#[derive(Debug, Clone)]
pub struct Read {
    /// The reader's user id.
    pub reader: String,
    /// The conversation.
    pub conversation: String,
    /// The tick of the call.
    pub called: u64,
    /// The page starts after this seq.
    pub after: u64,
    /// The entries of the page.
    pub entries: Vec<Seen>,
    /// The head in the answer.
    pub head: u64,
}

/// What one cursor received, over any transports.
#[derive(Debug, Clone)]
pub struct Followed {
    /// The reader's user id.
    pub reader: String,
    /// The conversation.
    pub conversation: String,
    /// The cursor's first position.
    pub after: u64,
    /// What the cursor received, in order.
    pub steps: Vec<Step>,
    /// True if the cursor must have reached the head.
    pub to_the_end: bool,
}

/// One step of a cursor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// An entry.
    Entry(Seen),
    /// A gap event that moves the cursor to this seq.
    Gap(u64),
}

/// A membership of a user in a conversation.
#[derive(Debug, Clone)]
pub struct Stay {
    /// The member's user id.
    pub user: String,
    /// The conversation.
    pub conversation: String,
    /// The seq of the `joined` entry.
    pub joined: u64,
    /// The seq of the `left` entry, if any.
    pub left: Option<u64>,
}

/// The receipts of one user as another user received them.
#[derive(Debug, Clone)]
pub struct Receipts {
    /// The conversation.
    pub conversation: String,
    /// The user whose receipts these are.
    pub user: String,
    /// Pairs of `(delivered_seq, read_seq)`, in order of arrival.
    pub seqs: Vec<(u64, u64)>,
}

/// Everything that the clients have recorded.
///
/// Only a simulation knows the [`facts`]: clients of a real server leave them empty.
#[derive(Debug, Clone, Default)]
pub struct History {
    /// Every attempt to send, in order for each connection.
    pub attempts: Vec<Attempt>,
    /// Every page read. The last pages, after all writes, cover each conversation completely.
    pub reads: Vec<Read>,
    /// Every cursor.
    pub followed: Vec<Followed>,
    /// Every membership, if the history is about memberships.
    pub stays: Vec<Stay>,
    /// Every sequence of receipts.
    pub receipts: Vec<Receipts>,
    /// What else is known of the history.
    pub facts: Facts,
}

impl History {
    /// Adds what another client has recorded.
    pub fn merge(&mut self, other: Self) {
        self.attempts.extend(other.attempts);
        self.reads.extend(other.reads);
        self.followed.extend(other.followed);
        self.stays.extend(other.stays);
        self.receipts.extend(other.receipts);
        self.facts.merge(other.facts);
    }

    /// Returns every entry that was received, with its reader and its conversation.
    fn sightings(&self) -> impl Iterator<Item = (&str, &str, &Seen)> {
        let read = self.reads.iter().flat_map(|read| {
            read.entries.iter().map(|seen| (&*read.reader, &*read.conversation, seen))
        });
        let followed = self.followed.iter().flat_map(|cursor| {
            let entries = cursor.steps.iter().filter_map(|step| match step {
                Step::Entry(seen) => Some(seen),
                Step::Gap(_) => None,
            });
            entries.map(|seen| (&*cursor.reader, &*cursor.conversation, seen))
        });
        read.chain(followed)
    }
}

/// The log of each conversation, put together from everything that was received.
type Logs<'a> = BTreeMap<&'a str, BTreeMap<u64, &'a Seen>>;

/// Returns every violation in the history.
pub fn check(history: &History) -> Vec<Finding> {
    let mut findings = Findings::default();
    let logs = order::logs(history, &mut findings);
    order::reads(history, &mut findings);
    order::followed(history, &logs, &mut findings);
    order::members(history, &logs, &mut findings);
    order::receipts(history, &logs, &mut findings);
    writes::places(&logs, &mut findings);
    writes::answers(history, &logs, &mut findings);
    writes::sources(history, &logs, &mut findings);
    writes::connections(history, &mut findings);
    writes::issued_ids(&history.facts, &mut findings);
    privacy::redactions(history, &mut findings);
    privacy::logins(&history.facts, &mut findings);
    privacy::hidden(&history.facts, &mut findings);
    service::arrivals(&history.facts, &mut findings);
    service::views(&history.facts, &mut findings);
    service::probes(&history.facts, &mut findings);
    findings.0
}

/// Fails with the violations, if there are any. Prints how much was checked, past the test runner's
/// capture.
pub fn ensure_none(history: &History) -> Result<()> {
    let findings = check(history);
    writeln!(io::stderr(), "checked: {}", summary(history))?;
    let lines: Vec<_> = findings.iter().take(20).map(Finding::to_string).collect();
    ensure!(findings.is_empty(), "{} violations:\n{}", findings.len(), lines.join("\n"));
    Ok(())
}

/// Returns how much was checked, without which "0 violations" means little.
pub fn summary(history: &History) -> String {
    let count = |is: fn(&SendOutcome) -> bool| {
        history.attempts.iter().filter(|attempt| is(&attempt.outcome)).count()
    };
    let keys = history.attempts.iter().map(|attempt| &attempt.key).collect::<BTreeSet<_>>();
    let steps: usize = history.followed.iter().map(|cursor| cursor.steps.len()).sum();
    format!(
        "{} commands in {} attempts ({} recognised as repeats, {} unknown, {} refused), \
         {} reads, {} cursors with {steps} steps",
        keys.len(),
        history.attempts.len(),
        count(|outcome| matches!(outcome, SendOutcome::Acknowledged { replayed: true, .. })),
        count(|outcome| *outcome == SendOutcome::Unknown),
        count(|outcome| *outcome == SendOutcome::Refused),
        history.reads.len(),
        history.followed.len(),
    )
}

/// The violations found so far.
#[derive(Debug, Default)]
struct Findings(Vec<Finding>);

impl Findings {
    fn add(&mut self, violation: Violation, detail: String) {
        self.0.push(Finding { violation, detail });
    }

    fn unless(&mut self, fine: bool, violation: Violation, detail: impl FnOnce() -> String) {
        if !fine {
            self.add(violation, detail());
        }
    }
}
