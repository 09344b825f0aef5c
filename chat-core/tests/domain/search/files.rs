//! Messages with files are found.

use std::sync::Arc;

use chat_core::{
    command::{Change, SearchFilter},
    id::{AttachmentId, ConversationId},
    memory::MemorySearch,
    model::{Seq, Upload},
    search::Has,
};
use tokio::time::sleep;

use super::{INDEXED, ada_and_bob, all, edit, looking_for, searchable};
use crate::scene::{Person, Scene};

/// Sends a message with an empty file.
async fn send_file(
    scene: &Scene,
    sender: &Person,
    conversation: ConversationId,
    text: &str,
) -> Seq {
    let (id, now) = (AttachmentId::from(scene.clock.fresh_id()), scene.clock.now());
    let upload = Upload::new(id, sender.id(), conversation, "a.txt".into(), 0, now);
    assert!(scene.stores.uploads.create(&upload).await.unwrap());
    let change = Change::Text { text: text.into(), reply_to: None, attachments: vec![id] };
    let client_id = format!("m-{id}");
    let written = sender.change_as(conversation, &client_id, change).await.unwrap();
    written.entry.entry.seq
}

#[tokio::test(start_paused = true)]
async fn messages_with_files_are_found_until_they_are_redacted() {
    let scene = searchable(1, Arc::new(MemorySearch::default()));
    let (ada, bob, group) = ada_and_bob(&scene).await;
    ada.send(group, "tea without a file").await;
    let silent = send_file(&scene, &ada, group, "").await;
    let tea = send_file(&scene, &ada, group, "tea on a photo").await;
    let files = || SearchFilter { has: Some(Has::Attachment), ..SearchFilter::default() };
    let photos = || SearchFilter { query: looking_for("tea").query, ..files() };
    sleep(INDEXED).await;
    assert_eq!(all(&bob, files()).await, [(group, tea.get()), (group, silent.get())]);
    assert_eq!(all(&bob, photos()).await, [(group, tea.get())]);
    ada.change(group, edit(tea, "coffee on a photo")).await.unwrap();
    sleep(INDEXED).await;
    assert!(all(&bob, photos()).await.is_empty());
    assert_eq!(all(&bob, files()).await, [(group, tea.get()), (group, silent.get())]);
    ada.change(group, Change::Redact { target_seq: tea }).await.unwrap();
    sleep(INDEXED).await;
    assert_eq!(all(&bob, files()).await, [(group, silent.get())]);
}
