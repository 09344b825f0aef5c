//! Checks that every reader sees one dense order, and every cursor its part of it.

use std::collections::BTreeSet;

use super::{Findings, Followed, History, Logs, Stay, Step, Violation};

/// Builds the logs from everything that was received. All readers must agree, without holes.
pub(super) fn logs<'a>(history: &'a History, findings: &mut Findings) -> Logs<'a> {
    let mut logs = Logs::new();
    for (reader, conversation, seen) in history.sightings() {
        let first = *logs.entry(conversation).or_default().entry(seen.seq).or_insert(seen);
        // The text may differ: an edit or a redaction may have come between two reads.
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
            findings
                .add(Violation::Hole, format!("{seq} of {} was never received", read.conversation));
        }
    }
    logs
}

/// Checks that each page is dense.
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

/// Checks that each cursor received each entry once and in order, or a gap event.
pub(super) fn followed(history: &History, logs: &Logs<'_>, findings: &mut Findings) {
    for cursor in &history.followed {
        let reached = follow(history, cursor, findings);
        let head = logs.get(&*cursor.conversation).and_then(|log| log.keys().last().copied());
        let fine = !cursor.to_the_end || head.is_none_or(|head| reached >= head);
        findings.unless(fine, Violation::Unseen, || {
            format!(
                "{} received {} up to {reached} of {head:?}",
                cursor.reader, cursor.conversation
            )
        });
    }
}

fn follow(history: &History, cursor: &Followed, findings: &mut Findings) -> u64 {
    let mut received = BTreeSet::new();
    let mut at = cursor.after;
    for step in &cursor.steps {
        let seen = match step {
            Step::Gap(to) => {
                // A gap may move back only a cursor that no entry of this log has reached.
                findings.unless(*to >= at || !received.contains(&at), Violation::StaleRead, || {
                    let Followed { reader, conversation, .. } = cursor;
                    format!("{reader} in {conversation}: moved back from {at} to {to}")
                });
                at = *to;
                continue;
            }
            Step::Entry(seen) => seen,
        };
        let place = || format!("{} in {}: {seen:?} at {at}", cursor.reader, cursor.conversation);
        let joining = stays(history, &cursor.reader, &cursor.conversation)
            .any(|stay| stay.joined == seen.seq);
        if !received.insert(seen.seq) {
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

/// Checks that users send and receive entries only while they are members.
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

/// Checks that receipts move forward and never past the head.
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
