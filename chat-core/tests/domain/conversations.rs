//! Who may do what, what repeats do, and what readers see.

use chat_core::{
    command::{Change, Command},
    error::ChatError,
    memory::MemoryHub,
    model::{Body, ClientId, Role, Seq},
};

use crate::scene::{Scene, made, written};

#[tokio::test(start_paused = true)]
async fn direct_conversation_is_the_same_from_both_sides_and_stays_as_it_is() {
    let scene = Scene::new(1);
    let (ada, bob) = (scene.person("ada").await, scene.person("bob").await);
    let conversation = ada.direct(&bob).await;
    assert_eq!(bob.direct(&ada).await, conversation);
    let peer = bob.view(conversation).await.unwrap().peer.unwrap();
    assert_eq!(peer.id, ada.id());
    for change in [
        Change::Remove { user: ada.id() },
        Change::SetTitle { title: "x".into() },
        Change::SetMember { user: bob.id(), role: Some(Role::Admin) },
    ] {
        let refusal = ada.change(conversation, change).await.unwrap_err();
        assert!(matches!(refusal, ChatError::Forbidden(_)), "{refusal}");
    }
}

#[tokio::test(start_paused = true)]
async fn stranger_is_told_the_same_as_of_what_is_not_there() {
    let scene = Scene::new(1);
    let (ada, bob) = (scene.person("ada").await, scene.person("bob").await);
    let conversation = ada.group(&[]).await;
    let nowhere = chat_core::id::ConversationId::new(77).unwrap();
    let text = || Change::Text { text: "x".into(), reply_to: None };
    let there = bob.change(conversation, text()).await.unwrap_err();
    assert_eq!(there, bob.change(nowhere, text()).await.unwrap_err());
    assert_eq!(bob.history(conversation).await, bob.history(nowhere).await);
}

