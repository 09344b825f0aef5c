//! Assembles the gateway, runs it until shutdown, and drains it.
//!
//! The caller owns the bound sockets and the signal. The steps of a drain:
//! 1. `/readyz` reports `draining`.
//! 2. After a delay for load balancers, no more connections are accepted.
//! 3. Sessions are notified, running commands are answered, polls and sockets end.
//! 4. At the deadline, connections that are still open are dropped.
//! 5. Presence and background tasks end.

use std::{sync::Arc, time::Duration};

use axum::Router;
use chat_core::{
    accounts::{AccountSettings, RefreshKey, Registry},
    attachments::Attachments,
    budget::Unread,
    chat::Chat,
    consent::ConsentRules,
    model::EndedLogin,
    port::{Blobs, Bus, Limiter, Passwords, Search, Stores},
    ports::Ports,
    random::SystemRandom,
    revocations::RevokedLogins,
    time::{Clock, SteadyClock, Timestamp},
};
use futures_util::future::BoxFuture;
use presence::{LastSeen, LastSeenPolicy, Leases, Tracker, TrackerParts};
use tokio::{
    net::TcpListener,
    sync::Semaphore,
    time::{Instant, MissedTickBehavior, interval, timeout_at},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    admin,
    admission::Admission,
    app::{App, OPENINGS_MAX, SharedConversations},
    config::{Config, Drain},
    demo,
    error::chance,
    front,
    health::{Health, StoreHealth},
    listener::{Certificate, ConnectionLimiter, Listener},
    metrics::Metrics,
    page,
    poll::WaitingPolls,
    protocol::{JsonEncode, millis},
    rest::{
        self,
        attachments::{LinkSigner, UploadPlaces},
    },
    tokens::{LEEWAY, SigningKey, TokenScope, Tokens},
    ws::wheel::Wheel,
};

/// Interval at which samples of histograms are folded.
const UPKEEP_INTERVAL: Duration = Duration::from_secs(5);
/// Interval at which sessions are notified during a drain.
const NOTIFY_INTERVAL: Duration = Duration::from_millis(250);
/// Time that presence and background tasks have to end after the drain.
const BACKGROUND_END_MAX: Duration = Duration::from_secs(5);

/// The dependencies of a gateway.
#[derive(Debug)]
pub struct Parts {
    /// Logs, accounts, and everything else that is stored.
    pub stores: Stores,
    /// The bytes of uploaded files.
    pub blobs: Arc<dyn Blobs>,
    /// Condition of the stores.
    pub store_health: Arc<dyn StoreHealth>,
    /// Hints to and from other gateways.
    pub bus: Arc<dyn Bus>,
    /// The index of messages, or `None` without search.
    pub search: Option<Arc<dyn Search>>,
    /// Presence leases of all gateways.
    pub leases: Arc<dyn Leases>,
    /// Times at which users were last seen.
    pub last_seen: Arc<dyn LastSeen>,
    /// When these times are written.
    pub last_seen_policy: LastSeenPolicy,
    /// Token buckets of the rate limits.
    pub limiter: Arc<dyn Limiter>,
    /// Password hashing.
    pub passwords: Arc<dyn Passwords>,
    /// Time and new ids.
    pub clock: Arc<dyn Clock>,
    /// The time of the newest stored entry. Later entries get no earlier time.
    pub newest_entry_at: Timestamp,
    /// The ended logins that the store has kept.
    pub ended_logins: Vec<EndedLogin>,
    /// Key of access tokens, from which the key of refresh tokens is derived.
    pub key: SigningKey,
}

/// A gateway that is ready to run.
#[derive(Debug)]
pub struct Gateway {
    app: Arc<App>,
    metrics: Metrics,
    limiter: Arc<ConnectionLimiter>,
    certificate: Option<Arc<Certificate>>,
    has_demo: bool,
    admin_limiter: Arc<ConnectionLimiter>,
    drain: Drain,
    /// Chat's upkeep, presence and timers, which end after all sessions.
    background: TaskTracker,
    stop: CancellationToken,
}

