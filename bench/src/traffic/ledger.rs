//! Counts every acknowledgement and every delivery.
//!
//! Each socket reads one conversation. Its entries must have successive seqs, so a missing, repeated
//! or reordered delivery is an error at once.

use std::collections::VecDeque;

use anyhow::{Context, Result, bail, ensure};
use tokio::time::Instant;

use crate::{
    event::{self, Incoming},
    latencies::Latencies,
};

/// What one socket has received and sent.
#[derive(Debug)]
struct Peer {
    conversation: usize,
    next_seq: u64,
    next_id: u64,
    /// The commands without a reply, oldest first.
    waiting: VecDeque<Waiting>,
}

/// A command without a reply.
#[derive(Debug, Clone, Copy)]
struct Waiting {
    id: u64,
    at: Instant,
    is_send: bool,
}

/// What has happened in one conversation.
#[derive(Debug, Default)]
struct Tally {
    /// The seq before the first send.
    base: u64,
    sockets: u64,
    sent: u64,
    acknowledged: u64,
    delivered: u64,
    /// The time of each send, if the times of deliveries are wanted.
    sent_at: Option<Vec<Instant>>,
}

/// The counts of all conversations and sockets.
#[derive(Debug)]
pub(crate) struct Ledger {
    peers: Vec<Peer>,
    tallies: Vec<Tally>,
    pub(crate) acknowledgements: Latencies,
    pub(crate) deliveries: Latencies,
    /// The times of replies to other commands than sends.
    pub(crate) answers: Latencies,
    /// Events that are not entries, such as receipts.
    pub(crate) other_events: u64,
    counts: Counts,
    /// Conversations in which something was acknowledged or delivered to everybody.
    due: Vec<usize>,
}

/// Counts since the start, over all conversations.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) sent: u64,
    pub(crate) acknowledged: u64,
    pub(crate) delivered: u64,
    /// The deliveries that the sends must cause.
    pub(crate) expected: u64,
}

impl Ledger {
    pub(crate) fn new() -> Result<Self> {
        Ok(Self {
            peers: Vec::new(),
            tallies: Vec::new(),
            acknowledgements: Latencies::new()?,
            deliveries: Latencies::new()?,
            answers: Latencies::new()?,
            other_events: 0,
            counts: Counts::default(),
            due: Vec::new(),
        })
    }

    /// Adds a conversation whose head is `base`, and returns its number. The times of deliveries can
    /// be measured only if all sends of the conversation use one socket.
    pub(crate) fn add_conversation(&mut self, base: u64, times_deliveries: bool) -> usize {
        let sent_at = times_deliveries.then(Vec::new);
        self.tallies.push(Tally { base, sent_at, ..Tally::default() });
        self.tallies.len() - 1
    }

    /// Adds the next socket, which reads this conversation.
    pub(crate) fn add_socket(&mut self, conversation: usize) {
        let tally = &mut self.tallies[conversation];
        tally.sockets += 1;
        let (next_seq, waiting) = (tally.base + 1, VecDeque::new());
        self.peers.push(Peer { conversation, next_seq, next_id: 1, waiting });
    }

    /// Counts a send of this socket that is due at `at`, and returns the command's id.
    pub(crate) fn send(&mut self, socket: usize, at: Instant) -> u64 {
        let tally = &mut self.tallies[self.peers[socket].conversation];
        tally.sent += 1;
        self.counts.sent += 1;
        self.counts.expected += tally.sockets;
        if let Some(times) = &mut tally.sent_at {
            times.push(at);
        }
        self.peers[socket].begin(at, true)
    }

    /// Counts another command of this socket, about its conversation, and returns the command's id.
    pub(crate) fn ask(&mut self, socket: usize, at: Instant) -> u64 {
        self.peers[socket].begin(at, false)
    }

    /// Continues a closed socket, which waits for no reply, as the next socket.
    pub(crate) fn move_socket(&mut self, closed: usize) {
        let Peer { conversation, next_seq, .. } = self.peers[closed];
        self.peers.push(Peer { conversation, next_seq, next_id: 1, waiting: VecDeque::new() });
    }

    /// Counts what a socket received at `at`. Fails if it is not exactly what is due.
    pub(crate) fn receive(&mut self, socket: usize, text: &[u8], at: Instant) -> Result<()> {
        match event::scan(text) {
            Incoming::Entry(seq) => self.receive_entry(socket, seq, at),
            Incoming::Done(id) => self.receive_acknowledgement(socket, id, at),
            Incoming::Refused => bail!("refused: {}", String::from_utf8_lossy(text)),
            Incoming::Other => {
                self.other_events += 1;
                Ok(())
            }
        }
    }

    /// Counts the delivery of one entry.
    pub(crate) fn receive_entry(&mut self, socket: usize, seq: u64, at: Instant) -> Result<()> {
        let peer = &mut self.peers[socket];
        ensure!(seq == peer.next_seq, "a delivery of seq {seq} instead of {}", peer.next_seq);
        peer.next_seq += 1;
        let tally = &mut self.tallies[peer.conversation];
        let number = seq - tally.base;
        ensure!(number <= tally.sent, "a delivery of seq {seq}, which was not sent");
        tally.delivered += 1;
        self.counts.delivered += 1;
        if let Some(times) = &tally.sent_at {
            let sent = times[usize::try_from(number - 1)?];
            self.deliveries.record(at.saturating_duration_since(sent));
        }
        if tally.is_complete() {
            self.due.push(peer.conversation);
        }
        Ok(())
    }

