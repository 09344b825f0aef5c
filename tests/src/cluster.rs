//! Several gateways on one CQL store and one Redis.

use std::fs;

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;

use crate::{
    cassandra::Cassandra,
    gateway::{Gateway, Settings},
    redis::Redis,
};

/// Some 32 bytes for all gateways to sign with, as base64url.
const SECRET: &str = "dGhlIHNlY3JldCBvZiBhbGwgZ2F0ZXdheXMgaW4gdGVzdHM";

/// A cluster; everything of it ends when this is dropped.
#[derive(Debug)]
pub struct Cluster {
    /// The gateways.
    pub gateways: Vec<Gateway>,
    /// The store.
    pub cassandra: Cassandra,
    /// The bus.
    pub redis: Redis,
    /// Holds the secret.
    _folder: TempDir,
}

impl Cluster {
    /// So many gateways on a ring of one node; none where a server is missing and may be.
    pub async fn on_one_node(gateways: usize) -> Result<Option<Self>> {
        let Some(cassandra) = Cassandra::one().await? else { return Ok(None) };
        Self::on(cassandra, gateways).await
    }

    /// So many gateways on a ring of three nodes with three replicas.
    pub async fn on_three_nodes(gateways: usize) -> Result<Option<Self>> {
        let Some(cassandra) = Cassandra::three().await? else { return Ok(None) };
        Self::on(cassandra, gateways).await
    }

    async fn on(cassandra: Cassandra, size: usize) -> Result<Option<Self>> {
        let Some(redis) = Redis::start().await? else { return Ok(None) };
        let folder = TempDir::with_prefix("confab-cluster-")?;
        let secret = folder.path().join("auth.key");
        fs::write(&secret, SECRET)?;
        let settings = Settings::new()
            .set("STORE", "scylla")
            .set("SCYLLA__NODES", &cassandra.nodes())
            .set("SCYLLA__REPLICATION", &cassandra.replication().to_string())
            .set("REDIS__URLS", &redis.url())
            .set("AUTH__SECRET_FILE", secret.to_str().context("a folder without a name")?);
        let (status, _log) = Gateway::run(&settings, &["migrate"]).await?;
        ensure!(status.success(), "confab migrate: {status}");
        let mut gateways = Vec::new();
        for _ in 0..size {
            gateways.push(Gateway::with(settings.clone()).await?);
        }
        Ok(Some(Self { gateways, cassandra, redis, _folder: folder }))
    }

    /// Where each gateway serves.
    pub fn urls(&self) -> Vec<String> {
        self.gateways.iter().map(|gateway| gateway.url().to_owned()).collect()
    }
}