impl Gateway {
    /// Assembles everything and starts the background tasks. Must be called in a tokio runtime.
    pub fn new(config: &Config, parts: Parts) -> Self {
        let metrics = Metrics::install();
        let (background, stop) = (TaskTracker::new(), CancellationToken::new());
        let proxies = config.trusted_proxies.clone().into();
        let app = Arc::new(assemble(config, parts, &background, &stop));
        let wheel = Arc::clone(&app.wheel);
        let upkeep = metrics.clone();
        let gateway = Self {
            app,
            metrics,
            limiter: Arc::new(ConnectionLimiter::new(config.limits, proxies, "public")),
            certificate: None,
            has_demo: false,
            admin_limiter: Arc::new(ConnectionLimiter::new(config.limits, Arc::new([]), "admin")),
            drain: config.drain,
            background,
            stop,
        };
        gateway.run_in_background(async move { wheel.turn().await });
        gateway.run_in_background(async move {
            let mut ticks = interval(UPKEEP_INTERVAL);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                ticks.tick().await;
                upkeep.upkeep();
            }
        });
        gateway
    }

    /// Serves clients with TLS only, and follows changes of the certificate's files.
    #[must_use]
    pub fn with_tls(mut self, certificate: Arc<Certificate>) -> Self {
        self.run_in_background(Arc::clone(&certificate).follow());
        self.certificate = Some(certificate);
        self
    }

    /// Offers the people of the demo at the entrance.
    #[must_use]
    pub const fn with_demo(mut self) -> Self {
        self.has_demo = true;
        self
    }

    /// Runs a task until the gateway stops.
    fn run_in_background(&self, task: impl Future<Output = ()> + Send + 'static) {
        let stop = self.stop.clone();
        self.background.spawn(async move {
            stop.run_until_cancelled(task).await;
        });
    }

    /// Returns the state that all requests and sockets share.
    pub fn app(&self) -> Arc<App> {
        Arc::clone(&self.app)
    }

    /// Returns the routes for clients.
    pub fn router(&self) -> Router {
        let mut routes = rest::router().merge(rest::openapi::router()).merge(page::router());
        if self.has_demo {
            routes = demo::offer(routes);
        }
        front::wrap(routes.with_state(self.app()), self.app())
    }

    /// Serves on these sockets until `shutdown`, then drains. The future is boxed, because the crate that
    /// awaits it would otherwise compile the HTTP server again.
    pub fn run(
        self,
        public: TcpListener,
        admin: TcpListener,
        shutdown: CancellationToken,
    ) -> BoxFuture<'static, ()> {
        Box::pin(self.serve(public, admin, shutdown))
    }

    async fn serve(self, public: TcpListener, admin: TcpListener, shutdown: CancellationToken) {
        let connections = TaskTracker::new();
        let close = CancellationToken::new();
        let listener = Listener::new(public, self.router(), Arc::clone(&self.limiter))
            .with_tls(self.certificate.clone());
        connections.spawn(listener.serve(connections.clone(), close.clone()));
        // Operators can watch the drain: their listener is closed after it.
        let close_admin = CancellationToken::new();
        let routes = admin::router(self.app(), self.metrics.clone());
        let listener = Listener::new(admin, routes, Arc::clone(&self.admin_limiter));
        self.background.spawn(listener.serve(self.background.clone(), close_admin.clone()));

        shutdown.cancelled().await;
        let deadline = Instant::now() + self.drain.deadline;
        tracing::info!(deadline_ms = millis(self.drain.deadline), "draining");
        self.app.draining.cancel();
        tokio::time::sleep(self.drain.delay).await;
        close.cancel();
        self.app.chat.drain();
        for tasks in [&connections, &self.app.tasks] {
            tasks.close();
            if timeout_at(deadline, self.drain_until_ended(tasks)).await.is_err() {
                tracing::warn!(left = tasks.len(), "drain deadline passed");
            }
        }

        close_admin.cancel();
        self.stop.cancel();
        self.background.close();
        let deadline = Instant::now() + BACKGROUND_END_MAX;
        if timeout_at(deadline, self.background.wait()).await.is_err() {
            tracing::warn!(left = self.background.len(), "background tasks did not end in time");
        }
        tracing::info!("drained");
    }

    /// Waits for the tasks, and notifies sessions again and again: a session may have been opening
    /// when the drain started.
    async fn drain_until_ended(&self, tasks: &TaskTracker) {
        let mut ended = std::pin::pin!(tasks.wait());
        while timeout_at(Instant::now() + NOTIFY_INTERVAL, &mut ended).await.is_err() {
            self.app.chat.drain();
        }
    }
}