    fn receive_acknowledgement(&mut self, socket: usize, id: u64, at: Instant) -> Result<()> {
        let peer = &mut self.peers[socket];
        let waiting = peer.waiting.pop_front().context("an extra acknowledgement")?;
        ensure!(id == waiting.id, "an acknowledgement of {id} instead of {}", waiting.id);
        let took = at.saturating_duration_since(waiting.at);
        if !waiting.is_send {
            self.answers.record(took);
            return Ok(());
        }
        self.acknowledgements.record(took);
        self.tallies[peer.conversation].acknowledged += 1;
        self.counts.acknowledged += 1;
        self.due.push(peer.conversation);
        Ok(())
    }

    /// Moves the conversations in which something happened into `due`.
    pub(crate) fn take_due(&mut self, due: &mut Vec<usize>) {
        due.append(&mut self.due);
    }

    /// Returns how many commands of a socket have no reply.
    pub(crate) fn outstanding(&self, socket: usize) -> usize {
        self.peers[socket].waiting.len()
    }

    /// Returns true if every command has a reply.
    pub(crate) fn is_answered(&self) -> bool {
        self.peers.iter().all(|peer| peer.waiting.is_empty())
    }

    /// Returns true if everything sent to a conversation is acknowledged and delivered.
    pub(crate) fn is_complete(&self, conversation: usize) -> bool {
        self.tallies[conversation].is_complete()
    }

    /// Returns the seq up to which a socket has every entry.
    pub(crate) fn cursor(&self, socket: usize) -> u64 {
        self.peers[socket].next_seq - 1
    }

    /// Returns how many texts were sent to a conversation.
    pub(crate) fn sent(&self, conversation: usize) -> u64 {
        self.tallies[conversation].sent
    }

    /// Returns the counts of all conversations together.
    pub(crate) const fn counts(&self) -> Counts {
        self.counts
    }

    /// Starts the histograms again.
    pub(crate) fn clear_times(&mut self) {
        self.acknowledgements.clear();
        self.deliveries.clear();
        self.answers.clear();
        self.other_events = 0;
    }
}

impl Peer {
    /// Adds a command that waits for its reply, and returns its id.
    fn begin(&mut self, at: Instant, is_send: bool) -> u64 {
        let id = self.next_id;
        self.next_id += 1;
        self.waiting.push_back(Waiting { id, at, is_send });
        id
    }
}

impl Tally {
    const fn is_complete(&self) -> bool {
        self.acknowledged == self.sent && self.delivered == self.sent * self.sockets
    }
}

impl Counts {
    /// Returns true if nothing is missing.
    pub(crate) const fn is_complete(self) -> bool {
        self.acknowledged == self.sent && self.delivered == self.expected
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One conversation with head 2 and two sockets.
    fn ledger() -> Ledger {
        let mut ledger = Ledger::new().unwrap();
        let conversation = ledger.add_conversation(2, true);
        ledger.add_socket(conversation);
        ledger.add_socket(conversation);
        ledger
    }

    fn entry(seq: u64) -> Vec<u8> {
        format!(r#"{{"ev":"message","conversation":"1","seq":{seq},"text":"x"}}"#).into_bytes()
    }

    #[test]
    fn conversation_is_complete_when_everybody_has_everything() {
        let (mut ledger, at) = (ledger(), Instant::now());
        let id = ledger.send(0, at);
        assert!(!ledger.is_complete(0));
        ledger.receive(0, &entry(3), at).unwrap();
        ledger.receive(0, format!(r#"{{"re":{id},"ok":{{}}}}"#).as_bytes(), at).unwrap();
        assert!(!ledger.is_complete(0));
        ledger.receive(1, &entry(3), at).unwrap();
        assert!(ledger.is_complete(0));
        let counts = Counts { sent: 1, acknowledged: 1, delivered: 2, expected: 2 };
        assert_eq!(ledger.counts(), counts);
        assert!(counts.is_complete());
        assert_eq!((ledger.acknowledgements.count(), ledger.deliveries.count()), (1, 2));
    }

    #[test]
    fn missing_repeated_and_invented_deliveries_fail() {
        for bad in [2, 4] {
            let mut ledger = ledger();
            ledger.send(0, Instant::now());
            ledger.send(0, Instant::now());
            assert!(ledger.receive(1, &entry(bad), Instant::now()).is_err(), "{bad}");
        }
        let mut ledger = ledger();
        ledger.send(0, Instant::now());
        ledger.receive(1, &entry(3), Instant::now()).unwrap();
        assert!(ledger.receive(1, &entry(3), Instant::now()).is_err());
        assert!(ledger.receive(1, &entry(4), Instant::now()).is_err());
    }

    #[test]
    fn extra_and_wrong_acknowledgements_fail() {
        let mut ledger = ledger();
        let id = ledger.send(0, Instant::now());
        let text = |id: u64| format!(r#"{{"re":{id},"ok":{{}}}}"#).into_bytes();
        assert!(ledger.receive(1, &text(id), Instant::now()).is_err());
        assert!(ledger.receive(0, &text(id + 1), Instant::now()).is_err());
        let mut ledger = self::ledger();
        let id = ledger.send(0, Instant::now());
        ledger.receive(0, &text(id), Instant::now()).unwrap();
        assert!(ledger.receive(0, &text(id), Instant::now()).is_err());
        assert!(ledger.receive(0, br#"{"re":9,"error":{}}"#, Instant::now()).is_err());
    }
}
