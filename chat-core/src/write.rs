//! A write: a command that becomes an entry of a conversation's log.
//!
//! In reading order: this file has the types; [`state`] is what must be known of a conversation,
//! [`decide`] says what a write becomes at that state, and [`plan`] does so for a batch. All of
//! that is pure. [`appender`] is the only writer of a conversation on this gateway: it has the state
//! completed by [`load`], and carries batches to the log.

pub(crate) mod appender;
pub mod decide;
mod files;
mod gather;
mod load;
mod plan;
pub mod state;
mod turns;
mod unknown;

use std::{
    collections::HashSet,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{
    sync::oneshot,
    time::{Instant, timeout_at},
};

use crate::{
    display_name,
    emoji::is_emoji,
    error::ChatError,
    id::{AttachmentId, ConversationId, UserId},
    limits::{
        ATTACHMENTS_MAX, EMOJI_BYTES_MAX, FILE_NAME_BYTES_MAX, TEXT_BYTES_MAX, TITLE_BYTES_MAX,
    },
    model::{Body, ClientId, Entry, Role, Seq, Upload},
    visible::is_visible,
};

/// A command that becomes an entry of a conversation's log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Write {
    /// The conversation to write to.
    pub conversation: ConversationId,
    /// The sender's own name for the command. A repeat with the same name makes no second entry.
    pub client_id: Option<ClientId>,
    /// The seq that the entry must get; at any other head the write is refused.
    pub expected_seq: Option<Seq>,
    /// The newest seq that the sender knew when it first made the command.
    pub base_seq: Option<Seq>,
    /// What to change.
    pub change: Change,
}

/// What a write changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Sends a message.
    Text {
        /// The message's text.
        text: Arc<str>,
        /// The message that it answers.
        reply_to: Option<Seq>,
        /// The files that it shows.
        attachments: Vec<AttachmentId>,
    },
    /// Replaces the text of the actor's own message.
    Edit {
        /// The message.
        target_seq: Seq,
        /// The new text.
        text: Arc<str>,
    },
    /// Removes the text of a message.
    Redact {
        /// The message.
        target_seq: Seq,
    },
    /// Adds the actor's reaction to a message, or removes it.
    React {
        /// The message.
        target_seq: Seq,
        /// The emoji.
        emoji: Arc<str>,
        /// True to add, false to remove.
        on: bool,
    },
    /// Adds a member, or changes a member's role.
    SetMember {
        /// The user to add or change.
        user: UserId,
        /// The role. `None` adds a plain member, and leaves the role of an existing one.
        role: Option<Role>,
    },
    /// Removes a member; removing oneself is leaving.
    Remove {
        /// The member.
        user: UserId,
    },
    /// Makes the actor a member. The use of an invite precedes it ([`crate::model::InviteUse`]).
    Join {
        /// The member who made the invite.
        invited_by: UserId,
    },
    /// Changes the title of a group.
    SetTitle {
        /// The new title.
        title: Arc<str>,
    },
}

impl Write {
    /// Returns the write with its title normalized. Fails if a text, title or emoji is out of bounds.
    pub(crate) fn validated(mut self) -> Result<Self, ChatError> {
        match &mut self.change {
            Change::Text { text, attachments, .. } if !attachments.is_empty() => {
                check_attachments(attachments)?;
                if !text.is_empty() {
                    check_text(text)?;
                }
            }
            Change::Text { text, .. } | Change::Edit { text, .. } => check_text(text)?,
            Change::React { emoji, .. } => {
                if emoji.len() > EMOJI_BYTES_MAX || !is_emoji(emoji) {
                    return Err(ChatError::invalid(
                        "emoji",
                        "expected one emoji of up to 64 bytes",
                    ));
                }
            }
            Change::SetTitle { title } => *title = normalized_title(title)?,
            Change::Redact { .. }
            | Change::SetMember { .. }
            | Change::Remove { .. }
            | Change::Join { .. } => {}
        }
        Ok(self)
    }
}

/// Returns the title in the form of names. Fails if it is not a name or too long.
pub(crate) fn normalized_title(text: &str) -> Result<Arc<str>, ChatError> {
    let title = display_name::check("title", text)?;
    check_bytes("title", &title, TITLE_BYTES_MAX)?;
    Ok(title.into())
}

fn check_text(text: &str) -> Result<(), ChatError> {
    check_bytes("text", text, TEXT_BYTES_MAX)?;
    if text.chars().any(is_visible) {
        Ok(())
    } else {
        Err(ChatError::invalid("text", "expected something to see"))
    }
}

fn check_attachments(ids: &[AttachmentId]) -> Result<(), ChatError> {
    if ids.len() > ATTACHMENTS_MAX {
        return Err(ChatError::TooLarge { field: "attachments", max: ATTACHMENTS_MAX });
    }
    if ids.iter().collect::<HashSet<_>>().len() < ids.len() {
        return Err(ChatError::invalid("attachments", "expected each attachment once"));
    }
    Ok(())
}

