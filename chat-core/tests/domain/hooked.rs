//! Stores at whose reads and writes a test does something: it fails them, counts them, or acts.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use chat_core::{
    error::StoreError,
    id::{ConversationId, UserId},
    model::{ClientId, Entry, Founding, Head, Member, Membership, Overlay, Seq},
    port::{Append, Appended, Conversations, Log, Stores},
};

/// A read or a write of a log or of what is made of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Call {
    Append,
    Read,
    Heads,
    Find,
    Erase,
    Create,
    Direct,
    Get,
    OfUser,
    Members,
    Standing,
    Overlays,
    Project,
}

/// What happens at each call.
#[async_trait]
pub(crate) trait Hook: Send + Sync + fmt::Debug {
    /// Before the store is asked; with an error it is not asked at all.
    async fn before(&self, call: Call) -> Result<(), StoreError>;

    /// After the store has answered; with an error its answer is lost.
    async fn after(&self, _call: Call) -> Result<(), StoreError> {
        Ok(())
    }
}

/// The stores, with this at each call.
pub(crate) fn hooked(inner: &Stores, hook: Arc<dyn Hook>) -> Stores {
    let hooked = Arc::new(Hooked { inner: inner.clone(), hook });
    Stores { log: hooked.clone(), conversations: hooked, ..inner.clone() }
}

#[derive(Debug)]
struct Hooked {
    inner: Stores,
    hook: Arc<dyn Hook>,
}

impl Hooked {
    async fn at<T: Send>(
        &self,
        call: Call,
        step: impl Future<Output = Result<T, StoreError>> + Send,
    ) -> Result<T, StoreError> {
        self.hook.before(call).await?;
        let answer = step.await?;
        self.hook.after(call).await?;
        Ok(answer)
    }
}

#[async_trait]
impl Log for Hooked {
    fn room(&self, after: Seq) -> usize {
        self.inner.log.room(after)
    }

    async fn append(&self, append: Append<'_>) -> Result<Appended, StoreError> {
        self.at(Call::Append, self.inner.log.append(append)).await
    }

    async fn read(
        &self,
        conversation: ConversationId,
        after: Seq,
        to: Seq,
        limit: usize,
    ) -> Result<Vec<Entry>, StoreError> {
        self.at(Call::Read, self.inner.log.read(conversation, after, to, limit)).await
    }

    async fn heads(&self, conversations: &[ConversationId]) -> Result<Vec<Head>, StoreError> {
        self.at(Call::Heads, self.inner.log.heads(conversations)).await
    }

    async fn find(
        &self,
        conversation: ConversationId,
        sender: UserId,
        client_id: &ClientId,
        base: Seq,
    ) -> Result<Option<Entry>, StoreError> {
        self.at(Call::Find, self.inner.log.find(conversation, sender, client_id, base)).await
    }

    async fn erase(&self, conversation: ConversationId, seqs: &[Seq]) -> Result<(), StoreError> {
        self.at(Call::Erase, self.inner.log.erase(conversation, seqs)).await
    }
}

#[async_trait]
impl Conversations for Hooked {
    async fn create(&self, founding: &Founding) -> Result<(), StoreError> {
        self.at(Call::Create, self.inner.conversations.create(founding)).await
    }

    async fn direct(
        &self,
        one: UserId,
        other: UserId,
        fresh: ConversationId,
    ) -> Result<ConversationId, StoreError> {
        self.at(Call::Direct, self.inner.conversations.direct(one, other, fresh)).await
    }

    async fn get(
        &self,
        conversation: ConversationId,
    ) -> Result<Option<(Founding, Option<Arc<str>>)>, StoreError> {
        self.at(Call::Get, self.inner.conversations.get(conversation)).await
    }

    async fn of_user(&self, user: UserId) -> Result<Vec<Membership>, StoreError> {
        self.at(Call::OfUser, self.inner.conversations.of_user(user)).await
    }

    async fn members(
        &self,
        conversation: ConversationId,
        after: Option<UserId>,
        limit: usize,
    ) -> Result<Vec<Member>, StoreError> {
        let members = self.inner.conversations.members(conversation, after, limit);
        self.at(Call::Members, members).await
    }

    async fn standing(
        &self,
        conversation: ConversationId,
        users: &[UserId],
    ) -> Result<Vec<Option<Member>>, StoreError> {
        self.at(Call::Standing, self.inner.conversations.standing(conversation, users)).await
    }

    async fn overlays(
        &self,
        conversation: ConversationId,
        after: Seq,
        to: Seq,
    ) -> Result<Vec<(Seq, Overlay)>, StoreError> {
        let overlays = self.inner.conversations.overlays(conversation, after, to);
        self.at(Call::Overlays, overlays).await
    }

    async fn project(&self, entries: &[Entry]) -> Result<(), StoreError> {
        self.at(Call::Project, self.inner.conversations.project(entries)).await
    }
}

/// What becomes of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Not done.
    Unavailable,
    /// Done, and nobody knows.
    Unknown,
}

/// Fails the next calls as it is told, counts all of them, and lets each take its time.
#[derive(Debug, Default)]
pub(crate) struct Script {
    faults: Mutex<HashMap<Call, Vec<Fault>>>,
    counts: Mutex<HashMap<Call, usize>>,
    takes: Mutex<Duration>,
    takes_of: Mutex<HashMap<Call, Duration>>,
}

impl Script {
    /// The next calls of this kind fail like this, one after the other.
    pub(crate) fn fail(&self, call: Call, faults: &[Fault]) {
        self.faults.lock().unwrap().entry(call).or_default().extend(faults);
    }

    /// Every call takes so long from now on.
    pub(crate) fn slow_down(&self, takes: Duration) {
        *self.takes.lock().unwrap() = takes;
    }

    /// Every call of this kind takes so long from now on.
    pub(crate) fn take_for(&self, call: Call, takes: Duration) {
        self.takes_of.lock().unwrap().insert(call, takes);
    }

    /// How many calls of this kind there were since this was asked last.
    pub(crate) fn count(&self, call: Call) -> usize {
        self.counts.lock().unwrap().remove(&call).unwrap_or_default()
    }

    fn take(&self, call: Call, wanted: Fault) -> bool {
        let mut faults = self.faults.lock().unwrap();
        let next = faults.get_mut(&call).filter(|faults| faults.first() == Some(&wanted));
        next.map(|faults| faults.remove(0)).is_some()
    }
}

#[async_trait]
impl Hook for Script {
    async fn before(&self, call: Call) -> Result<(), StoreError> {
        *self.counts.lock().unwrap().entry(call).or_default() += 1;
        let all = *self.takes.lock().unwrap();
        let takes = self.takes_of.lock().unwrap().get(&call).copied().unwrap_or(all);
        if !takes.is_zero() {
            tokio::time::sleep(takes).await;
        }
        if self.take(call, Fault::Unavailable) {
            return Err(StoreError::Unavailable("a fault".to_owned()));
        }
        Ok(())
    }

    async fn after(&self, call: Call) -> Result<(), StoreError> {
        if self.take(call, Fault::Unknown) {
            return Err(StoreError::Unknown("the answer was lost".to_owned()));
        }
        Ok(())
    }
}
