//! A WebSocket: commands, replies by id, events in order.

use std::collections::{BTreeMap, VecDeque};

use anyhow::{Context, Result, bail, ensure};
use futures_util::{SinkExt, StreamExt};
use http::HeaderValue;
use serde_json::{Value, json};
use tokio_tungstenite::{
    WebSocketStream, client_async_with_config,
    tungstenite::{
        Error, Message,
        client::IntoClientRequest,
        handshake::client::Response,
        protocol::{WebSocketConfig, frame::coding::CloseCode},
    },
};

use super::{Connection, Cursors, Violation, connect};
use crate::patience::{SOON, within};

pub use tokio_tungstenite::tungstenite::Message as Frame;

/// The outcome of a command: the reply's `ok`, or its `error`.
pub type Outcome = Result<Value, Value>;

/// One socket.
#[derive(Debug)]
pub struct Ws {
    stream: WebSocketStream<Box<dyn Connection>>,
    hello: Value,
    next_id: u64,
    replies: BTreeMap<u64, Outcome>,
    /// Errors that answer no command.
    unasked: VecDeque<Value>,
    events: VecDeque<Value>,
    closed: Option<u16>,
}

impl Ws {
    /// Connects, without hello. The error has the server's answer, if there was one.
    pub async fn connect(url: &str, headers: &[(&'static str, &str)]) -> Result<Self, Error> {
        let mut request =
            format!("{}/v1/ws", url.replacen("http", "ws", 1)).into_client_request()?;
        for (name, value) in headers {
            let value = HeaderValue::from_str(value).map_err(http::Error::from)?;
            request.headers_mut().insert(*name, value);
        }
        let stream = connect(url, &["http/1.1"]).await?;
        let config = WebSocketConfig::default().read_buffer_size(4096).write_buffer_size(4096);
        let (stream, _): (_, Response) =
            client_async_with_config(request, stream, Some(config)).await?;
        Ok(Self {
            stream,
            hello: Value::Null,
            next_id: 1,
            replies: BTreeMap::new(),
            unasked: VecDeque::new(),
            events: VecDeque::new(),
            closed: None,
        })
    }

    /// Connects with the subprotocol, without hello.
    pub async fn open(url: &str) -> Result<Self> {
        let headers = [("sec-websocket-protocol", "confab.v1.json")];
        Ok(within(SOON, "the handshake", Self::connect(url, &headers)).await??)
    }

    /// Connects, says hello and waits for the answer.
    pub async fn hello(url: &str, token: &str, resume: Option<&Cursors>) -> Result<Self> {
        let mut ws = Self::open(url).await?;
        let mut body = json!({"token": token, "client": {"name": "tests", "version": "1"}});
        if let Some(resume) = resume {
            body["resume"] = json!(resume);
        }
        match ws.call("hello", body).await? {
            Ok(hello) => ws.hello = hello,
            Err(error) => bail!("hello is refused: {error}"),
        }
        Ok(ws)
    }

    /// Returns the answer to hello.
    pub const fn greeting(&self) -> &Value {
        &self.hello
    }

    /// Returns the heads in the answer to hello.
    pub fn heads(&self) -> Cursors {
        let heads = self.hello["resume"].as_object();
        let heads = heads.into_iter().flatten();
        heads.filter_map(|(id, seq)| Some((id.clone(), seq.as_u64()?))).collect()
    }

    /// Sends any frame.
    pub async fn frame(&mut self, frame: Frame) -> Result<()> {
        Ok(within(SOON, "writing a frame", self.stream.send(frame)).await??)
    }

    /// Sends a text frame.
    pub async fn text(&mut self, text: impl Into<String>) -> Result<()> {
        self.frame(Message::text(text.into())).await
    }

    /// Sends a command and returns its id.
    pub async fn send(&mut self, command: &str, mut body: Value) -> Result<u64> {
        let id = self.next_id;
        self.next_id += 1;
        body["id"] = json!(id);
        body["cmd"] = json!(command);
        self.text(body.to_string()).await?;
        Ok(id)
    }

    /// Waits for the outcome of the command with this id.
    pub async fn reply(&mut self, id: u64) -> Result<Outcome> {
        loop {
            if let Some(outcome) = self.replies.remove(&id) {
                return Ok(outcome);
            }
            self.read().await.with_context(|| format!("no reply to {id}"))?;
        }
    }

    /// Returns the received reply with the lowest id, or waits for one.
    pub async fn any_reply(&mut self) -> Result<(u64, Outcome)> {
        loop {
            if let Some(first) = self.replies.pop_first() {
                return Ok(first);
            }
            self.read().await.context("no reply")?;
        }
    }

    /// Sends a command and waits for its outcome.
    pub async fn call(&mut self, command: &str, body: Value) -> Result<Outcome> {
        let id = self.send(command, body).await?;
        self.reply(id).await.context(command.to_owned())
    }

    /// Sends a command and fails if it is refused.
    pub async fn ok(&mut self, command: &str, body: Value) -> Result<Value> {
        match self.call(command, body).await? {
            Ok(ok) => Ok(ok),
            Err(error) => bail!("{command} is refused: {error}"),
        }
    }

    /// Sends a command and returns its error. Fails if the command is not refused with this code.
    pub async fn refused(&mut self, command: &str, body: Value, code: &str) -> Result<Value> {
        match self.call(command, body).await? {
            Ok(ok) => bail!("{command} is not refused: {ok}"),
            Err(error) => {
                ensure!(error["code"] == code, "{command}: {error} instead of {code}");
                Ok(error)
            }
        }
    }

    /// Waits for the next error that answers no command.
    pub async fn next_unasked(&mut self) -> Result<Value> {
        loop {
            if let Some(error) = self.unasked.pop_front() {
                return Ok(error);
            }
            self.read().await.context("no error")?;
        }
    }

    /// Waits for the next event.
    pub async fn next_event(&mut self) -> Result<Value> {
        loop {
            if let Some(event) = self.events.pop_front() {
                return Ok(event);
            }
            self.read().await.context("no event")?;
        }
    }

    /// Waits for the next event of this kind and skips others.
    pub async fn next_of(&mut self, ev: &str) -> Result<Value> {
        loop {
            let event = self.next_event().await.with_context(|| format!("waiting for {ev}"))?;
            if event["ev"] == ev {
                return Ok(event);
            }
        }
    }

    /// Returns the events that the server sent before the reply to a ping.
    pub async fn events_so_far(&mut self) -> Result<Vec<Value>> {
        self.ok("ping", json!({})).await?;
        Ok(self.events.drain(..).collect())
    }

    /// Drops the events that have arrived.
    pub fn forget_events(&mut self) {
        self.events.clear();
    }

    /// Waits until the server closes and returns its code, or 1006 without a close frame.
    pub async fn closed(&mut self) -> Result<u16> {
        loop {
            if let Some(code) = self.closed {
                return Ok(code);
            }
            self.step().await.context("not closed")?;
        }
    }

    /// Closes the socket from this side.
    pub async fn close(mut self) -> Result<()> {
        within(SOON, "closing", self.stream.close(None)).await??;
        self.closed().await?;
        Ok(())
    }

    async fn read(&mut self) -> Result<()> {
        if let Some(code) = self.closed {
            bail!("the socket is closed with {code}");
        }
        self.step().await
    }

    /// Reads one frame.
    async fn step(&mut self) -> Result<()> {
        match within(SOON, "reading a frame", self.stream.next()).await? {
            Some(Ok(Message::Text(text))) => self.take(&text)?,
            Some(Ok(Message::Close(close))) => {
                self.closed = Some(close.map_or(1005, |close| CloseCode::into(close.code)));
            }
            Some(Ok(Message::Binary(_) | Message::Frame(_))) => {
                bail!(Violation("a frame that is not text".to_owned()))
            }
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
            Some(Err(_)) | None => self.closed = self.closed.or(Some(1006)),
        }
        Ok(())
    }

    fn take(&mut self, text: &str) -> Result<()> {
        let mut frame: Value =
            serde_json::from_str(text).with_context(|| Violation(format!("no JSON: {text}")))?;
        if frame["ev"].is_string() {
            self.events.push_back(frame);
            return Ok(());
        }
        let outcome = match (frame.get_mut("ok").map(Value::take), &frame["error"]) {
            (Some(ok), Value::Null) => Ok(ok),
            (None, error) => {
                let has_shape = error["message"].is_string()
                    && error["code"].is_string()
                    && error["retryable"].is_boolean();
                ensure!(has_shape, Violation(format!("the error's shape: {frame}")));
                Err(error.clone())
            }
            (Some(_), _) => bail!(Violation(format!("ok and error in one reply: {frame}"))),
        };
        match (&frame["re"], outcome) {
            (Value::Null, Err(error)) => self.unasked.push_back(error),
            (re, outcome) => {
                let re = re
                    .as_u64()
                    .with_context(|| Violation(format!("a reply to nothing: {frame}")))?;
                let is_first = self.replies.insert(re, outcome).is_none();
                ensure!(is_first, Violation(format!("two replies to {re}")));
            }
        }
        Ok(())
    }
}
