//! A proxy in front of a server that can drop pushed messages silently and delay answers.

use std::{
    mem,
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
    let (mut bytes, mut unsent) = (vec![0; 64 * 1024], Vec::new());
    while let Ok(count @ 1..) = from.read(&mut bytes).await {
        unsent.extend_from_slice(&bytes[..count]);
        let is_muted = faults.is_muted.load(Ordering::SeqCst);
        sleep(Duration::from_millis(faults.delay_ms.load(Ordering::SeqCst))).await;
        let kept = if is_muted { without_pushes(&mut unsent) } else { mem::take(&mut unsent) };
        if to.write_all(&kept).await.is_err() {
            return;
        }
    }
}

/// How a pushed message begins. The names of its channel and its payload follow.
const PUSH: &[u8] = b">3\r\n$7\r\nmessage\r\n";

/// Takes everything but pushed messages. The beginning of an incomplete one stays.
fn without_pushes(unsent: &mut Vec<u8>) -> Vec<u8> {
    let mut kept = Vec::new();
    while let Some(start) = (0..unsent.len()).find(|at| is_prefix(&unsent[*at..])) {
        kept.extend(unsent.drain(..start));
        let Some(end) = end_of_string(unsent, PUSH.len()).and_then(|at| end_of_string(unsent, at))
        else {
            return kept;
        };
        unsent.drain(..end);
    }
    kept.append(unsent);
    kept
}

/// Returns true if these bytes begin a pushed message, or may when more have arrived.
fn is_prefix(bytes: &[u8]) -> bool {
    let count = bytes.len().min(PUSH.len());
    bytes[..count] == PUSH[..count]
}

/// Returns where the string that begins at `at` ends, `None` if it is incomplete.
fn end_of_string(bytes: &[u8], at: usize) -> Option<usize> {
    let header = bytes.get(at..)?.strip_prefix(b"$")?;
    let digits = header.iter().position(|byte| *byte == b'\r')?;
    let length: usize = str::from_utf8(&header[..digits]).ok()?.parse().ok()?;
    let end = at + 1 + digits + 2 + length + 2;
    (end <= bytes.len()).then_some(end)
}

#[test]
fn mute_drops_messages_wherever_they_stand() {
    let message = b">3\r\n$7\r\nmessage\r\n$2\r\nch\r\n$4\r\n>3\r\n\r\n";
    let all = [b"+PONG\r\n", &message[..], b":1\r\n", message, message, b"+OK\r\n"].concat();
    for split in 0..all.len() {
        let mut unsent = all[..split].to_vec();
        let mut kept = without_pushes(&mut unsent);
        unsent.extend_from_slice(&all[split..]);
        kept.extend(without_pushes(&mut unsent));
        assert_eq!(kept, b"+PONG\r\n:1\r\n+OK\r\n", "split at {split}");
    }
}
