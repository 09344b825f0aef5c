//! One client's WebSocket: `hello`, then commands in, replies and events out.
//!
//! A socket is one task. While it is idle it holds no buffer, neither for reading nor for writing.

use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};

use bytes::Bytes;
use chat_core::{
    error::{ChatError, ErrorCode},
    event::{Encode, Event},
    id::ConversationId,
    limits::COMMANDS_IN_FLIGHT_MAX,
    model::Identity,
    outbox::Ending,
    session::{Batch, Session},
};
use futures_util::FutureExt;
use tokio::time::{Instant, timeout};

use super::{
    channel::Channel,
    deadlines::{Deadlines, Due},
    decoder::Incoming,
    greeting::{Greeted, INVALID_FRAMES_END, greet},
    lanes::Lanes,
    minute_limit::MinuteLimit,
    request::Request,
    watching::Watching,
    wire::{End, Wire},
};
use crate::{
    admission::Price,
    app::App,
    metrics,
    protocol::{self, ClientCommand, JsonEncode, Unreadable, reply_error, reply_ok},
    tokens::Verified,
};

/// How long commands in progress may take after the gateway starts to drain.
pub(super) const DRAIN_WITHIN: Duration = Duration::from_secs(3);
/// Rate-limited commands in a minute; more close the socket.
const RATE_LIMITED_MAX: usize = 200;

/// Serves a socket until it ends.
pub(super) async fn serve(app: Arc<App>, channel: Channel, first: Bytes) {
    let mut wire = Wire::new(channel, &first);
    // Even if it is empty it keeps the handshake's whole buffer alive.
    drop(first);
    let served = AssertUnwindSafe(async {
        // Boxed, so that the socket does not keep what only the first seconds need.
        match Box::pin(greet(&app, &mut wire)).await {
            Ok(greeted) => converse(&app, &mut wire, greeted).await,
            Err(end) => end,
        }
    });
    let end = served.catch_unwind().await.unwrap_or_else(|_| {
        tracing::error!("socket ended in a panic");
        metrics::panic();
        Some((1011, "internal error"))
    });
    if let Some((code, reason)) = end {
        wire.close(code, reason).await;
    }
}

/// The state of a socket after `hello`.
struct Dialogue {
    app: Arc<App>,
    identity: Identity,
    watching: Watching,
    lanes: Lanes<Request>,
    deadlines: Deadlines,
    /// Frames that are not commands.
    invalid_frames: MinuteLimit,
    rate_limited: MinuteLimit,
}

/// Serves commands and events until the socket ends.
async fn converse(app: &Arc<App>, wire: &mut Wire, greeted: Greeted) -> End {
    let Greeted { session, identity, expires_at, invalid_frames } = greeted;
    let mut dialogue = Dialogue {
        app: app.clone(),
        identity,
        watching: Watching::begin(&app.presence, identity, session.outbox()),
        lanes: Lanes::default(),
        deadlines: Deadlines::new(expires_at, Instant::now()),
        invalid_frames,
        rate_limited: MinuteLimit::new(RATE_LIMITED_MAX),
    };
    dialogue.wake_later(&session);
    session.outbox().set_transport(wire.transport());
    let end = run(wire, &session, &mut dialogue).await;
    session.outbox().remove_transport();
    // Replies that are ready go out before the close.
    dialogue.write_ready_replies(wire);
    // A client that ends the connection, even by a reset, may come back within the grace period. In
    // these two cases it was gone before the connection ended.
    if matches!(end, Some((4008 | 4009, _))) {
        let silent_for = dialogue.deadlines.silent_for(Instant::now());
        dialogue.watching.cut(app.clock.now().before(silent_for));
    }
    end
}

async fn run(wire: &mut Wire, session: &Session, dialogue: &mut Dialogue) -> End {
    let mut next = std::pin::pin!(session.next_batch());
    loop {
        // Replies and events that are ready by now leave by the same system call.
        dialogue.write_ready_replies(wire);
        if let Some(batch) = next.as_mut().now_or_never() {
            next.set(session.next_batch());
            if let Err(end) = dialogue.send(wire, session, batch).await {
                return end;
            }
        }
        // After the replies: they make room for commands that were read and could not begin.
        if let Err(end) = dialogue.read_commands(wire, session).await {
            return end;
        }
        wire.expect_reply(dialogue.lanes.in_progress() > 0);
        if let Err(end) = wire.flush().await {
            return end;
        }
        let has_room = dialogue.lanes.in_progress() < COMMANDS_IN_FLIGHT_MAX;
        tokio::select! {
            read = wire.read(), if has_room => {
                dialogue.deadlines.heard(Instant::now());
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
                if let Err(end) = dialogue.send(wire, session, batch).await {
                    return end;
                }
            }
        }
    }
}

