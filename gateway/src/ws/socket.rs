//! One client's life on a WebSocket: hello, then commands in, replies and events out.
//!
//! One task. While it is idle it holds no buffer: neither for what comes nor for what goes.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use chat_core::{
    chat::PendingReply,
    command::{Command, Reply},
    error::{ChatError, ErrorCode},
    event::{Encode, Event},
    id::ConversationId,
    limits::COMMANDS_IN_FLIGHT_MAX,
    model::Identity,
    outbox::Ending,
    session::{Batch, Session},
};
use tokio::{
    net::TcpStream,
    time::{Instant, timeout},
};

use super::{
    frame::{Incoming, put_ping, put_text},
    greeting::{Greeted, greet},
    lanes::{Job, Lanes, Work},
    wire::{End, Wire},
};
use crate::{
    app::App,
    protocol::{self, ClientCommand, JsonEncode, reply, reply_error, reply_ok},
    tokens::Verified,
    ws::watching::Watching,
};

/// How often the server pings.
pub const HEARTBEAT: Duration = Duration::from_secs(25);
/// How long a client may be silent.
const SILENCE_MAX: Duration = Duration::from_secs(45);
/// How long a message may stay unfinished.
const MESSAGE_WITHIN: Duration = Duration::from_secs(10);
/// How long commands in progress may take once the gateway drains.
const DRAIN_WITHIN: Duration = Duration::from_secs(3);
/// Frames in a minute that are no commands; more end the socket.
const NONSENSE_MAX: u32 = 10;
/// Commands in a minute that are refused for their rate; more end the socket.
const RUSH_MAX: u32 = 200;

/// Serves a socket until it ends.
pub(super) async fn serve(app: Arc<App>, stream: TcpStream, first: Bytes) {
    let mut wire = Wire::new(stream, &first);
    // Even without a byte it is the handshake's whole buffer.
    drop(first);
    // Boxed: what the first seconds need is not held afterwards.
    let end = match Box::pin(greet(&app, &mut wire)).await {
        Ok(greeted) => converse(&app, &mut wire, greeted).await,
        Err(end) => end,
    };
    if let Some((code, reason)) = end {
        wire.close(code, reason).await;
    }
}

/// What a socket remembers of its client.
struct Dialogue {
    app: Arc<App>,
    identity: Identity,
    watching: Watching,
    lanes: Lanes,
    expires_at: Instant,
    heard_at: Instant,
    pinged_at: Instant,
    /// Since when a message has been unfinished.
    inside_since: Option<Instant>,
    nonsense: Counted,
    rush: Counted,
}

/// Commands in, replies and events out, until it ends.
async fn converse(app: &Arc<App>, wire: &mut Wire, greeted: Greeted) -> End {
    let Greeted { session, identity, expires_at } = greeted;
    let now = Instant::now();
    let mut dialogue = Dialogue {
        app: app.clone(),
        identity,
        watching: Watching::begin(&app.presence, identity, session.outbox()),
        lanes: Lanes::default(),
        expires_at,
        heard_at: now,
        pinged_at: now,
        inside_since: None,
        nonsense: Counted::new(now),
        rush: Counted::new(now),
    };
    dialogue.wake_later(&session);
    let end = run(wire, &session, &mut dialogue).await;
    if matches!(end, None | Some((4009, _))) {
        let silent_for = dialogue.heard_at.elapsed();
        dialogue.watching.cut(app.clock.now().before(silent_for));
    }
    end
}

async fn run(wire: &mut Wire, session: &Session, dialogue: &mut Dialogue) -> End {
    let mut next = std::pin::pin!(session.next_batch());
    loop {
        if let Err(end) = dialogue.take_in(wire, session).await {
            return end;
        }
        if let Err(end) = wire.flush().await {
            return end;
        }
        let has_room = dialogue.lanes.in_progress() < COMMANDS_IN_FLIGHT_MAX;
        tokio::select! {
            read = wire.read(), if has_room => {
                dialogue.heard_at = Instant::now();
                if let Err(end) = read {
                    return end;
                }
            }
            replies = dialogue.lanes.replies() => {
                for reply in replies {
                    wire.reply(&reply);
                }
            }
            batch = next.as_mut() => {
                next.set(session.next_batch());
                match batch {
                    Batch::Frames(frames) => {
                        if let Err(end) = wire.events(frames).await {
                            return end;
                        }
                    }
                    Batch::Ping => {
                        if let Some(end) = dialogue.tick(wire, session) {
                            return Some(end);
                        }
                    }
                    Batch::Ended(ending) => return dialogue.finish(wire, ending).await,
                }
            }
        }
    }
}

