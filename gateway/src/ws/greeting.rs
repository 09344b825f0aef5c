//! The first command of a socket, which must be `hello`.

use std::{sync::Arc, time::Duration};

use chat_core::{
    error::{ChatError, ErrorCode},
    model::Identity,
    session::{Opened, Session},
};
use tokio::time::{Instant, timeout};

use super::{
    decoder::Incoming,
    minute_limit::MinuteLimit,
    wire::{End, Wire},
};
use crate::{
    app::App,
    protocol::{self, ClientCommand, Hello, Unreadable, reply_error, reply_ok, value::Resume},
    tokens::Verified,
};

/// How long a client may take to send `hello`.
const HELLO_WITHIN: Duration = Duration::from_secs(5);

/// Frames in a minute that are not commands; more close the socket.
const INVALID_FRAMES_MAX: usize = 10;
/// The close for too many of them.
pub(super) const INVALID_FRAMES_END: End = Some((4502, "too many frames that are not commands"));

/// An authenticated socket.
pub(super) struct Greeted {
    pub(super) session: Session,
    pub(super) identity: Identity,
    pub(super) expires_at: Instant,
    pub(super) invalid_frames: MinuteLimit,
}

/// Reads `hello`, authenticates the client and opens its session. Any other first command closes the
/// socket.
pub(super) async fn greet(app: &Arc<App>, wire: &mut Wire) -> Result<Greeted, End> {
    let mut invalid_frames = MinuteLimit::new(INVALID_FRAMES_MAX);
    let first = timeout(HELLO_WITHIN, first_command(wire, &mut invalid_frames)).await;
    let (id, hello) = match first.map_err(|_| Some((1008, "no hello in time")))?? {
        Ok((id, ClientCommand::Hello(hello))) => (id, hello),
        Ok((id, _)) => {
            let error = ChatError::Unauthenticated("the first command must be hello");
            return Err(refuse(wire, id, &error).await);
        }
        Err((id, error)) => return Err(refuse(wire, id, &error).await),
    };
    match welcome(app, wire, id, hello).await {
        Ok((session, identity, expires_at)) => {
            Ok(Greeted { session, identity, expires_at, invalid_frames })
        }
        Err(error) => Err(refuse(wire, id, &error).await),
    }
}

/// The first command, or the id and the error of one that is invalid.
type FirstCommand = Result<(u64, ClientCommand), (u64, ChatError)>;

/// Reads until a frame has an id. Frames without one are answered and skipped.
async fn first_command(
    wire: &mut Wire,
    invalid_frames: &mut MinuteLimit,
) -> Result<FirstCommand, End> {
    loop {
        let text = first_text(wire).await?;
        let Unreadable { id, error, .. } = match protocol::parse(&text) {
            Ok(command) => return Ok(Ok(command)),
            Err(unreadable) => unreadable,
        };
        if let Some(id) = id {
            return Ok(Err((id, error)));
        }
        wire.reply(&reply_error(None, &error));
        if invalid_frames.is_exceeded_at(Instant::now()) {
            return Err(INVALID_FRAMES_END);
        }
    }
}

async fn first_text(wire: &mut Wire) -> Result<String, End> {
    loop {
        match wire.incoming()? {
            Some(Incoming::Text(text)) => return Ok(text),
            Some(Incoming::Close(code)) => return Err(Some((code, ""))),
            Some(Incoming::Pong | Incoming::Ping(_) | Incoming::Binary(_)) => {}
            None => {
                wire.flush().await?;
                wire.read().await?;
            }
        }
    }
}

async fn welcome(
    app: &Arc<App>,
    wire: &mut Wire,
    id: u64,
    hello: Hello,
) -> Result<(Session, Identity, Instant), ChatError> {
    let Verified { identity, expires_at, .. } = app.verify(hello.token.expose())?;
    let resume = hello.resume.as_ref().map(|Resume(cursors)| cursors);
    let Opened { session, heads, first } = app.open_session(identity, resume).await?;
    if let Some(client) = hello.client {
        tracing::debug!(user.id = %identity.user, client.name = client.name, client.version, "hello");
    }
    let welcome = app.welcome(identity, &heads);
    wire.reply(&reply_ok(id, &welcome));
    for event in &first {
        wire.event(event);
    }
    Ok((session, identity, app.instant_at(expires_at)))
}

/// Sends the error of the first command, and returns the close that it causes.
async fn refuse(wire: &mut Wire, id: u64, error: &ChatError) -> End {
    wire.reply(&reply_error(Some(id), error));
    wire.flush().await.err().unwrap_or(match error.code() {
        ErrorCode::TokenExpired => Some((4001, "the access token has expired")),
        ErrorCode::RateLimited => Some((4029, "too many requests")),
        ErrorCode::Unavailable | ErrorCode::OutcomeUnknown | ErrorCode::Internal => {
            Some((1013, "try again later"))
        }
        ErrorCode::Unauthenticated
        | ErrorCode::Forbidden
        | ErrorCode::NotFound
        | ErrorCode::Conflict => Some((4500, "not authenticated")),
        ErrorCode::Invalid | ErrorCode::TooLarge | ErrorCode::KeyReused => {
            Some((4502, "protocol error"))
        }
    })
}
