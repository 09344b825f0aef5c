//! A mixture of what clients do: texts, receipts, typing, pages of history, and reconnects, at a
//! fixed rate.

use std::{collections::BTreeMap, time::Duration};

use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::Conditions;
use crate::{
    calls::STALL_MAX,
    chance::Chance,
    conversations::{self, Conversation},
    event::{self, Incoming},
    frame, http,
    latencies::Latencies,
    opening::{Opening, hello},
    outcome::{Outcome, float},
    seed::Account,
    server::Server,
    sockets::{Received, Sockets, Stage},
    traffic::ledger::Ledger,
};

/// What a client does in its turn: of 20 turns, 12 are texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Turn {
    Text,
    Receipt,
    Typing,
    History,
    Reconnect,
}

/// The users and the rate of their turns.
#[derive(Debug, Clone, Args)]
pub(crate) struct Mixed {
    /// Users, each with a WebSocket
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(2..=20_000))]
    users: u32,
    /// Members of a group. Each user is in one
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(2..=20_000))]
    group: u32,
    /// Turns a second, over all users together: 60 % texts, 15 % receipts, 10 % typing, 10 % pages of
    /// history, 5 % reconnects
    #[arg(long, default_value_t = 500, value_parser = clap::value_parser!(u32).range(1..))]
    rate: u32,
}

/// A user's connection.
struct Client<'a> {
    account: &'a Account,
    /// The number of the conversation.
    conversation: usize,
    /// The current socket, or the one that is being opened.
    socket: usize,
}

/// All clients and what is outstanding.
struct Mixture<'a> {
    server: &'a Server,
    sockets: Sockets,
    ledger: Ledger,
    conversations: &'a [Conversation<'a>],
    clients: Vec<Client<'a>>,
    /// The sockets that are being opened: the frame of the `hello`, and the time of the start.
    opening: BTreeMap<usize, (Vec<u8>, Instant)>,
    reconnects: Latencies,
    chance: Chance,
}

impl Mixed {
    pub(super) fn run(&self, conditions: &Conditions<'_>) -> Result<Outcome> {
        let shape =
            format!("{} users, groups of {}, {} turns a second", self.users, self.group, self.rate);
        conditions.progress.phase(&format!("mixed, {shape}: preparing"));
        let (users, group) = (usize::try_from(self.users)?, usize::try_from(self.group)?);
        ensure!(users.is_multiple_of(group), "the users do not fill their groups");
        let server = Server::start(conditions.launch, users)?;
        let groups: Vec<_> = server.accounts().chunks(group).collect();
        let conversations = conversations::create(&server, &groups)?;
        let mut mixture = Mixture::connect(&server, &conversations)?;
        conditions.progress.phase(&format!("mixed, {shape}: measuring"));
        mixture.run(conditions.warm_up, self.rate)?;
        mixture.ledger.clear_times();
        mixture.reconnects.clear();
        let (counts, usage, begun) = (mixture.ledger.counts(), server.usage()?, Instant::now());
        mixture.run(conditions.time, self.rate)?;
        let (usage, seconds) = (server.usage()? - usage, begun.elapsed().as_secs_f64());
        let done = mixture.ledger.counts();
        let mut outcome = Outcome::new("mixed", shape);
        outcome.add("deliveries", "/s", float(done.delivered - counts.delivered) / seconds);
        outcome.add("CPU", "ms/s", usage.total().as_secs_f64() * 1_000.0 / seconds);
        outcome.add("user", "ms/s", usage.user.as_secs_f64() * 1_000.0 / seconds);
        outcome.add("kernel", "ms/s", usage.kernel.as_secs_f64() * 1_000.0 / seconds);
        outcome.add_latencies(&mixture.ledger.acknowledgements);
        outcome.add("answered p99", "ms", mixture.ledger.answers.millis(0.99));
        outcome.add("reconnected p99", "ms", mixture.reconnects.millis(0.99));
        outcome.add("resident", "MiB", float(server.memory()?.resident >> 10) / 1024.0);
        Ok(outcome)
    }
}