fn assemble(
    config: &Config,
    parts: Parts,
    background: &TaskTracker,
    stop: &CancellationToken,
) -> App {
    let draining = CancellationToken::new();
    let revoked = RevokedLogins::new(config.auth.access_ttl + LEEWAY);
    let now = parts.clock.now();
    for ended in &parts.ended_logins {
        revoked.insert_stored(*ended, now);
    }
    let unread = Unread::new(usize::try_from(config.limits.unread).unwrap_or(usize::MAX));
    let Parts { stores, bus, clock, .. } = parts;
    let chat = Chat::start(
        Ports {
            stores: stores.clone(),
            bus: bus.clone(),
            search: parts.search,
            clock: Arc::new(SteadyClock::new(clock.clone(), parts.newest_entry_at)),
            wall_clock: clock.clone(),
            random: Arc::new(SystemRandom),
            encode: Arc::new(JsonEncode),
        },
        revoked,
        unread.clone(),
        ConsentRules {
            requests: config.consent.requests,
            requests_max: usize::try_from(config.consent.requests_max.get()).unwrap_or(usize::MAX),
        },
        background.clone(),
        stop.clone(),
    );
    let accounts = Registry::new(
        &stores,
        parts.passwords,
        clock.clone(),
        bus.clone(),
        chat.clone(),
        RefreshKey::from_secret(parts.key.bytes()),
        AccountSettings {
            refused_for: config.auth.access_ttl + LEEWAY,
            login_age_max: config.auth.login_age_max,
            reserved_names: config.auth.reserved_names.clone(),
        },
    );
    let attachments = Attachments::start(
        stores,
        parts.blobs,
        clock.clone(),
        config.attachments.rules(),
        background,
        stop.clone(),
    );
    let link_signer = LinkSigner::from_secret(parts.key.bytes());
    let uploads_at_once = config.attachments.uploads_at_once.get();
    let presence = TrackerParts {
        clock: clock.clone(),
        leases: parts.leases,
        last_seen: parts.last_seen,
        acquaintances: Arc::new(SharedConversations(chat.clone())),
        last_seen_policy: parts.last_seen_policy,
        seed: seed(),
    };
    let scope =
        TokenScope { issuer: config.auth.issuer.clone(), audience: config.auth.audience.clone() };
    App {
        presence: Tracker::start(presence, background, stop),
        accounts: Arc::new(accounts),
        attachments,
        link_signer,
        upload_places: UploadPlaces::new(usize::try_from(uploads_at_once).unwrap_or(usize::MAX)),
        first_uses: Arc::default(),
        limits: Admission::new(config.rate_limits, parts.limiter, config.auth.passwords_max()),
        public_url: config.public_url.clone(),
        origins: config.origins.clone(),
        serves_tls: config.tls.certificate.is_some(),
        polls: WaitingPolls::default(),
        wheel: Arc::new(Wheel::default()),
        health: Health::new(parts.store_health, bus, draining.clone()),
        tasks: TaskTracker::new(),
        draining,
        tokens: Tokens::new(parts.key, scope, config.auth.access_ttl, clock.clone()),
        clock,
        unread,
        openings: Semaphore::new(OPENINGS_MAX),
        sessions_per_user: config.limits.sessions_per_user,
        chat,
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "any number will do")]
fn seed() -> u64 {
    (chance() * 1e18) as u64
}

#[cfg(test)]
pub(crate) mod tests;
