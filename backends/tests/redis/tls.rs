//! Redis over TLS: which servers are accepted, and that everything works over it.

use std::{path::PathBuf, sync::Arc, time::Duration};

use backends::{
    redis::{Redis, RedisConfig, RedisConfigError},
    tls::{ClientIdentity, TlsFiles},
};
use bytes::Bytes;
use chat_core::{
    model::Identity,
    port::{Arrival, Bucket, Bus, Channel},
    time::Timestamp,
};
use presence::{Activity, Publication, Term};
use tokio::time::timeout;
use tokio_util::{
    sync::{CancellationToken, DropGuard},
    task::TaskTracker,
};

use super::{
    certificates::{Authority, CertificateFiles},
    eventually, fresh,
    server::Server,
};

const WITHIN: Duration = Duration::from_secs(10);

/// A gateway that connects to one server with TLS. It ends on drop.
struct TlsGateway {
    redis: Redis,
    _end: DropGuard,
}

impl TlsGateway {
    async fn connect(server: &Server, ca: PathBuf, identity: Option<CertificateFiles>) -> Self {
        let identity = identity
            .map(|CertificateFiles { certificate, key }| ClientIdentity { certificate, key });
        let config =
            RedisConfig { urls: vec![server.tls_url()], tls: TlsFiles { ca: Some(ca), identity } };
        let stop = CancellationToken::new();
        let redis = Redis::connect(&config, &TaskTracker::new(), stop.clone()).await.unwrap();
        Self { redis, _end: stop.drop_guard() }
    }

    fn bus(&self) -> Arc<dyn Bus> {
        self.redis.bus()
    }
}

#[tokio::test]
async fn bus_limiter_and_leases_work_over_tls() {
    let authority = Authority::new();
    let Some(server) = Server::start_with_tls(&authority, "127.0.0.1", false).await else { return };
    let one = TlsGateway::connect(&server, authority.ca(), None).await;
    let two = TlsGateway::connect(&server, authority.ca(), None).await;
    let (publisher, bus) = (one.bus(), two.bus());
    assert!(publisher.is_up() && bus.is_up());

    let channel = Channel::User(fresh());
    let mut arrivals = bus.arrivals().unwrap();
    bus.subscribe(&[channel]).await.unwrap();
    // Larger than a record of TLS.
    let payload = Bytes::from(vec![b'x'; 40_000]);
    publisher.publish(channel, payload.clone());
    let hint = Arrival::Hint { channel, payload };
    let arrived = async { while arrivals.recv().await.unwrap() != hint {} };
    timeout(WITHIN, arrived).await.expect("the hint arrives");

    let bucket = Bucket { per_second: 0.01, burst: 2 };
    for (gateway, is_granted) in [(&one, true), (&two, true), (&one, false), (&two, false)] {
        let limiter = gateway.redis.limiter_within(WITHIN);
        assert_eq!(limiter.take("key", bucket, 1).await.is_granted(), is_granted);
    }

    let (gateway, device) = (fresh(), Identity { user: fresh(), login: fresh() });
    let since = Timestamp::from_millis(1);
    let leases = one.redis.leases();
    leases.renew(gateway, since, Term::First).await.unwrap();
    let online = Publication { device, activity: Activity::Online, since };
    leases.join(gateway, &[online]).await.unwrap();
    let reading = two.redis.leases().of_users(&[device.user]).await.remove(0).unwrap();
    assert_eq!(reading.devices.len(), 1);
}

#[tokio::test]
async fn server_of_another_authority_or_host_is_refused() {
    let authority = Authority::new();
    let Some(server) = Server::start_with_tls(&authority, "127.0.0.1", false).await else { return };
    let Some(misnamed) = Server::start_with_tls(&authority, "localhost", false).await else {
        return;
    };
    // Both are refused before they are up, for which `connect` has waited.
    let other = Authority::new();
    let wrong_ca = TlsGateway::connect(&server, other.ca(), None).await;
    assert!(!wrong_ca.bus().is_up());
    let wrong_name = TlsGateway::connect(&misnamed, authority.ca(), None).await;
    assert!(!wrong_name.bus().is_up());
    let right = TlsGateway::connect(&server, authority.ca(), None).await;
    assert!(right.bus().is_up());
}

#[tokio::test]
async fn certificate_of_the_gateway_is_sent_when_the_server_demands_one() {
    let authority = Authority::new();
    let Some(server) = Server::start_with_tls(&authority, "127.0.0.1", true).await else { return };
    let without = TlsGateway::connect(&server, authority.ca(), None).await;
    assert!(!without.bus().is_up());
    let other = Authority::new();
    let foreign = Some(other.sign("gateway"));
    let stranger = TlsGateway::connect(&server, authority.ca(), foreign).await;
    assert!(!stranger.bus().is_up());
    let known = TlsGateway::connect(&server, authority.ca(), Some(authority.sign("gateway"))).await;
    assert!(known.bus().is_up());
}

#[tokio::test]
async fn gateway_reconnects_with_tls_when_the_server_restarts() {
    let authority = Authority::new();
    let Some(mut server) = Server::start_with_tls(&authority, "127.0.0.1", true).await else {
        return;
    };
    let gateway =
        TlsGateway::connect(&server, authority.ca(), Some(authority.sign("gateway"))).await;
    let bus = gateway.bus();
    assert!(bus.is_up());
    server.kill();
    eventually("the primary is down", WITHIN, async || !bus.is_up()).await;
    server.restart().await;
    eventually("the primary is up", WITHIN, async || bus.is_up()).await;
}

#[tokio::test]
async fn connect_fails_when_a_file_is_missing() {
    let config = RedisConfig {
        urls: vec!["rediss://127.0.0.1:1".to_owned()],
        tls: TlsFiles { ca: Some(PathBuf::from("/nowhere/ca.pem")), identity: None },
    };
    let connected = Redis::connect(&config, &TaskTracker::new(), CancellationToken::new()).await;
    let Err(RedisConfigError::Tls(error)) = connected else { panic!("connected") };
    assert!(error.to_string().starts_with("/nowhere/ca.pem: "), "{error}");
}
