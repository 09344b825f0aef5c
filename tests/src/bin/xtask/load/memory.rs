//! Measures the resident memory of an idle connection whose user is in a conversation.

use std::{path::Path, time::Duration};

use anyhow::{Context, Result};
use futures_util::{StreamExt, TryStreamExt, stream};
use tests::{
    client::{User, Ws},
    gateway::{Gateway, Settings},
};
use tokio::{task::JoinSet, time::sleep};

/// Users in one group.
const GROUP: usize = 50;
/// Concurrent registrations.
const AT_A_TIME: usize = 4;
/// The time without requests before the gateway's memory is read.
const SETTLED: Duration = Duration::from_secs(3);

pub(super) async fn measure(
    binary: &Path,
    settings: Settings,
    connections: u32,
    people: u32,
) -> Result<String> {
    let mut gateway = Gateway::of(binary, settings).await?;
    let people = register(gateway.url(), people).await?;
    for group in people.chunks(GROUP) {
        let (first, others) = group.split_first().context("no users")?;
        first.group("Everybody", &others.iter().collect::<Vec<_>>()).await?;
    }
    // The first connection allocates what all connections share.
    people.first().context("no users")?.ws(None).await?.close().await?;
    sleep(SETTLED).await;
    let before = gateway.process().resident_bytes()?;
    let sockets = connect(&people, connections).await?;
    sleep(SETTLED).await;
    let after = gateway.process().resident_bytes()?;
    let each = after.saturating_sub(before) / u64::from(connections.max(1));
    drop(sockets);
    Ok(format!(
        "| idle connections | users | resident before | resident after | each |\n\
         |---|---|---|---|---|\n\
         | {connections} | {} | {} KiB | {} KiB | {each} bytes |\n",
        people.len(),
        before / 1024,
        after / 1024,
    ))
}

/// Registers users, a few at a time, because hashing passwords uses all cores.
async fn register(url: &str, people: u32) -> Result<Vec<User>> {
    let names = (0..people).map(|number| format!("person-{number}"));
    stream::iter(names)
        .map(async |name| User::register(url, &name).await)
        .buffered(AT_A_TIME)
        .try_collect()
        .await
}

async fn connect(people: &[User], connections: u32) -> Result<Vec<Ws>> {
    let mut connecting = JoinSet::new();
    let shares = people.len().max(1);
    for (number, person) in people.iter().cloned().enumerate() {
        let share = (connections as usize + shares - 1 - number) / shares;
        connecting.spawn(async move {
            let mut sockets = Vec::with_capacity(share);
            for _ in 0..share {
                sockets.push(person.ws(None).await?);
            }
            Ok::<_, anyhow::Error>(sockets)
        });
    }
    let mut sockets = Vec::new();
    while let Some(connected) = connecting.join_next().await {
        sockets.extend(connected??);
    }
    Ok(sockets)
}