impl Dialogue {
    /// Begins the commands that have been read, up to the bound on commands in progress.
    async fn read_commands(&mut self, wire: &mut Wire, session: &Session) -> Result<(), End> {
        while self.lanes.in_progress() < COMMANDS_IN_FLIGHT_MAX {
            match wire.incoming()? {
                Some(Incoming::Text(text)) => {
                    self.deadlines.message_completed();
                    self.command(wire, &text).await?;
                }
                Some(Incoming::Close(code)) => return Err(Some((code, ""))),
                Some(Incoming::Pong | Incoming::Ping(_) | Incoming::Binary(_)) => {}
                None => {
                    self.deadlines.set_unfinished(wire.is_inside_message(), Instant::now());
                    self.wake_later(session);
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    async fn command(&mut self, wire: &mut Wire, text: &str) -> Result<(), End> {
        let (id, lane, refusal) = match protocol::parse(text) {
            Ok((id, command)) => {
                let lane = command.conversation();
                (id, lane, self.begin(wire, lane, id, command).await.err())
            }
            Err(Unreadable { id: Some(id), conversation, error }) => {
                (id, conversation, Some(error))
            }
            Err(Unreadable { id: None, error, .. }) => {
                wire.reply(&reply_error(None, &error));
                let is_exceeded = self.invalid_frames.is_exceeded_at(Instant::now());
                return if is_exceeded { Err(INVALID_FRAMES_END) } else { Ok(()) };
            }
        };
        let Some(error) = refusal else { return Ok(()) };
        // A refusal comes after the replies to earlier commands of its conversation.
        let reply = reply_error(Some(id), &error);
        match lane {
            None => wire.reply(&reply),
            Some(_) => self.lanes.push(lane, Request::Answered(reply)),
        }
        let is_rate_limited = error.code() == ErrorCode::RateLimited;
        if is_rate_limited && self.rate_limited.is_exceeded_at(Instant::now()) {
            return Err(Some((4029, "too many requests")));
        }
        Ok(())
    }

    /// Answers a command at once, or begins it.
    async fn begin(
        &mut self,
        wire: &mut Wire,
        lane: Option<ConversationId>,
        id: u64,
        command: ClientCommand,
    ) -> Result<(), ChatError> {
        let app = self.app.clone();
        match command {
            ClientCommand::Hello(_) => return Err(ChatError::Conflict("hello was sent already")),
            ClientCommand::Ping => wire.reply(&reply_ok(id, &protocol::Empty {})),
            ClientCommand::Refresh { token } => {
                let Verified { identity, expires_at, .. } = app.verify(token.expose())?;
                if identity != self.identity {
                    return Err(ChatError::Forbidden("the token belongs to another login"));
                }
                let expires_at = app.instant_at(expires_at);
                self.deadlines.expires_at = expires_at;
                let expires_in = expires_at.duration_since(Instant::now()).as_secs();
                wire.reply(&reply_ok(id, &protocol::sessions::TokenReplaced { expires_in }));
            }
            ClientCommand::Away { on } => {
                self.watching.set_away(on);
                wire.reply(&reply_ok(id, &protocol::Empty {}));
            }
            ClientCommand::Watch(users) => {
                let price = Price::Presence(users.len());
                app.limits.admit_other(self.identity.user, price).await?;
                let watcher = self.watching.watcher();
                self.lanes.push(None, Request::Watch { id, watcher, users });
            }
            ClientCommand::Unwatch(users) => {
                self.watching.unwatch(&users);
                wire.reply(&reply_ok(id, &protocol::Empty {}));
            }
            ClientCommand::Chat(command) => {
                app.admit(self.identity.user, &command).await?;
                let identity = self.identity;
                self.lanes.push(lane, Request::Chat { app, identity, id, command });
            }
        }
        Ok(())
    }

    fn write_ready_replies(&mut self, wire: &Wire) {
        while let Some(replies) = self.lanes.replies().now_or_never() {
            for reply in replies {
                wire.reply(&reply);
            }
        }
    }

    /// Sends what the session has for the client.
    async fn send(&mut self, wire: &Wire, session: &Session, batch: Batch) -> Result<(), End> {
        match batch {
            Batch::Frames(frames) => wire.events(frames).await,
            Batch::Ping => self.tick(wire, session),
            Batch::Ended(ending) => Err(self.finish(wire, ending).await),
        }
    }

    fn tick(&mut self, wire: &Wire, session: &Session) -> Result<(), End> {
        match self.deadlines.due(Instant::now()) {
            Due::End(end) => return Err(end),
            Due::Ping => wire.ping(),
            Due::Nothing => {}
        }
        self.wake_later(session);
        Ok(())
    }

    fn wake_later(&mut self, session: &Session) {
        if let Some(wait) = self.deadlines.wake_after(Instant::now()) {
            self.app.wheel.wake_in(session.outbox(), wait);
        }
    }

    async fn finish(&mut self, wire: &Wire, ending: Ending) -> End {
        match ending {
            Ending::LoggedOut => Some((4501, "the login was ended")),
            Ending::Replaced => Some((1001, "going away")),
            Ending::Draining => self.drain(wire).await,
        }
    }

    /// Answers the commands in progress, then sends the client to another gateway.
    async fn drain(&mut self, wire: &Wire) -> End {
        let reconnect_after_ms = self.app.reconnect_after_ms();
        wire.event(&JsonEncode.encode(&Event::Draining { reconnect_after_ms }));
        // After that the client repeats its commands elsewhere, with the same client ids.
        match timeout(DRAIN_WITHIN, self.answer_all(wire)).await {
            Ok(Err(end)) => end,
            Ok(Ok(())) | Err(_) => Some((1012, "the gateway drains")),
        }
    }

    /// Sends each reply as soon as it is ready. Cancel-safe.
    async fn answer_all(&mut self, wire: &Wire) -> Result<(), End> {
        wire.flush().await?;
        while self.lanes.in_progress() > 0 {
            for reply in self.lanes.replies().await {
                wire.reply(&reply);
            }
            wire.flush().await?;
        }
        Ok(())
    }
}
