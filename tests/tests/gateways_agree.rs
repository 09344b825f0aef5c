//! Several gateways on one store keep the promises of one: repeats on any of them at the same
//! moment make one entry, and cursors go on anywhere, while Redis and a gateway are killed.

use tests::{
    Result,
    chance::Chance,
    cluster::Cluster,
    crowd,
    patience::{WHOLE, within},
};

async fn strike(cluster: &mut Cluster, count: usize) -> Result<()> {
    match count {
        1 => cluster.redis.process().kill(),
        2 => cluster.gateways[1].kill(),
        3 => cluster.redis.restart().await,
        4 => cluster.gateways[1].restart().await,
        _ => Ok(()),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn gateways_agree_while_redis_and_a_gateway_are_killed() -> Result<()> {
    let Some(cluster) = Cluster::on_one_node(3).await? else { return Ok(()) };
    let chance = Chance::from_environment(0x5eed);
    within(WHOLE, "the whole scenario", Box::pin(crowd::gather(cluster, chance, strike))).await?
}
