//! A proxy in front of a server that can drop pushed messages silently and delay answers.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream, tcp::OwnedReadHalf, tcp::OwnedWriteHalf},
    time::sleep,
};
use tokio_util::{
    sync::{CancellationToken, DropGuard},
    task::TaskTracker,
};

/// The faults on the way from the server.
#[derive(Default)]
struct Faults {
    is_muted: AtomicBool,
    delay_ms: AtomicU64,
}

/// Forwards everything, except pushed messages while it is muted.
pub(super) struct Proxy {
    port: u16,
    faults: Arc<Faults>,
    _end: DropGuard,
}

impl Proxy {
    /// Starts a proxy in front of the server on this port.
    pub(super) async fn start(server: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let faults = Arc::<Faults>::default();
        let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
        let accepted = accept(listener, server, Arc::clone(&faults), tasks.clone(), stop.clone());
        tasks.spawn(stop.clone().run_until_cancelled_owned(accepted));
        Self { port, faults, _end: stop.drop_guard() }
    }

    pub(super) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Sets whether pushed messages are dropped.
    pub(super) fn mute(&self, is_muted: bool) {
        self.faults.is_muted.store(is_muted, Ordering::SeqCst);
    }

    /// Delays each chunk that the server sends by this duration.
    pub(super) fn delay(&self, delay: Duration) {
        let millis = u64::try_from(delay.as_millis()).unwrap();
        self.faults.delay_ms.store(millis, Ordering::SeqCst);
    }
}

async fn accept(
    listener: TcpListener,
    server: u16,
    faults: Arc<Faults>,
    tasks: TaskTracker,
    stop: CancellationToken,
) {
    while let Ok((client, _)) = listener.accept().await {
        let (from_client, to_client) = client.into_split();
        let server = TcpStream::connect(("127.0.0.1", server)).await.unwrap();
        let (from_server, to_server) = server.into_split();
        let no_faults = Arc::<Faults>::default();
        let up = forward(from_client, to_server, no_faults);
        let down = forward(from_server, to_client, Arc::clone(&faults));
        tasks.spawn(stop.clone().run_until_cancelled_owned(up));
        tasks.spawn(stop.clone().run_until_cancelled_owned(down));
    }
}

async fn forward(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, faults: Arc<Faults>) {
    let mut bytes = vec![0; 64 * 1024];
    while let Ok(count @ 1..) = from.read(&mut bytes).await {
        let is_push = bytes[..count].starts_with(b">3\r\n$7\r\nmessage");
        let is_lost = is_push && faults.is_muted.load(Ordering::SeqCst);
        sleep(Duration::from_millis(faults.delay_ms.load(Ordering::SeqCst))).await;
        if !is_lost && to.write_all(&bytes[..count]).await.is_err() {
            return;
        }
    }
}
