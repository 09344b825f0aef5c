//! What all ports share: the session, the prepared statements, and how errors of the driver are
//! read.

use std::{sync::Arc, time::Duration};

use chat_core::{error::StoreError, id::ConversationId, model::Head};
use futures_util::{FutureExt, StreamExt, TryStreamExt, future::BoxFuture, stream};
use scylla::{
    client::session::Session,
    deserialize::row::DeserializeRow,
    errors::{DbError, ExecutionError, RequestAttemptError, WriteType},
    response::query_result::QueryResult,
    serialize::{batch::BatchValues, row::SerializeRow},
    statement::{
        Consistency,
        batch::{Batch, BatchType},
        prepared::PreparedStatement,
    },
    value::{CqlValue, Row},
};
use tokio::time::{Instant, timeout_at};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    breaker::{Breaker, PROBE_EVERY, Permit},
    buckets::Buckets,
    nodes::NodeLease,
    reading::{ChunkKey, ChunkRead},
    repair::Repairs,
    rows::corrupt,
    settle::Attempted,
    single_flight::SingleFlight,
    statements::Statements,
    unknown_appends::UnknownAppends,
    watermarks::WatermarkCache,
};

/// How many statements of one call are in flight at the same time.
const PARALLEL_MAX: usize = 32;

/// What all ports share.
#[derive(Debug)]
pub(super) struct CqlStore {
    pub(super) session: Session,
    pub(super) statements: Statements,
    pub(super) buckets: Buckets,
    pub(super) watermarks: WatermarkCache,
    pub(super) unknown_appends: UnknownAppends,
    pub(super) chunks: Arc<SingleFlight<ChunkKey, ChunkRead>>,
    pub(super) heads: Arc<SingleFlight<ConversationId, Result<Head, StoreError>>>,
    pub(super) repairs: Repairs,
    pub(super) breaker: Breaker,
    pub(super) node_lease: NodeLease,
    pub(super) tasks: TaskTracker,
    pub(super) shutdown: CancellationToken,
    /// The time within which a port answers. One statement has five sixths of it.
    pub(super) answer_within: Duration,
}

impl CqlStore {
    /// Reads rows.
    pub(super) async fn rows<R>(
        &self,
        statement: &PreparedStatement,
        values: impl SerializeRow + Sync,
    ) -> Result<Vec<R>, StoreError>
    where
        R: for<'f> DeserializeRow<'f, 'f>,
    {
        let result = self.execute(statement, &values).await.map_err(unavailable)?;
        let rows = result.into_rows_result().map_err(corrupt)?;
        let typed = rows.rows::<R>().map_err(corrupt)?;
        typed.collect::<Result<_, _>>().map_err(corrupt)
    }

    /// Reads the first row, if any.
    pub(super) async fn row<R>(
        &self,
        statement: &PreparedStatement,
        values: impl SerializeRow + Sync,
    ) -> Result<Option<R>, StoreError>
    where
        R: for<'f> DeserializeRow<'f, 'f>,
    {
        Ok(self.rows(statement, values).await?.into_iter().next())
    }

    /// Sends a plain write, which may be repeated.
    pub(super) async fn write(
        &self,
        statement: &PreparedStatement,
        values: impl SerializeRow + Sync,
    ) -> Result<(), StoreError> {
        self.execute(statement, &values).await.map(drop).map_err(unavailable)
    }

    /// Sends plain writes to one partition in one request.
    pub(super) async fn write_all(
        &self,
        statement: &PreparedStatement,
        values: &[impl SerializeRow + Sync],
    ) -> Result<(), StoreError> {
        if let [values] = values {
            return self.write(statement, values).await;
        }
        let statements = vec![statement.clone().into(); values.len()];
        let mut batch = Batch::new_with_statements(BatchType::Unlogged, statements);
        batch.set_is_idempotent(true);
        batch.set_execution_profile_handle(Some(self.statements.plain.clone()));
        let permit = self.admit().map_err(unavailable)?;
        let result = Box::pin(self.session.batch(&batch, values)).await;
        self.observe(permit, result).map(drop).map_err(unavailable)
    }

    /// Attempts a conditional write. Fails only if it was not sent.
    pub(super) async fn write_if(
        &self,
        statement: &PreparedStatement,
        values: impl SerializeRow + Sync,
    ) -> Result<Attempted, StoreError> {
        attempted(self.execute(statement, &values).await)
    }

    /// Attempts conditional writes to one partition, all or none. Fails only if they were not sent.
    pub(super) async fn write_batch_if(
        &self,
        statements: Vec<PreparedStatement>,
        values: impl BatchValues,
    ) -> Result<Attempted, StoreError> {
        let statements = statements.into_iter().map(Into::into).collect();
        let mut batch = Batch::new_with_statements(BatchType::Logged, statements);
        batch.set_execution_profile_handle(Some(self.statements.conditional.clone()));
        batch.set_is_idempotent(false);
        let permit = self.admit().map_err(unavailable)?;
        attempted(self.observe(permit, Box::pin(self.session.batch(&batch, values)).await))
    }

