//! HAProxy or nginx as a child process, with the files of `deploy/` and the addresses of the test.
//!
//! HAProxy takes the addresses from the environment, nginx from two files beside its `nginx.conf`,
//! which are written here. nginx runs as one process, so that killing it leaves no workers.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use tempfile::TempDir;
use tests::{
    Context, Result,
    client::{Answer, Http},
    ensure,
    gateway::{Gateway, Settings},
    patience::{LATER, SOON, eventually},
    process::Process,
    servers::{free_port, program},
};

use crate::deployed;

/// The kind of proxy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    HaProxy,
    Nginx,
}

/// The ports of a gateway, which stay the same through restarts.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    pub(crate) port: u16,
    pub(crate) admin_port: u16,
}

impl Place {
    pub(crate) fn new() -> Result<Self> {
        Ok(Self { port: free_port()?, admin_port: free_port()? })
    }

    /// Adds these ports and a trusted proxy to the settings.
    pub(crate) fn settle(self, settings: Settings) -> Settings {
        settings
            .set("LISTEN", &format!("127.0.0.1:{}", self.port))
            .set("ADMIN__LISTEN", &format!("127.0.0.1:{}", self.admin_port))
            .set("TRUSTED_PROXIES", "127.0.0.1")
    }

    /// Starts a gateway on these ports.
    pub(crate) async fn gateway(self, settings: Settings) -> Result<Gateway> {
        Gateway::with(self.settle(settings)).await
    }

    /// Waits until the gateway is ready.
    pub(crate) async fn ready(self) -> Result<()> {
        let admin = Http::new(&format!("http://127.0.0.1:{}", self.admin_port));
        eventually(LATER, async || {
            let answer = get(&admin, "/readyz").await?;
            ensure!(answer.status == 200, "{answer:?}");
            Ok(())
        })
        .await
    }
}

/// A running proxy in front of two gateways, killed on drop.
#[derive(Debug)]
pub(crate) struct Proxy {
    pub(crate) kind: Kind,
    pub(crate) process: Process,
    url: String,
    /// HAProxy's status page.
    status: Http,
    /// The folder of nginx's files.
    _folder: TempDir,
}

impl Proxy {
    /// Starts a proxy, or returns `None` if it may be missing and is.
    pub(crate) async fn start(kind: Kind, places: [Place; 2]) -> Result<Option<Self>> {
        Self::start_with(kind, places, Limits::Crowd).await
    }

    /// Starts a proxy with these limits for each client.
    pub(crate) async fn start_with(
        kind: Kind,
        places: [Place; 2],
        limits: Limits,
    ) -> Result<Option<Self>> {
        let Some(binary) = kind.binary()? else { return Ok(None) };
        let (port, status_port) = (free_port()?, free_port()?);
        let folder = TempDir::with_prefix("confab-proxy-")?;
        let mut command = Command::new(binary);
        command.current_dir(folder.path());
        match kind {
            Kind::HaProxy => haproxy(&mut command, places, port, status_port),
            Kind::Nginx => nginx(&mut command, places, port, folder.path())?,
        }
        set_limits(kind, limits, &mut command, folder.path())?;
        let process = Process::start(kind.name(), &mut command)?;
        let url = format!("http://127.0.0.1:{port}");
        let status = Http::new(&format!("http://127.0.0.1:{status_port}"));
        let mut proxy = Self { kind, process, url, status, _folder: folder };
        proxy.listens().await?;
        Ok(Some(proxy))
    }

    /// Returns the address for clients.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    async fn listens(&mut self) -> Result<()> {
        let http = Http::new(&self.url);
        eventually(SOON, async || {
            self.process.ensure_alive()?;
            get(&http, "/").await
        })
        .await?;
        Ok(())
    }

    /// Waits until this many gateways are in use. nginx has no health checks and returns at once.
    pub(crate) async fn uses(&self, gateways: usize) -> Result<()> {
        if self.kind == Kind::Nginx {
            return Ok(());
        }
        eventually(SOON, async || {
            let used = self.used().await?;
            ensure!(used == gateways, "HAProxy uses {used} of {gateways}");
            Ok(())
        })
        .await
    }

    /// Returns how many gateways are up on HAProxy's status page.
    pub(crate) async fn used(&self) -> Result<usize> {
        let table = get(&self.status, "/;csv").await?;
        let table = String::from_utf8_lossy(&table.text).into_owned();
        let servers = table.lines().filter(|line| line.starts_with("gateways,gateway"));
        let states = servers.filter_map(|line| line.split(',').nth(STATUS_COLUMN));
        Ok(states.filter(|state| state.starts_with("UP")).count())
    }

    /// Returns the status of HAProxy's readiness check.
    pub(crate) async fn readiness(&self) -> Result<u16> {
        Ok(get(&self.status, "/ready").await?.status)
    }
}

