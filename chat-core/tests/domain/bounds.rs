//! What is done to one message has an end.

use chat_core::{
    command::Change,
    error::ChatError,
    limits::{EDITS_PER_MESSAGE_MAX, EMOJI_PER_MESSAGE_MAX},
};

use crate::scene::Scene;

#[tokio::test(start_paused = true)]
async fn emoji_on_a_message_are_bounded_also_when_they_are_taken_off_again() {
    let scene = Scene::new(1);
    let ada = scene.person("ada").await;
    let conversation = ada.group(&[]).await;
    let target_seq = ada.send(conversation, "x").await;
    let react = |nth: usize, on| Change::React { target_seq, emoji: format!("{nth}").into(), on };
    for nth in 0..EMOJI_PER_MESSAGE_MAX {
        ada.change(conversation, react(nth, true)).await.unwrap();
        ada.change(conversation, react(nth, false)).await.unwrap();
    }
    let one_more = ada.change(conversation, react(EMOJI_PER_MESSAGE_MAX, true)).await;
    let full = ChatError::Full { what: "the message", max: EMOJI_PER_MESSAGE_MAX };
    assert_eq!(one_more, Err(full));
    for nth in 0..EMOJI_PER_MESSAGE_MAX {
        ada.change(conversation, react(nth, true)).await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn edits_of_a_message_are_bounded_and_it_can_still_be_redacted() {
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
