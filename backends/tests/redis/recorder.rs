//! A recorder for the metrics of one gateway.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

use metrics::{Counter, Gauge, Histogram, Key, KeyName, Metadata, SharedString, Unit};

/// Keeps counters and gauges by name. Clones share them.
#[derive(Clone, Default)]
pub(super) struct Recorder(Arc<Mutex<HashMap<String, Arc<AtomicU64>>>>);

impl Recorder {
    /// Returns the value of `confab_{name}_total`.
    pub(super) fn count(&self, name: &str) -> u64 {
        self.metric(&format!("confab_{name}_total")).load(Ordering::Acquire)
    }

    pub(super) fn gauge(&self, name: &str) -> f64 {
        f64::from_bits(self.metric(name).load(Ordering::Acquire))
    }

    fn metric(&self, name: &str) -> Arc<AtomicU64> {
        self.0.lock().unwrap().entry(name.to_owned()).or_default().clone()
    }
}

impl metrics::Recorder for Recorder {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        Counter::from_arc(self.metric(key.name()))
    }

    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::from_arc(self.metric(key.name()))
    }

    fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::noop()
    }
}
