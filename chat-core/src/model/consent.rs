//! What a member agreed to in one conversation: to take part, or not to see it.

use serde::{Deserialize, Serialize};

use super::{Member, Seq};
use crate::id::UserId;

/// What a member agreed to in one conversation. Seqs only move forward.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Consent {
    /// The member took part after joining at this seq or before.
    pub opened_seq: Seq,
    /// The member hid the conversation at this seq.
    pub hidden_seq: Seq,
    /// The user whom the member asked to take part by opening a direct conversation.
    pub asked: Option<UserId>,
}

/// Whether a member takes part in a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MembershipState {
    /// The member has not answered yet.
    Request,
    /// The member has declined. Only the member can tell this from [`Self::Request`].
    Declined,
    /// The member takes part.
    Open,
}

impl Consent {
    /// Returns the furthest of both, field by field.
    #[must_use]
    pub fn max(self, other: Self) -> Self {
        Self {
            opened_seq: self.opened_seq.max(other.opened_seq),
            hidden_seq: self.hidden_seq.max(other.hidden_seq),
            asked: self.asked.or(other.asked),
        }
    }

    /// Returns the member's agreement to take part.
    pub fn opening(member: &Member) -> Self {
        Self { opened_seq: member.joined_seq, ..Self::default() }
    }

    /// Returns the member's wish not to see the conversation up to this seq.
    pub fn hiding(seq: Seq) -> Self {
        Self { hidden_seq: seq, ..Self::default() }
    }

    /// Returns the seq up to which the member hid the conversation since joining, or zero. Declining
    /// marks the seq of joining and hides nothing.
    pub fn hidden_to(&self, member: &Member) -> Seq {
        if self.hidden_seq > member.joined_seq { self.hidden_seq } else { Seq::ZERO }
    }

    /// Returns true if the member hid the conversation, and the log has nothing newer than that.
    pub fn hides(&self, member: &Member, head: Seq) -> bool {
        let hidden_to = self.hidden_to(member);
        hidden_to > Seq::ZERO && hidden_to >= head
    }

    /// Returns whether the member takes part. A member who left and was added again has to agree
    /// again.
    pub fn state(&self, member: &Member) -> MembershipState {
        if !member.needs_consent || self.opened_seq >= member.joined_seq {
            MembershipState::Open
        } else if self.hidden_seq >= member.joined_seq {
            MembershipState::Declined
        } else {
            MembershipState::Request
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Role;

    fn member(joined: u64, needs_consent: bool) -> Member {
        let user = UserId::new(1).unwrap();
        let joined_seq = Seq::new(joined);
        Member { user, role: Role::Member, needs_consent, joined_seq, joined_ord: 0 }
    }

    #[test]
    fn state_follows_from_what_came_after_joining() {
        let consent = |opened, hidden| Consent {
            opened_seq: Seq::new(opened),
            hidden_seq: Seq::new(hidden),
            asked: None,
        };
        for (opened, hidden, needs_consent, state) in [
            (0, 0, false, MembershipState::Open),
            (0, 9, false, MembershipState::Open),
            (0, 0, true, MembershipState::Request),
            (4, 4, true, MembershipState::Request),
            (0, 5, true, MembershipState::Declined),
            (5, 0, true, MembershipState::Open),
            (5, 9, true, MembershipState::Open),
        ] {
            let found = consent(opened, hidden).state(&member(5, needs_consent));
            assert_eq!(found, state, "{opened} {hidden} {needs_consent}");
        }
    }

    #[test]
    fn conversation_is_hidden_until_its_next_entry() {
        let member = member(1, false);
        let hidden = Consent::hiding(Seq::new(7));
        assert!(hidden.hides(&member, Seq::new(7)));
        assert!(!hidden.hides(&member, Seq::new(8)));
        let declined = Consent::hiding(member.joined_seq);
        assert!(!declined.hides(&member, member.joined_seq));
    }

    #[test]
    fn consent_only_moves_forward() {
        let member = member(5, true);
        let opened = Consent::opening(&member);
        let both = opened.max(Consent::hiding(Seq::new(7)));
        assert_eq!((both.opened_seq, both.hidden_seq), (Seq::new(5), Seq::new(7)));
        assert_eq!(both.max(Consent::default()), both);
    }
}
