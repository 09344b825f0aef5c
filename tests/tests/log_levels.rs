//! The log level applies to every line but the two that scripts wait for.

use tests::{
    Result, ensure,
    gateway::{Gateway, Settings},
    patience::LATER,
};

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
