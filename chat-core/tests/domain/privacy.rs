//! Privacy settings and blocks.

use std::time::Duration;

use chat_core::{
    command::{Change, Command},
    error::ChatError,
    limits::BLOCKS_MAX,
    model::{Audience, PrivacyChange},
};

use crate::scene::{Person, Scene, add, text_of};

async fn set_privacy(scene: &Scene, person: &Person, change: PrivacyChange) {
    scene.gateways[0].set_privacy(person.identity, change).await.unwrap();
}

async fn block(scene: &Scene, owner: &Person, user: &Person, on: bool) {
    scene.gateways[0].set_block(owner.identity, user.id(), on).await.unwrap();
}

async fn sees(scene: &Scene, watcher: &Person, user: &Person) -> bool {
    scene.gateways[0].acquainted(watcher.id(), &[user.id()]).await.unwrap()[0]
}

const NOTHING: PrivacyChange = PrivacyChange {
    last_seen: None,
    direct_messages: None,
    add_to_groups: None,
    read_receipts: None,
};

#[tokio::test(start_paused = true)]
async fn strangers_are_kept_out_when_settings_say_so() {
    let scene = Scene::new(1);
    let (ada, bob, eve) =
        (scene.person("ada").await, scene.person("bob").await, scene.person("eve").await);
    let direct = ada.direct(&bob).await;
    ada.send(direct, "hello").await;
    let group = ada.group(&[]).await;
    let strangers = eve.group(&[]).await;
    for (audience, contact_may) in [(Audience::Contacts, true), (Audience::Nobody, false)] {
        let change = PrivacyChange {
            direct_messages: Some(audience),
            add_to_groups: Some(audience),
            ..NOTHING
        };
        set_privacy(&scene, &bob, change).await;
        let opened = eve.execute(Command::OpenDirect { user: bob.id() }).await;
        assert_eq!(opened, Err(ChatError::Private));
        assert_eq!(eve.change(strangers, add(&bob)).await, Err(ChatError::Private));
        assert_eq!(ada.change(group, add(&bob)).await, Err(ChatError::Private), "not accepted yet");
        bob.accept(direct).await;
        assert_eq!(ada.change(group, add(&bob)).await.is_ok(), contact_may);
        assert_eq!(ada.direct(&bob).await, direct, "it exists already");
        if contact_may {
            ada.remove(group, &bob).await;
            break;
        }
    }
    let nobody = PrivacyChange { add_to_groups: Some(Audience::Nobody), ..NOTHING };
    set_privacy(&scene, &bob, nobody).await;
    assert_eq!(ada.change(group, add(&bob)).await, Err(ChatError::Private));
    let members = vec![bob.id()];
    let create = Command::CreateGroup { title: "Tea".into(), members, key: "k".into() };
    assert_eq!(ada.execute(create).await, Err(ChatError::Private));
}

#[tokio::test(start_paused = true)]
async fn blocked_user_cannot_reach_the_blocker() {
    let scene = Scene::new(2);
    let (ada, bob) = (scene.person("ada").await, scene.person("bob").await);
    let direct = ada.direct(&bob).await;
    bob.accept(direct).await;
    let seq = ada.send(direct, "hello").await;
    let shared = bob.group(&[&ada]).await;
    ada.send(shared, "hello").await;
    let other = ada.group(&[]).await;
    block(&scene, &bob, &ada, true).await;
    let thumb = Change::React { target_seq: seq, emoji: "\u{1F44D}".into(), on: true };
    for change in [text_of("x"), Change::Edit { target_seq: seq, text: "y".into() }, thumb] {
        assert_eq!(ada.change(direct, change).await, Err(ChatError::Private));
    }
    ada.change(direct, Change::Redact { target_seq: seq }).await.unwrap();
    assert_eq!(ada.change(other, add(&bob)).await, Err(ChatError::Private));
    ada.send(shared, "shared groups go on").await;
    bob.send(direct, "the blocker may write").await;
    assert!(!sees(&scene, &ada, &bob).await);
    assert!(sees(&scene, &bob, &ada).await);

    block(&scene, &bob, &ada, false).await;
    ada.send(direct, "again").await;
    assert!(sees(&scene, &ada, &bob).await);
}

#[tokio::test(start_paused = true)]
async fn block_is_known_to_other_gateways_after_two_seconds() {
    let scene = Scene::new(2);
    let (ada, bob) = (scene.person("ada").await, scene.person("bob").await);
    let direct = ada.direct(&bob).await;
    let elsewhere = ada.at(&scene.gateways[1]);
    elsewhere.send(direct, "before").await;
    block(&scene, &bob, &ada, true).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(elsewhere.change(direct, text_of("after")).await, Err(ChatError::Private));
}

#[tokio::test(start_paused = true)]
async fn repeat_gets_its_entry_when_the_sender_was_blocked_since() {
    let scene = Scene::new(1);
    let (ada, bob) = (scene.person("ada").await, scene.person("bob").await);
    let direct = ada.direct(&bob).await;
    let first = ada.send_as(direct, "a", "hello").await.unwrap();
    block(&scene, &bob, &ada, true).await;
    let again = ada.send_as(direct, "a", "hello").await.unwrap();
    assert_eq!((again.entry, again.replayed), (first.entry, true));
}

