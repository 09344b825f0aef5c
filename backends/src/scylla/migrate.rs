//! Migrates the schema to the newest version, one process at a time.

use std::{sync::Arc, time::Duration};

use scylla::{
    client::session::Session,
    policies::load_balancing::{
        LoadBalancingPolicy, NodeIdentifier, SingleTargetLoadBalancingPolicy,
    },
    response::query_result::QueryResult,
    serialize::row::SerializeRow,
    statement::Statement,
    value::Row,
};
use tokio::time::{Instant, sleep};

use super::{
    buckets::bigint,
    connect::ScyllaConfig,
    error::ConnectError,
    schema::{MIGRATIONS, SETTINGS, VERSION},
};

/// How long one change of the schema may take.
const CHANGE_WITHIN: Duration = Duration::from_secs(60);
/// How long the claim to migrate lasts after the last change began.
const CLAIM_TTL: Duration = Duration::from_secs(120);
/// How long to wait for another process that migrates.
const WAIT_MAX: Duration = Duration::from_secs(150);
/// How long failed steps are retried, because other processes may be creating the same tables.
const RETRY_MAX: Duration = Duration::from_secs(10);
const WAIT_STEP: Duration = Duration::from_millis(200);

const _: () = assert!(
    CHANGE_WITHIN.as_secs() * 2 <= CLAIM_TTL.as_secs(),
    "two processes never migrate at once"
);
const _: () =
    assert!(CLAIM_TTL.as_secs() < WAIT_MAX.as_secs(), "waiting outlasts a killed process's claim");

/// The stored settings of a keyspace.
struct Settings {
    version: i32,
    bucket_entries: u64,
    /// The datacenter that decides conditional writes.
    datacenter: Option<String>,
}

/// Which schemas may be migrated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum MigrationScope {
    /// Only an empty keyspace, because gateways of an older version may be running.
    EmptyOnly,
    /// Every older schema.
    Any,
}

/// A migration of one keyspace.
struct Migration<'a> {
    session: &'a Session,
    config: &'a ScyllaConfig,
    /// The datacenter that decides conditional writes.
    datacenter: Option<String>,
}

/// Returns when the schema has the newest version. Other processes may do the same.
pub(super) async fn ensure(
    session: &Session,
    config: &ScyllaConfig,
    datacenter: Option<String>,
    scope: MigrationScope,
) -> Result<(), ConnectError> {
    let migration = Migration { session, config, datacenter };
    let began = Instant::now();
    loop {
        match migration.step(scope).await {
            Ok(true) => return Ok(()),
            Ok(false) if began.elapsed() > WAIT_MAX => {
                let keyspace = config.keyspace.clone();
                return Err(ConnectError::Migrating { keyspace, waited: WAIT_MAX });
            }
            Err(ConnectError::Refused { what, detail }) if began.elapsed() < RETRY_MAX => {
                tracing::debug!(what, detail, "retrying the migration of the schema");
            }
            Ok(false) => {}
            Err(error) => return Err(error),
        }
        sleep(WAIT_STEP).await;
    }
}

impl Migration<'_> {
    /// Does the next step. Returns true if the schema has the newest version.
    async fn step(&self, scope: MigrationScope) -> Result<bool, ConnectError> {
        let keyspace = || self.config.keyspace.clone();
        let Some(found) = settings(self.session).await? else {
            return change(self.session, SETTINGS).await.map(|()| false);
        };
        if found.version > VERSION {
            let found = found.version;
            let known = VERSION;
            return Err(ConnectError::Newer { keyspace: keyspace(), found, known });
        }
        if found.version == VERSION {
            return self.check(&found).map(|()| true);
        }
        if found.version > 0 && scope == MigrationScope::EmptyOnly {
            let found = found.version;
            let needed = VERSION;
            return Err(ConnectError::Older { keyspace: keyspace(), found, needed });
        }
        if claim(self.session).await? {
            self.migrate(found.version).await?;
        }
        Ok(false)
    }

    /// Fails if the stored settings differ from the configuration.
    fn check(&self, found: &Settings) -> Result<(), ConnectError> {
        let keyspace = self.config.keyspace.clone();
        let expected = self.config.bucket_entries;
        if found.bucket_entries != expected {
            let found = found.bucket_entries;
            return Err(ConnectError::Buckets { keyspace, found, expected });
        }
        match (&found.datacenter, &self.datacenter) {
            (Some(found), Some(own)) if found != own => {
                let found = found.clone();
                let expected = own.clone();
                Err(ConnectError::OtherDatacenter { keyspace, found, expected })
            }
            _ => Ok(()),
        }
    }

    async fn migrate(&self, from: i32) -> Result<(), ConnectError> {
        let done = usize::try_from(from).unwrap_or(0);
        for statement in MIGRATIONS.iter().skip(done).copied().flatten() {
            extend_claim(self.session).await?;
            change(self.session, statement).await?;
        }
        extend_claim(self.session).await?;
        let is_finished = if from == 0 {
            let finish = "UPDATE settings SET version = ?, bucket_entries = ?, datacenter = ? \
                WHERE id = 0 IF migrating = true";
            let entries = bigint(self.config.bucket_entries);
            write_if(self.session, finish, (VERSION, entries, &self.datacenter)).await?
        } else {
            let finish = "UPDATE settings SET version = ? WHERE id = 0 IF migrating = true";
            write_if(self.session, finish, (VERSION,)).await?
        };
        if is_finished {
            tracing::info!(from, to = VERSION, "migrated the schema");
            let leave = "DELETE migrating FROM settings WHERE id = 0 IF migrating = true";
            write_if(self.session, leave, ()).await?;
        }
        Ok(())
    }
}

