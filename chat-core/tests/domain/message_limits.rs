//! Titles, reactions and edits are bounded.

use chat_core::{
    command::{Change, Command},
    error::ChatError,
    limits::{EDITS_PER_MESSAGE_MAX, EMOJI_PER_MESSAGE_MAX},
};

use crate::scene::{Scene, emoji, made};

#[tokio::test(start_paused = true)]
async fn title_is_trimmed_and_refused_when_invisible() {
    let scene = Scene::new(1);
    let ada = scene.person("ada").await;
    let group = |title: &str| {
        let (title, key) = (title.into(), "k".into());
        Command::CreateGroup { title, members: Vec::new(), key }
    };
    let conversation = made(ada.execute(group(" Tea ")).await);
    assert_eq!(conversation.title.as_deref(), Some("Tea"));
    assert_eq!(made(ada.execute(group("Tea")).await).id, conversation.id);
    for title in ["", "  ", "\u{200B}", "Tea\n", "\u{202E}Tea"] {
        let refused = ada.execute(group(title)).await.unwrap_err();
        assert!(matches!(refused, ChatError::Invalid { .. }), "{title:?}: {refused:?}");
        let change = Change::SetTitle { title: title.into() };
        assert_eq!(ada.change(conversation.id, change).await, Err(refused));
    }
    let change = Change::SetTitle { title: " Supper ".into() };
    ada.change(conversation.id, change).await.unwrap();
    let view = ada.view(conversation.id).await.unwrap();
    assert_eq!(view.title.as_deref(), Some("Supper"));
}

#[tokio::test(start_paused = true)]
async fn emoji_of_a_message_are_bounded_when_removed_again() {
    let scene = Scene::new(1);
    let ada = scene.person("ada").await;
    let conversation = ada.group(&[]).await;
    let target_seq = ada.send(conversation, "x").await;
    let react = |number, on| Change::React { target_seq, emoji: emoji(number), on };
    for number in 0..EMOJI_PER_MESSAGE_MAX {
        ada.change(conversation, react(number, true)).await.unwrap();
        ada.change(conversation, react(number, false)).await.unwrap();
    }
    let one_more = ada.change(conversation, react(EMOJI_PER_MESSAGE_MAX, true)).await;
    let full = ChatError::Full { what: "the message", max: EMOJI_PER_MESSAGE_MAX };
    assert_eq!(one_more, Err(full));
    for number in 0..EMOJI_PER_MESSAGE_MAX {
        ada.change(conversation, react(number, true)).await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn message_can_be_redacted_when_its_edits_are_used_up() {
    let scene = Scene::new(1);
    let ada = scene.person("ada").await;
    let conversation = ada.group(&[]).await;
    let target_seq = ada.send(conversation, "x").await;
    let edit = || Change::Edit { target_seq, text: "y".into() };
    for _ in 0..EDITS_PER_MESSAGE_MAX {
        ada.change(conversation, edit()).await.unwrap();
    }
    let full = ChatError::Full { what: "the message", max: EDITS_PER_MESSAGE_MAX };
    assert_eq!(ada.change(conversation, edit()).await, Err(full));
    ada.change(conversation, Change::Redact { target_seq }).await.unwrap();
}
