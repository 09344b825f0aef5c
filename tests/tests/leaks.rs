//! A gateway releases what clients leave behind: descriptors, memory, presence.

use std::time::Duration;

use tests::{
    Result,
    client::{Cursors, User, Ws},
    ensure,
    gateway::Gateway,
    patience::{LATER, eventually},
    stage::Stage,
};
use tokio::{io::AsyncWriteExt, net::TcpStream, task::JoinSet, time::timeout};

const ROUNDS: usize = 8;
const CLIENTS: usize = 100;
/// The tolerance for descriptors of the store's files and of kept connections.
const DESCRIPTORS_SLACK: usize = 20;

fn descriptors(gateway: &mut Gateway) -> Result<usize> {
    Ok(std::fs::read_dir(format!("/proc/{}/fd", gateway.process().id()))?.count())
}

/// Runs clients that end in every way, most of them without closing.
async fn one_client(number: usize, user: User, conversation: String) -> Result<()> {
    let url = user.http().url().to_owned();
    let short = Duration::from_millis(50);
    match number % 5 {
        0 => user.ws(Some(&Cursors::new())).await?.close().await?,
        1 => drop(user.ws(Some(&Cursors::new())).await?),
        2 => drop(Ws::open(&url).await?),
        3 => drop(timeout(short, user.poll(Some(&Cursors::new()), Duration::from_secs(30))).await),
        _ => {
            let mut half = TcpStream::connect(url.trim_start_matches("http://")).await?;
            half.write_all(b"POST /v1/poll HTTP/1.1\r\n").await?;
        }
    }
    user.history(&conversation, "limit=10").await.map(drop)
}

async fn round(user: &User, conversation: &str) -> Result<()> {
    let mut clients = JoinSet::new();
    for number in 0..CLIENTS {
        clients.spawn(one_client(number, user.clone(), conversation.to_owned()));
    }
    while let Some(client) = clients.join_next().await {
        client??;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn resources_are_released_when_clients_are_gone() -> Result<()> {
    let mut stage = Stage::open().await?;
    let (ada, bob, _) = stage.ada_bob_eve().await?;
    let conversation = ada.direct(&bob).await?;
    let calm = async |gateway: &mut Gateway, baseline: usize| {
        eventually(LATER, async || {
            let now = descriptors(gateway)?;
            ensure!(now <= baseline + DESCRIPTORS_SLACK, "{now} descriptors, {baseline} before");
            Ok(())
        })
        .await
    };
    let baseline = descriptors(&mut stage.gateway)?;
    let mut resident = Vec::new();
    for _ in 0..ROUNDS {
        // Each round opens its own connections.
        round(&bob.at(stage.gateway.url()), &conversation).await?;
        calm(&mut stage.gateway, baseline).await?;
        resident.push(stage.gateway.process().resident_bytes()?);
    }
    let (middle, last) = (resident[ROUNDS / 2], resident[ROUNDS - 1]);
    let fine = last <= middle + middle / 10 + (1 << 20);
    ensure!(fine, "resident memory grows round by round: {resident:?}");
    Ok(())
}
