//! One attack from its preparation to the gateway's memory at rest.

use std::path::Path;

use anyhow::{Context, Result};
use futures_util::{StreamExt, TryStreamExt, stream};
use tokio::time::{Instant, sleep, sleep_until};

use super::{
    Outcome, Plan, Scenario,
    load::Got,
    others::{Latency, Others, Pairs},
    outcome::Memory,
};
use crate::{
    client::User,
    gateway::{Gateway, Settings},
};

/// Where an honest person is, as a proxy says.
pub(super) const HOME: &str = "198.51.100.7";
/// Where an attacker is, as a proxy says.
pub(super) const ATTACKER: &str = "203.0.113.5";

/// Returns settings with which clients say in `X-Forwarded-For` where they are.
pub(super) fn behind_a_proxy() -> Settings {
    Settings::defaults().set("TRUSTED_PROXIES", "127.0.0.0/8")
}

/// Registrations at the same time.
const REGISTRATIONS: usize = 4;

/// A gateway that is attacked.
#[derive(Debug)]
pub(super) struct Trial {
    pub(super) plan: Plan,
    gateway: Gateway,
    pairs: Pairs,
    running: Option<Running>,
}

#[derive(Debug)]
struct Running {
    others: Others,
    before: Latency,
    memory_before: u64,
}

impl Trial {
    /// Starts a gateway without rate limits, for preparations, and registers the other users.
    pub(super) async fn prepare(binary: &Path, plan: Plan) -> Result<Self> {
        let gateway = Gateway::of(binary, Settings::new()).await?;
        let pairs = Pairs::register(gateway.url()).await?;
        Ok(Self { plan, gateway, pairs, running: None })
    }

    /// Returns the gateway's address, which changes when the attack begins.
    pub(super) fn url(&self) -> &str {
        self.gateway.url()
    }

    /// Returns the conversations of the other users.
    pub(super) fn conversations_of_others(&self) -> Vec<String> {
        self.pairs.conversations()
    }

    /// Registers a user.
    pub(super) async fn user(&self, username: &str) -> Result<User> {
        User::register(self.url(), username).await
    }

    /// Registers users, a few at a time.
    pub(super) async fn users(&self, name: &str, count: usize) -> Result<Vec<User>> {
        stream::iter(0..count)
            .map(async |number| self.user(&format!("{name}-{number}")).await)
            .buffered(REGISTRATIONS)
            .try_collect()
            .await
    }

    /// Restarts the gateway with these settings and measures the other users alone. The attack begins
    /// after that. Returns when it has to end.
    pub(super) async fn begin(&mut self, settings: Settings) -> Result<Instant> {
        self.gateway.restart_with(settings).await?;
        let others = self.pairs.send_steadily(self.gateway.url());
        sleep(self.plan.baseline).await;
        let before = others.take().latency()?;
        let process = self.gateway.process();
        process.reset_peak()?;
        let memory_before = process.resident_bytes()?;
        self.running = Some(Running { others, before, memory_before });
        Ok(Instant::now() + self.plan.attack)
    }

    /// Ends the attack. The outcome lacks only the memory at rest.
    pub(super) async fn finish(mut self, scenario: Scenario, mut got: Got) -> Result<Attacked> {
        let Running { others, before, memory_before } =
            self.running.take().context("the attack has not begun")?;
        let sends = others.stop().await?;
        let refused = sends.refused.clone();
        got.check(refused.is_empty(), || format!("others were refused: {refused:?}"));
        let process = self.gateway.process();
        process.ensure_alive()?;
        let peak = process.peak_bytes()?;
        let memory = Memory { before: memory_before, peak, rested: peak };
        let during = sends.latency()?;
        let rested_at = Instant::now() + self.plan.rest;
        let outcome = Outcome::new(scenario, got, before, during, memory);
        Ok(Attacked { gateway: self.gateway, outcome, rested_at })
    }
}

/// A gateway after its attack.
#[derive(Debug)]
pub struct Attacked {
    gateway: Gateway,
    outcome: Outcome,
    rested_at: Instant,
}

impl Attacked {
    /// Waits until the gateway has rested, and returns the complete outcome.
    pub async fn rested(mut self) -> Result<Outcome> {
        sleep_until(self.rested_at).await;
        let process = self.gateway.process();
        process.ensure_alive()?;
        self.outcome.memory.rested = process.resident_bytes()?;
        Ok(self.outcome)
    }
}
