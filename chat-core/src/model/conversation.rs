//! A conversation's running values, members, cursors, and what later entries did to earlier ones.

use std::sync::Arc;

use super::{Entry, Seq};
use crate::{
    id::{ConversationId, UserId},
    time::Timestamp,
};

/// Direct: two people, for good. Group: a title and members who come and go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Two people.
    Direct,
    /// A titled group.
    Group,
}

/// What a member may do, from least to most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Sends, reacts, edits and redacts its own, leaves.
    Member,
    /// Also adds people, removes members, sets the title, redacts anybody's text.
    Admin,
    /// Everything.
    Owner,
}

/// What a conversation was made with; never changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Founding {
    /// The conversation.
    pub conversation: ConversationId,
    /// Direct or group.
    pub kind: Kind,
    /// The title a group began with.
    pub title: Option<Arc<str>>,
    /// When it was made.
    pub created_at: Timestamp,
}

/// A log's newest position and the running values there: they ride along with each append.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Head {
    /// The newest entry's seq; zero when there is none.
    pub seq: Seq,
    /// Entries of kind text up to there.
    pub ord: u64,
    /// The newest entry's time.
    pub at: Timestamp,
    /// The newest entry of kind text; zero when there is none.
    pub text_seq: Seq,
    /// The newest entry that has projections (all kinds but text); zero when there is none.
    pub projected_seq: Seq,
    /// Members.
    pub members: u32,
    /// Members who are owners.
    pub owners: u32,
}

/// A member's standing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Member {
    /// The member.
    pub user: UserId,
    /// What it may do.
    pub role: Role,
    /// Its newest `joined` entry: it sees the log from there on.
    pub joined_seq: Seq,
    /// Entries of kind text up to there: unread counts begin at it.
    pub joined_ord: u64,
}

/// A user's own view of a conversation it is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Membership {
    /// The conversation.
    pub conversation: ConversationId,
    /// The user's standing in it.
    pub member: Member,
}

/// How far a member has got. Both seqs only move forward.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Cursor {
    /// Reached a device of the member.
    pub delivered_seq: Seq,
    /// Seen by the member.
    pub read_seq: Seq,
    /// Entries of kind text up to `read_seq`: unread is the head's `ord` minus this.
    pub read_ord: u64,
}

impl Cursor {
    /// The furthest of both, field by field.
    #[must_use]
    pub fn max(self, other: Self) -> Self {
        let (read_seq, read_ord) =
            (self.read_seq, self.read_ord).max((other.read_seq, other.read_ord));
        Self {
            delivered_seq: self.delivered_seq.max(other.delivered_seq).max(read_seq),
            read_seq,
            read_ord,
        }
    }
}

/// A member's reaction to a message, as the newest entry about it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reaction {
    /// The emoji.
    pub emoji: Arc<str>,
    /// Who.
    pub user: UserId,
    /// On, or taken off again.
    pub on: bool,
    /// The entry that says so.
    pub seq: Seq,
}

/// What later entries did to a message. Folding entries into it in any order, any number of times,
/// gives the same.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Overlay {
    /// The newest edit: its entry, its time and the text, `None` once erased.
    pub edited: Option<(Seq, Timestamp, Option<Arc<str>>)>,
    /// Every edit's entry, ascending: a redaction takes their text away as well.
    pub edit_seqs: Vec<Seq>,
    /// The redaction.
    pub redacted: Option<Seq>,
    /// Reactions, ascending by emoji and user.
    pub reactions: Vec<Reaction>,
}

impl Overlay {
    /// Folds one entry about this message into it; entries of other kinds change nothing.
    pub fn fold(&mut self, entry: &Entry) {
        use super::Body;
        match &entry.body {
            Body::Edited { text, .. } => {
                if let Err(at) = self.edit_seqs.binary_search(&entry.seq) {
                    self.edit_seqs.insert(at, entry.seq);
                }
                if self.edited.as_ref().is_none_or(|(seq, ..)| *seq <= entry.seq) {
                    self.edited = Some((entry.seq, entry.at, text.clone()));
                }
            }
            Body::Redacted { .. } => {
                let first = self.redacted.map_or(entry.seq, |seq| seq.min(entry.seq));
                self.redacted = Some(first);
            }
            Body::Reaction { emoji, on, .. } => self.react(emoji, entry.sender, *on, entry.seq),
            Body::Text { .. }
            | Body::Joined { .. }
            | Body::Left { .. }
            | Body::Role { .. }
            | Body::Title { .. } => {}
        }
        if self.redacted.is_some()
            && let Some((_, _, text)) = &mut self.edited
        {
            *text = None;
        }
    }

    fn react(&mut self, emoji: &Arc<str>, user: UserId, on: bool, seq: Seq) {
        match self.place_of(emoji, user) {
            Ok(at) if self.reactions[at].seq > seq => {}
            Ok(at) => (self.reactions[at].on, self.reactions[at].seq) = (on, seq),
            Err(at) => {
                let reaction = Reaction { emoji: emoji.clone(), user, on, seq };
                self.reactions.insert(at, reaction);
            }
        }
    }

    fn place_of(&self, emoji: &str, user: UserId) -> Result<usize, usize> {
        self.reactions.binary_search_by(|one| (&*one.emoji, one.user).cmp(&(emoji, user)))
    }

    /// How many different emoji have ever been put on the message: those taken off are kept too.
    pub fn emoji_count(&self) -> usize {
        self.reactions.chunk_by(|one, next| one.emoji == next.emoji).count()
    }

    /// The standing reaction of this user with this emoji, on or off.
    pub fn reaction(&self, emoji: &str, user: UserId) -> Option<&Reaction> {
        self.place_of(emoji, user).ok().map(|at| &self.reactions[at])
    }
}
