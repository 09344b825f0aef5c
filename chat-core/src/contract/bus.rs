//! Contract tests of [`crate::port::Bus`] without faults. A bus with faults may lose hints, with or
//! without sending `Lost`.

use std::{collections::HashSet, sync::Arc, time::Duration};

use bytes::Bytes;
use tokio::{
    sync::mpsc::Receiver,
    time::{Instant, sleep, timeout},
};

use super::fixtures::{fresh, random};
use crate::{
    id::{ConversationId, UserId},
    limits::FRAME_BYTES_MAX,
    port::{Arrival, Bus, Channel},
};

/// Makes the contract tests of a bus.
///
/// `open` is the path of an `async fn() -> (guard, Vec<Arc<dyn Bus>>)`. It returns the buses of at
/// least two gateways on the same hub, whose arrivals have not been taken. The guard is dropped
/// after the test.
#[macro_export]
macro_rules! bus_contract {
    ($open:path) => {
        $crate::bus_contract!(@tests $open;
            hints_arrive_at_all_other_gateways_in_order;
            every_gateway_can_publish_and_receive;
            bus_becomes_current_after_it_is_up;
            hints_arrive_once_subscribe_has_returned;
            hints_of_other_channels_do_not_arrive;
            every_kind_of_channel_carries_hints;
            payloads_arrive_unchanged;
            many_channels_can_be_subscribed_at_once;
            hint_arrives_once_when_subscribed_twice;
            unsubscribing_one_channel_keeps_the_others;
            hints_arrive_after_subscribing_again;
            hints_without_subscribers_are_ignored;
            publish_does_not_wait_for_readers;
            arrivals_can_be_taken_once;
        );
    };
    (@tests $open:path; $($test:ident;)+) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $test() {
            let (_guard, buses) = $open().await;
            $crate::contract::bus::$test(&buses).await;
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

/// Reads the arrivals of one gateway.
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

    /// Returns the next hint and skips `Lost`, which a bus may send when it starts.
    async fn next(&mut self) -> (Channel, Bytes) {
        loop {
            let arrival = timeout(PATIENCE, self.arrivals.recv()).await.expect("a hint is missing");
            match arrival.expect("the stream has ended") {
                Arrival::Hint { channel, payload } => return (channel, payload),
                Arrival::Lost => {}
            }
        }
    }

    /// Checks that the next hint is this one.
    async fn expect_hint(&mut self, channel: Channel, expected: u32) {
        let (received, payload) = self.next().await;
        assert_eq!((received, number(&payload)), (channel, expected));
    }
}

/// Hints published after `subscribe` has returned arrive at every subscriber, once and in order.
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
            other.expect_hint(channel, count).await;
        }
    }
}

/// Hints pass in both directions.
pub async fn every_gateway_can_publish_and_receive(buses: &[Arc<dyn Bus>]) {
    let (one, two) = (conversation(), conversation());
    let mut first = Listener::new(&buses[0], &[one]).await;
    let mut second = Listener::new(&buses[1], &[two]).await;
    assert!(buses.iter().all(|bus| bus.is_up()));
    for count in 0..20 {
        publish(&buses[0], two, count);
        second.expect_hint(two, count).await;
        publish(&buses[1], one, count);
        first.expect_hint(one, count).await;
    }
}

/// A bus that is up soon becomes current.
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

/// No hint is missed once `subscribe` has returned.
pub async fn hints_arrive_once_subscribe_has_returned(buses: &[Arc<dyn Bus>]) {
    let mut listener = Listener::new(&buses[1], &[]).await;
    for count in 0..50 {
        let channel = conversation();
        listener.bus.subscribe(&[channel]).await.unwrap();
        publish(&buses[0], channel, count);
        listener.expect_hint(channel, count).await;
    }
}

/// A channel is not mixed up with other conversations or with a user of the same number.
pub async fn hints_of_other_channels_do_not_arrive(buses: &[Arc<dyn Bus>]) {
    let id: ConversationId = fresh();
    let channel = Channel::Conversation(id);
    let mut listener = Listener::new(&buses[1], &[channel]).await;
    publish(&buses[0], Channel::User(UserId::new(id.get()).unwrap()), 1);
    publish(&buses[0], conversation(), 2);
    publish(&buses[0], Channel::User(fresh()), 3);
    publish(&buses[0], channel, 4);
    listener.expect_hint(channel, 4).await;
}

