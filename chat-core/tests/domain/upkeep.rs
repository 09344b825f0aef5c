//! Background work: lost hints are made up for, and nothing is kept for users who have gone.

use std::{sync::Arc, time::Duration};

use chat_core::{
    chat::Chat,
    faults::{Call, Faults, FaultyBus},
    limits::MEMBERSHIPS_WITHIN,
    memory::{BusFaults, MemoryHub, MemoryStores},
    port::Channel,
    revocations::Revocations,
};
use tokio::{
    task::JoinSet,
    time::{sleep, timeout},
};

use crate::scene::{Person, Scene, seqs};

const SECOND: Duration = Duration::from_secs(1);
/// The time between two sweeps, and a little more.
const SWEEP: Duration = Duration::from_secs(31);

/// Ada at one gateway and Bob at another one, whose bus and store have faults of their own.
struct Pair {
    scene: Scene,
    hub: MemoryHub,
    bobs_bus: Arc<FaultyBus>,
    bobs_faults: Arc<Faults>,
    bobs_gateway: Arc<Chat>,
    ada: Person,
    bob: Person,
}

impl Pair {
    async fn new() -> Self {
        let hub = MemoryHub::new();
        let mut scene = Scene::on(1, &hub, MemoryStores::new());
        let bobs_faults = Faults::new();
        let bobs_bus = bobs_faults.bus(hub.bus());
        let bobs_gateway = scene.join(&bobs_faults, bobs_bus.clone());
        let (ada, bob) = (scene.person("ada").await, scene.person("bob").await);
        let bob = bob.at(&bobs_gateway);
        Self { scene, hub, bobs_bus, bobs_faults, bobs_gateway, ada, bob }
    }

    fn lose_hints(&self, lost: bool) {
        let drop_permille = if lost { 1_000 } else { 0 };
        self.hub.set_faults(BusFaults { drop_permille, ..BusFaults::default() });
    }

    /// Makes Bob's gateway assume that it has missed hints.
    fn interrupt_bobs_bus(&self) {
        self.bobs_bus.inner().cut_off();
        self.bobs_bus.inner().heal();
    }

    /// Registers a person at Bob's gateway.
    async fn neighbour(&self, number: usize) -> Person {
        self.scene.person(&format!("user-{number}")).await.at(&self.bobs_gateway)
    }
}

#[tokio::test(start_paused = true)]
async fn hints_are_received_while_everything_is_compared() {
    let pair = Pair::new().await;
    pair.bobs_faults.delay(Call::OfUser, SECOND / 10);
    let conversation = pair.ada.direct(&pair.bob).await;
    let mut reader = pair.bob.open(None).await;
    let mut opening = JoinSet::new();
    for number in 0..100 {
        let neighbour = pair.neighbour(number).await;
        opening.spawn(async move { neighbour.open(None).await });
    }
    let _neighbours = opening.join_all().await;
    pair.interrupt_bobs_bus();
    sleep(SECOND / 20).await;
    pair.ada.send(conversation, "x").await;
    assert!(reader.receives("message", SECOND / 10).await);
}

#[tokio::test(start_paused = true)]
async fn lost_hint_is_made_up_for_when_the_bus_reports_loss() {
    let pair = Pair::new().await;
    let mut reader = pair.bob.open(None).await;
    pair.lose_hints(true);
    pair.ada.direct(&pair.bob).await;
    pair.lose_hints(false);
    pair.interrupt_bobs_bus();
    assert!(reader.receives("conversation", SECOND / 10).await);
}

#[tokio::test(start_paused = true)]
async fn logout_reaches_other_gateways_when_the_bus_is_back() {
    let pair = Pair::new().await;
    pair.bobs_bus.inner().cut_off();
    pair.bobs_gateway.revoked(pair.ada.identity);
    assert!(!pair.scene.gateways[0].is_revoked(pair.ada.identity.login));
    pair.bobs_bus.inner().heal();
    sleep(SECOND).await;
    assert!(pair.scene.gateways[0].is_revoked(pair.ada.identity.login));
}

#[tokio::test(start_paused = true)]
async fn new_conversation_is_announced_when_its_outcome_was_unknown() {
    let pair = Pair::new().await;
    pair.scene.faults.lose_every(Call::Append, 2);
    pair.ada.group(&[]).await;
    let mut reader = pair.bob.open(None).await;
    pair.ada.direct(&pair.bob).await;
    assert!(reader.receives("conversation", SECOND).await);
}

