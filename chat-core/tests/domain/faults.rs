//! Stores and a bus that answer when a test says so.

use std::{
    collections::HashSet,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use chat_core::{
    error::StoreError,
    id::{ConversationId, UserId},
    memory::MemoryBus,
    model::{ClientId, Entry, Founding, Head, Member, Membership, Overlay, Seq},
    port::{Append, Appended, Arrival, Bus, BusError, Channel, Conversations, Log},
};
use tokio::sync::{Semaphore, mpsc::Receiver};

/// What calls pass one by one; open until it is closed.
#[derive(Debug)]
pub(crate) struct Gate(Semaphore);

const MANY: usize = 1 << 20;

impl Default for Gate {
    fn default() -> Self {
        Self(Semaphore::new(MANY))
    }
}

impl Gate {
    /// So many more pass; all others wait.
    pub(crate) fn close_after(&self, calls: usize) {
        self.0.forget_permits(MANY);
        self.0.add_permits(calls);
    }

    pub(crate) fn open(&self) {
        self.0.add_permits(MANY);
    }

    pub(crate) async fn pass(&self) {
        self.0.acquire().await.unwrap().forget();
    }
}

/// A log whose reads wait at gates.
#[derive(Debug)]
pub(crate) struct GatedLog {
    inner: Arc<dyn Log>,
    pub(crate) heads: Gate,
    pub(crate) reads: Gate,
    /// Whether heads were asked for.
    pub(crate) is_seen: Arc<AtomicBool>,
}

impl GatedLog {
    pub(crate) fn new(inner: Arc<dyn Log>) -> Arc<Self> {
        let is_seen = Arc::default();
        Arc::new(Self { inner, heads: Gate::default(), reads: Gate::default(), is_seen })
    }
}

#[async_trait]
impl Log for GatedLog {
    fn room(&self, after: Seq) -> usize {
        self.inner.room(after)
    }

    async fn append(&self, append: Append<'_>) -> Result<Appended, StoreError> {
        self.inner.append(append).await
    }

    async fn read(
        &self,
        conversation: ConversationId,
        after: Seq,
        to: Seq,
        limit: usize,
    ) -> Result<Vec<Entry>, StoreError> {
        self.reads.pass().await;
        self.inner.read(conversation, after, to, limit).await
    }

    async fn heads(&self, conversations: &[ConversationId]) -> Result<Vec<Head>, StoreError> {
        self.heads.pass().await;
        self.is_seen.store(true, Ordering::SeqCst);
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

/// Read models that take their time to look up somebody's conversations.
#[derive(Debug)]
pub(crate) struct SlowConversations {
    inner: Arc<dyn Conversations>,
    pub(crate) lookup: Duration,
    pub(crate) after_lookup: Gate,
    /// What a view that lags behind the log shows of everybody's conversations.
    pub(crate) stale: Mutex<Option<Vec<Membership>>>,
    /// Where somebody is a member shows only once heads were asked for.
    pub(crate) is_mended: Mutex<Option<Arc<AtomicBool>>>,
}

impl SlowConversations {
    pub(crate) fn new(inner: Arc<dyn Conversations>, lookup: Duration) -> Arc<Self> {
        let (after_lookup, stale, is_mended) = Default::default();
        Arc::new(Self { inner, lookup, after_lookup, stale, is_mended })
    }
}

#[async_trait]
impl Conversations for SlowConversations {
    async fn create(&self, founding: &Founding) -> Result<(), StoreError> {
        self.inner.create(founding).await
    }

    async fn direct(
        &self,
        one: UserId,
        other: UserId,
        fresh: ConversationId,
    ) -> Result<ConversationId, StoreError> {
        self.inner.direct(one, other, fresh).await
    }

    async fn get(
        &self,
        conversation: ConversationId,
    ) -> Result<Option<(Founding, Option<Arc<str>>)>, StoreError> {
        self.inner.get(conversation).await
    }

    async fn of_user(&self, user: UserId) -> Result<Vec<Membership>, StoreError> {
        tokio::time::sleep(self.lookup).await;
        let found = self.inner.of_user(user).await?;
        self.after_lookup.pass().await;
        Ok(self.stale.lock().unwrap().clone().unwrap_or(found))
    }

    async fn members(
        &self,
        conversation: ConversationId,
        after: Option<UserId>,
        limit: usize,
    ) -> Result<Vec<Member>, StoreError> {
        self.inner.members(conversation, after, limit).await
    }

    async fn standing(
        &self,
        conversation: ConversationId,
        users: &[UserId],
    ) -> Result<Vec<Option<Member>>, StoreError> {
        let is_mended = self.is_mended.lock().unwrap().clone();
        if is_mended.is_some_and(|mended| !mended.load(Ordering::SeqCst)) {
            return Ok(vec![None; users.len()]);
        }
        self.inner.standing(conversation, users).await
    }

    async fn overlays(
        &self,
        conversation: ConversationId,
        after: Seq,
        to: Seq,
    ) -> Result<Vec<(Seq, Overlay)>, StoreError> {
        self.inner.overlays(conversation, after, to).await
    }

    async fn project(&self, entries: &[Entry]) -> Result<(), StoreError> {
        self.inner.project(entries).await
    }
}

/// A bus whose subscriptions wait at gates, and are known.
#[derive(Debug)]
pub(crate) struct GatedBus {
    pub(crate) inner: MemoryBus,
    pub(crate) begins: Gate,
    pub(crate) ends: Gate,
    pub(crate) channels: Mutex<HashSet<Channel>>,
}

impl GatedBus {
    pub(crate) fn new(inner: MemoryBus) -> Arc<Self> {
        let (begins, ends) = (Gate::default(), Gate::default());
        Arc::new(Self { inner, begins, ends, channels: Mutex::default() })
    }
}

#[async_trait]
impl Bus for GatedBus {
    fn publish(&self, channel: Channel, payload: Bytes) {
        self.inner.publish(channel, payload);
    }

    async fn subscribe(&self, channels: &[Channel]) -> Result<(), BusError> {
        self.begins.pass().await;
        self.channels.lock().unwrap().extend(channels);
        self.inner.subscribe(channels).await
    }

    async fn unsubscribe(&self, channels: &[Channel]) {
        self.ends.pass().await;
        self.channels.lock().unwrap().retain(|channel| !channels.contains(channel));
        self.inner.unsubscribe(channels).await;
    }

    fn arrivals(&self) -> Option<Receiver<Arrival>> {
        self.inner.arrivals()
    }

    fn has_others(&self) -> bool {
        self.inner.has_others()
    }

    fn is_up(&self) -> bool {
        self.inner.is_up()
    }

    fn is_current(&self) -> bool {
        self.inner.is_current()
    }
}
