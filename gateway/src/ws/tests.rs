//! Sockets over real TCP connections, with tokio's time paused.

mod close;
mod order;
mod silence;
mod stall;
mod writer;

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use chat_core::{
    command::{Command, Reply},
    model::Identity,
};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::{Instant, timeout},
};

use super::{decoder::tests::masked, socket::serve};
use crate::{app::App, gateway::tests::gateway};

/// Longer than any wait in these tests.
const PATIENCE: Duration = Duration::from_secs(300);

/// A frame from the server.
#[derive(Debug, PartialEq, Eq)]
enum Frame {
    Text(Value),
    Ping,
    Close(u16),
    /// The connection ended without a close frame.
    End,
}

/// A client with a socket.
struct Client {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Client {
    /// Opens a socket, up to the handshake.
    async fn connect(app: &Arc<App>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let stream = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (served, _) = listener.accept().await.unwrap();
        // Otherwise paused time advances while the kernel waits for more to send.
        stream.set_nodelay(true).unwrap();
        served.set_nodelay(true).unwrap();
        app.tasks.spawn(serve(app.clone(), served.into(), Bytes::new()));
        Self { stream, buffer: Vec::new() }
    }

    /// Opens a socket and sends `hello`.
    async fn hello(app: &Arc<App>, identity: Identity) -> Self {
        let mut client = Self::connect(app).await;
        client.send(&[hello(app, identity, 1)]).await;
        let welcome = client.text().await;
        assert_eq!(welcome["re"], 1, "{welcome}");
        client
    }

    /// Writes a frame for each text, all at once.
    async fn send(&mut self, texts: &[Value]) {
        let texts: Vec<String> = texts.iter().map(ToString::to_string).collect();
        let frames: Vec<u8> = texts.iter().flat_map(|text| masked(0x81, text.as_bytes())).collect();
        self.write(&frames).await;
    }

    async fn write(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.unwrap();
    }

    async fn frame(&mut self) -> Frame {
        timeout(PATIENCE, self.next()).await.unwrap()
    }

    async fn next(&mut self) -> Frame {
        loop {
            if let Some((first, payload)) = self.take_frame() {
                return match first {
                    0x81 => Frame::Text(serde_json::from_slice(&payload).unwrap()),
                    0x88 => Frame::Close(u16::from_be_bytes([payload[0], payload[1]])),
                    0x89 => Frame::Ping,
                    other => panic!("{other:x}"),
                };
            }
            if matches!(self.stream.read_buf(&mut self.buffer).await, Ok(0) | Err(_)) {
                assert!(self.buffer.is_empty(), "half a frame");
                return Frame::End;
            }
        }
    }

    /// Returns the first byte and the payload of a complete frame.
    fn take_frame(&mut self) -> Option<(u8, Vec<u8>)> {
        let [first, length, ..] = *self.buffer else { return None };
        let (begin, length) = match length {
            126 => (4, u64::from(u16::from_be_bytes(self.buffer.get(2..4)?.try_into().unwrap()))),
            127 => (10, u64::from_be_bytes(self.buffer.get(2..10)?.try_into().unwrap())),
            small => (2, u64::from(small)),
        };
        let end = begin + usize::try_from(length).unwrap();
        let payload = self.buffer.get(begin..end)?.to_vec();
        self.buffer.drain(..end);
        Some((first, payload))
    }

    /// Returns the next text, and skips pings.
    async fn text(&mut self) -> Value {
        loop {
            match self.frame().await {
                Frame::Text(text) => return text,
                Frame::Ping => {}
                other @ (Frame::Close(_) | Frame::End) => panic!("{other:?} instead of a text"),
            }
        }
    }

    /// Returns the next replies in order, and skips events.
    async fn replies(&mut self, count: usize) -> Vec<Value> {
        let mut replies = Vec::new();
        while replies.len() < count {
            let text = self.text().await;
            if text.get("re").is_some() {
                replies.push(text);
            }
        }
        replies
    }

    /// Returns the code of the close frame, and the texts before it.
    async fn closed(&mut self) -> (u16, Vec<Value>) {
        let mut texts = Vec::new();
        loop {
            match self.frame().await {
                Frame::Text(text) => texts.push(text),
                Frame::Ping => {}
                Frame::Close(code) => return (code, texts),
                Frame::End => panic!("no close after {texts:?}"),
            }
        }
    }
}

fn ids(replies: &[Value]) -> Vec<u64> {
    replies.iter().map(|reply| reply["re"].as_u64().unwrap()).collect()
}

fn hello(app: &App, identity: Identity, id: u64) -> Value {
    let token = app.tokens.issue(identity, None).unwrap().token.expose().to_owned();
    json!({"id": id, "cmd": "hello", "token": token})
}

fn ping(id: u64) -> Value {
    json!({"id": id, "cmd": "ping"})
}

/// Registers a user with a group.
async fn ada(app: &Arc<App>) -> (Identity, String) {
    let registered = app.accounts.register("ada", "an example password", None, None).await;
    let identity = registered.unwrap().1.identity();
    let (title, key) = ("Lunch".into(), "key".into());
    let make = Command::CreateGroup { title, members: Vec::new(), key };
    let Reply::Made { conversation, .. } = app.chat.execute(identity, make).await.unwrap() else {
        panic!("no group");
    };
    (identity, conversation.id.to_string())
}

/// Starts a gateway with these settings and rate limits.
fn limited(variables: &[(&str, &str)]) -> Arc<App> {
    gateway(&[&[("RATE_LIMITS__ENABLED", "true")], variables].concat()).app()
}

#[tokio::test]
async fn socket_frees_the_buffer_of_the_handshake() {
    /// A buffer that knows whether it was dropped.
    struct Buffer {
        _held: Arc<()>,
    }

    impl AsRef<[u8]> for Buffer {
        fn as_ref(&self) -> &[u8] {
            &[]
        }
    }

    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let _client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let (stream, _) = listener.accept().await.unwrap();
    let held = Arc::new(());
    let first = Bytes::from_owner(Buffer { _held: held.clone() });
    let mut served = Box::pin(serve(gateway(&[]).app(), stream.into(), first));
    assert!(futures_util::poll!(served.as_mut()).is_pending());
    assert_eq!(Arc::strong_count(&held), 1);
}

#[tokio::test(start_paused = true)]
async fn written_frames_are_counted() {
    let written = || {
        let shown = crate::metrics::Metrics::install().render();
        let line = shown.lines().find(|line| line.starts_with("confab_frames_total ")).unwrap();
        line.split(' ').next_back().unwrap().parse::<u64>().unwrap()
    };
    let app = gateway(&[]).app();
    let (identity, _) = ada(&app).await;
    let before = written();
    let mut client = Client::hello(&app, identity).await;
    client.send(&[ping(2), ping(3), ping(4)]).await;
    client.replies(3).await;
    assert!(written() >= before + 4, "{before} {}", written());
}
