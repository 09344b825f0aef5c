//! The checker is checked: a good history passes, and each damage is named by its word.

use super::*;

const ADA: &str = "ada";
const BOB: &str = "bob";
const EVE: &str = "eve";
const HEAD: u64 = 12;

fn seen(seq: u64) -> Seen {
    let membership = matches!(seq, 1 | 2 | 5 | 9);
    Seen {
        seq,
        id: 1_000 + seq,
        sender: if seq.is_multiple_of(2) && !membership { BOB } else { ADA }.to_owned(),
        client_id: (!membership).then(|| format!("key-{seq}")),
        text: (!membership).then(|| format!("text {seq}")),
    }
}

fn seen_from(begin: u64, end: u64) -> Vec<Seen> {
    (begin..=end).map(seen).collect()
}

fn attempt(seq: u64, called: u64) -> Attempt {
    let Seen { id, sender, client_id, text, .. } = seen(seq);
    let connection = format!("{sender}'s socket");
    let client_id = client_id.unwrap_or_default();
    Attempt {
        connection,
        key: Key { conversation: "c".into(), sender, client_id },
        text: text.unwrap_or_default(),
        called,
        answered: called + 1,
        told: Told::Acknowledged { seq, id, replayed: false },
    }
}

fn followed(reader: &str, after: u64, steps: Vec<Seen>) -> Followed {
    Followed {
        reader: reader.into(),
        conversation: "c".into(),
        after,
        steps: steps.into_iter().map(Step::Entry).collect(),
        to_the_end: reader != EVE,
    }
}

fn stay(user: &str, joined: u64, left: Option<u64>) -> Stay {
    Stay { user: user.into(), conversation: "c".into(), joined, left }
}

fn read(reader: &str, called: u64, entries: Vec<Seen>) -> Read {
    let after = entries.first().map_or(0, |first| first.seq - 1);
    Read { reader: reader.into(), conversation: "c".into(), called, after, entries, head: HEAD }
}

/// Ada and Bob from 1 and 2 on, Eve from 5 to 9; the rest are texts.
fn good() -> History {
    let texts = (3..=HEAD).filter(|seq| !matches!(seq, 5 | 9));
    let mut attempts: Vec<_> = texts.map(|seq| attempt(seq, 10 * seq)).collect();
    let mut repeat = attempt(3, 45);
    repeat.connection = "ada's poll".into();
    repeat.told = Told::Acknowledged { seq: 3, id: 1_003, replayed: true };
    attempts.push(repeat);
    let mut lost_answer = attempt(4, 39);
    lost_answer.told = Told::Unknown;
    attempts.push(lost_answer);
    History {
        attempts,
        reads: vec![read(ADA, 500, seen_from(1, HEAD)), read(EVE, 95, seen_from(5, 9))],
        followed: vec![
            followed(BOB, 1, seen_from(2, HEAD)),
            followed(ADA, 3, seen_from(4, HEAD)),
            followed(EVE, 0, seen_from(5, 9)),
        ],
        stays: vec![stay(ADA, 1, None), stay(BOB, 1, None), stay(EVE, 5, Some(9))],
        receipts: vec![Receipts {
            conversation: "c".into(),
            user: BOB.into(),
            seqs: vec![(3, 2), (3, 3), (9, 3), (HEAD, HEAD)],
        }],
    }
}

fn found(history: &History) -> Vec<Violation> {
    check(history).into_iter().map(|finding| finding.violation).collect()
}

/// Damages a good history and expects this word among the findings.
fn names(violation: Violation, damage: impl FnOnce(&mut History)) {
    let mut history = good();
    damage(&mut history);
    let found = found(&history);
    assert!(found.contains(&violation), "{} is not in {found:?}", violation.name());
}

#[test]
fn a_good_history_has_no_violation() {
    assert_eq!(check(&good()), []);
}

#[test]
fn an_acknowledged_entry_that_nobody_ever_saw_is_a_lost_write() {
    names(Violation::LostWrite, |history| {
        let mut lost = attempt(HEAD, 200);
        lost.key.client_id = "never-seen".into();
        lost.told = Told::Acknowledged { seq: HEAD + 1, id: 7, replayed: false };
        history.attempts.push(lost);
    });
}

#[test]
fn an_acknowledged_entry_with_another_in_its_place_is_a_lost_write() {
    names(Violation::LostWrite, |history| history.attempts[0].key.client_id = "other".into());
}

