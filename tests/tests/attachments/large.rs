//! A file of 200 MiB survives a gateway that is killed in the middle of a request.

use std::fmt::Write as _;

use http::Method;
use sha2::{Digest, Sha256};
use tests::{
    Result,
    client::{Answer, User},
    cluster::Cluster,
    ensure,
    files::{begin, offset, resume, send_file},
    gateway::{Gateway, Settings},
    patience::{WHOLE, eventually},
    stage::Stage,
};
use tokio::join;

/// The size of the file.
const SIZE: usize = 200 << 20;
/// Bytes of most requests.
const PIECE: usize = 8 << 20;
/// Bytes of the request in which the gateway is killed.
const CUT: usize = 48 << 20;
/// How often the stored part may grow between a look at it and the next request.
const CONFLICTS_MAX: u32 = 4;

/// Returns the settings for files of this size.
fn settings(settings: Settings) -> Settings {
    settings.set("ATTACHMENTS__FILE_MAX", "256MiB").set("ATTACHMENTS__USER_MAX", "1GiB")
}

/// Returns up to this many bytes of the file from an offset on. All parts of the file differ.
fn content(offset: usize, bytes: usize) -> Vec<u8> {
    let end = SIZE.min(offset + bytes);
    let words = (offset / 8)..end.div_ceil(8);
    let mut content = Vec::with_capacity(words.len() * 8);
    for word in words {
        let mixed = (word as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        content.extend((mixed ^ (mixed >> 29)).to_le_bytes());
    }
    content.drain(..offset % 8);
    content.truncate(end - offset);
    content
}

fn sha256(parts: impl Iterator<Item = Vec<u8>>) -> String {
    let hash = parts.fold(Sha256::new(), Sha256::chain_update).finalize();
    hash.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").ok();
        text
    })
}

fn expected_sha256() -> String {
    sha256((0..SIZE).step_by(PIECE).map(|start| content(start, PIECE)))
}

/// Sends bytes of the file from an offset on. What a killed gateway had asked of the store may happen after
/// the offset was read: then it is read again.
async fn send_from(user: &User, path: &str, mut stored: usize, bytes: usize) -> Result<Answer> {
    for _ in 0..CONFLICTS_MAX {
        let sent = resume(user, path, stored, &content(stored, bytes)).await?;
        if sent.status != 409 {
            return Ok(sent);
        }
        stored = offset(user, path).await?.parse()?;
    }
    resume(user, path, stored, &content(stored, bytes)).await
}

/// Sends a long request, and kills the gateway once it has stored a part of it. Returns how much a
/// client knew to be stored.
async fn cut_off(
    gateway: &mut Gateway,
    sender: &User,
    watcher: &User,
    path: &str,
) -> Result<usize> {
    let start: usize = offset(sender, path).await?.parse()?;
    let mut known = start;
    let kill = async {
        eventually(WHOLE, async || {
            known = offset(watcher, path).await?.parse()?;
            ensure!(known > start + PIECE, "{known} bytes");
            Ok(())
        })
        .await?;
        gateway.kill()
    };
    let (cut, killed) = join!(send_from(sender, path, start, CUT), kill);
    killed?;
    ensure!(cut.is_err(), "the gateway was killed too late: {cut:?}");
    Ok(known)
}

/// Sends the rest of the file in pieces.
async fn send_rest(user: &User, path: &str, known: usize) -> Result<()> {
    let mut stored: usize = offset(user, path).await?.parse()?;
    ensure!(stored >= known, "{known} bytes were stored, now {stored}");
    while stored < SIZE {
        let sent = send_from(user, path, stored, PIECE).await?;
        ensure!(sent.status == 204, "{sent:?}");
        stored = sent.header("upload-offset").parse()?;
    }
    Ok(())
}

/// Checks that a reader gets the whole file.
async fn check(reader: &User, path: &str, expected: &str) -> Result<()> {
    let head = reader.call(Method::HEAD, path).answer().await?;
    assert_eq!((head.header("etag"), head.status), (&*format!("\"{expected}\""), 200));
    let mut parts = Vec::new();
    for start in (0..SIZE).step_by(PIECE) {
        let range = format!("bytes={start}-{}", SIZE.min(start + PIECE) - 1);
        let part = reader.call(Method::GET, path).header("range", &range).answer().await?;
        ensure!(part.status == 206, "{}", part.status);
        parts.push(part.text.to_vec());
    }
    assert_eq!(sha256(parts.into_iter()), expected);
    Ok(())
}

#[tokio::test]
async fn file_of_200_mib_survives_a_killed_gateway() -> Result<()> {
    let mut stage = Stage::with(settings(Settings::new())).await?;
    let (ada, bob, _) = stage.ada_bob_eve().await?;
    let direct = ada.direct(&bob).await?;
    let path = begin(&ada, &direct, SIZE).await?;
    let known = cut_off(&mut stage.gateway, &ada, &ada, &path).await?;
    stage.gateway.restart().await?;
    let (ada, bob) = (ada.at(stage.gateway.url()), bob.at(stage.gateway.url()));
    send_rest(&ada, &path, known).await?;
    let info = ada.get(&format!("{path}/info")).await?.ok(200)?;
    send_file(&ada, &direct, "a-1", &info).await?;
    check(&bob, &path, &expected_sha256()).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn file_of_200_mib_survives_a_killed_gateway_of_a_fleet() -> Result<()> {
    let Some(mut cluster) = Cluster::on_one_node_with(3, settings).await? else { return Ok(()) };
    let urls = cluster.urls();
    let ada = User::register(&urls[0], "ada-of-large-files").await?;
    let bob = User::register(&urls[1], "bob-of-large-files").await?;
    let direct = ada.direct(&bob).await?;
    let path = begin(&ada, &direct, SIZE).await?;
    let (second, third) = (ada.at(&urls[1]), ada.at(&urls[2]));
    let known = cut_off(&mut cluster.gateways[0], &ada, &second, &path).await?;
    let known = cut_off(&mut cluster.gateways[1], &second, &third, &path).await?.max(known);
    send_rest(&third, &path, known).await?;
    let info = third.get(&format!("{path}/info")).await?.ok(200)?;
    send_file(&third, &direct, "a-1", &info).await?;
    check(&bob.at(&urls[2]), &path, &expected_sha256()).await
}
