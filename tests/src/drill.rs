//! A drill: a fleet under a steady load while its servers are killed, paused and restarted, with
//! figures of each phase. The recorded answers are checked at the end.
//!
//! [`crate::people`] has the senders and followers, [`crate::figures`] what they measure, and this file
//! the faults.

use std::{sync::Arc, time::Duration};

use anyhow::Result;
use tokio::{
    sync::watch,
    time::{Instant, sleep},
};

use crate::{
    chance::Chance,
    checker,
    cluster::Cluster,
    figures::Figures,
    people::{Load, People},
};

/// The time without faults, at the start and between two faults.
const QUIET: Duration = Duration::from_secs(10);

/// A fleet under load.
#[derive(Debug)]
struct Drill {
    cluster: Cluster,
    places: watch::Sender<Vec<String>>,
    people: People,
    figures: Arc<Figures>,
}

/// The result of a drill.
#[derive(Debug)]
pub struct Report {
    /// The figures of each phase, as a table.
    pub table: String,
    /// How much was checked.
    pub checked: String,
    /// The violations.
    pub findings: Vec<String>,
}

/// Runs three gateways on one store node. Kills a gateway, restarts all in turn, kills and pauses
/// Redis, and pauses the store.
pub async fn servers(rate: u32) -> Result<Option<Report>> {
    let Some(cluster) = Cluster::on_one_node(3).await? else { return Ok(None) };
    let mut drill = Drill::begin(cluster, rate).await?;
    drill.quiet().await;
    drill.kill_a_gateway().await?;
    drill.quiet().await;
    drill.roll().await?;
    drill.quiet().await;
    drill.kill_redis().await?;
    drill.quiet().await;
    drill.pause_redis().await?;
    drill.quiet().await;
    drill.pause_the_store().await?;
    drill.quiet().await;
    drill.end().await.map(Some)
}

/// Runs three gateways on three store nodes. Kills one node, then two.
pub async fn store_nodes(rate: u32) -> Result<Option<Report>> {
    let Some(cluster) = Cluster::on_three_nodes(3).await? else { return Ok(None) };
    let mut drill = Drill::begin(cluster, rate).await?;
    drill.quiet().await;
    drill.kill_nodes(&[2]).await?;
    drill.kill_nodes(&[2, 3]).await?;
    drill.quiet().await;
    drill.end().await.map(Some)
}

impl Drill {
    async fn begin(cluster: Cluster, rate: u32) -> Result<Self> {
        let (places, urls) = watch::channel(cluster.urls());
        let figures = Arc::new(Figures::default());
        let load = Load {
            name: String::new(),
            senders: 24,
            followers: 4,
            conversations: 8,
            rate,
            stay: Duration::from_secs(8),
        };
        let chance = Chance::from_environment(0xd41);
        let people = People::gather(&load, chance, urls, &figures).await?;
        Ok(Self { cluster, places, people, figures })
    }

    /// Stops senders and followers and checks what they have recorded.
    async fn end(self) -> Result<Report> {
        let Self { cluster, people, figures, .. } = self;
        figures.begin("after the last phase");
        let history = people.disperse(&cluster.urls()).await?;
        let findings = checker::check(&history).iter().map(ToString::to_string).collect();
        Ok(Report { table: figures.table(), checked: checker::summary(&history), findings })
    }

    async fn phase(&self, name: &str, length: Duration) {
        self.figures.begin(name);
        sleep(length).await;
    }

    async fn quiet(&self) {
        self.phase("no fault", QUIET).await;
    }

    async fn kill_a_gateway(&mut self) -> Result<()> {
        self.figures.begin("a gateway killed");
        self.cluster.gateways[1].kill()?;
        sleep(Duration::from_secs(5)).await;
        self.restart(1).await
    }

    async fn roll(&mut self) -> Result<()> {
        self.figures.begin("all gateways rolled");
        for at in 0..self.cluster.gateways.len() {
            self.cluster.gateways[at].drain().await?;
            self.restart(at).await?;
            sleep(Duration::from_secs(2)).await;
        }
        Ok(())
    }

    async fn restart(&mut self, at: usize) -> Result<()> {
        self.cluster.gateways[at].restart().await?;
        self.places.send_replace(self.cluster.urls());
        Ok(())
    }

    async fn kill_redis(&mut self) -> Result<()> {
        self.cluster.redis.process().kill()?;
        self.phase("Redis killed", Duration::from_secs(10)).await;
        self.cluster.redis.restart().await
    }

    async fn pause_redis(&mut self) -> Result<()> {
        self.cluster.redis.process().pause()?;
        self.phase("Redis paused", Duration::from_secs(5)).await;
        self.cluster.redis.process().resume()
    }

    async fn pause_the_store(&mut self) -> Result<()> {
        self.cluster.cassandra.node(1)?.pause()?;
        self.phase("store paused", Duration::from_secs(5)).await;
        self.cluster.cassandra.node(1)?.resume()
    }

    /// Kills these nodes and restarts them, in two phases.
    async fn kill_nodes(&mut self, nodes: &[u8]) -> Result<()> {
        let count = nodes.len();
        self.figures.begin(&format!("{count} of 3 nodes killed"));
        for node in nodes {
            self.cluster.cassandra.node(*node)?.kill()?;
        }
        sleep(Duration::from_secs(15)).await;
        self.figures.begin(&format!("{count} of 3 nodes started"));
        let begun = Instant::now();
        for node in nodes {
            self.cluster.cassandra.restart(*node).await?;
        }
        self.figures
            .note(&format!("{count} answered after {:.1} s", begun.elapsed().as_secs_f32()));
        self.phase(&format!("{count} of 3 nodes back"), 3 * QUIET).await;
        Ok(())
    }
}
