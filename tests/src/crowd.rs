//! A crowd that writes to, reads from and follows conversations on all gateways of a cluster at
//! once, while servers go and come back; everything is written down and checked.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use anyhow::{Result, ensure};
use tokio::{sync::watch, task::JoinSet, time::timeout};

use crate::{
    chance::Chance,
    checker::{History, Ticks, Told, ensure_none},
    client::{Cursors, User},
    cluster::Cluster,
    patience::{LATER, eventually},
    record::{Follower, Line, Writer, read_newest, read_whole},
    session::{Session, WsSession},
};

/// How many write.
pub const WRITERS: usize = 6;
const LINES: usize = 60;
const THE_END: &str = "the end";
/// Attempts until a line is given up: a server is away only for a while.
const ATTEMPTS_MAX: usize = 60;

/// Where the gateways are at the moment.
type Urls = watch::Receiver<Vec<String>>;

/// Somebody who writes, and reads what is written.
struct Client {
    name: String,
    user: User,
    conversations: Vec<String>,
    urls: Urls,
    chance: Chance,
    ticks: Arc<Ticks>,
    /// Two connections, for the same line at the same moment.
    writers: [Writer; 2],
    history: History,
}

impl Client {
    /// The user on any gateway.
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
                ensure!(attempts <= ATTEMPTS_MAX, "given up: {line:?}");
                tokio::time::sleep(Duration::from_millis(250)).await;
            }
            // A gateway may be away; then nothing was read.
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

    /// Sends a line to one gateway, often to two at the same moment.
    async fn attempt(&mut self, line: &Line) -> Result<bool> {
        let (first, second) = (self.anywhere(), self.anywhere());
        let both = self.chance.percent(50);
        let [one, other] = &mut self.writers;
        let names = ["a", "b"].map(|connection| format!("{} {connection}", self.name));
        let again = async {
            if both { other.over_rest(&names[1], line, &second).await } else { Ok(Told::Unknown) }
        };
        let (first, second) = tokio::join!(one.over_rest(&names[0], line, &first), again);
        let is_there = |told: &Told| matches!(told, Told::Acknowledged { .. });
        Ok([first?, second?].iter().any(is_there))
    }
}

/// One cursor map over all gateways in turn, up to the last text of each conversation.
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
            let patience = Duration::from_secs(3);
            let Ok(Ok(event)) = timeout(patience, session.event()).await else { break };
            follower.take(&event)?;
            ended += usize::from(event["text"] == THE_END);
        }
    }
    Ok(follower.history())
}

/// Who is there, and where.
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

    /// The last text of each conversation, for those who follow.
    async fn end(&self, url: &str) -> Result<History> {
        let (last, mut writer) = (self.people[0].at(url), Writer::new(Arc::clone(&self.ticks)));
        for conversation in &self.conversations {
            let line = Line::new(conversation, &last, "the-end").with_text(THE_END);
            let sent = async || {
                let told = writer.over_rest("the end", &line, &last).await?;
                ensure!(matches!(told, Told::Acknowledged { .. }), "the end: {told:?}");
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

/// Lets everybody write, and calls `strike` with a count from 1 whenever one of them has finished.
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
    all_there(&history)
}

/// Each line was acknowledged in the end.
fn all_there(history: &History) -> Result<()> {
    let mut there = BTreeMap::new();
    for attempt in &history.attempts {
        let acknowledged = matches!(attempt.told, Told::Acknowledged { .. });
        *there.entry(&attempt.key).or_insert(false) |= acknowledged;
    }
    ensure!(there.len() > WRITERS * LINES, "only {} lines", there.len());
    let missing: Vec<_> = there.iter().filter(|(_, there)| !**there).collect();
    ensure!(missing.is_empty(), "never acknowledged: {missing:?}");
    Ok(())
}
