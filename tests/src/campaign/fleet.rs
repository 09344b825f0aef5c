//! The servers of a schedule, and how each fault is made and ended.

use std::{net::SocketAddr, time::Duration};

use anyhow::{Context, Result, bail, ensure};
use tempfile::TempDir;
use tokio::time::timeout;

use super::{
    Servers,
    damage::Damage,
    disk::{FailingSync, SmallDisk},
    fault::{self, Fault, Harm, Hop, Server},
};
use crate::{
    cassandra::Cassandra,
    chance::Chance,
    client::Http,
    cluster::{migrate, settings},
    gateway::{Gateway, Settings},
    patience::{SOON, eventually},
    process::Process,
    proxy::{Proxy, Way},
    redis::Redis,
};

const GATEWAYS: usize = 3;
/// The longest delay of a late chunk.
const LATE_MILLIS_MAX: u64 = 200;
/// How long a gateway may take to answer with its metrics.
const METRICS_MAX: Duration = Duration::from_millis(200);
/// The least percentage of connections that a proxy does harm to.
const PERCENT_MIN: u64 = 30;

/// A gateway and the proxy that its clients use.
#[derive(Debug)]
struct Door {
    gateway: Gateway,
    proxy: Proxy,
}

/// Gateways and what is behind them.
#[derive(Debug)]
pub(super) struct Fleet {
    doors: Vec<Door>,
    behind: Behind,
    // Dropped last.
    _folder: Option<TempDir>,
}

#[derive(Debug)]
enum Behind {
    Disk { disk: Option<SmallDisk>, sync: Option<FailingSync> },
    Servers(Box<Backends>),
}

/// Redis with a proxy for each gateway, and CQL nodes with a proxy for each.
#[derive(Debug)]
struct Backends {
    redis: Redis,
    redis_proxies: Vec<Proxy>,
    store: Cassandra,
    store_proxies: Vec<Proxy>,
}

/// A fault that has not ended, and the number of the gateway that it was drawn for. Where it is about a
/// store node, the number says which.
#[derive(Debug)]
pub(super) struct Made {
    fault: Fault,
    at: usize,
    damage: Option<Damage>,
    /// How long an answer waits at least, if that is not the length of the fault.
    pub(super) delay: Option<Duration>,
}

impl Door {
    async fn open(settings: Settings) -> Result<Self> {
        let gateway = Gateway::with(settings).await?;
        let proxy = Proxy::start("127.0.0.1:0", address(&gateway)?).await?;
        Ok(Self { gateway, proxy })
    }

    async fn restart(&mut self) -> Result<()> {
        self.gateway.restart().await?;
        self.proxy.lead_to(address(&self.gateway)?);
        Ok(())
    }

    /// Starts the gateway on a damaged store. It may serve the store, which the checker judges. If it
    /// refuses the store, it must say why, and must not have changed it.
    async fn restart_damaged(&mut self, damage: &Damage) -> Result<()> {
        if let Some(log) = self.gateway.restart_or_refuse().await? {
            let folder = self.gateway.data().to_string_lossy().into_owned();
            let is_explained = log.contains(&folder) && log.to_lowercase().contains("restore");
            ensure!(is_explained, "refused without a reason: {damage:?}\n{log}");
            damage.undo()?;
            self.gateway.restart().await?;
        }
        self.proxy.lead_to(address(&self.gateway)?);
        Ok(())
    }
}

fn address(gateway: &Gateway) -> Result<SocketAddr> {
    gateway.url().strip_prefix("http://").context("no http:// address")?.parse().context("address")
}

impl Fleet {
    /// Starts the servers, or returns `None` if one may be missing and is.
    pub(super) async fn start(servers: Servers) -> Result<Option<Self>> {
        match servers {
            Servers::Embedded => Self::embedded().await.map(Some),
            Servers::Cluster => Self::cluster(1).await,
            Servers::Ring => Self::cluster(3).await,
        }
    }

