//! Many users write, read and follow conversations on all gateways of a cluster while servers fail.
//! All answers are recorded and checked.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use anyhow::{Result, ensure};
use tokio::{sync::watch, task::JoinSet};

use crate::{
    chance::Chance,
    checker::{History, SendOutcome, Ticks, ensure_none},
    client::{Cursors, User},
    cluster::Cluster,
    patience::{LATER, eventually},
    record::{Follower, Line, Writer, read_newest, read_whole},
    session::{Session, WsSession},
};

/// The number of writers.
pub const WRITERS: usize = 6;
const LINES: usize = 60;
const THE_END: &str = "the end";
/// The most attempts for one line. Servers come back before that.
const ATTEMPTS_MAX: usize = 60;

/// The gateways' current addresses.
type Urls = watch::Receiver<Vec<String>>;

/// A user who writes lines and reads the newest page after each.
struct Client {
    name: String,
    user: User,
    conversations: Vec<String>,
    urls: Urls,
    chance: Chance,
    ticks: Arc<Ticks>,
    /// Two connections, for sending one line over both at once.
    writers: [Writer; 2],
    history: History,
}

impl Client {
    /// Returns the user on a random gateway.
    fn anywhere(&mut self) -> User {
        let urls = self.urls.borrow().clone();
        self.user.at(self.chance.one_of(&urls).map_or("", String::as_str))
    }

    async fn write_all(mut self) -> Result<History> {
        for count in 0..LINES {
            let Some(conversation) = self.chance.one_of(&self.conversations) else { continue };
            let conversation = conversation.clone();
            let line = Line::new(&conversation, &self.user, &format!("{}-{count}", self.name));
            let mut attempts = 0;
            while !self.attempt(&line).await? {
                attempts += 1;
                ensure!(attempts <= ATTEMPTS_MAX, "gave up: {line:?}");
                tokio::time::sleep(Duration::from_millis(250)).await;
            }
            // The read fails if the gateway is down.
            let reader = self.anywhere();
            if let Ok(read) = read_newest(&self.ticks, &reader, &conversation).await {
                self.history.merge(read);
            }
        }
        for writer in self.writers {
            self.history.merge(writer.history());
        }
        Ok(self.history)
    }

    /// Sends a line to one gateway, or to two at once. Returns true if it was acknowledged.
    async fn attempt(&mut self, line: &Line) -> Result<bool> {
        let (first, second) = (self.anywhere(), self.anywhere());
        let both = self.chance.percent(50);
        let [one, other] = &mut self.writers;
        let names = ["a", "b"].map(|connection| format!("{} {connection}", self.name));
        let again = async {
            if both {
                other.over_rest(&names[1], line, &second).await
            } else {
                Ok(SendOutcome::Unknown)
            }
        };
        let (first, second) = tokio::join!(one.over_rest(&names[0], line, &first), again);
        let is_acknowledged =
            |outcome: &SendOutcome| matches!(outcome, SendOutcome::Acknowledged { .. });
        Ok([first?, second?].iter().any(is_acknowledged))
    }
}

