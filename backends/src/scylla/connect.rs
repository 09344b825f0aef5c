//! Opens the session. Checks the keyspace first, and refuses one that does not fit the
//! configuration.

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
use crate::tls::{TlsFiles, client_config};

/// How often each connection is probed, and how long it may stay silent after that. A node that
/// hangs receives requests for at most twice this time.
const KEEPALIVE: Duration = Duration::from_secs(2);

/// The address and the settings of the store.
#[derive(Clone)]
pub struct ScyllaConfig {
    /// Some of its nodes, as `host:port`. The driver discovers the others.
    pub nodes: Vec<String>,
    /// The keyspace that holds all tables.
    pub keyspace: String,
    /// Replicas in a datacenter. Three survive the loss of a node.
    pub replication: usize,
    /// The datacenter that decides conditional writes. Needed if several have replicas, and the
    /// same for all gateways.
    pub datacenter: Option<String>,
    /// The user name, if the store needs one. Set together with the password.
    pub user: Option<String>,
    /// The password.
    pub password: Option<String>,
    /// For connections with TLS. The driver expects a node's IP address in its certificate.
    pub tls: Option<TlsFiles>,
    /// How long one statement may take. A call of a port ends within six fifths of it.
    pub statement_within: Duration,
    /// Entries in a bucket of a log, fixed when the keyspace is first used. Only tests change the
    /// default.
    pub bucket_entries: u64,
}

impl ScyllaConfig {
    /// The default settings: three replicas, no password.
    pub fn new(nodes: Vec<String>, keyspace: impl Into<String>) -> Self {
        Self {
            nodes,
            keyspace: keyspace.into(),
            replication: 3,
            datacenter: None,
            user: None,
            password: None,
            tls: None,
            statement_within: Duration::from_millis(1_500),
            bucket_entries: REPEAT_ENTRIES_MIN,
        }
    }
}

/// Omits the user name and the password.
impl std::fmt::Debug for ScyllaConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ScyllaConfig")
            .field("nodes", &self.nodes)
            .field("keyspace", &self.keyspace)
            .field("replication", &self.replication)
            .field("datacenter", &self.datacenter)
            .field("tls", &self.tls)
            .finish_non_exhaustive()
    }
}

/// Connects, without a keyspace.
pub(super) async fn session(config: &ScyllaConfig) -> Result<Session, ConnectError> {
    check_name(&config.keyspace)?;
    let tls = config.tls.as_ref().map(client_config).transpose();
    let tls = tls.map_err(|error| ConnectError::Tls { detail: error.to_string() })?;
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
        .keyspaces_to_fetch([&config.keyspace])
        .tls_context(tls);
    if let (Some(user), Some(password)) = (&config.user, &config.password) {
        builder = builder.user(user, password);
    }
    builder.build().await.map_err(|error| ConnectError::Unreachable {
        nodes: config.nodes.join(", "),
        detail: error.to_string(),
    })
}

fn check_name(keyspace: &str) -> Result<(), ConnectError> {
    let is_plain = (1..=48).contains(&keyspace.len())
        && keyspace.starts_with(|first: char| first.is_ascii_lowercase())
        && keyspace.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
    if is_plain {
        Ok(())
    } else {
        Err(ConnectError::KeyspaceName { keyspace: keyspace.to_owned() })
    }
}

/// Checks the keyspace and selects it. Returns the datacenter that decides conditional writes.
pub(super) async fn select_keyspace(
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
    check_keyspace(keyspace, config)?;
    let nodes = state.get_nodes_info().iter();
    let of_nodes = nodes.filter_map(|node| node.datacenter.clone()).collect();
    let datacenter = deciding_datacenter(datacenters(&keyspace.strategy, of_nodes), config)?;
    let selected = session.use_keyspace(name, false).await;
    selected.map_err(|error| ConnectError::refused(format!("USE {name}"), error))?;
    Ok(datacenter)
}

/// Returns the datacenters that have replicas.
fn datacenters(strategy: &Strategy, of_nodes: BTreeSet<String>) -> BTreeSet<String> {
    match strategy {
        Strategy::NetworkTopologyStrategy { datacenter_repfactors: factors } => factors
            .iter()
            .filter(|(_, replicas)| **replicas > 0)
            .map(|(name, _)| name.clone())
            .collect(),
        Strategy::SimpleStrategy { .. } | Strategy::LocalStrategy | Strategy::Other { .. } | _ => {
            of_nodes
        }
    }
}