    async fn embedded() -> Result<Self> {
        let (disk, sync) = (SmallDisk::mount()?, FailingSync::build()?);
        // Writes meet a disk without any room before the gateway refuses them.
        let mut settings = Settings::new().set("EMBEDDED__RESERVE", "8MiB");
        if let Some(disk) = &disk {
            settings = settings.set("DATA_DIR", disk.path().to_str().context("path of the disk")?);
        }
        if let Some(sync) = &sync {
            settings = settings.preload(sync.library());
        }
        let doors = vec![Door::open(settings).await?];
        Ok(Self { doors, behind: Behind::Disk { disk, sync }, _folder: None })
    }

    async fn cluster(store_nodes: u8) -> Result<Option<Self>> {
        let Some(store) = Cassandra::behind_proxies(store_nodes).await? else { return Ok(None) };
        let Some(redis) = Redis::start().await? else { return Ok(None) };
        let mut store_proxies = Vec::new();
        for (node, used) in store.addresses() {
            store_proxies.push(Proxy::start(&used, node).await?);
        }
        let folder = TempDir::with_prefix("confab-campaign-")?;
        let url = redis.url();
        let server = url.strip_prefix("redis://").context("the address of Redis")?.parse()?;
        let (mut doors, mut redis_proxies) = (Vec::new(), Vec::new());
        for number in 0..GATEWAYS {
            let proxy = Proxy::start("127.0.0.1:0", server).await?;
            let url = format!("redis://{}", proxy.address());
            let settings = settings(&store, &url, folder.path())?;
            if number == 0 {
                migrate(&settings).await?;
            }
            doors.push(Door::open(settings).await?);
            redis_proxies.push(proxy);
        }
        let behind =
            Behind::Servers(Box::new(Backends { redis, redis_proxies, store, store_proxies }));
        Ok(Some(Self { doors, behind, _folder: Some(folder) }))
    }

    /// Returns the addresses for clients. They stay the same.
    pub(super) fn urls(&self) -> Vec<String> {
        self.doors.iter().map(|door| format!("http://{}", door.proxy.address())).collect()
    }

    /// Returns the faults that these servers can have.
    pub(super) fn faults(&self) -> Vec<Fault> {
        match &self.behind {
            Behind::Servers(_) => fault::of_cluster().collect(),
            Behind::Disk { disk, sync } => {
                let is_possible = |fault: &Fault| {
                    (*fault != Fault::DiskFull || disk.is_some())
                        && (*fault != Fault::SyncFails || sync.is_some())
                };
                fault::of_embedded().filter(is_possible).collect()
            }
        }
    }

    /// Makes a fault, at a gateway and with a strength that are drawn.
    pub(super) async fn make(&mut self, fault: Fault, chance: &mut Chance) -> Result<Made> {
        let at = usize::try_from(chance.below(self.doors.len() as u64))?;
        let late = Duration::from_millis(1 + chance.below(LATE_MILLIS_MAX));
        let percent = PERCENT_MIN + chance.below(101 - PERCENT_MIN);
        let (mut delay, mut damage) = (None, None);
        match fault {
            Fault::Killed(server) => self.process(server, at)?.kill()?,
            Fault::Paused(server) => self.process(server, at)?.pause()?,
            Fault::Restarted => drop(self.doors[at].gateway.drain().await?),
            Fault::DiskFull => self.disk()?.fill()?,
            Fault::SyncFails => self.sync()?.set(true)?,
            Fault::FileDamaged => {
                self.doors[at].gateway.kill()?;
                damage = Some(Damage::make(self.doors[at].gateway.data(), chance)?);
            }
            Fault::Network(hop, harm) => {
                let way = match harm {
                    Harm::Cut => Way::Cut,
                    Harm::RequestsHeld => Way::RequestsHeld,
                    Harm::AnswersHeld => Way::AnswersHeld,
                    Harm::Late => Way::Late(late),
                };
                delay = (harm == Harm::Late).then_some(late);
                self.proxy(hop, at)?.set(way, percent);
            }
        }
        Ok(Made { fault, at, damage, delay })
    }

