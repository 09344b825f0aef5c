//! A keyspace of one test, or of one file of them, on the server that `CONFAB_TEST_CQL` names
//! (`127.0.0.1:9042`). `cargo xtask test` starts one.

use std::{collections::HashMap, sync::LazyLock, time::Duration};

use backends::scylla::{Scylla, ScyllaConfig, migrate};
use scylla::client::{session::Session, session_builder::SessionBuilder};
use tokio::sync::OnceCell;

/// With patience: a machine that is busy with tests is no reason for time-outs.
const STATEMENT_WITHIN: Duration = Duration::from_secs(20);

/// Where the server is; says loudly when there is none, and fails in CI.
#[expect(clippy::print_stderr, reason = "a test says that it was skipped")]
pub(crate) fn server() -> Option<String> {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    if let Some(node) = set("CONFAB_TEST_CQL") {
        return Some(node.to_string_lossy().into_owned());
    }
    assert!(set("CI").is_none(), "CONFAB_TEST_CQL names no CQL server: `cargo xtask test` does");
    eprintln!("SKIPPED: CONFAB_TEST_CQL names no CQL server; `cargo xtask test` starts one");
    None
}

/// A keyspace.
#[derive(Debug, Clone)]
pub(crate) struct Stage {
    pub(crate) config: ScyllaConfig,
}

/// Files of tests that share a keyspace each: tables take seconds to make.
const SHARED: [&str; 4] = ["contract", "edges_2", "edges_8", "faults"];
static MADE: LazyLock<HashMap<&str, OnceCell<()>>> =
    LazyLock::new(|| SHARED.iter().map(|name| (*name, OnceCell::new())).collect());

impl Stage {
    fn named(node: String, name: &str, bucket_entries: u64) -> Self {
        let mut config = ScyllaConfig::new(vec![node], format!("confab_test_{name}"));
        config.replication = 1;
        config.statement_within = STATEMENT_WITHIN;
        config.bucket_entries = bucket_entries;
        Self { config }
    }

    /// The keyspace that many tests of one process share, made anew by the first of them.
    pub(crate) async fn shared(name: &'static str, bucket_entries: u64) -> Option<Self> {
        let stage = Self::named(server()?, name, bucket_entries);
        let make = async {
            Box::pin(stage.remove()).await;
            Box::pin(migrate(&stage.config)).await.unwrap();
        };
        MADE[name].get_or_init(|| make).await;
        Some(stage)
    }

    /// A keyspace without tables for one test, to be removed by it.
    pub(crate) async fn empty(name: &str) -> Option<Self> {
        let stage = Self::named(server()?, name, 4_096);
        stage.remove().await;
        stage.cql(&stage.create("1")).await;
        Some(stage)
    }

    /// How the keyspace is made with so many copies.
    pub(crate) fn create(&self, copies: &str) -> String {
        format!(
            "CREATE KEYSPACE {} WITH replication = {{'class': 'NetworkTopologyStrategy', \
             'replication_factor': {copies}}}",
            self.config.keyspace
        )
    }

    /// Removes the keyspace.
    pub(crate) async fn remove(&self) {
        self.cql(&format!("DROP KEYSPACE IF EXISTS {}", self.config.keyspace)).await;
    }

    /// A gateway's connection.
    pub(crate) async fn connect(&self) -> Scylla {
        Scylla::connect(self.config.clone()).await.unwrap()
    }

    /// A session beside the store's own.
    pub(crate) async fn session(&self) -> Session {
        let nodes = &self.config.nodes;
        SessionBuilder::new().known_nodes(nodes).build().await.unwrap()
    }

    /// Says something to the server.
    pub(crate) async fn cql(&self, statement: &str) {
        let mut statement = scylla::statement::Statement::new(statement);
        statement.set_request_timeout(Some(Duration::from_secs(60)));
        self.session().await.query_unpaged(statement, ()).await.unwrap();
    }
}
