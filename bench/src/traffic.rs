//! Sends in conversations over WebSockets, at a pace, with everything counted.

pub(crate) mod ledger;

use std::{
    io::Write,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use anyhow::{Result, bail, ensure};
use tokio::time::Instant;

use self::ledger::{Counts, Ledger};
use crate::{
    calls::STALL_MAX,
    conversations::Conversation,
    frame,
    latencies::Latencies,
    opening::{Opening, hello},
    server::Server,
    sockets::{Received, Sockets},
    usage::Usage,
};

/// Commands that the server works on for one WebSocket.
const IN_PROGRESS_MAX: usize = 32;
/// The longest wait for sockets.
const LONG_WAIT: Duration = Duration::from_secs(1);

/// When the next text is sent.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Pace {
    /// When everybody has the one before.
    EachDelivered,
    /// So that this many are outstanding in each conversation.
    Waiting(usize),
    /// This many a second, over all conversations together.
    PerSecond(f64),
}

/// How long texts are sent.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Until<'a> {
    /// For this time.
    Time(Duration),
    /// Until this many were sent in each conversation since it was connected.
    SentInEach(u64),
    /// Until this is true. With [`Pace::PerSecond`], one message is sent at least.
    Stopped(&'a AtomicBool),
}

impl Until<'_> {
    /// Returns the most that are sent in a conversation.
    const fn most(self) -> u64 {
        match self {
            Self::SentInEach(count) => count,
            Self::Time(_) | Self::Stopped(_) => u64::MAX,
        }
    }
}

/// The sockets that send in one conversation.
#[derive(Debug)]
struct Line {
    conversation: String,
    senders: Vec<usize>,
}

/// Connected clients that send and count.
#[derive(Debug)]
pub(crate) struct Traffic {
    sockets: Sockets,
    ledger: Ledger,
    lines: Vec<Line>,
    pace: Pace,
    text: String,
    command: Vec<u8>,
    bytes: Vec<u8>,
}

/// What a measured time of traffic has given.
#[derive(Debug)]
pub(crate) struct Measured {
    pub(crate) elapsed: Duration,
    pub(crate) usage: Usage,
    pub(crate) sends: u64,
    pub(crate) deliveries: u64,
    pub(crate) other_events: u64,
    pub(crate) acknowledged: Latencies,
    pub(crate) delivered: Latencies,
    /// Bytes of one delivery with its frame.
    pub(crate) delivery_bytes: usize,
}

