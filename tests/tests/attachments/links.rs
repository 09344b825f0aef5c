//! Links show one file without a token, for as long as they may.

use http::Method;
use tests::{
    Result, Value,
    client::{Answer, User},
    ensure,
    files::{path_of, send_file, upload},
    stage::Stage,
};

/// Asks for a link to a file.
async fn ask_for_link(user: &User, attachment: &Value) -> Result<Answer> {
    user.call(Method::POST, &format!("{}/link", path_of(attachment))).answer().await
}

/// Makes a link to a file, and returns its path.
async fn link(user: &User, attachment: &Value) -> Result<String> {
    let made = ask_for_link(user, attachment).await?.ok(201)?;
    ensure!(made["expires_at"].is_string(), "{made}");
    Ok(made["url"].as_str().unwrap_or_default().to_owned())
}

/// Calls a link without a token.
async fn follow(user: &User, link: &str) -> Result<Answer> {
    user.http().call(Method::GET, link).answer().await
}

#[tokio::test]
async fn link_shows_a_file_until_its_message_is_redacted() -> Result<()> {
    let stage = Stage::open().await?;
    let (ada, bob, eve) = stage.ada_bob_eve().await?;
    let direct = ada.direct(&bob).await?;
    let attachment = upload(&ada, &direct, "a.txt", b"hello").await?;
    ask_for_link(&bob, &attachment).await?.refused(404, "not_found")?;
    let unsent = link(&ada, &attachment).await?;
    assert_eq!(&*follow(&eve, &unsent).await?.text, b"hello");

    let sent = send_file(&ada, &direct, "a-1", &attachment).await?;
    let bobs = link(&bob, &attachment).await?;
    let shown = follow(&eve, &bobs).await?;
    assert_eq!((shown.status, &*shown.text), (200, &b"hello"[..]));
    assert_eq!(shown.header("content-security-policy"), "sandbox; default-src 'none'");
    let part = eve.http().call(Method::GET, &bobs).header("range", "bytes=1-2").answer().await?;
    assert_eq!((part.status, &*part.text), (206, &b"el"[..]));
    ask_for_link(&eve, &attachment).await?.refused(404, "not_found")?;
    follow(&eve, &bobs[..bobs.len() - 2]).await?.refused(404, "not_found")?;

    let seq = &sent["message"]["seq"];
    ada.delete(&format!("/v1/conversations/{direct}/messages/{seq}")).await?.ok(201)?;
    for link in [&unsent, &bobs] {
        follow(&eve, link).await?.refused(404, "not_found")?;
    }
    Ok(())
}

#[tokio::test]
async fn link_ends_with_the_login_that_made_it() -> Result<()> {
    let stage = Stage::open().await?;
    let (ada, bob, _) = stage.ada_bob_eve().await?;
    let direct = ada.direct(&bob).await?;
    let attachment = upload(&ada, &direct, "a.txt", b"hello").await?;
    let phone = ada.log_in("phone").await?;
    let (phones, adas) = (link(&phone, &attachment).await?, link(&ada, &attachment).await?);
    assert_eq!(follow(&bob, &phones).await?.status, 200);
    phone.delete("/v1/sessions/current").await?.ok(204)?;
    follow(&bob, &phones).await?.refused(404, "not_found")?;
    assert_eq!(follow(&bob, &adas).await?.status, 200);
    Ok(())
}
