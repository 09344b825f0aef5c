//! Promises of [`crate::port::Bus`] while nothing is lost: a broken bus may break them, silently or
//! with a `Lost`.

use std::{collections::HashSet, sync::Arc, time::Duration};

use bytes::Bytes;
use tokio::{
    sync::mpsc::Receiver,
    time::{Instant, sleep, timeout},
};

use super::scene::{fresh, random};
use crate::{
    id::{ConversationId, UserId},
    limits::FRAME_BYTES_MAX,
    port::{Arrival, Bus, Channel},
};

/// Makes one test of each promise of the bus. `open` is the path of an
/// `async fn() -> (guard, Vec<Arc<dyn Bus>>)`: two gateways' buses at least, all on the same hub,
/// none of which has been listened to; the guard is dropped after the test.
#[macro_export]
macro_rules! bus_contract {
    ($open:path) => {
        $crate::bus_contract!(@tests $open;
            hints_arrive_at_all_other_gateways_in_order;
            every_gateway_speaks_and_hears;
            bus_becomes_current_after_it_is_up;
            subscribed_is_heard_from_that_moment_on;
            channels_are_kept_apart;
            every_kind_of_channel_carries_hints;
            payloads_arrive_as_they_were;
            many_channels_are_subscribed_at_once;
            subscribing_again_changes_nothing;
            channel_left_leaves_the_others;
            channel_left_and_joined_again_is_heard;
            hints_that_nobody_wants_do_no_harm;
            publish_does_not_wait_for_readers;
            arrivals_are_given_once;
        );
    };
    (@tests $open:path; $($promise:ident;)+) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $promise() {
            let (_guard, buses) = $open().await;
            $crate::contract::bus::$promise(&buses).await;
        }
    )+};
}

const PATIENCE: Duration = Duration::from_secs(10);

fn conversation() -> Channel {
    Channel::Conversation(fresh())
}

fn number(bytes: &[u8]) -> u32 {
    u32::from_be_bytes(bytes.try_into().unwrap())
}

fn publish(bus: &Arc<dyn Bus>, channel: Channel, number: u32) {
    bus.publish(channel, Bytes::copy_from_slice(&number.to_be_bytes()));
}

/// Reads what one gateway hears, on the channels that it asked for.
struct Listener<'a> {
    bus: &'a Arc<dyn Bus>,
    arrivals: Receiver<Arrival>,
}

impl<'a> Listener<'a> {
    async fn new(bus: &'a Arc<dyn Bus>, channels: &[Channel]) -> Self {
        let arrivals = bus.arrivals().unwrap();
        bus.subscribe(channels).await.unwrap();
        Self { bus, arrivals }
    }

    /// The next hint; what a bus says of its own beginning is no hint.
    async fn next(&mut self) -> (Channel, Bytes) {
        loop {
            let arrival = timeout(PATIENCE, self.arrivals.recv()).await.expect("a hint is missing");
            match arrival.expect("the stream has ended") {
                Arrival::Hint { channel, payload } => return (channel, payload),
                Arrival::Lost => {}
            }
        }
    }

    /// The next hint is this one.
    async fn hears(&mut self, channel: Channel, expected: u32) {
        let (heard, payload) = self.next().await;
        assert_eq!((heard, number(&payload)), (channel, expected));
    }
}

/// What is published after `subscribe` has returned arrives everywhere, once, in its order.
pub async fn hints_arrive_at_all_other_gateways_in_order(buses: &[Arc<dyn Bus>]) {
    let channel = conversation();
    let mut others = Vec::new();
    for bus in &buses[1..] {
        others.push(Listener::new(bus, &[channel]).await);
    }
    for count in 0..200 {
        publish(&buses[0], channel, count);
    }
    for other in &mut others {
        for count in 0..200 {
            other.hears(channel, count).await;
        }
    }
}

/// No gateway is the first among them.
pub async fn every_gateway_speaks_and_hears(buses: &[Arc<dyn Bus>]) {
    let (one, two) = (conversation(), conversation());
    let mut first = Listener::new(&buses[0], &[one]).await;
    let mut second = Listener::new(&buses[1], &[two]).await;
    assert!(buses.iter().all(|bus| bus.is_up()));
    for count in 0..20 {
        publish(&buses[0], two, count);
        second.hears(two, count).await;
        publish(&buses[1], one, count);
        first.hears(one, count).await;
    }
}

/// A bus that is up proves soon that hints arrive.
pub async fn bus_becomes_current_after_it_is_up(buses: &[Arc<dyn Bus>]) {
    for bus in buses {
        let current = async {
            while !bus.is_current() {
                sleep(Duration::from_millis(5)).await;
            }
        };
        timeout(PATIENCE, current).await.expect("the bus becomes current");
    }
}

/// When `subscribe` has returned, nothing more is missed.
pub async fn subscribed_is_heard_from_that_moment_on(buses: &[Arc<dyn Bus>]) {
    let mut listener = Listener::new(&buses[1], &[]).await;
    for count in 0..50 {
        let channel = conversation();
        listener.bus.subscribe(&[channel]).await.unwrap();
        publish(&buses[0], channel, count);
        listener.hears(channel, count).await;
    }
}

/// A conversation is no other one, and no user of the same number.
pub async fn channels_are_kept_apart(buses: &[Arc<dyn Bus>]) {
    let id: ConversationId = fresh();
    let channel = Channel::Conversation(id);
    let mut listener = Listener::new(&buses[1], &[channel]).await;
    publish(&buses[0], Channel::User(UserId::new(id.get()).unwrap()), 1);
    publish(&buses[0], conversation(), 2);
    publish(&buses[0], Channel::User(fresh()), 3);
    publish(&buses[0], channel, 4);
    listener.hears(channel, 4).await;
}

