//! One run: from a seed to a judged history.

use std::{sync::Arc, time::Duration};

use anyhow::{Context, Result, bail};
use checker::{Finding, History};
use fastrand::Rng;
use futures_util::future::join_all;
use tokio::{runtime::Builder, time::timeout};
use tokio_util::sync::CancellationToken;

use crate::{chaos, people::Actor, plan::Plan, settle, world::World};

/// The longest simulated time of a run, for a defect that stops it for good.
const RUN_MAX: Duration = Duration::from_secs(7_200);

/// A run that has ended.
#[derive(Debug)]
pub struct Outcome {
    /// What the seed enabled.
    pub plan: Plan,
    /// What happened.
    pub history: History,
    /// The violations in it.
    pub findings: Vec<Finding>,
}

/// Runs a plan, and judges its history. Fails if the run itself fails.
pub fn run(plan: Plan) -> Result<Outcome> {
    let runtime = Builder::new_current_thread().enable_time().start_paused(true).build()?;
    let simulated = runtime.block_on(async { timeout(RUN_MAX, simulate(&plan)).await });
    let Ok(history) = simulated else { bail!("seed {} does not end", plan.seed) };
    let history = history.with_context(|| format!("seed {}", plan.seed))?;
    let findings = checker::check(&history);
    Ok(Outcome { plan, history, findings })
}

async fn simulate(plan: &Plan) -> Result<History> {
    let world = World::start(plan).await?;
    let mut rng = Rng::with_seed(plan.seed.wrapping_add(1));
    let tasks = &world.around.tasks;
    for device in world.people().iter().flat_map(|person| &person.devices) {
        tasks.spawn(device.clone().run(world.clone(), rng.fork()));
    }
    let ends = CancellationToken::new();
    let chaos = chaos::run(world.clone(), rng.fork());
    let chaos = tasks.spawn(ends.clone().run_until_cancelled_owned(chaos));
    let actors = world
        .people()
        .iter()
        .map(|person| tasks.spawn(Actor::new(world.clone(), person.clone(), rng.fork()).run()));
    let actors: Vec<_> = actors.collect();
    for ended in join_all(actors).await {
        ended.context("a person panicked")?;
    }
    ends.cancel();
    chaos.await.context("the chaos panicked")?.transpose()?;
    settle::settle(&world, &mut rng).await;
    if let Some(within) = plan.arrives_within() {
        world.record.add_arrivals(u64::try_from(within.as_millis()).unwrap_or(u64::MAX));
    }
    Ok(Arc::clone(&world).record.take())
}
