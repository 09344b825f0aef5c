//! Appends that a store does after it has answered that it does not know.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use chat_core::{
    command::{Change, Command, Reply, Write},
    error::StoreError,
    id::{ConversationId, UserId},
    memory::{MemoryHub, MemoryStores},
    model::{ClientId, Entry, Head, Role, Seq},
    port::{Append, Appended, Log, Stores},
};

use crate::scene::{Scene, seqs};

/// What becomes of the next appends.
#[derive(Debug, Clone, Copy)]
enum Fate {
    /// Unknown, and done only once the next one is tried.
    Late,
    /// Unknown after so long, and never done.
    Lost(Duration),
}

#[derive(Debug)]
struct LateLog {
    inner: Arc<dyn Log>,
    fates: Mutex<Vec<Fate>>,
    late: Mutex<Option<Late>>,
}

/// An append that is still to be done.
#[derive(Debug)]
struct Late {
    after: Seq,
    entries: Vec<Entry>,
    bases: Vec<Seq>,
    head: Head,
}

impl LateLog {
    fn next_fates(&self, fates: &[Fate]) {
        self.fates.lock().unwrap().extend(fates);
    }

    async fn do_late(&self) {
        let late = self.late.lock().unwrap().take();
        let Some(Late { after, entries, bases, head }) = late else { return };
        let conversation = entries[0].conversation;
        let append = Append { conversation, after, entries: &entries, bases: &bases, head };
        assert_eq!(self.inner.append(append).await, Ok(Appended::Done));
    }
}

#[async_trait]
impl Log for LateLog {
    fn room(&self, after: Seq) -> usize {
        self.inner.room(after)
    }

    async fn append(&self, append: Append<'_>) -> Result<Appended, StoreError> {
        self.do_late().await;
        let fate = {
            let mut fates = self.fates.lock().unwrap();
            if fates.is_empty() { None } else { Some(fates.remove(0)) }
        };
        match fate {
            None => return self.inner.append(append).await,
            Some(Fate::Late) => {
                let Append { after, head, .. } = append;
                let (entries, bases) = (append.entries.to_vec(), append.bases.to_vec());
                *self.late.lock().unwrap() = Some(Late { after, entries, bases, head });
            }
            Some(Fate::Lost(takes)) => tokio::time::sleep(takes).await,
        }
        Err(StoreError::Unknown("no answer".to_owned()))
    }

    async fn read(
        &self,
        conversation: ConversationId,
        after: Seq,
        to: Seq,
        limit: usize,
    ) -> Result<Vec<Entry>, StoreError> {
        self.inner.read(conversation, after, to, limit).await
    }

    async fn heads(&self, conversations: &[ConversationId]) -> Result<Vec<Head>, StoreError> {
        self.inner.heads(conversations).await
    }

    async fn find(
        &self,
        conversation: ConversationId,
        sender: UserId,
        client_id: &ClientId,
        base: Seq,
    ) -> Result<Option<Entry>, StoreError> {
        self.inner.find(conversation, sender, client_id, base).await
    }

    async fn erase(&self, conversation: ConversationId, seqs: &[Seq]) -> Result<(), StoreError> {
        self.inner.erase(conversation, seqs).await
    }
}

fn late() -> (Scene, Arc<LateLog>) {
    let inner = MemoryStores::new();
    let (fates, late) = (Mutex::default(), Mutex::default());
    let log = Arc::new(LateLog { inner: inner.log.clone(), fates, late });
    let stores = Stores { log: log.clone(), ..inner };
    (Scene::over(1, &MemoryHub::new(), 0, stores), log)
}

#[tokio::test(start_paused = true)]
async fn command_that_was_done_late_is_no_other_ones() {
    let (scene, log) = late();
    let (ada, bob) = (scene.person("ada").await, scene.person("bob").await);
    let conversation = ada.group(&[&bob]).await;
    let target_seq = ada.send(conversation, "x").await;
    let emoji = "👍".into();
    for (change, seq) in [
        (Change::SetMember { user: bob.id(), role: Some(Role::Admin) }, 4),
        (Change::React { target_seq, emoji, on: true }, 5),
        (Change::SetTitle { title: "Supper".into() }, 6),
        (Change::Redact { target_seq }, 7),
        (Change::Remove { user: bob.id() }, 8),
    ] {
        log.next_fates(&[Fate::Late]);
        let reply = ada.change(conversation, change.clone()).await;
        let Ok(Reply::Written(written)) = reply else { unreachable!("{change:?}: {reply:?}") };
        assert_eq!((written.entry.entry.seq, written.replayed), (Seq::new(seq), false));
    }
    assert_eq!(scene.entries(conversation).await.len(), 8);
}

#[tokio::test(start_paused = true)]
async fn entry_of_an_earlier_attempt_is_not_called_undone() {
    let (scene, log) = late();
    let ada = scene.person("ada").await;
    let conversation = ada.group(&[]).await;
    let mut reader = ada.open(None).await;
    log.next_fates(&[Fate::Late, Fate::Lost(Duration::from_millis(1_985))]);
    let first = ada.send_as(conversation, "a", "x").await.unwrap();
    assert_eq!(first.entry.entry.seq, Seq::new(2));
    assert_eq!(seqs(&reader.read().await), [2]);
}

#[tokio::test(start_paused = true)]
async fn those_who_were_tried_together_are_done_together() {
    let (scene, log) = late();
    let ada = scene.person("ada").await;
    let conversation = ada.group(&[]).await;
    ada.send(conversation, "warm").await;
    log.next_fates(&[Fate::Late, Fate::Lost(Duration::ZERO)]);
    let texts = ["one", "two", "three"].map(|text| {
        let change = Change::Text { text: text.into(), reply_to: None };
        let (client_id, expected_seq, base_seq) = (None, None, None);
        ada.begin(Write { conversation, client_id, expected_seq, base_seq, change })
    });
    for (pending, seq) in texts.into_iter().zip(3..) {
        let Ok(Reply::Written(written)) = pending.await else { unreachable!() };
        assert_eq!(written.entry.entry.seq, Seq::new(seq));
    }
    assert_eq!(scene.entries(conversation).await.len(), 5);
    let view = ada.execute(Command::Conversation { conversation }).await;
    assert!(matches!(view, Ok(Reply::Conversation(view)) if view.unread == 0));
}