/// Conversations, users, and all gateways.
pub async fn every_kind_of_channel_carries_hints(buses: &[Arc<dyn Bus>]) {
    let channels = [conversation(), Channel::User(fresh()), Channel::Gateways];
    let mut listener = Listener::new(&buses[1], &channels).await;
    let mine = Bytes::copy_from_slice(&random::<16>());
    for channel in channels {
        buses[0].publish(channel, mine.clone());
    }
    let mut heard = HashSet::new();
    while heard.len() < channels.len() {
        let (channel, payload) = listener.next().await;
        // Others may speak to all gateways, too.
        if payload == mine {
            heard.insert(channel);
        }
    }
    assert_eq!(heard, HashSet::from(channels));
}

/// Any bytes, and as many as a frame may have.
pub async fn payloads_arrive_as_they_were(buses: &[Arc<dyn Bus>]) {
    let channel = conversation();
    let mut listener = Listener::new(&buses[1], &[channel]).await;
    let every_byte: Vec<u8> = (0..=u8::MAX).collect();
    let payloads = [
        Bytes::new(),
        Bytes::from_static(b"\r\n$5\r\n*1\r\n{}\0"),
        Bytes::copy_from_slice(&random::<1_000>()),
        Bytes::from(every_byte),
        Bytes::from(vec![0; FRAME_BYTES_MAX]),
        Bytes::from_static(b"after"),
    ];
    for payload in &payloads {
        buses[0].publish(channel, payload.clone());
    }
    for payload in payloads {
        assert!(listener.next().await == (channel, payload));
    }
}

/// A gateway that starts has thousands to subscribe.
pub async fn many_channels_are_subscribed_at_once(buses: &[Arc<dyn Bus>]) {
    let channels: Vec<Channel> = (0..2_000).map(|_| conversation()).collect();
    let mut listener = Listener::new(&buses[1], &channels).await;
    for (count, channel) in (0..).zip(&channels) {
        publish(&buses[0], *channel, count);
        // In small steps: a queue before a reader may be short.
        if count % 50 == 49 {
            for _ in 0..50 {
                let (heard, payload) = listener.next().await;
                assert_eq!(heard, channels[number(&payload) as usize]);
            }
        }
    }
}

/// Twice subscribed is heard once.
pub async fn subscribing_again_changes_nothing(buses: &[Arc<dyn Bus>]) {
    let channel = conversation();
    let mut listener = Listener::new(&buses[1], &[channel, channel]).await;
    listener.bus.subscribe(&[channel]).await.unwrap();
    for count in 0..10 {
        publish(&buses[0], channel, count);
    }
    for count in 0..10 {
        listener.hears(channel, count).await;
    }
}

/// Leaving one channel is leaving one channel.
pub async fn channel_left_leaves_the_others(buses: &[Arc<dyn Bus>]) {
    let (kept, left) = (conversation(), conversation());
    let mut listener = Listener::new(&buses[1], &[kept, left]).await;
    listener.bus.unsubscribe(&[left, conversation()]).await;
    for count in 0..10 {
        publish(&buses[0], kept, count);
        listener.hears(kept, count).await;
    }
}

/// Whoever left can come back.
pub async fn channel_left_and_joined_again_is_heard(buses: &[Arc<dyn Bus>]) {
    let channel = conversation();
    let mut listener = Listener::new(&buses[1], &[channel]).await;
    for count in 0..10 {
        listener.bus.unsubscribe(&[channel]).await;
        listener.bus.subscribe(&[channel]).await.unwrap();
        publish(&buses[0], channel, count);
        listener.hears(channel, count).await;
    }
}

/// Without subscribers, and of a shape that nobody knows.
pub async fn hints_that_nobody_wants_do_no_harm(buses: &[Arc<dyn Bus>]) {
    let channel = conversation();
    for _ in 0..100 {
        buses[0].publish(conversation(), Bytes::from_static(b"\xff\xfe"));
    }
    buses[0].unsubscribe(&[conversation()]).await;
    let mut listener = Listener::new(&buses[1], &[channel]).await;
    publish(&buses[0], channel, 7);
    listener.hears(channel, 7).await;
}

/// A gateway that does not read costs the publisher nothing, and hears again when it reads.
pub async fn publish_does_not_wait_for_readers(buses: &[Arc<dyn Bus>]) {
    let (flooded, channel) = (conversation(), conversation());
    let mut listener = Listener::new(&buses[1], &[flooded, channel]).await;
    let began = Instant::now();
    for count in 0..20_000 {
        publish(&buses[0], flooded, count);
    }
    assert!(began.elapsed() < PATIENCE, "{:?}", began.elapsed());
    let deadline = Instant::now() + PATIENCE;
    loop {
        assert!(Instant::now() < deadline, "nothing is heard after the flood");
        publish(&buses[0], channel, 1);
        let quiet = Duration::from_millis(100);
        while let Ok(Some(arrival)) = timeout(quiet, listener.arrivals.recv()).await {
            if matches!(arrival, Arrival::Hint { channel: heard, .. } if heard == channel) {
                return;
            }
        }
    }
}

/// There is one reader.
pub async fn arrivals_are_given_once(buses: &[Arc<dyn Bus>]) {
    let channel = conversation();
    let mut listener = Listener::new(&buses[1], &[channel]).await;
    assert!(buses[1].arrivals().is_none());
    publish(&buses[0], channel, 1);
    listener.hears(channel, 1).await;
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_promise_is_listed() {
        let text = include_str!("bus.rs");
        for promise in text.split("\npub async fn ").skip(1) {
            let name = promise.split('(').next().unwrap();
            assert!(text.contains(&format!("            {name};\n")), "{name}");
        }
    }
}
