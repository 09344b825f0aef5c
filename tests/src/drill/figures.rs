//! What a drill measures, phase by phase.

use std::{
    collections::HashMap,
    fmt::Write,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

/// What is measured; everybody adds to it.
#[derive(Debug, Default)]
pub(super) struct Figures(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    phases: Vec<Phase>,
    /// Of each text, the phase and the moment in which it was sent first.
    sent: HashMap<String, (usize, Instant)>,
}

#[derive(Debug)]
struct Phase {
    name: String,
    begun: Instant,
    acknowledged: Vec<Duration>,
    /// Answers that were no acknowledgement, and connections that broke.
    failed: Vec<Duration>,
    /// The last of these, since the phase began.
    last_failed: Option<Duration>,
    /// From sending to arriving, each text with each follower.
    arrived: Vec<Duration>,
}

impl Figures {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends a phase and begins the next one.
    pub(super) fn begin(&self, name: &str) {
        self.lock().phases.push(Phase {
            name: name.to_owned(),
            begun: Instant::now(),
            acknowledged: Vec::new(),
            failed: Vec::new(),
            last_failed: None,
            arrived: Vec::new(),
        });
    }

    /// Adds to the phase's name.
    pub(super) fn note(&self, note: &str) {
        if let Some(phase) = self.lock().phases.last_mut() {
            phase.name.extend([", ", note]);
        }
    }

    /// A text is sent now; only the first time counts.
    pub(super) fn sends(&self, client_id: &str) {
        let mut inner = self.lock();
        let phase = inner.phases.len().saturating_sub(1);
        inner.sent.entry(client_id.to_owned()).or_insert_with(|| (phase, Instant::now()));
    }

    /// An attempt that began then has come to this.
    pub(super) fn answered(&self, begun: Instant, is_acknowledged: bool) {
        let took = begun.elapsed();
        let mut inner = self.lock();
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

    /// A text has arrived at a follower.
    pub(super) fn arrives(&self, client_id: &str) {
        let mut inner = self.lock();
        let Some((phase, begun)) = inner.sent.get(client_id).copied() else { return };
        if let Some(phase) = inner.phases.get_mut(phase) {
            phase.arrived.push(begun.elapsed());
        }
    }

    /// One line a phase.
    pub(super) fn table(&self) -> String {
        let mut inner = self.lock();
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