    /// Ends a fault. The gateways serve again afterwards.
    pub(super) async fn heal(&mut self, Made { fault, at, damage, .. }: Made) -> Result<()> {
        match fault {
            Fault::Killed(Server::Gateway) | Fault::Restarted => self.doors[at].restart().await?,
            Fault::Killed(Server::Redis) => self.backends()?.redis.restart().await?,
            Fault::Killed(Server::Store) => {
                let servers = self.backends()?;
                servers.store.restart(servers.store_node(at)?).await?;
            }
            Fault::Paused(server) => self.process(server, at)?.resume()?,
            Fault::DiskFull => self.disk()?.empty()?,
            Fault::SyncFails => {
                self.sync()?.set(false)?;
                // After a failed sync nobody knows what is on the disk, until the folder is reopened.
                self.doors[at].restart().await?;
            }
            Fault::FileDamaged => {
                let damage = damage.context("no damage")?;
                self.doors[at].restart_damaged(&damage).await?;
            }
            Fault::Network(hop, _) => self.proxy(hop, at)?.heal(),
        }
        let gateway = &self.doors[at].gateway;
        let path = "/readyz";
        let admin = Http::new(gateway.admin_url());
        let ready = async || {
            let answer = admin.call(http::Method::GET, path).answer().await?;
            ensure!(answer.status == 200, "{path}: {}", answer.status);
            Ok(())
        };
        eventually(SOON * 3, ready).await
    }

    /// Returns true if a gateway says that it has lost Redis.
    pub(super) async fn reports_redis_down(&self) -> bool {
        for door in &self.doors {
            let admin = Http::new(door.gateway.admin_url());
            // A paused gateway does not answer.
            let metrics = timeout(METRICS_MAX, admin.call(http::Method::GET, "/metrics").answer());
            let Ok(Ok(answer)) = metrics.await else { continue };
            let text = String::from_utf8_lossy(&answer.text).into_owned();
            let name = "confab_redis_primaries_down ";
            if text.lines().any(|line| line.strip_prefix(name).is_some_and(|down| down != "0")) {
                return true;
            }
        }
        false
    }

    fn process(&mut self, server: Server, at: usize) -> Result<&mut Process> {
        Ok(match server {
            Server::Gateway => self.doors[at].gateway.process(),
            Server::Redis => self.backends()?.redis.process(),
            Server::Store => {
                let servers = self.backends()?;
                servers.store.node(servers.store_node(at)?)?
            }
        })
    }

    fn proxy(&mut self, hop: Hop, at: usize) -> Result<&Proxy> {
        Ok(match hop {
            Hop::Clients => &self.doors[at].proxy,
            Hop::Redis => &self.backends()?.redis_proxies[at],
            Hop::Store => {
                let proxies = &self.backends()?.store_proxies;
                &proxies[at % proxies.len()]
            }
        })
    }

    fn backends(&mut self) -> Result<&mut Backends> {
        match &mut self.behind {
            Behind::Servers(servers) => Ok(servers),
            Behind::Disk { .. } => bail!("an embedded store has no servers"),
        }
    }

    fn disk(&self) -> Result<&SmallDisk> {
        let Behind::Disk { disk: Some(disk), .. } = &self.behind else { bail!("no small disk") };
        Ok(disk)
    }

    fn sync(&self) -> Result<&FailingSync> {
        let Behind::Disk { sync: Some(sync), .. } = &self.behind else {
            bail!("no library that fails syncs")
        };
        Ok(sync)
    }
}

impl Backends {
    /// Returns the number of a store node, from 1.
    fn store_node(&self, at: usize) -> Result<u8> {
        Ok(u8::try_from(at % self.store_proxies.len())? + 1)
    }
}