impl Traffic {
    /// Connects everybody. A text has `text_bytes` bytes.
    pub(crate) fn connect(
        server: &Server,
        conversations: &[Conversation<'_>],
        pace: Pace,
        text_bytes: usize,
    ) -> Result<Self> {
        let mut sockets = Sockets::new()?;
        let mut ledger = Ledger::new()?;
        let mut lines = Vec::new();
        let mut hellos = Vec::new();
        let senders = match pace {
            Pace::EachDelivered | Pace::PerSecond(_) => 1,
            Pace::Waiting(outstanding) => outstanding.div_ceil(IN_PROGRESS_MAX).max(1),
        };
        for conversation in conversations {
            let number = ledger.add_conversation(conversation.head, senders == 1);
            let first = hellos.len();
            let extra = conversation.accounts.iter().take(1).cycle().take(senders - 1);
            for account in extra.chain(&conversation.accounts) {
                hellos.push(hello(account, None)?);
                ledger.add_socket(number);
            }
            let senders = (first..first + senders).collect();
            lines.push(Line { conversation: conversation.id.to_string(), senders });
        }
        Opening::new(&sockets, server.address(), hellos).finish(&mut sockets)?;
        let text = "x".repeat(text_bytes);
        Ok(Self { sockets, ledger, lines, pace, text, command: Vec::new(), bytes: Vec::new() })
    }

    /// Runs without measuring.
    pub(crate) fn warm_up(&mut self, until: Until<'_>) -> Result<()> {
        self.run(until)?;
        self.ledger.clear_times();
        Ok(())
    }

    /// Runs until the end and until everything is delivered, and measures.
    pub(crate) fn measure(&mut self, server: &Server, until: Until<'_>) -> Result<Measured> {
        let last = self.sockets.len() - 1;
        let (counts, bytes) = (self.ledger.counts(), self.sockets.bytes_read(last));
        let (usage, begun) = (server.usage()?, Instant::now());
        self.run(until)?;
        let (elapsed, usage) = (begun.elapsed(), server.usage()? - usage);
        let done = self.ledger.counts();
        self.check_nothing_follows()?;
        let (sends, deliveries) = (done.sent - counts.sent, done.delivered - counts.delivered);
        ensure!(sends > 0, "nothing was sent");
        ensure!(self.ledger.acknowledgements.count() == sends, "an acknowledgement without a time");
        let of_last = sends / u64::try_from(self.lines.len())?;
        let bytes =
            (self.sockets.bytes_read(last) - bytes).checked_div(of_last).unwrap_or_default();
        Ok(Measured {
            elapsed,
            usage,
            sends,
            deliveries,
            other_events: self.ledger.other_events,
            acknowledged: self.ledger.acknowledgements.clone(),
            delivered: self.ledger.deliveries.clone(),
            delivery_bytes: usize::try_from(bytes)?,
        })
    }

    /// Sends at the pace until the end, then waits until everything is delivered.
    fn run(&mut self, until: Until<'_>) -> Result<()> {
        let begun = Instant::now();
        let mut schedule = Schedule::new(self.pace, begun, until);
        let mut due: Vec<usize> = (0..self.lines.len()).collect();
        let mut progress = (begun, self.ledger.counts());
        let target = until.most().saturating_mul(self.lines.len() as u64);
        loop {
            let counts = self.ledger.counts();
            if !schedule.is_over() && counts.sent < target {
                self.send_due(&mut due, &mut schedule, until.most())?;
            } else if counts.is_complete() {
                return Ok(());
            }
            due.clear();
            let Self { sockets, ledger, .. } = self;
            sockets.wait(schedule.wait(), |socket, received, at| match received {
                Received::Text(text) => ledger.receive(socket, text, at),
                Received::Answer(answer) => bail!("unexpected: {answer:?}"),
            })?;
            ledger.take_due(&mut due);
            self.check_progress(&due, &mut progress)?;
        }
    }

    /// Sends what is due now: where something happened, or by the clock.
    fn send_due(
        &mut self,
        due: &mut Vec<usize>,
        schedule: &mut Schedule<'_>,
        most: u64,
    ) -> Result<()> {
        if let Pace::PerSecond(_) = self.pace {
            while let Some((number, at)) = schedule.next_due() {
                let line = number % self.lines.len();
                self.send(self.lines[line].senders[0], line, at)?;
            }
            return Ok(());
        }
        for line in due.drain(..) {
            match self.pace {
                Pace::EachDelivered
                    if self.ledger.is_complete(line) && self.ledger.sent(line) < most =>
                {
                    self.send(self.lines[line].senders[0], line, Instant::now())?;
                }
                Pace::Waiting(outstanding) => self.fill(line, outstanding, most)?,
                Pace::EachDelivered | Pace::PerSecond(_) => {}
            }
        }
        Ok(())
    }

    /// Sends until the wanted number of sends is outstanding, shared by the conversation's senders, or
    /// until `most` were sent.
    fn fill(&mut self, line: usize, outstanding: usize, most: u64) -> Result<()> {
        let senders = self.lines[line].senders.len();
        for turn in 0..senders {
            let socket = self.lines[line].senders[turn];
            let share = (outstanding + senders - 1 - turn) / senders;
            while self.ledger.outstanding(socket) < share && self.ledger.sent(line) < most {
                self.send(socket, line, Instant::now())?;
            }
        }
        Ok(())
    }

    fn send(&mut self, socket: usize, line: usize, at: Instant) -> Result<()> {
        let id = self.ledger.send(socket, at);
        let (conversation, text) = (&self.lines[line].conversation, &self.text);
        self.command.clear();
        write!(
            self.command,
            r#"{{"id":{id},"cmd":"send","conversation":"{conversation}","client_id":"{socket}-{id}","text":"{text}"}}"#
        )?;
        self.bytes.clear();
        frame::append_text(&mut self.bytes, &self.command)?;
        self.sockets.send(socket, &self.bytes)
    }

    /// Fails if nothing has arrived for long.
    fn check_progress(&self, due: &[usize], progress: &mut (Instant, Counts)) -> Result<()> {
        if !due.is_empty() {
            progress.0 = Instant::now();
        }
        if progress.0.elapsed() < STALL_MAX {
            return Ok(());
        }
        let counts = self.ledger.counts();
        let moved = counts != progress.1;
        *progress = (Instant::now(), counts);
        ensure!(
            moved || counts.is_complete(),
            "missing after {} s: {} acknowledgements and {} deliveries",
            STALL_MAX.as_secs(),
            counts.sent - counts.acknowledged,
            counts.expected - counts.delivered,
        );
        Ok(())
    }

    /// Fails if a socket has received more than everything that was sent. The reply to a ping comes
    /// after whatever the server has written before.
    fn check_nothing_follows(&mut self) -> Result<()> {
        const PING: u64 = u64::MAX >> 11;
        self.bytes.clear();
        let ping = format!(r#"{{"id":{PING},"cmd":"ping"}}"#);
        frame::append_text(&mut self.bytes, ping.as_bytes())?;
        let reply = format!(r#"{{"re":{PING},"ok":"#);
        for socket in 0..self.sockets.len() {
            self.sockets.send(socket, &self.bytes)?;
        }
        let (mut left, begun) = (self.sockets.len(), Instant::now());
        while left > 0 {
            let Self { sockets, ledger, .. } = self;
            sockets.wait(LONG_WAIT, |socket, received, at| match received {
                Received::Text(text) if text.starts_with(reply.as_bytes()) => {
                    left -= 1;
                    Ok(())
                }
                Received::Text(text) => ledger.receive(socket, text, at),
                Received::Answer(answer) => bail!("unexpected: {answer:?}"),
            })?;
            ensure!(begun.elapsed() < STALL_MAX, "{left} sockets do not answer");
        }
        Ok(())
    }
}

/// The times of the sends of [`Pace::PerSecond`], and the end of a run.
struct Schedule<'a> {
    interval: Option<Duration>,
    begun: Instant,
    end: Option<Instant>,
    stopped: Option<&'a AtomicBool>,
    sent: u32,
}

impl<'a> Schedule<'a> {
    fn new(pace: Pace, begun: Instant, until: Until<'a>) -> Self {
        let interval = match pace {
            Pace::PerSecond(rate) => Some(Duration::from_secs_f64(1.0 / rate)),
            Pace::EachDelivered | Pace::Waiting(_) => None,
        };
        let (end, stopped) = match until {
            Until::Time(time) => (Some(begun + time), None),
            Until::SentInEach(_) => (None, None),
            Until::Stopped(stopped) => (None, Some(stopped)),
        };
        Self { interval, begun, end, stopped, sent: 0 }
    }

    fn is_over(&self) -> bool {
        let is_stopped = self.stopped.is_some_and(|stopped| stopped.load(Ordering::Relaxed));
        let has_begun = self.interval.is_none() || self.sent > 0;
        self.end.is_some_and(|end| Instant::now() >= end) || (is_stopped && has_begun)
    }

    /// Returns the number and the time of the next send if that time has come.
    fn next_due(&mut self) -> Option<(usize, Instant)> {
        let at = self.begun + self.interval? * self.sent;
        if at > Instant::now() || self.end.is_some_and(|end| at >= end) {
            return None;
        }
        self.sent += 1;
        Some((usize::try_from(self.sent - 1).ok()?, at))
    }

    /// Returns how long nothing is due by the clock.
    fn wait(&self) -> Duration {
        let next = self.interval.map(|interval| self.begun + interval * self.sent);
        let first = next.into_iter().chain(self.end).min();
        let wait = first.map(|first| first.saturating_duration_since(Instant::now()));
        if self.is_over() { LONG_WAIT } else { wait.unwrap_or(LONG_WAIT).min(LONG_WAIT) }
    }
}
