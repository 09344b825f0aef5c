//! Records a history for the [`checker`](crate::checker).

use std::{collections::BTreeMap, future::Future, sync::Arc};

use anyhow::{Context, Result};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::{
    checker::{Attempt, Followed, History, Key, Read, Seen, SendOutcome, Step, Ticks},
    client::{Cursors, Outcome, User, Violation, Ws},
    patience::{LATER, within},
    session::follow,
};

/// A text to send, once or several times.
#[derive(Debug, Clone)]
pub struct Line {
    /// The key under which it makes one entry.
    pub key: Key,
    /// The text.
    pub text: String,
    /// The newest seq that the sender knows.
    pub base_seq: Option<u64>,
}

impl Line {
    /// Returns a line of `sender`.
    pub fn new(conversation: &str, sender: &User, client_id: &str) -> Self {
        let key = Key {
            conversation: conversation.to_owned(),
            sender: sender.id.clone(),
            client_id: client_id.to_owned(),
        };
        Self { key, text: format!("{client_id} of {}", sender.username), base_seq: None }
    }

    /// Replaces the text.
    #[must_use]
    pub fn with_text(self, text: &str) -> Self {
        Self { text: text.to_owned(), ..self }
    }

    /// Returns the body of the command `send`.
    pub fn command(&self) -> Value {
        let Key { conversation, client_id, .. } = &self.key;
        let mut body =
            json!({"conversation": conversation, "client_id": client_id, "text": self.text});
        if let Some(base_seq) = self.base_seq {
            body["base_seq"] = json!(base_seq);
        }
        body
    }
}

/// Records what one client sends.
#[derive(Debug)]
pub struct Writer {
    ticks: Arc<Ticks>,
    attempts: Vec<Attempt>,
}

impl Writer {
    /// Returns a writer without records.
    pub const fn new(ticks: Arc<Ticks>) -> Self {
        Self { ticks, attempts: Vec::new() }
    }

    /// Records one attempt over the connection of this name.
    pub async fn attempt(
        &mut self,
        connection: &str,
        line: &Line,
        call: impl Future<Output = Result<Outcome>>,
    ) -> Result<SendOutcome> {
        let called = self.ticks.tick();
        let outcome = match call.await {
            Ok(answer) => send_outcome(&answer)?,
            Err(error) if error.is::<Violation>() => return Err(error),
            Err(_) => SendOutcome::Unknown,
        };
        let answered = if outcome == SendOutcome::Unknown { u64::MAX } else { self.ticks.tick() };
        self.attempts.push(Attempt {
            connection: connection.to_owned(),
            key: line.key.clone(),
            text: line.text.clone(),
            called,
            answered,
            outcome,
        });
        Ok(outcome)
    }

    /// Makes one attempt over a socket.
    pub async fn over_ws(
        &mut self,
        connection: &str,
        line: &Line,
        ws: &mut Ws,
    ) -> Result<SendOutcome> {
        self.attempt(connection, line, ws.call("send", line.command())).await
    }

    /// Makes one attempt over REST.
    pub async fn over_rest(
        &mut self,
        connection: &str,
        line: &Line,
        user: &User,
    ) -> Result<SendOutcome> {
        self.attempt(connection, line, user.act("send", line.command())).await
    }

    /// Returns what was recorded.
    pub fn history(self) -> History {
        History { attempts: self.attempts, ..History::default() }
    }
}

/// Returns what an answer says about the entry.
fn send_outcome(answer: &Outcome) -> Result<SendOutcome> {
    match answer {
        Ok(ok) => {
            let seen = Seen::new(&ok["message"]).with_context(|| ok.to_string())?;
            let replayed = ok["replayed"].as_bool().with_context(|| ok.to_string())?;
            Ok(SendOutcome::Acknowledged { seq: seen.seq, id: seen.id, replayed })
        }
        Err(error) if error["code"] == "outcome_unknown" || error["code"] == "internal" => {
            Ok(SendOutcome::Unknown)
        }
        Err(_) => Ok(SendOutcome::Refused),
    }
}

