//! What comes in, and what it is answered with.
//!
//! WebSocket, long poll and REST are spellings of these; none of them can do anything else.

use std::sync::Arc;

use crate::{
    id::{ConversationId, UserId},
    model::{Body, ClientId, Cursor, Kind, Member, Role, Seq, User},
    time::Timestamp,
    view::EntryView,
};

/// What an identity asks of [`crate::chat::Chat::execute`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Something that becomes an entry. Answered with [`Reply::Written`].
    Write(Write),
    /// Moves one's own cursor. Answered with [`Reply::Done`].
    Receipt {
        /// Where.
        conversation: ConversationId,
        /// Reached a device.
        delivered_seq: Option<Seq>,
        /// Seen.
        read_seq: Option<Seq>,
    },
    /// Tells the others that one is typing, or no more. Answered with [`Reply::Done`].
    Typing {
        /// Where.
        conversation: ConversationId,
        /// Whether one is.
        on: bool,
    },
    /// A page of entries. Answered with [`Reply::History`].
    History {
        /// Of this log.
        conversation: ConversationId,
        /// Which part.
        page: Page,
        /// 1 to [`crate::limits::PAGE_MAX`].
        limit: usize,
    },
    /// The direct conversation with this user, made if there is none. Answered with
    /// [`Reply::Made`].
    OpenDirect {
        /// The other one.
        user: UserId,
    },
    /// A new group. Answered with [`Reply::Made`].
    CreateGroup {
        /// Its title.
        title: Arc<str>,
        /// Its members besides the maker.
        members: Vec<UserId>,
        /// The request's idempotency key.
        key: Arc<str>,
    },
    /// One's conversations, newest activity first. Answered with [`Reply::Conversations`].
    Conversations {
        /// Where the page before ended.
        after: Option<ListCursor>,
        /// 1 to [`crate::limits::PAGE_MAX`].
        limit: usize,
    },
    /// One conversation. Answered with [`Reply::Conversation`].
    Conversation {
        /// Which.
        conversation: ConversationId,
    },
    /// One member of a conversation. Answered with [`Reply::Members`].
    Member {
        /// Which.
        conversation: ConversationId,
        /// Who.
        user: UserId,
    },
    /// The members of a conversation, ascending by id. Answered with [`Reply::Members`].
    Members {
        /// Which.
        conversation: ConversationId,
        /// Where the page before ended.
        after: Option<UserId>,
        /// 1 to [`crate::limits::MEMBERS_PAGE_MAX`].
        limit: usize,
    },
}

/// Something that becomes an entry of a conversation's log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Write {
    /// The log.
    pub conversation: ConversationId,
    /// The sender's own name for the command: repeats of it make no second entry.
    pub client_id: Option<ClientId>,
    /// The seq that the entry must get, if any.
    pub expected_seq: Option<Seq>,
    /// The newest seq that the sender knew when it first made the command.
    pub base_seq: Option<Seq>,
    /// What is to happen.
    pub change: Change,
}

/// What is to happen in a conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Say something.
    Text {
        /// The text.
        text: Arc<str>,
        /// The entry that it answers.
        reply_to: Option<Seq>,
    },
    /// Replace the text of one's own message.
    Edit {
        /// The message.
        target_seq: Seq,
        /// The new text.
        text: Arc<str>,
    },
    /// Take the text of a message away.
    Redact {
        /// The message.
        target_seq: Seq,
    },
    /// Put an emoji on a message, or take it off.
    React {
        /// The message.
        target_seq: Seq,
        /// The emoji.
        emoji: Arc<str>,
        /// On or off.
        on: bool,
    },
    /// Add a user, or change a member's role. Without a role a new member is a plain one and an
    /// old one stays what it is.
    SetMember {
        /// Who.
        user: UserId,
        /// As what.
        role: Option<Role>,
    },
    /// Remove a member; oneself: leave.
    Remove {
        /// Who.
        user: UserId,
    },
    /// Give the group another title.
    SetTitle {
        /// The new one.
        title: Arc<str>,
    },
}

