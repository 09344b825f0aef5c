//! The first command of a socket: it must say who is there.

use std::{sync::Arc, time::Duration};

use chat_core::{
    error::{ChatError, ErrorCode},
    model::Identity,
    session::{Opened, Session},
};
use tokio::time::{Instant, timeout};

use super::{
    frame::Incoming,
    wire::{End, Wire},
};
use crate::{
    app::App,
    protocol::{self, ClientCommand, Hello, reply_error, reply_ok},
    tokens::Verified,
};

/// How long a client may take to say hello.
const HELLO_WITHIN: Duration = Duration::from_secs(5);

/// What the greeting leaves: who is there, and the session.
pub(super) struct Greeted {
    pub(super) session: Session,
    pub(super) identity: Identity,
    pub(super) expires_at: Instant,
}

/// The first command must say who is there.
pub(super) async fn greet(app: &Arc<App>, wire: &mut Wire) -> Result<Greeted, End> {
    let first = timeout(HELLO_WITHIN, first_text(wire)).await;
    let text = first.map_err(|_| Some((1008, "no hello in time")))??;
    let (id, hello) = match protocol::parse(&text) {
        Ok((id, ClientCommand::Hello(hello))) => (id, hello),
        Ok((id, _)) => {
            let error = ChatError::Unauthenticated("say hello first");
            return Err(refuse(wire, Some(id), &error).await);
        }
        Err((id, error)) => return Err(refuse(wire, id, &error).await),
    };
    match welcome(app, wire, id, hello).await {
        Ok(greeted) => Ok(greeted),
        Err(error) => Err(refuse(wire, Some(id), &error).await),
    }
}

async fn first_text(wire: &mut Wire) -> Result<String, End> {
    loop {
        match wire.incoming()? {
            Some(Incoming::Text(text)) => return Ok(text),
            Some(Incoming::Close) => return Err(Some((1000, ""))),
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
) -> Result<Greeted, ChatError> {
    let Verified { identity, expires_at } = app.verify(hello.token.expose())?;
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
    Ok(Greeted { session, identity, expires_at: app.instant_at(expires_at) })
}

/// Says what was wrong with the hello, and how the socket ends for it.
async fn refuse(wire: &mut Wire, id: Option<u64>, error: &ChatError) -> End {
    wire.reply(&reply_error(id, error));
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
