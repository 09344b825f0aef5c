//! From an older schema to the newest one, by one process at a time.

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
    buckets::number,
    connect::ScyllaConfig,
    error::ConnectError,
    schema::{MIGRATIONS, SETTINGS, VERSION},
};

/// How long one change of the schema may take.
const CHANGE_WITHIN: Duration = Duration::from_secs(60);
/// How long the place of those who migrate is kept after the last change began.
const CLAIM_TTL: Duration = Duration::from_secs(120);
/// How long another process's migration is waited for.
const WAIT_MAX: Duration = Duration::from_secs(150);
/// How long what fails is tried again: others may be making the same tables.
const RETRY_MAX: Duration = Duration::from_secs(10);
const WAIT_STEP: Duration = Duration::from_millis(200);

const _: () = assert!(CHANGE_WITHIN.as_secs() * 2 <= CLAIM_TTL.as_secs(), "no two migrate at once");
const _: () = assert!(CLAIM_TTL.as_secs() < WAIT_MAX.as_secs(), "who was killed is outlived");

/// What a keyspace was set up with.
struct Settings {
    version: i32,
    bucket_entries: u64,
    /// The one that decides.
    datacenter: Option<String>,
}

/// Which schemas are brought up to date.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    /// None but an empty keyspace: gateways of the version before may be running.
    EmptyOnly,
    /// Every older one.
    Any,
}

/// What is to be set up.
struct Target<'a> {
    session: &'a Session,
    config: &'a ScyllaConfig,
    /// The datacenter that decides.
    datacenter: Option<String>,
}

/// Makes sure that the schema is the newest one, beside others who do the same.
pub(super) async fn ensure(
    session: &Session,
    config: &ScyllaConfig,
    datacenter: Option<String>,
    reach: Reach,
) -> Result<(), ConnectError> {
    let target = Target { session, config, datacenter };
    let began = Instant::now();
    loop {
        match target.step(reach).await {
            Ok(true) => return Ok(()),
            Ok(false) if began.elapsed() > WAIT_MAX => {
                let keyspace = config.keyspace.clone();
                return Err(ConnectError::Migrating { keyspace, waited: WAIT_MAX });
            }
            Err(ConnectError::Refused { what, detail }) if began.elapsed() < RETRY_MAX => {
                tracing::debug!(what, detail, "the schema is tried again");
            }
            Ok(false) => {}
            Err(error) => return Err(error),
        }
        sleep(WAIT_STEP).await;
    }
}

impl Target<'_> {
    /// The next step to the newest schema; says whether it is there.
    async fn step(&self, reach: Reach) -> Result<bool, ConnectError> {
        let keyspace = || self.config.keyspace.clone();
        let Some(found) = settings(self.session).await? else {
            return change(self.session, SETTINGS).await.map(|()| false);
        };
        if found.version > VERSION {
            let (found, known) = (found.version, VERSION);
            return Err(ConnectError::Newer { keyspace: keyspace(), found, known });
        }
        if found.version == VERSION {
            return self.fits(&found).map(|()| true);
        }
        if found.version > 0 && reach == Reach::EmptyOnly {
            let (found, needed) = (found.version, VERSION);
            return Err(ConnectError::Older { keyspace: keyspace(), found, needed });
        }
        if claim(self.session).await? {
            self.migrate(found.version).await?;
        }
        Ok(false)
    }

    fn fits(&self, found: &Settings) -> Result<(), ConnectError> {
        let (keyspace, expected) = (self.config.keyspace.clone(), self.config.bucket_entries);
        if found.bucket_entries != expected {
            let found = found.bucket_entries;
            return Err(ConnectError::Buckets { keyspace, found, expected });
        }
        match (&found.datacenter, &self.datacenter) {
            (Some(found), Some(own)) if found != own => {
                let (found, expected) = (found.clone(), own.clone());
                Err(ConnectError::Elsewhere { keyspace, found, expected })
            }
            _ => Ok(()),
        }
    }

    async fn migrate(&self, from: i32) -> Result<(), ConnectError> {
        let done = usize::try_from(from).unwrap_or(0);
        for statement in MIGRATIONS.iter().skip(done).copied().flatten() {
            keep(self.session).await?;
            change(self.session, statement).await?;
        }
        keep(self.session).await?;
        let is_finished = if from == 0 {
            let finish = "UPDATE settings SET version = ?, bucket_entries = ?, datacenter = ? \
                WHERE id = 0 IF migrating = true";
            let entries = number(self.config.bucket_entries);
            decide(self.session, finish, (VERSION, entries, &self.datacenter)).await?
        } else {
            let finish = "UPDATE settings SET version = ? WHERE id = 0 IF migrating = true";
            decide(self.session, finish, (VERSION,)).await?
        };
        if is_finished {
            tracing::info!(from, to = VERSION, "the schema is up to date");
            let leave = "DELETE migrating FROM settings WHERE id = 0 IF migrating = true";
            decide(self.session, leave, ()).await?;
        }
        Ok(())
    }
}

