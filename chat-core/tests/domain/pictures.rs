//! What a gateway believes of a conversation is old or partial, and decides nothing wrongly.

use chat_core::{
    command::{Change, Command, Reply, Write},
    error::ChatError,
    id::ConversationId,
    model::{ClientId, Role, Seq},
};

use crate::scene::{Person, Scene, written};

fn write(conversation: ConversationId, client_id: Option<&str>, change: Change) -> Write {
    let client_id = client_id.map(|id| ClientId::new(id).unwrap());
    Write { conversation, client_id, expected_seq: None, base_seq: None, change }
}

fn text(text: &str) -> Change {
    Change::Text { text: text.into(), reply_to: None }
}

fn react(target_seq: Seq, on: bool) -> Change {
    Change::React { target_seq, emoji: "👍".into(), on }
}

/// Puts writes into the queue at the same moment, and gives their answers.
async fn together(writes: Vec<(&Person, Write)>) -> Vec<Result<Reply, ChatError>> {
    let begin = |(person, write): (&Person, Write)| person.begin(write);
    let pending: Vec<_> = writes.into_iter().map(begin).collect();
    let mut replies = Vec::new();
    for one in pending {
        replies.push(one.await);
    }
    replies
}

#[tokio::test(start_paused = true)]
async fn message_that_was_asked_about_too_early_is_like_any_other() {
    let scene = Scene::new(1);
    let ada = scene.person("ada").await;
    let conversation = ada.group(&[]).await;
    let target_seq = ada.send(conversation, "one").await.next();
    let early = ada.change(conversation, react(target_seq, true)).await;
    assert_eq!(early, Err(ChatError::NotFound("message")));
    assert_eq!(ada.send(conversation, "two").await, target_seq);
    ada.change(conversation, react(target_seq, true)).await.unwrap();
    let edit = Change::Edit { target_seq, text: "three".into() };
    ada.change(conversation, edit).await.unwrap();
    ada.change(conversation, Change::Redact { target_seq }).await.unwrap();
    let answer = Change::Text { text: "four".into(), reply_to: Some(target_seq) };
    ada.change(conversation, answer).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn message_and_what_is_done_to_it_may_be_written_together() {
    let scene = Scene::new(1);
    let ada = scene.person("ada").await;
    let conversation = ada.group(&[]).await;
    let target_seq = ada.send(conversation, "warm").await.next();
    let changes = [
        text("one"),
        react(target_seq, true),
        Change::Redact { target_seq },
        react(target_seq.next(), true),
    ];
    let writes = changes.map(|change| (&ada, write(conversation, None, change)));
    let replies = together(writes.into()).await;
    for (reply, seq) in replies[..3].iter().zip(3..) {
        assert_eq!(written(reply.clone().unwrap()).entry.entry.seq, Seq::new(seq));
    }
    assert!(matches!(replies[3], Err(ChatError::Invalid { .. })), "{:?}", replies[3]);
}

#[tokio::test(start_paused = true)]
async fn gateway_that_counts_too_few_members_lets_two_of_them_leave_together() {
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
        let leave = |who: &Person| write(conversation, None, Change::Remove { user: who.id() });
        let replies = together(vec![(&bob, leave(&bob)), (&carol, leave(&carol))]).await;
        assert!(replies.iter().all(Result::is_ok), "{role:?}: {replies:?}");
        assert_eq!(ada.view(conversation).await.unwrap().member_count, 1);
    }
}

#[tokio::test(start_paused = true)]
async fn repeat_gets_its_own_entry_where_another_one_says_the_same() {
    let scene = Scene::new(1);
    let ada = scene.person("ada").await;
    let conversation = ada.group(&[]).await;
    let target_seq = ada.send(conversation, "x").await;
    let mut made = Vec::new();
    for (client_id, on) in [("c1", true), ("c2", false), ("c3", true)] {
        let command = Command::Write(write(conversation, Some(client_id), react(target_seq, on)));
        made.push((command.clone(), written(ada.execute(command).await.unwrap())));
    }
    for (command, first) in made {
        let again = written(ada.execute(command).await.unwrap());
        assert!(again.replayed);
        assert_eq!(again.entry.entry, first.entry.entry);
    }
}

#[tokio::test(start_paused = true)]
async fn client_id_of_another_command_is_refused_also_where_nothing_is_to_be_done() {
    let scene = Scene::new(1);
    let ada = scene.person("ada").await;
    let conversation = ada.group(&[]).await;
    let target_seq = ada.send_as(conversation, "used", "x").await.unwrap().entry.entry.seq;
    ada.change(conversation, react(target_seq, true)).await.unwrap();
    let mut refused = vec![react(target_seq, true), react(target_seq, false)];
    for _ in 0..2 {
        for change in refused.drain(..) {
            let command = Command::Write(write(conversation, Some("used"), change));
            assert_eq!(ada.execute(command).await, Err(ChatError::KeyReused("client_id")));
        }
        ada.change(conversation, Change::Redact { target_seq }).await.unwrap();
        refused.extend([Change::Redact { target_seq }, react(target_seq, false)]);
    }
}
