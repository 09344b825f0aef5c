//! The ports of one gateway.

use std::sync::Arc;

use crate::{
    event::Encode,
    port::{Bus, Search, Stores},
    random::Random,
    time::Clock,
};

/// The ports of one gateway.
#[derive(Debug, Clone)]
pub struct Ports {
    /// The stores: what is true.
    pub stores: Stores,
    /// Hints to and from other gateways.
    pub bus: Arc<dyn Bus>,
    /// The index of messages, or `None` if this deployment has no search.
    pub search: Option<Arc<dyn Search>>,
    /// The time of entries, which never runs backwards, and ids.
    pub clock: Arc<dyn Clock>,
    /// The machine's time, which tokens and claims are compared with.
    pub wall_clock: Arc<dyn Clock>,
    /// Random numbers, for codes that nobody can guess.
    pub random: Arc<dyn Random>,
    /// The wire format of events.
    pub encode: Arc<dyn Encode>,
}