/// Returns the datacenter that decides: the configured one, or the only one.
fn deciding_datacenter(
    datacenters: BTreeSet<String>,
    config: &ScyllaConfig,
) -> Result<Option<String>, ConnectError> {
    if config.datacenter.is_some() || datacenters.len() < 2 {
        return Ok(config.datacenter.clone().or_else(|| datacenters.into_iter().next()));
    }
    let datacenters = datacenters.into_iter().collect::<Vec<_>>().join(", ");
    Err(ConnectError::Datacenters { keyspace: config.keyspace.clone(), datacenters })
}

fn check_keyspace(keyspace: &Keyspace, config: &ScyllaConfig) -> Result<(), ConnectError> {
    let name = config.keyspace.clone();
    if keyspace.tablet_based {
        let statement = keyspace_statement(config, "CREATE", true);
        return Err(ConnectError::Tablets { keyspace: name, statement });
    }
    let found = replicas(&keyspace.strategy, config.datacenter.as_deref());
    if found == Ok(config.replication) {
        return Ok(());
    }
    Err(ConnectError::Replication {
        keyspace: name,
        found: found.map_or_else(|unknown| unknown, |replicas| replicas.to_string()),
        expected: config.replication,
        statement: keyspace_statement(config, "ALTER", false),
    })
}

/// Returns the replicas in a datacenter, or a description if that is not a number.
fn replicas(strategy: &Strategy, datacenter: Option<&str>) -> Result<usize, String> {
    match strategy {
        Strategy::SimpleStrategy { replication_factor } => Ok(*replication_factor),
        Strategy::NetworkTopologyStrategy { datacenter_repfactors: factors } => match datacenter {
            Some(own) => factors.get(own).copied().ok_or_else(|| format!("none in {own}")),
            None => factors.values().min().copied().ok_or_else(|| "none".to_owned()),
        },
        Strategy::LocalStrategy | Strategy::Other { .. } | _ => Err(format!("{strategy:?}")),
    }
}

/// Returns the statement that creates or alters the keyspace.
fn keyspace_statement(config: &ScyllaConfig, verb: &str, has_tablets: bool) -> String {
    let ScyllaConfig { keyspace, replication, .. } = config;
    let tablets = if has_tablets { " AND tablets = {'enabled': false}" } else { "" };
    format!(
        "{verb} KEYSPACE {keyspace} WITH replication = {{'class': 'NetworkTopologyStrategy', \
         'replication_factor': {replication}}}{tablets}"
    )
}

/// Creates the keyspace unless it exists.
pub(super) async fn create_keyspace(
    session: &Session,
    config: &ScyllaConfig,
) -> Result<(), ConnectError> {
    let result = session
        .query_unpaged(
            "SELECT table_name FROM system_schema.tables WHERE keyspace_name = 'system_schema' \
             AND table_name = 'scylla_keyspaces'",
            (),
        )
        .await;
    let is_scylla = result
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
    fn keyspace_name_is_refused_when_it_needs_quotes() {
        for good in ["confab", "c", "confab_2"] {
            assert_eq!(check_name(good), Ok(()));
        }
        for bad in ["", "2c", "Confab", "a-b", "a;b", "a b", "_a", &"a".repeat(49)] {
            assert!(check_name(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn connect_fails_when_none_of_several_datacenters_is_named() {
        let mut config = ScyllaConfig::new(vec!["a:9042".to_owned()], "confab");
        let factors = [("east", 3), ("west", 3), ("gone", 0)];
        let datacenter_repfactors =
            factors.map(|(name, replicas)| (name.to_owned(), replicas)).into_iter().collect();
        let strategy = Strategy::NetworkTopologyStrategy { datacenter_repfactors };
        let found = datacenters(&strategy, BTreeSet::new());
        let error = deciding_datacenter(found.clone(), &config).unwrap_err();
        assert!(error.to_string().contains("east, west"), "{error}");
        config.datacenter = Some("west".to_owned());
        assert_eq!(deciding_datacenter(found, &config), Ok(config.datacenter.clone()));
        config.datacenter = None;
        let simple = Strategy::SimpleStrategy { replication_factor: 3 };
        let only = BTreeSet::from(["east".to_owned()]);
        let found = datacenters(&simple, only.clone());
        assert_eq!(deciding_datacenter(found, &config), Ok(only.first().cloned()));
    }

    #[test]
    fn debug_output_omits_the_password() {
        let mut config = ScyllaConfig::new(vec!["a:9042".to_owned()], "confab");
        config.password = Some("hunter2".to_owned());
        assert!(!format!("{config:?}").contains("hunter2"));
    }
}