/// Conversations, users and the channel of all gateways carry hints.
pub async fn every_kind_of_channel_carries_hints(buses: &[Arc<dyn Bus>]) {
    let channels = [conversation(), Channel::User(fresh()), Channel::Gateways];
    let mut listener = Listener::new(&buses[1], &channels).await;
    let payload_of_this_test = Bytes::copy_from_slice(&random::<16>());
    for channel in channels {
        buses[0].publish(channel, payload_of_this_test.clone());
    }
    let mut received = HashSet::new();
    while received.len() < channels.len() {
        let (channel, payload) = listener.next().await;
        // Other tests may also publish to all gateways.
        if payload == payload_of_this_test {
            received.insert(channel);
        }
    }
    assert_eq!(received, HashSet::from(channels));
}

/// A payload can have any bytes, and as many as a frame.
pub async fn payloads_arrive_unchanged(buses: &[Arc<dyn Bus>]) {
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

/// A gateway that starts subscribes to thousands of channels.
pub async fn many_channels_can_be_subscribed_at_once(buses: &[Arc<dyn Bus>]) {
    let channels: Vec<Channel> = (0..2_000).map(|_| conversation()).collect();
    let mut listener = Listener::new(&buses[1], &channels).await;
    for (count, channel) in (0..).zip(&channels) {
        publish(&buses[0], *channel, count);
        // In small steps, because the queue of unread hints may be short.
        if count % 50 == 49 {
            for _ in 0..50 {
                let (received, payload) = listener.next().await;
                assert_eq!(received, channels[number(&payload) as usize]);
            }
        }
    }
}

/// A channel that is subscribed twice delivers each hint once.
pub async fn hint_arrives_once_when_subscribed_twice(buses: &[Arc<dyn Bus>]) {
    let channel = conversation();
    let mut listener = Listener::new(&buses[1], &[channel, channel]).await;
    listener.bus.subscribe(&[channel]).await.unwrap();
    for count in 0..10 {
        publish(&buses[0], channel, count);
    }
    for count in 0..10 {
        listener.expect_hint(channel, count).await;
    }
}

/// Unsubscribing from one channel does not affect others.
pub async fn unsubscribing_one_channel_keeps_the_others(buses: &[Arc<dyn Bus>]) {
    let (kept, left) = (conversation(), conversation());
    let mut listener = Listener::new(&buses[1], &[kept, left]).await;
    listener.bus.unsubscribe(&[left, conversation()]).await;
    for count in 0..10 {
        publish(&buses[0], kept, count);
        listener.expect_hint(kept, count).await;
    }
}

/// A channel can be subscribed again.
pub async fn hints_arrive_after_subscribing_again(buses: &[Arc<dyn Bus>]) {
    let channel = conversation();
    let mut listener = Listener::new(&buses[1], &[channel]).await;
    for count in 0..10 {
        listener.bus.unsubscribe(&[channel]).await;
        listener.bus.subscribe(&[channel]).await.unwrap();
        publish(&buses[0], channel, count);
        listener.expect_hint(channel, count).await;
    }
}

/// Hints without subscribers and malformed hints do no harm.
pub async fn hints_without_subscribers_are_ignored(buses: &[Arc<dyn Bus>]) {
    let channel = conversation();
    for _ in 0..100 {
        buses[0].publish(conversation(), Bytes::from_static(b"\xff\xfe"));
    }
    buses[0].unsubscribe(&[conversation()]).await;
    let mut listener = Listener::new(&buses[1], &[channel]).await;
    publish(&buses[0], channel, 7);
    listener.expect_hint(channel, 7).await;
}

/// A gateway that does not read does not delay the publisher, and receives hints again once it
/// reads.
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
        assert!(Instant::now() < deadline, "no hint arrives after the flood");
        publish(&buses[0], channel, 1);
        let quiet = Duration::from_millis(100);
        while let Ok(Some(arrival)) = timeout(quiet, listener.arrivals.recv()).await {
            if matches!(arrival, Arrival::Hint { channel: received, .. } if received == channel) {
                return;
            }
        }
    }
}

/// The stream of arrivals can be taken once.
pub async fn arrivals_can_be_taken_once(buses: &[Arc<dyn Bus>]) {
    let channel = conversation();
    let mut listener = Listener::new(&buses[1], &[channel]).await;
    assert!(buses[1].arrivals().is_none());
    publish(&buses[0], channel, 1);
    listener.expect_hint(channel, 1).await;
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_test_is_listed() {
        let text = include_str!("bus.rs");
        for test in text.split("\npub async fn ").skip(1) {
            let name = test.split('(').next().unwrap();
            assert!(text.contains(&format!("            {name};\n")), "{name}");
        }
    }
}
