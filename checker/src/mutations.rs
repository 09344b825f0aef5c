//! Tests of the checker: a correct history passes, and each damage is found under its name.

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
        outcome: SendOutcome::Acknowledged { seq, id, replayed: false },
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

/// Returns a history without violations: Ada and Bob join first, Eve is a member from 5 to 9, and all
/// other entries are texts.
fn correct() -> History {
    let texts = (3..=HEAD).filter(|seq| !matches!(seq, 5 | 9));
    let mut attempts: Vec<_> = texts.map(|seq| attempt(seq, 10 * seq)).collect();
    let mut repeat = attempt(3, 45);
    repeat.connection = "ada's poll".into();
    repeat.outcome = SendOutcome::Acknowledged { seq: 3, id: 1_003, replayed: true };
    attempts.push(repeat);
    let mut lost_answer = attempt(4, 39);
    lost_answer.outcome = SendOutcome::Unknown;
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
        facts: Facts::default(),
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

/// Damages a correct history and expects this violation among the findings.
fn finds(violation: Violation, damage: impl FnOnce(&mut History)) {
    let mut history = correct();
    damage(&mut history);
    let found = found(&history);
    assert!(found.contains(&violation), "{} is not in {found:?}", violation.name());
}

#[test]
fn correct_history_has_no_violation() {
    assert_eq!(check(&correct()), []);
}

#[test]
fn missing_acknowledged_entry_is_a_lost_write() {
    finds(Violation::LostWrite, |history| {
        let mut lost = attempt(HEAD, 200);
        lost.key.client_id = "missing".into();
        lost.outcome = SendOutcome::Acknowledged { seq: HEAD + 1, id: 7, replayed: false };
        history.attempts.push(lost);
    });
}

#[test]
fn other_entry_at_an_acknowledged_seq_is_a_lost_write() {
    finds(Violation::LostWrite, |history| history.attempts[0].key.client_id = "other".into());
}

#[test]
fn read_is_stale_when_it_lacks_an_acknowledged_entry() {
    finds(Violation::StaleRead, |history| {
        let mut stale = read(ADA, 400, seen_from(1, 8));
        stale.head = 8;
        history.reads.push(stale);
    });
}

#[test]
fn gap_to_an_earlier_seq_is_a_stale_read() {
    finds(Violation::StaleRead, |history| history.followed[0].steps.insert(5, Step::Gap(3)));
}

#[test]
fn two_entries_at_one_seq_are_an_inconsistent_offset() {
    finds(Violation::InconsistentOffset, |history| history.reads[0].entries[6].id = 7);
}

#[test]
fn page_has_a_hole_when_a_seq_is_missing() {
    finds(Violation::Hole, |history| drop(history.reads[0].entries.remove(6)));
}

#[test]
fn seq_that_was_never_received_is_a_hole() {
    finds(Violation::Hole, |history| {
        history.followed.clear();
        history.reads = vec![read(ADA, 500, seen_from(1, 6)), read(ADA, 501, seen_from(8, HEAD))];
    });
}

#[test]
fn key_at_two_seqs_is_a_duplicate() {
    finds(Violation::Duplicate, |history| {
        history.followed.clear();
        history.reads[0].entries[9].client_id = Some("key-8".into());
        history.reads[0].entries[9].sender = BOB.into();
    });
}

#[test]
fn id_at_two_seqs_is_a_duplicate() {
    finds(Violation::Duplicate, |history| {
        history.followed.clear();
        history.reads[0].entries[9].id = 1_003;
    });
}

#[test]
fn repeat_with_another_answer_is_an_ack_divergence() {
    finds(Violation::AckDivergence, |history| {
        let repeat = history.attempts.iter_mut().find(|attempt| attempt.connection == "ada's poll");
        if let Some(repeat) = repeat {
            repeat.outcome = SendOutcome::Acknowledged { seq: 3, id: 7, replayed: true };
        }
    });
}

#[test]
fn refused_command_in_the_log_is_an_aborted_read() {
    finds(Violation::AbortedRead, |history| history.attempts[2].outcome = SendOutcome::Refused);
}

#[test]
fn text_that_was_never_sent_is_a_phantom() {
    finds(Violation::Phantom, |history| drop(history.attempts.remove(2)));
    finds(Violation::Phantom, |history| history.attempts[2].text = "another".into());
}

#[test]
fn cursor_that_skips_without_a_gap_is_a_poll_skip() {
    finds(Violation::PollSkip, |history| drop(history.followed[0].steps.remove(4)));
}

#[test]
fn gap_event_is_not_a_violation() {
    let mut history = correct();
    history.followed[0].steps.splice(2..5, [Step::Gap(6)]);
    assert_eq!(check(&history), []);
}

#[test]
fn cursor_that_moves_back_is_nonmonotonic() {
    finds(Violation::Nonmonotonic, |history| history.followed[0].steps.swap(3, 4));
}

#[test]
fn entry_received_twice_is_a_redelivery() {
    finds(Violation::Redelivery, |history| {
        let again = history.followed[0].steps[3].clone();
        history.followed[0].steps.insert(5, again);
    });
}

#[test]
fn reordered_commands_are_nonmonotonic_sends() {
    finds(Violation::NonmonotonicSend, |history| history.attempts.swap(0, 3));
}

#[test]
fn entry_after_the_removal_is_a_leak() {
    finds(Violation::LeakAfterRemoval, |history| {
        history.followed[2].steps.push(Step::Entry(seen(10)));
    });
}

#[test]
fn entry_before_the_join_is_a_leak() {
    finds(Violation::LeakBeforeJoin, |history| {
        history.reads[1] = read(EVE, 95, seen_from(4, 9));
    });
}

#[test]
fn entry_of_an_outsider_is_a_nonmember_send() {
    finds(Violation::NonmemberSend, |history| history.stays[1].left = Some(9));
}

#[test]
fn receipt_that_moves_back_is_a_cursor_regress() {
    finds(Violation::CursorRegress, |history| history.receipts[0].seqs.swap(1, 2));
    finds(Violation::CursorRegress, |history| history.receipts[0].seqs.push((HEAD + 1, HEAD)));
}

#[test]
fn cursor_that_stops_early_leaves_entries_unseen() {
    finds(Violation::Unseen, |history| drop(history.followed[1].steps.pop()));
}

#[test]
fn late_entry_is_a_lag() {
    finds(Violation::Lag, |history| {
        history.facts.arrivals.push(facts::Arrival {
            reader: ADA.into(),
            conversation: "c".into(),
            seq: 3,
            acknowledged_ms: 10,
            at_ms: 1_011,
            within_ms: 1_000,
        });
    });
}

#[test]
fn id_that_is_issued_twice_is_found() {
    finds(Violation::IdReuse, |history| history.facts.issued_ids = vec![7, 8, 7]);
}

#[test]
fn event_for_an_ended_login_is_found() {
    finds(Violation::EndedLoginServed, |history| {
        history.facts.ended_logins.push(facts::EndedLogin { login: 7, from_ms: 100 });
        history.facts.served.push(facts::Served { login: 7, at_ms: 100 });
    });
}

#[test]
fn refresh_token_that_is_wrongly_refused_or_accepted_is_found() {
    for (is_valid, violation) in
        [(true, Violation::LoginLost), (false, Violation::EndedLoginServed)]
    {
        finds(violation, |history| {
            let exchange = facts::Exchange { login: 7, is_valid, is_accepted: !is_valid };
            history.facts.exchanges.push(exchange);
        });
    }
}

#[test]
fn typing_through_a_block_is_a_presence_leak() {
    finds(Violation::PresenceLeak, |history| {
        history.facts.hidden.push(facts::Hidden {
            subject: ADA.into(),
            from: Some(BOB.into()),
            conversation: None,
            begin_ms: 10,
            end_ms: 20,
        });
        history.facts.shown.push(facts::Shown {
            subject: ADA.into(),
            reader: BOB.into(),
            conversation: "c".into(),
            at_ms: 20,
        });
    });
}

#[test]
fn text_read_after_its_redaction_is_found() {
    finds(Violation::RedactedText, |history| {
        let redaction = facts::Redaction { conversation: "c".into(), seq: 4, answered: 499 };
        history.facts.redactions.push(redaction);
    });
}

#[test]
fn view_that_differs_from_the_log_is_found() {
    finds(Violation::ViewDivergence, |history| {
        let (seen, expected) = ("one".into(), "two".into());
        history.facts.views.push(facts::View { what: "text".into(), seen, expected });
    });
}

#[test]
fn refused_probe_is_found() {
    finds(Violation::NotServing, |history| {
        let failure = Some("unavailable".into());
        history.facts.probes.push(facts::Probe { command: "send".into(), failure });
    });
}

#[test]
fn edited_text_is_not_a_phantom() {
    let mut history = correct();
    history.reads[0].entries[3].text = Some("another".into());
    history.followed.clear();
    assert!(found(&history).contains(&Violation::Phantom));
    history.facts.edits.push(facts::Edit {
        conversation: "c".into(),
        seq: 4,
        text: "another".into(),
    });
    assert!(!found(&history).contains(&Violation::Phantom));
}
