//! Clients that request large answers and do not read them.

use anyhow::Result;
use bytes::Bytes;
use http::{Request, StatusCode};
use tokio::{net::TcpStream, task::JoinSet};

use super::User;

/// Bytes of a large text. Each of its characters takes six bytes in JSON.
pub const TEXT_BYTES: usize = 10_800;
/// Texts that fill the largest page of history.
pub const TEXTS: usize = 100;

/// A connection with answers that nobody reads, open until dropped.
pub type HeldAnswers = JoinSet<()>;

/// Sends enough large texts to fill the largest page of history.
pub async fn send_large_texts(user: &User, conversation: &str) -> Result<()> {
    let text = format!("x{}", "\u{1}".repeat(TEXT_BYTES - 1));
    for number in 0..TEXTS {
        user.send(conversation, &format!("large-{number}"), &text).await?.ok(201)?;
    }
    Ok(())
}

/// Requests the same path on many streams of a connection of HTTP/2 whose client reads no body.
/// Returns the status of each answer.
pub async fn request_and_read_nothing(
    url: &str,
    token: Option<&str>,
    path: &str,
    streams: usize,
) -> Result<(Vec<StatusCode>, HeldAnswers)> {
    let address = url.trim_start_matches("http://").to_owned();
    let stream = TcpStream::connect(&address).await?;
    let mut builder = h2::client::Builder::new();
    let handshake = builder.initial_window_size(0).handshake::<_, Bytes>(stream);
    let (mut client, connection) = handshake.await?;
    let mut held = JoinSet::new();
    held.spawn(async { drop(connection.await) });
    let mut statuses = Vec::new();
    for _ in 0..streams {
        client = client.ready().await?;
        let mut request = Request::get(format!("http://{address}{path}"));
        if let Some(token) = token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let (answer, _) = client.send_request(request.body(())?, true)?;
        let answer = answer.await?;
        statuses.push(answer.status());
        // Kept, so that the stream stays open.
        held.spawn(async move {
            let _answer = answer;
            std::future::pending::<()>().await;
        });
    }
    Ok((statuses, held))
}
