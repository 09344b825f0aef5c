//! What a server must not send.

use std::{error::Error, fmt};

/// A frame or event that breaks a rule of the protocol. A test that injects faults goes on after a lost
/// connection, and fails with this.
#[derive(Debug)]
pub struct Violation(pub String);

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Error for Violation {}
