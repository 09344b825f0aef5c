//! What must be known of a conversation to decide a command: partial, and folded forward.

use std::{collections::HashMap, sync::Arc};

use crate::{
    id::{ConversationId, UserId},
    model::{Body, Entry, Head, Kind, Member, Overlay, Role, Seq},
    projection::Projection,
    time::Timestamp,
};

/// Known members and targets that are kept; past this they are read again when needed.
const KNOWN_MAX: usize = 1_024;

/// A conversation at one head. Cloning is cheap: what is known is shared until it changes.
#[derive(Debug, Clone)]
pub struct State {
    /// The conversation.
    pub conversation: ConversationId,
    /// Direct or group.
    pub kind: Kind,
    /// The newest position and the running values there.
    pub head: Head,
    title: Option<Arc<str>>,
    members: Arc<HashMap<UserId, Option<Member>>>,
    targets: Arc<HashMap<Seq, Option<Target>>>,
}

/// An entry that a command is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// Who made it.
    pub sender: UserId,
    /// Whether it is a message.
    pub is_text: bool,
    /// What later entries did to it.
    pub overlay: Overlay,
}

/// What a command must know besides the running values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Needs {
    /// The standing of these users; both may be the same.
    pub users: [UserId; 2],
    /// The entry at this seq.
    pub target: Option<Seq>,
}

impl State {
    /// A conversation of which nothing but the running values and the title is known.
    pub fn new(
        conversation: ConversationId,
        kind: Kind,
        head: Head,
        title: Option<Arc<str>>,
    ) -> Self {
        let (members, targets) = (Arc::default(), Arc::default());
        Self { conversation, kind, head, title, members, targets }
    }

    /// The title.
    pub fn title(&self) -> Option<&str> {
        self.title.as_deref()
    }

    /// The standing of a user, if it is known; the inner `None` is for who is no member.
    pub fn standing(&self, user: UserId) -> Option<Option<Member>> {
        self.members.get(&user).copied()
    }

    /// The member, if the user is known to be one.
    pub fn member(&self, user: UserId) -> Option<Member> {
        self.standing(user).flatten()
    }

    /// The entry at this seq, if it is known; the inner `None` is for what is not there yet.
    pub fn target(&self, seq: Seq) -> Option<Option<&Target>> {
        self.targets.get(&seq).map(Option::as_ref)
    }

    /// Learns a user's standing from a projection, which may be ahead of this head: the append at
    /// the older head is refused then. What has been folded is not overwritten.
    pub fn learn_member(&mut self, user: UserId, standing: Option<Member>) {
        Arc::make_mut(&mut self.members).entry(user).or_insert(standing);
    }

    /// Learns an entry, likewise.
    pub fn learn_target(&mut self, seq: Seq, target: Option<Target>) {
        Arc::make_mut(&mut self.targets).entry(seq).or_insert(target);
    }

    /// Forgets members and targets once many are known.
    pub fn trim(&mut self) {
        if self.members.len() > KNOWN_MAX {
            self.members = Arc::default();
        }
        if self.targets.len() > KNOWN_MAX {
            self.targets = Arc::default();
        }
    }

    /// The running values after one more entry with this body, `at` this time or the head's.
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
        // Members may be known from after this head. A count that is wrong for that exists only in
        // a plan that the store refuses.
        let changed = |count: u32, is_one: fn(Option<Role>) -> bool| {
            (count + u32::from(is_one(after))).saturating_sub(u32::from(is_one(before)))
        };
        head.members = changed(head.members, |role| role.is_some());
        head.owners = changed(head.owners, |role| role == Some(Role::Owner));
        head
    }

    /// The role of the member that a membership body is about, before and after it.
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

    /// Folds the next entry into what is known.
    pub fn fold(&mut self, entry: &Entry, head: Head) {
        self.head = head;
        self.arrive(entry);
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
            Projection::Gone(user) => self.set_standing(user, None),
            Projection::Title(title) => self.title = Some(title),
        }
    }

    /// An entry that a command was about before it was there.
    fn arrive(&mut self, entry: &Entry) {
        if self.target(entry.seq) == Some(None) {
            let (sender, is_text) = (entry.sender, entry.body.is_text());
            let target = Target { sender, is_text, overlay: Overlay::default() };
            Arc::make_mut(&mut self.targets).insert(entry.seq, Some(target));
        }
    }

    fn set_standing(&mut self, user: UserId, standing: Option<Member>) {
        Arc::make_mut(&mut self.members).insert(user, standing);
    }
}