/// The limits of a proxy for each client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Limits {
    /// Enough for a test whose clients all have one address.
    Crowd,
    /// A few requests and connections.
    Strict,
}

/// Requests of one client in ten seconds.
pub(crate) const STRICT_REQUESTS: usize = 50;
/// Connections of one client.
pub(crate) const STRICT_CONNECTIONS: usize = 8;

/// The column `status` in HAProxy's table (Management Guide, 9.1).
const STATUS_COLUMN: usize = 17;

impl Kind {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::HaProxy => "haproxy",
            Self::Nginx => "nginx",
        }
    }

    /// Returns the program, also from Debian's folder for root.
    pub(crate) fn binary(self) -> Result<Option<PathBuf>> {
        let sbin = Path::new("/usr/sbin").join(self.name());
        if sbin.is_file() { Ok(Some(sbin)) } else { program(self.name(), self.name()) }
    }
}

/// Makes a GET without a token.
pub(crate) async fn get(http: &Http, path: &str) -> Result<Answer> {
    http.call(http::Method::GET, path).answer().await
}

/// Replaces the limits for each client that the files of the proxy have.
fn set_limits(kind: Kind, limits: Limits, command: &mut Command, folder: &Path) -> Result<()> {
    let (requests, rate, connections) = match limits {
        Limits::Crowd => (1_000_000, 100_000, 1_000),
        Limits::Strict => (STRICT_REQUESTS, 1, STRICT_CONNECTIONS),
    };
    match kind {
        Kind::HaProxy => {
            command.env("CONFAB_CLIENT_REQUESTS", requests.to_string());
            command.env("CONFAB_CLIENT_CONNECTIONS", connections.to_string());
        }
        Kind::Nginx => {
            let file = folder.join("nginx.conf");
            let mut text = fs::read_to_string(&file)?;
            text = replaced(&text, "rate=500r/s", &format!("rate={rate}r/s"))?;
            text = replaced(&text, "burst=5000", &format!("burst={requests}"))?;
            let connections = format!("limit_conn connections {connections};");
            text = replaced(&text, "limit_conn connections 1000;", &connections)?;
            fs::write(file, text)?;
        }
    }
    Ok(())
}

fn haproxy(command: &mut Command, places: [Place; 2], port: u16, status_port: u16) {
    command.arg("-db").arg("-f").arg(deployed("haproxy/haproxy.cfg"));
    command.env("CONFAB_BIND", format!("127.0.0.1:{port}"));
    command.env("CONFAB_STATUS", format!("127.0.0.1:{status_port}"));
    // A number of connections that every user may open.
    command.env("CONFAB_CONNECTIONS", "400");
    for (number, place) in (1..).zip(places) {
        command.env(format!("CONFAB_GATEWAY_{number}"), format!("127.0.0.1:{}", place.port));
        command.env(format!("CONFAB_ADMIN_{number}"), place.admin_port.to_string());
    }
}

fn nginx(command: &mut Command, places: [Place; 2], port: u16, folder: &Path) -> Result<()> {
    let from = deployed("nginx");
    fs::copy(from.join("nginx.conf"), folder.join("nginx.conf"))?;
    let gateways = fs::read_to_string(from.join("gateways.conf"))?;
    let site = fs::read_to_string(from.join("site.conf"))?;
    let [one, two] = places.map(|place| format!("127.0.0.1:{} ", place.port));
    let mut gateways = replaced(&gateways, "127.0.0.1:8080 ", &one)?;
    gateways = replaced(&gateways, "127.0.0.1:8082 ", &two)?;
    gateways += &temporary(folder);
    let site = replaced(&site, "127.0.0.1:8000", &format!("127.0.0.1:{port}"))?;
    let site = replaced(&site, "/var/log/nginx/access.log", "/dev/stdout")?;
    fs::write(folder.join("gateways.conf"), gateways)?;
    fs::write(folder.join("site.conf"), site)?;
    let folder = folder.display();
    let own = format!("daemon off; master_process off; pid {folder}/nginx.pid;");
    command.args(["-e", "stderr", "-p", &folder.to_string(), "-g", &own]);
    command.args(["-c", &format!("{folder}/nginx.conf")]);
    Ok(())
}

/// Returns settings that put nginx's temporary files into this folder, which every user may write.
pub(crate) fn temporary(folder: &Path) -> String {
    ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|kind| format!("{kind}_temp_path {}/{kind};\n", folder.display()))
        .concat()
}

/// Replaces `old` in `text`. Fails if it does not occur.
pub(crate) fn replaced(text: &str, old: &str, new: &str) -> Result<String> {
    text.contains(old).then(|| text.replace(old, new)).with_context(|| format!("no {old:?}"))
}
