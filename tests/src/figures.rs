//! What senders and followers measured in each phase of a drill or campaign.

use std::{collections::HashMap, fmt::Write, ops::Range, time::Duration};

use parking_lot::Mutex;
use tokio::time::Instant;

/// The figures, which all senders and followers add to.
#[derive(Debug, Default)]
pub(crate) struct Figures(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    phases: Vec<Phase>,
    attempts: Vec<Attempt>,
    /// The phase and the time of each text's first attempt.
    sent: HashMap<String, (usize, Instant)>,
}

/// One attempt to send.
#[derive(Debug, Clone, Copy)]
struct Attempt {
    begun: Instant,
    ended: Instant,
    is_acknowledged: bool,
}

#[derive(Debug)]
struct Phase {
    name: String,
    begun: Instant,
    acknowledged: Vec<Duration>,
    /// The times of attempts that were not acknowledged.
    failed: Vec<Duration>,
    /// The time of the last such attempt since the start of the phase.
    last_failed: Option<Duration>,
    /// The time from sending to arrival, for each text and follower.
    arrived: Vec<Duration>,
}

impl Figures {
    /// Ends a phase and starts the next one.
    pub(crate) fn begin(&self, name: &str) {
        self.0.lock().phases.push(Phase {
            name: name.to_owned(),
            begun: Instant::now(),
            acknowledged: Vec::new(),
            failed: Vec::new(),
            last_failed: None,
            arrived: Vec::new(),
        });
    }

    /// Adds a note to the phase's name.
    pub(crate) fn note(&self, note: &str) {
        if let Some(phase) = self.0.lock().phases.last_mut() {
            phase.name.extend([", ", note]);
        }
    }

    /// Records the first attempt to send a text.
    pub(crate) fn sends(&self, client_id: &str) {
        let mut inner = self.0.lock();
        let phase = inner.phases.len().saturating_sub(1);
        inner.sent.entry(client_id.to_owned()).or_insert_with(|| (phase, Instant::now()));
    }

    /// Records the answer to an attempt.
    pub(crate) fn answered(&self, begun: Instant, is_acknowledged: bool) {
        let ended = Instant::now();
        let took = ended - begun;
        let mut inner = self.0.lock();
        inner.attempts.push(Attempt { begun, ended, is_acknowledged });
        let Some(phase) = inner.phases.iter_mut().rfind(|phase| phase.begun <= begun) else {
            return;
        };
        if is_acknowledged {
            phase.acknowledged.push(took);
        } else {
            phase.failed.push(took);
            phase.last_failed = Some(phase.begun.elapsed());
        }
    }

    /// Records that a text has arrived at a follower.
    pub(crate) fn arrives(&self, client_id: &str) {
        let mut inner = self.0.lock();
        let Some((phase, begun)) = inner.sent.get(client_id).copied() else { return };
        if let Some(phase) = inner.phases.get_mut(phase) {
            phase.arrived.push(begun.elapsed());
        }
    }

    /// Returns the number of texts that were acknowledged so far.
    pub(crate) fn acknowledged(&self) -> usize {
        self.0.lock().attempts.iter().filter(|attempt| attempt.is_acknowledged).count()
    }

    /// Returns the number of attempts that were not acknowledged so far.
    pub(crate) fn failed(&self) -> usize {
        self.0.lock().attempts.iter().filter(|attempt| !attempt.is_acknowledged).count()
    }

    /// Returns true if an attempt in this time was not acknowledged, or took this long.
    pub(crate) fn noticed(&self, time: Range<Instant>, delay: Duration) -> bool {
        self.0.lock().attempts.iter().any(|attempt| {
            let overlaps = attempt.begun < time.end && attempt.ended > time.start;
            let waited = attempt.ended - attempt.begun >= delay;
            overlaps && (!attempt.is_acknowledged || waited)
        })
    }

    /// Returns a table with one line for each phase.
    pub(crate) fn table(&self) -> String {
        let mut inner = self.0.lock();
        let mut table = "| phase | seconds | sends/s | acknowledged p50, p99, longest | other \
                         answers | longest | last after | arrived p50, p99, longest |\n\
                         |---|---|---|---|---|---|---|---|\n"
            .to_owned();
        let ends: Vec<_> = inner.phases.iter().skip(1).map(|phase| phase.begun).collect();
        for (phase, end) in inner.phases.iter_mut().zip(ends) {
            let length = end - phase.begun;
            let seconds = length.as_secs_f32();
            let acknowledged = phase.acknowledged.len() as u128 * 1_000 / length.as_millis().max(1);
            writeln!(
                table,
                "| {} | {seconds:.1} | {acknowledged} | {} | {} | {} | {} | {} |",
                phase.name,
                spread(&mut phase.acknowledged),
                phase.failed.len(),
                longest(&phase.failed),
                phase.last_failed.map_or_else(|| "–".to_owned(), millis),
                spread(&mut phase.arrived),
            )
            .unwrap_or_default();
        }
        table
    }
}

fn spread(times: &mut [Duration]) -> String {
    times.sort_unstable();
    let Some(last) = times.len().checked_sub(1) else { return "–".to_owned() };
    let at = |percent: usize| millis(times[last * percent / 100]);
    format!("{}, {}, {}", at(50), at(99), at(100))
}

fn longest(times: &[Duration]) -> String {
    times.iter().max().map_or_else(|| "–".to_owned(), |time| millis(*time))
}

fn millis(time: Duration) -> String {
    format!("{} ms", time.as_millis())
}
