//! An entry of a log, borrowed from the domain's view of it.

use std::{ops::Not, sync::Arc};

use chat_core::{
    model::{Body, ClientId, Seq},
    view::{EntryView, ReactionView},
};
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    attachments::AttachmentJson,
    value::{Id, RoleName, Time, WireConversationId, WireEntryId, WireUserId},
};

/// An entry in its present state: later edits, reactions and redactions are applied.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Entry)]
pub struct EntryJson<'a> {
    conversation: WireConversationId,
    /// The position in the log, from 1 without gaps.
    seq: u64,
    id: WireEntryId,
    /// The user whose command made the entry.
    sender: WireUserId,
    /// The sender's name for the command.
    #[serde(skip_serializing_if = "Option::is_none")]
    client_id: Option<&'a str>,
    sent_at: Time,
    #[serde(flatten)]
    body: EntryBody<'a>,
}

/// The members that depend on an entry's kind.
#[derive(Debug, Serialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum EntryBody<'a> {
    /// A message.
    Text {
        /// The text, unless it is redacted.
        #[serde(skip_serializing_if = "Option::is_none")]
        text: Option<&'a str>,
        /// True if the text was removed.
        #[serde(skip_serializing_if = "Not::not")]
        redacted: bool,
        /// The `seq` of the text that this one answers.
        #[serde(skip_serializing_if = "Option::is_none")]
        reply_to: Option<u64>,
        /// The files that the message shows.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        attachments: Vec<AttachmentJson<'a>>,
        /// When the text was last edited.
        #[serde(skip_serializing_if = "Option::is_none")]
        edited_at: Option<Time>,
        /// Who reacted with what.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        reactions: Vec<ReactionJson<'a>>,
    },
    /// A text was edited.
    Edited {
        /// The `seq` of the text.
        target_seq: u64,
        /// The new text, unless it is redacted.
        #[serde(skip_serializing_if = "Option::is_none")]
        text: Option<&'a str>,
        /// True if the new text was removed.
        #[serde(skip_serializing_if = "Not::not")]
        redacted: bool,
    },
    /// A text was removed.
    Redacted {
        /// The `seq` of the text.
        target_seq: u64,
    },
    /// An emoji was put on a text or taken off.
    Reaction {
        /// The `seq` of the text.
        target_seq: u64,
        /// The emoji.
        emoji: &'a str,
        /// True if it was put on.
        on: bool,
    },
    /// A user became a member.
    Joined {
        /// The user.
        user: WireUserId,
        /// Their role.
        role: RoleName,
        /// The member with whose invite they joined.
        #[serde(skip_serializing_if = "Option::is_none")]
        invited_by: Option<WireUserId>,
    },
    /// A member left or was removed.
    Left {
        /// The member.
        user: WireUserId,
        /// Who removed them. The same user if they left.
        by: WireUserId,
    },
    /// A member got another role.
    Role {
        /// The member.
        user: WireUserId,
        /// The new role.
        role: RoleName,
    },
    /// The group got another title.
    Title {
        /// The new title.
        title: &'a str,
    },
}

/// The users that put an emoji on a text.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Reaction)]
struct ReactionJson<'a> {
    emoji: &'a str,
    /// In the order in which they reacted.
    users: Vec<WireUserId>,
}

impl<'a> From<&'a EntryView> for EntryJson<'a> {
    fn from(view: &'a EntryView) -> Self {
        let entry = &view.entry;
        Self {
            conversation: Id(entry.conversation),
            seq: entry.seq.get(),
            id: Id(entry.id),
            sender: Id(entry.sender),
            client_id: entry.client_id.as_ref().map(ClientId::as_str),
            sent_at: Time(entry.at),
            body: EntryBody::from(view),
        }
    }
}

impl<'a> From<&'a EntryView> for EntryBody<'a> {
    fn from(view: &'a EntryView) -> Self {
        // Nothing of a text stays readable after a redaction.
        let visible = |text: &'a Option<Arc<str>>| text.as_deref().filter(|_| !view.redacted);
        match &view.entry.body {
            Body::Text { text, reply_to, attachments } => {
                let text = visible(text);
                let attachments = if view.redacted { &[][..] } else { attachments };
                let reactions = if view.redacted { &[][..] } else { &view.reactions };
                Self::Text {
                    text,
                    redacted: text.is_none(),
                    reply_to: reply_to.map(Seq::get),
                    attachments: attachments.iter().map(AttachmentJson::from).collect(),
                    edited_at: view.edited_at.filter(|_| !view.redacted).map(Time),
                    reactions: reactions.iter().map(ReactionJson::from).collect(),
                }
            }
            Body::Edited { target_seq, text } => {
                let text = visible(text);
                Self::Edited { target_seq: target_seq.get(), text, redacted: text.is_none() }
            }
            Body::Redacted { target_seq } => Self::Redacted { target_seq: target_seq.get() },
            Body::Reaction { target_seq, emoji, on } => {
                Self::Reaction { target_seq: target_seq.get(), emoji, on: *on }
            }
            Body::Joined { user, role, joining } => Self::Joined {
                user: Id(*user),
                role: (*role).into(),
                invited_by: joining.invited_by().map(Id),
            },
            Body::Left { user, by } => Self::Left { user: Id(*user), by: Id(*by) },
            Body::Role { member } => Self::Role { user: Id(member.user), role: member.role.into() },
            Body::Title { title } => Self::Title { title },
        }
    }
}

impl<'a> From<&'a ReactionView> for ReactionJson<'a> {
    fn from(view: &'a ReactionView) -> Self {
        Self { emoji: &view.emoji, users: view.users.iter().copied().map(Id).collect() }
    }
}
