//! Senders and followers on all gateways, who go on while servers fail.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
    time::Duration,
};

use anyhow::{Context, Result, bail};
use parking_lot::Mutex;
use tokio::{
    sync::watch,
    task::JoinSet,
    time::{Instant, Interval, MissedTickBehavior, interval, sleep},
};

use crate::{
    chance::Chance,
    checker::{History, SendOutcome, Ticks},
    client::{Cursors, User, Ws},
    figures::Figures,
    patience::{LATER, eventually},
    record::{Follower, Line, Writer, joined, read_whole},
    session::{PollSession, Session, WsSession},
};

/// The pause after a refused text or connection.
const REST: Duration = Duration::from_millis(100);
/// The notes of a follower that are kept.
const NOTES_MAX: usize = 24;
const THE_END: &str = "the end";

/// The gateways' current addresses.
type Urls = watch::Receiver<Vec<String>>;

/// How many senders and followers there are, and what they do.
#[derive(Debug, Clone)]
pub(crate) struct Load {
    /// A part of the usernames, for several loads on the same servers.
    pub(crate) name: String,
    /// Half of them use sockets, the others REST.
    pub(crate) senders: usize,
    /// Half of them use sockets, the others polls.
    pub(crate) followers: usize,
    pub(crate) conversations: usize,
    /// The texts a second of all senders together.
    pub(crate) rate: u32,
    /// The time that a follower stays on one gateway.
    pub(crate) stay: Duration,
}

/// All senders and followers.
#[derive(Debug)]
pub(crate) struct People {
    ticks: Arc<Ticks>,
    sender: User,
    reader: User,
    conversations: Vec<String>,
    over: watch::Sender<bool>,
    senders: JoinSet<Result<History>>,
    followers: JoinSet<Result<History>>,
    /// The last seq of each conversation. Empty until all have ended.
    ends: watch::Sender<Cursors>,
    unfinished: Unfinished,
}

/// What each follower did last that has not finished, by its name.
type Unfinished = Arc<Mutex<BTreeMap<String, VecDeque<String>>>>;

impl People {
    /// Starts senders and followers.
    pub(crate) async fn gather(
        load: &Load,
        mut chance: Chance,
        urls: Urls,
        figures: &Arc<Figures>,
    ) -> Result<Self> {
        let url = urls.borrow().first().cloned().unwrap_or_default();
        let sender = User::register(&url, &format!("sender{}", load.name)).await?;
        let reader = User::register(&url, &format!("reader{}", load.name)).await?;
        let mut conversations = Vec::new();
        for number in 0..load.conversations {
            conversations.push(sender.group(&format!("group {number}"), &[&reader]).await?);
        }
        let (over, is_over) = watch::channel(false);
        let mut people = Self {
            ticks: Arc::default(),
            sender,
            reader,
            conversations,
            over,
            senders: JoinSet::new(),
            followers: JoinSet::new(),
            ends: watch::Sender::default(),
            unfinished: Unfinished::default(),
        };
        people.begin(load, &mut chance, &urls, &is_over, figures);
        Ok(people)
    }

    fn begin(
        &mut self,
        load: &Load,
        chance: &mut Chance,
        urls: &Urls,
        over: &watch::Receiver<bool>,
        figures: &Arc<Figures>,
    ) {
        let senders = u32::try_from(load.senders).unwrap_or(u32::MAX);
        let pause = Duration::from_secs(1) * senders / load.rate.max(1);
        for number in 0..load.senders {
            let sender = Sender {
                name: format!("s{number}"),
                user: self.sender.clone(),
                conversation: self.conversations[number % load.conversations].clone(),
                place: GatewayChoice { urls: urls.clone(), chance: chance.split() },
                writer: Writer::new(Arc::clone(&self.ticks)),
                figures: Arc::clone(figures),
                over: over.clone(),
                count: 0,
                open: None,
            };
            self.senders.spawn(sender.send_all(pause, number % 2 == 0));
        }
        for number in 0..load.followers {
            let over_ws = number % 2 == 0;
            let follower = Following {
                name: format!("f{number} over {}", if over_ws { "a socket" } else { "polls" }),
                reader: self.reader.clone(),
                follower: Follower::new(&self.reader, Cursors::new()),
                place: GatewayChoice { urls: urls.clone(), chance: chance.split() },
                figures: Arc::clone(figures),
                ends: self.ends.subscribe(),
                unfinished: Arc::clone(&self.unfinished),
                begun: Instant::now(),
            };
            if over_ws {
                self.followers.spawn(follower.follow::<WsSession>(load.stay));
            } else {
                self.followers.spawn(follower.follow::<PollSession>(load.stay));
            }
        }
    }