#[tokio::test(start_paused = true)]
async fn blocked_member_of_a_group_gets_no_receipts_and_no_typing_of_the_blocker() {
    let scene = Scene::new(2);
    let (ada, bob, eve) =
        (scene.person("ada").await, scene.person("bob").await, scene.person("eve").await);
    let group = ada.group(&[&bob, &eve]).await;
    bob.accept(group).await;
    let seq = ada.send(group, "hello").await;
    block(&scene, &bob, &ada, true).await;
    let mut readers = Vec::new();
    for (person, is_told) in [(&ada, false), (&eve, true)] {
        for gateway in &scene.gateways {
            readers.push((person.at(gateway).open(None).await, is_told));
        }
    }
    bob.read_up_to(group, seq).await;
    bob.execute(Command::Typing { conversation: group, on: true }).await.unwrap();
    for (reader, is_told) in &mut readers {
        let events = reader.read().await;
        assert_eq!(events.len(), if *is_told { 2 } else { 0 }, "{events:?}");
    }
    assert_eq!(ada.cursor_of(group, &bob).await, [0, 0]);
    assert_eq!(eve.cursor_of(group, &bob).await, [4, 4]);
}

#[tokio::test(start_paused = true)]
async fn reads_are_hidden_from_and_for_those_who_hide_theirs() {
    let scene = Scene::new(2);
    let (ada, bob) = (scene.person("ada").await, scene.person("bob").await);
    let direct = ada.direct(&bob).await;
    bob.accept(direct).await;
    let [one, two] = [ada.send(direct, "1").await, ada.send(direct, "2").await];
    let hide = PrivacyChange { read_receipts: Some(false), ..NOTHING };
    let mut adas = ada.at(&scene.gateways[1]).open(None).await;
    let mut bobs = bob.at(&scene.gateways[1]).open(None).await;
    set_privacy(&scene, &bob, hide).await;
    bob.read_up_to(direct, one).await;
    let delivered = format!("receipt {direct} {} #3 #0", bob.id());
    assert_eq!(adas.read().await, [delivered]);
    let all = Command::Receipt { conversation: direct, delivered_seq: Some(two), read_seq: None };
    bob.execute(all).await.unwrap();
    adas.read().await;
    bobs.read().await;
    bob.read_up_to(direct, two).await;
    assert_eq!(adas.read().await, [""; 0], "not even the time of reading shows");
    assert_eq!(bobs.read().await, [format!("receipt {direct} {} #4 #4", bob.id())]);
    assert_eq!(ada.cursor_of(direct, &bob).await, [4, 0]);

    let seq = bob.send(direct, "3").await;
    bobs.read().await;
    ada.read_up_to(direct, seq).await;
    assert_eq!(bobs.read().await, [format!("receipt {direct} {} #5 #0", ada.id())]);
    assert_eq!(bob.cursor_of(direct, &ada).await, [5, 0]);
    let mut later = bob.open(None).await;
    let seq = bob.send(direct, "4").await;
    later.read().await;
    ada.read_up_to(direct, seq).await;
    assert_eq!(later.read().await, [format!("receipt {direct} {} #6 #0", ada.id())]);
}

#[tokio::test(start_paused = true)]
async fn presence_is_shown_as_far_as_both_sides_allow() {
    let scene = Scene::new(1);
    let (ada, bob, eve) =
        (scene.person("ada").await, scene.person("bob").await, scene.person("eve").await);
    let direct = ada.direct(&bob).await;
    bob.accept(direct).await;
    let group = ada.group(&[&eve]).await;
    eve.accept(group).await;
    let all = [(&ada, &bob), (&bob, &ada), (&ada, &eve), (&eve, &ada)];
    for (audience, expected) in [
        (Audience::Everyone, [true, true, true, true]),
        (Audience::Contacts, [true, true, false, false]),
        (Audience::Nobody, [false, false, false, false]),
    ] {
        set_privacy(&scene, &ada, PrivacyChange { last_seen: Some(audience), ..NOTHING }).await;
        for ((watcher, user), expected) in all.into_iter().zip(expected) {
            assert_eq!(sees(&scene, watcher, user).await, expected, "{audience:?}");
        }
    }
    assert!(sees(&scene, &ada, &ada).await);
}

#[tokio::test(start_paused = true)]
async fn list_of_blocks_is_limited_and_belongs_to_others() {
    let scene = Scene::new(1);
    let (ada, bob) = (scene.person("ada").await, scene.person("bob").await);
    let gateway = &scene.gateways[0];
    for number in 1..=BLOCKS_MAX as u64 {
        let user = chat_core::id::UserId::new(number).unwrap();
        scene.stores.boundaries.set_block(ada.id(), user, true).await.unwrap();
    }
    let full = gateway.set_block(ada.identity, bob.id(), true).await;
    assert!(matches!(full, Err(ChatError::Full { max: BLOCKS_MAX, .. })), "{full:?}");
    let nobody = chat_core::id::UserId::new(7).unwrap();
    let missing = gateway.set_block(bob.identity, nobody, true).await;
    assert_eq!(missing, Err(ChatError::NotFound("user")));
    let own = gateway.set_block(ada.identity, ada.id(), true).await;
    assert!(matches!(own, Err(ChatError::Invalid { .. })), "{own:?}");
}