#[test]
fn a_read_that_misses_an_earlier_acknowledgement_is_stale() {
    names(Violation::StaleRead, |history| {
        let mut stale = read(ADA, 400, seen_from(1, 8));
        stale.head = 8;
        history.reads.push(stale);
    });
}

#[test]
fn a_cursor_that_is_sent_back_was_compared_with_a_stale_head() {
    names(Violation::StaleRead, |history| history.followed[0].steps.insert(5, Step::Gap(3)));
}

#[test]
fn two_entries_at_one_seq_are_an_inconsistent_offset() {
    names(Violation::InconsistentOffset, |history| history.reads[0].entries[6].id = 7);
}

#[test]
fn a_page_with_a_seq_left_out_has_a_hole() {
    names(Violation::Hole, |history| drop(history.reads[0].entries.remove(6)));
}

#[test]
fn a_seq_that_nobody_saw_is_a_hole() {
    names(Violation::Hole, |history| {
        history.followed.clear();
        history.reads = vec![read(ADA, 500, seen_from(1, 6)), read(ADA, 501, seen_from(8, HEAD))];
    });
}

#[test]
fn a_key_at_two_places_is_a_duplicate() {
    names(Violation::Duplicate, |history| {
        history.followed.clear();
        history.reads[0].entries[9].client_id = Some("key-8".into());
        history.reads[0].entries[9].sender = BOB.into();
    });
}

#[test]
fn an_id_at_two_places_is_a_duplicate() {
    names(Violation::Duplicate, |history| {
        history.followed.clear();
        history.reads[0].entries[9].id = 1_003;
    });
}

#[test]
fn a_repeat_with_another_answer_is_an_ack_divergence() {
    names(Violation::AckDivergence, |history| {
        let repeat = history.attempts.iter_mut().find(|attempt| attempt.connection == "ada's poll");
        if let Some(repeat) = repeat {
            repeat.told = Told::Acknowledged { seq: 3, id: 7, replayed: true };
        }
    });
}

#[test]
fn a_refused_command_in_the_log_is_an_aborted_read() {
    names(Violation::AbortedRead, |history| history.attempts[2].told = Told::Refused);
}

#[test]
fn a_text_that_nobody_sent_is_a_phantom() {
    names(Violation::Phantom, |history| drop(history.attempts.remove(2)));
    names(Violation::Phantom, |history| history.attempts[2].text = "another".into());
}

#[test]
fn a_cursor_that_jumps_without_a_gap_is_a_poll_skip() {
    names(Violation::PollSkip, |history| drop(history.followed[0].steps.remove(4)));
}

#[test]
fn an_announced_gap_is_no_violation() {
    let mut history = good();
    history.followed[0].steps.splice(2..5, [Step::Gap(6)]);
    assert_eq!(check(&history), []);
}

#[test]
fn a_cursor_that_goes_back_is_nonmonotonic() {
    names(Violation::Nonmonotonic, |history| history.followed[0].steps.swap(3, 4));
}

#[test]
fn an_entry_that_comes_twice_is_a_redelivery() {
    names(Violation::Redelivery, |history| {
        let again = history.followed[0].steps[3].clone();
        history.followed[0].steps.insert(5, again);
    });
}

#[test]
fn commands_of_a_connection_that_change_places_are_nonmonotonic_sends() {
    names(Violation::NonmonotonicSend, |history| history.attempts.swap(0, 3));
}

#[test]
fn an_entry_after_the_removal_is_a_leak() {
    names(Violation::LeakAfterRemoval, |history| {
        history.followed[2].steps.push(Step::Entry(seen(10)));
    });
}

#[test]
fn an_entry_before_the_joining_is_a_leak() {
    names(Violation::LeakBeforeJoin, |history| {
        history.reads[1] = read(EVE, 95, seen_from(4, 9));
    });
}

#[test]
fn an_entry_of_a_stranger_is_a_nonmember_send() {
    names(Violation::NonmemberSend, |history| history.stays[1].left = Some(9));
}

#[test]
fn a_receipt_that_goes_back_or_past_the_head_is_a_cursor_regress() {
    names(Violation::CursorRegress, |history| history.receipts[0].seqs.swap(1, 2));
    names(Violation::CursorRegress, |history| history.receipts[0].seqs.push((HEAD + 1, HEAD)));
}

#[test]
fn a_cursor_that_stops_short_leaves_entries_unseen() {
    names(Violation::Unseen, |history| drop(history.followed[1].steps.pop()));
}
