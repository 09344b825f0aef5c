//! What runs by itself: nothing that a hint told is lost for good, and nothing is kept for nobody.

use std::{sync::Arc, time::Duration};

use chat_core::{
    chat::Chat,
    command::Change,
    limits::MEMBERSHIPS_WITHIN,
    memory::{BusFaults, MemoryHub},
    port::{Channel, Stores},
    revocations::Revocations,
    session::Batch,
};
use tokio::{
    task::JoinSet,
    time::{sleep, timeout},
};

use crate::{
    faults::{GatedBus, SlowConversations},
    scene::{Person, Reader, Scene, seqs},
};

const SECOND: Duration = Duration::from_secs(1);
/// The time between two sweeps, and a little more.
const SWEEP: Duration = Duration::from_secs(31);

/// Two gateways, the second one with a bus and views that a test has in its hands.
struct Pair {
    scene: Scene,
    hub: MemoryHub,
    bus: Arc<GatedBus>,
    there: Arc<Chat>,
    ada: Person,
    bob: Person,
}

impl Pair {
    async fn new(lookup: Duration, doubt_every: u32) -> Self {
        let hub = MemoryHub::new();
        let mut scene = Scene::with(1, &hub, doubt_every);
        let conversations = SlowConversations::new(scene.stores.conversations.clone(), lookup);
        let bus = GatedBus::new(hub.bus());
        let there = scene.join(Stores { conversations, ..scene.stores.clone() }, bus.clone());
        let (ada, bob) = (scene.person("ada").await, scene.person("bob").await);
        let bob = bob.at(&there);
        Self { scene, hub, bus, there, ada, bob }
    }

    fn lose_hints(&self, lost: bool) {
        let drop_permille = if lost { 1_000 } else { 0 };
        self.hub.set_faults(BusFaults { drop_permille, ..BusFaults::default() });
    }
}

/// Reads until an event begins like this; whether it came in time.
async fn comes(reader: &mut Reader, prefix: &str, within: Duration) -> bool {
    let reading = async {
        loop {
            let Batch::Frames(frames) = reader.session.next_batch().await else { continue };
            if frames.iter().any(|frame| frame.starts_with(prefix.as_bytes())) {
                return;
            }
        }
    };
    timeout(within, reading).await.is_ok()
}

#[tokio::test(start_paused = true)]
async fn hints_are_heard_while_everything_is_compared() {
    let Pair { scene, bus, there, ada, bob, .. } = Pair::new(SECOND / 10, 0).await;
    let conversation = ada.direct(&bob).await;
    let mut reader = bob.open(None).await;
    let mut opening = JoinSet::new();
    for number in 0..100 {
        let one = scene.person(&format!("user-{number}")).await.at(&there);
        opening.spawn(async move { one.open(None).await });
    }
    let readers = opening.join_all().await;
    bus.inner.cut_off();
    bus.inner.heal();
    sleep(SECOND / 20).await;
    ada.send(conversation, "x").await;
    assert!(comes(&mut reader, "message", SECOND / 10).await);
    drop(readers);
}

#[tokio::test(start_paused = true)]
async fn what_was_lost_is_found_at_once_after_a_doubt() {
    let pair = Pair::new(Duration::ZERO, 0).await;
    let mut reader = pair.bob.open(None).await;
    pair.lose_hints(true);
    pair.ada.direct(&pair.bob).await;
    pair.lose_hints(false);
    pair.bus.inner.cut_off();
    pair.bus.inner.heal();
    assert!(comes(&mut reader, "conversation", SECOND / 10).await);
}

#[tokio::test(start_paused = true)]
async fn log_out_of_a_gateway_that_was_cut_off_reaches_the_others() {
    let pair = Pair::new(Duration::ZERO, 0).await;
    pair.bus.inner.cut_off();
    pair.there.revoked(pair.ada.identity);
    assert!(!pair.scene.gateways[0].is_revoked(pair.ada.identity.login));
    pair.bus.inner.heal();
    sleep(SECOND).await;
    assert!(pair.scene.gateways[0].is_revoked(pair.ada.identity.login));
}

#[tokio::test(start_paused = true)]
async fn new_conversation_is_told_also_where_its_founding_was_in_doubt() {
    let Pair { ada, bob, scene: _scene, .. } = Pair::new(Duration::ZERO, 2).await;
    ada.group(&[]).await;
    let mut reader = bob.open(None).await;
    ada.direct(&bob).await;
    assert!(comes(&mut reader, "conversation", SECOND).await);
}

