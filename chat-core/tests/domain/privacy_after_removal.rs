//! A member who is removed between two reads of the store learns nothing that comes after.

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use chat_core::{
    command::{Change, Command, Page},
    faults::{Call, Hook},
    id::ConversationId,
    limits::PAGE_MAX,
    memory::{MemoryHub, MemoryStores},
    model::Seq,
};
use parking_lot::Mutex;

use crate::scene::{Person, Scene, add, remove};

/// The text that exists before the removal.
const TARGET: Seq = Seq::new(3);

/// Removes a member after a number of calls of the store, and writes secrets after that.
#[derive(Debug, Default)]
struct RemoveDuringRead(Mutex<Option<Removal>>);

struct Removal {
    calls_before: usize,
    conversation: ConversationId,
    owner: Person,
    removed: Person,
    newcomer: Person,
}

impl fmt::Debug for Removal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Removal").field("calls_before", &self.calls_before).finish_non_exhaustive()
    }
}

impl RemoveDuringRead {
    /// Counts a call and returns the removal if it is due.
    fn due(&self) -> Option<Removal> {
        let mut removal = self.0.lock();
        if let Some(Removal { calls_before: left @ 1.., .. }) = &mut *removal {
            *left -= 1;
            return None;
        }
        removal.take()
    }
}

#[async_trait]
impl Hook for RemoveDuringRead {
    async fn before(&self, _call: Call) {
        let Some(Removal { conversation, owner, removed, newcomer, .. }) = self.due() else {
            return;
        };
        for change in [
            remove(&removed),
            Change::Edit { target_seq: TARGET, text: "secret edit".into() },
            Change::SetTitle { title: "secret title".into() },
            Change::plain("secret text", None),
            add(&newcomer),
        ] {
            owner.change(conversation, change).await.unwrap();
        }
    }
}

/// Executes a command of Bob's once for each call that it makes of the store, with Bob removed just
/// before that call, and once without a removal. Returns the answers.
async fn answers(command: impl Fn(ConversationId) -> Command) -> Vec<String> {
    let mut answers = Vec::new();
    for calls_before in 0.. {
        let (hub, stores) = (MemoryHub::new(), MemoryStores::new());
        let here = Scene::on(1, &hub, stores.clone());
        let elsewhere = Scene::on(1, &hub, stores);
        let (owner, bob) = (elsewhere.person("ada").await, elsewhere.person("bob").await);
        let newcomer = elsewhere.person("carol").await;
        let conversation = owner.group(&[&bob]).await;
        assert_eq!(owner.send(conversation, "open").await, TARGET);
        let secret = format!("{:?}", newcomer.id());
        let removed = bob.clone();
        let removal = Removal { calls_before, conversation, owner, removed, newcomer };
        let hook = Arc::new(RemoveDuringRead(Mutex::new(Some(removal))));
        here.faults.set_hook(hook.clone());
        let answer = bob.at(&here.gateways[0]).execute(command(conversation)).await;
        answers.push(format!("{answer:?}").replace(&secret, "secret"));
        if hook.0.lock().is_some() {
            // The command makes fewer calls than this.
            return answers;
        }
    }
    unreachable!("a command makes a limited number of calls")
}

fn assert_no_secrets(answers: &[String]) {
    assert!(answers.len() > 2, "{answers:?}");
    for (calls_before, answer) in answers.iter().enumerate() {
        assert!(!answer.contains("secret"), "removed before call {calls_before}: {answer}");
    }
    assert!(answers.last().unwrap().starts_with("Ok"), "{answers:?}");
}

#[tokio::test(start_paused = true)]
async fn history_hides_later_entries_when_removed_while_reading() {
    for page in [Page::Newest, Page::After(TARGET.previous()), Page::Around(TARGET)] {
        let history = |conversation| Command::History { conversation, page, limit: PAGE_MAX };
        assert_no_secrets(&answers(history).await);
    }
}

#[tokio::test(start_paused = true)]
async fn conversation_hides_later_changes_when_removed_while_reading() {
    assert_no_secrets(&answers(|conversation| Command::Conversation { conversation }).await);
    assert_no_secrets(
        &answers(|_| Command::Conversations { state: None, after: None, limit: PAGE_MAX }).await,
    );
}

#[tokio::test(start_paused = true)]
async fn member_list_hides_newcomers_when_removed_while_reading() {
    let members = |conversation| Command::Members { conversation, after: None, limit: PAGE_MAX };
    assert_no_secrets(&answers(members).await);
}
