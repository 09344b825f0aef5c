//! A few schedules of random faults on real processes. `cargo xtask campaign` runs hundreds.

use tests::{
    Context, Result,
    campaign::{Plan, Servers, run},
    ensure,
};

/// Faults of one gateway with its clients: each is made once.
const EMBEDDED_FAULTS: usize = 10;

const fn plan_of(servers: Servers, faults: usize) -> Plan {
    Plan { servers, schedules: 1, seed: 1, faults, only: None, texts: 1_000 }
}

async fn nothing_is_lost(plan: Plan) -> Result<()> {
    let mut lines = String::new();
    let Some(report) = run(plan, |line| lines += line).await? else { return Ok(()) };
    ensure!(report.findings.is_empty(), "{}\n{:?}", report.table(), report.findings);
    let noticed = report.faults.values().filter(|count| count.noticed > 0).count();
    ensure!(noticed > plan.faults / 2, "most faults were noticed by nobody:\n{}", report.table());
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn promises_are_kept_when_an_embedded_gateway_has_random_faults() -> Result<()> {
    nothing_is_lost(plan_of(Servers::Embedded, EMBEDDED_FAULTS)).await.context("embedded")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn promises_are_kept_when_a_cluster_has_random_faults() -> Result<()> {
    nothing_is_lost(plan_of(Servers::Cluster, 8)).await.context("cluster")
}