/// Records what one cursor map receives, over any transports.
#[derive(Debug)]
pub struct Follower {
    reader: String,
    cursors: Cursors,
    followed: BTreeMap<String, Followed>,
}

impl Follower {
    /// Returns a follower without records.
    pub fn new(user: &User, cursors: Cursors) -> Self {
        Self { reader: user.id.clone(), cursors, followed: BTreeMap::new() }
    }

    /// Records one event. Fails if it breaks the protocol's rules of cursors.
    pub fn take(&mut self, event: &Value) -> Result<()> {
        let conversation = event["conversation"].as_str().unwrap_or_default();
        let step = match event["ev"].as_str() {
            Some("message") => Step::Entry(Seen::new(event)?),
            Some("gap") => Step::Gap(event["head_seq"].as_u64().context("no head_seq")?),
            _ => return follow(&mut self.cursors, &self.reader, event),
        };
        let after = self.cursors.get(conversation).copied().unwrap_or_default();
        let entry = self.followed.entry(conversation.to_owned()).or_insert_with(|| Followed {
            reader: self.reader.clone(),
            conversation: conversation.to_owned(),
            after,
            steps: Vec::new(),
            to_the_end: true,
        });
        entry.steps.push(step);
        follow(&mut self.cursors, &self.reader, event)
    }

    /// Returns the current cursors.
    pub const fn cursors(&self) -> &Cursors {
        &self.cursors
    }

    /// Returns true if it has reached these heads.
    pub fn has(&self, heads: &Cursors) -> bool {
        heads.iter().all(|(id, head)| self.cursors.get(id).is_some_and(|cursor| cursor >= head))
    }

    /// Returns what was recorded.
    pub fn history(self) -> History {
        History { followed: self.followed.into_values().collect(), ..History::default() }
    }
}

/// Waits for all of these clients and returns what they have recorded.
pub async fn joined(clients: &mut JoinSet<Result<History>>) -> Result<History> {
    let mut history = History::default();
    while let Some(written) = within(LATER, "a client to finish", clients.join_next()).await? {
        history.merge(written??);
    }
    Ok(history)
}

/// Reads the newest page of a conversation and returns the record.
pub async fn read_newest(ticks: &Ticks, user: &User, conversation: &str) -> Result<History> {
    let called = ticks.tick();
    let page = user.history(conversation, "limit=20").await?;
    let items = page["items"].as_array().context("no items")?;
    let entries: Vec<_> = items.iter().map(Seen::new).collect::<Result<_>>()?;
    let head = page["head_seq"].as_u64().context("no head_seq")?;
    let after = entries.first().map_or(head, |first| first.seq - 1);
    let (reader, conversation) = (user.id.clone(), conversation.to_owned());
    let reads = vec![Read { reader, conversation, called, after, entries, head }];
    Ok(History { reads, ..History::default() })
}

/// Reads a whole conversation page by page and returns the records.
pub async fn read_whole(ticks: &Ticks, user: &User, conversation: &str) -> Result<History> {
    let mut reads = Vec::new();
    let mut after = 0;
    loop {
        let called = ticks.tick();
        let page = user.history(conversation, &format!("after_seq={after}&limit=100")).await?;
        let items = page["items"].as_array().context("no items")?;
        let entries: Vec<_> = items.iter().map(Seen::new).collect::<Result<_>>()?;
        let head = page["head_seq"].as_u64().context("no head_seq")?;
        let last = entries.last().map(|seen| seen.seq);
        let conversation = conversation.to_owned();
        reads.push(Read { reader: user.id.clone(), conversation, called, after, entries, head });
        match last {
            Some(last) => after = last,
            None => return Ok(History { reads, ..History::default() }),
        }
    }
}
