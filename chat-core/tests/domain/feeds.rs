//! Listeners hear what other gateways append, whoever came first and whatever is lost on the way.

use std::{sync::Arc, time::Duration};

use chat_core::{
    command::Command,
    id::ConversationId,
    memory::{BusFaults, MemoryHub},
    port::Stores,
};
use tokio::{task::JoinSet, time::timeout};

use crate::{
    faults::GatedLog,
    scene::{Person, Reader, Scene, seqs},
};

const LOST: BusFaults = BusFaults {
    drop_permille: 1_000,
    double_permille: 0,
    delay_permille: 0,
    delay_max: 0,
    echo_permille: 0,
};

/// Two gateways, the second one's log behind gates; Ada at the first one and Bob at the second.
struct Pair {
    scene: Scene,
    hub: MemoryHub,
    log: Arc<GatedLog>,
    ada: Person,
    bob: Person,
    conversation: ConversationId,
}

impl Pair {
    async fn new() -> Self {
        let hub = MemoryHub::new();
        let mut scene = Scene::with(1, &hub, 0);
        let log = GatedLog::new(scene.log.clone());
        let stores = Stores { log: log.clone(), ..scene.stores.clone() };
        let gateway = scene.join(stores, Arc::new(hub.bus()));
        let (ada, bob) = (scene.person("ada").await, scene.person("bob").await);
        let conversation = ada.direct(&bob).await;
        Self { scene, hub, log, ada, bob: bob.at(&gateway), conversation }
    }

    /// Ada sends, and no hint of it arrives.
    async fn lose(&self) {
        self.hub.set_faults(LOST);
        self.send().await;
        self.hub.set_faults(BusFaults::default());
    }

    async fn send(&self) {
        self.ada.send(self.conversation, "x").await;
    }
}

/// The seqs of the next so many messages, if they come in time.
async fn messages(reader: &mut Reader, count: usize, within: Duration) -> Vec<u64> {
    let mut got = Vec::new();
    let reading = async {
        while got.len() < count {
            got.extend(seqs(&[reader.message().await]));
        }
    };
    timeout(within, reading).await.unwrap_or_default();
    got
}

#[tokio::test(start_paused = true)]
async fn conversation_that_was_first_written_here_is_followed_once_somebody_listens() {
    let pair = Pair::new().await;
    let Pair { scene, ada, bob, conversation, .. } = &pair;
    ada.at(&scene.gateways[1]).send(*conversation, "by REST").await;
    let mut reader = bob.open(None).await;
    pair.send().await;
    assert_eq!(messages(&mut reader, 1, Duration::from_secs(1)).await, [4]);
    ada.execute(Command::Typing { conversation: *conversation, on: true }).await.unwrap();
    assert!(timeout(Duration::from_secs(1), reader.session.next_batch()).await.is_ok(), "typing");
}

#[tokio::test(start_paused = true)]
async fn session_that_opens_later_takes_no_entry_from_one_that_opened_before() {
    let Pair { scene: _scene, hub, log, ada, bob, conversation } = Pair::new().await;
    log.heads.close_after(1);
    let mut opening = JoinSet::new();
    for _ in 0..2 {
        let bob = bob.clone();
        opening.spawn(async move { bob.open(None).await });
    }
    let mut first = opening.join_next().await.unwrap().unwrap();
    hub.set_faults(BusFaults { delay_permille: 1_000, delay_max: 100, ..BusFaults::default() });
    ada.send(conversation, "the hint is on its way").await;
    log.heads.open();
    let mut second = opening.join_next().await.unwrap().unwrap();
    hub.settle();
    assert_eq!(messages(&mut first, 1, Duration::from_secs(1)).await, [3]);
    hub.set_faults(BusFaults::default());
    ada.send(conversation, "for both").await;
    assert_eq!(messages(&mut first, 1, Duration::from_secs(1)).await, [4]);
    assert_eq!(messages(&mut second, 1, Duration::from_secs(1)).await.last(), Some(&4));
}

#[tokio::test(start_paused = true)]
async fn gap_that_shows_during_a_repair_is_repaired_as_well() {
    let pair = Pair::new().await;
    let mut reader = pair.bob.open(None).await;
    pair.log.reads.close_after(0);
    pair.lose().await;
    pair.send().await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    pair.lose().await;
    pair.send().await;
    pair.log.reads.open();
    assert_eq!(messages(&mut reader, 4, Duration::from_millis(300)).await, [3, 4, 5, 6]);
}

#[tokio::test(start_paused = true)]
async fn own_entry_after_a_lost_hint_shows_the_gap() {
    let pair = Pair::new().await;
    let mut reader = pair.bob.open(None).await;
    pair.lose().await;
    pair.bob.send(pair.conversation, "own").await;
    assert_eq!(messages(&mut reader, 2, Duration::from_millis(300)).await, [3, 4]);
}

#[tokio::test(start_paused = true)]
async fn entry_after_one_lost_hint_arrives_within_five_seconds() {
    let pair = Pair::new().await;
    let mut reader = pair.bob.open(None).await;
    for pause in 0..30 {
        tokio::time::sleep(Duration::from_millis(pause * 40)).await;
        pair.lose().await;
        let seq = pause + 3;
        assert_eq!(messages(&mut reader, 1, Duration::from_secs(5)).await, [seq]);
    }
}
