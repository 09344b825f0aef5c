//! The interface that a WebSocket and a chain of long polls share, for scenarios over both.

use std::{collections::VecDeque, future::Future, time::Duration};

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep, timeout};

use crate::{
    client::{Cursors, Outcome, User, Violation, Ws},
    patience::SOON,
};

/// The wait of one poll of a chain.
const POLL_WAIT: Duration = Duration::from_secs(5);

/// The pause of [`meanwhile`] between two actions.
const PAUSE: Duration = Duration::from_millis(100);

/// One client's dialogue over one transport.
pub trait Session: Sized + Send {
    /// Opens a session at these cursors, or at the heads.
    fn open(user: &User, resume: Option<&Cursors>) -> impl Future<Output = Result<Self>> + Send;

    /// Waits for the next event and moves the cursors.
    fn event(&mut self) -> impl Future<Output = Result<Value>> + Send;

    /// Executes a command that every transport has.
    fn act(&mut self, command: &str, body: Value) -> impl Future<Output = Result<Outcome>> + Send;

    /// Returns the cursors of the events that were returned.
    fn cursors(&self) -> &Cursors;

    /// Closes the session and returns its cursors.
    fn close(self) -> impl Future<Output = Result<Cursors>> + Send;

    /// Waits for the next event. Returns `None` if none came in time, or if the connection has ended.
    fn event_within(
        &mut self,
        patience: Duration,
    ) -> impl Future<Output = Result<Option<Value>>> + Send {
        async move {
            match timeout(patience, self.event()).await {
                Ok(Err(error)) if error.is::<Violation>() => Err(error),
                Ok(event) => Ok(event.ok()),
                Err(_) => Ok(None),
            }
        }
    }

    /// Waits for the next event of this kind and skips others.
    fn event_of(&mut self, ev: &str) -> impl Future<Output = Result<Value>> + Send {
        async move {
            let mut event = Value::Null;
            while event["ev"] != ev {
                event = self.event().await.with_context(|| format!("waiting for {ev}"))?;
            }
            Ok(event)
        }
    }

    /// Returns events up to and including the entry of `conversation` with this seq.
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

    /// Executes a command and fails if it is refused.
    fn ok(&mut self, command: &str, body: Value) -> impl Future<Output = Result<Value>> + Send {
        async move {
            match self.act(command, body).await? {
                Ok(ok) => Ok(ok),
                Err(error) => bail!("{command} is refused: {error}"),
            }
        }
    }

    /// Executes a command and returns its error. Fails if it is not refused with this code.
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

    /// Sends a text and returns its entry.
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

/// Moves the cursors as the protocol prescribes. Fails if the event breaks a rule of the protocol.
pub fn follow(cursors: &mut Cursors, me: &str, event: &Value) -> Result<()> {
    let conversation = event["conversation"].as_str().unwrap_or_default().to_owned();
    match event["ev"].as_str() {
        Some("message") => {
            let seq = event["seq"].as_u64();
            let seq = seq.with_context(|| Violation(format!("no seq in {event}")))?;
            let own_joining = event["kind"] == "joined" && event["user"] == me;
            if let Some(&cursor) = cursors.get(&conversation) {
                ensure!(seq > cursor, Violation(format!("redelivery: {event} after {cursor}")));
                let next = seq == cursor + 1 || own_joining;
                ensure!(next, Violation(format!("skipped: {event} after {cursor}")));
            }
            cursors.insert(conversation, seq);
        }
        Some("gap") => {
            let head = event["head_seq"].as_u64();
            let head = head.with_context(|| Violation(format!("bad gap: {event}")))?;
            cursors.insert(conversation, head);
        }
        Some("removed") => drop(cursors.remove(&conversation)),
        _ => {}
    }
    Ok(())
}

/// A session over a WebSocket.
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

/// A session over long polls, each with the `resume` of the last one.
#[derive(Debug)]
pub struct PollSession {
    user: User,
    /// The cursors for the next poll.
    resume: Cursors,
    events: VecDeque<Value>,
    /// The cursors of the events that were returned.
    cursors: Cursors,
}

impl PollSession {
    /// Returns the number of events that have arrived and were not returned yet.
    pub fn waiting(&self) -> usize {
        self.events.len()
    }

    async fn poll(&mut self) -> Result<()> {
        let answer = self.user.poll(Some(&self.resume), POLL_WAIT).await?.ok(200)?;
        let events = answer["events"].as_array();
        let events = events.with_context(|| Violation(format!("no events: {answer}")))?;
        let mut moved = self.resume.clone();
        for event in events {
            follow(&mut moved, &self.user.id, event)?;
        }
        self.resume = cursors_of(&answer)?;
        for (conversation, seq) in &self.resume {
            let agrees = moved.get(conversation).is_none_or(|moved| moved == seq);
            ensure!(agrees, Violation(format!("resume and events disagree: {answer}")));
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
    let bad = || Violation(format!("bad resume: {answer}"));
    let seq = |seq: &Value| seq.as_u64().with_context(bad);
    let resume = answer["resume"].as_object().with_context(bad)?;
    resume.iter().map(|(id, value)| Ok((id.clone(), seq(value)?))).collect()
}

/// Repeats `act` until `seen` returns a value. For ephemeral events, which may be lost.
pub async fn meanwhile<T>(
    seen: impl Future<Output = Result<T>>,
    mut act: impl AsyncFnMut() -> Result<()>,
) -> Result<T> {
    let acting = async {
        loop {
            act().await?;
            sleep(PAUSE).await;
        }
    };
    tokio::select! {
        seen = seen => seen,
        failed = acting => failed,
    }
}

/// Makes two tests of each `async fn scenario<S: Session>() -> Result<()>`.
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

#[cfg(test)]
mod tests {
    use super::*;

    /// A session that receives these events, and then loses its connection.
    struct Scripted(VecDeque<Value>, Cursors);

    impl Session for Scripted {
        async fn open(_: &User, _: Option<&Cursors>) -> Result<Self> {
            Ok(Self(VecDeque::new(), Cursors::new()))
        }

        async fn event(&mut self) -> Result<Value> {
            let event = self.0.pop_front().context("the connection is lost")?;
            follow(&mut self.1, "me", &event).context("reading")?;
            Ok(event)
        }

        async fn act(&mut self, command: &str, _: Value) -> Result<Outcome> {
            bail!("{command} is not scripted")
        }

        fn cursors(&self) -> &Cursors {
            &self.1
        }

        async fn close(self) -> Result<Cursors> {
            Ok(self.1)
        }
    }

    #[tokio::test]
    async fn a_wrong_entry_is_not_taken_for_a_lost_connection() {
        let twice = json!(1);
        let too_early = json!(3);
        let without_seq = Value::Null;
        for (second, is_allowed) in
            [(json!(2), true), (twice, false), (too_early, false), (without_seq, false)]
        {
            let event = |seq| json!({"ev": "message", "conversation": "c", "seq": seq});
            let events = VecDeque::from([event(json!(1)), event(second.clone())]);
            let mut session = Scripted(events, Cursors::new());
            assert!(matches!(session.event_within(SOON).await, Ok(Some(_))));
            assert_eq!(session.event_within(SOON).await.is_ok(), is_allowed, "{second}");
            assert!(matches!(session.event_within(SOON).await, Ok(None)), "the lost connection");
        }
    }
}
