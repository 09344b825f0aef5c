//! Several gateways on one store keep the promises of one: repeats on any of them at the same
//! moment make one entry, and cursors go on anywhere, while Redis and a gateway are killed.

#![expect(clippy::cognitive_complexity, reason = "a scenario reads from top to bottom")]

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use tests::{
    Result,
    chance::Chance,
    checker::{History, Ticks, Told, ensure_none},
    client::{Cursors, User},
    cluster::Cluster,
    ensure,
    patience::{WHOLE, within},
    record::{Follower, Line, Writer, read_newest, read_whole},
    session::{Session, WsSession},
};
use tokio::{sync::watch, task::JoinSet, time::timeout};

const GATEWAYS: usize = 3;
const WRITERS: usize = 6;
const LINES: usize = 60;
const THE_END: &str = "the end";
/// Attempts until a line is given up: a gateway and Redis are away only for a while.
const ATTEMPTS_MAX: usize = 40;

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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn gateways_agree_while_redis_and_a_gateway_are_killed() -> Result<()> {
    let Some(cluster) = Cluster::on_one_node(GATEWAYS).await? else { return Ok(()) };
    within(WHOLE, "the whole scenario", Box::pin(scenario(cluster))).await?
}

async fn scenario(mut cluster: Cluster) -> Result<()> {
    let mut chance = Chance::from_environment(0x5eed);
    let ticks = Arc::new(Ticks::default());
    let first = cluster.gateways[0].url().to_owned();
    let mut people = Vec::new();
    for number in 0..WRITERS {
        people.push(User::register(&first, &format!("writer-{number}")).await?);
    }
    let reader = User::register(&first, "reader").await?;
    let others: Vec<_> = people.iter().skip(1).chain([&reader]).collect();
    let mut conversations = Vec::new();
    for title in ["one", "two"] {
        conversations.push(people[0].group(title, &others).await?);
    }
    let (places, urls) = watch::channel(cluster.urls());
    let mut writers = JoinSet::new();
    for (number, user) in people.iter().enumerate() {
        writers.spawn(Box::pin(
            Client {
                name: format!("writer-{number}"),
                user: user.clone(),
                conversations: conversations.clone(),
                urls: urls.clone(),
                chance: chance.split(),
                ticks: Arc::clone(&ticks),
                writers: [(); 2].map(|()| Writer::new(Arc::clone(&ticks))),
                history: History::default(),
            }
            .write_all(),
        ));
    }
    let mut followers = JoinSet::new();
    for _ in 0..2 {
        let (chance, urls) = (chance.split(), urls.clone());
        followers.spawn(follow(reader.clone(), conversations.len(), chance, urls));
    }
    let mut history = History::default();
    let mut ended = 0;
    while let Some(written) = writers.join_next().await {
        history.merge(written??);
        ended += 1;
        match ended {
            1 => cluster.redis.process().kill()?,
            2 => cluster.gateways[1].kill()?,
            3 => cluster.redis.restart().await?,
            4 => cluster.gateways[1].restart().await?,
            _ => {}
        }
        places.send(cluster.urls())?;
    }
    let ada = people[0].at(cluster.gateways[2].url());
    let mut writer = Writer::new(Arc::clone(&ticks));
    for conversation in &conversations {
        let line = Line::new(conversation, &ada, "the-end").with_text(THE_END);
        writer.over_rest("the end", &line, &ada).await?;
    }
    history.merge(writer.history());
    while let Some(followed) = followers.join_next().await {
        history.merge(followed??);
    }
    for (url, conversation) in
        cluster.urls().iter().flat_map(|url| conversations.iter().map(move |id| (url, id)))
    {
        history.merge(read_whole(&ticks, &reader.at(url), conversation).await?);
    }
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
