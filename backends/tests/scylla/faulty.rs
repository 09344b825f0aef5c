//! A gateway whose way to the store goes through a proxy that loses, forges and counts.

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

use crate::stage::Stage;

/// A gateway whose way to the store has faults.
pub(crate) struct Faulty {
    pub(crate) gateway: Scylla,
    proxy: RunningProxy,
}

pub(crate) async fn faulty(stage: &Stage, within: Duration) -> Faulty {
    let real: SocketAddr = stage.config.nodes[0].parse().unwrap();
    let free = std::net::TcpListener::bind((real.ip(), 0)).unwrap().local_addr().unwrap();
    let node = Node::builder()
        .real_address(real)
        .proxy_address(free)
        .shard_awareness(ShardAwareness::Unaware)
        .build();
    let proxy = Proxy::new([node]).run().await.unwrap();
    let mut config = stage.config.clone();
    config.nodes = vec![free.to_string()];
    config.statement_within = within;
    Faulty { gateway: Scylla::connect(config).await.unwrap(), proxy }
}

impl Faulty {
    pub(crate) fn requests(&mut self, rules: Vec<RequestRule>) {
        self.proxy.running_nodes[0].change_request_rules(Some(rules));
    }

    pub(crate) fn responses(&mut self, rules: Vec<ResponseRule>) {
        self.proxy.running_nodes[0].change_response_rules(Some(rules));
    }

    pub(crate) fn heal(&mut self) {
        self.proxy.turn_off_rules();
    }
}

pub(crate) fn timeout() -> DbError {
    DbError::WriteTimeout {
        consistency: Consistency::LocalQuorum,
        received: 0,
        required: 1,
        write_type: WriteType::Cas,
    }
}

/// The answer to a conditional write.
pub(crate) fn applied(permille: u32) -> Condition {
    Condition::all([
        Condition::ResponseOpcode(ResponseOpcode::Result),
        Condition::BodyContainsCaseSensitive(Box::from(*b"[applied]")),
        Condition::RandomWithProbability(f64::from(permille) / 1_000.0),
    ])
}

/// Requests of a gateway, by how they are read.
#[derive(Debug, Default)]
pub(crate) struct Counted {
    plain: AtomicU64,
    serial: AtomicU64,
}

impl Counted {
    fn count(&self, frame: &RequestFrame) {
        let number = |at: usize| u16::from_be_bytes([frame.body[at], frame.body[at + 1]]);
        // The id of the statement, then the consistency.
        let consistency = number(2 + usize::from(number(0)));
        let is_serial = consistency == Consistency::LocalSerial as u16;
        let counter = if is_serial { &self.serial } else { &self.plain };
        counter.fetch_add(1, Ordering::SeqCst);
    }

    /// Prepared statements so far that were no serial reads, and those that were.
    pub(crate) fn take(&self) -> (u64, u64) {
        (self.plain.swap(0, Ordering::SeqCst), self.serial.swap(0, Ordering::SeqCst))
    }
}

/// Counts every prepared statement, and lets it pass.
pub(crate) fn count() -> (RequestRule, Arc<Counted>) {
    let counted = Arc::new(Counted::default());
    let counting = counted.clone();
    let pass = move |frame: RequestFrame| {
        counting.count(&frame);
        frame
    };
    let reaction = RequestReaction::transform_frame(Arc::new(pass));
    (RequestRule(Condition::RequestOpcode(RequestOpcode::Execute), reaction), counted)
}
