//! Checks that clients are served in time, and see what the log says.

use super::{Facts, Findings, Violation};

/// Checks that connected clients received entries in time.
pub(super) fn arrivals(facts: &Facts, findings: &mut Findings) {
    for arrival in &facts.arrivals {
        let took = arrival.at_ms.saturating_sub(arrival.acknowledged_ms);
        let fine = took <= arrival.within_ms;
        findings.unless(fine, Violation::Lag, || format!("{took} ms: {arrival:?}"));
    }
}

/// Checks that readers see what the log says.
pub(super) fn views(facts: &Facts, findings: &mut Findings) {
    for view in &facts.views {
        let fine = view.seen == view.expected;
        findings.unless(fine, Violation::ViewDivergence, || format!("{view:?}"));
    }
}

/// Checks that everything works after the last fault.
pub(super) fn probes(facts: &Facts, findings: &mut Findings) {
    for probe in &facts.probes {
        let fine = probe.failure.is_none();
        findings.unless(fine, Violation::NotServing, || format!("{probe:?}"));
    }
}