/// Fails unless the text has 1 to `max` bytes.
fn check_bytes(field: &'static str, text: &str, max: usize) -> Result<(), ChatError> {
    if text.is_empty() {
        return Err(ChatError::invalid(field, format!("{field} is empty")));
    }
    if text.len() > max {
        return Err(ChatError::TooLarge { field, max });
    }
    Ok(())
}

impl Change {
    /// Sends a message without attachments.
    pub fn plain(text: impl Into<Arc<str>>, reply_to: Option<Seq>) -> Self {
        Self::Text { text: text.into(), reply_to, attachments: Vec::new() }
    }

    /// Returns the bytes of text in the change, for the bound on a batch.
    pub fn text_bytes(&self) -> usize {
        match self {
            Self::Text { text, attachments, .. } => {
                text.len() + attachments.len() * FILE_NAME_BYTES_MAX
            }
            Self::Edit { text, .. } => text.len(),
            Self::React { emoji, .. } => emoji.len(),
            Self::SetTitle { title } => title.len(),
            Self::Redact { .. }
            | Self::SetMember { .. }
            | Self::Remove { .. }
            | Self::Join { .. } => 0,
        }
    }

    /// Returns true if this change makes an entry with this body. An erased text matches any text with
    /// any attachments.
    pub fn makes(&self, body: &Body) -> bool {
        let same = |wanted: &Arc<str>, kept: &Option<Arc<str>>| {
            kept.as_ref().is_none_or(|kept| kept == wanted)
        };
        match (self, body) {
            (
                Self::Text { text, reply_to, attachments },
                Body::Text { text: kept, reply_to: kept_to, attachments: kept_files },
            ) => {
                let are_same = attachments.iter().eq(kept_files.iter().map(|one| &one.id));
                reply_to == kept_to && same(text, kept) && (kept.is_none() || are_same)
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
            (Self::Join { invited_by }, Body::Joined { joining, .. }) => {
                joining.invited_by() == Some(*invited_by)
            }
            _ => false,
        }
    }
}

/// What became of a write that was not refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// This entry is the result.
    Entry {
        /// The entry as it was appended.
        entry: Box<Entry>,
        /// True if the entry was in the log before this attempt.
        replayed: bool,
    },
    /// The conversation was already as asked, and no entry records that.
    Unchanged,
}

/// What the caller of a write gets.
pub(crate) type WriteResult = Result<Outcome, ChatError>;

/// What the caller gets if no append with the write was attempted before the deadline.
const TIMED_OUT: ChatError = ChatError::Unavailable("the store did not answer in time");

/// An append is only attempted with this much time left for each of its writes, so that a write
/// reported as not done is never appended afterwards.
const TIME_LEFT_MIN: Duration = Duration::from_millis(20);

/// A write in the appender's queue, as its caller sees it.
#[derive(Debug)]
pub struct Pending {
    order: u64,
    deadline: Instant,
    attempted: Attempted,
    result: oneshot::Receiver<WriteResult>,
}

impl Pending {
    /// Waits for the outcome until the write's deadline. Then returns `Unavailable` if no append
    /// was attempted with it, and `OutcomeUnknown` otherwise.
    pub async fn outcome(self) -> Result<Outcome, ChatError> {
        match timeout_at(self.deadline, self.result).await {
            Ok(Ok(result)) => result,
            Err(_) if !self.attempted.includes(self.order) => Err(TIMED_OUT),
            // The appender panicked, or is still waiting for the store.
            Ok(Err(_)) | Err(_) => Err(ChatError::OutcomeUnknown),
        }
    }
}

/// A write in the queue, as the appender sees it.
#[derive(Debug)]
struct Waiting {
    /// Its place among all writes of this appender. Replanning keeps this order.
    order: u64,
    actor: UserId,
    write: Write,
    /// The records of the files that it sends, as they were when this gateway last looked.
    files: Vec<Upload>,
    /// The head that the sender knew, or else the head at which this gateway first planned the
    /// write. A first attempt can only stand after it.
    base: Option<Seq>,
    deadline: Instant,
    result: oneshot::Sender<WriteResult>,
}

impl Waiting {
    /// Answers the caller, who may have gone: what was appended stays.
    fn answer(self, result: WriteResult) {
        drop(self.result.send(result));
    }

    /// Returns true if there is too little time left to attempt an append.
    fn is_late(&self) -> bool {
        self.deadline <= Instant::now() + TIME_LEFT_MIN
    }
}

/// The newest write of a conversation with which an append was attempted.
#[derive(Debug, Clone, Default)]
struct Attempted(Arc<AtomicU64>);

impl Attempted {
    fn mark(&self, order: u64) {
        self.0.fetch_max(order, Ordering::SeqCst);
    }

    fn includes(&self, order: u64) -> bool {
        self.0.load(Ordering::SeqCst) >= order
    }
}
