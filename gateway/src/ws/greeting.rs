//! The first command of a socket: it must say who is there.

use std::{sync::Arc, time::Duration};

use chat_core::{
    error::{ChatError, ErrorCode},
    model::Identity,
    session::{Opened, Session},
};
use tokio::time::{Instant, timeout};

use super::{
    counted::Counted,
    frame::Incoming,
    wire::{End, Wire},
};
use crate::{
    app::App,
    protocol::{self, ClientCommand, Hello, Unreadable, reply_error, reply_ok},
    tokens::Verified,
};

/// How long a client may take to say hello.
const HELLO_WITHIN: Duration = Duration::from_secs(5);

/// Frames in a minute that are no commands; more end the socket.
const NONSENSE_MAX: usize = 10;
/// How it ends for them.
pub(super) const NONSENSE_END: End = Some((4502, "too many frames that are no commands"));

/// What the greeting leaves: who is there, the session, and the nonsense so far.
pub(super) struct Greeted {
    pub(super) session: Session,
    pub(super) identity: Identity,
    pub(super) expires_at: Instant,
    pub(super) nonsense: Counted,
}

/// The first command must say who is there.
pub(super) async fn greet(app: &Arc<App>, wire: &mut Wire) -> Result<Greeted, End> {
    let mut nonsense = Counted::new(NONSENSE_MAX);
    let first = timeout(HELLO_WITHIN, first_command(wire, &mut nonsense)).await;
    let (id, hello) = match first.map_err(|_| Some((1008, "no hello in time")))?? {
        Ok((id, ClientCommand::Hello(hello))) => (id, hello),
        Ok((id, _)) => {
            let error = ChatError::Unauthenticated("say hello first");
            return Err(refuse(wire, id, &error).await);
        }
        Err((id, error)) => return Err(refuse(wire, id, &error).await),
    };
    match welcome(app, wire, id, hello).await {
        Ok((session, identity, expires_at)) => {
            Ok(Greeted { session, identity, expires_at, nonsense })
        }
        Err(error) => Err(refuse(wire, id, &error).await),
    }
}

/// A command, or what is wrong with it.
type First = Result<(u64, ClientCommand), (u64, ChatError)>;

/// The first frame that has an id; what has none is answered and passed over.
async fn first_command(wire: &mut Wire, nonsense: &mut Counted) -> Result<First, End> {
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
        if nonsense.is_too_often(Instant::now()) {
            return Err(NONSENSE_END);
        }
    }
}

async fn first_text(wire: &mut Wire) -> Result<String, End> {
    loop {
        match wire.incoming()? {
            Some(Incoming::Text(text)) => return Ok(text),
            Some(Incoming::Close(code)) => return Err(Some((code, ""))),
            Some(Incoming::Pong | Incoming::Ping(_)) => {}
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
    let Verified { identity, expires_at } = app.verify(hello.token.expose())?;
    app.limits.admit_other(identity).await?;
    let resume = hello.resume.as_ref();
    let Opened { session, heads, first } = Session::open(&app.chat, identity, resume).await?;
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

/// Says what was wrong with the hello, and how the socket ends for it.
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
            Some((4502, "the protocol was broken"))
        }
    })
}
