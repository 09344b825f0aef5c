//! Apache Cassandra as a real CQL server: one node, or three with three replicas.
//!
//! Maven downloads the jars into the cache once. Node `i` listens on `127.0.0.<i>`, and all nodes of a
//! ring use the same free ports, so that several rings fit on one machine.

mod settings;

use std::{
    fs,
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use anyhow::{Context, Result};
use tempfile::TempDir;
use tokio::net::TcpStream;

use self::settings::{Ports, Size, add_tls, java_arguments};
use crate::{
    certificates::Authority,
    maven,
    patience::{LATER, SOON, eventually},
    process::Process,
    servers::{free_port, program},
};

/// A node answers CQL well before this, even on a busy machine.
const START_MAX: Duration = Duration::from_secs(180);
/// The proxy of node `i` is at `127.0.0.<10 + i>`.
const PROXIES: u8 = 10;
/// The last line that a node logs when it starts.
const READY: &str = "Starting listening for CQL clients";

/// A running ring, killed on drop.
#[derive(Debug)]
pub struct Cassandra {
    // Dropped before its folder.
    nodes: Vec<Process>,
    folder: TempDir,
    java: PathBuf,
    jars: PathBuf,
    ports: Ports,
    size: Size,
}

impl Cassandra {
    /// Starts one node, or returns `None` if Java or Maven may be missing and are.
    pub async fn one() -> Result<Option<Self>> {
        Self::ring(1, Size::Small, None, 0).await
    }

    /// Starts one node or three that clients use at the addresses of proxies, which do not run yet.
    pub async fn behind_proxies(nodes: u8) -> Result<Option<Self>> {
        Self::ring(nodes, Size::Small, None, PROXIES).await
    }

    /// Starts one node that accepts only TLS, and only clients with a certificate of this authority.
    pub async fn one_with_tls(authority: &Authority) -> Result<Option<Self>> {
        Self::ring(1, Size::Small, Some(authority), 0).await
    }

    /// Starts one node that may use the whole machine, for measurements.
    pub async fn to_measure() -> Result<Option<Self>> {
        Self::ring(1, Size::Full, None, 0).await
    }

    /// Starts three nodes.
    pub async fn three() -> Result<Option<Self>> {
        Self::ring(3, Size::Small, None, 0).await
    }

    async fn ring(
        nodes: u8,
        size: Size,
        tls: Option<&Authority>,
        proxies: u8,
    ) -> Result<Option<Self>> {
        let Some(java) = program("java", "openjdk-17-jre-headless")? else { return Ok(None) };
        let Some(jars) = jars().await? else { return Ok(None) };
        let folder = TempDir::with_prefix("confab-cassandra-")?;
        let jmx = (0..nodes).map(|_| free_port()).collect::<Result<_>>()?;
        let ports = Ports { cql: free_port()?, storage: free_port()?, jmx, proxies };
        let mut ring = Self { nodes: Vec::new(), folder, java, jars, ports, size };
        for node in 1..=nodes {
            ring.ports.write_settings(&ring.folder(node), node, size)?;
            if let Some(authority) = tls {
                add_tls(&ring.folder(node), authority, &format!("127.0.0.{node}"))?;
            }
            let process = ring.launch(node).await?;
            ring.nodes.push(process);
        }
        ring.meet().await?;
        Ok(Some(ring))
    }

    /// Waits until every node knows every other one. Before that, three replicas are refused.
    async fn meet(&mut self) -> Result<()> {
        let storage = self.ports.storage;
        let size = self.nodes.len();
        for (at, node) in self.nodes.iter_mut().enumerate() {
            for other in (0..size).filter(|other| *other != at) {
                node.line(&format!("127.0.0.{}:{storage} is now UP", other + 1), LATER).await?;
            }
        }
        Ok(())
    }

    /// Returns the value of `CONFAB__SCYLLA__NODES`: `127.0.0.1:9042,127.0.0.2:9042`.
    pub fn nodes(&self) -> String {
        let first = usize::from(self.ports.proxies) + 1;
        let address = |host| format!("127.0.0.{host}:{}", self.ports.cql);
        (first..first + self.nodes.len()).map(address).collect::<Vec<_>>().join(",")
    }

    /// Returns the addresses on which the nodes listen, each with the one that clients use.
    pub fn addresses(&self) -> Vec<(SocketAddr, String)> {
        let node = |(host, used): (u8, &str)| {
            ((Ipv4Addr::new(127, 0, 0, host), self.ports.cql).into(), used.to_owned())
        };
        (1..).zip(self.nodes().split(',')).map(node).collect()
    }

    /// Returns the value of `CONFAB__SCYLLA__REPLICATION`.
    pub const fn replication(&self) -> usize {
        self.nodes.len()
    }

    /// Returns node 1, 2 or 3, to pause, resume or kill it.
    pub fn node(&mut self, node: u8) -> Result<&mut Process> {
        let index = usize::from(node).checked_sub(1).context("nodes are numbered from 1")?;
        self.nodes.get_mut(index).with_context(|| format!("no node {node}"))
    }

    /// Kills a node if it still runs, and starts it again on its data.
    pub async fn restart(&mut self, node: u8) -> Result<()> {
        self.node(node)?.kill()?;
        *self.node(node)? = self.launch(node).await?;
        Ok(())
    }

    /// Returns the bytes of a table's files on a node.
    pub fn stored_bytes(&self, node: u8, keyspace: &str, table: &str) -> Result<u64> {
        let tables = fs::read_dir(self.folder(node).join("data").join(keyspace))?;
        let begin = format!("{table}-");
        let mut bytes = 0;
        for folder in tables.collect::<Result<Vec<_>, _>>()? {
            if folder.file_name().to_string_lossy().starts_with(&begin) {
                bytes += bytes_of(&folder.path())?;
            }
        }
        Ok(bytes)
    }

    fn folder(&self, node: u8) -> PathBuf {
        self.folder.path().join(format!("node{node}"))
    }

    async fn launch(&self, node: u8) -> Result<Process> {
        let mut command = Command::new(&self.java);
        let jmx = self.ports.jmx[usize::from(node) - 1];
        let ring = self.ports.jmx.len();
        let folder = self.folder(node);
        let arguments = java_arguments(&folder, &self.jars, (jmx, ring), self.size);
        command.current_dir(&folder).args(arguments);
        let mut process = Process::start(&format!("cassandra {node}"), &mut command)?;
        process.line(READY, START_MAX).await?;
        // The line comes just before the node listens.
        let address = format!("127.0.0.{node}:{}", self.ports.cql);
        eventually(SOON, async || Ok(TcpStream::connect(&address).await.map(drop)?)).await?;
        Ok(process)
    }
}

/// Returns the bytes of the files in a folder.
fn bytes_of(folder: &Path) -> Result<u64> {
    let files = fs::read_dir(folder)?.collect::<Result<Vec<_>, _>>()?;
    let sizes = files.iter().map(|file| {
        let found = file.metadata()?;
        Ok(if found.is_file() { found.len() } else { 0 })
    });
    sizes.sum()
}

/// Returns the folder of the jars, and downloads them the first time.
async fn jars() -> Result<Option<PathBuf>> {
    let pom = concat!(env!("CARGO_MANIFEST_DIR"), "/cassandra/pom.xml");
    maven::jars(Path::new(pom), "cassandra/5.0.8").await
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    /// Sends OPTIONS of protocol version 4 and expects SUPPORTED.
    async fn answers(address: &str) -> Result<()> {
        let mut stream = TcpStream::connect(address).await?;
        stream.write_all(&[4, 0, 0, 0, 5, 0, 0, 0, 0]).await?;
        let mut head = [0; 9];
        stream.read_exact(&mut head).await?;
        assert_eq!((head[0], head[4]), (0x84, 6));
        Ok(())
    }

    #[tokio::test]
    #[ignore = "takes half a minute; run it after changing this file"]
    async fn two_nodes_answer_when_the_third_is_paused() -> Result<()> {
        let Some(mut ring) = Cassandra::three().await? else { return Ok(()) };
        ring.node(2)?.pause()?;
        let nodes = ring.nodes();
        for address in nodes.split(',').filter(|address| !address.starts_with("127.0.0.2")) {
            answers(address).await?;
        }
        ring.node(2)?.resume()?;
        for address in nodes.split(',') {
            answers(address).await?;
        }
        Ok(())
    }

    #[tokio::test]
    async fn node_answers_cql_when_restarted_after_a_kill() -> Result<()> {
        let Some(mut ring) = Cassandra::one().await? else { return Ok(()) };
        ring.node(1)?.kill()?;
        ring.restart(1).await?;
        answers(&ring.nodes()).await
    }
}
