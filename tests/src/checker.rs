//! Which promise a recorded history breaks.
//!
//! Clients write down what they called and what they were told; [`check`] compares that with the
//! promises and names each violation as `docs/guarantees.md` does. Time is a count of calls and
//! answers ([`Ticks`]), so that clocks and speed do not matter.
//!
//! The checker is itself checked: the tests below damage a good history in every way that it has
//! a word for.

mod order;
mod writes;

#[cfg(test)]
mod mutations;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    io::{self, Write},
    sync::atomic::{AtomicU64, Ordering},
};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

/// The words for what must not be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Violation {
    /// An acknowledged entry is not in the log.
    LostWrite,
    /// A read that began after an acknowledgement does not have the entry.
    StaleRead,
    /// Two readers saw different entries at one seq.
    InconsistentOffset,
    /// A seq is missing between others.
    Hole,
    /// One command made two entries, or one entry has two places.
    Duplicate,
    /// Answers to the same command differ from each other or from the log.
    AckDivergence,
    /// A refused command is in the log.
    AbortedRead,
    /// Something is in the log that nobody sent.
    Phantom,
    /// A cursor jumped over entries without a gap.
    PollSkip,
    /// A cursor's entries came out of order.
    Nonmonotonic,
    /// A cursor got an entry twice.
    Redelivery,
    /// Commands of one connection landed out of order.
    NonmonotonicSend,
    /// An entry reached somebody after the removal.
    LeakAfterRemoval,
    /// An entry reached somebody before the joining.
    LeakBeforeJoin,
    /// An entry of somebody who was no member.
    NonmemberSend,
    /// A receipt went back or past the head.
    CursorRegress,
    /// Somebody was not caught up at the end.
    Unseen,
}

impl Violation {
    /// The word.
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
        }
    }
}

/// One violation and where it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Which promise.
    pub violation: Violation,
    /// Where and what.
    pub detail: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.violation.name(), self.detail)
    }
}

/// The time of a history: it counts calls and answers of all clients.
#[derive(Debug, Default)]
pub struct Ticks(AtomicU64);

impl Ticks {
    /// The next moment.
    pub fn tick(&self) -> u64 {
        self.0.fetch_add(1, Ordering::SeqCst)
    }
}

/// The name under which a command makes at most one entry.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// The conversation.
    pub conversation: String,
    /// Who.
    pub sender: String,
    /// The sender's own name for the command.
    pub client_id: String,
}

/// What a sender was told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Told {
    /// It is in the log, at this seq with this id.
    Acknowledged {
        /// The place.
        seq: u64,
        /// The entry's id.
        id: u64,
        /// An earlier attempt made it.
        replayed: bool,
    },
    /// It is not in the log and will not be.
    Refused,
    /// No answer, or one that leaves it open.
    Unknown,
}

/// One attempt to send a text.
#[derive(Debug, Clone)]
pub struct Attempt {
    /// The connection that carried it; its attempts are recorded in their order.
    pub connection: String,
    /// What it was called.
    pub key: Key,
    /// The text.
    pub text: String,
    /// When it was sent.
    pub called: u64,
    /// When its answer came; the end of time where none did.
    pub answered: u64,
    /// The answer.
    pub told: Told,
}

/// An entry as somebody saw it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// The place.
    pub seq: u64,
    /// The entry's id.
    pub id: u64,
    /// Who.
    pub sender: String,
    /// The sender's name for it, where it has one.
    pub client_id: Option<String>,
    /// Its text, where it is one and not redacted.
    pub text: Option<String>,
}

impl Seen {
    /// From the wire.
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

/// One read of the store: a run of entries from history.
#[derive(Debug, Clone)]
pub struct Read {
    /// Who read, as a user id.
    pub reader: String,
    /// The conversation.
    pub conversation: String,
    /// When it was asked.
    pub called: u64,
    /// Entries after this seq.
    pub after: u64,
    /// What came.
    pub entries: Vec<Seen>,
    /// The head that the answer named.
    pub head: u64,
}

/// What one cursor got, over whatever transports carried it.
#[derive(Debug, Clone)]
pub struct Followed {
    /// Who, as a user id.
    pub reader: String,
    /// The conversation.
    pub conversation: String,
    /// Where the cursor began.
    pub after: u64,
    /// What came, in order.
    pub steps: Vec<Step>,
    /// Whether it has to have reached the head.
    pub to_the_end: bool,
}

/// One step of a cursor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// An entry.
    Entry(Seen),
    /// An announced jump to this seq.
    Gap(u64),
}

/// When somebody belonged to a conversation.
#[derive(Debug, Clone)]
pub struct Stay {
    /// Who, as a user id.
    pub user: String,
    /// The conversation.
    pub conversation: String,
    /// The `joined` entry.
    pub joined: u64,
    /// The `left` entry.
    pub left: Option<u64>,
}

/// What somebody saw of somebody's receipts, in order: `(delivered_seq, read_seq)`.
#[derive(Debug, Clone)]
pub struct Receipts {
    /// The conversation.
    pub conversation: String,
    /// Whose.
    pub user: String,
    /// As they came.
    pub seqs: Vec<(u64, u64)>,
}

/// What all clients wrote down.
#[derive(Debug, Clone, Default)]
pub struct History {
    /// Every attempt to send; those of one connection in their order.
    pub attempts: Vec<Attempt>,
    /// Every read. The last ones, after everything else, cover each conversation whole.
    pub reads: Vec<Read>,
    /// Every cursor.
    pub followed: Vec<Followed>,
    /// Every membership, where the history is about them.
    pub stays: Vec<Stay>,
    /// Every sequence of receipts.
    pub receipts: Vec<Receipts>,
}

impl History {
    /// Everything that another client wrote down too.
    pub fn merge(&mut self, other: Self) {
        self.attempts.extend(other.attempts);
        self.reads.extend(other.reads);
        self.followed.extend(other.followed);
        self.stays.extend(other.stays);
        self.receipts.extend(other.receipts);
    }

    /// Every sighting: who, where, what.
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

/// The log of each conversation as all sightings together show it.
type Logs<'a> = BTreeMap<&'a str, BTreeMap<u64, &'a Seen>>;

/// Every violation in the history.
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
    findings.0
}

/// An error that lists the violations, if there are any; tells how much was checked, also where
/// the test runner keeps what passing tests print.
pub fn ensure_none(history: &History) -> Result<()> {
    let findings = check(history);
    writeln!(io::stderr(), "checked: {}", summary(history))?;
    let shown: Vec<_> = findings.iter().take(20).map(Finding::to_string).collect();
    ensure!(findings.is_empty(), "{} violations:\n{}", findings.len(), shown.join("\n"));
    Ok(())
}

/// How much a history is about: "0 violations" says nothing without it.
pub fn summary(history: &History) -> String {
    let told = |is: fn(&Told) -> bool| history.attempts.iter().filter(|a| is(&a.told)).count();
    let keys = history.attempts.iter().map(|attempt| &attempt.key).collect::<BTreeSet<_>>();
    let steps: usize = history.followed.iter().map(|cursor| cursor.steps.len()).sum();
    format!(
        "{} commands in {} attempts ({} recognised as repeats, {} unknown, {} refused), \
         {} reads, {} cursors with {steps} steps",
        keys.len(),
        history.attempts.len(),
        told(|told| matches!(told, Told::Acknowledged { replayed: true, .. })),
        told(|told| *told == Told::Unknown),
        told(|told| *told == Told::Refused),
        history.reads.len(),
        history.followed.len(),
    )
}

/// What was found so far.
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
