//! With three replicas, the store works without any one node: nothing is lost or written twice.

use tests::{
    Result,
    chance::Chance,
    cluster::Cluster,
    crowd,
    patience::{WHOLE, within},
};

async fn strike(cluster: &mut Cluster, count: usize) -> Result<()> {
    match count {
        1 => cluster.cassandra.node(2)?.pause(),
        2 => cluster.cassandra.node(2)?.resume(),
        3 => cluster.cassandra.node(3)?.kill(),
        4 => cluster.cassandra.restart(3).await,
        5 => cluster.cassandra.node(1)?.pause(),
        _ => cluster.cassandra.node(1)?.resume(),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn gateways_agree_when_any_one_store_node_is_away() -> Result<()> {
    let Some(cluster) = Cluster::on_three_nodes(2).await? else { return Ok(()) };
    let chance = Chance::from_environment(0x0dd5);
    within(WHOLE, "the whole scenario", Box::pin(crowd::gather(cluster, chance, strike))).await?
}
