//! The conversations that somebody on this gateway listens to or writes to.

use std::sync::Arc;

use crate::{context::Context, conversation::Conversation, id::ConversationId, sharded::Sharded};

/// The conversations that somebody on this gateway listens to or writes to.
#[derive(Debug, Default)]
pub(crate) struct Directory {
    conversations: Sharded<ConversationId, Arc<Conversation>>,
}

impl Directory {
    /// Returns the conversation's object, created if it does not exist.
    pub(crate) fn open(&self, id: ConversationId, context: &Arc<Context>) -> Arc<Conversation> {
        self.conversations
            .shard(id.get())
            .entry(id)
            .or_insert_with(|| Arc::new(Conversation::new(id, context.clone())))
            .clone()
    }

    /// Returns the conversation's object, if it exists.
    pub(crate) fn get(&self, id: ConversationId) -> Option<Arc<Conversation>> {
        self.conversations.shard(id.get()).get(&id).cloned()
    }

    /// Returns all conversations.
    pub(crate) fn all(&self) -> Vec<Arc<Conversation>> {
        self.conversations
            .shards()
            .flat_map(|shard| shard.values().cloned().collect::<Vec<_>>())
            .collect()
    }

    /// Drops the conversations that are idle and unreferenced, and returns their ids.
    pub(crate) fn sweep(&self) -> Vec<ConversationId> {
        let mut swept = Vec::new();
        for mut shard in self.conversations.shards() {
            let idle = shard
                .extract_if(|_, one| Arc::strong_count(one) == 1 && one.is_idle())
                .map(|(id, _)| id);
            swept.extend(idle);
        }
        swept
    }
}