impl Dialogue {
    /// Begins the commands that have come, as long as there is room.
    async fn take_in(&mut self, wire: &mut Wire, session: &Session) -> Result<(), End> {
        while self.lanes.in_progress() < COMMANDS_IN_FLIGHT_MAX {
            match wire.incoming()? {
                Some(Incoming::Text(text)) => self.command(wire, &text).await?,
                Some(Incoming::Close) => return Err(Some((1000, ""))),
                Some(Incoming::Pong | Incoming::Ping(_)) => {}
                None => {
                    self.note_inside(wire, session);
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// A message that has begun must end in time.
    fn note_inside(&mut self, wire: &Wire, session: &Session) {
        if !wire.is_inside() {
            self.inside_since = None;
        } else if self.inside_since.is_none() {
            self.inside_since = Some(Instant::now());
            self.app.wheel.wake_in(session.outbox(), MESSAGE_WITHIN);
        }
    }

    async fn command(&mut self, wire: &mut Wire, text: &str) -> Result<(), End> {
        let (id, command) = match protocol::parse(text) {
            Ok(parsed) => parsed,
            Err((id, error)) => {
                wire.reply(&reply_error(id, &error));
                if id.is_none() && self.nonsense.one_more() > NONSENSE_MAX {
                    return Err(Some((4502, "too many frames that are no commands")));
                }
                return Ok(());
            }
        };
        match self.begin(id, command).await {
            Ok(Some(reply)) => put_text(&mut wire.out, reply.as_bytes()),
            Ok(None) => {}
            Err(error) => {
                wire.reply(&reply_error(Some(id), &error));
                let is_rush = error.code() == ErrorCode::RateLimited;
                if is_rush && self.rush.one_more() > RUSH_MAX {
                    return Err(Some((4029, "too many requests")));
                }
            }
        }
        Ok(())
    }

    /// Answers a command at once, or begins it.
    async fn begin(
        &mut self,
        id: u64,
        command: ClientCommand,
    ) -> Result<Option<String>, ChatError> {
        let app = self.app.clone();
        match command {
            ClientCommand::Hello(_) => Err(ChatError::Conflict("hello has been said")),
            ClientCommand::Ping => Ok(Some(reply_ok(id, &protocol::Empty {}))),
            ClientCommand::Refresh { token } => {
                let Verified { identity, expires_at } = app.verify(token.expose())?;
                if identity != self.identity {
                    return Err(ChatError::Forbidden("the token is of another login"));
                }
                self.expires_at = app.instant_at(expires_at);
                let expires_in = self.expires_at.duration_since(Instant::now()).as_secs();
                Ok(Some(reply_ok(id, &protocol::answer::TokenTaken { expires_in })))
            }
            ClientCommand::Away { on } => {
                self.watching.away(on);
                Ok(Some(reply_ok(id, &protocol::Empty {})))
            }
            ClientCommand::Watch(users) => {
                let job = self.watching.watch(id, users);
                self.lanes.take(None, job);
                Ok(None)
            }
            ClientCommand::Unwatch(users) => {
                self.watching.unwatch(&users);
                Ok(Some(reply_ok(id, &protocol::Empty {})))
            }
            ClientCommand::Chat(command) => {
                app.limits.admit(self.identity, &command).await?;
                let lane = conversation_of(&command);
                self.lanes.take(lane, job(app, self.identity, id, command));
                Ok(None)
            }
        }
    }

    /// Looks what is due: the end of the token, of the client's silence, of a message, or a ping.
    fn tick(&mut self, wire: &mut Wire, session: &Session) -> Option<(u16, &'static str)> {
        let now = Instant::now();
        if now >= self.expires_at {
            return Some((4001, "the access token has expired"));
        }
        if now.duration_since(self.heard_at) >= SILENCE_MAX {
            return Some((4009, "heartbeat missed"));
        }
        if self.inside_since.is_some_and(|since| now.duration_since(since) >= MESSAGE_WITHIN) {
            return Some((1008, "a message was not finished in time"));
        }
        if now.duration_since(self.pinged_at) >= HEARTBEAT {
            self.pinged_at = now;
            put_ping(&mut wire.out);
        }
        self.wake_later(session);
        None
    }

    fn wake_later(&self, session: &Session) {
        let now = Instant::now();
        let to_expiry = self.expires_at.duration_since(now);
        let to_ping = (self.pinged_at + HEARTBEAT).duration_since(now);
        self.app.wheel.wake_in(session.outbox(), to_expiry.min(to_ping));
    }

    async fn finish(&mut self, wire: &mut Wire, ending: Ending) -> End {
        match ending {
            Ending::LoggedOut => Some((4501, "this login was ended")),
            Ending::Replaced => Some((1001, "going away")),
            Ending::Draining => self.drain(wire).await,
        }
    }

    /// Commands in progress get their replies; then the client is sent elsewhere.
    async fn drain(&mut self, wire: &mut Wire) -> End {
        let reconnect_after_ms = self.app.reconnect_after_ms();
        let event = JsonEncode.encode(&Event::Draining { reconnect_after_ms });
        put_text(&mut wire.out, &event);
        // Whoever takes longer asks again elsewhere, with the same client ids.
        drop(timeout(DRAIN_WITHIN, self.answer_all(wire)).await);
        match wire.flush().await {
            Ok(()) => Some((1012, "the gateway drains")),
            Err(end) => end,
        }
    }
}

impl Dialogue {
    async fn answer_all(&mut self, wire: &mut Wire) {
        while self.lanes.in_progress() > 0 {
            let replies = self.lanes.replies().await;
            replies.iter().map(String::as_str).for_each(|reply| wire.reply(reply));
        }
    }
}

/// The lane of a command: its conversation's.
fn conversation_of(command: &Command) -> Option<ConversationId> {
    match command {
        Command::Write(write) => Some(write.conversation),
        Command::Receipt { conversation, .. }
        | Command::Typing { conversation, .. }
        | Command::History { conversation, .. }
        | Command::Conversation { conversation }
        | Command::Member { conversation, .. }
        | Command::Members { conversation, .. } => Some(*conversation),
        Command::OpenDirect { .. }
        | Command::CreateGroup { .. }
        | Command::Conversations { .. } => None,
    }
}

fn job(app: Arc<App>, identity: Identity, id: u64, command: Command) -> Job {
    let is_write = matches!(command, Command::Write(_));
    let begin = Box::new(move || -> Work {
        if let Command::Write(write) = command {
            let submitted = app.chat.submit(identity, write);
            Box::pin(async move { answer(id, settled(submitted).await) })
        } else {
            Box::pin(async move { answer(id, app.chat.execute(identity, command).await) })
        }
    });
    Job { begin, is_write }
}

async fn settled(submitted: Result<PendingReply, ChatError>) -> Result<Reply, ChatError> {
    submitted?.reply().await
}

fn answer(id: u64, outcome: Result<Reply, ChatError>) -> String {
    match outcome {
        Ok(done) => reply(id, &done),
        Err(error) => reply_error(Some(id), &error),
    }
}

/// A count that begins anew each minute.
struct Counted {
    since: Instant,
    count: u32,
}

impl Counted {
    const fn new(since: Instant) -> Self {
        Self { since, count: 0 }
    }

    fn one_more(&mut self) -> u32 {
        let now = Instant::now();
        if now.duration_since(self.since) >= Duration::from_secs(60) {
            *self = Self::new(now);
        }
        self.count += 1;
        self.count
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;
    use crate::gateway::tests::gateway;

    /// Counts as held until it is dropped.
    struct Buffer {
        _held: Arc<()>,
    }

    impl AsRef<[u8]> for Buffer {
        fn as_ref(&self) -> &[u8] {
            &[]
        }
    }

    #[tokio::test]
    async fn buffer_of_the_handshake_is_not_held_by_the_socket() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let _client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (stream, _) = listener.accept().await.unwrap();
        let held = Arc::new(());
        let first = Bytes::from_owner(Buffer { _held: held.clone() });
        let mut served = Box::pin(serve(gateway(&[]).app(), stream, first));
        assert!(futures_util::poll!(served.as_mut()).is_pending());
        assert_eq!(Arc::strong_count(&held), 1);
    }
}
