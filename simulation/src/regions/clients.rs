//! Clients: they send, repeat what they do not know the outcome of, and read.

use std::{sync::Arc, time::Duration};

use fastrand::Rng;
use tokio::time::{Instant, sleep};

use super::{
    gateway::Gateway,
    network::Network,
    replica::{ClientId, Place},
    run::{Read, Report},
};

/// The longest pause between two texts of a client.
const PAUSE_MAX_MS: u64 = 600;

/// Sends texts, one after the other. Each is repeated, on any gateway, until it is acknowledged.
pub(super) async fn send(
    client: u64,
    texts: u64,
    gateways: Vec<Arc<Gateway>>,
    report: Arc<Report>,
    mut rng: Rng,
) {
    for number in 0..texts {
        sleep(Duration::from_millis(rng.u64(50..PAUSE_MAX_MS))).await;
        let name: ClientId = client * 1_000_000 + number;
        report.count(|counts| counts.sends += 1);
        let begun = Instant::now();
        let mut is_acknowledged = false;
        // A client may also repeat what it has an answer to.
        while !is_acknowledged || rng.u8(0..10) == 0 {
            // Mostly the gateways of the client's own region.
            let away = usize::from(rng.u8(0..10) == 0);
            let region = (usize::try_from(client).unwrap_or_default() + away) % 2;
            let gateway = &gateways[region + 2 * rng.usize(0..gateways.len() / 2)];
            match gateway.send(name).await {
                Some(seq) => report.acknowledge(name, seq, begun.elapsed()),
                None => report.count(|counts| counts.unknown += 1),
            }
            is_acknowledged |= report.is_acknowledged(name);
        }
    }
}

/// Reads confirmed heads on any gateway, as a session does that opens.
pub(super) async fn read_confirmed(gateways: Vec<Arc<Gateway>>, report: Arc<Report>, mut rng: Rng) {
    loop {
        sleep(Duration::from_millis(rng.u64(100..PAUSE_MAX_MS))).await;
        let gateway = &gateways[rng.usize(0..gateways.len())];
        let acknowledged = report.acknowledged();
        if let Some(entries) = gateway.read_confirmed().await {
            report.add_read(Read { acknowledged, entries });
        }
    }
}

/// Reads what a place shows without asking another one.
pub(super) async fn read_shown(network: Network, report: Arc<Report>, mut rng: Rng) {
    loop {
        sleep(Duration::from_millis(rng.u64(100..PAUSE_MAX_MS))).await;
        let place = Place::ALL[rng.usize(0..2)];
        let entries = network.replica(place).lock().shown();
        report.add_read(Read { acknowledged: 0, entries });
    }
}
