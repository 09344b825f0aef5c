//! Several gateways on one CQL store and one Redis.

use std::{convert::identity, fs, path::Path};

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;

use crate::{
    cassandra::Cassandra,
    gateway::{Gateway, Settings},
    redis::Redis,
};

/// The signing secret of all gateways: 32 bytes as base64url.
const SECRET: &str = "dGhlIHNlY3JldCBvZiBhbGwgZ2F0ZXdheXMgaW4gdGVzdHM";

/// A cluster whose processes are killed on drop.
#[derive(Debug)]
pub struct Cluster {
    /// The gateways.
    pub gateways: Vec<Gateway>,
    /// The store.
    pub cassandra: Cassandra,
    /// The bus.
    pub redis: Redis,
    /// Contains the secret.
    _folder: TempDir,
}

impl Cluster {
    /// Starts gateways on one store node, or returns `None` if a server may be missing and is.
    pub async fn on_one_node(gateways: usize) -> Result<Option<Self>> {
        Self::on_one_node_with(gateways, identity).await
    }

    /// The same, with further settings of the gateways.
    pub async fn on_one_node_with(
        gateways: usize,
        settings: impl FnOnce(Settings) -> Settings,
    ) -> Result<Option<Self>> {
        let Some(cassandra) = Cassandra::one().await? else { return Ok(None) };
        Self::on(cassandra, gateways, settings).await
    }

    /// Starts gateways on three store nodes with three replicas.
    pub async fn on_three_nodes(gateways: usize) -> Result<Option<Self>> {
        let Some(cassandra) = Cassandra::three().await? else { return Ok(None) };
        Self::on(cassandra, gateways, identity).await
    }

    /// Starts gateways on one store node that may use the whole machine, for measurements.
    pub async fn to_measure(gateways: usize) -> Result<Option<Self>> {
        let Some(cassandra) = Cassandra::to_measure().await? else { return Ok(None) };
        Self::on(cassandra, gateways, identity).await
    }

    async fn on(
        cassandra: Cassandra,
        size: usize,
        change: impl FnOnce(Settings) -> Settings,
    ) -> Result<Option<Self>> {
        let Some(redis) = Redis::start().await? else { return Ok(None) };
        let folder = TempDir::with_prefix("confab-cluster-")?;
        let settings = change(settings(&cassandra, &redis.url(), folder.path())?);
        migrate(&settings).await?;
        let mut gateways = Vec::new();
        for _ in 0..size {
            gateways.push(Gateway::with(settings.clone()).await?);
        }
        Ok(Some(Self { gateways, cassandra, redis, _folder: folder }))
    }

    /// Returns the address of each gateway.
    pub fn urls(&self) -> Vec<String> {
        self.gateways.iter().map(|gateway| gateway.url().to_owned()).collect()
    }
}

/// Returns the settings of a gateway of a cluster. The secret is written to the folder.
pub fn settings(cassandra: &Cassandra, redis: &str, folder: &Path) -> Result<Settings> {
    let secret = folder.join("auth.key");
    fs::write(&secret, SECRET)?;
    Ok(Settings::new()
        .set("STORE", "scylla")
        .set("SCYLLA__NODES", &cassandra.nodes())
        .set("SCYLLA__REPLICATION", &cassandra.replication().to_string())
        .set("REDIS__URLS", redis)
        .set("ATTACHMENTS__FOLDER", folder.join("files").to_str().context("a folder")?)
        .set("AUTH__SECRET_FILE", secret.to_str().context("a folder without a name")?))
}

/// Creates the schema of the store of these settings.
pub async fn migrate(settings: &Settings) -> Result<()> {
    let (status, _log) = Gateway::run(settings, &["migrate"]).await?;
    ensure!(status.success(), "confab migrate: {status}");
    Ok(())
}
