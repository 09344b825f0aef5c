//! What lives on this gateway: conversations that somebody listens to or writes to, and the
//! sessions of each user.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::{
    conversation::Conversation,
    id::{ConversationId, UserId},
    outbox::Outbox,
    ports::Ports,
};

/// Shards of a map: a power of two, far above the number of cores.
const SHARDS: usize = 64;

/// A map under many locks, each held for a few lines.
#[derive(Debug)]
struct Sharded<K, V>(Box<[Mutex<HashMap<K, V>>]>);

impl<K, V> Default for Sharded<K, V> {
    fn default() -> Self {
        Self((0..SHARDS).map(|_| Mutex::default()).collect())
    }
}

impl<K: Eq + Hash, V> Sharded<K, V> {
    /// The shard of an id: the counter bits of Snowflakes are alike, so all bits are mixed in.
    fn of(&self, id: u64) -> MutexGuard<'_, HashMap<K, V>> {
        let mixed = id.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 58;
        lock(&self.0[usize::try_from(mixed).unwrap_or(0) % SHARDS])
    }

    fn each(&self) -> impl Iterator<Item = MutexGuard<'_, HashMap<K, V>>> {
        self.0.iter().map(lock)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The conversations of this gateway.
#[derive(Debug, Default)]
pub(crate) struct Directory {
    conversations: Sharded<ConversationId, Arc<Conversation>>,
}

impl Directory {
    /// The conversation's object, made if it is not there.
    pub(crate) fn open(&self, id: ConversationId, ports: &Arc<Ports>) -> Arc<Conversation> {
        self.conversations
            .of(id.get())
            .entry(id)
            .or_insert_with(|| Conversation::new(id, ports.clone()))
            .clone()
    }

    /// The conversation's object, if it is there.
    pub(crate) fn get(&self, id: ConversationId) -> Option<Arc<Conversation>> {
        self.conversations.of(id.get()).get(&id).cloned()
    }

    /// Everything that is there.
    pub(crate) fn all(&self) -> Vec<Arc<Conversation>> {
        self.conversations
            .each()
            .flat_map(|shard| shard.values().cloned().collect::<Vec<_>>())
            .collect()
    }

    /// Drops what is quiet and in nobody's hands, and tells what that was.
    pub(crate) fn sweep(&self) -> Vec<ConversationId> {
        let mut swept = Vec::new();
        for mut shard in self.conversations.each() {
            let quiet = shard
                .extract_if(|_, one| Arc::strong_count(one) == 1 && one.is_quiet())
                .map(|(id, _)| id);
            swept.extend(quiet);
        }
        swept
    }
}

/// The sessions of each user on this gateway.
#[derive(Debug, Default)]
pub(crate) struct Users {
    sessions: Sharded<UserId, Vec<Arc<Outbox>>>,
}

impl Users {
    /// Adds a session; says whether it is its user's first.
    pub(crate) fn add(&self, outbox: &Arc<Outbox>) -> bool {
        let user = outbox.identity().user;
        let mut shard = self.sessions.of(user.get());
        let sessions = shard.entry(user).or_insert_with(|| Vec::with_capacity(1));
        sessions.push(outbox.clone());
        sessions.len() == 1
    }

    /// Takes a session out; says whether it was its user's last.
    pub(crate) fn remove(&self, outbox: &Outbox) -> bool {
        let user = outbox.identity().user;
        let mut shard = self.sessions.of(user.get());
        let Some(sessions) = shard.get_mut(&user) else { return false };
        sessions.retain(|one| !std::ptr::eq(Arc::as_ptr(one), outbox));
        let is_last = sessions.is_empty();
        if is_last {
            shard.remove(&user);
        }
        is_last
    }

    /// Who is here, ascending.
    pub(crate) fn here(&self) -> Vec<UserId> {
        let of = |shard: MutexGuard<'_, HashMap<UserId, Vec<Arc<Outbox>>>>| {
            shard.keys().copied().collect::<Vec<_>>()
        };
        let mut here: Vec<UserId> = self.sessions.each().flat_map(of).collect();
        here.sort_unstable();
        here
    }

    /// Does this to each session of a user.
    pub(crate) fn each_of(&self, user: UserId, act: impl FnMut(&Arc<Outbox>)) {
        if let Some(sessions) = self.sessions.of(user.get()).get(&user) {
            sessions.iter().for_each(act);
        }
    }

    /// Every session.
    pub(crate) fn all(&self) -> Vec<Arc<Outbox>> {
        self.sessions
            .each()
            .flat_map(|shard| shard.values().flatten().cloned().collect::<Vec<_>>())
            .collect()
    }

    /// How many sessions there are.
    pub(crate) fn count(&self) -> usize {
        self.sessions.each().map(|shard| shard.values().map(Vec::len).sum::<usize>()).sum()
    }
}
