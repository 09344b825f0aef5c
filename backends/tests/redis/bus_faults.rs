//! What the bus promises while primaries fail.

use std::{sync::Arc, time::Duration};

use backends::redis::{Redis, RedisConfig};
use bytes::Bytes;
use chat_core::port::{Arrival, Bus, Channel};
use futures_util::FutureExt;
use tokio::{
    sync::mpsc::Receiver,
    time::{Instant, sleep, timeout},
};
use tokio_util::{
    sync::{CancellationToken, DropGuard},
    task::TaskTracker,
};

use super::{
    eventually, fresh,
    gateways::{Gateways, connect},
    proxy::Proxy,
    server::{Server, free_port},
};

/// A primary in doubt is noticed within this time, and one that is back, too.
const NOTICED_WITHIN: Duration = Duration::from_secs(3);

/// One primary, a gateway that speaks and one that hears.
struct Scene {
    server: Server,
    gateways: Gateways,
    speaker: Arc<dyn Bus>,
    bus: Arc<dyn Bus>,
    arrivals: Receiver<Arrival>,
    channel: Channel,
}

fn conversation() -> Channel {
    Channel::Conversation(fresh())
}

/// The next arrivals up to the first "lost".
async fn lost(arrivals: &mut Receiver<Arrival>, within: Duration) {
    let lost = async { while arrivals.recv().await.expect("a stream") != Arrival::Lost {} };
    timeout(within, lost).await.expect("that something was lost is told");
}

impl Scene {
    async fn open() -> Option<Self> {
        let server = Server::start().await?;
        let gateways = Gateways::connect(std::slice::from_ref(&server), 2).await;
        let (speaker, bus) = (gateways.all[0].bus(), gateways.all[1].bus());
        let (mut arrivals, channel) = (bus.arrivals().unwrap(), conversation());
        assert!(speaker.is_up() && bus.is_up());
        lost(&mut arrivals, NOTICED_WITHIN).await;
        bus.subscribe(&[channel]).await.unwrap();
        let mut scene = Self { server, gateways, speaker, bus, arrivals, channel };
        scene.passes(channel).await;
        Some(scene)
    }

    /// What one publishes the other hears, and loses nothing before.
    async fn passes(&mut self, channel: Channel) {
        let payload = Bytes::from(fresh::<chat_core::id::EntryId>().to_string());
        self.speaker.publish(channel, payload.clone());
        let heard = timeout(NOTICED_WITHIN, self.arrivals.recv()).await.expect("a hint");
        assert_eq!(heard, Some(Arrival::Hint { channel, payload }));
    }

    async fn goes_down(&self) {
        eventually("doubt is noticed", NOTICED_WITHIN, async || {
            !self.bus.is_up() && !self.speaker.is_up()
        })
        .await;
    }

    async fn comes_up(&self) {
        eventually("the primary is back", NOTICED_WITHIN, async || {
            self.bus.is_up() && self.speaker.is_up()
        })
        .await;
    }

    /// After an outage: it is told, and old and new channels pass, also one that was asked for
    /// during the outage.
    async fn recovers(&mut self, asked: Channel) {
        self.comes_up().await;
        lost(&mut self.arrivals, NOTICED_WITHIN).await;
        while self.arrivals.try_recv().is_ok() {}
        for channel in [self.channel, asked] {
            self.passes(channel).await;
        }
        let new = conversation();
        self.bus.subscribe(&[new]).await.unwrap();
        self.passes(new).await;
    }

    /// During an outage nothing waits and nothing is silently accepted.
    async fn refuses(&self, asked: Channel) {
        let (began, dropped) = (Instant::now(), self.gateways.all[0].counters().dropped);
        self.bus.subscribe(&[asked]).await.unwrap_err();
        self.bus.unsubscribe(&[conversation()]).await;
        (0..100).for_each(|_| self.speaker.publish(self.channel, Bytes::from_static(b"lost")));
        assert!(began.elapsed() < Duration::from_millis(500), "{:?}", began.elapsed());
        assert_eq!(self.gateways.all[0].counters().dropped, dropped + 100);
        assert!(self.gateways.all.iter().all(|redis| !redis.health()[0].is_up));
    }
}

