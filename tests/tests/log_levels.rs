//! The log level applies to every line but the two that scripts wait for. Lines about security have a
//! target of their own.

use http::Method;
use tests::{
    Result,
    client::{Http, User},
    ensure,
    gateway::{Gateway, Settings},
    json,
    patience::LATER,
};

const WRONG_PASSWORD: &str = "a wrong example password";

/// More connections than a process may have descriptors, so that the binary logs one line more.
const TOO_MANY_CONNECTIONS: &str = "4294967295";

/// Lines of the level INFO of the binary itself and of its crates.
const LINES: [&str; 2] = ["fewer descriptors than limits.connections", "signing key created"];

#[tokio::test]
async fn only_the_addresses_are_logged_below_the_level() -> Result<()> {
    for (level, is_logged) in [("info", true), ("warn", false), ("off", false)] {
        let settings =
            Settings::new().set("LOG", level).set("LIMITS__CONNECTIONS", TOO_MANY_CONNECTIONS);
        let mut gateway = Gateway::with(settings).await?;
        let process = gateway.process();
        process.line("listening on http://", LATER).await?;
        process.line("admin on http://", LATER).await?;
        for line in LINES {
            ensure!(process.has_logged(line) == is_logged, "{level}: {line}");
        }
        ensure!(level != "off" || process.lines() == 2, "{} lines", process.lines());
    }
    Ok(())
}

#[tokio::test]
async fn security_lines_have_the_user_and_the_address_but_no_secret() -> Result<()> {
    let settings = Settings::new().set("LOG", "warn,security=info").set("LOG_FORMAT", "json");
    let mut gateway = Gateway::with(settings).await?;
    let ada = User::register(gateway.url(), "ada").await?;
    let phone = ada.log_in("phone").await?;
    let wrong = json!({"username": "ada", "password": WRONG_PASSWORD});
    let refused = Http::new(gateway.url()).call(Method::POST, "/v1/sessions").json(&wrong);
    refused.answer().await?.refused(401, "unauthenticated")?;
    phone.call(Method::DELETE, "/v1/sessions/current").answer().await?.ok(204)?;
    let process = gateway.process();
    let id = format!("\"user.id\":\"{}\"", ada.id);
    for (message, contents) in [
        ("registered", &*id),
        ("logged in", &id),
        ("log-in refused", "\"client.address\":\"127.0.0.1\""),
        ("login ended", &id),
    ] {
        let line = process.line(&format!("\"message\":\"{message}\""), LATER).await?;
        ensure!(line.contains(contents), "{line}");
    }
    ensure!(!process.has_logged(WRONG_PASSWORD), "a password was logged");
    Ok(())
}
