//! Readers of one long conversation: the cost and the time of a page of history.

use anyhow::{Result, bail, ensure};
use clap::Args;
use tokio::time::Instant;

use super::{Conditions, cpu_each};
use crate::{
    chance::Chance,
    conversations, event, http,
    outcome::{Outcome, float},
    readers::{Questions, Readers},
    seed::Account,
    server::Server,
    sockets::Received,
    traffic::{Pace, Traffic, Until},
};

/// Sends outstanding while the conversation is filled.
const FILLING: usize = 256;

/// The conversation and its readers.
#[derive(Debug, Clone, Args)]
pub(crate) struct History {
    /// Entries of the conversation
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u64).range(100..=10_000_000))]
    entries: u64,
    /// Calls outstanding, each on its own connection
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    readers: u32,
    /// Entries of a page
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u64).range(1..=100))]
    page: u64,
}

/// Reads random pages.
struct Pages<'a> {
    reader: &'a Account,
    conversation: u64,
    head: u64,
    page: u64,
    chance: Chance,
    /// For each socket, the first seq of the page that it waits for.
    firsts: Vec<u64>,
}

impl History {
    pub(super) fn run(&self, conditions: &Conditions<'_>) -> Result<Outcome> {
        let shape =
            format!("{} entries, pages of {}, {} readers", self.entries, self.page, self.readers);
        conditions.progress.phase(&format!("history, {shape}: filling"));
        let server = Server::start(conditions.launch, 2)?;
        let conversations = conversations::create(&server, &[server.accounts()])?;
        let mut traffic = Traffic::connect(&server, &conversations, Pace::Waiting(FILLING), 128)?;
        traffic.warm_up(Until::SentInEach(self.entries))?;
        drop(traffic);
        conditions.progress.phase(&format!("history, {shape}: measuring"));
        let mut questions = Pages {
            reader: &server.accounts()[0],
            conversation: conversations[0].id,
            head: conversations[0].head + self.entries,
            page: self.page,
            chance: Chance::new(1),
            firsts: vec![0; usize::try_from(self.readers)?],
        };
        let mut readers = Readers::connect(server.address(), self.readers)?;
        readers.run(conditions.warm_up, &mut questions)?;
        readers.latencies.clear();
        let (usage, begun) = (server.usage()?, Instant::now());
        readers.run(conditions.time, &mut questions)?;
        let (usage, elapsed) = (server.usage()? - usage, begun.elapsed());
        let pages = readers.latencies.count();
        let [user, kernel, cpu] = cpu_each(usage, pages);
        let mut outcome = Outcome::new("history", shape);
        outcome.add("pages", "/s", float(pages) / elapsed.as_secs_f64());
        outcome.add("CPU/page", "us", cpu);
        outcome.add("user", "us", user);
        outcome.add("kernel", "us", kernel);
        outcome.add_latencies(&readers.latencies);
        outcome.add("resident", "MiB", float(server.memory()?.resident >> 10) / 1024.0);
        Ok(outcome)
    }
}

impl Questions for Pages<'_> {
    fn ask(&mut self, socket: usize) -> Vec<u8> {
        let first = 1 + self.chance.below(self.head - self.page + 1);
        let (after, page) = (first - 1, self.page);
        let path = format!(
            "/v1/conversations/{}/messages?after_seq={after}&limit={page}",
            self.conversation
        );
        self.firsts[socket] = first;
        http::get(&path, &self.reader.token)
    }

    fn check(&mut self, socket: usize, received: &Received<'_>) -> Result<()> {
        check_page(received, self.firsts[socket], self.page)
    }
}

/// Fails unless this is a page with exactly the wanted entries.
fn check_page(received: &Received<'_>, first: u64, count: u64) -> Result<()> {
    let Received::Answer(answer) = received else { bail!("unexpected: {received:?}") };
    ensure!(answer.status == 200, "status {}", answer.status);
    let mut next = first;
    for seq in event::seqs(answer.body) {
        ensure!(seq == next, "seq {seq} instead of {next}");
        next += 1;
    }
    ensure!(next == first + count, "{} entries instead of {count}", next - first);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::Answer;

    /// Checks a page with these entries, where 3, 4 and 5 are wanted.
    fn check(status: u16, seqs: &[u64]) -> Result<()> {
        let entries: Vec<_> = seqs.iter().map(|seq| format!(r#"{{"seq":{seq}}}"#)).collect();
        let body = format!(r#"{{"items":[{}],"head_seq":9}}"#, entries.join(","));
        check_page(&Received::Answer(Answer { status, body: body.as_bytes() }), 3, 3)
    }

    #[test]
    fn page_with_a_missing_or_extra_entry_fails() {
        assert!(check(200, &[3, 4, 5]).is_ok());
        assert!(check(500, &[3, 4, 5]).is_err());
        for bad in [&[3, 5][..], &[3, 4], &[3, 4, 5, 6], &[4, 5, 6], &[3, 3, 4], &[]] {
            assert!(check(200, bad).is_err(), "{bad:?}");
        }
    }
}