impl<'a> Mixture<'a> {
    fn connect(server: &'a Server, conversations: &'a [Conversation<'a>]) -> Result<Self> {
        let (mut sockets, mut ledger) = (Sockets::new()?, Ledger::new()?);
        let (mut hellos, mut clients) = (Vec::new(), Vec::new());
        for (number, conversation) in conversations.iter().enumerate() {
            ledger.add_conversation(conversation.head, false);
            for account in conversation.accounts.iter().copied() {
                ledger.add_socket(number);
                clients.push(Client { account, conversation: number, socket: hellos.len() });
                hellos.push(hello(account, None)?);
            }
        }
        Opening::new(&sockets, server.address(), hellos).finish(&mut sockets)?;
        let (opening, chance) = (BTreeMap::new(), Chance::new(1));
        let reconnects = Latencies::new()?;
        Ok(Self { server, sockets, ledger, conversations, clients, opening, reconnects, chance })
    }

    /// Takes turns at this rate until the time is over, then waits until everything has arrived.
    fn run(&mut self, time: Duration, rate: u32) -> Result<()> {
        let (begun, interval) = (Instant::now(), Duration::from_secs(1) / rate);
        let (mut turns, mut progress) = (0, begun);
        loop {
            let next = begun + interval * turns;
            let sending = next < begun + time;
            if sending && next <= Instant::now() {
                self.take_turn(next)?;
                turns += 1;
                continue;
            }
            if !sending && self.is_complete() {
                return Ok(());
            }
            let left = next.saturating_duration_since(Instant::now());
            let wait = if sending { left } else { Duration::from_secs(1) };
            let upgraded = self.read(wait, &mut progress)?;
            for socket in upgraded {
                let (hello, _) = self.opening.get(&socket).context("an upgrade of nothing")?;
                self.sockets.send(socket, hello)?;
            }
            let (counts, opening) = (self.ledger.counts(), self.opening.len());
            ensure!(progress.elapsed() < STALL_MAX, "{counts:?} and {opening} connections");
        }
    }

    fn is_complete(&self) -> bool {
        self.ledger.counts().is_complete() && self.opening.is_empty() && self.ledger.is_answered()
    }

    /// Reads what has arrived and returns the sockets that are upgraded.
    fn read(&mut self, wait: Duration, progress: &mut Instant) -> Result<Vec<usize>> {
        let Self { sockets, ledger, opening, reconnects, .. } = self;
        let mut upgraded = Vec::new();
        sockets.wait(wait, |socket, received, at| {
            *progress = at;
            if matches!(&received, Received::Answer(answer) if answer.status == 101) {
                upgraded.push(socket);
                return Ok(());
            }
            let Received::Text(text) = received else { bail!("unexpected: {received:?}") };
            if event::scan(text) == Incoming::Done(0) {
                let (_, started) = opening.remove(&socket).context("a reply to no hello")?;
                reconnects.record(at.duration_since(started));
                return Ok(());
            }
            ledger.receive(socket, text, at)
        })?;
        Ok(upgraded)
    }

    fn take_turn(&mut self, at: Instant) -> Result<()> {
        let turn = match self.chance.below(20) {
            0..12 => Turn::Text,
            12..15 => Turn::Receipt,
            15..17 => Turn::Typing,
            17..19 => Turn::History,
            _ => Turn::Reconnect,
        };
        let number = usize::try_from(self.chance.below(self.clients.len() as u64))?;
        let socket = self.clients[number].socket;
        if self.opening.contains_key(&socket) {
            // This client is coming back: it takes no turn.
            return Ok(());
        }
        if turn == Turn::Reconnect {
            // Only without a command in progress, whose outcome would be unknown.
            return if self.ledger.outstanding(socket) == 0 {
                self.reconnect(number)
            } else {
                Ok(())
            };
        }
        self.command(turn, number, at)
    }

    fn command(&mut self, turn: Turn, client: usize, at: Instant) -> Result<()> {
        let Client { conversation, socket, .. } = self.clients[client];
        let cursor = self.ledger.cursor(socket);
        let (name, mut command): (_, Value) = match turn {
            Turn::Text => ("send", json!({"text": "x".repeat(128)})),
            Turn::Receipt => ("receipt", json!({"read_seq": cursor})),
            Turn::Typing => ("typing", json!({"on": true})),
            Turn::History | Turn::Reconnect => ("history", json!({"limit": 50})),
        };
        let id = if turn == Turn::Text {
            self.ledger.send(socket, at)
        } else {
            self.ledger.ask(socket, at)
        };
        command["id"] = json!(id);
        command["cmd"] = json!(name);
        command["conversation"] = json!(self.conversations[conversation].id.to_string());
        if turn == Turn::Text {
            command["client_id"] = json!(format!("{socket}-{id}"));
        }
        let mut bytes = Vec::new();
        frame::append_text(&mut bytes, command.to_string().as_bytes())?;
        self.sockets.send(socket, &bytes)
    }

    /// Closes a client's connection without a word and opens another one from its cursor.
    fn reconnect(&mut self, number: usize) -> Result<()> {
        let client = &mut self.clients[number];
        let cursor = self.ledger.cursor(client.socket);
        let id = self.conversations[client.conversation].id;
        let hello = hello(client.account, Some(&[(id, cursor)]))?;
        self.sockets.close(client.socket)?;
        let socket = self.sockets.connect(self.server.address(), Stage::Http)?;
        self.ledger.move_socket(client.socket);
        client.socket = socket;
        self.opening.insert(socket, (hello, Instant::now()));
        self.sockets.send(socket, &http::upgrade())
    }
}
