//! Misbehaving sockets get an error or a close code, and do not disturb others.

use std::time::Duration;

use tests::{
    Result, Value,
    client::{Frame, User, Ws},
    ensure, json,
    patience::{LATER, SOON, within},
    stage::Stage,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tokio_tungstenite::tungstenite::{
    Error,
    protocol::frame::{
        Frame as RawFrame,
        coding::{Data, OpCode},
    },
};

/// Returns a frame with these bytes.
fn raw(bytes: Vec<u8>, data: Data, is_final: bool) -> Frame {
    Frame::Frame(RawFrame::message(bytes, OpCode::Data(data), is_final))
}

async fn authority(stage: &Stage) -> Result<TcpStream> {
    let authority = stage.gateway.url().trim_start_matches("http://");
    Ok(TcpStream::connect(authority).await?)
}

async fn is_alive(user: &User) -> Result<()> {
    user.get("/v1/me").await?.ok(200).map(drop)
}

/// Sends a frame after hello and returns the close code.
async fn end_after(user: &User, frame: Frame) -> Result<u16> {
    let mut ws = user.ws(None).await?;
    // The write fails if the gateway closes during it.
    ws.frame(frame).await.unwrap_or_default();
    ws.closed().await
}

#[tokio::test]
async fn wrong_frames_close_the_socket_with_their_code() -> Result<()> {
    let stage = Stage::open().await?;
    let ada = stage.user("ada").await?;
    let binary = Frame::Binary(b"{\"id\":1,\"cmd\":\"ping\"}".to_vec().into());
    assert_eq!(end_after(&ada, binary).await?, 1003);
    let no_utf8 = raw(b"{\"id\":1,\"cmd\":\"\xff\"}".to_vec(), Data::Text, true);
    assert_eq!(end_after(&ada, no_utf8).await?, 1007);
    let continuation = raw(b"x".to_vec(), Data::Continue, true);
    assert_eq!(end_after(&ada, continuation).await?, 1002);
    for bytes in [65_537, 1 << 20] {
        let code = end_after(&ada, raw(vec![b' '; bytes], Data::Text, true)).await?;
        // 1006: the connection may end before the close frame while this side still writes.
        ensure!(matches!(code, 1009 | 1006), "{bytes} bytes: {code}");
    }
    is_alive(&ada).await
}

#[tokio::test]
async fn frame_of_the_maximum_size_is_accepted() -> Result<()> {
    let stage = Stage::open().await?;
    let ada = stage.user("ada").await?;
    let mut ws = ada.ws(None).await?;
    let command = "{\"id\":77,\"cmd\":\"ping\"}";
    let padded = format!("{command}{}", " ".repeat(65_536 - command.len()));
    ws.text(padded).await?;
    ensure!(ws.reply(77).await?.is_ok());
    Ok(())
}

#[tokio::test]
async fn malformed_command_gets_an_error_without_an_id() -> Result<()> {
    let stage = Stage::open().await?;
    let ada = stage.user("ada").await?;
    let mut ws = ada.ws(None).await?;
    let deep = "[".repeat(30_000);
    for text in ["", "x", "[]", "null", "{}", "{\"cmd\":\"ping\"}", &deep] {
        ws.text(text).await?;
        assert_eq!(ws.next_unasked().await?["code"], "invalid", "{text:.20}");
    }
    for id in ["-1", "1.5", "\"7\"", "9007199254740992", "null"] {
        let mut ws = ada.ws(None).await?;
        ws.text(format!("{{\"id\":{id},\"cmd\":\"ping\"}}")).await?;
        assert_eq!(ws.next_unasked().await?["code"], "invalid", "{id}");
    }
    ws.text("{\"id\":9007199254740991,\"cmd\":\"ping\"}").await?;
    ensure!(ws.reply(9_007_199_254_740_991).await?.is_ok());
    is_alive(&ada).await
}

#[tokio::test]
async fn socket_closes_after_ten_malformed_commands() -> Result<()> {
    let stage = Stage::open().await?;
    let ada = stage.user("ada").await?;
    let mut ws = ada.ws(None).await?;
    for _ in 0..10 {
        ws.text("nonsense").await?;
        ws.next_unasked().await?;
    }
    ws.ok("ping", json!({})).await?;
    ws.text("nonsense").await?;
    assert_eq!(ws.closed().await?, 4502);
    Ok(())
}

#[tokio::test]
async fn socket_closes_without_a_valid_hello() -> Result<()> {
    let stage = Stage::open().await?;
    let ada = stage.user("ada").await?;
    let text = json!({"conversation": "1", "client_id": "a", "text": "x"});
    let mut silent = Ws::open(stage.gateway.url()).await?;
    for (command, body, code, close) in [
        ("ping", json!({}), "unauthenticated", 4500),
        ("send", text, "unauthenticated", 4500),
        ("hello", json!({"token": "nonsense"}), "unauthenticated", 4500),
        ("hello", json!({"token": 5}), "invalid", 4502),
        ("hello", json!({}), "invalid", 4502),
        ("hello", json!({"token": ada.access_token, "resume": {"x": 1}}), "invalid", 4502),
        ("hello", json!({"token": ada.access_token, "since": 1}), "invalid", 4502),
    ] {
        let mut ws = Ws::open(stage.gateway.url()).await?;
        ws.refused(command, body.clone(), code).await?;
        assert_eq!(ws.closed().await?, close, "{command} {body}");
    }
    assert_eq!(silent.closed().await?, 1008, "no hello in time");
    is_alive(&ada).await
}

#[tokio::test]
async fn socket_closes_when_a_message_stays_unfinished() -> Result<()> {
    let stage = Stage::open().await?;
    let ada = stage.user("ada").await?;
    let mut ws = ada.ws(None).await?;
    ws.frame(raw(b"{\"id\":1,".to_vec(), Data::Text, false)).await?;
    assert_eq!(ws.closed().await?, 1008);
    let mut whole = ada.ws(None).await?;
    whole.frame(raw(b"{\"id\":55,".to_vec(), Data::Text, false)).await?;
    whole.frame(raw(b"\"cmd\":\"ping\"}".to_vec(), Data::Continue, true)).await?;
    ensure!(whole.reply(55).await?.is_ok(), "a fragmented command");
    Ok(())
}

#[tokio::test]
async fn foreign_origin_is_refused_before_the_upgrade() -> Result<()> {
    let stage = Stage::open().await?;
    let own = stage.gateway.url().to_owned();
    let port = own.rsplit(':').next().unwrap_or_default().to_owned();
    for origin in ["https://evil.example", "null", &format!("http://127.0.0.1.evil:{port}")] {
        match Ws::connect(&own, &[("origin", origin)]).await {
            Err(Error::Http(answer)) => {
                assert_eq!(answer.status(), 403, "{origin}");
                let body = answer.body().clone().unwrap_or_default();
                let problem: Value = serde_json::from_slice(&body)?;
                assert_eq!(problem["code"], "forbidden", "{origin}");
            }
            other => tests::bail!("{origin}: {other:?}"),
        }
    }
    ensure!(Ws::connect(&own, &[("origin", &own)]).await.is_ok(), "its own origin");
    Ok(())
}

/// Sends bytes and reads until the other side closes.
async fn exchange(stage: &Stage, head: &[u8]) -> Result<String> {
    let mut stream = authority(stage).await?;
    stream.write_all(head).await?;
    let mut answer = Vec::new();
    within(LATER, "an end", stream.read_to_end(&mut answer)).await?.unwrap_or_default();
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

#[tokio::test]
async fn connections_with_incomplete_requests_are_closed() -> Result<()> {
    let stage = Stage::open().await?;
    let ada = stage.user("ada").await?;
    let half = exchange(&stage, b"GET /v1/me HTTP/1.1\r\nHost: x\r\n").await?;
    ensure!(half.is_empty() || half.starts_with("HTTP/1.1 408"), "half a head: {half}");
    let nothing = exchange(&stage, b"").await?;
    ensure!(nothing.is_empty() || nothing.starts_with("HTTP/1.1 408"), "silence: {nothing}");
    for (head, status) in [
        (&b"GET /v1/me HTTP/1.1\r\nConnection: close\r\n\r\n"[..], "400"),
        (b"NONSENSE\r\n\r\n", "400"),
        (b"GET /v1/me HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", "400"),
        (b"GET /v1/me HTTP/1.1\r\nHost : x\r\n\r\n", "400"),
    ] {
        let answer = exchange(&stage, head).await?;
        ensure!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{status}: {answer}");
    }
    let long = format!("GET /v1/me HTTP/1.1\r\nHost: x\r\nX: {}\r\n\r\n", "x".repeat(20_000));
    let answer = exchange(&stage, long.as_bytes()).await?;
    ensure!(answer.starts_with("HTTP/1.1 431"), "a long head: {answer}");
    is_alive(&ada).await
}

#[tokio::test]
async fn silent_connections_do_not_block_others() -> Result<()> {
    let stage = Stage::open().await?;
    let ada = stage.user("ada").await?;
    let mut silent = Vec::new();
    for _ in 0..100 {
        let mut stream = authority(&stage).await?;
        stream.write_all(b"GET / HTTP/1.1\r\n").await?;
        silent.push(stream);
    }
    within(SOON, "an answer beside silent ones", is_alive(&ada)).await??;
    let mut gone = Vec::new();
    let first = silent.remove(0);
    let mut first = first;
    within(LATER, "the end of a silent one", first.read_to_end(&mut gone))
        .await?
        .unwrap_or_default();
    Ok(())
}

#[tokio::test]
async fn slow_reader_does_not_delay_others() -> Result<()> {
    let stage = Stage::open().await?;
    let (ada, bob, eve) = stage.ada_bob_eve().await?;
    let group = ada.group("Lunch", &[&bob, &eve]).await?;
    // Says hello and never reads again.
    let stalled = bob.ws(None).await?;
    let mut reading = eve.ws(None).await?;
    let mut writing = ada.ws(None).await?;
    let text = "x".repeat(16_000);
    for number in 0..300 {
        let body = json!({"conversation": group, "client_id": format!("a-{number}"), "text": text});
        writing.ok("send", body).await?;
        let event =
            within(Duration::from_secs(10), "an event", reading.next_of("message")).await??;
        assert_eq!(event["seq"], 4 + number);
    }
    drop(stalled);
    Ok(())
}
