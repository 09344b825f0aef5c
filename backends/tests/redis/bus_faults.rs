//! The bus while primaries fail.

use std::{slice, sync::Arc, time::Duration};

use bytes::Bytes;
use chat_core::port::{Arrival, Bus, Channel};
use futures_util::FutureExt;
use tokio::{
    sync::mpsc::Receiver,
    time::{Instant, sleep, timeout},
};

use super::{
    eventually, fresh,
    gateways::Gateways,
    proxy::Proxy,
    server::{Server, free_port},
};

/// A primary that goes down or comes up is noticed within this time.
const NOTICED_WITHIN: Duration = Duration::from_secs(3);

/// One primary, a gateway that publishes and one that receives.
struct BusFixture {
    server: Server,
    gateways: Gateways,
    publisher: Arc<dyn Bus>,
    bus: Arc<dyn Bus>,
    arrivals: Receiver<Arrival>,
    channel: Channel,
}

fn conversation() -> Channel {
    Channel::Conversation(fresh())
}

/// Reads arrivals up to the first `Lost`.
async fn expect_lost(arrivals: &mut Receiver<Arrival>, within: Duration) {
    let lost = async { while arrivals.recv().await.expect("a stream") != Arrival::Lost {} };
    timeout(within, lost).await.expect("no `Lost` arrived");
}

async fn expect_hint(arrivals: &mut Receiver<Arrival>, channel: Channel, payload: Bytes) {
    let arrival = timeout(NOTICED_WITHIN, arrivals.recv()).await.expect("no hint arrived");
    assert_eq!(arrival, Some(Arrival::Hint { channel, payload }));
}

impl BusFixture {
    async fn open() -> Option<Self> {
        let server = Server::start().await?;
        let gateways = Gateways::connect(slice::from_ref(&server), 2).await;
        let (publisher, bus) = (gateways.all[0].bus(), gateways.all[1].bus());
        let (mut arrivals, channel) = (bus.arrivals().unwrap(), conversation());
        assert!(publisher.is_up() && bus.is_up());
        expect_lost(&mut arrivals, NOTICED_WITHIN).await;
        bus.subscribe(&[channel]).await.unwrap();
        let mut fixture = Self { server, gateways, publisher, bus, arrivals, channel };
        fixture.expect_delivery(channel).await;
        Some(fixture)
    }

    fn published(&self, metric: &str) -> u64 {
        self.gateways.metrics[0].count(metric)
    }

    fn received(&self, metric: &str) -> u64 {
        self.gateways.metrics[1].count(metric)
    }

    /// Publishes a hint, which must be the next arrival.
    async fn expect_delivery(&mut self, channel: Channel) {
        let payload = Bytes::from(fresh::<chat_core::id::EntryId>().to_string());
        self.publisher.publish(channel, payload.clone());
        expect_hint(&mut self.arrivals, channel, payload).await;
    }

    async fn expect_down(&self) {
        eventually("the primary is down", NOTICED_WITHIN, async || {
            !self.bus.is_up() && !self.publisher.is_up()
        })
        .await;
    }

    async fn expect_up(&self) {
        eventually("the primary is up", NOTICED_WITHIN, async || {
            self.bus.is_up() && self.publisher.is_up()
        })
        .await;
    }

    /// Expects `Lost` after an outage, and delivery on old channels, on new ones, and on one to
    /// which it tried to subscribe during the outage.
    async fn expect_recovery(&mut self, requested: Channel) {
        self.expect_up().await;
        expect_lost(&mut self.arrivals, NOTICED_WITHIN).await;
        while self.arrivals.try_recv().is_ok() {}
        for channel in [self.channel, requested] {
            self.expect_delivery(channel).await;
        }
        let new = conversation();
        self.bus.subscribe(&[new]).await.unwrap();
        self.expect_delivery(new).await;
    }

