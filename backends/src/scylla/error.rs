//! Why there is no connection to the store, and what to do about it.

use std::time::Duration;

/// Why there is no connection to the store; the text says what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// Nobody answers, or not as a CQL server.
    #[error(
        "no CQL server answers at {nodes}: {detail}. Check that it runs and listens there, and the \
         user name and password"
    )]
    Unreachable {
        /// Where it was looked for.
        nodes: String,
        /// What the driver says.
        detail: String,
    },
    /// A name that would need quoting everywhere.
    #[error(
        "{keyspace:?} cannot be a keyspace here: take 1 to 48 characters of a-z 0-9 _, the first a \
         letter"
    )]
    KeyspaceName {
        /// The name.
        keyspace: String,
    },
    /// The keyspace is not there.
    #[error("there is no keyspace {keyspace}: `confab migrate` makes it, or: {statement}")]
    NoKeyspace {
        /// Its name.
        keyspace: String,
        /// How it is made.
        statement: String,
    },
    /// The keyspace keeps another number of copies than the configuration says.
    #[error(
        "keyspace {keyspace} keeps {found} copies and the configuration says {expected}: correct \
         the configuration, or: {statement}; then run a full repair"
    )]
    Replication {
        /// The keyspace.
        keyspace: String,
        /// Copies that it keeps.
        found: String,
        /// Copies that it should keep.
        expected: usize,
        /// How that is set.
        statement: String,
    },
    /// Copies in several datacenters, and none of them is named.
    #[error(
        "keyspace {keyspace} keeps copies in several datacenters ({datacenters}), of which one has \
         to decide: name it in the configuration, the same for every gateway"
    )]
    Datacenters {
        /// The keyspace.
        keyspace: String,
        /// Their names.
        datacenters: String,
    },
    /// Another datacenter decides than the configuration says.
    #[error(
        "datacenter {found} decides in keyspace {keyspace}, and not {expected}: name it in the \
         configuration; or, once every gateway is stopped: UPDATE {keyspace}.settings SET \
         datacenter = '{expected}' WHERE id = 0 IF datacenter = '{found}'"
    )]
    Elsewhere {
        /// The keyspace.
        keyspace: String,
        /// The datacenter that decides.
        found: String,
        /// The datacenter of the configuration.
        expected: String,
    },
    /// Conditional batches and tablets do not go together.
    #[error(
        "keyspace {keyspace} uses tablets, with which conditional writes are not supported: make it \
         anew: {statement}"
    )]
    Tablets {
        /// The keyspace.
        keyspace: String,
        /// How it is made.
        statement: String,
    },
    /// The schema is from a newer version.
    #[error(
        "the schema of keyspace {keyspace} has version {found} and this program knows {known}: \
         start a newer version of it"
    )]
    Newer {
        /// The keyspace.
        keyspace: String,
        /// The schema's version.
        found: i32,
        /// The newest version known here.
        known: i32,
    },
    /// The schema is from an older version.
    #[error(
        "the schema of keyspace {keyspace} has version {found} and {needed} is needed: run \
         `confab migrate`"
    )]
    Older {
        /// The keyspace.
        keyspace: String,
        /// The schema's version.
        found: i32,
        /// The version needed here.
        needed: i32,
    },
    /// Logs are cut otherwise than the configuration says.
    #[error(
        "logs in keyspace {keyspace} are cut into buckets of {found} entries, not {expected}: that \
         is fixed when the keyspace is first used"
    )]
    Buckets {
        /// The keyspace.
        keyspace: String,
        /// Entries in a bucket.
        found: u64,
        /// Entries in a bucket by the configuration.
        expected: u64,
    },
    /// Another process migrates the schema, and does not end.
    #[error(
        "another process has been migrating keyspace {keyspace} for {waited:?}: if there is none, \
         try again in a minute"
    )]
    Migrating {
        /// The keyspace.
        keyspace: String,
        /// How long it was waited for.
        waited: Duration,
    },
    /// Every node number is leased.
    #[error(
        "all {max} node numbers are leased: more gateways cannot run on one store; numbers of \
         processes that were killed come free after {after:?}"
    )]
    NoNode {
        /// How many there are.
        max: u16,
        /// How long a lease lasts.
        after: Duration,
    },
    /// The store refuses or does not answer a statement.
    #[error("the store does not do {what}: {detail}")]
    Refused {
        /// What was asked.
        what: String,
        /// What it says.
        detail: String,
    },
}

impl ConnectError {
    /// The store did not do this.
    pub(super) fn refused(what: impl Into<String>, detail: impl std::fmt::Display) -> Self {
        Self::Refused { what: what.into(), detail: detail.to_string() }
    }
}
