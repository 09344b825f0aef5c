//! Bounds the bytes of answers that clients have not read.

use std::{
    pin::Pin,
    sync::{Arc, OnceLock},
    task::{Context, Poll, ready},
};

use axum::{
    body::{Body, HttpBody},
    response::Response,
};
use bytes::Bytes;
use chat_core::{
    budget::{Reserved, Unread},
    error::ChatError,
    id::UserId,
    limits::UNREAD_RETRY_AFTER,
};
use hyper::body::{Frame, SizeHint};

/// Answers up to this size are not counted: headers and buffers of a connection take as much.
const SMALL_BYTES_MAX: u64 = 2 * 1024;
/// Bytes that are passed on at once, so that the rest stays counted until the client reads on.
const CHUNK_BYTES: usize = 16 * 1024;

/// The user of a request, as soon as it is authenticated. An extension of the request.
#[derive(Debug, Clone, Default)]
pub struct RequestUser(pub Arc<OnceLock<UserId>>);

/// Counts an answer until the client has read it. Fails if the user or the gateway has too many
/// unread bytes.
pub fn count(answer: Response, unread: &Unread, user: &RequestUser) -> Result<Response, ChatError> {
    let Some(bytes) = answer.body().size_hint().exact().filter(|bytes| *bytes > SMALL_BYTES_MAX)
    else {
        return Ok(answer);
    };
    let user = user.0.get();
    let budget = user.map_or_else(|| unread.total().clone(), |user| unread.of(*user));
    let mut reserved = Reserved::none(budget);
    if !reserved.try_add(usize::try_from(bytes).unwrap_or(usize::MAX)) {
        return Err(if user.is_some() {
            ChatError::RateLimited { retry_after: UNREAD_RETRY_AFTER }
        } else {
            ChatError::Unavailable("too many answers wait for their clients to read them")
        });
    }
    Ok(answer.map(|body| Body::new(CountedBody { body, rest: Bytes::new(), reserved })))
}

/// A body that is passed on in chunks, and counted until then.
#[derive(Debug)]
struct CountedBody {
    body: Body,
    /// What is left of the frame that was taken from the body.
    rest: Bytes,
    reserved: Reserved,
}

impl HttpBody for CountedBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        if self.rest.is_empty() {
            match ready!(Pin::new(&mut self.body).poll_frame(cx)?).map(Frame::into_data) {
                Some(Ok(data)) => self.rest = data,
                Some(Err(trailers)) => return Poll::Ready(Some(Ok(trailers))),
                None => return Poll::Ready(None),
            }
        }
        let length = self.rest.len().min(CHUNK_BYTES);
        let chunk = self.rest.split_to(length);
        self.reserved.release(length);
        Poll::Ready(Some(Ok(Frame::data(chunk))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let rest = self.rest.len() as u64;
        self.body
            .size_hint()
            .exact()
            .map_or_else(SizeHint::default, |body| SizeHint::with_exact(body + rest))
    }
}

#[cfg(test)]
mod tests {
    use axum::response::IntoResponse;
    use http_body_util::BodyExt;

    use super::*;

    fn answer(bytes: usize) -> Response {
        vec![b'x'; bytes].into_response()
    }

    fn user(id: u64) -> RequestUser {
        let user = RequestUser::default();
        user.0.set(UserId::new(id).unwrap()).unwrap();
        user
    }

    #[tokio::test]
    async fn answer_is_counted_until_it_is_read() {
        let unread = Unread::new(1_600_000);
        let mut counted = count(answer(40_000), &unread, &user(1)).unwrap().into_body();
        assert_eq!(counted.size_hint().exact(), Some(40_000));
        assert_eq!(unread.total().used(), 40_000);
        let first = counted.frame().await.unwrap().unwrap().into_data().unwrap();
        assert_eq!((first.len(), unread.total().used()), (CHUNK_BYTES, 40_000 - CHUNK_BYTES));
        assert_eq!(counted.size_hint().exact(), Some((40_000 - CHUNK_BYTES) as u64));
        assert_eq!(counted.collect().await.unwrap().to_bytes().len(), 40_000 - CHUNK_BYTES);
        assert_eq!(unread.total().used(), 0);
    }

    #[test]
    fn answer_is_refused_when_the_user_has_too_many_unread() {
        let unread = Unread::new(1_600_000);
        let held = count(answer(90_000), &unread, &user(1)).unwrap();
        let refused = count(answer(90_000), &unread, &user(1));
        assert!(matches!(refused, Err(ChatError::RateLimited { .. })));
        assert!(count(answer(90_000), &unread, &user(2)).is_ok());
        assert!(count(answer(1_000), &unread, &user(1)).is_ok(), "small answers are not counted");
        let anonymous = RequestUser::default();
        let too_large = count(answer(1_600_000), &unread, &anonymous);
        assert!(matches!(too_large, Err(ChatError::Unavailable(_))));
        drop(held);
        assert!(count(answer(90_000), &unread, &user(1)).is_ok());
    }
}
