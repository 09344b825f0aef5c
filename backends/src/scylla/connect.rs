//! The way to a session: the keyspace is looked at first, and what does not fit is refused.

use std::{collections::BTreeSet, time::Duration};

use chat_core::limits::REPEAT_ENTRIES_MIN;
use scylla::{
    client::{
        execution_profile::ExecutionProfile, session::Session, session_builder::SessionBuilder,
    },
    cluster::metadata::{Keyspace, Strategy},
    policies::load_balancing::DefaultPolicy,
    statement::{Consistency, SerialConsistency},
};

use super::error::ConnectError;

/// How often each connection is tried out, and how long it may stay silent then: a node that hangs
/// is asked for twice this time at the most.
const KEEPALIVE: Duration = Duration::from_secs(2);

/// Where the store is and how it is used.
#[derive(Clone)]
pub struct ScyllaConfig {
    /// Some of its nodes, as `host:port`; the others are found.
    pub nodes: Vec<String>,
    /// The keyspace that holds everything.
    pub keyspace: String,
    /// Copies of everything in a datacenter: three survive the loss of a node.
    pub replication: usize,
    /// The datacenter of this gateway; needed where there are several, and the same for all: it
    /// decides what is written on conditions.
    pub datacenter: Option<String>,
    /// The name to log in with, if any.
    pub user: Option<String>,
    /// The password to log in with.
    pub password: Option<String>,
    /// How long one statement may take; a call of a port ends within six fifths of it.
    pub statement_within: Duration,
    /// Entries in a bucket of a log; fixed when the keyspace is first used. Other than the default
    /// in tests only.
    pub bucket_entries: u64,
}

impl ScyllaConfig {
    /// The usual times and sizes, three copies, without a password.
    pub fn new(nodes: Vec<String>, keyspace: impl Into<String>) -> Self {
        Self {
            nodes,
            keyspace: keyspace.into(),
            replication: 3,
            datacenter: None,
            user: None,
            password: None,
            statement_within: Duration::from_millis(1_500),
            bucket_entries: REPEAT_ENTRIES_MIN,
        }
    }
}

/// Without the password.
impl std::fmt::Debug for ScyllaConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ScyllaConfig")
            .field("nodes", &self.nodes)
            .field("keyspace", &self.keyspace)
            .field("replication", &self.replication)
            .field("datacenter", &self.datacenter)
            .finish_non_exhaustive()
    }
}

/// A session that can make and look at keyspaces.
pub(super) async fn session(config: &ScyllaConfig) -> Result<Session, ConnectError> {
    check_name(&config.keyspace)?;
    let mut policy = DefaultPolicy::builder().token_aware(true);
    if let Some(datacenter) = &config.datacenter {
        policy = policy.prefer_datacenter(datacenter.clone()).permit_dc_failover(false);
    }
    let profile = ExecutionProfile::builder()
        .consistency(Consistency::LocalQuorum)
        .serial_consistency(Some(SerialConsistency::LocalSerial))
        .request_timeout(Some(config.statement_within))
        .load_balancing_policy(policy.build())
        .build();
    let mut builder = SessionBuilder::new()
        .known_nodes(&config.nodes)
        .default_execution_profile_handle(profile.into_handle())
        .connection_timeout(Duration::from_secs(3))
        .keepalive_interval(KEEPALIVE)
        .keepalive_timeout(KEEPALIVE)
        .schema_agreement_timeout(Duration::from_secs(30))
        .keyspaces_to_fetch([&config.keyspace]);
    if let (Some(user), Some(password)) = (&config.user, &config.password) {
        builder = builder.user(user, password);
    }
    builder.build().await.map_err(|error| ConnectError::Unreachable {
        nodes: config.nodes.join(", "),
        detail: error.to_string(),
    })
}

fn check_name(keyspace: &str) -> Result<(), ConnectError> {
    let plain = (1..=48).contains(&keyspace.len())
        && keyspace.starts_with(|first: char| first.is_ascii_lowercase())
        && keyspace.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
    if plain { Ok(()) } else { Err(ConnectError::KeyspaceName { keyspace: keyspace.to_owned() }) }
}

/// Looks at the keyspace and goes into it. Gives the datacenter that decides.
pub(super) async fn enter(
    session: &Session,
    config: &ScyllaConfig,
) -> Result<Option<String>, ConnectError> {
    session.refresh_metadata().await.map_err(|error| ConnectError::refused("metadata", error))?;
    let state = session.get_cluster_state();
    let name = &config.keyspace;
    let keyspace = state.get_keyspace(name).ok_or_else(|| ConnectError::NoKeyspace {
        keyspace: name.clone(),
        statement: keyspace_statement(config, "CREATE", false),
    })?;
    check(keyspace, config)?;
    let nodes = state.get_nodes_info().iter();
    let of_nodes = nodes.filter_map(|node| node.datacenter.clone()).collect();
    let datacenter = deciding(datacenters(&keyspace.strategy, of_nodes), config)?;
    let entered = session.use_keyspace(name, false).await;
    entered.map_err(|error| ConnectError::refused(format!("USE {name}"), error))?;
    Ok(datacenter)
}

