//! The gateway: assembled before anything runs, run until it is told to end, drained to the end.
//!
//! The caller owns the bound sockets and the signal. A drain goes: `/readyz` says no; after a delay
//! for load balancers no more connections are taken; sessions are told, commands in progress are
//! answered, polls and sockets end; at the deadline what still runs is dropped; at last presence
//! and upkeep end.

use std::{sync::Arc, time::Duration};

use axum::Router;
use chat_core::{
    accounts::{RefreshKey, Registry},
    chat::Chat,
    port::{Bus, Limiter, Passwords, Stores},
    ports::Ports,
    revocations::RevokedLogins,
    time::Clock,
};
use presence::{LastSeen, LastSeenPolicy, Leases, Tracker, TrackerParts};
use tokio::{
    net::TcpListener,
    time::{Instant, MissedTickBehavior, interval, timeout_at},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    admin::{self, Admin},
    admission::Admission,
    app::{App, SharedConversations},
    config::{Config, Drain},
    error::chance,
    front,
    health::{Health, StoreHealth},
    listener::{Listener, Places},
    metered::MeteredPasswords,
    metrics::{Figures, Metrics},
    page,
    poll::WaitingPolls,
    protocol::{JsonEncode, millis},
    rest,
    tokens::{LEEWAY, Naming, SigningKey, Tokens},
    ws::wheel::Wheel,
};

/// How often histograms are folded.
const UPKEEP_EVERY: Duration = Duration::from_secs(5);
/// How often sessions are told to end during a drain.
const DRAIN_AGAIN: Duration = Duration::from_millis(250);
/// How long presence and upkeep may take to end, after the drain.
const BACKGROUND_END_MAX: Duration = Duration::from_secs(5);

/// What the gateway needs from outside.
#[derive(Debug)]
pub struct Parts {
    /// The truth.
    pub stores: Stores,
    /// How that is.
    pub store_health: Arc<dyn StoreHealth>,
    /// Hints to and from other gateways.
    pub bus: Arc<dyn Bus>,
    /// Who is here, on all gateways.
    pub leases: Arc<dyn Leases>,
    /// The store of last seen.
    pub last_seen: Arc<dyn LastSeen>,
    /// When last seen is kept.
    pub last_seen_policy: LastSeenPolicy,
    /// Token buckets.
    pub limiter: Arc<dyn Limiter>,
    /// Password hashing.
    pub passwords: Arc<dyn Passwords>,
    /// Time and ids.
    pub clock: Arc<dyn Clock>,
    /// The installation's secret.
    pub key: SigningKey,
    /// What the backends count themselves.
    pub figures: Vec<Arc<dyn Figures>>,
}

/// A gateway that is ready to run.
#[derive(Debug)]
pub struct Gateway {
    app: Arc<App>,
    metrics: Metrics,
    places: Arc<Places>,
    admin_places: Arc<Places>,
    figures: Arc<[Arc<dyn Figures>]>,
    drain: Drain,
    /// Chat's upkeep, presence, timers: what ends after all sessions.
    background: TaskTracker,
    stop: CancellationToken,
}

/// What is served while the gateway runs.
struct Serving {
    connections: TaskTracker,
    closing: CancellationToken,
    /// The operator's listener stays until the end.
    ending: CancellationToken,
}

impl Gateway {
    /// Assembles everything. Has to be called in a tokio runtime: what runs by itself begins here.
    pub fn new(config: &Config, parts: Parts) -> Self {
        let metrics = Metrics::install();
        let (background, stop) = (TaskTracker::new(), CancellationToken::new());
        let limits = config.limits;
        let figures = parts.figures.clone().into();
        let app = Arc::new(assemble(config, parts, &background, &stop));
        let gateway = Self {
            app,
            metrics,
            places: Arc::new(Places::new(limits, config.trusted_proxies.clone().into())),
            admin_places: Arc::new(Places::new(limits, Arc::new([]))),
            figures,
            drain: config.drain,
            background,
            stop,
        };
        gateway.start_upkeep();
        gateway
    }

    /// What every request and socket has at hand.
    pub fn app(&self) -> Arc<App> {
        Arc::clone(&self.app)
    }

    /// The routes for clients.
    pub fn router(&self) -> Router {
        let routes = rest::router().merge(rest::openapi::router()).merge(page::router());
        front::wrap(routes.with_state(self.app()), self.app())
    }

    /// The routes for operators.
    pub fn admin_router(&self) -> Router {
        admin::router(Admin {
            app: self.app(),
            metrics: self.metrics.clone(),
            places: Arc::clone(&self.places),
            admin_places: Arc::clone(&self.admin_places),
            figures: Arc::clone(&self.figures),
        })
    }

