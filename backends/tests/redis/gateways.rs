//! Gateways on the servers of a test.

use backends::{
    redis::{Redis, RedisConfig},
    tls::TlsFiles,
};
use tokio_util::{
    sync::{CancellationToken, DropGuard},
    task::TaskTracker,
};

use super::{recorder::Recorder, server::Server};

/// Gateways whose tasks end when this is dropped.
pub(super) struct Gateways {
    /// Each gateway's access to Redis.
    pub(super) all: Vec<Redis>,
    /// Each gateway's metrics.
    pub(super) metrics: Vec<Recorder>,
    tasks: TaskTracker,
    stop: CancellationToken,
    _end: DropGuard,
}

impl Gateways {
    /// Connects this number of gateways.
    pub(super) async fn connect(servers: &[Server], count: usize) -> Self {
        let urls: Vec<String> = servers.iter().map(Server::url).collect();
        let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
        let mut gateways = Self {
            all: Vec::new(),
            metrics: Vec::new(),
            tasks,
            _end: stop.clone().drop_guard(),
            stop,
        };
        for _ in 0..count {
            gateways.add(urls.clone()).await;
        }
        gateways
    }

    /// Connects one more gateway.
    pub(super) async fn add(&mut self, urls: Vec<String>) {
        let (config, recorder) =
            (RedisConfig { urls, tls: TlsFiles::default() }, Recorder::default());
        let recording = metrics::set_default_local_recorder(&recorder);
        let connected = Redis::connect(&config, &self.tasks, self.stop.clone()).await;
        drop(recording);
        self.all.push(connected.unwrap());
        self.metrics.push(recorder);
    }

    /// Ends all gateways and waits for their tasks.
    pub(super) async fn end(self) {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}
