//! One dense order for everybody, and for each cursor its part of it.

use std::collections::BTreeSet;

use super::{Findings, Followed, History, Logs, Stay, Step, Violation};

/// Puts all sightings together; they must agree, and leave nothing out.
pub(super) fn logs<'a>(history: &'a History, findings: &mut Findings) -> Logs<'a> {
    let mut logs = Logs::new();
    for (reader, conversation, seen) in history.sightings() {
        let first = *logs.entry(conversation).or_default().entry(seen.seq).or_insert(seen);
        // The text may differ, because an edit or a redaction may lie between two sightings.
        let same =
            first.id == seen.id && first.sender == seen.sender && first.client_id == seen.client_id;
        findings.unless(same, Violation::InconsistentOffset, || {
            format!("{reader} in {conversation}: {seen:?} and not {first:?}")
        });
    }
    for read in &history.reads {
        let log = logs.entry(&read.conversation).or_default();
        let begin = log.keys().next().copied().unwrap_or(read.head);
        for seq in (begin..=read.head).filter(|seq| !log.contains_key(seq)) {
            findings.add(Violation::Hole, format!("nobody saw {seq} of {}", read.conversation));
        }
    }
    logs
}

/// A page is a run.
pub(super) fn reads(history: &History, findings: &mut Findings) {
    for read in &history.reads {
        let seqs: Vec<_> = read.entries.iter().map(|seen| seen.seq).collect();
        let run = seqs.windows(2).all(|pair| pair[1] == pair[0] + 1);
        let after = seqs.first().is_none_or(|&first| first > read.after);
        findings.unless(run && after, Violation::Hole, || {
            format!("{} after {}: {seqs:?}", read.conversation, read.after)
        });
    }
}

/// A cursor gets each entry once and in order, or an announced gap.
pub(super) fn followed(history: &History, logs: &Logs<'_>, findings: &mut Findings) {
    for cursor in &history.followed {
        let reached = follow(history, cursor, findings);
        let head = logs.get(&*cursor.conversation).and_then(|log| log.keys().last().copied());
        let fine = !cursor.to_the_end || head.is_none_or(|head| reached >= head);
        findings.unless(fine, Violation::Unseen, || {
            format!("{} got {} up to {reached} of {head:?}", cursor.reader, cursor.conversation)
        });
    }
}

fn follow(history: &History, cursor: &Followed, findings: &mut Findings) -> u64 {
    let mut got = BTreeSet::new();
    let mut at = cursor.after;
    for step in &cursor.steps {
        let seen = match step {
            Step::Gap(to) => {
                // Back is right only where the log ends there: a cursor of another log.
                findings.unless(*to >= at || !got.contains(&at), Violation::StaleRead, || {
                    let Followed { reader, conversation, .. } = cursor;
                    format!("{reader} in {conversation}: sent back from {at} to {to}")
                });
                at = *to;
                continue;
            }
            Step::Entry(seen) => seen,
        };
        let place = || format!("{} in {}: {seen:?} at {at}", cursor.reader, cursor.conversation);
        let joining = stays(history, &cursor.reader, &cursor.conversation)
            .any(|stay| stay.joined == seen.seq);
        if !got.insert(seen.seq) {
            findings.add(Violation::Redelivery, place());
        } else if seen.seq <= at {
            findings.add(Violation::Nonmonotonic, place());
        } else if seen.seq > at + 1 && !joining {
            findings.add(Violation::PollSkip, place());
        }
        at = at.max(seen.seq);
    }
    at
}

fn stays<'a>(
    history: &'a History,
    user: &'a str,
    conversation: &'a str,
) -> impl Iterator<Item = &'a Stay> {
    let theirs = move |stay: &&Stay| stay.user == user && stay.conversation == conversation;
    history.stays.iter().filter(theirs)
}

/// Nothing reaches anybody outside of their stays, nor comes from them.
pub(super) fn members(history: &History, logs: &Logs<'_>, findings: &mut Findings) {
    let inside = |user, conversation, seq| {
        stays(history, user, conversation)
            .any(|stay| stay.joined <= seq && stay.left.is_none_or(|left| seq <= left))
    };
    let known: BTreeSet<_> = history.stays.iter().map(|stay| &*stay.conversation).collect();
    for (reader, conversation, seen) in history.sightings() {
        if !known.contains(conversation) || inside(reader, conversation, seen.seq) {
            continue;
        }
        let before = stays(history, reader, conversation).all(|stay| seen.seq < stay.joined);
        let leak = if before { Violation::LeakBeforeJoin } else { Violation::LeakAfterRemoval };
        findings.add(leak, format!("{reader} in {conversation}: {seen:?}"));
    }
    for (conversation, log) in logs.iter().filter(|(id, _)| known.contains(*id)) {
        for seen in log.values() {
            let fine = inside(&seen.sender, conversation, seen.seq);
            findings.unless(fine, Violation::NonmemberSend, || format!("{conversation}: {seen:?}"));
        }
    }
}

/// Receipts go forward, and never past the head.
pub(super) fn receipts(history: &History, logs: &Logs<'_>, findings: &mut Findings) {
    for receipts in &history.receipts {
        let log = logs.get(&*receipts.conversation);
        let head = log.and_then(|log| log.keys().last().copied()).unwrap_or(u64::MAX);
        let mut last = (0, 0);
        for &now in &receipts.seqs {
            let forward = now.0 >= last.0 && now.1 >= last.1;
            let fine = forward && now.0 <= head && now.1 <= now.0;
            findings.unless(fine, Violation::CursorRegress, || {
                format!("{receipts:?}: {now:?} after {last:?}, head {head}")
            });
            last = (last.0.max(now.0), last.1.max(now.1));
        }
    }
}
