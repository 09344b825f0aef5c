//! Sessions receive what other gateways append, whatever hints are lost on the way.

use std::{sync::Arc, time::Duration};

use chat_core::{
    command::Command,
    faults::{Call, Fault, Faults},
    hint::Hint,
    id::ConversationId,
    memory::{BusFaults, MemoryHub, MemoryStores},
    model::Seq,
    port::{Bus, Channel},
};
use tokio::{
    runtime::Handle,
    task::JoinSet,
    time::{sleep, timeout},
};

use crate::scene::{Person, Reader, Scene, seqs};

const SECOND: Duration = Duration::from_secs(1);

/// With 100 listeners a task of its own delivers, and with 700 several tasks share the delivery.
const MANY: [usize; 2] = [100, 700];

const LOST: BusFaults = BusFaults {
    drop_permille: 1_000,
    double_permille: 0,
    delay_permille: 0,
    delay_max: 0,
    echo_permille: 0,
};

/// Ada at one gateway and Bob at another one, whose store has faults of its own.
struct Pair {
    scene: Scene,
    hub: MemoryHub,
    bobs_faults: Arc<Faults>,
    ada: Person,
    bob: Person,
    conversation: ConversationId,
}

impl Pair {
    async fn new() -> Self {
        let hub = MemoryHub::new();
        let mut scene = Scene::on(1, &hub, MemoryStores::new());
        let bobs_faults = Faults::new();
        let gateway = scene.join(&bobs_faults, Arc::new(hub.bus()));
        let (ada, bob) = (scene.person("ada").await, scene.person("bob").await);
        let conversation = ada.direct(&bob).await;
        let bob = bob.at(&gateway);
        Self { scene, hub, bobs_faults, ada, bob, conversation }
    }

    async fn send(&self) {
        self.ada.send(self.conversation, "x").await;
    }

    /// Lets Ada send a text whose hint is lost.
    async fn send_without_hint(&self) {
        self.hub.set_faults(LOST);
        self.send().await;
        self.hub.set_faults(BusFaults::default());
    }

    fn publish(&self, hint: &Hint) {
        self.hub.bus().publish(Channel::Conversation(self.conversation), hint.encode());
    }

    /// Publishes the hint of the entry at this seq.
    async fn publish_entry(&self, seq: u64) {
        let mut entries = self.scene.entries(self.conversation).await;
        entries.retain(|entry| entry.seq == Seq::new(seq));
        self.publish(&Hint::Entries(entries));
    }

    fn reads(&self) -> usize {
        self.bobs_faults.count(Call::Read)
    }
}

