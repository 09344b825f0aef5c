//! What members may do, how repeats are answered, and what readers see.

use chat_core::{
    command::{Change, Command, Reply, Totals, Write},
    error::ChatError,
    id::ConversationId,
    model::{Body, ClientId, Role, Seq},
};

use crate::scene::{Person, Scene, made, remove, text_of, write, written};

#[tokio::test(start_paused = true)]
async fn direct_conversation_cannot_be_changed_by_either_side() {
    let scene = Scene::new(1);
    let (ada, bob) = (scene.person("ada").await, scene.person("bob").await);
    let conversation = ada.direct(&bob).await;
    assert_eq!(bob.direct(&ada).await, conversation);
    let peer = bob.view(conversation).await.unwrap().peer.unwrap();
    assert_eq!(peer.id, ada.id());
    for change in [
        remove(&bob),
        Change::SetTitle { title: "x".into() },
        Change::SetMember { user: bob.id(), role: Some(Role::Admin) },
    ] {
        let refusal = ada.change(conversation, change).await.unwrap_err();
        assert!(matches!(refusal, ChatError::Forbidden(_)), "{refusal}");
    }
}

#[tokio::test(start_paused = true)]
async fn outsider_cannot_learn_that_a_conversation_exists() {
    let scene = Scene::new(1);
    let (ada, bob) = (scene.person("ada").await, scene.person("bob").await);
    let conversation = ada.group(&[]).await;
    let missing = ConversationId::new(77).unwrap();
    let refused = bob.change(conversation, text_of("x")).await.unwrap_err();
    assert_eq!(refused, bob.change(missing, text_of("x")).await.unwrap_err());
    assert_eq!(bob.history(conversation).await, bob.history(missing).await);
}