#[tokio::test]
async fn primary_that_stands_still_is_noticed_and_heard_again_when_it_goes_on() {
    let Some(mut scene) = Scene::open().await else { return };
    let asked = conversation();
    scene.server.pause();
    scene.goes_down().await;
    scene.refuses(asked).await;
    sleep(Duration::from_secs(12)).await;
    assert!(!scene.bus.is_up());
    scene.server.resume();
    scene.recovers(asked).await;
}

#[tokio::test]
async fn primary_that_dies_is_heard_again_when_another_takes_its_place() {
    let Some(mut scene) = Scene::open().await else { return };
    let asked = conversation();
    scene.server.kill();
    scene.goes_down().await;
    scene.refuses(asked).await;
    sleep(Duration::from_secs(8)).await;
    scene.server.start_again().await;
    scene.recovers(asked).await;
}

#[tokio::test]
async fn connection_that_is_killed_is_made_again_and_the_loss_is_told() {
    let Some(mut scene) = Scene::open().await else { return };
    let many: Vec<Channel> = (0..2_000).map(|_| conversation()).collect();
    scene.bus.subscribe(&many).await.unwrap();
    for kind in ["pubsub", "normal"] {
        let killed: u32 = scene.server.run(&["CLIENT", "KILL", "TYPE", kind]).await;
        assert!(killed >= 2, "{killed} {kind}");
        lost(&mut scene.arrivals, Duration::from_secs(1)).await;
        scene.comes_up().await;
        while scene.arrivals.try_recv().is_ok() {}
        for channel in [scene.channel, many[0], many[1_999]] {
            scene.passes(channel).await;
        }
    }
    assert_eq!(scene.gateways.all[1].counters().resubscribes, 2_001);
}

#[tokio::test]
async fn forgetful_primary_loses_no_hints() {
    let Some(mut scene) = Scene::open().await else { return };
    for words in [&["FLUSHALL"][..], &["SCRIPT", "FLUSH"]] {
        scene.server.run::<()>(words).await;
        scene.passes(scene.channel).await;
    }
    sleep(Duration::from_secs(3)).await;
    scene.passes(scene.channel).await;
    assert!(scene.bus.is_up());
}

#[tokio::test]
async fn garbage_is_dropped_and_counted_and_does_no_harm() {
    let Some(mut scene) = Scene::open().await else { return };
    let Channel::Conversation(id) = scene.channel else { unreachable!("a conversation") };
    let (name, large) = (format!("c:{id}"), "x".repeat(1 << 20));
    scene.server.run::<()>(&["PUBLISH", &name, &large]).await;
    let probes: Vec<String> = scene.server.run(&["PUBSUB", "CHANNELS", "probe:*"]).await;
    assert_eq!(probes.len(), 2);
    for probe in &probes {
        for garbage in ["", "x", "-1", "18446744073709551615", &large] {
            scene.server.run::<()>(&["PUBLISH", probe, garbage]).await;
        }
    }
    // Any bytes may be a hint: whoever reads it knows its shape.
    scene.server.run::<()>(&["PUBLISH", &name, "\u{0}\r\n+OK\r\n"]).await;
    let next = timeout(NOTICED_WITHIN, scene.arrivals.recv()).await.unwrap();
    let payload = Bytes::from_static(b"\0\r\n+OK\r\n");
    assert_eq!(next, Some(Arrival::Hint { channel: scene.channel, payload }));
    assert_eq!(scene.gateways.all[1].counters().garbage, 6);
    sleep(Duration::from_secs(3)).await;
    scene.passes(scene.channel).await;
    assert!(scene.bus.is_up());
    assert_eq!(scene.gateways.all[1].counters().lost, 1, "that of the beginning");
}

