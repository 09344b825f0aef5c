//! A primary that answers but refuses writes is treated like one that is gone.

use std::{fs, slice, time::Duration};

use chat_core::{
    id::UserId,
    port::{Bucket, Channel},
    time::Timestamp,
};
use presence::Term;

use super::{eventually, fresh, gateways::Gateways, server::Server};

const NOTICED_WITHIN: Duration = Duration::from_secs(3);
const BUCKET: Bucket = Bucket { per_second: 0.01, burst: 8 };
/// The tokens of [`BUCKET`] that one gateway grants by itself.
const LOCAL_BURST: usize = 2;

/// One primary and a gateway.
struct Fixture {
    server: Server,
    gateways: Gateways,
}

impl Fixture {
    async fn open() -> Option<Self> {
        let server = Server::start().await?;
        let gateways = Gateways::connect(slice::from_ref(&server), 1).await;
        let fixture = Self { server, gateways };
        fixture.expect_up().await;
        Some(fixture)
    }

    async fn run(&self, command: &str) {
        self.server.run::<()>(&command.split(' ').collect::<Vec<_>>()).await;
    }

    /// Returns how many of 20 tries at a new bucket are granted.
    async fn grants(&self) -> usize {
        let limiter = self.gateways.all[0].limiter_within(Duration::from_secs(5));
        let key = fresh::<UserId>().to_string();
        let mut granted = 0;
        for _ in 0..20 {
            granted += usize::from(limiter.take(&key, BUCKET, 1).await.is_granted());
        }
        granted
    }

    async fn is_presence_known(&self) -> bool {
        self.gateways.all[0].leases().of_users(&[fresh()]).await[0].is_some()
    }

    fn primaries_down(&self) -> f64 {
        self.gateways.metrics[0].gauge("confab_redis_primaries_down")
    }

    async fn expect_down(&self) {
        let bus = self.gateways.all[0].bus();
        eventually("the primary is down", NOTICED_WITHIN, async || !bus.is_up()).await;
        assert!((self.primaries_down() - 1.0).abs() < 0.1);
        assert!(!bus.is_current());
        assert_eq!(self.grants().await, LOCAL_BURST);
        assert!(!self.is_presence_known().await);
    }

    async fn expect_up(&self) {
        let bus = self.gateways.all[0].bus();
        eventually("the primary is up", NOTICED_WITHIN, async || bus.is_up()).await;
        assert!(self.primaries_down().abs() < 0.1);
        assert_eq!(self.grants().await, 8);
        assert!(self.is_presence_known().await);
    }
}

#[tokio::test]
async fn primary_is_down_while_it_is_a_replica() {
    let Some(fixture) = Fixture::open().await else { return };
    fixture.run("REPLICAOF 127.0.0.1 1").await;
    fixture.expect_down().await;
    fixture.run("REPLICAOF NO ONE").await;
    fixture.expect_up().await;
}

#[tokio::test]
async fn primary_is_down_while_it_is_out_of_memory() {
    let Some(fixture) = Fixture::open().await else { return };
    fixture.run("CONFIG SET maxmemory 1").await;
    fixture.expect_down().await;
    fixture.run("CONFIG SET maxmemory 0").await;
    fixture.expect_up().await;
}

#[tokio::test]
async fn primary_is_down_while_it_cannot_save() {
    let Some(fixture) = Fixture::open().await else { return };
    // Saves fail without a folder.
    fs::remove_dir_all(fixture.server.folder()).unwrap();
    fixture.server.run::<()>(&["CONFIG", "SET", "save", "3600 1"]).await;
    fixture.run("BGSAVE").await;
    fixture.expect_down().await;
    fixture.run("CONFIG SET stop-writes-on-bgsave-error no").await;
    fixture.expect_up().await;
}

#[tokio::test]
async fn primary_is_down_while_it_permits_no_writes() {
    let Some(fixture) = Fixture::open().await else { return };
    fixture.run("ACL SETUSER default -@write").await;
    fixture.expect_down().await;
    fixture.run("ACL SETUSER default +@write").await;
    fixture.expect_up().await;
}

#[tokio::test]
async fn replica_does_not_come_up_at_the_start() {
    let Some(server) = Server::start().await else { return };
    server.run::<()>(&["REPLICAOF", "127.0.0.1", "1"]).await;
    let gateways = Gateways::connect(slice::from_ref(&server), 1).await;
    let fixture = Fixture { server, gateways };
    fixture.expect_down().await;
    fixture.run("REPLICAOF NO ONE").await;
    fixture.expect_up().await;
}

#[tokio::test]
async fn documented_permissions_are_enough() {
    let Some(server) = Server::start().await else { return };
    let page = include_str!("../../../docs/operations.md");
    let documented = page.split('`').find(|text| text.starts_with("ACL SETUSER confab")).unwrap();
    server.run::<()>(&documented.split(' ').collect::<Vec<_>>()).await;
    let mut gateways = Gateways::connect(&[], 0).await;
    gateways.add(vec![format!("redis://confab:password@127.0.0.1:{}", server.port())]).await;
    let leases = gateways.all[0].leases();
    leases.renew(fresh(), Timestamp::from_millis(1), Term::First).await.unwrap();
    gateways.all[0].bus().subscribe(&[Channel::User(fresh())]).await.unwrap();
    let fixture = Fixture { server, gateways };
    fixture.expect_up().await;
}
