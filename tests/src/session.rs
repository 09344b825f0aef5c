//! One scenario over every transport: what a WebSocket and a chain of long polls have in common.

use std::{collections::VecDeque, future::Future, time::Duration};

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use crate::{
    client::{Cursors, Outcome, User, Ws},
    patience::SOON,
};

/// How long one poll of a chain waits.
const POLL_WAIT: Duration = Duration::from_secs(5);

/// How often [`meanwhile`] does again what may be lost.
const AGAIN: Duration = Duration::from_millis(100);

/// One client's dialogue over one transport.
pub trait Session: Sized + Send {
    /// Opens with these cursors, or from now.
    fn open(user: &User, resume: Option<&Cursors>) -> impl Future<Output = Result<Self>> + Send;

    /// The next event, and the cursors moved by it.
    fn event(&mut self) -> impl Future<Output = Result<Value>> + Send;

    /// Does a command that every transport has.
    fn act(&mut self, command: &str, body: Value) -> impl Future<Output = Result<Outcome>> + Send;

    /// Up to where events were taken.
    fn cursors(&self) -> &Cursors;

    /// Ends and tells up to where events were taken.
    fn close(self) -> impl Future<Output = Result<Cursors>> + Send;

    /// The next event of this kind; others before it are passed over.
    fn event_of(&mut self, ev: &str) -> impl Future<Output = Result<Value>> + Send {
        async move {
            let mut event = Value::Null;
            while event["ev"] != ev {
                event = self.event().await.with_context(|| format!("waiting for {ev}"))?;
            }
            Ok(event)
        }
    }

    /// Events up to and with the entry of `conversation` that has this seq.
    fn events_to(
        &mut self,
        conversation: &str,
        seq: u64,
    ) -> impl Future<Output = Result<Vec<Value>>> + Send {
        async move {
            let mut events = Vec::new();
            while self.cursors().get(conversation).is_none_or(|&cursor| cursor < seq) {
                let so_far = format!("waiting for {seq}, after {}", json!(events));
                events.push(self.event().await.context(so_far)?);
            }
            Ok(events)
        }
    }

    /// Does a command that has to succeed.
    fn ok(&mut self, command: &str, body: Value) -> impl Future<Output = Result<Value>> + Send {
        async move {
            match self.act(command, body).await? {
                Ok(ok) => Ok(ok),
                Err(error) => bail!("{command} is refused: {error}"),
            }
        }
    }

    /// Does a command that has to be refused with this code; the error.
    fn refused(
        &mut self,
        command: &str,
        body: Value,
        code: &str,
    ) -> impl Future<Output = Result<Value>> + Send {
        async move {
            match self.act(command, body).await? {
                Ok(ok) => bail!("{command} is not refused: {ok}"),
                Err(error) => {
                    ensure!(error["code"] == code, "{command}: {error} instead of {code}");
                    Ok(error)
                }
            }
        }
    }

    /// Sends a text; the entry.
    fn say(
        &mut self,
        conversation: &str,
        client_id: &str,
        text: &str,
    ) -> impl Future<Output = Result<Value>> + Send {
        let body = json!({"conversation": conversation, "client_id": client_id, "text": text});
        async move { Ok(self.ok("send", body).await?["message"].take()) }
    }
}

/// Moves the cursors as the protocol tells clients to; the error names what was broken.
pub fn follow(cursors: &mut Cursors, me: &str, event: &Value) -> Result<()> {
    let conversation = event["conversation"].as_str().unwrap_or_default().to_owned();
    match event["ev"].as_str() {
        Some("message") => {
            let seq = event["seq"].as_u64().with_context(|| format!("no seq in {event}"))?;
            let own_joining = event["kind"] == "joined" && event["user"] == me;
            if let Some(&cursor) = cursors.get(&conversation) {
                ensure!(seq > cursor, "redelivery: {event} after {cursor}");
                let next = seq == cursor + 1 || own_joining;
                ensure!(next, "poll-skip: {event} after {cursor}");
            }
            cursors.insert(conversation, seq);
        }
        Some("gap") => {
            let head = event["head_seq"].as_u64().with_context(|| format!("bad gap: {event}"))?;
            cursors.insert(conversation, head);
        }
        Some("removed") => drop(cursors.remove(&conversation)),
        _ => {}
    }
    Ok(())
}

/// The session of a WebSocket.
#[derive(Debug)]
pub struct WsSession {
    user: String,
    ws: Ws,
    cursors: Cursors,
}