#[tokio::test(start_paused = true)]
async fn repeat_gets_the_first_answer_and_other_content_is_refused() {
    let scene = Scene::new(1);
    let ada = scene.person("ada").await;
    let conversation = ada.group(&[]).await;
    let first = ada.send_as(conversation, "a", "hello").await.unwrap();
    assert!(!first.replayed);
    let again = ada.send_as(conversation, "a", "hello").await.unwrap();
    assert!(again.replayed);
    assert_eq!(again.entry, first.entry);
    let other = ada.send_as(conversation, "a", "other").await;
    assert_eq!(other, Err(ChatError::KeyReused("client_id")));
    assert_eq!(scene.entries(conversation).await.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn last_owner_stays_until_ownership_is_handed_on() {
    let scene = Scene::new(1);
    let (ada, bob) = (scene.person("ada").await, scene.person("bob").await);
    let conversation = ada.group(&[&bob]).await;
    let leave = || Change::Remove { user: ada.id() };
    assert!(matches!(ada.change(conversation, leave()).await, Err(ChatError::Conflict(_))));
    let step_down = Change::SetMember { user: ada.id(), role: Some(Role::Member) };
    assert!(matches!(ada.change(conversation, step_down).await, Err(ChatError::Conflict(_))));
    let hand_on = Change::SetMember { user: bob.id(), role: Some(Role::Owner) };
    ada.change(conversation, hand_on).await.unwrap();
    ada.change(conversation, leave()).await.unwrap();
    assert_eq!(bob.view(conversation).await.unwrap().member_count, 1);
    bob.change(conversation, Change::Remove { user: bob.id() }).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn who_joins_later_sees_from_there_and_who_left_sees_nothing() {
    let scene = Scene::new(1);
    let (ada, bob) = (scene.person("ada").await, scene.person("bob").await);
    let conversation = ada.group(&[]).await;
    ada.send(conversation, "before").await;
    let add = Change::SetMember { user: bob.id(), role: None };
    ada.change(conversation, add.clone()).await.unwrap();
    ada.send(conversation, "after").await;
    assert_eq!(bob.history(conversation).await.unwrap(), [Seq::new(3), Seq::new(4)]);
    assert_eq!(bob.view(conversation).await.unwrap().unread, 1);
    ada.change(conversation, Change::Remove { user: bob.id() }).await.unwrap();
    assert!(matches!(bob.history(conversation).await, Err(ChatError::NotFound(_))));
    ada.change(conversation, add).await.unwrap();
    assert_eq!(bob.history(conversation).await.unwrap(), [Seq::new(6)]);
    assert_eq!(bob.view(conversation).await.unwrap().unread, 0);
}

#[tokio::test(start_paused = true)]
async fn redaction_takes_the_text_of_the_message_and_of_its_edits() {
    let scene = Scene::new(1);
    let ada = scene.person("ada").await;
    let conversation = ada.group(&[]).await;
    let target_seq = ada.send(conversation, "secret one").await;
    let edit = Change::Edit { target_seq, text: "secret two".into() };
    ada.change(conversation, edit.clone()).await.unwrap();
    let redact = Change::Redact { target_seq };
    let first = written(ada.change(conversation, redact.clone()).await.unwrap());
    let again = written(ada.change(conversation, redact).await.unwrap());
    assert!(again.replayed);
    assert_eq!(again.entry.entry.seq, first.entry.entry.seq);
    assert!(matches!(ada.change(conversation, edit).await, Err(ChatError::Conflict(_))));
    assert!(!format!("{:?}", scene.entries(conversation).await).contains("secret"));
    let mut reader = ada.open(Some([(conversation, Seq::ZERO)].into())).await;
    assert!(!reader.read().await.concat().contains("secret"));
}

#[tokio::test(start_paused = true)]
async fn reaction_that_stands_already_makes_no_entry() {
    let scene = Scene::new(1);
    let ada = scene.person("ada").await;
    let conversation = ada.group(&[]).await;
    let target_seq = ada.send(conversation, "x").await;
    let react = |on| Change::React { target_seq, emoji: "👍".into(), on };
    let never = written(ada.change(conversation, react(false)).await.unwrap());
    assert!(never.replayed);
    assert_eq!(never.entry.entry.seq, target_seq);
    let first = written(ada.change(conversation, react(true)).await.unwrap());
    let again = written(ada.change(conversation, react(true)).await.unwrap());
    assert!(again.replayed);
    assert_eq!(again.entry.entry.seq, first.entry.entry.seq);
    assert_eq!(scene.entries(conversation).await.len(), 3);
}

#[tokio::test(start_paused = true)]
async fn group_is_made_once_under_one_key() {
    let scene = Scene::new(2);
    let ada = scene.person("ada").await;
    let command = |title: &str| Command::CreateGroup {
        title: title.into(),
        members: Vec::new(),
        key: "k".into(),
    };
    let first = made(ada.execute(command("Tea")).await);
    let elsewhere = ada.at(&scene.gateways[1]);
    assert_eq!(made(elsewhere.execute(command("Tea")).await).id, first.id);
    let other = elsewhere.execute(command("Coffee")).await;
    assert_eq!(other, Err(ChatError::KeyReused("Idempotency-Key")));
}

#[tokio::test(start_paused = true)]
async fn expected_seq_is_the_next_one_or_a_conflict_that_tells_the_head() {
    let scene = Scene::new(1);
    let ada = scene.person("ada").await;
    let conversation = ada.group(&[]).await;
    let write = |expected: u64| {
        Command::Write(chat_core::command::Write {
            conversation,
            client_id: None,
            expected_seq: Some(Seq::new(expected)),
            base_seq: None,
            change: Change::Text { text: "x".into(), reply_to: None },
        })
    };
    let early = ada.execute(write(3)).await;
    assert_eq!(early, Err(ChatError::HeadMoved { head_seq: Seq::new(1) }));
    let entry = written(ada.execute(write(2)).await.unwrap()).entry.entry;
    assert!(matches!(entry.body, Body::Text { .. }));
    assert_eq!(entry.seq, Seq::new(2));
}

#[tokio::test(start_paused = true)]
async fn repeat_is_answered_also_where_the_command_would_be_refused_now() {
    let scene = Scene::new(1);
    let ada = scene.person("ada").await;
    let conversation = ada.group(&[]).await;
    let write = |client_id: &str, expected: Option<u64>, change| {
        Command::Write(chat_core::command::Write {
            conversation,
            client_id: Some(ClientId::new(client_id).unwrap()),
            expected_seq: expected.map(Seq::new),
            base_seq: None,
            change,
        })
    };
    let send = write("a", Some(2), Change::Text { text: "x".into(), reply_to: None });
    let first = written(ada.execute(send.clone()).await.unwrap());
    let target_seq = first.entry.entry.seq;
    let edit = write("b", None, Change::Edit { target_seq, text: "y".into() });
    let edited = written(ada.execute(edit.clone()).await.unwrap());
    ada.change(conversation, Change::Redact { target_seq }).await.unwrap();
    for (command, made) in [(send, first), (edit, edited)] {
        let again = written(ada.execute(command).await.unwrap());
        assert!(again.replayed);
        assert_eq!(again.entry.entry.seq, made.entry.entry.seq);
    }
}

#[tokio::test(start_paused = true)]
async fn refusal_does_not_rest_on_an_old_picture_of_the_conversation() {
    let hub = MemoryHub::new();
    let scene = Scene::with(2, &hub, 0);
    let (ada, bob) = (scene.person("ada").await, scene.person("bob").await);
    let conversation = ada.group(&[]).await;
    let elsewhere = bob.at(&scene.gateways[1]);
    assert!(elsewhere.send_as(conversation, "a", "x").await.is_err());
    hub.cut_off();
    ada.change(conversation, Change::SetMember { user: bob.id(), role: None }).await.unwrap();
    assert!(elsewhere.send_as(conversation, "b", "x").await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn writes_of_one_caller_keep_their_order_when_another_gateway_is_faster() {
    let scene = Scene::new(2);
    let (ada, bob) = (scene.person("ada").await, scene.person("bob").await);
    let conversation = ada.direct(&bob).await;
    let mut others = tokio::task::JoinSet::new();
    for _ in 0..50 {
        let bob = bob.at(&scene.gateways[1]);
        others.spawn(async move { bob.send(conversation, "x").await });
    }
    let first = ada.send(conversation, "target").await;
    let mut pending = Vec::new();
    for index in 0..60 {
        let change = if index % 3 == 1 {
            // Refused, and planned anew with all others whenever the head has moved.
            Change::Edit { target_seq: Seq::new(1), text: "x".into() }
        } else {
            Change::React { target_seq: first, emoji: format!("{index}").into(), on: true }
        };
        let write = chat_core::command::Write {
            conversation,
            client_id: None,
            expected_seq: None,
            base_seq: None,
            change,
        };
        pending.push(ada.begin(write));
    }
    let mut last = Seq::ZERO;
    for reply in pending {
        if let Ok(reply) = reply.await {
            let seq = written(reply).entry.entry.seq;
            assert!(seq > last, "{seq} after {last}");
            last = seq;
        }
    }
    others.join_all().await;
}

#[tokio::test(start_paused = true)]
async fn founders_see_the_conversation_from_its_first_entry() {
    let scene = Scene::new(1);
    let (ada, bob) = (scene.person("ada").await, scene.person("bob").await);
    let conversation = ada.group(&[&bob]).await;
    for founder in [&ada, &bob] {
        let history = founder.history(conversation).await.unwrap();
        assert_eq!(history, [Seq::new(1), Seq::new(2)]);
    }
}