    /// Expects that subscribing fails at once during an outage, and that dropped hints are counted.
    async fn expect_refusals(&self, requested: Channel) {
        let dropped = self.published("hints_dropped");
        // The subscriber may notice the outage a moment after the publisher.
        eventually("subscribing fails at once", NOTICED_WITHIN, async || {
            self.bus.subscribe(&[requested]).await.unwrap_err().0.ends_with("is down")
        })
        .await;
        timeout(NOTICED_WITHIN, self.bus.unsubscribe(&[conversation()])).await.unwrap();
        (0..100).for_each(|_| self.publisher.publish(self.channel, Bytes::from_static(b"lost")));
        assert_eq!(self.published("hints_dropped"), dropped + 100);
        for metrics in &self.gateways.metrics {
            assert!((metrics.gauge("confab_redis_primaries_down") - 1.0).abs() < 0.1);
        }
    }
}

#[tokio::test]
async fn bus_recovers_when_a_paused_primary_is_resumed() {
    let Some(mut fixture) = BusFixture::open().await else { return };
    let requested = conversation();
    fixture.server.pause();
    fixture.expect_down().await;
    fixture.expect_refusals(requested).await;
    sleep(Duration::from_secs(12)).await;
    assert!(!fixture.bus.is_up());
    fixture.server.resume();
    fixture.expect_recovery(requested).await;
}

#[tokio::test]
async fn bus_recovers_when_a_killed_primary_is_replaced() {
    let Some(mut fixture) = BusFixture::open().await else { return };
    let requested = conversation();
    fixture.server.kill();
    fixture.expect_down().await;
    fixture.expect_refusals(requested).await;
    sleep(Duration::from_secs(8)).await;
    fixture.server.restart().await;
    fixture.expect_recovery(requested).await;
}

#[tokio::test]
async fn bus_subscribes_again_when_a_connection_is_killed() {
    let Some(mut fixture) = BusFixture::open().await else { return };
    let many: Vec<Channel> = (0..2_000).map(|_| conversation()).collect();
    fixture.bus.subscribe(&many).await.unwrap();
    for kind in ["pubsub", "normal"] {
        let killed: u32 = fixture.server.run(&["CLIENT", "KILL", "TYPE", kind]).await;
        assert!(killed >= 2, "{killed} {kind}");
        expect_lost(&mut fixture.arrivals, Duration::from_secs(1)).await;
        fixture.expect_up().await;
        while fixture.arrivals.try_recv().is_ok() {}
        for channel in [fixture.channel, many[0], many[1_999]] {
            fixture.expect_delivery(channel).await;
        }
    }
    assert_eq!(fixture.received("resubscribes"), 2_001);
}

#[tokio::test]
async fn no_hint_is_lost_when_a_primary_loses_its_data() {
    let Some(mut fixture) = BusFixture::open().await else { return };
    for words in [&["FLUSHALL"][..], &["SCRIPT", "FLUSH"]] {
        fixture.server.run::<()>(words).await;
        fixture.expect_delivery(fixture.channel).await;
    }
    sleep(Duration::from_secs(3)).await;
    fixture.expect_delivery(fixture.channel).await;
    assert!(fixture.bus.is_up());
}

#[tokio::test]
async fn garbage_is_dropped_and_counted() {
    let Some(mut fixture) = BusFixture::open().await else { return };
    let Channel::Conversation(id) = fixture.channel else { unreachable!("a conversation") };
    let (name, large) = (format!("c:{id}"), "x".repeat(1 << 20));
    fixture.server.run::<()>(&["PUBLISH", &name, &large]).await;
    let probes: Vec<String> = fixture.server.run(&["PUBSUB", "CHANNELS", "probe:*"]).await;
    assert_eq!(probes.len(), 2);
    for probe in &probes {
        for garbage in ["", "x", "-1", "18446744073709551615", &large] {
            fixture.server.run::<()>(&["PUBLISH", probe, garbage]).await;
        }
    }
    // The bus does not interpret the payload of a hint.
    fixture.server.run::<()>(&["PUBLISH", &name, "\u{0}\r\n+OK\r\n"]).await;
    let payload = Bytes::from_static(b"\0\r\n+OK\r\n");
    expect_hint(&mut fixture.arrivals, fixture.channel, payload).await;
    assert_eq!(fixture.received("hints_garbage"), 6);
    sleep(Duration::from_secs(3)).await;
    fixture.expect_delivery(fixture.channel).await;
    assert!(fixture.bus.is_up());
    assert_eq!(fixture.received("hints_lost"), 1, "once at the start");
}

