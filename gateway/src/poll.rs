//! `POST /v1/poll`: a session that is read once. Nothing is kept between polls but the cursors in
//! the client's hands, so that any gateway can answer any of them.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, PoisonError, Weak},
    time::Duration,
};

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use bytes::{BufMut, Bytes, BytesMut};
use chat_core::{
    error::ChatError,
    id::{ConversationId, LoginId},
    limits::{OUTBOX_BYTES_MAX, POLLS_PER_LOGIN_MAX},
    model::Seq,
    outbox::{Ending, Outbox},
    session::{Batch, Opened, Session},
};
use http::header::CONTENT_TYPE;
use tokio::time::{Instant, timeout_at};

use crate::{
    app::App,
    error::ApiError,
    protocol::body::Poll,
    rest::{Body, Caller},
};

/// Answers a poll: at once if there is anything, else when something comes or the time is up.
pub async fn poll(
    State(app): State<Arc<App>>,
    Caller(identity): Caller,
    Body(poll): Body<Poll>,
) -> Result<Response, ApiError> {
    app.limits.admit_other(identity).await?;
    let opened = Session::open(&app.chat, identity, poll.resume.as_ref()).await?;
    if poll.resume.is_none() {
        return Ok(answer(&[], &opened.heads));
    }
    let Opened { session, first, .. } = opened;
    let _here = app.presence.poll(identity);
    let parked = app.polls.park(identity.login, session.outbox());
    let deadline = Instant::now() + Duration::from_millis(poll.wait_ms);
    let events = gather(&session, first, deadline).await;
    drop(parked);
    Ok(answer(&events?, &session.cursors()))
}

/// What is there now; where that is nothing, what comes first before the deadline.
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
            // What has been gathered is told first, also where the store fails now.
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

/// `{"events": [...], "resume": {...}}`, of events that are encoded already.
fn answer(events: &[Bytes], cursors: &[(ConversationId, Seq)]) -> Response {
    let bytes: usize = events.iter().map(|event| event.len() + 1).sum();
    let mut out = BytesMut::with_capacity(bytes + cursors.len() * 32 + 32);
    out.put_slice(b"{\"events\":[");
    for (index, event) in events.iter().enumerate() {
        if index > 0 {
            out.put_u8(b',');
        }
        out.put_slice(event);
    }
    out.put_slice(b"],\"resume\":{");
    for (index, (conversation, seq)) in cursors.iter().enumerate() {
        let comma = if index > 0 { "," } else { "" };
        out.put_slice(format!("{comma}\"{conversation}\":{seq}").as_bytes());
    }
    out.put_slice(b"}}");
    ([(CONTENT_TYPE, "application/json")], out.freeze()).into_response()
}

/// The polls that wait, by login.
#[derive(Debug, Default)]
pub struct Polls {
    parked: Mutex<HashMap<LoginId, VecDeque<Weak<Outbox>>>>,
}

/// A poll that waits; it makes room when it is dropped.
#[derive(Debug)]
pub struct Parked<'a> {
    polls: &'a Polls,
    login: LoginId,
    outbox: Weak<Outbox>,
}

impl Polls {
    /// Parks a poll; one too many of its login ends the oldest.
    pub fn park(&self, login: LoginId, outbox: &Arc<Outbox>) -> Parked<'_> {
        let mut parked = self.parked.lock().unwrap_or_else(PoisonError::into_inner);
        let polls = parked.entry(login).or_default();
        let outbox = Arc::downgrade(outbox);
        polls.push_back(outbox.clone());
        while polls.len() > POLLS_PER_LOGIN_MAX {
            if let Some(oldest) = polls.pop_front().and_then(|oldest| oldest.upgrade()) {
                oldest.finish(Ending::Replaced);
            }
        }
        Parked { polls: self, login, outbox }
    }
}

impl Drop for Parked<'_> {
    fn drop(&mut self) {
        let mut parked = self.polls.parked.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(polls) = parked.get_mut(&self.login) {
            polls.retain(|one| !one.ptr_eq(&self.outbox));
            if polls.is_empty() {
                parked.remove(&self.login);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use chat_core::{id::UserId, model::Identity};

    use super::*;

    #[test]
    fn nothing_is_left_of_a_poll_that_has_ended() {
        let identity = Identity { user: UserId::new(1).unwrap(), login: LoginId::new(2).unwrap() };
        let polls = Polls::default();
        let (one, other) = (Arc::new(Outbox::new(identity)), Arc::new(Outbox::new(identity)));
        let parked = (polls.park(identity.login, &one), polls.park(identity.login, &other));
        drop(parked.0);
        assert_eq!(polls.parked.lock().unwrap()[&identity.login].len(), 1);
        drop(parked.1);
        assert!(polls.parked.lock().unwrap().is_empty());
    }
}
