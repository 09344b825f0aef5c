//! Checks that what is taken away or hidden does not reach anybody.

use std::collections::BTreeMap;

use super::{Facts, Findings, History, Violation};

/// Checks that no page that was read after a redaction has the text.
pub(super) fn redactions(history: &History, findings: &mut Findings) {
    for redaction in &history.facts.redactions {
        let later = history.reads.iter().filter(|read| {
            read.conversation == redaction.conversation && read.called > redaction.answered
        });
        for read in later {
            let shown = read.entries.iter().find(|seen| seen.seq == redaction.seq);
            let is_gone = shown.is_none_or(|seen| seen.text.is_none());
            findings.unless(is_gone, Violation::RedactedText, || {
                format!("{redaction:?}: {} then read {shown:?}", read.reader)
            });
        }
    }
}

/// Checks that logins end when they must, and only then.
pub(super) fn logins(facts: &Facts, findings: &mut Findings) {
    ended_logins(facts, findings);
    exchanges(facts, findings);
}

/// Checks that an ended login receives nothing.
fn ended_logins(facts: &Facts, findings: &mut Findings) {
    let mut ended: BTreeMap<u64, u64> = BTreeMap::new();
    for login in &facts.ended_logins {
        let from = ended.entry(login.login).or_insert(login.from_ms);
        *from = login.from_ms.min(*from);
    }
    for served in &facts.served {
        let fine = ended.get(&served.login).is_none_or(|from| served.at_ms < *from);
        findings.unless(fine, Violation::EndedLoginServed, || {
            format!("{served:?}, which ended at {:?}", ended.get(&served.login))
        });
    }
}

/// Checks that valid refresh tokens are accepted, and no others.
fn exchanges(facts: &Facts, findings: &mut Findings) {
    for exchange in &facts.exchanges {
        let violation =
            if exchange.is_valid { Violation::LoginLost } else { Violation::EndedLoginServed };
        let fine = exchange.is_valid == exchange.is_accepted;
        findings.unless(fine, violation, || format!("{exchange:?}"));
    }
}

/// Checks that nobody sees what somebody hides.
pub(super) fn hidden(facts: &Facts, findings: &mut Findings) {
    for shown in &facts.shown {
        let breach = facts.hidden.iter().find(|hidden| {
            hidden.subject == shown.subject
                && hidden.from.as_ref().is_none_or(|reader| *reader == shown.reader)
                && hidden.conversation.as_ref().is_none_or(|one| *one == shown.conversation)
                && (hidden.begin_ms..=hidden.end_ms).contains(&shown.at_ms)
        });
        if let Some(hidden) = breach {
            findings.add(Violation::PresenceLeak, format!("{shown:?}: {hidden:?}"));
        }
    }
}
