//! A way to a server on which things get lost in silence, or take long.

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

/// What happens to what the server says.
#[derive(Default)]
struct Faults {
    muted: AtomicBool,
    delay_ms: AtomicU64,
}

/// Forwards everything, but what the server pushes only while it is not muted.
pub(super) struct Proxy {
    port: u16,
    faults: Arc<Faults>,
    _end: DropGuard,
}

impl Proxy {
    /// A way to the server on this port.
    pub(super) async fn start(server: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (faults, stop, tasks) =
            (Arc::<Faults>::default(), CancellationToken::new(), TaskTracker::new());
        let accepted = accept(listener, server, Arc::clone(&faults), tasks.clone(), stop.clone());
        tasks.spawn(stop.clone().run_until_cancelled_owned(accepted));
        Self { port, faults, _end: stop.drop_guard() }
    }

    pub(super) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// From now on what is published does not get through, or gets through again.
    pub(super) fn mute(&self, muted: bool) {
        self.faults.muted.store(muted, Ordering::SeqCst);
    }

    /// From now on each piece of what the server says takes so long.
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
        let none = Arc::<Faults>::default();
        let up = forward(from_client, to_server, none);
        let down = forward(from_server, to_client, Arc::clone(&faults));
        tasks.spawn(stop.clone().run_until_cancelled_owned(up));
        tasks.spawn(stop.clone().run_until_cancelled_owned(down));
    }
}

async fn forward(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, faults: Arc<Faults>) {
    let mut bytes = vec![0; 64 * 1024];
    while let Ok(count @ 1..) = from.read(&mut bytes).await {
        let is_push = bytes[..count].starts_with(b">3\r\n$7\r\nmessage");
        let is_lost = is_push && faults.muted.load(Ordering::SeqCst);
        sleep(Duration::from_millis(faults.delay_ms.load(Ordering::SeqCst))).await;
        if !is_lost && to.write_all(&bytes[..count]).await.is_err() {
            return;
        }
    }
}
