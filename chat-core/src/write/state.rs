//! What is known of a conversation, to decide a write: partial, and folded forward.

use std::{collections::HashMap, sync::Arc};

use crate::{
    error::ChatError,
    id::{ConversationId, UserId},
    model::{AttachmentList, Body, Entry, Head, Kind, Member, Overlay, Role, Seq},
    planted::{Bug, is_planted},
    projection::Projection,
    time::Timestamp,
};

/// How many members and targets are kept; beyond that they are read again when needed.
const KNOWN_MAX: usize = 1_024;

/// A conversation at one head. Cloning is cheap: members and targets are shared until they change.
#[derive(Debug, Clone)]
pub struct State {
    /// The conversation.
    pub conversation: ConversationId,
    /// Direct or group.
    pub kind: Kind,
    /// The newest seq, and the running values there.
    pub head: Head,
    title: Option<Arc<str>>,
    members: Arc<HashMap<UserId, Option<Member>>>,
    targets: Arc<HashMap<Seq, Option<Target>>>,
    /// Whether the first user may add the second one, and whether that one has to agree.
    candidates: Arc<HashMap<(UserId, UserId), Result<bool, ChatError>>>,
    /// Both members of a direct conversation.
    peers: Option<[UserId; 2]>,
    /// Members of a direct conversation whom the other member has blocked.
    blocked: Vec<UserId>,
}

/// An entry that a write refers to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// Who sent it.
    pub sender: UserId,
    /// True if the entry is a message.
    pub is_text: bool,
    /// The files that it shows.
    pub attachments: AttachmentList,
    /// What later entries did to it.
    pub overlay: Overlay,
}

impl Target {
    /// Returns the entry before any later one.
    pub fn of(entry: &Entry) -> Self {
        let attachments = if let Body::Text { attachments, .. } = &entry.body {
            attachments.clone()
        } else {
            AttachmentList::default()
        };
        let (sender, is_text) = (entry.sender, entry.body.is_text());
        Self { sender, is_text, attachments, overlay: Overlay::default() }
    }
}

/// What the decision about a write depends on, besides the running values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Needs {
    /// The memberships of these users, who may be the same.
    pub users: [UserId; 2],
    /// The entry at this seq.
    pub target: Option<Seq>,
    /// Whether this user may be added to a conversation.
    pub candidate: Option<UserId>,
}

impl State {
    /// Creates a state that knows only the running values and the title.
    pub fn new(
        conversation: ConversationId,
        kind: Kind,
        head: Head,
        title: Option<Arc<str>>,
    ) -> Self {
        Self {
            conversation,
            kind,
            head,
            title,
            members: Arc::default(),
            targets: Arc::default(),
            candidates: Arc::default(),
            peers: None,
            blocked: Vec::new(),
        }
    }

    /// Returns the group's title.
    pub fn title(&self) -> Option<&str> {
        self.title.as_deref()
    }

    /// Returns a user's membership, or `None` if it is not known. The inner `None` says that the
    /// user is not a member.
    pub fn standing(&self, user: UserId) -> Option<Option<Member>> {
        self.members.get(&user).copied()
    }

    /// Returns the member, if the user is known to be one.
    pub fn member(&self, user: UserId) -> Option<Member> {
        self.standing(user).flatten()
    }

    /// Returns the entry at this seq, or `None` if it is not known. The inner `None` says that the
    /// log had no such entry at this head.
    pub fn target(&self, seq: Seq) -> Option<Option<&Target>> {
        self.targets.get(&seq).map(Option::as_ref)
    }

    /// Adds a membership read from a projection. The projection may be ahead of this head: then the
    /// append at this head is refused. A folded membership is not overwritten.
    pub fn learn_member(&mut self, user: UserId, standing: Option<Member>) {
        Arc::make_mut(&mut self.members).entry(user).or_insert(standing);
    }

    /// Adds an entry that was read, in the same way.
    pub fn learn_target(&mut self, seq: Seq, target: Option<Target>) {
        Arc::make_mut(&mut self.targets).entry(seq).or_insert(target);
    }

    /// Adds whether `adder` may add the user, and whether the user has to agree.
    pub fn learn_candidate(
        &mut self,
        adder: UserId,
        user: UserId,
        needs_consent: Result<bool, ChatError>,
    ) {
        Arc::make_mut(&mut self.candidates).insert((adder, user), needs_consent);
    }

