//! Who is removed between two reads of the store learns nothing of what comes after.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use chat_core::{
    chat::Chat,
    command::{Change, Command, Page},
    error::StoreError,
    id::ConversationId,
    limits::PAGE_MAX,
    memory::{MemoryHub, MemoryStores},
    model::Seq,
};

use crate::{
    hooked::{Call, Hook, hooked},
    scene::{Person, Scene},
};

/// Removes a member before the read that is as many reads away, and goes on without it.
#[derive(Debug, Default)]
struct Removal(Mutex<Option<Planned>>);

struct Planned {
    reads: usize,
    by: Person,
    of: Person,
    late: Person,
    conversation: ConversationId,
}

impl std::fmt::Debug for Planned {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Planned").field("reads", &self.reads).finish_non_exhaustive()
    }
}

impl Removal {
    fn due(&self) -> Option<Planned> {
        let mut planned = self.0.lock().unwrap();
        if let Some(Planned { reads: left @ 1.., .. }) = &mut *planned {
            *left -= 1;
            return None;
        }
        planned.take()
    }
}

#[async_trait]
impl Hook for Removal {
    async fn before(&self, _call: Call) -> Result<(), StoreError> {
        let Some(Planned { by, of, late, conversation, .. }) = self.due() else { return Ok(()) };
        by.change(conversation, Change::Remove { user: of.id() }).await.unwrap();
        let edit = Change::Edit { target_seq: TARGET, text: "secret edit".into() };
        by.change(conversation, edit).await.unwrap();
        by.change(conversation, Change::SetTitle { title: "secret title".into() }).await.unwrap();
        by.send(conversation, "secret text").await;
        let late = Change::SetMember { user: late.id(), role: None };
        by.change(conversation, late).await.unwrap();
        Ok(())
    }
}

/// The text that is there before.
const TARGET: Seq = Seq::new(3);

/// Bob asks this, and is removed before his gateway's first, second, … read of the store; what he
/// is told each time.
async fn told(command: impl Fn(ConversationId) -> Command) -> Vec<String> {
    let mut told = Vec::new();
    for reads in 0.. {
        let (stores, removal) = (MemoryStores::new(), Arc::<Removal>::default());
        let hub = MemoryHub::new();
        let scene = Scene::over(1, &hub, 0, hooked(&stores, removal.clone()));
        let elsewhere = Scene::over(1, &hub, 0, stores);
        let (ada, bob) = (elsewhere.person("ada").await, elsewhere.person("bob").await);
        let conversation = ada.group(&[&bob]).await;
        assert_eq!(ada.send(conversation, "open").await, TARGET);
        let at: &Arc<Chat> = &scene.gateways[0];
        let (by, of, late) = (ada.clone(), bob.clone(), elsewhere.person("carol").await);
        let secret = format!("{:?}", late.id());
        *removal.0.lock().unwrap() = Some(Planned { reads, by, of, late, conversation });
        let answer = format!("{:?}", bob.at(at).execute(command(conversation)).await);
        told.push(answer.replace(&secret, "secret"));
        if removal.0.lock().unwrap().is_some() {
            // So many reads there are not.
            return told;
        }
    }
    unreachable!("there is an end")
}

fn assert_discreet(told: &[String]) {
    assert!(told.len() > 2, "{told:?}");
    for (reads, told) in told.iter().enumerate() {
        assert!(!told.contains("secret"), "removed before read {reads}: {told}");
    }
    assert!(told.last().unwrap().starts_with("Ok"), "{told:?}");
}

#[tokio::test(start_paused = true)]
async fn history_ends_with_the_membership() {
    for page in [Page::Newest, Page::After(TARGET.previous()), Page::Around(TARGET)] {
        let history = |conversation| Command::History { conversation, page, limit: PAGE_MAX };
        assert_discreet(&told(history).await);
    }
}

#[tokio::test(start_paused = true)]
async fn view_and_list_of_conversations_end_with_the_membership() {
    assert_discreet(&told(|conversation| Command::Conversation { conversation }).await);
    assert_discreet(&told(|_| Command::Conversations { after: None, limit: PAGE_MAX }).await);
}

#[tokio::test(start_paused = true)]
async fn list_of_members_ends_with_the_membership() {
    let members = |conversation| Command::Members { conversation, after: None, limit: PAGE_MAX };
    assert_discreet(&told(members).await);
}
