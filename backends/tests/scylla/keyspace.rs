//! Keyspaces for tests, on the server that `CONFAB_TEST_CQL` names (`127.0.0.1:9042`).
//! `cargo xtask test` starts one.

use std::{collections::HashMap, sync::LazyLock, time::Duration};

use backends::scylla::{Scylla, ScyllaConfig, migrate};
use chat_core::id::NODES_MAX;
use scylla::client::{session::Session, session_builder::SessionBuilder};
use tokio::{
    sync::OnceCell,
    time::{sleep, timeout},
};

/// Long, because a machine that is busy with tests is slow.
pub(crate) const STATEMENT_WITHIN: Duration = Duration::from_secs(20);
/// How long [`eventually`] waits.
const EVENTUALLY_MAX: Duration = Duration::from_secs(60);

/// Returns the address of the server. Without one, the test is skipped, or fails in CI.
#[expect(clippy::print_stderr, reason = "a test says that it was skipped")]
pub(crate) fn server() -> Option<String> {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    if let Some(node) = set("CONFAB_TEST_CQL") {
        return Some(node.to_string_lossy().into_owned());
    }
    assert!(set("CI").is_none(), "CONFAB_TEST_CQL names no CQL server: run `cargo xtask test`");
    eprintln!("SKIPPED: CONFAB_TEST_CQL names no CQL server; `cargo xtask test` starts one");
    None
}

/// Returns when the condition holds. Panics if it does not hold in time.
pub(crate) async fn eventually(what: &str, mut condition: impl AsyncFnMut() -> bool) {
    let holds = async {
        while !condition().await {
            sleep(Duration::from_millis(20)).await;
        }
    };
    assert!(timeout(EVENTUALLY_MAX, holds).await.is_ok(), "never: {what}");
}

/// A keyspace of its own, or one that several tests share.
#[derive(Debug, Clone)]
pub(crate) struct TestKeyspace {
    pub(crate) config: ScyllaConfig,
}

/// The shared keyspaces: creating tables takes seconds.
const SHARED: [&str; 4] = ["contract", "edges_2", "edges_8", "faults"];
static CREATED: LazyLock<HashMap<&str, OnceCell<()>>> =
    LazyLock::new(|| SHARED.iter().map(|name| (*name, OnceCell::new())).collect());

impl TestKeyspace {
    fn named(node: String, name: &str, bucket_entries: u64) -> Self {
        let mut config = ScyllaConfig::new(vec![node], format!("confab_test_{name}"));
        config.replication = 1;
        config.statement_within = STATEMENT_WITHIN;
        config.bucket_entries = bucket_entries;
        Self { config }
    }

    /// Returns a keyspace that the tests of one process share. The first one creates it.
    pub(crate) async fn shared(name: &'static str, bucket_entries: u64) -> Option<Self> {
        let keyspace = Self::named(server()?, name, bucket_entries);
        let create = async {
            Box::pin(keyspace.remove()).await;
            Box::pin(migrate(&keyspace.config)).await.unwrap();
        };
        CREATED[name].get_or_init(|| create).await;
        Some(keyspace)
    }

    /// Creates a keyspace without tables for one test, which removes it.
    pub(crate) async fn empty(name: &str) -> Option<Self> {
        let keyspace = Self::named(server()?, name, 4_096);
        keyspace.remove().await;
        let create = format!(
            "CREATE KEYSPACE {} WITH replication = {{'class': 'NetworkTopologyStrategy', \
             'replication_factor': 1}}",
            keyspace.config.keyspace
        );
        keyspace.execute(&create).await;
        Some(keyspace)
    }

    /// Removes the keyspace.
    pub(crate) async fn remove(&self) {
        self.execute(&format!("DROP KEYSPACE IF EXISTS {}", self.config.keyspace)).await;
    }

    /// Connects a gateway.
    pub(crate) async fn connect(&self) -> Scylla {
        Scylla::connect(self.config.clone()).await.unwrap()
    }

    /// Opens a session that no gateway uses.
    pub(crate) async fn session(&self) -> Session {
        SessionBuilder::new().known_nodes(&self.config.nodes).build().await.unwrap()
    }

    /// Makes every node number but this one look leased.
    pub(crate) async fn occupy_other_nodes(&self, free: u16) {
        let session = self.session().await;
        let table = format!("{}.nodes", self.config.keyspace);
        for node in (0..NODES_MAX).filter(|node| *node != free) {
            let occupy = format!("UPDATE {table} SET owner = 1, alive = true WHERE node = {node}");
            session.query_unpaged(occupy, ()).await.unwrap();
        }
    }

    /// Executes a statement that no gateway would send.
    pub(crate) async fn execute(&self, statement: &str) {
        let mut statement = scylla::statement::Statement::new(statement);
        statement.set_request_timeout(Some(Duration::from_secs(60)));
        self.session().await.query_unpaged(statement, ()).await.unwrap();
    }
}
