//! Breaks things while people act.

use std::{sync::Arc, time::Duration};

use anyhow::Result;
use chat_core::time::Clock;
use fastrand::Rng;
use tokio::time::sleep;

use crate::{plan::ChaosWeights, site::Site, world::World};

/// What breaks.
#[derive(Debug, Clone, Copy)]
enum Breakage {
    BusOutage,
    OneCutOff,
    Restart,
    ClockStep,
    StoreTrouble,
}

/// Breaks things one after the other, until it is dropped. Fails if a store cannot be opened again.
pub(crate) async fn run(world: Arc<World>, mut rng: Rng) -> Result<()> {
    let ChaosWeights { bus_outage, one_cut_off, restart, clock_step } = world.plan().chaos;
    let weights = [
        (Breakage::BusOutage, bus_outage),
        (Breakage::OneCutOff, one_cut_off),
        (Breakage::Restart, restart),
        (Breakage::ClockStep, clock_step),
        (Breakage::StoreTrouble, 3),
    ];
    let all: Vec<Breakage> = weights
        .into_iter()
        .flat_map(|(breakage, weight)| (0..weight).map(move |_| breakage))
        .collect();
    loop {
        sleep(Duration::from_millis(rng.u64(100..4_000))).await;
        if let Some(breakage) = rng.choice(&all).copied() {
            make(&world, breakage, &mut rng).await?;
        }
    }
}

async fn make(world: &World, breakage: Breakage, rng: &mut Rng) -> Result<()> {
    let site = &world.sites[rng.usize(0..world.sites.len())];
    let lasts = Duration::from_millis(rng.u64(100..8_000));
    match breakage {
        Breakage::BusOutage => {
            cut_off_all(world);
            sleep(lasts).await;
            heal_all(world);
        }
        Breakage::OneCutOff => {
            let Some(gateway) = site.running() else { return Ok(()) };
            gateway.bus.cut_off();
            sleep(lasts).await;
            gateway.bus.heal();
        }
        Breakage::Restart => {
            if rng.u8(0..4) == 0 {
                stand_still(site);
            }
            site.kill();
            sleep(lasts / 4).await;
            world.around.store.reopen()?;
            site.start(&world.around).await;
        }
        Breakage::ClockStep => match rng.u8(0..4) {
            0 => site.skew.run(),
            1 => stand_still(site),
            _ => site.skew.step(rng.i64(-10_000..10_000)),
        },
        Breakage::StoreTrouble => {
            world.around.trouble.begin();
            sleep(lasts).await;
            world.around.trouble.end();
        }
    }
    Ok(())
}

/// Stops the clock of a machine, also for the gateways that start on it later.
fn stand_still(site: &Site) {
    if let Some(gateway) = site.running() {
        site.skew.stand_still(gateway.clock.now());
    }
}

fn cut_off_all(world: &World) {
    for gateway in world.sites.iter().filter_map(Site::running) {
        gateway.bus.cut_off();
    }
}

fn heal_all(world: &World) {
    for gateway in world.sites.iter().filter_map(Site::running) {
        gateway.bus.heal();
    }
}

/// Ends everything that is broken.
pub(crate) async fn end(world: &World) {
    world.around.trouble.end();
    world.around.hub.set_faults(chat_core::memory::BusFaults::default());
    world.around.hub.settle();
    for site in &world.sites {
        site.skew.run();
        if site.running().is_none() {
            site.start(&world.around).await;
        }
    }
    heal_all(world);
}