#[tokio::test]
async fn gateway_starts_while_its_primary_is_away() {
    let port = free_port();
    let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
    let config = RedisConfig { urls: vec![format!("redis://127.0.0.1:{port}")] };
    let began = Instant::now();
    let redis = Redis::connect(&config, &tasks, stop.clone()).await.unwrap();
    assert!(began.elapsed() < Duration::from_secs(3));
    let (bus, channel) = (redis.bus(), conversation());
    let mut arrivals = bus.arrivals().unwrap();
    assert!(!bus.is_up());
    bus.subscribe(&[channel]).await.unwrap_err();
    sleep(Duration::from_secs(5)).await;
    let Some(server) = Server::start_on(port).await else { return };
    eventually("the gateway finds it", NOTICED_WITHIN, async || bus.is_up()).await;
    lost(&mut arrivals, NOTICED_WITHIN).await;
    let speaker = connect(std::slice::from_ref(&server), &tasks, stop.clone()).await;
    speaker.bus().publish(channel, Bytes::new());
    let heard = timeout(NOTICED_WITHIN, arrivals.recv()).await.unwrap();
    assert_eq!(heard, Some(Arrival::Hint { channel, payload: Bytes::new() }));
    stop.cancel();
    tasks.close();
    timeout(NOTICED_WITHIN, tasks.wait()).await.expect("all tasks end");
}

#[tokio::test]
async fn bus_is_not_current_while_its_primary_is_paused() {
    let Some(mut scene) = Scene::open().await else { return };
    eventually("a probe is heard", NOTICED_WITHIN, async || scene.bus.is_current()).await;
    scene.server.pause();
    eventually("the proof expires", NOTICED_WITHIN, async || !scene.bus.is_current()).await;
    scene.goes_down().await;
    assert!(!scene.bus.is_current());
    scene.server.resume();
    eventually("a probe is heard again", NOTICED_WITHIN, async || scene.bus.is_current()).await;
    lost(&mut scene.arrivals, NOTICED_WITHIN).await;
}

#[tokio::test]
async fn bus_is_up_but_not_current_while_its_primary_is_slow() {
    let Some((_server, proxy, redis, _end)) = through_proxy().await else { return };
    let bus = redis.bus();
    eventually("a probe is heard", NOTICED_WITHIN, async || bus.is_current()).await;
    proxy.delay(Duration::from_millis(300));
    eventually("the proof expires", NOTICED_WITHIN, async || bus.is_up() && !bus.is_current())
        .await;
    proxy.delay(Duration::ZERO);
    eventually("a probe is heard again", NOTICED_WITHIN, async || bus.is_current()).await;
}

/// One gateway that reaches its primary through a proxy.
async fn through_proxy() -> Option<(Server, Proxy, Redis, DropGuard)> {
    let server = Server::start().await?;
    let proxy = Proxy::start(server.port()).await;
    let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
    let config = RedisConfig { urls: vec![proxy.url()] };
    let redis = Redis::connect(&config, &tasks, stop.clone()).await.unwrap();
    Some((server, proxy, redis, stop.drop_guard()))
}

#[tokio::test]
async fn silence_of_a_connection_that_answers_is_noticed() {
    let Some((_server, proxy, redis, _end)) = through_proxy().await else { return };
    let (bus, channel) = (redis.bus(), conversation());
    let mut arrivals = bus.arrivals().unwrap();
    bus.subscribe(&[channel]).await.unwrap();
    lost(&mut arrivals, NOTICED_WITHIN).await;
    proxy.mute(true);
    eventually("silence is noticed", NOTICED_WITHIN, async || !bus.is_up()).await;
    for _ in 0..200 {
        assert!(!bus.is_up(), "it is not called good before it is heard");
        sleep(Duration::from_millis(10)).await;
    }
    proxy.mute(false);
    lost(&mut arrivals, NOTICED_WITHIN).await;
    assert!(bus.is_up());
    bus.publish(channel, Bytes::new());
    let heard = timeout(NOTICED_WITHIN, arrivals.recv()).await.unwrap();
    assert_eq!(heard, Some(Arrival::Hint { channel, payload: Bytes::new() }));
}

