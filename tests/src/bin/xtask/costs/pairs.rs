//! Pairs of users on two gateways, and what they repeat.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use futures_util::{StreamExt, TryStreamExt, stream};
use tests::{
    chance::Chance,
    client::{User, Ws},
    cluster::Cluster,
    json,
};
use tokio::{
    task::JoinSet,
    time::{Instant, MissedTickBehavior, interval, sleep_until},
};

/// Concurrent calls while the pairs are set up.
const AT_A_TIME: usize = 4;
/// How often resting clients answer pings.
const ANSWER_EVERY: Duration = Duration::from_secs(5);
/// Bytes of each text.
pub(super) const TEXT_BYTES: usize = 128;
/// Bytes of each client id, as many as those of the SDK.
pub(super) const CLIENT_ID_BYTES: usize = 32;

/// A step that is repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// One sends a text, and the other one receives it.
    Send,
    /// The other one moves the read cursor, and the sender receives the receipt.
    Receipt,
    /// One starts or stops typing, and the other one receives that.
    Typing,
    /// One connects again, and resumes.
    Open,
}

impl Step {
    pub(super) const ALL: [Self; 4] = [Self::Send, Self::Receipt, Self::Typing, Self::Open];

    /// Returns true if the user on the second gateway acts, who has not sent the texts.
    pub(super) const fn is_far(self) -> bool {
        matches!(self, Self::Receipt)
    }

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Send => "send a text, deliver it",
            Self::Receipt => "send a receipt, deliver it",
            Self::Typing => "start or stop typing, deliver it",
            Self::Open => "open a session",
        }
    }
}

/// All pairs.
#[derive(Debug)]
pub(super) struct Pairs(Vec<Pair>);

/// A user on the first gateway, and one on the second, with a direct conversation.
#[derive(Debug)]
struct Pair {
    user: User,
    near: Ws,
    far: Ws,
    conversation: String,
    sent: u64,
    receipts: u64,
    chance: Chance,
}

impl Pairs {
    pub(super) async fn connect(cluster: &Cluster, count: u32) -> Result<Self> {
        let urls = cluster.urls();
        let [near, far] = urls.as_slice() else { anyhow::bail!("two gateways") };
        let acquainting = (0..count).map(async |number| {
            let user = User::register(near, &format!("near-{number}")).await?;
            let other = User::register(far, &format!("far-{number}")).await?;
            let conversation = user.acquainted(&other).await?;
            Ok::<_, anyhow::Error>((user, other, conversation))
        });
        let people: Vec<_> = stream::iter(acquainting).buffered(AT_A_TIME).try_collect().await?;
        // Afterwards, because a socket that nobody reads is closed after a while.
        let mut pairs = Vec::new();
        for (number, (user, other, conversation)) in (0_u64..).zip(people) {
            let (near, far) = (user.ws(None).await?, other.ws(None).await?);
            let chance = Chance::new(number);
            pairs.push(Pair { user, near, far, conversation, sent: 0, receipts: 0, chance });
        }
        Ok(Self(pairs))
    }

    /// Does nothing for this time but answer pings.
    pub(super) async fn rest(&mut self, time: Duration) -> Result<()> {
        let end = Instant::now() + time;
        while Instant::now() < end {
            self.answer_pings().await?;
            sleep_until(end.min(Instant::now() + ANSWER_EVERY)).await;
        }
        Ok(())
    }

    async fn answer_pings(&mut self) -> Result<()> {
        for pair in &mut self.0 {
            pair.near.events_so_far().await?;
            pair.far.events_so_far().await?;
        }
        Ok(())
    }

    /// Repeats a step at this rate for this time. Returns how often it was done.
    pub(super) async fn repeat(&mut self, step: Step, rate: u32, time: Duration) -> Result<u32> {
        let count = u32::try_from(self.0.len())?;
        let every = Duration::from_secs(1) * count / rate;
        let end = Instant::now() + time;
        let mut repeating = JoinSet::new();
        for pair in std::mem::take(&mut self.0) {
            repeating.spawn(pair.repeat(step, every, end));
        }
        let mut done = 0;
        while let Some(joined) = repeating.join_next().await {
            let (pair, steps) = joined??;
            self.0.push(pair);
            done += steps;
        }
        ensure!(done > 0, "nothing was done");
        Ok(done)
    }

    /// Returns how many texts were sent.
    pub(super) fn sent(&self) -> u64 {
        self.0.iter().map(|pair| pair.sent).sum()
    }

    /// Adds conversations in which nothing happens to one user, who reads what the gateway says of them.
    pub(super) async fn add_idle_conversations(&mut self, count: u32) -> Result<()> {
        let user = self.0.first().context("no pairs")?.user.clone();
        let titles: Vec<_> = (0..count).map(|number| format!("idle {number}")).collect();
        for titles in titles.chunks(AT_A_TIME * 8) {
            let creating = titles.iter().map(async |title| user.group(title, &[]).await);
            let created = stream::iter(creating).buffer_unordered(AT_A_TIME);
            created.try_for_each(async |_| Ok(())).await?;
            self.answer_pings().await?;
        }
        Ok(())
    }
}

impl Pair {
    async fn repeat(mut self, step: Step, every: Duration, end: Instant) -> Result<(Self, u32)> {
        let mut ticks = interval(every);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut done = 0;
        loop {
            ticks.tick().await;
            if Instant::now() >= end {
                return Ok((self, done));
            }
            match step {
                Step::Send => self.send().await?,
                Step::Receipt => self.send_receipt().await?,
                Step::Typing => self.type_text(done % 2 == 0).await?,
                Step::Open => self.near = self.user.ws(Some(&self.near.heads())).await?,
            }
            done += 1;
        }
    }

    async fn send(&mut self) -> Result<()> {
        self.sent += 1;
        // Nothing to compress, so that the bytes on the disk are an upper bound.
        let name = letters(&mut self.chance, CLIENT_ID_BYTES);
        let text = letters(&mut self.chance, TEXT_BYTES);
        let body = json!({"conversation": self.conversation, "client_id": name, "text": text});
        self.near.ok("send", body).await?;
        self.far.next_of("message").await?;
        self.near.forget_events();
        Ok(())
    }

    async fn send_receipt(&mut self) -> Result<()> {
        self.receipts += 1;
        ensure!(self.receipts <= self.sent, "every text has been read: send more");
        let seq = self.receipts;
        let body = json!({
            "conversation": self.conversation, "delivered_seq": seq, "read_seq": seq
        });
        self.far.ok("receipt", body).await?;
        self.near.next_of("receipt").await?;
        self.far.forget_events();
        Ok(())
    }

    async fn type_text(&mut self, on: bool) -> Result<()> {
        let body = json!({"conversation": self.conversation, "on": on});
        self.near.ok("typing", body).await?;
        self.far.next_of("typing").await?;
        Ok(())
    }
}

fn letters(chance: &mut Chance, count: usize) -> String {
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    (0..count).filter_map(|_| chance.one_of(LETTERS)).map(|letter| char::from(*letter)).collect()
}
