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
    users: Sharded<UserId, Local>,
}

/// A user who is here, or was here a moment ago.
#[derive(Debug, Default)]
struct Local {
    sessions: Vec<Arc<Outbox>>,
    /// Whether what other gateways say to the user is heard.
    is_followed: bool,
    /// Whether nobody was here at the last sweep.
    is_idle: bool,
}

impl Users {
    /// Adds a session; says whether what other gateways say to its user is heard already.
    pub(crate) fn add(&self, outbox: &Arc<Outbox>) -> bool {
        let user = outbox.identity().user;
        let mut shard = self.users.of(user.get());
        let local = shard.entry(user).or_default();
        local.is_idle = false;
        local.sessions.reserve_exact(1);
        local.sessions.push(outbox.clone());
        local.is_followed
    }

    /// What other gateways say to this user is heard from now on.
    pub(crate) fn followed(&self, user: UserId) {
        if let Some(local) = self.users.of(user.get()).get_mut(&user) {
            local.is_followed = true;
        }
    }

    /// Takes a session out.
    pub(crate) fn remove(&self, outbox: &Outbox) {
        let user = outbox.identity().user;
        if let Some(local) = self.users.of(user.get()).get_mut(&user) {
            local.sessions.retain(|one| !std::ptr::eq(Arc::as_ptr(one), outbox));
            local.sessions.shrink_to_fit();
        }
    }

    /// Drops who was not here at the last sweep either, and tells who that was.
    pub(crate) fn sweep(&self) -> Vec<UserId> {
        let mut swept = Vec::new();
        for mut shard in self.users.each() {
            let idle = |_: &UserId, local: &mut Local| {
                local.sessions.is_empty() && std::mem::replace(&mut local.is_idle, true)
            };
            swept.extend(shard.extract_if(idle).map(|(user, _)| user));
        }
        swept
    }

    /// Whether the user is here, or was a moment ago.
    pub(crate) fn knows(&self, user: UserId) -> bool {
        self.users.of(user.get()).contains_key(&user)
    }

    /// Who is here, ascending.
    pub(crate) fn here(&self) -> Vec<UserId> {
        let is_here =
            |(user, local): (&UserId, &Local)| (!local.sessions.is_empty()).then_some(*user);
        let mut here: Vec<UserId> = self
            .users
            .each()
            .flat_map(|shard| shard.iter().filter_map(is_here).collect::<Vec<_>>())
            .collect();
        here.sort_unstable();
        here
    }

    /// Does this to each session of a user.
    pub(crate) fn each_of(&self, user: UserId, act: impl FnMut(&Arc<Outbox>)) {
        if let Some(local) = self.users.of(user.get()).get(&user) {
            local.sessions.iter().for_each(act);
        }
    }

    /// Every session.
    pub(crate) fn all(&self) -> Vec<Arc<Outbox>> {
        let of = |local: &Local| local.sessions.clone();
        self.users
            .each()
            .flat_map(|shard| shard.values().flat_map(of).collect::<Vec<_>>())
            .collect()
    }

    /// How many sessions there are.
    pub(crate) fn count(&self) -> usize {
        let count = |local: &Local| local.sessions.len();
        self.users.each().map(|shard| shard.values().map(count).sum::<usize>()).sum()
    }
}