#[tokio::test]
async fn subscribing_that_took_too_long_is_told_when_it_has_succeeded() {
    let Some((_server, proxy, redis, _end)) = through_proxy().await else { return };
    let bus = redis.bus();
    let mut arrivals = bus.arrivals().unwrap();
    lost(&mut arrivals, NOTICED_WITHIN).await;
    let channels: Vec<Channel> = (0..5_000).map(|_| conversation()).collect();
    proxy.delay(Duration::from_millis(150));
    bus.subscribe(&channels).await.unwrap_err();
    lost(&mut arrivals, Duration::from_secs(10)).await;
    assert!(bus.is_up());
    for channel in [channels[0], channels[4_999]] {
        bus.publish(channel, Bytes::new());
        let heard = timeout(NOTICED_WITHIN, arrivals.recv()).await.unwrap();
        assert_eq!(heard, Some(Arrival::Hint { channel, payload: Bytes::new() }));
    }
    assert_eq!(redis.counters().resubscribes, 0, "the connection is the same");
}

/// A caller that has gone before the answer waits for nothing: nothing is lost.
#[tokio::test]
async fn subscribing_that_was_given_up_early_loses_nothing() {
    let Some(mut scene) = Scene::open().await else { return };
    let before = scene.gateways.all[1].counters().lost;
    for _ in 0..100 {
        let channels = [conversation()];
        let subscribing = scene.bus.subscribe(&channels);
        assert_eq!(subscribing.now_or_never(), None);
    }
    let last = conversation();
    scene.bus.subscribe(&[last]).await.unwrap();
    scene.passes(last).await;
    assert_eq!(scene.gateways.all[1].counters().lost, before);
}

#[tokio::test]
async fn reader_that_falls_behind_is_told_what_it_missed() {
    let Some(mut scene) = Scene::open().await else { return };
    let heard = scene.gateways.all[1].counters().received;
    for _ in 0..10 {
        let published = scene.gateways.all[0].counters().published;
        (0..1_000).for_each(|_| scene.speaker.publish(scene.channel, Bytes::from_static(b"x")));
        eventually("all are published", NOTICED_WITHIN, async || {
            scene.gateways.all[0].counters().published == published + 1_000
        })
        .await;
    }
    eventually("all have come", NOTICED_WITHIN, async || {
        scene.gateways.all[1].counters().received == heard + 10_000
    })
    .await;
    let mut last = None;
    let mut count = 0;
    while let Ok(arrival) = scene.arrivals.try_recv() {
        last = Some(arrival);
        count += 1;
    }
    assert_eq!((last, count), (Some(Arrival::Lost), chat_core::memory::ARRIVALS_MAX + 1));
    assert!(scene.gateways.all[1].counters().lost > 1);
    scene.passes(scene.channel).await;
}

#[tokio::test]
async fn one_primary_of_two_in_doubt_leaves_the_other_at_work() {
    let Some(mut servers) = Server::start_many(2).await else { return };
    let gateways = Gateways::connect(&servers, 2).await;
    let (speaker, bus) = (gateways.all[0].bus(), gateways.all[1].bus());
    let mut arrivals = bus.arrivals().unwrap();
    let channels: Vec<Channel> = (0..64).map(|_| conversation()).collect();
    bus.subscribe(&channels).await.unwrap();
    servers[0].kill();
    eventually("one is in doubt", NOTICED_WITHIN, async || !bus.is_up() && !speaker.is_up()).await;
    assert_eq!(gateways.all[1].health().iter().filter(|primary| primary.is_up).count(), 1);
    while arrivals.try_recv().is_ok() {}
    let (mut refused, mut passed) = (0, 0);
    for channel in channels {
        refused += usize::from(bus.subscribe(&[channel]).await.is_err());
        speaker.publish(channel, Bytes::new());
        let heard = timeout(Duration::from_millis(100), arrivals.recv()).await;
        passed += usize::from(heard.is_ok());
    }
    assert_eq!(refused + passed, 64);
    assert!(refused > 10 && passed > 10, "{refused} {passed}");
    servers[0].start_again().await;
    eventually("both are good", NOTICED_WITHIN, async || bus.is_up()).await;
    gateways.end().await;
}
