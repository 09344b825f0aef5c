//! A gateway that reaches the store through a proxy, which drops, forges and counts frames.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use backends::scylla::Scylla;
use scylla::{
    errors::{DbError, WriteType},
    statement::Consistency,
};
use scylla_proxy::{
    Condition, Node, Proxy, Reaction, RequestFrame, RequestOpcode, RequestReaction, RequestRule,
    ResponseOpcode, ResponseRule, RunningProxy, ShardAwareness,
};

use crate::keyspace::TestKeyspace;

/// A gateway with a proxy between it and the store.
pub(crate) struct FaultyGateway {
    pub(crate) gateway: Scylla,
    proxy: RunningProxy,
}

impl FaultyGateway {
    /// Connects through a proxy that forwards everything at first.
    pub(crate) async fn connect(keyspace: &TestKeyspace, statement_within: Duration) -> Self {
        let real: SocketAddr = keyspace.config.nodes[0].parse().unwrap();
        let free = std::net::TcpListener::bind((real.ip(), 0)).unwrap().local_addr().unwrap();
        let node = Node::builder()
            .real_address(real)
            .proxy_address(free)
            .shard_awareness(ShardAwareness::Unaware)
            .build();
        let proxy = Proxy::new([node]).run().await.unwrap();
        let mut config = keyspace.config.clone();
        config.nodes = vec![free.to_string()];
        config.statement_within = statement_within;
        Self { gateway: Scylla::connect(config).await.unwrap(), proxy }
    }

    pub(crate) fn set_request_rules(&mut self, rules: Vec<RequestRule>) {
        self.proxy.running_nodes[0].change_request_rules(Some(rules));
    }

    pub(crate) fn set_response_rules(&mut self, rules: Vec<ResponseRule>) {
        self.proxy.running_nodes[0].change_response_rules(Some(rules));
    }

    /// Removes all rules.
    pub(crate) fn heal(&mut self) {
        self.proxy.turn_off_rules();
    }
}

/// The timeout of a lightweight transaction, whose outcome is unknown.
pub(crate) fn cas_timeout() -> DbError {
    DbError::WriteTimeout {
        consistency: Consistency::LocalQuorum,
        received: 0,
        required: 1,
        write_type: WriteType::Cas,
    }
}

/// Matches the first `count` batches.
pub(crate) fn first_batches(count: usize) -> Condition {
    Condition::RequestOpcode(RequestOpcode::Batch).and(Condition::TrueForLimitedTimes(count))
}

/// Matches answers to conditional writes, in `permille` of all cases.
pub(crate) fn conditional_answer(permille: u32) -> Condition {
    Condition::all([
        Condition::ResponseOpcode(ResponseOpcode::Result),
        Condition::BodyContainsCaseSensitive(Box::from(*b"[applied]")),
        Condition::RandomWithProbability(f64::from(permille) / 1_000.0),
    ])
}

/// Counts of prepared statements.
#[derive(Debug, Default)]
pub(crate) struct StatementCounts {
    plain: AtomicU64,
    serial: AtomicU64,
}

impl StatementCounts {
    fn count(&self, frame: &RequestFrame) {
        let number = |at: usize| u16::from_be_bytes([frame.body[at], frame.body[at + 1]]);
        // The frame has the statement's id with its length, and then the consistency.
        let consistency = number(2 + usize::from(number(0)));
        let is_serial = consistency == Consistency::LocalSerial as u16;
        let counter = if is_serial { &self.serial } else { &self.plain };
        counter.fetch_add(1, Ordering::SeqCst);
    }

    /// Returns how many statements were other than serial reads, and how many were serial reads.
    /// Resets both.
    pub(crate) fn take(&self) -> (u64, u64) {
        (self.plain.swap(0, Ordering::SeqCst), self.serial.swap(0, Ordering::SeqCst))
    }
}

/// Returns a rule that counts and forwards every prepared statement.
pub(crate) fn count_statements() -> (RequestRule, Arc<StatementCounts>) {
    let counts = Arc::new(StatementCounts::default());
    let counting = counts.clone();
    let forward = move |frame: RequestFrame| {
        counting.count(&frame);
        frame
    };
    let reaction = RequestReaction::transform_frame(Arc::new(forward));
    (RequestRule(Condition::RequestOpcode(RequestOpcode::Execute), reaction), counts)
}