    /// Sends a statement. It is the same function for all types of values, because the driver would be
    /// compiled again for each of them.
    fn execute<'a>(
        &'a self,
        statement: &'a PreparedStatement,
        values: &'a (dyn SerializeRow + Sync),
    ) -> BoxFuture<'a, Result<QueryResult, Failure>> {
        Box::pin(async move {
            let permit = self.admit()?;
            self.observe(permit, self.session.execute_unpaged(statement, values).await)
        })
    }

    fn admit(&self) -> Result<Permit, Failure> {
        self.breaker.permit().ok_or(Failure::BreakerOpen)
    }

    /// Records in the breaker whether the store answered.
    fn observe(
        &self,
        permit: Permit,
        result: Result<QueryResult, ExecutionError>,
    ) -> Result<QueryResult, Failure> {
        match &result {
            Ok(_) => self.breaker.record_answer(),
            Err(error) if !is_outage(error) => {}
            Err(_) => self.breaker.record_failure(permit),
        }
        result.map_err(|error| Failure::Driver(Box::new(error)))
    }

    /// Probes the store while the breaker is open, until `shutdown`.
    pub(super) async fn probe(self: Arc<Self>) {
        loop {
            tokio::select! {
                () = self.shutdown.cancelled() => return,
                () = self.breaker.opened() => {}
            }
            while self.breaker.is_open() && !self.shutdown.is_cancelled() {
                tokio::time::sleep(PROBE_EVERY).await;
                let probe = self.session.execute_unpaged(&self.statements.probe, ());
                match Box::pin(probe).await {
                    Ok(_) => self.breaker.record_answer(),
                    Err(error) => tracing::debug!(%error, "the store still does not answer"),
                }
            }
        }
    }

    /// Returns when a call that begins now must have answered.
    pub(super) fn deadline(&self) -> Instant {
        Instant::now() + self.answer_within
    }

    /// Does one call's reads and plain writes, or fails as unavailable at its deadline.
    pub(super) async fn in_time<T>(
        &self,
        work: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        self.until(self.deadline(), work).await
    }

    /// Does reads and plain writes, or fails as unavailable at the deadline.
    pub(super) async fn until<T>(
        &self,
        deadline: Instant,
        work: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        let late = || Err(StoreError::Unavailable("no answer in time".to_owned()));
        timeout_at(deadline, work).await.unwrap_or_else(|_| late())
    }
}

/// Returns the results of all futures in their order, or the first error. Runs up to
/// [`PARALLEL_MAX`] of them at a time.
pub(super) async fn join_bounded<T>(
    work: Vec<impl Future<Output = Result<T, StoreError>> + Send>,
) -> Result<Vec<T>, StoreError> {
    stream::iter(work).map(FutureExt::boxed).buffered(PARALLEL_MAX).try_collect().await
}

/// Why a request has no result.
enum Failure {
    /// The breaker is open, and the request was not sent.
    BreakerOpen,
    /// The driver returned this error.
    Driver(Box<ExecutionError>),
}

fn unavailable(failure: Failure) -> StoreError {
    StoreError::Unavailable(match failure {
        Failure::BreakerOpen => {
            "the store has not answered for a while, and is not called until it does".to_owned()
        }
        Failure::Driver(error) => error.to_string(),
    })
}

fn attempted(result: Result<QueryResult, Failure>) -> Result<Attempted, StoreError> {
    match result {
        Ok(result) => Ok(applied(result)),
        Err(Failure::Driver(error)) if !is_unsent(&error) => {
            let is_over = matches!(
                *error,
                ExecutionError::LastAttemptError(RequestAttemptError::DbError(..))
            );
            Ok(Attempted::Unknown { detail: error.to_string(), is_over })
        }
        Err(failure) => Err(unavailable(failure)),
    }
}

/// Reads only the column `[applied]`, because servers differ in the columns after it.
fn applied(result: QueryResult) -> Attempted {
    let row = result.into_rows_result().ok().and_then(|rows| rows.first_row::<Row>().ok());
    match row.and_then(|row| row.columns.into_iter().next().flatten()) {
        Some(CqlValue::Boolean(true)) => Attempted::Applied,
        Some(CqlValue::Boolean(false)) => Attempted::NotApplied,
        other => Attempted::Unknown { detail: format!("[applied] is {other:?}"), is_over: true },
    }
}

/// Returns true if the statement has not left this process.
fn is_unsent(error: &ExecutionError) -> bool {
    matches!(
        error,
        ExecutionError::BadQuery(_)
            | ExecutionError::EmptyPlan
            | ExecutionError::PrepareError(_)
            | ExecutionError::ConnectionPoolError(_)
            | ExecutionError::LastAttemptError(
                RequestAttemptError::SerializationError(_)
                    | RequestAttemptError::CqlRequestSerialization(_)
                    | RequestAttemptError::UnableToAllocStreamId
            )
    )
}

/// Returns true if the error means that too few nodes answer. Timeouts of lightweight transactions
/// do not count, because contention causes them, too.
fn is_outage(error: &ExecutionError) -> bool {
    use RequestAttemptError::{BrokenConnectionError, DbError as Answer};
    let is_contention = matches!(
        error,
        ExecutionError::LastAttemptError(Answer(
            DbError::ReadTimeout { consistency: Consistency::LocalSerial, .. }
                | DbError::WriteTimeout { write_type: WriteType::Cas, .. },
            _,
        ))
    );
    let is_outage = matches!(
        error,
        ExecutionError::EmptyPlan
            | ExecutionError::ConnectionPoolError(_)
            | ExecutionError::RequestTimeout(_)
            | ExecutionError::LastAttemptError(
                BrokenConnectionError(_)
                    | Answer(
                        DbError::Unavailable { .. }
                            | DbError::Overloaded
                            | DbError::ReadTimeout { .. }
                            | DbError::WriteTimeout { .. },
                        _,
                    )
            )
    );
    is_outage && !is_contention
}
