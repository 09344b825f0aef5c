//! What can fail in a campaign.

use std::{fmt, str::FromStr};

use anyhow::{Context, Error, Result};

/// A server that is killed or paused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Server {
    /// One of the gateways.
    Gateway,
    /// The bus.
    Redis,
    /// The CQL node.
    Store,
}

/// A connection that has a proxy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hop {
    /// From the clients to one gateway.
    Clients,
    /// From one gateway to Redis.
    Redis,
    /// From the gateways to the CQL node.
    Store,
}

/// What a proxy does to some of its connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Harm {
    /// Closes them.
    Cut,
    /// Passes nothing on to the server.
    RequestsHeld,
    /// Passes nothing back.
    AnswersHeld,
    /// Passes everything on later.
    Late,
}

/// A fault that ends after a while.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// SIGKILL, and a new start.
    Killed(Server),
    /// SIGSTOP, and SIGCONT.
    Paused(Server),
    /// A gateway drains and starts again.
    Restarted,
    /// The disk of the embedded store has no room.
    DiskFull,
    /// Syncs of the embedded store fail with EIO.
    SyncFails,
    /// SIGKILL, and a new start with a damaged file in the embedded store.
    FileDamaged,
    /// A proxy does harm.
    Network(Hop, Harm),
}

/// The faults of a gateway with its clients.
const OF_GATEWAYS: [Fault; 7] = [
    Fault::Killed(Server::Gateway),
    Fault::Paused(Server::Gateway),
    Fault::Restarted,
    Fault::Network(Hop::Clients, Harm::Cut),
    Fault::Network(Hop::Clients, Harm::RequestsHeld),
    Fault::Network(Hop::Clients, Harm::AnswersHeld),
    Fault::Network(Hop::Clients, Harm::Late),
];

/// Those of the servers behind them.
const OF_SERVERS: [Fault; 12] = [
    Fault::Killed(Server::Redis),
    Fault::Paused(Server::Redis),
    Fault::Network(Hop::Redis, Harm::Cut),
    Fault::Network(Hop::Redis, Harm::RequestsHeld),
    Fault::Network(Hop::Redis, Harm::AnswersHeld),
    Fault::Network(Hop::Redis, Harm::Late),
    Fault::Killed(Server::Store),
    Fault::Paused(Server::Store),
    Fault::Network(Hop::Store, Harm::Cut),
    Fault::Network(Hop::Store, Harm::RequestsHeld),
    Fault::Network(Hop::Store, Harm::AnswersHeld),
    Fault::Network(Hop::Store, Harm::Late),
];

/// Returns the faults of one gateway with the embedded store.
pub(super) fn of_embedded() -> impl Iterator<Item = Fault> {
    OF_GATEWAYS.into_iter().chain([Fault::DiskFull, Fault::SyncFails, Fault::FileDamaged])
}

/// Returns the faults of several gateways with Redis and a CQL node.
pub(super) fn of_cluster() -> impl Iterator<Item = Fault> {
    OF_GATEWAYS.into_iter().chain(OF_SERVERS)
}

/// Finds a fault by the name that reports show.
impl FromStr for Fault {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        let mut all = of_embedded().chain(of_cluster());
        all.find(|fault| fault.to_string() == name).with_context(|| format!("no fault {name:?}"))
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Killed(server) => write!(f, "{server} killed"),
            Self::Paused(server) => write!(f, "{server} paused"),
            Self::Restarted => f.write_str("gateway restarted"),
            Self::DiskFull => f.write_str("disk full"),
            Self::SyncFails => f.write_str("sync fails"),
            Self::FileDamaged => f.write_str("file damaged"),
            Self::Network(hop, harm) => write!(f, "{hop}: {harm}"),
        }
    }
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Gateway => "gateway",
            Self::Redis => "Redis",
            Self::Store => "store",
        })
    }
}

impl fmt::Display for Hop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Clients => "clients to gateway",
            Self::Redis => "gateway to Redis",
            Self::Store => "gateways to store",
        })
    }
}

impl fmt::Display for Harm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Cut => "connections cut",
            Self::RequestsHeld => "requests held",
            Self::AnswersHeld => "answers held",
            Self::Late => "everything late",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_is_found_by_its_name() -> Result<()> {
        for fault in of_embedded().chain(of_cluster()) {
            assert_eq!(fault.to_string().parse::<Fault>()?, fault);
        }
        Ok(())
    }
}
