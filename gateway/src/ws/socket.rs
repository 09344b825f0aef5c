//! One client's life on a WebSocket: hello, then commands in, replies and events out.
//!
//! One task. While it is idle it holds no buffer: neither for what comes nor for what goes.

use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};

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
use futures_util::FutureExt;
use tokio::{
    net::TcpStream,
    time::{Instant, timeout},
};

use super::{
    counted::Counted,
    deadlines::{Deadlines, Due},
    frame::Incoming,
    greeting::{Greeted, NONSENSE_END, greet},
    lanes::{Job, Lanes, Work},
    wire::{End, Wire},
};
use crate::{
    app::App,
    metrics,
    protocol::{self, ClientCommand, JsonEncode, Unreadable, reply, reply_error, reply_ok},
    tokens::Verified,
    ws::watching::Watching,
};

/// How long commands in progress may take once the gateway drains.
pub(super) const DRAIN_WITHIN: Duration = Duration::from_secs(3);
/// Commands in a minute that are refused for their rate; more end the socket.
const RUSH_MAX: usize = 200;

/// Serves a socket until it ends.
pub(super) async fn serve(app: Arc<App>, stream: TcpStream, first: Bytes) {
    let mut wire = Wire::new(stream, &first);
    // Even without a byte it is the handshake's whole buffer.
    drop(first);
    let lived = AssertUnwindSafe(live(&app, &mut wire)).catch_unwind().await;
    let end = lived.unwrap_or_else(|_| {
        tracing::error!("socket ended in a panic");
        metrics::panic();
        Some((1011, "a fault of the server"))
    });
    if let Some((code, reason)) = end {
        wire.close(code, reason).await;
    }
}

async fn live(app: &Arc<App>, wire: &mut Wire) -> End {
    // Boxed: what the first seconds need is not held afterwards.
    match Box::pin(greet(app, wire)).await {
        Ok(greeted) => converse(app, wire, greeted).await,
        Err(end) => end,
    }
}

/// What a socket remembers of its client.
struct Dialogue {
    app: Arc<App>,
    identity: Identity,
    watching: Watching,
    lanes: Lanes,
    deadlines: Deadlines,
    nonsense: Counted,
    rush: Counted,
}

/// Commands in, replies and events out, until it ends.
async fn converse(app: &Arc<App>, wire: &mut Wire, greeted: Greeted) -> End {
    let Greeted { session, identity, expires_at, nonsense } = greeted;
    let mut dialogue = Dialogue {
        app: app.clone(),
        identity,
        watching: Watching::begin(&app.presence, identity, session.outbox()),
        lanes: Lanes::default(),
        deadlines: Deadlines::new(expires_at, Instant::now()),
        nonsense,
        rush: Counted::new(RUSH_MAX),
    };
    dialogue.wake_later(&session);
    let end = run(wire, &session, &mut dialogue).await;
    // What is answered already is told before the close.
    while let Some(replies) = dialogue.lanes.replies().now_or_never() {
        for reply in replies {
            wire.reply(&reply);
        }
    }
    // Whoever ends the connection, by a reset too, may come back within the grace; these two were
    // gone before it ended.
    if matches!(end, Some((4008 | 4009, _))) {
        let silent_for = dialogue.deadlines.silent_for(Instant::now());
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
                match batch {
                    Batch::Frames(frames) => {
                        if let Err(end) = wire.events(frames).await {
                            return end;
                        }
                    }
                    Batch::Ping => {
                        if let Err(end) = dialogue.tick(wire, session) {
                            return end;
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
                Some(Incoming::Text(text)) => {
                    self.deadlines.message_ended();
                    self.command(wire, &text).await?;
                }
                Some(Incoming::Close(code)) => return Err(Some((code, ""))),
                Some(Incoming::Pong | Incoming::Ping(_)) => {}
                None => {
                    self.deadlines.is_inside(wire.is_inside(), Instant::now());
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
                let is_too_often = self.nonsense.is_too_often(Instant::now());
                return if is_too_often { Err(NONSENSE_END) } else { Ok(()) };
            }
        };
        let Some(error) = refusal else { return Ok(()) };
        self.refuse(wire, lane, id, &error);
        let is_rush = error.code() == ErrorCode::RateLimited;
        if is_rush && self.rush.is_too_often(Instant::now()) {
            return Err(Some((4029, "too many requests")));
        }
        Ok(())
    }

    /// Says no, after the replies to what was asked of that conversation before.
    fn refuse(
        &mut self,
        wire: &mut Wire,
        lane: Option<ConversationId>,
        id: u64,
        error: &ChatError,
    ) {
        let reply = reply_error(Some(id), error);
        match lane {
            None => wire.reply(&reply),
            Some(_) => self.lanes.take(lane, Job::answered(reply)),
        }
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
            ClientCommand::Hello(_) => return Err(ChatError::Conflict("hello has been said")),
            ClientCommand::Ping => wire.reply(&reply_ok(id, &protocol::Empty {})),
            ClientCommand::Refresh { token } => {
                let Verified { identity, expires_at } = app.verify(token.expose())?;
                if identity != self.identity {
                    return Err(ChatError::Forbidden("the token is of another login"));
                }
                let expires_at = app.instant_at(expires_at);
                self.deadlines.expires_at = expires_at;
                let expires_in = expires_at.duration_since(Instant::now()).as_secs();
                wire.reply(&reply_ok(id, &protocol::answer::TokenTaken { expires_in }));
            }
            ClientCommand::Away { on } => {
                self.watching.away(on);
                wire.reply(&reply_ok(id, &protocol::Empty {}));
            }
            ClientCommand::Watch(users) => {
                app.limits.admit_other(self.identity).await?;
                let job = self.watching.watch(id, users);
                self.lanes.take(None, job);
            }
            ClientCommand::Unwatch(users) => {
                self.watching.unwatch(&users);
                wire.reply(&reply_ok(id, &protocol::Empty {}));
            }
            ClientCommand::Chat(command) => {
                app.limits.admit(self.identity, &command).await?;
                self.lanes.take(lane, job(app, self.identity, id, command));
            }
        }
        Ok(())
    }

    fn tick(&mut self, wire: &mut Wire, session: &Session) -> Result<(), End> {
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
        wire.event(&JsonEncode.encode(&Event::Draining { reconnect_after_ms }));
        // Whoever takes longer asks again elsewhere, with the same client ids.
        match timeout(DRAIN_WITHIN, self.answer_all(wire)).await {
            Ok(Err(end)) => end,
            Ok(Ok(())) | Err(_) => Some((1012, "the gateway drains")),
        }
    }

    /// Tells each reply as soon as it is there. Cancel-safe.
    async fn answer_all(&mut self, wire: &mut Wire) -> Result<(), End> {
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
