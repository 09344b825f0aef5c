//! Images lose what readers must not get, and have smaller forms.

use http::Method;
use tests::{
    Result,
    client::User,
    ensure,
    files::{begin, offset, path_of, resume, send_file, upload},
    images::png,
    json,
    shape::has,
    stage::Stage,
};

/// What must not reach readers.
const PLACE: &str = "48.8584 N 2.2945 E";

fn contains(content: &[u8], part: &str) -> bool {
    content.windows(part.len()).any(|window| window == part.as_bytes())
}

#[tokio::test]
async fn image_loses_its_metadata_and_gets_thumbnails() -> Result<()> {
    let stage = Stage::open().await?;
    let (ada, bob, eve) = stage.ada_bob_eve().await?;
    let direct = ada.direct(&bob).await?;
    let photo = png(1_500, 300, PLACE);
    ensure!(contains(&photo, PLACE), "the place is in what is sent");
    let attachment = upload(&ada, &direct, "photo.png", &photo).await?;
    has(&attachment, &json!({"type": "image/png", "width": 1_500, "height": 300}))?;
    ensure!(attachment["blurhash"].is_string(), "{attachment}");
    let sent = send_file(&ada, &direct, "a-1", &attachment).await?;
    has(&sent["message"], &json!({"attachments": [attachment]}))?;
    let path = path_of(&attachment);
    let whole = bob.get(&path).await?;
    assert_eq!(Some(whole.text.len() as u64), attachment["size"].as_u64());
    ensure!(!contains(&whole.text, PLACE), "the place is in what readers get");
    let mut tags = vec![whole.header("etag").to_owned()];
    for (size, height) in [(256, 51), (1_024, 205)] {
        let thumbnail = bob.get(&format!("{path}/thumbnail?size={size}")).await?;
        assert_eq!((thumbnail.status, thumbnail.header("content-type")), (200, "image/jpeg"));
        assert_eq!(thumbnail.header("content-security-policy"), "sandbox; default-src 'none'");
        ensure!(jpeg_size(&thumbnail.text) == Some((size, height)), "{size}");
        let tag = thumbnail.header("etag").to_owned();
        let known = bob.call(Method::GET, &format!("{path}/thumbnail?size={size}"));
        assert_eq!(known.header("if-none-match", &tag).answer().await?.status, 304);
        ensure!(!tags.contains(&tag), "{tags:?}");
        tags.push(tag);
    }
    eve.get(&format!("{path}/thumbnail?size=256")).await?.refused(404, "not_found")?;
    bob.get(&format!("{path}/thumbnail?size=512")).await?.refused(400, "invalid")?;
    let text = upload(&ada, &direct, "a.txt", b"hello").await?;
    let of_text = format!("{}/thumbnail?size=256", path_of(&text));
    ada.get(&of_text).await?.refused(404, "not_found")?;
    let seq = &sent["message"]["seq"];
    ada.delete(&format!("/v1/conversations/{direct}/messages/{seq}")).await?.ok(201)?;
    bob.get(&format!("{path}/thumbnail?size=256")).await?.refused(404, "not_found").map(drop)
}

/// Returns width and height of a JPEG image, from its frame header.
fn jpeg_size(content: &[u8]) -> Option<(u16, u16)> {
    let frame = content.windows(9).find(|bytes| bytes[..2] == [0xFF, 0xC0])?;
    let number = |at: usize| u16::from_be_bytes([frame[at], frame[at + 1]]);
    Some((number(7), number(5)))
}

/// Returns the type of a file, and checks that its content is the given one.
async fn kept_as(user: &User, to: &str, name: &str, content: &[u8]) -> Result<String> {
    let attachment = upload(user, to, name, content).await?;
    let download = user.get(&path_of(&attachment)).await?;
    ensure!(*download.text == *content, "{name} differs");
    Ok(attachment["type"].as_str().unwrap_or_default().to_owned())
}

#[tokio::test]
async fn image_is_a_plain_file_when_it_is_a_bomb_or_damaged() -> Result<()> {
    let stage = Stage::open().await?;
    let (ada, bob, _) = stage.ada_bob_eve().await?;
    let direct = ada.direct(&bob).await?;
    let small = png(8, 8, PLACE);
    let mut oversized = small.clone();
    oversized[16..24].copy_from_slice(&[0, 0, 0x7F, 0xFF, 0, 0, 0x7F, 0xFF]);
    let mut empty = small.clone();
    empty[16..24].fill(0);
    for (name, content) in [
        ("oversized.png", oversized),
        ("empty.png", empty),
        ("half.png", small[..small.len() / 2].to_vec()),
    ] {
        let kind = kept_as(&ada, &direct, name, &content).await?;
        assert_eq!(kind, "application/octet-stream", "{name}");
    }
    let polyglot = [&small[..], b"PK\x03\x04<script>alert(1)</script>"].concat();
    let attachment = upload(&ada, &direct, "polyglot.png", &polyglot).await?;
    let shown = ada.get(&path_of(&attachment)).await?.text;
    has(&attachment, &json!({"type": "image/png", "width": 8, "height": 8}))?;
    ensure!(!contains(&shown, "script") && !contains(&shown, PLACE), "{} bytes", shown.len());
    Ok(())
}

#[tokio::test]
async fn image_is_examined_after_the_gateway_was_restarted() -> Result<()> {
    let mut stage = Stage::open().await?;
    let (ada, bob, _) = stage.ada_bob_eve().await?;
    let direct = ada.direct(&bob).await?;
    let photo = png(600, 600, PLACE);
    let path = begin(&ada, &direct, photo.len()).await?;
    let half = photo.len() / 2;
    assert_eq!(resume(&ada, &path, 0, &photo[..half]).await?.status, 204);
    stage.gateway.restart().await?;
    let ada = ada.at(stage.gateway.url());
    let last = resume(&ada, &path, half, &photo[half..]).await?;
    assert_eq!((last.status, last.header("upload-offset")), (204, &*photo.len().to_string()));
    assert_eq!(offset(&ada, &path).await?, photo.len().to_string());
    let info = ada.get(&format!("{path}/info")).await?.ok(200)?;
    has(&info, &json!({"type": "image/png", "width": 600, "height": 600}))?;
    ensure!(!contains(&ada.get(&path).await?.text, PLACE), "the place is still there");
    Ok(())
}
