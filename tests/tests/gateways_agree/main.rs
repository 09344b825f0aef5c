//! Several gateways on one CQL store keep the promises of one gateway.

mod busy;
mod same_moment;

use tests::{
    Context, Result,
    chance::Chance,
    cluster::Cluster,
    crowd,
    patience::{WHOLE, within},
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_sends_are_written_once_on_one_and_three_gateways() -> Result<()> {
    let Some(cluster) = Cluster::on_one_node(3).await? else { return Ok(()) };
    let urls = cluster.urls();
    let scenarios = async {
        busy::sends_are_written_once(&urls[..1], "busy on one").await.context("on one gateway")?;
        busy::sends_are_written_once(&urls, "busy on three").await.context("on three gateways")?;
        same_moment::repeats_make_one_entry(&urls).await.context("the same send on three gateways")
    };
    within(WHOLE, "all scenarios", Box::pin(scenarios)).await?
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn gateways_agree_when_redis_and_a_gateway_are_killed() -> Result<()> {
    let Some(cluster) = Cluster::on_one_node(3).await? else { return Ok(()) };
    let chance = Chance::from_environment(0x5eed);
    within(WHOLE, "the whole scenario", Box::pin(crowd::gather(cluster, chance, strike))).await?
}

/// Kills or restarts a server after the given number of writers have finished.
async fn strike(cluster: &mut Cluster, finished: usize) -> Result<()> {
    match finished {
        1 => cluster.redis.process().kill(),
        2 => cluster.gateways[1].kill(),
        3 => cluster.redis.restart().await,
        4 => cluster.gateways[1].restart().await,
        _ => Ok(()),
    }
}