#[tokio::test]
async fn gateway_starts_while_its_primary_is_down() {
    let port = free_port();
    let url = format!("redis://127.0.0.1:{port}");
    let mut gateways = Gateways::connect(&[], 0).await;
    let started = Instant::now();
    gateways.add(vec![url.clone()]).await;
    assert!(started.elapsed() < Duration::from_secs(3));
    let (bus, channel) = (gateways.all[0].bus(), conversation());
    let mut arrivals = bus.arrivals().unwrap();
    assert!(!bus.is_up());
    bus.subscribe(&[channel]).await.unwrap_err();
    sleep(Duration::from_secs(5)).await;
    let Some(_server) = Server::start_on(port).await else { return };
    eventually("the gateway connects", NOTICED_WITHIN, async || bus.is_up()).await;
    expect_lost(&mut arrivals, NOTICED_WITHIN).await;
    gateways.add(vec![url]).await;
    gateways.all[1].bus().publish(channel, Bytes::new());
    expect_hint(&mut arrivals, channel, Bytes::new()).await;
    timeout(NOTICED_WITHIN, gateways.end()).await.expect("tasks do not end");
}

#[tokio::test]
async fn bus_is_not_current_while_its_primary_is_paused() {
    let Some(mut fixture) = BusFixture::open().await else { return };
    eventually("a probe arrives", NOTICED_WITHIN, async || fixture.bus.is_current()).await;
    fixture.server.pause();
    eventually("the probe expires", NOTICED_WITHIN, async || !fixture.bus.is_current()).await;
    fixture.expect_down().await;
    assert!(!fixture.bus.is_current());
    fixture.server.resume();
    eventually("a probe arrives again", NOTICED_WITHIN, async || fixture.bus.is_current()).await;
    expect_lost(&mut fixture.arrivals, NOTICED_WITHIN).await;
}

/// A gateway that reaches its primary through a proxy.
async fn through_proxy() -> Option<(Server, Proxy, Gateways)> {
    let server = Server::start().await?;
    let proxy = Proxy::start(server.port()).await;
    let mut gateways = Gateways::connect(&[], 0).await;
    gateways.add(vec![proxy.url()]).await;
    Some((server, proxy, gateways))
}

#[tokio::test]
async fn bus_is_up_but_not_current_while_its_primary_is_slow() {
    let Some((_server, proxy, gateways)) = through_proxy().await else { return };
    let bus = gateways.all[0].bus();
    eventually("a probe arrives", NOTICED_WITHIN, async || bus.is_current()).await;
    proxy.delay(Duration::from_millis(300));
    eventually("the probe expires", NOTICED_WITHIN, async || bus.is_up() && !bus.is_current())
        .await;
    proxy.delay(Duration::ZERO);
    eventually("a probe arrives again", NOTICED_WITHIN, async || bus.is_current()).await;
}

#[tokio::test]
async fn bus_goes_down_when_answers_arrive_but_hints_do_not() {
    let Some((_server, proxy, gateways)) = through_proxy().await else { return };
    let (bus, channel) = (gateways.all[0].bus(), conversation());
    let mut arrivals = bus.arrivals().unwrap();
    bus.subscribe(&[channel]).await.unwrap();
    expect_lost(&mut arrivals, NOTICED_WITHIN).await;
    proxy.mute(true);
    eventually("silence is noticed", NOTICED_WITHIN, async || !bus.is_up()).await;
    for _ in 0..200 {
        assert!(!bus.is_up(), "it is up only after a probe has arrived");
        sleep(Duration::from_millis(10)).await;
    }
    proxy.mute(false);
    expect_lost(&mut arrivals, NOTICED_WITHIN).await;
    assert!(bus.is_up());
    bus.publish(channel, Bytes::new());
    expect_hint(&mut arrivals, channel, Bytes::new()).await;
}