/// Which part of a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Page {
    /// The newest entries.
    Newest,
    /// The newest entries before this one.
    Before(Seq),
    /// The oldest entries after this one.
    After(Seq),
    /// This entry, with as many before it as after it.
    Around(Seq),
}

/// Where a page of the conversation list ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ListCursor {
    /// The last item's newest activity.
    pub at: Timestamp,
    /// The last item.
    pub conversation: ConversationId,
}

/// The answer to a [`Command`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// Done, and there is nothing to say about it.
    Done,
    /// The entry that stands for a [`Write`].
    Written(Written),
    /// A page of a log, ascending.
    History {
        /// The entries.
        items: Vec<EntryView>,
        /// The log's newest seq.
        head_seq: Seq,
    },
    /// A conversation that was asked for by its members.
    Made {
        /// The conversation.
        conversation: Box<ConversationView>,
        /// Whether it was made by this very command (or a first attempt of it).
        created: bool,
    },
    /// One's conversations.
    Conversations {
        /// The page.
        items: Vec<ConversationView>,
        /// Where the next page begins, if there is one.
        next: Option<ListCursor>,
    },
    /// One conversation.
    Conversation(Box<ConversationView>),
    /// Members of a conversation.
    Members {
        /// The page.
        items: Vec<MemberView>,
        /// Where the next page begins, if there is one.
        next: Option<UserId>,
    },
}

/// The entry that stands for a [`Write`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// The entry in its present state.
    pub entry: EntryView,
    /// Whether it was there before: a repeat, or nothing to change.
    pub replayed: bool,
}

/// A conversation as one of its members sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConversationView {
    /// Which.
    pub id: ConversationId,
    /// Direct or group.
    pub kind: Kind,
    /// A group's title.
    pub title: Option<Arc<str>>,
    /// The newest seq.
    pub head_seq: Seq,
    /// The newest entry's time.
    pub active_at: Timestamp,
    /// Messages after one's own `read_seq`.
    pub unread: u64,
    /// The newest message that one may see.
    pub last_message: Option<EntryView>,
    /// One's own cursor.
    pub cursor: Cursor,
    /// One's own role.
    pub role: Role,
    /// How many members there are.
    pub member_count: u32,
    /// The other one of a direct conversation.
    pub peer: Option<User>,
}

/// A member as the other members see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MemberView {
    /// The standing.
    pub member: Member,
    /// How far it has got.
    pub cursor: Cursor,
}

impl Change {
    /// Bytes of text in it, for bounds on batches.
    pub fn text_bytes(&self) -> usize {
        match self {
            Self::Text { text, .. } | Self::Edit { text, .. } => text.len(),
            Self::React { emoji, .. } => emoji.len(),
            Self::SetTitle { title } => title.len(),
            Self::Redact { .. } | Self::SetMember { .. } | Self::Remove { .. } => 0,
        }
    }

    /// Whether this body is what the change comes to. What has been erased is taken at its word.
    pub fn makes(&self, body: &Body) -> bool {
        let same = |wanted: &Arc<str>, kept: &Option<Arc<str>>| {
            kept.as_ref().is_none_or(|kept| kept == wanted)
        };
        match (self, body) {
            (Self::Text { text, reply_to }, Body::Text { text: kept, reply_to: kept_to }) => {
                reply_to == kept_to && same(text, kept)
            }
            (
                Self::Edit { target_seq, text },
                Body::Edited { target_seq: kept_seq, text: kept },
            ) => target_seq == kept_seq && same(text, kept),
            (Self::Redact { target_seq }, Body::Redacted { target_seq: kept }) => {
                target_seq == kept
            }
            (
                Self::React { target_seq, emoji, on },
                Body::Reaction { target_seq: kept_seq, emoji: kept, on: kept_on },
            ) => target_seq == kept_seq && emoji == kept && on == kept_on,
            _ => false,
        }
    }
}
