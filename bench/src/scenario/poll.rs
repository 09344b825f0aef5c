//! Long polls in many groups: the cost and the time of a delivery to a poll.

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use serde_json::json;
use tokio::time::Instant;

use super::{Conditions, cpu_each};
use crate::{
    calls::STALL_MAX,
    conversations::{self, Conversation},
    event, frame, http,
    opening::{Opening, hello},
    outcome::{Outcome, float},
    seed::Account,
    server::Server,
    sockets::{Received, Sockets, Stage},
    traffic::ledger::Ledger,
};

/// How long a poll waits.
const WAIT_MS: u64 = 25_000;

/// The groups and their polls.
#[derive(Debug, Clone, Args)]
pub(crate) struct Poll {
    /// Members who poll
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(2..=20_000))]
    pollers: u32,
    /// Members of a group. The next message is sent when all of them have the one before
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(2..=20_000))]
    group: u32,
}

/// The owners' WebSockets, which send, and the polls of everybody. Socket `n` below the number of
/// conversations is the WebSocket in conversation `n`.
struct Polling<'a> {
    sockets: Sockets,
    ledger: Ledger,
    conversations: &'a [Conversation<'a>],
    /// The conversation and the account of each polling socket.
    pollers: Vec<(usize, &'a Account)>,
    answers: u64,
}

impl Poll {
    pub(super) fn run(&self, conditions: &Conditions<'_>) -> Result<Outcome> {
        let shape = format!("{} pollers in groups of {}", self.pollers, self.group);
        conditions.progress.phase(&format!("poll, {shape}: preparing"));
        let (pollers, group) = (usize::try_from(self.pollers)?, usize::try_from(self.group)?);
        ensure!(pollers.is_multiple_of(group), "the pollers do not fill their groups");
        let server = Server::start(conditions.launch, pollers)?;
        let groups: Vec<_> = server.accounts().chunks(group).collect();
        let conversations = conversations::create(&server, &groups)?;
        let mut polling = Polling::start(&server, &conversations)?;
        conditions.progress.phase(&format!("poll, {shape}: measuring"));
        polling.run(conditions.warm_up)?;
        polling.ledger.clear_times();
        let (usage, before, answers) = (server.usage()?, polling.ledger.counts(), polling.answers);
        let begun = Instant::now();
        polling.run(conditions.time)?;
        let (elapsed, usage) = (begun.elapsed(), server.usage()? - usage);
        // The owners' own WebSockets have received each message too.
        let sends = polling.ledger.counts().sent - before.sent;
        let deliveries = sends * u64::from(self.group);
        let [user, kernel, cpu] = cpu_each(usage, deliveries);
        let mut outcome = Outcome::new("poll", shape);
        outcome.add("deliveries", "/s", float(deliveries) / elapsed.as_secs_f64());
        outcome.add("CPU/delivery", "us", cpu);
        outcome.add("user", "us", user);
        outcome.add("kernel", "us", kernel);
        outcome.add("answers", "/s", float(polling.answers - answers) / elapsed.as_secs_f64());
        outcome.add_latencies(&polling.ledger.deliveries);
        outcome.add("resident", "MiB", float(server.memory()?.resident >> 10) / 1024.0);
        Ok(outcome)
    }
}

impl<'a> Polling<'a> {
    /// Connects the owners and starts all polls.
    fn start(server: &Server, conversations: &'a [Conversation<'a>]) -> Result<Self> {
        let (mut sockets, mut ledger) = (Sockets::new()?, Ledger::new()?);
        let mut hellos = Vec::new();
        for conversation in conversations {
            let owner = conversation.accounts.first().context("a conversation without members")?;
            hellos.push(hello(owner, None)?);
            let conversation = ledger.add_conversation(conversation.head, true);
            ledger.add_socket(conversation);
        }
        Opening::new(&sockets, server.address(), hellos).finish(&mut sockets)?;
        let mut pollers = Vec::new();
        for (number, conversation) in conversations.iter().enumerate() {
            for account in &conversation.accounts {
                sockets.connect(server.address(), Stage::Http)?;
                ledger.add_socket(number);
                pollers.push((number, *account));
            }
        }
        let mut polling = Self { sockets, ledger, conversations, pollers, answers: 0 };
        for poller in 0..polling.pollers.len() {
            polling.poll(conversations.len() + poller)?;
        }
        Ok(polling)
    }

    /// Polls from this socket's cursor.
    fn poll(&mut self, socket: usize) -> Result<()> {
        let (conversation, account) = self.pollers[socket - self.conversations.len()];
        let cursor = self.ledger.cursor(socket);
        let id = self.conversations[conversation].id;
        let body = json!({"resume": {id.to_string(): cursor}, "wait_ms": WAIT_MS}).to_string();
        self.sockets.send(socket, &http::request("POST", "/v1/poll", &account.token, &[], &body))
    }

    /// Sends in the conversation with this number, over the WebSocket with the same number.
    fn send(&mut self, number: usize) -> Result<()> {
        let id = self.ledger.send(number, Instant::now());
        let (conversation, text) = (self.conversations[number].id.to_string(), "x".repeat(128));
        let command = json!({
            "id": id, "cmd": "send", "conversation": conversation,
            "client_id": format!("{number}-{id}"), "text": text,
        });
        let mut bytes = Vec::new();
        frame::append_text(&mut bytes, command.to_string().as_bytes())?;
        self.sockets.send(number, &bytes)
    }

    /// Sends the next message of a room when its members have the one before, until the time is over.
    fn run(&mut self, time: Duration) -> Result<()> {
        let begun = Instant::now();
        let mut due: Vec<usize> = (0..self.conversations.len()).collect();
        let (mut answered, mut progress) = (Vec::new(), begun);
        loop {
            let sending = begun.elapsed() < time;
            due.retain(|conversation| sending && self.ledger.is_complete(*conversation));
            for conversation in due.drain(..) {
                self.send(conversation)?;
            }
            if !sending && self.ledger.counts().is_complete() {
                return Ok(());
            }
            let Self { sockets, ledger, .. } = self;
            sockets.wait(Duration::from_secs(1), |socket, received, at| {
                progress = at;
                let is_answer = matches!(received, Received::Answer(_));
                answered.extend(is_answer.then_some(socket));
                receive(ledger, socket, &received, at)
            })?;
            self.answers += answered.len() as u64;
            for socket in answered.drain(..) {
                self.poll(socket)?;
            }
            self.ledger.take_due(&mut due);
            if progress.elapsed() > STALL_MAX {
                bail!("a message is missing: {:?}", self.ledger.counts());
            }
        }
    }
}

/// Counts what a WebSocket or a poll received.
fn receive(ledger: &mut Ledger, socket: usize, received: &Received<'_>, at: Instant) -> Result<()> {
    match received {
        Received::Text(text) => ledger.receive(socket, text, at),
        Received::Answer(answer) => {
            ensure!(answer.status == 200, "status {}", answer.status);
            event::seqs(answer.body).try_for_each(|seq| ledger.receive_entry(socket, seq, at))
        }
    }
}