    /// Stops senders and followers, reads all conversations and returns everything recorded.
    pub(crate) async fn disperse(mut self, urls: &[String]) -> Result<History> {
        self.over.send_replace(true);
        let mut history = joined(&mut self.senders).await?;
        let first = urls.first().map_or("", String::as_str);
        let (sender, mut writer) = (self.sender.at(first), Writer::new(Arc::clone(&self.ticks)));
        let mut ends = Cursors::new();
        for conversation in &self.conversations {
            let line = Line::new(conversation, &sender, "the-end").with_text(THE_END);
            let sent = async || match writer.over_rest("the end", &line, &sender).await? {
                SendOutcome::Acknowledged { seq, .. } => Ok(seq),
                outcome @ (SendOutcome::Refused | SendOutcome::Unknown) => {
                    bail!("the end: {outcome:?}")
                }
            };
            ends.insert(conversation.clone(), eventually(LATER, sent).await?);
        }
        history.merge(writer.history());
        self.ends.send_replace(ends);
        let followed = joined(&mut self.followers).await;
        history.merge(followed.with_context(|| format!("{:#?}", self.unfinished.lock()))?);
        for url in urls {
            let reader = self.reader.at(url);
            for conversation in &self.conversations {
                history.merge(read_whole(&self.ticks, &reader, conversation).await?);
            }
        }
        Ok(history)
    }
}

/// Chooses a gateway for each connection.
struct GatewayChoice {
    urls: Urls,
    chance: Chance,
}

impl GatewayChoice {
    fn another(&mut self, user: &User) -> User {
        let urls = self.urls.borrow().clone();
        user.at(self.chance.one_of(&urls).map_or("", String::as_str))
    }
}

/// A client that sends.
struct Sender {
    name: String,
    user: User,
    conversation: String,
    place: GatewayChoice,
    writer: Writer,
    figures: Arc<Figures>,
    over: watch::Receiver<bool>,
    count: u32,
    /// The line that was sent and not acknowledged yet.
    open: Option<Line>,
}

impl Sender {
    /// Sends one text after each pause until the drill is over. Repeats each until it is acknowledged.
    async fn send_all(mut self, pause: Duration, over_ws: bool) -> Result<History> {
        let mut pace = interval(pause);
        pace.set_missed_tick_behavior(MissedTickBehavior::Burst);
        let mut connections = 0;
        while self.open.is_some() || !*self.over.borrow() {
            connections += 1;
            let connection = format!("{} {connections}", self.name);
            let user = self.place.another(&self.user);
            let mut ws = if over_ws { user.ws(None).await.ok() } else { None };
            if ws.is_some() || !over_ws {
                self.stay(&connection, &user, ws.as_mut(), &mut pace).await?;
            }
            sleep(REST).await;
        }
        Ok(self.writer.history())
    }

    /// Sends to one gateway until the drill is over or a text is not acknowledged.
    async fn stay(
        &mut self,
        connection: &str,
        user: &User,
        mut ws: Option<&mut Ws>,
        pace: &mut Interval,
    ) -> Result<()> {
        while let Some(line) = self.open.take().or_else(|| self.next()) {
            pace.tick().await;
            if !self.attempt(connection, &line, user, ws.as_deref_mut()).await? {
                self.open = Some(line);
                return Ok(());
            }
        }
        Ok(())
    }

    fn next(&mut self) -> Option<Line> {
        if *self.over.borrow() {
            return None;
        }
        self.count += 1;
        let client_id = format!("{}-{}", self.name, self.count);
        Some(Line::new(&self.conversation, &self.user, &client_id))
    }

    async fn attempt(
        &mut self,
        connection: &str,
        line: &Line,
        user: &User,
        ws: Option<&mut Ws>,
    ) -> Result<bool> {
        self.figures.sends(&line.key.client_id);
        let begun = Instant::now();
        let outcome = match ws {
            Some(ws) => {
                let outcome = self.writer.over_ws(connection, line, ws).await?;
                ws.forget_events();
                outcome
            }
            None => self.writer.over_rest(connection, line, user).await?,
        };
        let is_acknowledged = matches!(outcome, SendOutcome::Acknowledged { .. });
        self.figures.answered(begun, is_acknowledged);
        Ok(is_acknowledged)
    }
}

