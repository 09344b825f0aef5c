//! What the domain needs from outside. A method is one atomic step, named for its meaning; absence
//! is `Option`; times and ids come in as parameters.
//!
//! [`crate::memory`] is the executable specification, [`crate::contract`] the tests of it.

mod accounts;
mod bus;
mod conversations;
mod cursors;
mod limiter;
mod log;
mod logins;
mod passwords;
mod replies;

use std::sync::Arc;

pub use accounts::Accounts;
pub use bus::{Arrival, Bus, BusError, Channel};
pub use conversations::Conversations;
pub use cursors::Cursors;
pub use limiter::{Bucket, Limiter, Taken};
pub use log::{Append, Appended, Log};
pub use logins::{Logins, Rotation};
pub use passwords::{PasswordError, Passwords};
pub use replies::{Claim, Replies, ReplyKey};

/// Every port that one store keeps.
#[derive(Debug, Clone)]
pub struct Stores {
    /// The logs: what everything else follows from.
    pub log: Arc<dyn Log>,
    /// Read models of the logs.
    pub conversations: Arc<dyn Conversations>,
    /// Delivered and read.
    pub cursors: Arc<dyn Cursors>,
    /// People.
    pub accounts: Arc<dyn Accounts>,
    /// Devices.
    pub logins: Arc<dyn Logins>,
    /// Answers kept under idempotency keys.
    pub replies: Arc<dyn Replies>,
}