    /// Serves on these sockets until `shutdown` completes, then drains.
    pub async fn run(
        self,
        public: TcpListener,
        admin: TcpListener,
        shutdown: impl Future<Output = ()>,
    ) {
        let serving = self.serve(public, admin);
        shutdown.await;
        let deadline = Instant::now() + self.drain.deadline;
        tracing::info!(deadline_ms = millis(self.drain.deadline), "draining");
        self.app.draining.cancel();
        tokio::time::sleep(self.drain.delay).await;
        serving.closing.cancel();
        self.app.chat.drain();
        self.end(serving, deadline).await;
    }

    fn serve(&self, public: TcpListener, admin: TcpListener) -> Serving {
        let serving = Serving {
            connections: TaskTracker::new(),
            closing: CancellationToken::new(),
            ending: CancellationToken::new(),
        };
        let public = Listener::new(public, self.router(), Arc::clone(&self.places));
        let admin = Listener::new(admin, self.admin_router(), Arc::clone(&self.admin_places));
        let (tasks, closing) = (serving.connections.clone(), serving.closing.clone());
        serving.connections.spawn(public.serve(tasks, closing));
        let (tasks, ending) = (self.background.clone(), serving.ending.clone());
        self.background.spawn(admin.serve(tasks, ending));
        serving
    }

    /// Waits for everybody until the deadline, then for what runs by itself.
    async fn end(self, serving: Serving, deadline: Instant) {
        for tasks in [&serving.connections, &self.app.tasks] {
            tasks.close();
            if timeout_at(deadline, self.all_ended(tasks)).await.is_err() {
                tracing::warn!(left = tasks.len(), "drain deadline passed");
            }
        }
        serving.ending.cancel();
        self.stop.cancel();
        self.background.close();
        let deadline = Instant::now() + BACKGROUND_END_MAX;
        if timeout_at(deadline, self.background.wait()).await.is_err() {
            tracing::warn!(left = self.background.len(), "upkeep did not end in time");
        }
        tracing::info!("drained");
    }

    /// Who was about to open a session when the drain began is told a moment later.
    async fn all_ended(&self, tasks: &TaskTracker) {
        let mut ended = std::pin::pin!(tasks.wait());
        while timeout_at(Instant::now() + DRAIN_AGAIN, &mut ended).await.is_err() {
            self.app.chat.drain();
        }
    }

    fn start_upkeep(&self) {
        let wheel = Arc::clone(&self.app.wheel);
        self.in_background(async move { wheel.turn().await });
        let metrics = self.metrics.clone();
        self.in_background(async move {
            let mut ticks = interval(UPKEEP_EVERY);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                ticks.tick().await;
                metrics.upkeep();
            }
        });
    }

    fn in_background(&self, task: impl Future<Output = ()> + Send + 'static) {
        let stop = self.stop.clone();
        self.background.spawn(async move {
            stop.run_until_cancelled(task).await;
        });
    }
}

fn assemble(
    config: &Config,
    parts: Parts,
    background: &TaskTracker,
    stop: &CancellationToken,
) -> App {
    let draining = CancellationToken::new();
    let Parts { stores, bus, clock, .. } = parts;
    let chat = Chat::start(
        Ports {
            stores: stores.clone(),
            bus: bus.clone(),
            clock: clock.clone(),
            encode: Arc::new(JsonEncode),
        },
        RevokedLogins::new(config.auth.access_ttl + LEEWAY),
        background.clone(),
        stop.clone(),
    );
    let accounts = Registry::new(
        &stores,
        Arc::new(MeteredPasswords(parts.passwords)),
        clock.clone(),
        bus.clone(),
        chat.clone(),
        RefreshKey::from_secret(parts.key.bytes()),
    );
    let presence = TrackerParts {
        clock: clock.clone(),
        leases: parts.leases,
        last_seen: parts.last_seen,
        acquaintances: Arc::new(SharedConversations(chat.clone())),
        last_seen_policy: parts.last_seen_policy,
        seed: seed(),
    };
    let naming =
        Naming { issuer: config.auth.issuer.clone(), audience: config.auth.audience.clone() };
    App {
        presence: Tracker::start(presence, background, stop),
        accounts,
        limits: Admission::new(config.rate_limits, parts.limiter),
        origins: config.origins.clone(),
        polls: WaitingPolls::default(),
        wheel: Arc::new(Wheel::default()),
        health: Health::new(parts.store_health, bus, draining.clone()),
        tasks: TaskTracker::new(),
        draining,
        tokens: Tokens::new(parts.key, naming, config.auth.access_ttl, clock.clone()),
        clock,
        chat,
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "any number will do")]
fn seed() -> u64 {
    (chance() * 1e18) as u64
}

#[cfg(test)]
pub(crate) mod tests;
