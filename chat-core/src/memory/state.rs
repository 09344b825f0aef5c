//! What the memory stores keep, behind one lock.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fmt,
    sync::Arc,
};

use parking_lot::{Mutex, MutexGuard};

use super::invites::KeptInvite;
use crate::{
    id::{AttachmentId, ConversationId, LoginId, UserId},
    model::{
        Boundary, ClientId, Consent, Cursor, EndedLogin, Entry, Founding, Head, IdempotencyRecord,
        InviteCode, Login, Member, Overlay, Seq, Upload, User,
    },
    port::ReplyKey,
};

/// Everything that the stores keep.
#[derive(Default)]
pub(super) struct State {
    pub(super) logs: HashMap<ConversationId, Log>,
    pub(super) views: Views,
    pub(super) cursors: HashMap<(UserId, ConversationId), Cursor>,
    pub(super) consents: HashMap<UserId, HashMap<ConversationId, Consent>>,
    pub(super) boundaries: HashMap<UserId, Boundary>,
    pub(super) accounts: Accounts,
    pub(super) logins: HashMap<LoginId, Login>,
    pub(super) ended_logins: HashMap<LoginId, EndedLogin>,
    pub(super) replies: HashMap<ReplyKey, IdempotencyRecord>,
    pub(super) invites: HashMap<InviteCode, KeptInvite>,
    pub(super) uploads: BTreeMap<AttachmentId, Upload>,
}

/// One conversation's log. The entry with seq `n` is at index `n - 1`.
#[derive(Default)]
pub(super) struct Log {
    pub(super) entries: Vec<Entry>,
    pub(super) by_client_id: HashMap<(UserId, ClientId), Seq>,
    pub(super) head: Head,
}

/// The read models of all conversations.
#[derive(Default)]
pub(super) struct Views {
    pub(super) conversations: BTreeMap<ConversationId, View>,
    pub(super) directs: HashMap<(UserId, UserId), ConversationId>,
    /// Every conversation that the user is or was a member of.
    pub(super) of_user: HashMap<UserId, BTreeSet<ConversationId>>,
}

/// The read models of one conversation. Values written by entries carry the seq of their entry.
#[derive(Default)]
pub(super) struct View {
    pub(super) founding: Option<Founding>,
    pub(super) title: (Seq, Option<Arc<str>>),
    pub(super) members: BTreeMap<UserId, (Seq, Option<Member>)>,
    pub(super) overlays: BTreeMap<Seq, Overlay>,
}

#[derive(Default)]
pub(super) struct Accounts {
    pub(super) by_name: BTreeMap<Arc<str>, UserId>,
    /// The users with their password hashes.
    pub(super) users: HashMap<UserId, (User, Arc<str>)>,
}

/// The state behind one lock, which makes every method of a port atomic.
#[derive(Clone, Default)]
pub(super) struct Shared(Arc<Mutex<State>>);

impl Shared {
    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock()
    }
}

/// Hides the state, because it contains secrets.
impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("memory")
    }
}
