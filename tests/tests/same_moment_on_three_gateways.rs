//! A command that reaches three gateways at the same moment, over sockets and REST mixed, makes
//! one entry, and all three answers name it.

use std::{collections::BTreeSet, sync::Arc};

use tests::{
    Result,
    chance::Chance,
    checker::{History, Ticks, Told, ensure_none},
    client::{Cursors, User, Ws},
    cluster::Cluster,
    ensure,
    patience::{WHOLE, within},
    record::{Follower, Line, Writer, read_whole},
    session::{Session, WsSession},
};
use tokio::task::JoinSet;

const LINES: usize = 1_000;
const TITLES: [&str; 4] = ["one", "two", "three", "four"];
/// Each has one command on its way at a time, to all gateways.
const SENDERS: usize = 8;

/// A sender on one gateway, with both ways to send.
struct Place {
    name: String,
    user: User,
    ws: Ws,
    writer: Writer,
}

impl Place {
    async fn send(&mut self, line: &Line, over_rest: bool) -> Result<Told> {
        if over_rest {
            self.writer.over_rest(&format!("{} rest", self.name), line, &self.user).await
        } else {
            self.writer.over_ws(&format!("{} ws", self.name), line, &mut self.ws).await
        }
    }
}

/// Somebody who is on all gateways at once.
struct Sender {
    user: User,
    places: [Place; 3],
    chance: Chance,
}

impl Sender {
    async fn on(urls: &[String], user: User, ticks: &Arc<Ticks>, chance: Chance) -> Result<Self> {
        let place = async |number: usize| -> Result<Place> {
            let user = user.at(&urls[number]);
            let (ws, writer) = (user.ws(None).await?, Writer::new(Arc::clone(ticks)));
            Ok(Place { name: format!("{} {number}", user.username), user, ws, writer })
        };
        let places = [place(0).await?, place(1).await?, place(2).await?];
        Ok(Self { user, places, chance })
    }

    async fn send_all(mut self, conversations: Vec<String>) -> Result<History> {
        for count in 0..LINES / SENDERS {
            let Some(conversation) = self.chance.one_of(&conversations) else { continue };
            let mut line = Line::new(conversation, &self.user, &format!("line-{count}"));
            line.base_seq = self.chance.percent(30).then_some(1);
            agree(&line, Box::pin(self.send(&line)).await?)?;
        }
        let mut history = History::default();
        for place in self.places {
            history.merge(place.writer.history());
        }
        Ok(history)
    }

    /// Sends a line to all gateways at the same moment.
    async fn send(&mut self, line: &Line) -> Result<[Told; 3]> {
        // So that each gateway is the first one in its turn.
        self.places.rotate_left(1);
        let over_rest = [(); 3].map(|()| self.chance.percent(40));
        let [one, two, three] = &mut self.places;
        let (one, two, three) = tokio::try_join!(
            one.send(line, over_rest[0]),
            two.send(line, over_rest[1]),
            three.send(line, over_rest[2]),
        )?;
        Ok([one, two, three])
    }
}

/// All answers name one entry, and at most one of them says that it is new.
fn agree(line: &Line, told: [Told; 3]) -> Result<()> {
    let (mut places, mut firsts) = (BTreeSet::new(), 0);
    for told in told {
        let Told::Acknowledged { seq, id, replayed } = told else { continue };
        places.insert((seq, id));
        firsts += usize::from(!replayed);
    }
    let all = told.iter().all(|told| matches!(told, Told::Acknowledged { .. }));
    ensure!(all && places.len() == 1, "{line:?} is not one entry: {told:?}");
    ensure!(firsts <= 1, "{line:?} is new {firsts} times: {told:?}");
    Ok(())
}

/// Follows on one gateway until every line came.
async fn follow(user: User) -> Result<History> {
    let mut follower = Follower::new(&user, Cursors::new());
    let mut session = WsSession::open(&user, Some(follower.cursors())).await?;
    let mut lines = 0;
    while lines < LINES {
        let event = session.event().await?;
        follower.take(&event)?;
        lines += usize::from(event["kind"] == "text");
    }
    Ok(follower.history())
}

/// Everybody in every conversation.
async fn conversations(founder: &User, others: &[&User]) -> Result<Vec<String>> {
    let mut conversations = Vec::new();
    for title in TITLES {
        conversations.push(founder.group(title, others).await?);
    }
    Ok(conversations)
}

/// The entries of these reads.
fn entries(history: &History) -> usize {
    history.reads.iter().map(|read| read.entries.len()).sum()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn command_on_three_gateways_at_the_same_moment_makes_one_entry() -> Result<()> {
    let Some(cluster) = Cluster::on_one_node(3).await? else { return Ok(()) };
    within(WHOLE, "the whole scenario", Box::pin(scenario(&cluster.urls()))).await?
}

async fn scenario(urls: &[String]) -> Result<()> {
    let mut chance = Chance::from_environment(0x0003_6a7e);
    let ticks = Arc::new(Ticks::default());
    let reader = User::register(&urls[0], "reader").await?;
    let mut users = Vec::new();
    for number in 0..SENDERS {
        users.push(User::register(&urls[number % urls.len()], &format!("user-{number}")).await?);
    }
    let conversations = conversations(&reader, &users.iter().collect::<Vec<_>>()).await?;
    let mut ended: JoinSet<_> = urls.iter().map(|url| follow(reader.at(url))).collect();
    for user in users {
        let sender = Sender::on(urls, user, &ticks, chance.split()).await?;
        ended.spawn(sender.send_all(conversations.clone()));
    }
    let mut history = History::default();
    while let Some(written) = ended.join_next().await {
        history.merge(written??);
    }
    let founding = TITLES.len() * (SENDERS + 1);
    for url in urls {
        let mut read = History::default();
        for conversation in &conversations {
            read.merge(read_whole(&ticks, &reader.at(url), conversation).await?);
        }
        let entries = entries(&read);
        ensure!(entries == LINES + founding, "{entries} entries, not {LINES} and {founding}");
        history.merge(read);
    }
    ensure_none(&history)
}