/// The datacenters that keep copies.
fn datacenters(strategy: &Strategy, of_nodes: BTreeSet<String>) -> BTreeSet<String> {
    match strategy {
        Strategy::NetworkTopologyStrategy { datacenter_repfactors: factors } => factors
            .iter()
            .filter(|(_, copies)| **copies > 0)
            .map(|(name, _)| name.clone())
            .collect(),
        Strategy::SimpleStrategy { .. } | Strategy::LocalStrategy | Strategy::Other { .. } | _ => {
            of_nodes
        }
    }
}

/// The datacenter that decides: the one that is named, or the only one.
fn deciding(
    datacenters: BTreeSet<String>,
    config: &ScyllaConfig,
) -> Result<Option<String>, ConnectError> {
    if config.datacenter.is_some() || datacenters.len() < 2 {
        return Ok(config.datacenter.clone().or_else(|| datacenters.into_iter().next()));
    }
    let datacenters = datacenters.into_iter().collect::<Vec<_>>().join(", ");
    Err(ConnectError::Datacenters { keyspace: config.keyspace.clone(), datacenters })
}

fn check(keyspace: &Keyspace, config: &ScyllaConfig) -> Result<(), ConnectError> {
    let name = config.keyspace.clone();
    if keyspace.tablet_based {
        let statement = keyspace_statement(config, "CREATE", true);
        return Err(ConnectError::Tablets { keyspace: name, statement });
    }
    let found = copies(&keyspace.strategy, config.datacenter.as_deref());
    if found == Ok(config.replication) {
        return Ok(());
    }
    Err(ConnectError::Replication {
        keyspace: name,
        found: found.map_or_else(|unknown| unknown, |copies| copies.to_string()),
        expected: config.replication,
        statement: keyspace_statement(config, "ALTER", false),
    })
}

/// How many copies a datacenter keeps; what it says instead where that is no number.
fn copies(strategy: &Strategy, datacenter: Option<&str>) -> Result<usize, String> {
    match strategy {
        Strategy::SimpleStrategy { replication_factor } => Ok(*replication_factor),
        Strategy::NetworkTopologyStrategy { datacenter_repfactors: factors } => match datacenter {
            Some(own) => factors.get(own).copied().ok_or_else(|| format!("none in {own}")),
            None => factors.values().min().copied().ok_or_else(|| "none".to_owned()),
        },
        Strategy::LocalStrategy | Strategy::Other { .. } | _ => Err(format!("{strategy:?}")),
    }
}

/// How the keyspace is made or changed.
fn keyspace_statement(config: &ScyllaConfig, verb: &str, has_tablets: bool) -> String {
    let ScyllaConfig { keyspace, replication, .. } = config;
    let tablets = if has_tablets { " AND tablets = {'enabled': false}" } else { "" };
    format!(
        "{verb} KEYSPACE {keyspace} WITH replication = {{'class': 'NetworkTopologyStrategy', \
         'replication_factor': {replication}}}{tablets}"
    )
}

/// Makes the keyspace where there is none.
pub(super) async fn make_keyspace(
    session: &Session,
    config: &ScyllaConfig,
) -> Result<(), ConnectError> {
    let asked = session
        .query_unpaged(
            "SELECT table_name FROM system_schema.tables WHERE keyspace_name = 'system_schema' \
             AND table_name = 'scylla_keyspaces'",
            (),
        )
        .await;
    let is_scylla = asked
        .ok()
        .and_then(|result| result.into_rows_result().ok())
        .is_some_and(|rows| rows.rows_num() > 0);
    let statement = keyspace_statement(config, "CREATE", is_scylla)
        .replace("CREATE KEYSPACE", "CREATE KEYSPACE IF NOT EXISTS");
    super::migrate::change(session, &statement).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keyspaces_need_no_quotes() {
        for good in ["confab", "c", "confab_2"] {
            assert_eq!(check_name(good), Ok(()));
        }
        for bad in ["", "2c", "Confab", "a-b", "a;b", "a b", "_a", &"a".repeat(49)] {
            assert!(check_name(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn one_of_several_datacenters_has_to_be_named() {
        let mut config = ScyllaConfig::new(vec!["a:9042".to_owned()], "confab");
        let factors = [("east", 3), ("west", 3), ("gone", 0)];
        let datacenter_repfactors =
            factors.map(|(name, copies)| (name.to_owned(), copies)).into_iter().collect();
        let strategy = Strategy::NetworkTopologyStrategy { datacenter_repfactors };
        let found = datacenters(&strategy, BTreeSet::new());
        let error = deciding(found.clone(), &config).unwrap_err();
        assert!(error.to_string().contains("east, west"), "{error}");
        config.datacenter = Some("west".to_owned());
        assert_eq!(deciding(found, &config), Ok(config.datacenter.clone()));
        config.datacenter = None;
        let simple = Strategy::SimpleStrategy { replication_factor: 3 };
        let only = BTreeSet::from(["east".to_owned()]);
        let found = datacenters(&simple, only.clone());
        assert_eq!(deciding(found, &config), Ok(only.first().cloned()));
    }

    #[test]
    fn password_is_not_shown() {
        let mut config = ScyllaConfig::new(vec!["a:9042".to_owned()], "confab");
        config.password = Some("hunter2".to_owned());
        assert!(!format!("{config:?}").contains("hunter2"));
    }
}
