//! What breaks: places, their data, and the links between them.

use std::{sync::Arc, time::Duration};

use fastrand::Rng;
use tokio::time::sleep;
use tokio_util::task::TaskTracker;

use super::{
    gateway::Gateway,
    network::Network,
    replica::{Place, State},
    run::Report,
};

/// The longest pause between two faults.
const PAUSE_MAX_MS: u64 = 5_000;
/// The longest time for which a fault lasts.
const FAULT_MAX_MS: u64 = 8_000;
/// How often a place without its data asks the others.
const REJOIN_EVERY: Duration = Duration::from_millis(500);

/// Breaks things, forever. Faults overlap, but only one place at a time is lost or without its data:
/// two at once are not survived.
pub(super) async fn run(
    network: Network,
    gateways: Vec<Arc<Gateway>>,
    report: Arc<Report>,
    tasks: TaskTracker,
    mut rng: Rng,
) {
    loop {
        sleep(Duration::from_millis(rng.u64(100..PAUSE_MAX_MS))).await;
        let lasts = Duration::from_millis(rng.u64(200..FAULT_MAX_MS));
        let place = Place::ALL[rng.usize(0..Place::ALL.len())];
        let other = place.others()[rng.usize(0..2)];
        let (network, report) = (network.clone(), report.clone());
        match rng.u8(0..10) {
            0..=2 if network.is_whole() => tasks.spawn(lose(network, place, lasts, false, report)),
            3..=4 if network.is_whole() => tasks.spawn(lose(network, place, lasts, true, report)),
            0..=5 => {
                let pairs = vec![(place, other), (other, place)];
                tasks.spawn(cut(network, pairs, lasts, report))
            }
            6 => tasks.spawn(cut(network, vec![(place, other)], lasts, report)),
            7 => {
                let isolated = place.others().map(|other| [(place, other), (other, place)]);
                tasks.spawn(cut(network, isolated.concat(), lasts, report))
            }
            _ => {
                let gateway = gateways[rng.usize(0..gateways.len())].clone();
                tasks.spawn(move_home(gateway, report))
            }
        };
    }
}

async fn move_home(gateway: Arc<Gateway>, report: Arc<Report>) {
    report.count(|counts| counts.moves += 1);
    gateway.take_over().await;
}

async fn lose(
    network: Network,
    place: Place,
    lasts: Duration,
    loses_data: bool,
    report: Arc<Report>,
) {
    report.count(|counts| {
        counts.losses += 1;
        counts.erasures += u64::from(loses_data);
    });
    network.set_lost(place, true);
    sleep(lasts).await;
    if loses_data {
        network.replica(place).lock().erase();
    }
    network.set_lost(place, false);
}

async fn cut(network: Network, pairs: Vec<(Place, Place)>, lasts: Duration, report: Arc<Report>) {
    report.count(|counts| counts.cuts += 1);
    network.set_cut(&pairs, true);
    sleep(lasts).await;
    network.set_cut(&pairs, false);
}

/// Lets a place that has lost its data take part again, once both other places have answered.
pub(super) async fn rejoin(network: Network, place: Place) {
    loop {
        sleep(REJOIN_EVERY).await;
        if network.replica(place).lock().takes_part() {
            continue;
        }
        let mut states: Vec<State> = Vec::new();
        for other in place.others() {
            let asked = network.call(place, other, |replica| replica.read());
            states.extend(asked.await.flatten());
        }
        if let Ok(both) = <[State; 2]>::try_from(states) {
            network.replica(place).lock().rejoin(&both);
        }
    }
}