#[tokio::test(start_paused = true)]
async fn new_conversation_and_its_first_text_arrive_within_two_seconds_without_a_bus() {
    for after in [0, 300, 900, 4_700, 7_200] {
        let Pair { ada, bob, hub, scene: _scene, .. } = Pair::new(Duration::ZERO, 0).await;
        let mut reader = bob.open(None).await;
        hub.cut_off();
        sleep(Duration::from_millis(after)).await;
        let conversation = ada.direct(&bob).await;
        ada.send(conversation, "x").await;
        let message = format!("message {conversation} 3 ");
        assert!(comes(&mut reader, &message, 2 * SECOND).await, "{after} ms after the cut");
    }
}

#[tokio::test(start_paused = true)]
async fn new_conversation_of_which_the_hint_was_lost_is_found_in_time() {
    let pair = Pair::new(Duration::ZERO, 0).await;
    let (mut opening, mut readers) = (JoinSet::new(), Vec::new());
    for number in 0..17 {
        let one = pair.scene.person(&format!("user-{number}")).await.at(&pair.there);
        readers.push((one.open(None).await, one));
    }
    pair.lose_hints(true);
    for (mut reader, one) in readers {
        pair.ada.direct(&one).await;
        opening.spawn(async move { comes(&mut reader, "conversation", MEMBERSHIPS_WITHIN).await });
    }
    assert_eq!(opening.join_all().await, [true; 17]);
}

#[tokio::test(start_paused = true)]
async fn session_that_listens_past_a_removal_is_ended() {
    let hub = MemoryHub::new();
    let mut scene = Scene::with(1, &hub, 0);
    let views = SlowConversations::new(scene.stores.conversations.clone(), Duration::ZERO);
    let stores = Stores { conversations: views.clone(), ..scene.stores.clone() };
    let gateway = scene.join(stores, Arc::new(hub.bus()));
    let (ada, bob) = (scene.person("ada").await, scene.person("bob").await);
    let conversation = ada.group(&[&bob]).await;
    let bob = bob.at(&gateway);
    let before = scene.stores.conversations.of_user(bob.id()).await.unwrap();
    *views.stale.lock().unwrap() = Some(before);
    ada.change(conversation, Change::Remove { user: bob.id() }).await.unwrap();
    let mut reader = bob.open(None).await;
    assert_eq!(reader.heads.len(), 1);
    *views.stale.lock().unwrap() = None;
    assert!(comes(&mut reader, "removed", MEMBERSHIPS_WITHIN).await);
    ada.send(conversation, "without you").await;
    assert_eq!(seqs(&reader.read().await), []);
}

#[tokio::test(start_paused = true)]
async fn conversation_that_comes_back_during_a_sweep_is_followed() {
    let Pair { ada, bob, bus, scene: _scene, .. } = Pair::new(Duration::ZERO, 0).await;
    let conversation = ada.direct(&bob).await;
    drop(bob.open(None).await);
    bus.ends.close_after(0);
    sleep(SWEEP).await;
    let mut reader = bob.open(None).await;
    bus.ends.open();
    sleep(SECOND / 100).await;
    ada.send(conversation, "x").await;
    assert!(comes(&mut reader, "message", SECOND / 10).await);
}

#[tokio::test(start_paused = true)]
async fn user_who_comes_back_during_a_sweep_is_followed() {
    let Pair { ada, bob, bus, scene: _scene, .. } = Pair::new(Duration::ZERO, 0).await;
    drop(bob.open(None).await);
    sleep(SWEEP).await;
    bus.ends.close_after(0);
    sleep(SWEEP).await;
    let mut reader = bob.open(None).await;
    bus.ends.open();
    sleep(SECOND / 100).await;
    ada.direct(&bob).await;
    assert!(comes(&mut reader, "conversation", SECOND / 10).await);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_left_of_users_who_have_gone() {
    let Pair { bob, bus, scene, there, .. } = Pair::new(Duration::ZERO, 0).await;
    let reader = bob.open(None).await;
    for number in 0..100 {
        let one = scene.person(&format!("user-{number}")).await.at(&there);
        drop((one.open(None).await, one.open(None).await));
    }
    sleep(2 * SWEEP).await;
    let mut left = bus.channels.lock().unwrap().clone();
    left.remove(&Channel::Gateways);
    assert_eq!(left, [Channel::User(bob.id())].into());
    drop(reader);
}

#[tokio::test(start_paused = true)]
async fn every_session_waits_until_its_user_is_followed() {
    let Pair { bob, bus, scene: _scene, .. } = Pair::new(Duration::ZERO, 0).await;
    sleep(SECOND).await;
    bus.begins.close_after(0);
    let mut opening = JoinSet::new();
    for _ in 0..2 {
        let bob = bob.clone();
        opening.spawn(async move { bob.open(None).await });
    }
    assert!(timeout(SECOND, opening.join_next()).await.is_err());
    bus.begins.open();
    assert_eq!(opening.join_all().await.len(), 2);
}
