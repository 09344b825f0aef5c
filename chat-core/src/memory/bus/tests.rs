//! The contract of the bus, the faults of a [`MemoryHub`], and `Lost`.

use super::*;

#[expect(clippy::unused_async, reason = "other buses take time to open")]
async fn open() -> ((), Vec<Arc<dyn Bus>>) {
    let hub = MemoryHub::new();
    ((), (0..3).map(|_| Arc::new(hub.bus()) as Arc<dyn Bus>).collect())
}

crate::bus_contract!(open);

const CHANNEL: Channel = Channel::Gateways;

/// Returns two gateways, of which the second subscribes, and the arrivals of the second.
async fn publisher_and_reader(
    hub: &MemoryHub,
    arrivals_max: usize,
) -> (MemoryBus, MemoryBus, Receiver<Arrival>) {
    let from = hub.bus();
    let to = hub.bus_with_max(arrivals_max);
    to.subscribe(&[CHANNEL]).await.unwrap();
    let arrivals = to.arrivals().unwrap();
    (from, to, arrivals)
}

fn publish(bus: &MemoryBus, numbers: std::ops::Range<u8>) {
    for number in numbers {
        bus.publish(CHANNEL, Bytes::copy_from_slice(&[number]));
    }
}

/// Returns the numbers that have arrived, with `None` for `Lost`.
fn read(arrivals: &mut Receiver<Arrival>) -> Vec<Option<u8>> {
    std::iter::from_fn(|| arrivals.try_recv().ok())
        .map(|arrival| match arrival {
            Arrival::Hint { payload, .. } => Some(payload[0]),
            Arrival::Lost => None,
        })
        .collect()
}

fn numbers(range: std::ops::Range<u8>) -> Vec<Option<u8>> {
    range.map(Some).collect()
}

#[tokio::test]
async fn hints_arrive_in_order_at_others_when_there_are_no_faults() {
    let hub = MemoryHub::new();
    let (from, to, mut arrivals) = publisher_and_reader(&hub, 100).await;
    from.subscribe(&[CHANNEL]).await.unwrap();
    publish(&from, 0..50);
    assert_eq!(read(&mut arrivals), numbers(0..50));
    assert_eq!(read(&mut from.arrivals().unwrap()), []);
    to.unsubscribe(&[CHANNEL]).await;
    publish(&from, 0..50);
    assert_eq!(read(&mut arrivals), []);
}

#[tokio::test]
async fn full_queue_ends_with_one_lost_and_continues_when_read() {
    let hub = MemoryHub::new();
    let (from, _to, mut arrivals) = publisher_and_reader(&hub, 3).await;
    publish(&from, 0..10);
    assert_eq!(read(&mut arrivals), [Some(0), Some(1), Some(2), None]);
    publish(&from, 10..12);
    assert_eq!(read(&mut arrivals), numbers(10..12));
}

#[tokio::test]
async fn dropped_hint_is_always_covered_by_an_unread_lost() {
    let hub = MemoryHub::new();
    let (from, _to, mut arrivals) = publisher_and_reader(&hub, 3).await;
    publish(&from, 0..10);
    let mut seen = Vec::new();
    for number in 10..60 {
        seen.extend(arrivals.try_recv().ok());
        publish(&from, number..number + 1);
    }
    seen.extend(std::iter::from_fn(|| arrivals.try_recv().ok()));
    let last = seen.iter().rposition(|arrival| *arrival == Arrival::Lost).unwrap();
    let hint = Arrival::Hint { channel: CHANNEL, payload: Bytes::from_static(&[59]) };
    assert!(last == seen.len() - 1 || seen[last..].contains(&hint), "{seen:?}");
}

#[tokio::test]
async fn every_gateway_receives_lost_when_the_hub_reconnects() {
    let hub = MemoryHub::new();
    let (from, to, mut arrivals) = publisher_and_reader(&hub, 100).await;
    let mut own_arrivals = from.arrivals().unwrap();
    hub.cut_off();
    assert!(!from.is_up() && !to.is_up());
    publish(&from, 0..3);
    assert!(to.subscribe(&[Channel::Gateways]).await.is_err());
    assert_eq!((from.dropped(), read(&mut arrivals)), (3, vec![]));
    hub.heal();
    hub.heal();
    assert!(from.is_up() && to.is_up());
    publish(&from, 3..5);
    assert_eq!(read(&mut arrivals), [None, Some(3), Some(4)]);
    assert_eq!(read(&mut own_arrivals), [None]);
}

#[tokio::test]
async fn only_the_disconnected_gateway_receives_lost() {
    let hub = MemoryHub::new();
    let (from, to, mut arrivals) = publisher_and_reader(&hub, 100).await;
    to.cut_off();
    publish(&from, 0..3);
    assert!(from.is_up() && !to.is_up());
    assert!(from.is_current() && !to.is_current());
    to.heal();
    publish(&from, 3..4);
    assert_eq!(read(&mut arrivals), [None, Some(3)]);
    assert_eq!(read(&mut from.arrivals().unwrap()), []);
}

#[tokio::test]
async fn subscription_made_offline_works_after_reconnecting() {
    let hub = MemoryHub::new();
    let from = hub.bus();
    let to = hub.bus();
    to.cut_off();
    assert!(to.subscribe(&[CHANNEL]).await.is_err());
    to.heal();
    publish(&from, 0..1);
    assert_eq!(read(&mut to.arrivals().unwrap()), [None, Some(0)]);
}

#[tokio::test]
async fn faults_are_equal_for_equal_seeds() {
    let faults = BusFaults {
        drop_permille: 100,
        double_permille: 100,
        delay_permille: 200,
        delay_max: 5,
        ..BusFaults::default()
    };
    let mut runs = Vec::new();
    for seed in [7, 7, 8] {
        let hub = MemoryHub::with_faults(seed, faults);
        let (from, _to, mut arrivals) = publisher_and_reader(&hub, 1_000).await;
        publish(&from, 0..200);
        hub.settle();
        runs.push(read(&mut arrivals));
    }
    assert_eq!(runs[0], runs[1]);
    assert_ne!(runs[0], runs[2]);
    let count = |number| runs[0].iter().filter(|seen| **seen == Some(number)).count();
    assert!((0..200).any(|number| count(number) == 0), "dropped");
    assert!((0..200).any(|number| count(number) == 2), "repeated");
    assert!(!runs[0].is_sorted(), "reordered");
    assert!(!runs[0].contains(&None), "without notice");
}

#[tokio::test]
async fn delayed_hints_arrive_after_later_ones_or_on_demand() {
    let faults = BusFaults { delay_permille: 1_000, delay_max: 1, ..BusFaults::default() };
    let hub = MemoryHub::with_faults(1, faults);
    let (from, _to, mut arrivals) = publisher_and_reader(&hub, 100).await;
    publish(&from, 0..3);
    assert_eq!(read(&mut arrivals), numbers(0..2));
    hub.settle();
    assert_eq!(read(&mut arrivals), numbers(2..3));
    hub.set_faults(BusFaults { echo_permille: 1_000, ..BusFaults::default() });
    from.subscribe(&[CHANNEL]).await.unwrap();
    publish(&from, 3..4);
    assert_eq!(read(&mut from.arrivals().unwrap()), numbers(3..4));
}

#[tokio::test]
async fn dropped_gateway_is_removed_from_the_hub() {
    let hub = MemoryHub::new();
    let (from, to, arrivals) = publisher_and_reader(&hub, 100).await;
    drop((to, arrivals));
    publish(&from, 0..3);
    assert_eq!(hub.lock().gateways.len(), 1);
}