    /// Returns whether the user has to agree if `adder` adds it. Fails if `adder` may not.
    pub fn check_candidate(&self, adder: UserId, user: UserId) -> Result<bool, ChatError> {
        const UNKNOWN: &str = "the new member could not be looked up";
        let candidate = self.candidates.get(&(adder, user)).cloned();
        candidate.unwrap_or(Err(ChatError::Unavailable(UNKNOWN)))
    }

    /// Adds the members of a direct conversation.
    pub fn learn_peers(&mut self, peers: [UserId; 2]) {
        self.peers = Some(peers);
    }

    /// Returns the other member of a direct conversation, or `None` if it is not known.
    pub fn peer_of(&self, user: UserId) -> Option<UserId> {
        let [one, other] = self.peers?;
        Some(if one == user { other } else { one })
    }

    /// Adds that the other member of a direct conversation has blocked this one.
    pub fn learn_blocked(&mut self, user: UserId) {
        self.blocked.push(user);
    }

    /// Returns true if the other member of a direct conversation has blocked this one.
    pub fn is_blocked(&self, user: UserId) -> bool {
        self.blocked.contains(&user)
    }

    /// Records that a member takes part from now on.
    pub fn open(&mut self, user: UserId) {
        if let Some(member) = self.member(user) {
            self.set_standing(user, Some(Member { needs_consent: false, ..member }));
        }
    }

    /// Drops the known members or targets once there are too many, and all candidates and blocks: they
    /// change without this conversation.
    pub fn trim(&mut self) {
        self.blocked.clear();
        if !self.candidates.is_empty() {
            self.candidates = Arc::default();
        }
        if self.members.len() > KNOWN_MAX {
            self.members = Arc::default();
        }
        if self.targets.len() > KNOWN_MAX {
            self.targets = Arc::default();
        }
    }

    /// Returns the running values after one more entry with this body. Its time is `at`, but not
    /// before the head's.
    pub fn head_after(&self, body: &Body, at: Timestamp) -> Head {
        let seq = self.head.seq.next();
        let is_text = body.is_text();
        let mut head = Head {
            seq,
            ord: self.head.ord + u64::from(is_text),
            at: at.max(self.head.at),
            text_seq: if is_text { seq } else { self.head.text_seq },
            projected_seq: if body.is_projected() { seq } else { self.head.projected_seq },
            ..self.head
        };
        let (before, after) = self.roles_changed_by(body);
        // A membership may be newer than this head. That makes the count wrong only in a plan that
        // the store refuses.
        let changed = |count: u32, is_one: fn(Option<Role>) -> bool| {
            (count + u32::from(is_one(after))).saturating_sub(u32::from(is_one(before)))
        };
        head.members = changed(head.members, |role| role.is_some());
        head.owners = changed(head.owners, |role| role == Some(Role::Owner));
        head
    }

    /// Returns the role of the member that the body is about, before and after it.
    fn roles_changed_by(&self, body: &Body) -> (Option<Role>, Option<Role>) {
        let before = |user: &UserId| self.member(*user).map(|member| member.role);
        match body {
            Body::Joined { user, role, .. } => (before(user), Some(*role)),
            Body::Left { user, .. } => (before(user), None),
            Body::Role { member } => (before(&member.user), Some(member.role)),
            Body::Text { .. }
            | Body::Edited { .. }
            | Body::Redacted { .. }
            | Body::Reaction { .. }
            | Body::Title { .. } => (None, None),
        }
    }

    /// Applies the next entry of the log, after which the running values are `head`.
    pub fn fold(&mut self, entry: &Entry, head: Head) {
        self.head = head;
        self.complete_target(entry);
        match Projection::of(entry) {
            Projection::Cursor { .. } => {}
            Projection::Overlay { target_seq } => {
                if let Some(Some(_)) = self.targets.get(&target_seq)
                    && let Some(Some(target)) =
                        Arc::make_mut(&mut self.targets).get_mut(&target_seq)
                {
                    target.overlay.fold(entry);
                }
            }
            Projection::Member(member) => self.set_standing(member.user, Some(member)),
            Projection::Gone(_) if is_planted(Bug::DecidesOnOldMembers) => {}
            Projection::Gone(user) => self.set_standing(user, None),
            Projection::Title(title) => self.title = Some(title),
        }
    }

    /// Completes a target that was looked up before the log had it.
    fn complete_target(&mut self, entry: &Entry) {
        if self.target(entry.seq) == Some(None) {
            Arc::make_mut(&mut self.targets).insert(entry.seq, Some(Target::of(entry)));
        }
    }

    fn set_standing(&mut self, user: UserId, standing: Option<Member>) {
        Arc::make_mut(&mut self.members).insert(user, standing);
    }
}

#[cfg(test)]
mod tests;
