//! `POST /v1/poll`: a session that is read once.
//!
//! The gateway keeps nothing between two polls. The cursors are with the client, so any gateway can
//! answer the next poll.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Weak},
    time::Duration,
};

use axum::{Json, extract::State, response::IntoResponse};
use bytes::Bytes;
use chat_core::{
    error::ChatError,
    id::{ConversationId, LoginId},
    limits::{OUTBOX_BYTES_MAX, POLLS_PER_LOGIN_MAX},
    model::Seq,
    outbox::{Ending, Outbox},
    session::{Batch, Opened, Session},
};
use parking_lot::Mutex;
use tokio::time::{Instant, timeout_at};

use crate::{
    app::App,
    frame,
    protocol::{
        poll::{Poll, Polled},
        value::{Cursors, Resume},
    },
    rest::{Body, Caller, HandlerResult},
};

/// Returns new events of the caller's conversations.
///
/// Answers at once if there are events. Otherwise waits for the first one or until `wait_ms` is over.
#[utoipa::path(
    post, path = "/v1/poll", tag = "events", operation_id = "poll",
    request_body = Poll,
    responses((status = 200, description = "events, and the cursors after them", body = Polled)),
)]
pub async fn poll(
    State(app): State<Arc<App>>,
    Caller(identity): Caller,
    Body(poll): Body<Poll>,
) -> HandlerResult {
    let wait = Duration::from_millis(poll.wait_ms()?);
    let Some(Resume(cursors)) = poll.resume else {
        let opened = app.open_session(identity, None).await?;
        return answer(&[], &opened.heads);
    };
    let Opened { session, first, .. } = app.open_session(identity, Some(&cursors)).await?;
    let _device = app.presence.hold_for_poll(identity);
    let _waiting = app.polls.register(identity.login, session.outbox());
    let events = gather(&session, first, Instant::now() + wait).await?;
    answer(&events, &session.cursors())
}

/// Returns the events that are ready, or waits for the first batch or the deadline.
async fn gather(
    session: &Session,
    first: Vec<Bytes>,
    deadline: Instant,
) -> Result<Vec<Bytes>, ChatError> {
    let mut events = first;
    let mut bytes: usize = events.iter().map(Bytes::len).sum();
    loop {
        let batch = match session.ready_batch().await {
            Ok(Some(batch)) => batch,
            // Events that were already gathered are sent even if the store fails now.
            Ok(None) | Err(_) if !events.is_empty() => return Ok(events),
            Ok(None) => match timeout_at(deadline, session.next_batch()).await {
                Ok(batch) => batch,
                Err(_) => return Ok(events),
            },
            Err(error) => return Err(error),
        };
        match batch {
            Batch::Frames(frames) => {
                bytes += frames.iter().map(Bytes::len).sum::<usize>();
                events.extend(frames);
            }
            Batch::Ended(_) => return Ok(events),
            Batch::Ping => {}
        }
        if bytes >= OUTBOX_BYTES_MAX {
            return Ok(events);
        }
    }
}

fn answer(events: &[Bytes], cursors: &[(ConversationId, Seq)]) -> HandlerResult {
    let json = events.iter().map(|event| serde_json::from_slice(frame::text_of(event)));
    let events: Result<_, _> = json.collect();
    let events = events.map_err(|error| {
        tracing::error!(%error, "encoded event is not JSON");
        ChatError::Internal
    })?;
    Ok(Json(Polled { events, resume: Cursors(cursors) }).into_response())
}

/// The polls that are waiting, by login.
#[derive(Debug, Default)]
pub struct WaitingPolls {
    by_login: Mutex<HashMap<LoginId, VecDeque<Weak<Outbox>>>>,
}

/// Guard that removes a waiting poll when dropped.
#[derive(Debug)]
pub struct WaitingPoll<'a> {
    polls: &'a WaitingPolls,
    login: LoginId,
    outbox: Weak<Outbox>,
}

impl WaitingPolls {
    /// Registers a poll. If its login then has more than [`POLLS_PER_LOGIN_MAX`], ends the oldest.
    pub fn register(&self, login: LoginId, outbox: &Arc<Outbox>) -> WaitingPoll<'_> {
        let mut by_login = self.by_login.lock();
        let polls = by_login.entry(login).or_default();
        let outbox = Arc::downgrade(outbox);
        polls.push_back(outbox.clone());
        while polls.len() > POLLS_PER_LOGIN_MAX {
            if let Some(oldest) = polls.pop_front().and_then(|oldest| oldest.upgrade()) {
                oldest.finish(Ending::Replaced);
            }
        }
        WaitingPoll { polls: self, login, outbox }
    }
}

impl Drop for WaitingPoll<'_> {
    fn drop(&mut self) {
        let mut by_login = self.polls.by_login.lock();
        if let Some(polls) = by_login.get_mut(&self.login) {
            polls.retain(|one| !one.ptr_eq(&self.outbox));
            if polls.is_empty() {
                by_login.remove(&self.login);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use chat_core::{budget::Unread, id::UserId, model::Identity};

    use super::*;

    #[test]
    fn waiting_poll_is_removed_when_dropped() {
        let identity = Identity { user: UserId::new(1).unwrap(), login: LoginId::new(2).unwrap() };
        let polls = WaitingPolls::default();
        let first = polls.register(
            identity.login,
            &Arc::new(Outbox::new(identity, &Unread::new(0).of(identity.user))),
        );
        let second = polls.register(
            identity.login,
            &Arc::new(Outbox::new(identity, &Unread::new(0).of(identity.user))),
        );
        drop(first);
        assert_eq!(polls.by_login.lock()[&identity.login].len(), 1);
        drop(second);
        assert!(polls.by_login.lock().is_empty());
    }
}