/// Follows with one cursor map over random gateways until the last text of each conversation.
async fn follow(
    user: User,
    conversations: usize,
    mut chance: Chance,
    urls: Urls,
) -> Result<History> {
    let mut follower = Follower::new(&user, Cursors::new());
    let mut ended = 0;
    while ended < conversations {
        let now = urls.borrow().clone();
        let user = user.at(chance.one_of(&now).map_or("", String::as_str));
        let Ok(mut session) = WsSession::open(&user, Some(follower.cursors())).await else {
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        for _ in 0..chance.below(40) {
            let Some(event) = session.event_within(Duration::from_secs(3)).await? else { break };
            follower.take(&event)?;
            ended += usize::from(event["text"] == THE_END);
        }
    }
    Ok(follower.history())
}

/// The users and their conversations.
struct Crowd {
    people: Vec<User>,
    reader: User,
    conversations: Vec<String>,
    ticks: Arc<Ticks>,
}

impl Crowd {
    async fn enter(url: &str) -> Result<Self> {
        let mut people = Vec::new();
        for number in 0..WRITERS {
            people.push(User::register(url, &format!("writer-{number}")).await?);
        }
        let reader = User::register(url, "reader").await?;
        let others: Vec<_> = people.iter().skip(1).chain([&reader]).collect();
        let mut conversations = Vec::new();
        for title in ["one", "two"] {
            conversations.push(people[0].group(title, &others).await?);
        }
        Ok(Self { people, reader, conversations, ticks: Arc::default() })
    }

    fn clients(&self, urls: &Urls, chance: &mut Chance) -> JoinSet<Result<History>> {
        let clients = self.people.iter().map(|user| Client {
            name: user.username.clone(),
            user: user.clone(),
            conversations: self.conversations.clone(),
            urls: urls.clone(),
            chance: chance.split(),
            ticks: Arc::clone(&self.ticks),
            writers: [(); 2].map(|()| Writer::new(Arc::clone(&self.ticks))),
            history: History::default(),
        });
        clients.map(|client| Box::pin(client.write_all())).collect()
    }

    /// Sends the last text of each conversation, which ends the followers.
    async fn end(&self, url: &str) -> Result<History> {
        let (last, mut writer) = (self.people[0].at(url), Writer::new(Arc::clone(&self.ticks)));
        for conversation in &self.conversations {
            let line = Line::new(conversation, &last, "the-end").with_text(THE_END);
            let sent = async || {
                let outcome = writer.over_rest("the end", &line, &last).await?;
                ensure!(
                    matches!(outcome, SendOutcome::Acknowledged { .. }),
                    "the end: {outcome:?}"
                );
                Ok(())
            };
            eventually(LATER, sent).await?;
        }
        Ok(writer.history())
    }

    async fn read_everywhere(&self, urls: &[String]) -> Result<History> {
        let mut history = History::default();
        for url in urls {
            let reader = self.reader.at(url);
            for conversation in &self.conversations {
                history.merge(read_whole(&self.ticks, &reader, conversation).await?);
            }
        }
        Ok(history)
    }
}

/// Runs all writers, and calls `strike` with their number each time one of them has finished.
pub async fn gather(
    mut cluster: Cluster,
    mut chance: Chance,
    mut strike: impl AsyncFnMut(&mut Cluster, usize) -> Result<()>,
) -> Result<()> {
    let crowd = Crowd::enter(cluster.gateways[0].url()).await?;
    let (places, urls) = watch::channel(cluster.urls());
    let mut followers: JoinSet<_> = (0..2)
        .map(|_| (crowd.reader.clone(), chance.split(), urls.clone()))
        .map(|(reader, chance, urls)| follow(reader, crowd.conversations.len(), chance, urls))
        .collect();
    let mut clients = crowd.clients(&urls, &mut chance);
    let (mut history, mut ended) = (History::default(), 0);
    while let Some(written) = clients.join_next().await {
        history.merge(written??);
        ended += 1;
        strike(&mut cluster, ended).await?;
        places.send(cluster.urls())?;
    }
    history.merge(crowd.end(cluster.gateways[0].url()).await?);
    while let Some(followed) = followers.join_next().await {
        history.merge(followed??);
    }
    history.merge(crowd.read_everywhere(&cluster.urls()).await?);
    ensure_none(&history)?;
    ensure_all_acknowledged(&history)
}

/// Checks that every line was acknowledged in the end.
fn ensure_all_acknowledged(history: &History) -> Result<()> {
    let mut lines = BTreeMap::new();
    for attempt in &history.attempts {
        let acknowledged = matches!(attempt.outcome, SendOutcome::Acknowledged { .. });
        *lines.entry(&attempt.key).or_insert(false) |= acknowledged;
    }
    ensure!(lines.len() > WRITERS * LINES, "only {} lines", lines.len());
    let missing: Vec<_> = lines.iter().filter(|(_, acknowledged)| !**acknowledged).collect();
    ensure!(missing.is_empty(), "never acknowledged: {missing:?}");
    Ok(())
}
