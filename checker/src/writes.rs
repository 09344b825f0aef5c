//! Checks that acknowledged commands are in the log once, as they were sent, and refused ones are not.

use std::collections::{BTreeMap, BTreeSet};

use super::{Attempt, Facts, Findings, History, Key, Logs, Seen, SendOutcome, Violation};

/// Checks that each entry has one seq, and each command makes one entry.
pub(super) fn places(logs: &Logs<'_>, findings: &mut Findings) {
    let mut ids = BTreeMap::new();
    for (conversation, log) in logs {
        let mut keys = BTreeMap::new();
        for (seq, seen) in log {
            let place = format!("{conversation} at {seq}");
            if let Some(other) = ids.insert(seen.id, place.clone()) {
                findings.add(Violation::Duplicate, format!("{} at {other} and {place}", seen.id));
            }
            let Some(client_id) = &seen.client_id else { continue };
            if let Some(other) = keys.insert((&seen.sender, client_id), seq) {
                findings.add(Violation::Duplicate, format!("{client_id} at {other} and {place}"));
            }
        }
    }
}

/// Checks that no id was issued twice.
pub(super) fn issued_ids(facts: &Facts, findings: &mut Findings) {
    let mut issued = BTreeSet::new();
    for id in &facts.issued_ids {
        findings.unless(issued.insert(id), Violation::IdReuse, || id.to_string());
    }
}

/// Checks that each acknowledged command is at the seq of its answers, and that the answers agree.
pub(super) fn answers(history: &History, logs: &Logs<'_>, findings: &mut Findings) {
    let mut first = BTreeMap::new();
    for attempt in &history.attempts {
        let SendOutcome::Acknowledged { seq, id, .. } = attempt.outcome else { continue };
        let (known_seq, known_id) = *first.entry(&attempt.key).or_insert((seq, id));
        findings.unless((known_seq, known_id) == (seq, id), Violation::AckDivergence, || {
            format!("{:?}: {seq}, {id} and {known_seq}, {known_id}", attempt.key)
        });
        let there = logs.get(&*attempt.key.conversation).and_then(|log| log.get(&seq));
        match there {
            None => findings.add(Violation::LostWrite, format!("{attempt:?}")),
            Some(seen) if !is_of(seen, &attempt.key) => {
                findings.add(Violation::LostWrite, format!("{attempt:?}: there is {seen:?}"));
            }
            Some(seen) => findings.unless(seen.id == id, Violation::AckDivergence, || {
                format!("{attempt:?}: the log contains {seen:?}")
            }),
        }
        stale_reads(history, attempt, seq, findings);
    }
}

fn is_of(seen: &Seen, key: &Key) -> bool {
    seen.sender == key.sender && seen.client_id.as_ref() == Some(&key.client_id)
}

fn stale_reads(history: &History, attempt: &Attempt, seq: u64, findings: &mut Findings) {
    let later = history.reads.iter().filter(|read| {
        read.conversation == attempt.key.conversation && read.called > attempt.answered
    });
    for read in later {
        // A page may end before the head, but it must have all entries between its first and last one.
        let last = read.entries.last().map_or(read.after, |seen| seen.seq);
        let spans = read.entries.first().is_some_and(|first| first.seq <= seq) && seq <= last;
        let has = read.entries.iter().any(|seen| seen.seq == seq);
        findings.unless(read.head >= seq && (!spans || has), Violation::StaleRead, || {
            format!("{attempt:?}: then {} read to {} of {}", read.reader, last, read.head)
        });
    }
}

/// Checks that each text in the log was sent in that form and not refused.
pub(super) fn sources(history: &History, logs: &Logs<'_>, findings: &mut Findings) {
    let mut attempts: BTreeMap<&Key, Vec<&Attempt>> = BTreeMap::new();
    for attempt in &history.attempts {
        attempts.entry(&attempt.key).or_default().push(attempt);
    }
    let written: BTreeSet<_> = attempts.keys().map(|key| &*key.conversation).collect();
    for (conversation, log) in logs.iter().filter(|(id, _)| written.contains(*id)) {
        for seen in log.values().filter(|seen| seen.text.is_some()) {
            let key = Key {
                conversation: (*conversation).to_owned(),
                sender: seen.sender.clone(),
                client_id: seen.client_id.clone().unwrap_or_default(),
            };
            let tried = attempts.get(&key).map_or(&[][..], Vec::as_slice);
            let is_edit = history.facts.edits.iter().any(|edit| {
                edit.conversation == *conversation
                    && edit.seq == seen.seq
                    && Some(&edit.text) == seen.text.as_ref()
            });
            let sent = is_edit && !tried.is_empty()
                || tried.iter().any(|attempt| Some(&attempt.text) == seen.text.as_ref());
            let place = || format!("{conversation}: {seen:?}");
            findings.unless(sent, Violation::Phantom, place);
            let refused =
                sent && tried.iter().all(|attempt| attempt.outcome == SendOutcome::Refused);
            findings.unless(!refused, Violation::AbortedRead, place);
        }
    }
}

/// Checks that the commands of one connection are in the log in the order in which they were sent.
pub(super) fn connections(history: &History, findings: &mut Findings) {
    let mut last: BTreeMap<(&str, &str), u64> = BTreeMap::new();
    for attempt in &history.attempts {
        // A replayed command was written by its first attempt.
        let SendOutcome::Acknowledged { seq, replayed: false, .. } = attempt.outcome else {
            continue;
        };
        let place = last.entry((&attempt.connection, &attempt.key.conversation)).or_default();
        findings.unless(seq > *place, Violation::NonmonotonicSend, || {
            format!("{attempt:?} after {place}")
        });
        *place = seq.max(*place);
    }
}
