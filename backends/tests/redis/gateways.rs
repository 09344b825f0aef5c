//! Gateways on the servers of a test.

use backends::redis::{Redis, RedisConfig};
use tokio_util::{
    sync::{CancellationToken, DropGuard},
    task::TaskTracker,
};

use super::server::Server;

/// What lives as long as a test.
pub(super) struct Gateways {
    /// Each gateway's access.
    pub(super) all: Vec<Redis>,
    tasks: TaskTracker,
    stop: CancellationToken,
    _end: DropGuard,
}

/// One more gateway on these servers, of the guard's life.
pub(super) async fn connect(
    servers: &[Server],
    tasks: &TaskTracker,
    stop: CancellationToken,
) -> Redis {
    let config = RedisConfig { urls: servers.iter().map(Server::url).collect() };
    Redis::connect(&config, tasks, stop).await.unwrap()
}

impl Gateways {
    /// So many gateways.
    pub(super) async fn connect(servers: &[Server], count: usize) -> Self {
        let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
        let mut all = Vec::new();
        for _ in 0..count {
            all.push(connect(servers, &tasks, stop.clone()).await);
        }
        Self { all, tasks, _end: stop.clone().drop_guard(), stop }
    }

    /// Ends them, and waits until all their tasks have.
    pub(super) async fn end(self) {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}
