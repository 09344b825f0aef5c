//! Files that try to do harm are only stored and downloaded.

use tests::{
    Result, ensure,
    files::{path_of, send_file, upload},
    stage::Stage,
};

use crate::files_in;

/// Content that a browser must not run, and content that only looks like an image.
const BODIES: [(&str, &[u8]); 10] = [
    ("svg", b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>"),
    ("svg", b"<?xml version='1.0'?><!DOCTYPE svg [<!ENTITY x 'y'>]><svg onload='alert(1)'/>"),
    ("html", b"<!DOCTYPE html><script>fetch('/v1/me')</script>"),
    ("html", b"\xEF\xBB\xBF<html><body onload=alert(1)>"),
    ("js", b"alert(document.cookie)"),
    ("pdf", b"%PDF-1.7\n1 0 obj<</OpenAction<</S/JavaScript/JS(app.alert(1))>>>>"),
    ("zip", b"PK\x03\x04\x14\0\0\0\x08\0 a bomb says that it has 4 GiB \xFF\xFF\xFF\xFF"),
    ("gif", b"GIF89a/*<script>alert(1)</script>*/=1;"),
    (
        "png",
        b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF<script>alert(1)</script>",
    ),
    ("jpg", b"\xFF\xD8\xFF\xE0<?php system($_GET['c']); ?>"),
];

/// Names that try to leave a folder, to lie about a type, or to break a header.
const NAMES: [&str; 5] = [
    "../../../../etc/cron.d/x",
    "..\\..\\Windows\\System32\\x",
    "\u{202E}gnp.",
    "a\r\nContent-Type: text/html\r\n\r\n<script>",
    "/dev/null\0.png\";filename=\"x.html",
];

#[tokio::test]
async fn hostile_file_is_never_shown_as_a_page() -> Result<()> {
    let stage = Stage::open().await?;
    let (ada, bob, _) = stage.ada_bob_eve().await?;
    let direct = ada.direct(&bob).await?;
    for (nth, (ending, content)) in BODIES.iter().enumerate() {
        for (number, name) in NAMES.iter().enumerate() {
            let name = format!("{name}.{ending}");
            let attachment = upload(&ada, &direct, &name, content).await?;
            let client_id = format!("m-{nth}-{number}");
            send_file(&ada, &direct, &client_id, &attachment).await?;
            let shown = attachment["name"].as_str().unwrap_or_default();
            let is_safe = |one: char| !one.is_control() && !"/\\:\"<>\u{202E}".contains(one);
            ensure!(!shown.is_empty() && shown.chars().all(is_safe), "{shown:?}");
            let download = bob.get(&path_of(&attachment)).await?;
            ensure!(&*download.text == *content, "{name:?} differs");
            let kind = download.header("content-type");
            let disposition = download.header("content-disposition");
            ensure!(kind == "application/octet-stream", "{name:?} is {kind}");
            ensure!(disposition.starts_with("attachment; "), "{disposition}");
            let policy = download.header("content-security-policy");
            assert_eq!(
                (policy, download.header("x-content-type-options")),
                ("sandbox; default-src 'none'", "nosniff")
            );
        }
    }
    ensure!(BODIES.len() * NAMES.len() >= 40, "too few hostile files");
    // No name has become a path.
    assert_eq!(files_in(&stage.gateway.data().join("files"))?, BODIES.len() * NAMES.len());
    Ok(())
}
