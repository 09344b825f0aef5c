//! How long a client waits, with and without a lost place. Nothing is left to chance.

use std::time::Duration;

use anyhow::{Context, Result};
use fastrand::Rng;
use tokio::{runtime::Builder, time::Instant};
use tokio_util::task::TaskTracker;

use super::{
    gateway::Gateway,
    network::Network,
    replica::{ClientId, Place},
};

/// What a client waits for, and how long.
pub type Wait = (&'static str, Duration);

/// Attempts after which a send has failed for good.
const ATTEMPTS_MAX: u32 = 20;

/// Measures the waits of a conversation whose home is in the east.
pub fn waits() -> Result<Vec<Wait>> {
    let runtime = Builder::new_current_thread().enable_time().start_paused(true).build()?;
    runtime.block_on(measure())
}

async fn measure() -> Result<Vec<Wait>> {
    let mut rng = Rng::with_seed(0);
    let network = Network::new(rng.fork(), None, TaskTracker::new());
    network.heal();
    let east = Gateway::new(0, &network, None, rng.fork());
    let west = Gateway::new(1, &network, None, rng.fork());
    let mut waits = vec![
        ("a send in the home region", send(&east, 1).await?),
        ("a send in the other region, which does not know the head", send(&west, 2).await?),
        ("a further send in the other region", send(&west, 20).await?),
        ("an opened session in the home region", open(&east).await?),
        ("an opened session in the other region", open(&west).await?),
    ];
    // Lets the gateway in the east learn the head.
    send(&east, 30).await?;
    network.set_lost(Place::Witness, true);
    waits.push(("a send in the home region, without the witness", send(&east, 3).await?));
    network.set_lost(Place::Witness, false);
    network.set_cut(&[(Place::East, Place::West), (Place::West, Place::East)], true);
    waits.push(("a send in the home region, with the link cut", send(&east, 4).await?));
    network.heal();
    network.set_lost(Place::East, true);
    waits.push(("the first send after the home region is lost", send(&west, 5).await?));
    waits.push(("the next send there", send(&west, 6).await?));
    network.set_lost(Place::East, false);
    waits.push(("the first send in the lost region after its return", send(&east, 7).await?));
    Ok(waits)
}

/// Sends a text as a client does, which repeats it while the outcome is unknown.
async fn send(gateway: &Gateway, name: ClientId) -> Result<Duration> {
    let begun = Instant::now();
    for _ in 0..ATTEMPTS_MAX {
        if gateway.send(name).await.is_some() {
            return Ok(begun.elapsed());
        }
    }
    anyhow::bail!("text {name} is not acknowledged")
}

async fn open(gateway: &Gateway) -> Result<Duration> {
    let begun = Instant::now();
    gateway.read_confirmed().await.context("no confirmed read")?;
    Ok(begun.elapsed())
}
