//! A person of the demo who is alive: online, reads, types and answers.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use chat_core::{
    command::{Change, Command, Reply, Write},
    error::ChatError,
    id::ConversationId,
    model::{ClientId, Identity, Kind, Seq},
    session::{Batch, Opened},
};
use serde::Deserialize;
use tokio::time::{Instant, sleep, sleep_until};

use super::{
    Stage, read_to,
    script::{ANSWERS, PEOPLE, PIP, SMALL_TALK, TIPS},
};
use crate::{
    app::App,
    error::chance,
    frame,
    protocol::value::{Id, WireConversationId, WireUserId},
};

/// The time from reading to typing.
const READS_FOR: Duration = Duration::from_millis(700);
/// The time from typing to sending.
const TYPES_FOR: Duration = Duration::from_millis(1_800);
/// The pause after the session ended, for example because a visitor ended this login.
const REST: Duration = Duration::from_secs(5);
/// The shortest and the longest time between two lines of one person that nobody asked for, in seconds.
const QUIET: (f64, f64) = (120.0, 420.0);
/// The beginning of the client ids of what people say by themselves.
const OWN: &str = "demo-";

/// One of the people.
pub(super) struct Actor {
    app: Arc<App>,
    stage: Stage,
    me: usize,
    /// The number of lines that it has said.
    said: usize,
    /// True after a visitor has written as this person. Then only visitors do.
    is_taken: bool,
}

/// The members of a message event that matter here.
#[derive(Debug, Deserialize)]
struct Message {
    conversation: WireConversationId,
    seq: u64,
    sender: WireUserId,
    #[serde(default)]
    client_id: Option<String>,
    #[serde(default)]
    text: Option<String>,
}

impl Actor {
    pub(super) const fn new(app: Arc<App>, stage: Stage, me: usize) -> Self {
        Self { app, stage, me, said: 0, is_taken: false }
    }

    /// Goes on until the future is dropped.
    pub(super) async fn live(mut self) {
        loop {
            if let Err(error) = self.attend().await {
                tracing::debug!(%error, person = PEOPLE[self.me].username, "a demo person rests");
            }
            sleep(REST).await;
        }
    }

    fn identity(&self) -> Identity {
        self.stage.people[self.me]
    }

    /// Is online until the session ends.
    async fn attend(&mut self) -> Result<(), ChatError> {
        let Opened { session, .. } = self.app.open_session(self.identity(), None).await?;
        let _device = self.app.presence.hold_for_socket(self.identity());
        let mut talks_at = next_talk();
        loop {
            let batch = tokio::select! {
                batch = session.next_batch() => batch,
                () = sleep_until(talks_at) => {
                    self.talk().await?;
                    talks_at = next_talk();
                    continue;
                }
            };
            let events = match batch {
                Batch::Frames(events) => events,
                Batch::Ended(_) => return Ok(()),
                Batch::Ping => continue,
            };
            for event in &events {
                self.hear(event).await?;
            }
        }
    }

    /// Says something that nobody asked for.
    async fn talk(&mut self) -> Result<(), ChatError> {
        if self.is_taken || PEOPLE[self.me].is_bot {
            return Ok(());
        }
        let line = SMALL_TALK[(self.said * PIP + self.me) % SMALL_TALK.len()];
        self.say(self.stage.lounge, line).await
    }

    /// Reads an event, and answers it if it is a message for this person.
    async fn hear(&mut self, event: &Bytes) -> Result<(), ChatError> {
        // Events of other kinds have other members.
        let Ok(message) = serde_json::from_slice::<Message>(frame::text_of(event)) else {
            return Ok(());
        };
        let is_own_line = message.client_id.as_deref().is_some_and(|id| id.starts_with(OWN));
        if message.sender == Id(self.identity().user) {
            self.is_taken |= !is_own_line;
            return Ok(());
        }
        if self.is_taken {
            return Ok(());
        }
        let Id(conversation) = message.conversation;
        sleep(READS_FOR).await;
        self.execute(read_to(conversation, Seq::new(message.seq))).await?;
        let Some(text) = message.text.filter(|_| !is_own_line) else { return Ok(()) };
        if self.is_asked(conversation, &text, message.seq).await? {
            let answers = if PEOPLE[self.me].is_bot { &TIPS[1..] } else { &ANSWERS };
            self.say(conversation, answers[(self.said + self.me) % answers.len()]).await?;
        }
        Ok(())
    }

    /// Returns true in a direct conversation, if the text has this person's name, or if it is a
    /// question to everybody and this person's turn.
    async fn is_asked(
        &self,
        conversation: ConversationId,
        text: &str,
        seq: u64,
    ) -> Result<bool, ChatError> {
        let reply = self.execute(Command::Conversation { conversation }).await?;
        let is_direct = matches!(reply, Reply::Conversation(view) if view.kind == Kind::Direct);
        let is_named = text.to_lowercase().contains(PEOPLE[self.me].username);
        let is_turn = text.ends_with('?') && seq % PIP as u64 == self.me as u64;
        Ok(is_direct || is_named || is_turn)
    }

    /// Types for a while, and sends the line.
    async fn say(&mut self, conversation: ConversationId, line: &str) -> Result<(), ChatError> {
        self.execute(Command::Typing { conversation, on: true }).await?;
        sleep(TYPES_FOR).await;
        self.said += 1;
        let write = Write {
            conversation,
            client_id: ClientId::new(&format!("{OWN}{}", self.said)).ok(),
            expected_seq: None,
            base_seq: None,
            change: Change::plain(line, None),
        };
        self.execute(Command::Write(write)).await.map(drop)
    }

    async fn execute(&self, command: Command) -> Result<Reply, ChatError> {
        self.app.chat.execute(self.identity(), command).await
    }
}

fn next_talk() -> Instant {
    let (least, most) = QUIET;
    Instant::now() + Duration::from_secs_f64(least + chance() * (most - least))
}
