//! Senders and followers on all gateways, who go on while servers fail.

use std::{sync::Arc, time::Duration};

use anyhow::{Result, ensure};
use tokio::{
    sync::watch,
    task::JoinSet,
    time::{Instant, Interval, MissedTickBehavior, interval, sleep, timeout},
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
}

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
            let place = GatewayChoice { urls: urls.clone(), chance: chance.split() };
            let (reader, figures) = (self.reader.clone(), Arc::clone(figures));
            if number % 2 == 0 {
                self.followers.spawn(follow::<WsSession>(reader, place, load.clone(), figures));
            } else {
                self.followers.spawn(follow::<PollSession>(reader, place, load.clone(), figures));
            }
        }
    }

    /// Stops senders and followers, reads all conversations and returns everything recorded.
    pub(crate) async fn disperse(mut self, urls: &[String]) -> Result<History> {
        self.over.send_replace(true);
        let mut history = joined(&mut self.senders).await?;
        let first = urls.first().map_or("", String::as_str);
        let (sender, mut writer) = (self.sender.at(first), Writer::new(Arc::clone(&self.ticks)));
        for conversation in &self.conversations {
            let line = Line::new(conversation, &sender, "the-end").with_text(THE_END);
            let sent = async || {
                let outcome = writer.over_rest("the end", &line, &sender).await?;
                ensure!(
                    matches!(outcome, SendOutcome::Acknowledged { .. }),
                    "the end: {outcome:?}"
                );
                Ok(())
            };
            eventually(LATER, sent).await?;
        }
        history.merge(writer.history());
        history.merge(joined(&mut self.followers).await?);
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

/// Follows with one cursor map over random gateways until the last text of each conversation.
async fn follow<S: Session>(
    reader: User,
    mut place: GatewayChoice,
    Load { conversations, stay, .. }: Load,
    figures: Arc<Figures>,
) -> Result<History> {
    let mut follower = Follower::new(&reader, Cursors::new());
    let mut ended = 0;
    while ended < conversations {
        let user = place.another(&reader);
        let Ok(mut session) = S::open(&user, Some(follower.cursors())).await else {
            sleep(REST).await;
            continue;
        };
        let until = Instant::now() + stay;
        while Instant::now() < until && ended < conversations {
            let Ok(Ok(event)) = timeout(stay, session.event()).await else { break };
            follower.take(&event)?;
            if event["ev"] == "message" {
                figures.arrives(event["client_id"].as_str().unwrap_or_default());
            }
            ended += usize::from(event["text"] == THE_END);
        }
    }
    Ok(follower.history())
}
