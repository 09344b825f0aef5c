//! Files are uploaded in parts, sent in messages, and read by those who see the message.

#![expect(clippy::cognitive_complexity, reason = "a scenario reads from top to bottom")]

mod fleet;
mod hostile;
mod images;
mod large;
mod links;
mod s3;
mod uploads;

use std::{fs, path::Path};

use http::Method;
use tests::{
    Result, Value, ensure,
    files::{path_of, upload},
    json, over_both_transports,
    patience::{LATER, eventually},
    session::Session,
    shape::{has, items},
    stage::Stage,
};

over_both_transports!(
    file_is_sent_and_read_by_members_only,
    message_may_have_files_without_a_text,
    redacted_message_loses_its_files,
);

/// A PNG image with one pixel.
const PNG: &[u8] = include_bytes!("pixel.png");

fn message(conversation: &str, client_id: &str, text: &str, attachments: &[&Value]) -> Value {
    let ids: Vec<_> = attachments.iter().map(|attachment| &attachment["id"]).collect();
    json!({"conversation": conversation, "client_id": client_id, "text": text, "attachments": ids})
}

async fn file_is_sent_and_read_by_members_only<S: Session>() -> Result<()> {
    let stage = Stage::open().await?;
    let (ada, bob, eve) = stage.ada_bob_eve().await?;
    let direct = ada.direct(&bob).await?;
    let (mut adas, mut bobs) = (S::open(&ada, None).await?, S::open(&bob, None).await?);
    let attachment = upload(&ada, &direct, "../photo of us.png", PNG).await?;
    let expected = json!({"name": "photo of us.png", "size": PNG.len(), "type": "image/png"});
    has(&attachment, &expected)?;
    let path = path_of(&attachment);
    bob.get(&path).await?.refused(404, "not_found")?;
    bob.get(&format!("{path}/info")).await?.refused(404, "not_found")?;
    assert_eq!(ada.get(&format!("{path}/info")).await?.ok(200)?, attachment);

    let body = message(&direct, "a-1", "Look!", &[&attachment]);
    let sent = adas.ok("send", body.clone()).await?;
    has(&sent["message"], &json!({"text": "Look!", "attachments": [attachment]}))?;
    has(&adas.ok("send", body).await?, &json!({"replayed": true, "message": sent["message"]}))?;
    adas.refused("send", message(&direct, "a-1", "Look!", &[]), "key_reused").await?;
    adas.refused("send", message(&direct, "a-2", "", &[&attachment]), "conflict").await?;
    let seq = sent["message"]["seq"].as_u64().unwrap_or_default();
    let events = bobs.events_to(&direct, seq).await?;
    has(events.last().unwrap_or(&Value::Null), &json!({"attachments": [attachment]}))?;
    has(&bob.entries(&direct).await?[2], &json!({"attachments": [attachment]}))?;

    let download = bob.get(&path).await?;
    assert_eq!((download.status, &*download.text), (200, PNG));
    for (name, value) in [
        ("content-type", "image/png"),
        ("content-disposition", "inline; filename=\"photo of us.png\""),
        ("content-security-policy", "sandbox; default-src 'none'"),
        ("x-content-type-options", "nosniff"),
        ("cache-control", "private, no-cache"),
        ("accept-ranges", "bytes"),
    ] {
        assert_eq!(download.header(name), value, "{name}");
    }
    eve.get(&path).await?.refused(404, "not_found")?;
    let anonymous = bob.http().call(Method::GET, &path).answer().await?;
    anonymous.refused(401, "unauthenticated")?;
    ada.delete(&path).await?.refused(409, "conflict").map(drop)
}

async fn message_may_have_files_without_a_text<S: Session>() -> Result<()> {
    let stage = Stage::open().await?;
    let (ada, bob, _) = stage.ada_bob_eve().await?;
    let direct = ada.direct(&bob).await?;
    let mut adas = S::open(&ada, None).await?;
    let mut files = Vec::new();
    for number in 0..11 {
        files.push(upload(&ada, &direct, &format!("{number}.png"), PNG).await?);
    }
    let of = |count: usize| files[..count].iter().collect::<Vec<_>>();
    let error = adas.refused("send", message(&direct, "a-1", "", &of(11)), "too_large").await?;
    has(&error, &json!({"details": {"field": "attachments", "max": 10}}))?;
    adas.refused("send", message(&direct, "a-2", "", &[]), "invalid").await?;
    adas.refused("send", message(&direct, "a-3", "", &[&files[0], &files[0]]), "invalid").await?;
    let sent = adas.ok("send", message(&direct, "a-4", "", &of(10))).await?;
    has(&sent["message"], &json!({"text": "", "attachments": files[..10]}))?;
    let view = bob.conversation(&direct).await?;
    has(&view, &json!({"unread": 1, "last_message": {"attachments": files[..10]}}))
}

async fn redacted_message_loses_its_files<S: Session>() -> Result<()> {
    let stage = Stage::open().await?;
    let (ada, bob, _) = stage.ada_bob_eve().await?;
    let direct = ada.direct(&bob).await?;
    let mut adas = S::open(&ada, None).await?;
    let attachment = upload(&ada, &direct, "a.png", PNG).await?;
    let sent = adas.ok("send", message(&direct, "a-1", "secret", &[&attachment])).await?;
    let folder = stage.gateway.data().join("files");
    assert_eq!(files_in(&folder)?, 1);
    let redact = json!({"conversation": direct, "seq": sent["message"]["seq"], "client_id": "a-2"});
    adas.ok("redact", redact).await?;
    for user in [&ada, &bob] {
        user.get(&path_of(&attachment)).await?.refused(404, "not_found")?;
        let entry = &user.entries(&direct).await?[2];
        ensure!(entry.get("attachments").is_none() && entry["redacted"] == true, "{entry}");
    }
    eventually(LATER, async || {
        ensure!(files_in(&folder)? == 0, "the bytes are still there");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn message_with_a_file_is_searched_by_its_text_and_its_file() -> Result<()> {
    let stage = Stage::open().await?;
    let (ada, bob, _) = stage.ada_bob_eve().await?;
    let direct = ada.direct(&bob).await?;
    ada.send(&direct, "a-1", "a photo without a file").await?.ok(201)?;
    let attachment = upload(&ada, &direct, "a.png", PNG).await?;
    let body = json!({"client_id": "a-2", "text": "a photo", "attachments": [attachment["id"]]});
    let sent = ada.post(&format!("/v1/conversations/{direct}/messages"), body).await?.ok(201)?;
    for query in ["has=attachment", "q=photo&has=attachment"] {
        eventually(LATER, async || {
            let found = bob.get(&format!("/v1/search?{query}")).await?.ok(200)?;
            ensure!(items(&found).len() == 1, "{query}: {found}");
            has(&items(&found)[0], &json!({"entry": sent["message"]}))
        })
        .await?;
    }
    Ok(())
}

/// Returns how many files the gateway keeps.
fn files_in(folder: &Path) -> Result<usize> {
    let mut count = 0;
    for file in fs::read_dir(folder)? {
        count += usize::from(file?.file_type()?.is_dir());
    }
    Ok(count)
}
