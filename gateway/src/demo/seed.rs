//! Writes the history of the demo.

use std::sync::Arc;

use chat_core::{
    command::{Change, Command, Reply, Write},
    error::ChatError,
    id::ConversationId,
    model::{Identity, Seq},
};

use super::{
    DemoClock, Stage, read_to,
    script::{
        ADA, DIRECT, GRACE, LINUS, LOUNGE, MEI, OMAR, PASSWORD, PEOPLE, PIP, REPLIES, TIPS,
        UPDATES, WORK,
    },
};
use crate::app::App;

/// Messages in the group of daily updates.
const UPDATES_COUNT: usize = 430;
/// Messages of all conversations together, roughly. The history is spread over them.
const MESSAGES: u32 = 510;
const REACTIONS: [&str; 4] = ["👍", "❤️", "😂", "🎉"];
/// The newest messages in the lounge and at work that Ada has not read.
const UNREAD: [u64; 2] = [2, 3];

/// Registers the people and writes all conversations.
pub(super) async fn seed(app: &App, clock: &DemoClock) -> Result<Stage, ChatError> {
    let mut people = Vec::new();
    for person in &PEOPLE {
        let (name, shown) = (person.username, Some(person.display_name));
        let (user, grant) = app.accounts.register(name, PASSWORD, shown, Some("demo")).await?;
        people.push(Identity { user: user.id, login: grant.login });
    }
    let writer = Writer { app, clock, people };
    let updates = writer.daily_updates().await?;
    let lounge = writer.groups().await?;
    for other in [GRACE, LINUS, MEI, OMAR] {
        writer.direct_talk(other).await?;
    }
    let tips = writer.direct(PIP, ADA).await?;
    writer.say(tips, PIP, TIPS[0]).await?;
    writer.accept(tips, ADA).await?;
    let head = writer.say(updates, GRACE, "That is all for today. See you tomorrow!").await?;
    writer.all_read(updates, head, 0).await?;
    Ok(Stage { people: writer.people, lounge })
}

fn update(number: usize) -> (usize, &'static str) {
    let who = number % PIP;
    if number % 3 == 2 {
        (who, REPLIES[number / 3 % REPLIES.len()])
    } else {
        (who, UPDATES[number * 7 % UPDATES.len()])
    }
}

struct Writer<'a> {
    app: &'a App,
    clock: &'a DemoClock,
    people: Vec<Identity>,
}

impl Writer<'_> {
    /// Writes the long group, in which people report their work.
    async fn daily_updates(&self) -> Result<ConversationId, ChatError> {
        let group = self.group("Daily updates", "updates").await?;
        for number in 0..UPDATES_COUNT {
            let (who, text) = update(number);
            let seq = self.say(group, who, text).await?;
            if number % 7 == 3 {
                self.react(group, (who + 1) % PIP, seq, REACTIONS[number / 7 % 4]).await?;
            }
        }
        Ok(group)
    }

    /// Writes the two groups with a talk, at the same time. Returns the first one.
    async fn groups(&self) -> Result<ConversationId, ChatError> {
        let talks = [&LOUNGE, &WORK];
        let groups =
            [self.group(LOUNGE.title, "lounge").await?, self.group(WORK.title, "work").await?];
        let mut heads = [Seq::ZERO; 2];
        for at in 0..LOUNGE.lines.len().max(WORK.lines.len()) {
            let lines = talks.iter().enumerate();
            let lines = lines.filter_map(|(number, talk)| Some((number, talk.lines.get(at)?)));
            for (number, (who, text)) in lines {
                heads[number] = self.say(groups[number], *who, text).await?;
            }
        }
        for ((group, head), unread) in groups.into_iter().zip(heads).zip(UNREAD) {
            self.all_read(group, head, unread).await?;
        }
        Ok(groups[0])
    }

    /// Writes a talk of Ada with somebody.
    async fn direct_talk(&self, other: usize) -> Result<(), ChatError> {
        let direct = self.direct(ADA, other).await?;
        let mut head = Seq::ZERO;
        // Everybody's talk ends with another line.
        for (first, answer) in DIRECT.iter().cycle().skip(other).take(DIRECT.len() - 1) {
            self.say(direct, ADA, first).await?;
            head = self.say(direct, other, answer).await?;
        }
        self.read(direct, ADA, head).await?;
        self.read(direct, other, head).await
    }

    /// Has everybody read a group, but leaves some messages unread by Ada.
    async fn all_read(
        &self,
        group: ConversationId,
        head: Seq,
        unread: u64,
    ) -> Result<(), ChatError> {
        for who in 0..PIP {
            let left = if who == ADA { unread } else { 0 };
            self.read(group, who, Seq::new(head.get() - left)).await?;
        }
        Ok(())
    }

    async fn execute(&self, who: usize, command: Command) -> Result<Reply, ChatError> {
        // Without rate limits.
        self.app.chat.execute(self.people[who], command).await
    }

    /// Makes a group of everybody but the bot.
    async fn group(&self, title: &str, key: &str) -> Result<ConversationId, ChatError> {
        let members = self.people[1..PIP].iter().map(|person| person.user).collect();
        let command = Command::CreateGroup { title: title.into(), members, key: key.into() };
        let conversation = made(self.execute(ADA, command).await?)?;
        for who in 1..PIP {
            self.accept(conversation, who).await?;
        }
        Ok(conversation)
    }

    async fn direct(&self, who: usize, other: usize) -> Result<ConversationId, ChatError> {
        let user = self.people[other].user;
        made(self.execute(who, Command::OpenDirect { user }).await?)
    }

    async fn accept(&self, conversation: ConversationId, who: usize) -> Result<(), ChatError> {
        self.execute(who, Command::Accept { conversation }).await.map(drop)
    }

    async fn say(
        &self,
        conversation: ConversationId,
        who: usize,
        text: &str,
    ) -> Result<Seq, ChatError> {
        self.clock.step(MESSAGES);
        let change = Change::plain(text, None);
        let reply = self.execute(who, write(conversation, change)).await?;
        let Reply::Written(written) = reply else { return Err(ChatError::Internal) };
        Ok(written.entry.entry.seq)
    }

    async fn react(
        &self,
        conversation: ConversationId,
        who: usize,
        target_seq: Seq,
        emoji: &str,
    ) -> Result<(), ChatError> {
        let change = Change::React { target_seq, emoji: Arc::from(emoji), on: true };
        self.execute(who, write(conversation, change)).await.map(drop)
    }

    async fn read(
        &self,
        conversation: ConversationId,
        who: usize,
        seq: Seq,
    ) -> Result<(), ChatError> {
        self.execute(who, read_to(conversation, seq)).await.map(drop)
    }
}

fn made(reply: Reply) -> Result<ConversationId, ChatError> {
    let Reply::Made { conversation, .. } = reply else { return Err(ChatError::Internal) };
    Ok(conversation.id)
}

/// Returns the command that makes this change.
fn write(conversation: ConversationId, change: Change) -> Command {
    Command::Write(Write {
        conversation,
        client_id: None,
        expected_seq: None,
        base_seq: None,
        change,
    })
}