async fn query(
    session: &Session,
    statement: &str,
    values: impl SerializeRow,
) -> Result<QueryResult, ConnectError> {
    let result = session.query_unpaged(statement, values).await;
    result.map_err(|error| ConnectError::refused(statement, error))
}

/// Sends a conditional write. Returns true if it was applied.
async fn write_if(
    session: &Session,
    statement: &str,
    values: impl SerializeRow,
) -> Result<bool, ConnectError> {
    let decided = query(session, statement, values).await?;
    let row: Row =
        decided.into_rows_result().map_err(unreadable)?.first_row().map_err(unreadable)?;
    let applied = row.columns.into_iter().next().flatten();
    Ok(applied.and_then(|value| value.as_boolean()).unwrap_or(false))
}

/// Changes the schema, which may take longer than other statements. All processes send changes to
/// the same node, because two nodes would create the same table twice.
pub(super) async fn change(session: &Session, statement: &str) -> Result<(), ConnectError> {
    let mut query = Statement::new(statement);
    query.set_request_timeout(Some(CHANGE_WITHIN));
    query.set_load_balancing_policy(first_node(session));
    let done = session.query_unpaged(query, ()).await;
    done.map(drop).map_err(|error| ConnectError::refused(statement, error))
}

/// Targets the connected node with the lowest id.
fn first_node(session: &Session) -> Option<Arc<dyn LoadBalancingPolicy>> {
    let state = session.get_cluster_state();
    let nodes = state.get_nodes_info().iter().filter(|node| node.is_connected());
    let first = nodes.min_by_key(|node| node.host_id)?;
    Some(SingleTargetLoadBalancingPolicy::new(NodeIdentifier::HostId(first.host_id), None))
}

/// Reads the settings. Returns `None` if their table does not exist.
async fn settings(session: &Session) -> Result<Option<Settings>, ConnectError> {
    let keyspace = session.get_keyspace();
    let name = keyspace.map(|name| name.to_string()).unwrap_or_default();
    let tables = session
        .query_unpaged(
            "SELECT table_name FROM system_schema.tables WHERE keyspace_name = ? \
             AND table_name = 'settings'",
            (name,),
        )
        .await
        .map_err(|error| ConnectError::refused("list of tables", error))?;
    if rows(tables)? == 0 {
        return Ok(None);
    }
    let found =
        query(session, "SELECT version, bucket_entries, datacenter FROM settings WHERE id = 0", ())
            .await?;
    let found = found.into_rows_result().map_err(unreadable)?;
    let row: Option<(Option<i32>, Option<i64>, Option<String>)> =
        found.maybe_first_row().map_err(unreadable)?;
    let (version, bucket_entries, datacenter) = row.unwrap_or_default();
    Ok(Some(Settings {
        version: version.unwrap_or_default(),
        bucket_entries: bucket_entries.and_then(|size| u64::try_from(size).ok()).unwrap_or(0),
        datacenter,
    }))
}

fn unreadable(error: impl std::fmt::Display) -> ConnectError {
    ConnectError::refused("settings", error)
}

fn rows(result: QueryResult) -> Result<usize, ConnectError> {
    Ok(result.into_rows_result().map_err(unreadable)?.rows_num())
}

/// Claims the migration for this process. Returns true if no other process had it. The claim
/// expires after [`CLAIM_TTL`].
async fn claim(session: &Session) -> Result<bool, ConnectError> {
    let claim = "UPDATE settings USING TTL ? SET migrating = true WHERE id = 0 IF migrating = null";
    write_if(session, claim, (ttl(),)).await
}

/// Extends the claim to another [`CLAIM_TTL`].
async fn extend_claim(session: &Session) -> Result<(), ConnectError> {
    let extend =
        "UPDATE settings USING TTL ? SET migrating = true WHERE id = 0 IF migrating = true";
    if write_if(session, extend, (ttl(),)).await? {
        return Ok(());
    }
    Err(ConnectError::refused("migration", "its claim has expired"))
}

fn ttl() -> i32 {
    i32::try_from(CLAIM_TTL.as_secs()).unwrap_or(i32::MAX)
}