async fn run(
    session: &Session,
    statement: &str,
    values: impl SerializeRow,
) -> Result<QueryResult, ConnectError> {
    let done = session.query_unpaged(statement, values).await;
    done.map_err(|error| ConnectError::refused(statement, error))
}

/// A conditional write; says whether it was done.
async fn decide(
    session: &Session,
    statement: &str,
    values: impl SerializeRow,
) -> Result<bool, ConnectError> {
    let decided = run(session, statement, values).await?;
    let row: Row =
        decided.into_rows_result().map_err(unreadable)?.first_row().map_err(unreadable)?;
    let applied = row.columns.into_iter().next().flatten();
    Ok(applied.and_then(|value| value.as_boolean()).unwrap_or(false))
}

/// A change of the schema takes longer than a statement has, so what matters is what comes of it.
/// Everybody asks the same node: two that make the same table at the same moment make it twice.
pub(super) async fn change(session: &Session, statement: &str) -> Result<(), ConnectError> {
    let mut query = Statement::new(statement);
    query.set_request_timeout(Some(CHANGE_WITHIN));
    query.set_load_balancing_policy(first_node(session));
    let done = session.query_unpaged(query, ()).await;
    done.map(drop).map_err(|error| ConnectError::refused(statement, error))
}

/// The node of the lowest id among those that are there.
fn first_node(session: &Session) -> Option<Arc<dyn LoadBalancingPolicy>> {
    let state = session.get_cluster_state();
    let nodes = state.get_nodes_info().iter().filter(|node| node.is_connected());
    let first = nodes.min_by_key(|node| node.host_id)?;
    Some(SingleTargetLoadBalancingPolicy::new(NodeIdentifier::HostId(first.host_id), None))
}

/// The settings; `None` where there is no table for them.
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
        .map_err(|error| ConnectError::refused("the list of tables", error))?;
    if rows(tables)? == 0 {
        return Ok(None);
    }
    let found =
        run(session, "SELECT version, bucket_entries, datacenter FROM settings WHERE id = 0", ())
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
    ConnectError::refused("the settings", error)
}

fn rows(result: QueryResult) -> Result<usize, ConnectError> {
    Ok(result.into_rows_result().map_err(unreadable)?.rows_num())
}

/// Takes the one place of those who migrate; it comes free by itself.
async fn claim(session: &Session) -> Result<bool, ConnectError> {
    let claim = "UPDATE settings USING TTL ? SET migrating = true WHERE id = 0 IF migrating = null";
    decide(session, claim, (ttl(),)).await
}

/// Keeps the place for as long again.
async fn keep(session: &Session) -> Result<(), ConnectError> {
    let keep = "UPDATE settings USING TTL ? SET migrating = true WHERE id = 0 IF migrating = true";
    if decide(session, keep, (ttl(),)).await? {
        return Ok(());
    }
    Err(ConnectError::refused("the migration", "its claim has run out"))
}

fn ttl() -> i32 {
    i32::try_from(CLAIM_TTL.as_secs()).unwrap_or(i32::MAX)
}