#[tokio::test]
async fn bus_reports_lost_when_a_subscription_succeeds_too_late() {
    let Some((_server, proxy, gateways)) = through_proxy().await else { return };
    let bus = gateways.all[0].bus();
    let mut arrivals = bus.arrivals().unwrap();
    expect_lost(&mut arrivals, NOTICED_WITHIN).await;
    let channels: Vec<Channel> = (0..5_000).map(|_| conversation()).collect();
    proxy.delay(Duration::from_millis(150));
    bus.subscribe(&channels).await.unwrap_err();
    expect_lost(&mut arrivals, Duration::from_secs(10)).await;
    assert!(bus.is_up());
    for channel in [channels[0], channels[4_999]] {
        bus.publish(channel, Bytes::new());
        expect_hint(&mut arrivals, channel, Bytes::new()).await;
    }
    assert_eq!(gateways.metrics[0].count("resubscribes"), 0, "the connection is the same");
}

/// The caller was gone before the answer, so it missed nothing.
#[tokio::test]
async fn bus_reports_nothing_lost_when_subscribing_is_cancelled() {
    let Some(mut fixture) = BusFixture::open().await else { return };
    let before = fixture.received("hints_lost");
    for _ in 0..100 {
        let channels = [conversation()];
        let subscribing = fixture.bus.subscribe(&channels);
        assert_eq!(subscribing.now_or_never(), None);
    }
    let last = conversation();
    fixture.bus.subscribe(&[last]).await.unwrap();
    fixture.expect_delivery(last).await;
    assert_eq!(fixture.received("hints_lost"), before);
}

#[tokio::test]
async fn slow_reader_receives_lost_after_the_queue_was_full() {
    let Some(mut fixture) = BusFixture::open().await else { return };
    let received = fixture.received("hints_received");
    for _ in 0..10 {
        let published = fixture.published("hints_published");
        let hint = Bytes::from_static(b"x");
        (0..1_000).for_each(|_| fixture.publisher.publish(fixture.channel, hint.clone()));
        eventually("all are published", NOTICED_WITHIN, async || {
            fixture.published("hints_published") == published + 1_000
        })
        .await;
    }
    eventually("all have arrived", NOTICED_WITHIN, async || {
        fixture.received("hints_received") == received + 10_000
    })
    .await;
    let arrivals: Vec<Arrival> = std::iter::from_fn(|| fixture.arrivals.try_recv().ok()).collect();
    assert_eq!(arrivals.last(), Some(&Arrival::Lost));
    assert_eq!(arrivals.len(), chat_core::memory::ARRIVALS_MAX + 1);
    assert!(fixture.received("hints_lost") > 1);
    fixture.expect_delivery(fixture.channel).await;
}

#[tokio::test]
async fn second_primary_keeps_working_when_the_first_is_down() {
    let Some(mut servers) = Server::start_many(2).await else { return };
    let gateways = Gateways::connect(&servers, 2).await;
    let (publisher, bus) = (gateways.all[0].bus(), gateways.all[1].bus());
    let mut arrivals = bus.arrivals().unwrap();
    let channels: Vec<Channel> = (0..64).map(|_| conversation()).collect();
    bus.subscribe(&channels).await.unwrap();
    servers[0].kill();
    eventually("one is down", NOTICED_WITHIN, async || !bus.is_up() && !publisher.is_up()).await;
    assert!((gateways.metrics[1].gauge("confab_redis_primaries_down") - 1.0).abs() < 0.1);
    while arrivals.try_recv().is_ok() {}
    let (mut refused, mut delivered) = (0, 0);
    for channel in channels {
        if bus.subscribe(&[channel]).await.is_err() {
            refused += 1;
            continue;
        }
        publisher.publish(channel, Bytes::new());
        expect_hint(&mut arrivals, channel, Bytes::new()).await;
        delivered += 1;
    }
    assert!(refused > 10 && delivered > 10, "{refused} {delivered}");
    servers[0].restart().await;
    eventually("both are up", NOTICED_WITHIN, async || bus.is_up()).await;
    assert!(gateways.metrics[1].gauge("confab_redis_primaries_down").abs() < 0.1);
    gateways.end().await;
}