#[tokio::test(start_paused = true)]
async fn first_text_arrives_within_two_seconds_without_a_bus() {
    for after in [0, 300, 900, 4_700, 7_200] {
        let pair = Pair::new().await;
        let mut reader = pair.bob.open(None).await;
        pair.hub.cut_off();
        sleep(Duration::from_millis(after)).await;
        let conversation = pair.ada.direct(&pair.bob).await;
        pair.ada.send(conversation, "x").await;
        let message = format!("message {conversation} 3 ");
        assert!(reader.receives(&message, 2 * SECOND).await, "{after} ms after the cut");
    }
}

#[tokio::test(start_paused = true)]
async fn new_conversation_is_found_in_time_when_its_hint_was_lost() {
    let pair = Pair::new().await;
    let mut readers = Vec::new();
    for number in 0..17 {
        let neighbour = pair.neighbour(number).await;
        readers.push((neighbour.open(None).await, neighbour));
    }
    pair.lose_hints(true);
    let mut waiting = JoinSet::new();
    for (mut reader, neighbour) in readers {
        pair.ada.direct(&neighbour).await;
        waiting.spawn(async move { reader.receives("conversation", MEMBERSHIPS_WITHIN).await });
    }
    assert_eq!(waiting.join_all().await, [true; 17]);
}

#[tokio::test(start_paused = true)]
async fn session_is_detached_when_opened_with_a_stale_membership() {
    let pair = Pair::new().await;
    let conversation = pair.ada.group(&[&pair.bob]).await;
    let stale = pair.scene.stores.conversations.of_user(pair.bob.id()).await.unwrap();
    pair.bobs_faults.freeze_memberships(Some(stale));
    pair.ada.remove(conversation, &pair.bob).await;
    let mut reader = pair.bob.open(None).await;
    assert_eq!(reader.heads.len(), 1);
    pair.bobs_faults.freeze_memberships(None);
    assert!(reader.receives("removed", MEMBERSHIPS_WITHIN).await);
    pair.ada.send(conversation, "without you").await;
    assert_eq!(seqs(&reader.read().await), []);
}

#[tokio::test(start_paused = true)]
async fn conversation_is_followed_when_reopened_during_a_sweep() {
    let pair = Pair::new().await;
    let conversation = pair.ada.direct(&pair.bob).await;
    drop(pair.bob.open(None).await);
    pair.bobs_faults.gate(Call::Unsubscribe).close();
    sleep(SWEEP).await;
    let mut reader = pair.bob.open(None).await;
    pair.bobs_faults.gate(Call::Unsubscribe).open();
    sleep(SECOND / 100).await;
    pair.ada.send(conversation, "x").await;
    assert!(reader.receives("message", SECOND / 10).await);
}

#[tokio::test(start_paused = true)]
async fn user_is_followed_when_returning_during_a_sweep() {
    let pair = Pair::new().await;
    drop(pair.bob.open(None).await);
    sleep(SWEEP).await;
    pair.bobs_faults.gate(Call::Unsubscribe).close();
    sleep(SWEEP).await;
    let mut reader = pair.bob.open(None).await;
    pair.bobs_faults.gate(Call::Unsubscribe).open();
    sleep(SECOND / 100).await;
    pair.ada.direct(&pair.bob).await;
    assert!(reader.receives("conversation", SECOND / 10).await);
}

#[tokio::test(start_paused = true)]
async fn subscriptions_end_when_their_users_have_gone() {
    let pair = Pair::new().await;
    let _reader = pair.bob.open(None).await;
    for number in 0..100 {
        let neighbour = pair.neighbour(number).await;
        if number < 10 {
            pair.ada.direct(&neighbour).await;
        }
        drop((neighbour.open(None).await, neighbour.open(None).await));
    }
    sleep(2 * SWEEP).await;
    let mut left = pair.bobs_bus.channels();
    left.remove(&Channel::Gateways);
    assert_eq!(left, [Channel::User(pair.bob.id())].into());
}

#[tokio::test(start_paused = true)]
async fn every_session_waits_until_its_user_is_followed() {
    let pair = Pair::new().await;
    sleep(SECOND).await;
    pair.bobs_faults.gate(Call::Subscribe).close();
    let mut opening = JoinSet::new();
    for _ in 0..2 {
        let bob = pair.bob.clone();
        opening.spawn(async move { bob.open(None).await });
    }
    assert!(timeout(SECOND, opening.join_next()).await.is_err());
    pair.bobs_faults.gate(Call::Subscribe).open();
    assert_eq!(opening.join_all().await.len(), 2);
}
