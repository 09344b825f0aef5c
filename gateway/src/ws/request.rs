//! A client's command on its way to the reply.

use std::sync::Arc;

use chat_core::{
    command::{Command, Reply},
    error::ChatError,
    id::UserId,
    limits::WATCHED_MAX,
    model::Identity,
};
use futures_util::future::BoxFuture;
use presence::Watcher;

use super::lanes::Work;
use crate::{
    app::App,
    protocol::{
        reply, reply_error, reply_ok,
        users::{PresenceJson, Watched},
    },
};

/// A client's command on its way to the reply.
#[derive(Debug)]
pub(super) enum Request {
    /// A command of the chat.
    Chat { app: Arc<App>, identity: Identity, id: u64, command: Command },
    /// `watch`, with the socket's watcher.
    Watch { id: u64, watcher: Arc<Watcher>, users: Vec<UserId> },
    /// A command that was refused: its reply only waits for those before it.
    Answered(String),
}

impl Work for Request {
    fn is_write(&self) -> bool {
        match self {
            Self::Chat { command, .. } => matches!(command, Command::Write(_)),
            Self::Watch { .. } => false,
            // Writes may overtake a reply that has no effect.
            Self::Answered(_) => true,
        }
    }

    fn begin(self) -> BoxFuture<'static, String> {
        match self {
            Self::Chat { app, identity, id, command } => {
                let result = app.chat.begin(identity, command);
                Box::pin(async move { reply_with(id, result.await) })
            }
            Self::Watch { id, watcher, users } => Box::pin(async move {
                let Ok(presence) = watcher.watch(&users).await else {
                    let error = ChatError::TooLarge { field: "users", max: WATCHED_MAX };
                    return reply_error(Some(id), &error);
                };
                let presence = presence.into_iter().map(PresenceJson::from).collect();
                reply_ok(id, &Watched { presence })
            }),
            Self::Answered(reply) => Box::pin(std::future::ready(reply)),
        }
    }
}

fn reply_with(id: u64, result: Result<Reply, ChatError>) -> String {
    match result {
        Ok(done) => reply(id, &done),
        Err(error) => reply_error(Some(id), &error),
    }
}
