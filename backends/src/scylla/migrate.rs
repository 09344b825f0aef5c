//! From an older schema to the newest one, by one process at a time.

use std::time::Duration;

use scylla::{client::session::Session, response::query_result::QueryResult, value::Row};
use tokio::time::{Instant, sleep};

use super::{
    buckets::number,
    connect::ScyllaConfig,
    error::ConnectError,
    schema::{MIGRATIONS, SETTINGS, VERSION},
};

/// How long another process's migration is waited for.
const WAIT_MAX: Duration = Duration::from_secs(90);
const WAIT_STEP: Duration = Duration::from_millis(200);

/// What a keyspace was set up with.
struct Settings {
    version: i32,
    bucket_entries: u64,
}

/// Which schemas are brought up to date.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    /// None but an empty keyspace: gateways of the version before may be running.
    EmptyOnly,
    /// Every older one.
    Any,
}

/// Makes sure that the schema is the newest one.
pub(super) async fn ensure(
    session: &Session,
    config: &ScyllaConfig,
    reach: Reach,
) -> Result<(), ConnectError> {
    let began = Instant::now();
    loop {
        match settings(session).await? {
            Some(found) if found.version > VERSION => {
                return Err(ConnectError::Newer {
                    keyspace: config.keyspace.clone(),
                    found: found.version,
                    known: VERSION,
                });
            }
            Some(found) if found.version == VERSION => return fits(&found, config),
            Some(found) if found.version > 0 && reach == Reach::EmptyOnly => {
                return Err(ConnectError::Older {
                    keyspace: config.keyspace.clone(),
                    found: found.version,
                    needed: VERSION,
                });
            }
            Some(found) if claim(session).await? => {
                migrate(session, config, found.version).await?;
            }
            Some(_) if began.elapsed() > WAIT_MAX => {
                return Err(ConnectError::Migrating {
                    keyspace: config.keyspace.clone(),
                    waited: WAIT_MAX,
                });
            }
            Some(_) => sleep(WAIT_STEP).await,
            None => change(session, SETTINGS).await?,
        }
    }
}

fn fits(found: &Settings, config: &ScyllaConfig) -> Result<(), ConnectError> {
    if found.bucket_entries == config.bucket_entries {
        return Ok(());
    }
    Err(ConnectError::Buckets {
        keyspace: config.keyspace.clone(),
        found: found.bucket_entries,
        expected: config.bucket_entries,
    })
}

async fn run(session: &Session, statement: &str) -> Result<QueryResult, ConnectError> {
    let done = session.query_unpaged(statement, ()).await;
    done.map_err(|error| ConnectError::refused(statement, error))
}

/// A change of the schema takes longer than a statement has, so what matters is what comes of it.
async fn change(session: &Session, statement: &str) -> Result<(), ConnectError> {
    let mut query = scylla::statement::Statement::new(statement);
    query.set_request_timeout(Some(WAIT_MAX));
    let done = session.query_unpaged(query, ()).await;
    done.map(drop).map_err(|error| ConnectError::refused(statement, error))
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
    let found = run(session, "SELECT version, bucket_entries FROM settings WHERE id = 0").await?;
    let found = found.into_rows_result().map_err(unreadable)?;
    let row: Option<(Option<i32>, Option<i64>)> = found.maybe_first_row().map_err(unreadable)?;
    let (version, bucket_entries) = row.unwrap_or_default();
    Ok(Some(Settings {
        version: version.unwrap_or_default(),
        bucket_entries: bucket_entries.and_then(|size| u64::try_from(size).ok()).unwrap_or(0),
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
    let claimed = run(
        session,
        "UPDATE settings USING TTL 60 SET migrating = true WHERE id = 0 IF migrating = null",
    )
    .await?;
    let row: Row =
        claimed.into_rows_result().map_err(unreadable)?.first_row().map_err(unreadable)?;
    let applied = row.columns.into_iter().next().flatten();
    Ok(applied.and_then(|value| value.as_boolean()).unwrap_or(false))
}

async fn migrate(session: &Session, config: &ScyllaConfig, from: i32) -> Result<(), ConnectError> {
    let done = usize::try_from(from).unwrap_or(0);
    for statement in MIGRATIONS.iter().skip(done).copied().flatten() {
        change(session, statement).await?;
    }
    let entries = number(config.bucket_entries);
    let buckets = if from == 0 { format!(", bucket_entries = {entries}") } else { String::new() };
    let finish = format!(
        "UPDATE settings SET version = {VERSION}{buckets} WHERE id = 0 IF migrating = true"
    );
    run(session, &finish).await?;
    tracing::info!(from, to = VERSION, "the schema is up to date");
    run(session, "DELETE migrating FROM settings WHERE id = 0 IF migrating = true").await?;
    Ok(())
}
