//! A gateway decides correctly although its state of a conversation is old or partial.

use chat_core::{
    command::{Change, Reply},
    error::ChatError,
    id::ConversationId,
    model::{Role, Seq},
};
use futures_util::future::join_all;

use crate::scene::{Person, Scene, remove, text_of, written};

fn react(target_seq: Seq, on: bool) -> Change {
    Change::React { target_seq, emoji: "👍".into(), on }
}

/// Queues changes before any of them is written and returns the answers.
async fn change_together(
    conversation: ConversationId,
    changes: impl IntoIterator<Item = (&Person, Change)>,
) -> Vec<Result<Reply, ChatError>> {
    let begin = |(person, change): (&Person, Change)| person.begin(conversation, change);
    join_all(changes.into_iter().map(begin)).await
}

#[tokio::test(start_paused = true)]
async fn message_can_be_changed_when_asked_for_before_it_existed() {
    let scene = Scene::new(1);
    let ada = scene.person("ada").await;
    let conversation = ada.group(&[]).await;
    let target_seq = ada.send(conversation, "one").await.next();
    let early = ada.change(conversation, react(target_seq, true)).await;
    assert_eq!(early, Err(ChatError::NotFound("message")));
    assert_eq!(ada.send(conversation, "two").await, target_seq);
    for change in [
        react(target_seq, true),
        Change::Edit { target_seq, text: "three".into() },
        Change::Redact { target_seq },
        Change::plain("four", Some(target_seq)),
    ] {
        ada.change(conversation, change).await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn message_and_changes_of_it_are_written_together() {
    let scene = Scene::new(1);
    let ada = scene.person("ada").await;
    let conversation = ada.group(&[]).await;
    let target_seq = ada.send(conversation, "warm").await.next();
    let changes = [
        text_of("one"),
        react(target_seq, true),
        Change::Redact { target_seq },
        react(target_seq.next(), true),
    ];
    let replies = change_together(conversation, changes.map(|change| (&ada, change))).await;
    for (reply, seq) in replies[..3].iter().zip(3..) {
        assert_eq!(written(reply.clone().unwrap()).entry.entry.seq, Seq::new(seq));
    }
    assert!(matches!(replies[3], Err(ChatError::Invalid { .. })), "{:?}", replies[3]);
}

#[tokio::test(start_paused = true)]
async fn two_members_leave_together_when_the_count_is_stale() {
    for role in [Role::Member, Role::Owner] {
        let scene = Scene::new(2);
        let (ada, bob) = (scene.person("ada").await, scene.person("bob").await);
        let carol = scene.person("carol").await;
        let conversation = ada.group(&[]).await;
        let elsewhere = &scene.gateways[1];
        ada.at(elsewhere).send(conversation, "warm").await;
        for user in [bob.id(), carol.id()] {
            let add = Change::SetMember { user, role: Some(role) };
            ada.change(conversation, add).await.unwrap();
        }
        let (bob, carol) = (bob.at(elsewhere), carol.at(elsewhere));
        let leaving = [(&bob, remove(&bob)), (&carol, remove(&carol))];
        let replies = change_together(conversation, leaving).await;
        assert!(replies.iter().all(Result::is_ok), "{role:?}: {replies:?}");
        assert_eq!(ada.view(conversation).await.unwrap().member_count, 1);
    }
}

#[tokio::test(start_paused = true)]
async fn repeat_returns_its_own_entry_when_another_is_equal() {
    let scene = Scene::new(1);
    let ada = scene.person("ada").await;
    let conversation = ada.group(&[]).await;
    let target_seq = ada.send(conversation, "x").await;
    let changes = [("c1", true), ("c2", false), ("c3", true)];
    let mut first = Vec::new();
    for (client_id, on) in changes {
        first.push(ada.change_as(conversation, client_id, react(target_seq, on)).await.unwrap());
    }
    for ((client_id, on), first) in changes.into_iter().zip(first) {
        let again = ada.change_as(conversation, client_id, react(target_seq, on)).await.unwrap();
        assert!(again.replayed);
        assert_eq!(again.entry.entry, first.entry.entry);
    }
}

#[tokio::test(start_paused = true)]
async fn used_client_id_is_refused_when_nothing_would_change() {
    let scene = Scene::new(1);
    let ada = scene.person("ada").await;
    let conversation = ada.group(&[]).await;
    let target_seq = ada.send_as(conversation, "used", "x").await.unwrap().entry.entry.seq;
    ada.change(conversation, react(target_seq, true)).await.unwrap();
    let refused = Err(ChatError::KeyReused("client_id"));
    for change in [react(target_seq, true), react(target_seq, false)] {
        assert_eq!(ada.change_as(conversation, "used", change).await, refused);
    }
    ada.change(conversation, Change::Redact { target_seq }).await.unwrap();
    for change in [Change::Redact { target_seq }, react(target_seq, false)] {
        assert_eq!(ada.change_as(conversation, "used", change).await, refused);
    }
}
