//! Why a connection to the store fails, and what the operator can do about it.

use std::time::Duration;

/// Why a connection to the store fails. The message says what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// No server answers, or it does not speak CQL.
    #[error(
        "no CQL server answers at {nodes}: {detail}. Check that it runs and listens there, with or \
         without TLS as here, and check the user name and password"
    )]
    Unreachable {
        /// The addresses that were tried.
        nodes: String,
        /// The driver's error.
        detail: String,
    },
    /// A file for TLS is not usable.
    #[error("{detail}")]
    Tls {
        /// The file and what is wrong with it.
        detail: String,
    },
    /// The keyspace name would have to be quoted in every statement.
    #[error(
        "{keyspace:?} cannot be used as the keyspace: use 1 to 48 characters of a-z, 0-9 and _, \
         starting with a letter"
    )]
    KeyspaceName {
        /// The name.
        keyspace: String,
    },
    /// The keyspace does not exist.
    #[error("keyspace {keyspace} does not exist: run `confab migrate`, or: {statement}")]
    NoKeyspace {
        /// The keyspace.
        keyspace: String,
        /// The statement that creates it.
        statement: String,
    },
    /// The keyspace and the configuration have different replication factors.
    #[error(
        "keyspace {keyspace} has {found} replicas and the configuration says {expected}: correct \
         the configuration, or: {statement}; then run a full repair"
    )]
    Replication {
        /// The keyspace.
        keyspace: String,
        /// Replicas that the keyspace has.
        found: String,
        /// Replicas by the configuration.
        expected: usize,
        /// The statement that changes the keyspace.
        statement: String,
    },
    /// Several datacenters have replicas, and the configuration names none of them.
    #[error(
        "keyspace {keyspace} has replicas in several datacenters ({datacenters}): name one of them \
         in the configuration, the same for every gateway"
    )]
    Datacenters {
        /// The keyspace.
        keyspace: String,
        /// Their names.
        datacenters: String,
    },
    /// Conditional writes are decided in another datacenter than the configuration says.
    #[error(
        "datacenter {found} decides conditional writes in keyspace {keyspace}, not {expected}: \
         name it in the configuration; or stop every gateway and run: UPDATE {keyspace}.settings \
         SET datacenter = '{expected}' WHERE id = 0 IF datacenter = '{found}'"
    )]
    OtherDatacenter {
        /// The keyspace.
        keyspace: String,
        /// The datacenter that decides.
        found: String,
        /// The datacenter of the configuration.
        expected: String,
    },
    /// The keyspace uses tablets, which do not support conditional batches.
    #[error(
        "keyspace {keyspace} uses tablets, which do not support conditional writes: create it \
         again with: {statement}"
    )]
    Tablets {
        /// The keyspace.
        keyspace: String,
        /// The statement that creates it.
        statement: String,
    },
    /// A newer version of the program has migrated the schema.
    #[error(
        "the schema of keyspace {keyspace} has version {found}, and this program supports up to \
         {known}: start a newer version of it"
    )]
    Newer {
        /// The keyspace.
        keyspace: String,
        /// The schema's version.
        found: i32,
        /// The newest version that this program supports.
        known: i32,
    },
    /// The schema was not migrated to this program's version.
    #[error(
        "the schema of keyspace {keyspace} has version {found}, and this program needs {needed}: \
         run `confab migrate`"
    )]
    Older {
        /// The keyspace.
        keyspace: String,
        /// The schema's version.
        found: i32,
        /// The version that this program needs.
        needed: i32,
    },
    /// The logs are split into buckets of another size than the configuration says.
    #[error(
        "logs in keyspace {keyspace} are split into buckets of {found} entries, not {expected}: \
         the size is fixed when the keyspace is first used"
    )]
    Buckets {
        /// The keyspace.
        keyspace: String,
        /// Entries in a bucket.
        found: u64,
        /// Entries in a bucket by the configuration.
        expected: u64,
    },
    /// Another process migrates the schema and does not finish.
    #[error(
        "another process has been migrating keyspace {keyspace} for {waited:?}: if none is \
         running, try again in a minute"
    )]
    Migrating {
        /// The keyspace.
        keyspace: String,
        /// How long this process waited.
        waited: Duration,
    },
    /// Every node number is leased.
    #[error(
        "all {max} node numbers are leased, so no more gateways can start on this store: the \
         numbers of killed processes become free after {after:?}"
    )]
    NoNode {
        /// How many node numbers there are.
        max: u16,
        /// How long a lease lasts.
        after: Duration,
    },
    /// The store refused a statement or did not answer it.
    #[error("the store failed: {what}: {detail}")]
    Refused {
        /// The statement or the step.
        what: String,
        /// The error.
        detail: String,
    },
}

impl ConnectError {
    /// The error for a failed statement or step.
    pub(super) fn refused(what: impl Into<String>, detail: impl std::fmt::Display) -> Self {
        Self::Refused { what: what.into(), detail: detail.to_string() }
    }
}