impl Session for WsSession {
    async fn open(user: &User, resume: Option<&Cursors>) -> Result<Self> {
        let ws = user.ws(resume).await?;
        let cursors = resume.cloned().unwrap_or_else(|| ws.heads());
        Ok(Self { user: user.id.clone(), ws, cursors })
    }

    async fn event(&mut self) -> Result<Value> {
        let event = self.ws.next_event().await?;
        follow(&mut self.cursors, &self.user, &event)?;
        Ok(event)
    }

    async fn act(&mut self, command: &str, body: Value) -> Result<Outcome> {
        self.ws.call(command, body).await
    }

    fn cursors(&self) -> &Cursors {
        &self.cursors
    }

    async fn close(self) -> Result<Cursors> {
        self.ws.close().await?;
        Ok(self.cursors)
    }
}

/// The session of a chain of long polls, each with the `resume` of the last.
#[derive(Debug)]
pub struct PollSession {
    user: User,
    /// For the next poll.
    resume: Cursors,
    events: VecDeque<Value>,
    /// Of the events that were taken.
    cursors: Cursors,
}

impl PollSession {
    /// Events that have come and were not taken yet.
    pub fn waiting(&self) -> usize {
        self.events.len()
    }

    async fn poll(&mut self) -> Result<()> {
        let answer = self.user.poll(Some(&self.resume), POLL_WAIT).await?.ok(200)?;
        let events = answer["events"].as_array().context("no events")?;
        let mut told = self.resume.clone();
        for event in events {
            follow(&mut told, &self.user.id, event)?;
        }
        self.resume = cursors_of(&answer)?;
        for (conversation, seq) in &self.resume {
            let agrees = told.get(conversation).is_none_or(|told| told == seq);
            ensure!(agrees, "the poll's resume and its events disagree: {answer}");
        }
        self.events.extend(events.iter().cloned());
        Ok(())
    }
}

impl Session for PollSession {
    async fn open(user: &User, resume: Option<&Cursors>) -> Result<Self> {
        let resume = match resume {
            Some(resume) => resume.clone(),
            None => cursors_of(&user.poll(None, Duration::ZERO).await?.ok(200)?)?,
        };
        let (user, cursors) = (user.clone(), resume.clone());
        Ok(Self { user, resume, events: VecDeque::new(), cursors })
    }

    async fn event(&mut self) -> Result<Value> {
        let end = Instant::now() + SOON;
        loop {
            if let Some(event) = self.events.pop_front() {
                follow(&mut self.cursors, &self.user.id, &event)?;
                return Ok(event);
            }
            ensure!(Instant::now() < end, "no event after {SOON:?}");
            self.poll().await?;
        }
    }

    async fn act(&mut self, command: &str, body: Value) -> Result<Outcome> {
        self.user.act(command, body).await
    }

    fn cursors(&self) -> &Cursors {
        &self.cursors
    }

    async fn close(self) -> Result<Cursors> {
        Ok(self.cursors)
    }
}

fn cursors_of(answer: &Value) -> Result<Cursors> {
    let resume = answer["resume"].as_object().with_context(|| format!("no resume: {answer}"))?;
    let seq = |seq: &Value| seq.as_u64().with_context(|| format!("bad resume: {answer}"));
    resume.iter().map(|(id, value)| Ok((id.clone(), seq(value)?))).collect()
}

/// Does `act` again and again until `seen` has its value: for what is of the moment and may be lost.
pub async fn meanwhile<T>(
    seen: impl Future<Output = Result<T>>,
    mut act: impl AsyncFnMut() -> Result<()>,
) -> Result<T> {
    let acting = async {
        loop {
            act().await?;
            sleep(AGAIN).await;
        }
    };
    tokio::select! {
        seen = seen => seen,
        failed = acting => failed,
    }
}

/// Makes two tests of each scenario, an `async fn scenario<S: Session>() -> Result<()>`.
#[macro_export]
macro_rules! over_both_transports {
    ($($scenario:ident),+ $(,)?) => {
        mod over_web_socket {
            $(#[tokio::test]
            async fn $scenario() -> $crate::Result<()> {
                super::$scenario::<$crate::session::WsSession>().await
            })+
        }
        mod over_long_poll {
            $(#[tokio::test]
            async fn $scenario() -> $crate::Result<()> {
                super::$scenario::<$crate::session::PollSession>().await
            })+
        }
    };
}