/// Returns the seqs of the next messages. Fails if they do not come within this time.
async fn messages(reader: &mut Reader, count: usize, within: Duration) -> Vec<u64> {
    let reading = async {
        let mut received = Vec::new();
        while received.len() < count {
            received.extend(seqs(&[reader.next("message").await.unwrap()]));
        }
        received
    };
    timeout(within, reading).await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn feed_follows_a_conversation_when_first_written_here() {
    let pair = Pair::new().await;
    let Pair { scene, ada, bob, conversation, .. } = &pair;
    ada.at(&scene.gateways[1]).send(*conversation, "by REST").await;
    let mut reader = bob.open(None).await;
    pair.send().await;
    assert_eq!(messages(&mut reader, 1, SECOND).await, [4]);
    ada.execute(Command::Typing { conversation: *conversation, on: true }).await.unwrap();
    assert!(reader.receives("typing", SECOND).await);
}

#[tokio::test(start_paused = true)]
async fn both_sessions_receive_an_entry_when_opened_around_it() {
    let pair = Pair::new().await;
    pair.bobs_faults.gate(Call::Heads).close_after(1);
    let mut opening = JoinSet::new();
    for _ in 0..2 {
        let bob = pair.bob.clone();
        opening.spawn(async move { bob.open(None).await });
    }
    let mut first = opening.join_next().await.unwrap().unwrap();
    let delayed = BusFaults { delay_permille: 1_000, delay_max: 100, ..BusFaults::default() };
    pair.hub.set_faults(delayed);
    pair.send().await;
    pair.bobs_faults.gate(Call::Heads).open();
    let mut second = opening.join_next().await.unwrap().unwrap();
    pair.hub.settle();
    assert_eq!(messages(&mut first, 1, SECOND).await, [3]);
    pair.hub.set_faults(BusFaults::default());
    pair.send().await;
    assert_eq!(messages(&mut first, 1, SECOND).await, [4]);
    assert_eq!(messages(&mut second, 1, SECOND).await.last(), Some(&4));
}

#[tokio::test(start_paused = true)]
async fn gap_is_repaired_when_found_during_another_repair() {
    let pair = Pair::new().await;
    let mut reader = pair.bob.open(None).await;
    pair.bobs_faults.gate(Call::Read).close();
    pair.send_without_hint().await;
    pair.send().await;
    sleep(SECOND / 10).await;
    pair.send_without_hint().await;
    pair.send().await;
    pair.bobs_faults.gate(Call::Read).open();
    assert_eq!(messages(&mut reader, 4, SECOND).await, [3, 4, 5, 6]);
}

#[tokio::test(start_paused = true)]
async fn gap_is_read_once_when_more_entries_arrive_meanwhile() {
    let pair = Pair::new().await;
    let mut reader = pair.bob.open(None).await;
    let before = pair.reads();
    pair.send_without_hint().await;
    for _ in 0..3 {
        pair.send().await;
    }
    assert_eq!(messages(&mut reader, 4, SECOND).await, [3, 4, 5, 6]);
    sleep(SECOND).await;
    assert_eq!(pair.reads() - before, 1);
}

#[tokio::test(start_paused = true)]
async fn own_entry_reveals_the_gap_when_a_hint_was_lost() {
    let pair = Pair::new().await;
    let mut reader = pair.bob.open(None).await;
    pair.send_without_hint().await;
    pair.bob.send(pair.conversation, "own").await;
    assert_eq!(messages(&mut reader, 2, SECOND).await, [3, 4]);
}

#[tokio::test(start_paused = true)]
async fn entry_arrives_within_five_seconds_when_its_hint_was_lost() {
    let pair = Pair::new().await;
    let mut reader = pair.bob.open(None).await;
    for number in 0..30 {
        sleep(number * SECOND / 25).await;
        pair.send_without_hint().await;
        let seq = u64::from(number) + 3;
        assert_eq!(messages(&mut reader, 1, 5 * SECOND).await, [seq]);
    }
}

#[tokio::test(start_paused = true)]
async fn reordered_hints_are_put_in_order_without_a_read() {
    let pair = Pair::new().await;
    let mut reader = pair.bob.open(None).await;
    for _ in 0..5 {
        pair.send_without_hint().await;
    }
    let before = pair.reads();
    pair.publish(&Hint::Head(Seq::new(3)));
    for seq in [7, 6, 4, 3, 5] {
        pair.publish_entry(seq).await;
    }
    assert_eq!(messages(&mut reader, 5, SECOND).await, [3, 4, 5, 6, 7]);
    sleep(SECOND).await;
    assert_eq!(pair.reads(), before);
}

#[tokio::test(start_paused = true)]
async fn entry_beyond_a_second_gap_waits_for_what_is_missing() {
    let pair = Pair::new().await;
    let mut reader = pair.bob.open(None).await;
    for _ in 0..3 {
        pair.send_without_hint().await;
    }
    for seq in [5, 3] {
        pair.publish_entry(seq).await;
    }
    assert_eq!(messages(&mut reader, 3, SECOND).await, [3, 4, 5]);
}

#[tokio::test(start_paused = true)]
async fn wrong_head_is_read_once_and_its_repair_ends() {
    let pair = Pair::new().await;
    let mut reader = pair.bob.open(None).await;
    sleep(SECOND).await;
    let (reads, tasks) = (pair.reads(), Handle::current().metrics().num_alive_tasks());
    pair.publish(&Hint::Head(Seq::new(50)));
    sleep(SECOND).await;
    assert_eq!(pair.reads() - reads, 1);
    assert_eq!(Handle::current().metrics().num_alive_tasks(), tasks);
    pair.send().await;
    assert_eq!(messages(&mut reader, 1, SECOND).await, [3]);
}

#[tokio::test(start_paused = true)]
async fn gap_is_repaired_when_the_store_failed_at_first() {
    let pair = Pair::new().await;
    let mut reader = pair.bob.open(None).await;
    pair.bobs_faults.fail_next(Call::Read, &[Fault::Unavailable; 2]);
    pair.send_without_hint().await;
    pair.send().await;
    assert_eq!(messages(&mut reader, 2, 4 * SECOND).await, [3, 4]);
}

#[tokio::test(start_paused = true)]
async fn added_member_learns_it_at_once_on_every_gateway() {
    let pair = Pair::new().await;
    let elsewhere = &pair.bob;
    let here = elsewhere.at(&pair.scene.gateways[0]);
    let mut readers = [here.open(None).await, elsewhere.open(None).await];
    let group = pair.ada.group(&[]).await;
    pair.ada.add(group, elsewhere).await;
    for reader in &mut readers {
        assert!(reader.receives(&format!("conversation {group}"), SECOND).await);
    }
}

/// Several threads share the deliveries, so time cannot be paused.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_entry_reaches_each_of_many_listeners_once() {
    for listeners in MANY {
        let pair = Pair::new().await;
        let mut readers = Vec::new();
        for _ in 0..listeners {
            readers.push(pair.bob.open(None).await);
        }
        for _ in 0..3 {
            pair.send().await;
        }
        for reader in &mut readers {
            assert_eq!(messages(reader, 3, 30 * SECOND).await, [3, 4, 5]);
        }
        readers.truncate(listeners / 2);
        pair.send().await;
        for reader in &mut readers {
            assert_eq!(messages(reader, 1, 30 * SECOND).await, [6]);
        }
    }
}
