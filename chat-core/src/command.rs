//! Commands and their replies.
//!
//! WebSocket, long poll and REST translate to these and from them; none of them can do anything else.

use std::{ops::Range, sync::Arc};

use crate::{
    id::{ConversationId, UserId},
    model::{ClientId, Cursor, Invite, InviteCode, Kind, Member, MembershipState, Role, Seq, User},
    port::Place,
    search::{Has, Query},
    time::Timestamp,
    view::EntryView,
};

pub use crate::write::{Change, Write};

/// What a caller asks of [`crate::chat::Chat::begin`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Makes an entry of a log. Answered with [`Reply::Written`], or with [`Reply::Done`] if nothing
    /// had to change.
    Write(Write),
    /// Moves the caller's cursor forward. Answered with [`Reply::Done`].
    Receipt {
        /// The conversation.
        conversation: ConversationId,
        /// The newest seq that reached a device.
        delivered_seq: Option<Seq>,
        /// The newest seq that was read.
        read_seq: Option<Seq>,
    },
    /// Tells the other members that the caller is typing, or has stopped. Answered with [`Reply::Done`].
    Typing {
        /// The conversation.
        conversation: ConversationId,
        /// True while typing.
        on: bool,
    },
    /// Reads a page of entries. Answered with [`Reply::History`].
    History {
        /// The log.
        conversation: ConversationId,
        /// Which part of it.
        page: Page,
        /// 1 to [`crate::limits::PAGE_MAX`].
        limit: usize,
    },
    /// Finds messages, newest first. Answered with [`Reply::Found`].
    Search {
        /// Which messages.
        filter: SearchFilter,
        /// Where the previous page ended.
        after: Option<Place>,
        /// 1 to [`crate::limits::PAGE_MAX`].
        limit: usize,
    },
    /// Opens the direct conversation with this user, and creates it if necessary. Answered with
    /// [`Reply::Made`].
    OpenDirect {
        /// The other user.
        user: UserId,
    },
    /// Creates a group. Answered with [`Reply::Made`].
    CreateGroup {
        /// Its title.
        title: Arc<str>,
        /// Its members besides the creator.
        members: Vec<UserId>,
        /// The request's idempotency key.
        key: Arc<str>,
    },
    /// Lists the caller's conversations, newest activity first. Answered with [`Reply::Conversations`].
    Conversations {
        /// Only requests, or only open ones.
        state: Option<MembershipState>,
        /// Where the previous page ended.
        after: Option<ListCursor>,
        /// 1 to [`crate::limits::PAGE_MAX`].
        limit: usize,
    },
    /// Has the caller take part in a conversation. Answered with [`Reply::Conversation`].
    Accept {
        /// The conversation.
        conversation: ConversationId,
    },
    /// Hides a request from the caller. Answered with [`Reply::Done`].
    Decline {
        /// The conversation.
        conversation: ConversationId,
    },
    /// Joins a group with an invite. Answered with [`Reply::Conversation`].
    AcceptInvite {
        /// The code of the invite.
        code: InviteCode,
        /// The caller's own name for the command, and for the `joined` entry.
        client_id: Option<ClientId>,
    },
    /// Reads one conversation. Answered with [`Reply::Conversation`].
    Conversation {
        /// The conversation.
        conversation: ConversationId,
    },
    /// Reads one member of a conversation. Answered with [`Reply::Members`].
    Member {
        /// The conversation.
        conversation: ConversationId,
        /// The user.
        user: UserId,
    },
    /// Lists the members of a conversation, ascending by id. Answered with [`Reply::Members`].
    Members {
        /// The conversation.
        conversation: ConversationId,
        /// Where the previous page ended.
        after: Option<UserId>,
        /// 1 to [`crate::limits::MEMBERS_PAGE_MAX`].
        limit: usize,
    },
}