/// A client that follows all conversations.
struct Following {
    name: String,
    reader: User,
    follower: Follower,
    place: GatewayChoice,
    figures: Arc<Figures>,
    /// The last seq of each conversation. Empty until all have ended.
    ends: watch::Receiver<Cursors>,
    unfinished: Unfinished,
    begun: Instant,
}

impl Following {
    /// Follows with one cursor map over random gateways until the end of each conversation.
    async fn follow<S: Session>(mut self, stay: Duration) -> Result<History> {
        while !self.is_over() {
            let user = self.place.another(&self.reader);
            self.note(&user, "opens");
            match S::open(&user, Some(self.follower.cursors())).await {
                Ok(mut session) => {
                    self.note(&user, "reads");
                    self.read(&mut session, Instant::now() + stay).await?;
                }
                Err(error) => {
                    self.note(&user, &format!("could not open: {error:#}"));
                    sleep(REST).await;
                }
            }
        }
        self.unfinished.lock().remove(&self.name);
        Ok(self.follower.history())
    }

    /// Reads from one gateway until this time, the end of all conversations, or the end of the connection.
    async fn read<S: Session>(&mut self, session: &mut S, until: Instant) -> Result<()> {
        while Instant::now() < until && !self.is_over() {
            let event = tokio::select! {
                event = session.event_within(until.saturating_duration_since(Instant::now())) => event?,
                _ = self.ends.changed() => continue,
            };
            let Some(event) = event else { return Ok(()) };
            self.follower.take(&event)?;
            if event["ev"] == "message" {
                self.figures.arrives(event["client_id"].as_str().unwrap_or_default());
            }
        }
        Ok(())
    }

    /// Returns true at the end of all conversations. A `gap` may have skipped the last text itself.
    fn is_over(&self) -> bool {
        let ends = self.ends.borrow();
        !ends.is_empty() && self.follower.has(&ends)
    }

    /// Keeps what this follower does now, and what it did before.
    fn note(&self, user: &User, what: &str) {
        let (time, url) = (self.begun.elapsed(), user.http().url());
        let cursors: Vec<_> = self.follower.cursors().values().collect();
        let mut unfinished = self.unfinished.lock();
        let notes = unfinished.entry(self.name.clone()).or_default();
        notes.push_back(format!("{time:.1?} {what} at {url}, cursors {cursors:?}"));
        if notes.len() > NOTES_MAX {
            notes.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        checker::Step,
        gateway::Gateway,
        patience::{SOON, within},
    };

    /// More entries than a client catches up with: `resume_entries_max`.
    const FAR_BEHIND: usize = 600;

    #[tokio::test]
    async fn a_follower_ends_when_a_gap_skips_the_last_text() -> Result<()> {
        let gateway = Gateway::start().await?;
        let sender = User::register(gateway.url(), "sender").await?;
        let reader = User::register(gateway.url(), "reader").await?;
        let conversation = sender.group("a group", &[&reader]).await?;
        let mut ws = sender.ws(None).await?;
        let mut last = 0;
        for number in 0..FAR_BEHIND {
            let line = Line::new(&conversation, &sender, &format!("{number}"));
            let sent = ws.ok("send", line.command()).await?;
            last = sent["message"]["seq"].as_u64().context("no seq")?;
        }
        let (_urls, urls) = watch::channel(vec![gateway.url().to_owned()]);
        let (_ends, ends) = watch::channel(Cursors::from([(conversation, last)]));
        let follower = Following {
            name: "f0".to_owned(),
            follower: Follower::new(&reader, Cursors::new()),
            reader,
            place: GatewayChoice { urls, chance: Chance::new(1) },
            figures: Arc::default(),
            ends,
            unfinished: Unfinished::default(),
            begun: Instant::now(),
        };
        let stay = Duration::from_millis(500);
        let history = within(SOON, "the follower", follower.follow::<WsSession>(stay)).await??;
        let steps: Vec<_> = history.followed.iter().flat_map(|followed| &followed.steps).collect();
        assert!(
            matches!(steps[..], [Step::Gap(head)] if *head == last),
            "{steps:?} instead of a gap to {last}"
        );
        Ok(())
    }
}
