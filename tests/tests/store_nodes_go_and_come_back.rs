//! With three replicas, any one node of the store may be away: nothing is lost, doubled or held up
//! for long.

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
async fn any_one_node_of_the_store_may_be_away() -> Result<()> {
    let Some(cluster) = Cluster::on_three_nodes(2).await? else { return Ok(()) };
    let chance = Chance::from_environment(0x0dd5);
    within(WHOLE, "the whole scenario", Box::pin(crowd::gather(cluster, chance, strike))).await?
}