/// Which messages to find. At least one of query, sender and `has` is required.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SearchFilter {
    /// What the text must have. A query without words finds nothing.
    pub query: Option<Query>,
    /// Only in this conversation.
    pub conversation: Option<ConversationId>,
    /// Only messages of this user.
    pub sender: Option<UserId>,
    /// Only messages that have this.
    pub has: Option<Has>,
    /// Only messages sent before this time.
    pub before: Option<Timestamp>,
    /// Only messages sent after this time.
    pub after: Option<Timestamp>,
}

/// Which part of a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Page {
    /// The newest entries.
    Newest,
    /// The newest entries before this seq.
    Before(Seq),
    /// The oldest entries after this seq.
    After(Seq),
    /// The entry at this seq, with as many before it as after it.
    Around(Seq),
}

/// The end of a page of the conversation list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ListCursor {
    /// The time of the last item's newest entry.
    pub at: Timestamp,
    /// The last item's conversation.
    pub conversation: ConversationId,
}

/// Counts over all conversations of a user.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Totals {
    /// Open conversations with unread messages.
    pub unread_conversations: usize,
    /// Requests.
    pub requests: usize,
}

/// The answer to a [`Command`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// The command is done.
    Done,
    /// The entry that a [`Write`] made.
    Written(Written),
    /// A page of a log, ascending.
    History {
        /// The entries.
        items: Vec<EntryView>,
        /// The log's newest seq.
        head_seq: Seq,
    },
    /// Messages that were found, newest first.
    Found {
        /// The page. It may be shorter than the limit although there are more.
        items: Vec<FoundMessage>,
        /// The cursor of the next page, if there may be more.
        next: Option<Place>,
        /// The number of memberships that were read.
        memberships: usize,
        /// The bytes of the messages whose texts were compared with the query.
        compared_bytes: usize,
    },
    /// A conversation that was opened or created.
    Made {
        /// The conversation.
        conversation: Box<ConversationView>,
        /// True if this command created it, or an earlier attempt of the same command.
        created: bool,
    },
    /// The caller's conversations.
    Conversations {
        /// The page.
        items: Vec<ConversationView>,
        /// The cursor of the next page, if there is one.
        next: Option<ListCursor>,
        /// Counts over all of the caller's conversations.
        totals: Totals,
        /// The number of memberships that were read.
        memberships: usize,
    },
    /// One conversation.
    Conversation(Box<ConversationView>),
    /// Members of a conversation.
    Members {
        /// The page.
        items: Vec<MemberView>,
        /// The cursor of the next page, if there is one.
        next: Option<UserId>,
    },
}

/// A message that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundMessage {
    /// The message in its present state.
    pub entry: EntryView,
    /// Where its text has what was looked for, in bytes, ascending.
    pub highlights: Vec<Range<usize>>,
}

/// The entry that a [`Write`] made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// The entry in its present state.
    pub entry: EntryView,
    /// True if the entry existed before: the write was a repeat, or had nothing to change.
    pub replayed: bool,
}

/// A conversation as one of its members sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConversationView {
    /// The conversation.
    pub id: ConversationId,
    /// Direct or group.
    pub kind: Kind,
    /// A group's title.
    pub title: Option<Arc<str>>,
    /// The newest seq.
    pub head_seq: Seq,
    /// The newest entry's time.
    pub active_at: Timestamp,
    /// The number of messages after the caller's `read_seq`.
    pub unread: u64,
    /// The newest message that the caller may see.
    pub last_message: Option<EntryView>,
    /// The caller's cursor.
    pub cursor: Cursor,
    /// The caller's role.
    pub role: Role,
    /// Whether the caller takes part.
    pub state: MembershipState,
    /// The number of members.
    pub member_count: u32,
    /// The other member of a direct conversation.
    pub peer: Option<User>,
}

/// What an invite shows to people who are not members yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvitePreview {
    /// The invite.
    pub invite: Invite,
    /// The group's title.
    pub title: Option<Arc<str>>,
    /// The group's number of members.
    pub member_count: u32,
}

/// A member as the other members see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MemberView {
    /// The membership.
    pub member: Member,
    /// What the member has received and read.
    pub cursor: Cursor,
}
