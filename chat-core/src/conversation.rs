//! One conversation on one gateway: the appender writes its log, the feed delivers it.
//!
//! It has no task and little memory while it is idle.

use std::sync::Arc;

use crate::{context::Context, feed::Feed, id::ConversationId, write::appender::Appender};

/// One conversation on one gateway.
#[derive(Debug)]
pub(crate) struct Conversation {
    pub(crate) id: ConversationId,
    pub(crate) appender: Arc<Appender>,
    pub(crate) feed: Arc<Feed>,
}

impl Conversation {
    /// Creates the conversation with this id, of which nothing is known yet.
    pub(crate) fn new(id: ConversationId, context: Arc<Context>) -> Self {
        let feed = Feed::new(id, context.clone());
        let appender = Appender::new(id, context, feed.clone());
        Self { id, appender, feed }
    }

    /// Returns true if nobody listens and nothing is being written.
    pub(crate) fn is_idle(&self) -> bool {
        self.feed.is_empty() && self.appender.is_idle()
    }
}
