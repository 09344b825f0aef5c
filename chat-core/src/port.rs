//! The services that the domain needs from outside, as traits.
//!
//! A method is one atomic step and is named for its meaning. Absence is an `Option`. Times and ids
//! are parameters. No trait has default methods, so that a wrapper cannot forget to forward one.
//! [`crate::memory`] is the reference implementation, and [`crate::contract`] has the tests that
//! every implementation must pass.

mod accounts;
mod blobs;
mod bus;
mod consents;
mod conversations;
mod cursors;
mod invites;
mod limiter;
mod log;
mod logins;
mod passwords;
mod replies;
mod search;
mod uploads;

use std::sync::Arc;

pub use accounts::{Accounts, NameClaim};
pub use blobs::{BlobError, Blobs};
pub use bus::{Arrival, Bus, BusError, Channel};
pub use consents::{Boundaries, Consents};
pub use conversations::Conversations;
pub use cursors::Cursors;
pub use invites::{InviteCreation, Invites};
pub use limiter::{Bucket, Limiter, Taken};
pub use log::{Append, Appended, Log};
pub use logins::{Logins, Rotation};
pub use passwords::{PasswordError, Passwords};
pub use replies::{Replies, ReplyKey};
pub use search::{Document, IndexedPart, Place, Search, SearchError, SearchRequest};
pub use uploads::{Due, Uploads};

pub use crate::model::Claim;

/// The ports that one store implements.
#[derive(Debug, Clone)]
pub struct Stores {
    /// The logs, from which everything else follows.
    pub log: Arc<dyn Log>,
    /// Read models of the logs.
    pub conversations: Arc<dyn Conversations>,
    /// How far members have received and read.
    pub cursors: Arc<dyn Cursors>,
    /// What members agreed to.
    pub consents: Arc<dyn Consents>,
    /// What users allow others.
    pub boundaries: Arc<dyn Boundaries>,
    /// People and their credentials.
    pub accounts: Arc<dyn Accounts>,
    /// Logins.
    pub logins: Arc<dyn Logins>,
    /// Idempotency keys.
    pub replies: Arc<dyn Replies>,
    /// Invites to groups.
    pub invites: Arc<dyn Invites>,
    /// Records of uploaded files.
    pub uploads: Arc<dyn Uploads>,
}
