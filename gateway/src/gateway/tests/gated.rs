//! A gateway whose store and passwords wait until a test lets them pass.

use std::sync::Arc;

use chat_core::{
    faults::{Call, Faults, Gate},
    memory::PlainPasswords,
};

use super::gateway_of;
use crate::gateway::Gateway;

/// Returns a gateway and the closed gate that each append, each page of entries and each new
/// password passes.
pub(crate) fn gated() -> (Gateway, Arc<Gate>) {
    let faults = Faults::new();
    let gate = faults.share_gate(&[Call::Append, Call::Read, Call::Hash]);
    gate.close();
    let gateway = gateway_of(&[], |parts| {
        parts.stores = faults.stores(&parts.stores);
        parts.passwords = faults.passwords(Arc::new(PlainPasswords));
    });
    (gateway, gate)
}
