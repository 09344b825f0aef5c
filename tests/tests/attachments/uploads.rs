//! Uploads continue after every failure, and are bounded.

use http::Method;
use tests::{
    Result,
    client::{User, Ws},
    ensure,
    files::{CONTENT, begin, beginning, offset, resume, send_file},
    gateway::Settings,
    json,
    shape::has,
    stage::Stage,
};

#[tokio::test]
async fn upload_continues_at_the_durable_offset_after_a_kill() -> Result<()> {
    let mut stage = Stage::open().await?;
    let (ada, bob, _) = stage.ada_bob_eve().await?;
    let direct = ada.direct(&bob).await?;
    let content: Vec<u8> = (0..5_000_000_u32).map(|n| n.to_le_bytes()[0]).collect();
    let path = begin(&ada, &direct, content.len()).await?;
    let first = resume(&ada, &path, 0, &content[..2_500_000]).await?;
    assert_eq!((first.status, first.header("upload-offset")), (204, "2500000"));
    ensure!(!first.header("upload-expires").is_empty(), "{first:?}");
    stage.gateway.kill()?;
    stage.gateway.restart().await?;
    let (ada, bob) = (ada.at(stage.gateway.url()), bob.at(stage.gateway.url()));
    assert_eq!(offset(&ada, &path).await?, "2500000");
    for wrong in [0, 2_499_999, 2_500_001, 5_000_000] {
        resume(&ada, &path, wrong, b"x").await?.refused(409, "conflict")?;
    }
    resume(&ada, &path, 2_500_000, &content[2_499_999..]).await?.refused(413, "too_large")?;
    resume(&bob, &path, 2_500_000, b"x").await?.refused(404, "not_found")?;
    assert_eq!(resume(&ada, &path, 2_500_000, &content[2_500_000..]).await?.status, 204);
    let info = ada.get(&format!("{path}/info")).await?.ok(200)?;
    has(&info, &json!({"size": 5_000_000, "name": "large.bin"}))?;
    send_file(&ada, &direct, "a-1", &info).await?;
    let download = bob.get(&path).await?;
    ensure!(download.text == content, "{} bytes differ", download.text.len());
    ranges_are_parts_of_the_content(&bob, &path, &content).await
}

async fn ranges_are_parts_of_the_content(user: &User, path: &str, content: &[u8]) -> Result<()> {
    let whole = user.call(Method::HEAD, path).answer().await?;
    assert_eq!((whole.status, whole.header("content-length")), (200, "5000000"));
    let tag = whole.header("etag").to_owned();
    assert_eq!(tag.len(), 66, "a SHA-256 in hexadecimal digits between quotes");
    for (range, part) in [
        ("bytes=0-0", 0..1),
        ("bytes=1048575-1048576", 1_048_575..1_048_577),
        ("bytes=2400000-2600000", 2_400_000..2_600_001),
        ("bytes=-7", 4_999_993..5_000_000),
        ("bytes=4999999-", 4_999_999..5_000_000),
    ] {
        let call = user.call(Method::GET, path).header("range", range).header("if-range", &tag);
        let answer = call.answer().await?;
        assert_eq!(answer.status, 206, "{range}");
        let expected = format!("bytes {}-{}/5000000", part.start, part.end - 1);
        assert_eq!(answer.header("content-range"), expected);
        ensure!(*answer.text == content[part], "{range} differs");
    }
    let beyond = user.call(Method::GET, path).header("range", "bytes=5000000-").answer().await?;
    assert_eq!((beyond.status, beyond.header("content-range")), (416, "bytes */5000000"));
    let known = user.call(Method::GET, path).header("if-none-match", &tag).answer().await?;
    assert_eq!((known.status, known.text.len()), (304, 0));
    Ok(())
}

#[tokio::test]
async fn upload_is_refused_when_its_headers_or_its_size_are_wrong() -> Result<()> {
    let settings = Settings::new()
        .set("ATTACHMENTS__FILE_MAX", "100KiB")
        .set("ATTACHMENTS__USER_MAX", "200KiB");
    let stage = Stage::with(settings).await?;
    let (ada, bob, eve) = stage.ada_bob_eve().await?;
    let direct = ada.direct(&bob).await?;
    let options = ada.http().call(Method::OPTIONS, "/v1/attachments").answer().await?;
    for (name, value) in [
        ("tus-resumable", "1.0.0"),
        ("tus-version", "1.0.0"),
        ("tus-max-size", "102400"),
        ("tus-extension", "creation,creation-with-upload,termination,expiration"),
    ] {
        assert_eq!((options.status, options.header(name)), (204, value));
    }
    let begin =
        |user: &User, size: &str| beginning(user, &direct, "a").header("upload-length", size);
    let old = begin(&ada, "1").header("tus-resumable", "0.2.2").answer().await?;
    assert_eq!((old.status, old.header("tus-version")), (412, "1.0.0"));
    let error = begin(&ada, "102401").answer().await?.refused(413, "too_large")?;
    has(&error, &json!({"details": {"field": "Upload-Length", "max": 102_400}}))?;
    begin(&eve, "1").answer().await?.refused(404, "not_found")?;
    begin(&ada, "one").answer().await?.refused(400, "invalid")?;
    let plain = begin(&ada, "1").header("content-type", "text/plain").bytes("x").answer().await?;
    plain.refused(415, "invalid")?;
    let long = begin(&ada, "1").header("content-type", CONTENT).bytes("xy").answer().await?;
    long.refused(413, "too_large")?;
    let first = begin(&ada, "102400").answer().await?;
    assert_eq!((first.status, begin(&ada, "102400").answer().await?.status), (201, 201));
    let full = begin(&ada, "1").answer().await?.refused(409, "conflict")?;
    has(&full, &json!({"details": {"max": 204_800}}))?;
    let path = first.header("location");
    bob.delete(path).await?.refused(404, "not_found")?;
    ada.delete(path).await?.ok(204)?;
    ada.delete(path).await?.refused(404, "not_found")?;
    assert_eq!(begin(&ada, "102400").answer().await?.status, 201);
    let mut socket = Ws::open(ada.http().url()).await?;
    let welcome = socket.ok("hello", json!({"token": ada.access_token})).await?;
    let limits = json!({"attachment_bytes_max": 102_400, "storage_bytes_max": 204_800});
    has(&welcome, &json!({"limits": limits}))
}
