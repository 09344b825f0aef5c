//! Searches in many conversations: the rate of indexing, the size of the index, and the time of a page.

use std::{fs, path::Path, time::Duration};

use anyhow::{Result, bail, ensure};
use backends::{
    embedded::{Embedded, EmbeddedConfig},
    search::LocalSearch,
};
use clap::Args;
use tokio::{runtime, time::Instant};

use super::{Conditions, cpu_each};
use crate::{
    chance::Chance,
    event, http, logs,
    outcome::{Outcome, float, ratio},
    readers::{Questions, Readers},
    server::Server,
    sockets::Received,
};

/// The conversations and the user who searches.
#[derive(Debug, Clone, Args)]
pub(crate) struct Search {
    /// Messages in all conversations together
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u64).range(1_000..=100_000_000))]
    messages: u64,
    /// Conversations
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u64).range(1..=10_000))]
    conversations: u64,
    /// Conversations of the user who searches
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u64).range(1..=10_000))]
    member_of: u64,
    /// Searches outstanding, each on its own connection
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=100))]
    readers: u32,
    /// Messages of a page
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..=100))]
    page: u64,
}

/// What was written before the server started.
struct Filled {
    text_bytes: u64,
    index_bytes: u64,
    indexed: u64,
    indexing: Duration,
}

impl Search {
    pub(super) fn run(&self, conditions: &Conditions<'_>) -> Result<Outcome> {
        let shape = format!(
            "{} messages in {} conversations, a member of {}, {} at a time",
            self.messages, self.conversations, self.member_of, self.readers
        );
        ensure!(!conditions.launch.register, "the search scenario writes into the embedded store");
        conditions.progress.phase(&format!("search, {shape}: filling"));
        let (server, filled) =
            Server::prepared(conditions.launch, 2, |folder, users| self.fill(folder, users))?;
        conditions.progress.phase(&format!("search, {shape}: measuring"));
        let mut searches = Searches {
            token: &server.accounts()[1].token,
            page: self.page,
            chance: Chance::new(1),
            found: 0,
        };
        let mut readers = Readers::connect(server.address(), self.readers)?;
        readers.run(conditions.warm_up, &mut searches)?;
        readers.latencies.clear();
        searches.found = 0;
        let (usage, begun) = (server.usage()?, Instant::now());
        readers.run(conditions.time, &mut searches)?;
        let (usage, elapsed) = (server.usage()? - usage, begun.elapsed());
        let count = readers.latencies.count();
        let mut outcome = Outcome::new("search", shape);
        outcome.add("indexed", "/s", float(filled.indexed) / filled.indexing.as_secs_f64());
        outcome.add("index/text", "", ratio(filled.index_bytes, filled.text_bytes));
        outcome.add("searches", "/s", float(count) / elapsed.as_secs_f64());
        outcome.add("found", "", ratio(searches.found, count));
        outcome.add("CPU/search", "us", cpu_each(usage, count)[2]);
        outcome.add_latencies(&readers.latencies);
        outcome.add("resident", "MiB", float(server.memory()?.resident >> 10) / 1024.0);
        Ok(outcome)
    }

    /// Writes the messages, and makes their index.
    fn fill(&self, folder: &Path, users: &[u64]) -> Result<Filled> {
        let [owner, member] = users[..] else { bail!("two users") };
        let runtime = runtime::Builder::new_multi_thread().enable_time().build()?;
        let each = self.messages / self.conversations;
        let users = [owner, member];
        let text_bytes = runtime.block_on(logs::write(
            folder,
            users,
            self.conversations,
            self.member_of,
            each,
        ))?;
        let embedded = Embedded::open(&EmbeddedConfig::new(folder))?;
        let index = folder.join("search");
        let search = LocalSearch::open(&index)?;
        let begun = Instant::now();
        let stores = embedded.stores();
        let indexed = runtime.block_on(chat_core::search::rebuild(&stores, &search))?;
        let indexing = begun.elapsed();
        drop((stores, search));
        embedded.close();
        let mut index_bytes = 0;
        for file in fs::read_dir(&index)? {
            index_bytes += file?.metadata()?.len();
        }
        Ok(Filled { text_bytes, index_bytes, indexed: indexed.messages, indexing })
    }
}

/// Searches for random words.
struct Searches<'a> {
    token: &'a str,
    page: u64,
    chance: Chance,
    /// The number of messages found.
    found: u64,
}

impl Questions for Searches<'_> {
    /// Searches for one to three words, as frequent as in texts. The last one is unfinished each second
    /// time.
    fn ask(&mut self, _: usize) -> Vec<u8> {
        let count = 1 + self.chance.below(3);
        let mut words: Vec<String> =
            (0..count).map(|_| logs::word(logs::random_rank(&mut self.chance))).collect();
        if let Some(last) = words.last_mut().filter(|_| self.chance.below(2) == 0) {
            last.truncate(last.len().div_ceil(2).max(3));
        }
        http::get(&format!("/v1/search?q={}&limit={}", words.join("+"), self.page), self.token)
    }

    fn check(&mut self, _: usize, received: &Received<'_>) -> Result<()> {
        self.found += messages_in(received)?;
        Ok(())
    }
}

/// Returns the number of messages on a page. Fails if this is not a page.
fn messages_in(received: &Received<'_>) -> Result<u64> {
    let Received::Answer(answer) = received else { bail!("unexpected: {received:?}") };
    ensure!(answer.status == 200, "status {}", answer.status);
    Ok(event::seqs(answer.body).count() as u64)
}
