//! Whoever is removed gets what comes before that, and nothing after it, whatever comes in between.

use chat_core::{
    chat::PendingReply,
    command::{Change, Write},
    id::ConversationId,
    model::Seq,
};

use crate::scene::{Person, Reader, Scene, seqs};

fn text() -> Change {
    Change::Text { text: "x".into(), reply_to: None }
}

fn add(user: &Person) -> Change {
    Change::SetMember { user: user.id(), role: None }
}

/// Puts changes in the queue all at once: they are one append.
async fn together(
    scene: &Scene,
    person: &Person,
    conversation: ConversationId,
    changes: impl IntoIterator<Item = Change>,
) {
    let submit = |change| {
        let write =
            Write { conversation, client_id: None, expected_seq: None, base_seq: None, change };
        scene.gateways[0].submit(person.identity, write).unwrap()
    };
    let pending: Vec<PendingReply> = changes.into_iter().map(submit).collect();
    let before = scene.log.appends();
    for one in pending {
        one.reply().await.unwrap();
    }
    assert_eq!(scene.log.appends() - before, 1);
}

/// A group of Ada and Bob with this many other listeners, and Bob's readers on both gateways.
async fn scene_with(others: usize) -> (Scene, Person, Person, ConversationId, Vec<Reader>) {
    let scene = Scene::new(2);
    let (ada, bob) = (scene.person("ada").await, scene.person("bob").await);
    let conversation = ada.group(&[&bob]).await;
    let mut readers = Vec::new();
    for gateway in &scene.gateways {
        readers.push(bob.at(gateway).open(None).await);
        for _ in 0..others {
            readers.push(ada.at(gateway).open(None).await);
        }
    }
    readers.sort_by_key(|reader| reader.session.outbox().identity() != bob.identity);
    (scene, ada, bob, conversation, readers)
}

#[tokio::test(start_paused = true)]
async fn what_is_appended_together_with_a_removal_does_not_reach_the_removed() {
    for others in [0, 600] {
        let (scene, ada, bob, conversation, mut readers) = scene_with(others).await;
        let remove = Change::Remove { user: bob.id() };
        together(&scene, &ada, conversation, [text(), remove, text(), text()]).await;
        for reader in &mut readers[..2] {
            let events = reader.read().await;
            assert_eq!(seqs(&events), [3, 4]);
            assert_eq!(events.last().unwrap(), &format!("removed {conversation}"));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn who_is_removed_and_added_at_once_gets_each_entry_once() {
    for others in [0, 600] {
        let (scene, ada, bob, conversation, mut readers) = scene_with(others).await;
        let remove = Change::Remove { user: bob.id() };
        together(&scene, &ada, conversation, [remove, add(&bob), text()]).await;
        for reader in &mut readers[..2] {
            assert_eq!(seqs(&reader.read().await), [3, 4, 5]);
        }
        ada.send(conversation, "live").await;
        for reader in &mut readers[..2] {
            assert_eq!(seqs(&reader.read().await), [6], "who came back hears on");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn member_who_came_back_before_a_late_fan_out_goes_on_hearing() {
    let (scene, ada, bob, conversation, mut readers) = scene_with(600).await;
    let remove = Change::Remove { user: bob.id() };
    let mut bobs = readers.drain(..1).collect::<Vec<_>>();
    let reading = async {
        let events = bobs[0].read().await;
        assert_eq!(seqs(&events), [3, 4, 5]);
    };
    tokio::join!(reading, together(&scene, &ada, conversation, [remove, add(&bob), text()]));
    ada.send(conversation, "live").await;
    assert_eq!(seqs(&bobs[0].read().await), [6]);
}

#[tokio::test(start_paused = true)]
async fn typing_does_not_reach_who_has_still_to_read_of_the_own_removal() {
    let (_scene, ada, bob, conversation, mut readers) = scene_with(0).await;
    ada.change(conversation, Change::Remove { user: bob.id() }).await.unwrap();
    let typing = chat_core::command::Command::Typing { conversation, on: true };
    ada.execute(typing).await.unwrap();
    for reader in &mut readers[..2] {
        let events = reader.read().await;
        assert!(!events.iter().any(|event| event.starts_with("typing")), "{events:?}");
        assert_eq!(seqs(&events), [3]);
    }
    assert_eq!(ada.history(conversation).await.unwrap().last(), Some(&Seq::new(3)));
}