#[tokio::test(start_paused = true)]
async fn repeat_gets_the_first_answer_unless_its_text_differs() {
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
async fn last_owner_can_leave_when_another_member_becomes_owner() {
    let scene = Scene::new(1);
    let (ada, bob) = (scene.person("ada").await, scene.person("bob").await);
    let conversation = ada.group(&[&bob]).await;
    let left = ada.change(conversation, remove(&ada)).await;
    assert!(matches!(left, Err(ChatError::Conflict(_))));
    let step_down = Change::SetMember { user: ada.id(), role: Some(Role::Member) };
    assert!(matches!(ada.change(conversation, step_down).await, Err(ChatError::Conflict(_))));
    let promote = Change::SetMember { user: bob.id(), role: Some(Role::Owner) };
    ada.change(conversation, promote).await.unwrap();
    ada.remove(conversation, &ada).await;
    assert_eq!(bob.view(conversation).await.unwrap().member_count, 1);
    bob.remove(conversation, &bob).await;
}

#[tokio::test(start_paused = true)]
async fn member_sees_only_entries_between_joining_and_leaving() {
    let scene = Scene::new(1);
    let (ada, bob) = (scene.person("ada").await, scene.person("bob").await);
    let conversation = ada.group(&[]).await;
    ada.send(conversation, "before").await;
    ada.add(conversation, &bob).await;
    ada.send(conversation, "after").await;
    assert_eq!(bob.history(conversation).await.unwrap(), [Seq::new(3), Seq::new(4)]);
    assert_eq!(bob.view(conversation).await.unwrap().unread, 1);
    ada.remove(conversation, &bob).await;
    assert!(matches!(bob.history(conversation).await, Err(ChatError::NotFound(_))));
    ada.add(conversation, &bob).await;
    assert_eq!(bob.history(conversation).await.unwrap(), [Seq::new(6)]);
    assert_eq!(bob.view(conversation).await.unwrap().unread, 0);
}

#[tokio::test(start_paused = true)]
async fn redaction_removes_the_text_of_a_message_and_its_edits() {
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
async fn reaction_makes_no_entry_when_nothing_changes() {
    let scene = Scene::new(1);
    let ada = scene.person("ada").await;
    let conversation = ada.group(&[]).await;
    let target_seq = ada.send(conversation, "x").await;
    let react = |on| Change::React { target_seq, emoji: "👍".into(), on };
    let absent = written(ada.change(conversation, react(false)).await.unwrap());
    assert!(absent.replayed);
    assert_eq!(absent.entry.entry.seq, target_seq);
    let first = written(ada.change(conversation, react(true)).await.unwrap());
    let again = written(ada.change(conversation, react(true)).await.unwrap());
    assert!(again.replayed);
    assert_eq!(again.entry.entry.seq, first.entry.entry.seq);
    assert_eq!(scene.entries(conversation).await.len(), 3);
}

#[tokio::test(start_paused = true)]
async fn idempotency_key_creates_one_group_on_any_gateway() {
    let scene = Scene::new(2);
    let ada = scene.person("ada").await;
    let create = |title: &str| Command::CreateGroup {
        title: title.into(),
        members: Vec::new(),
        key: "k".into(),
    };
    let first = made(ada.execute(create("Tea")).await);
    let elsewhere = ada.at(&scene.gateways[1]);
    assert_eq!(made(elsewhere.execute(create("Tea")).await).id, first.id);
    let other = elsewhere.execute(create("Coffee")).await;
    assert_eq!(other, Err(ChatError::KeyReused("Idempotency-Key")));
}

#[tokio::test(start_paused = true)]
async fn send_conflicts_with_the_head_when_another_seq_is_expected() {
    let scene = Scene::new(1);
    let ada = scene.person("ada").await;
    let conversation = ada.group(&[]).await;
    let send = |expected: u64| {
        let expected_seq = Some(Seq::new(expected));
        Command::Write(Write { expected_seq, ..write(conversation, text_of("x")) })
    };
    let early = ada.execute(send(3)).await;
    assert_eq!(early, Err(ChatError::HeadMoved { head_seq: Seq::new(1) }));
    let entry = written(ada.execute(send(2)).await.unwrap()).entry.entry;
    assert!(matches!(entry.body, Body::Text { .. }));
    assert_eq!(entry.seq, Seq::new(2));
}

#[tokio::test(start_paused = true)]
async fn repeat_is_answered_when_the_command_is_now_invalid() {
    let scene = Scene::new(1);
    let ada = scene.person("ada").await;
    let conversation = ada.group(&[]).await;
    let command = |client_id: &str, expected: Option<u64>, change| {
        let client_id = Some(ClientId::new(client_id).unwrap());
        let expected_seq = expected.map(Seq::new);
        Command::Write(Write { client_id, expected_seq, ..write(conversation, change) })
    };
    let send = command("a", Some(2), text_of("x"));
    let first = written(ada.execute(send.clone()).await.unwrap());
    let target_seq = first.entry.entry.seq;
    let edit = command("b", None, Change::Edit { target_seq, text: "y".into() });
    let edited = written(ada.execute(edit.clone()).await.unwrap());
    ada.change(conversation, Change::Redact { target_seq }).await.unwrap();
    for (command, first) in [(send, first), (edit, edited)] {
        let again = written(ada.execute(command).await.unwrap());
        assert!(again.replayed);
        assert_eq!(again.entry.entry.seq, first.entry.entry.seq);
    }
}

#[tokio::test(start_paused = true)]
async fn first_members_see_the_conversation_from_its_first_entry() {
    let scene = Scene::new(1);
    let (ada, bob) = (scene.person("ada").await, scene.person("bob").await);
    let conversation = ada.group(&[&bob]).await;
    for member in [&ada, &bob] {
        let history = member.history(conversation).await.unwrap();
        assert_eq!(history, [Seq::new(1), Seq::new(2)]);
    }
}

#[tokio::test(start_paused = true)]
async fn list_counts_unread_conversations_and_requests_beyond_its_page() {
    let scene = Scene::new(1);
    let (ada, bob) = (scene.person("ada").await, scene.person("bob").await);
    let mut groups = Vec::new();
    for number in 0..5 {
        let (title, members) = ("Lunch".into(), vec![bob.id()]);
        let key = number.to_string().into();
        let group = made(ada.execute(Command::CreateGroup { title, members, key }).await).id;
        ada.send(group, "hello").await;
        groups.push(group);
    }
    assert_eq!(totals(&bob).await, Totals { unread_conversations: 0, requests: 5 });
    for group in &groups[..4] {
        bob.accept(*group).await;
    }
    assert_eq!(totals(&bob).await, Totals { unread_conversations: 4, requests: 1 });
    let head = bob.view(groups[0]).await.unwrap().head_seq;
    bob.read_up_to(groups[0], head).await;
    ada.change(groups[1], Change::Redact { target_seq: head }).await.unwrap();
    bob.execute(Command::Decline { conversation: groups[4] }).await.unwrap();
    assert_eq!(totals(&bob).await, Totals { unread_conversations: 2, requests: 0 });
    assert_eq!(totals(&ada).await, Totals::default(), "one's own messages are read");
}

/// Returns the totals that come with a page of one conversation.
async fn totals(person: &Person) -> Totals {
    let reply = person.execute(Command::Conversations { state: None, after: None, limit: 1 }).await;
    let Ok(Reply::Conversations { items, totals, .. }) = reply else { unreachable!("{reply:?}") };
    assert_eq!(items.len(), 1);
    totals
}
