//! Invites: codes with which people join a group by themselves.
//!
//! A use is taken before its user joins, and belongs to that user from then on. It names the entry that
//! it makes, so that it makes at most one, however often the user tries.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use super::{ClientId, Seq};
use crate::{
    id::{ConversationId, UserId},
    time::Timestamp,
};

/// The digits of a code, in the order of their values.
const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/// The number of characters of a code: 62^11 is more than 2^64.
const CODE_CHARS: usize = 11;

/// The code of an invite: 64 random bits, written as 11 characters of `0-9 A-Z a-z`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct InviteCode(u64);

/// The error for a text that is not the code of an invite.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an invite code: expected 11 characters of 0-9 A-Z a-z")]
pub struct InvalidInviteCode;

impl InviteCode {
    /// Makes a code from random bits.
    pub const fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    /// Returns the bits.
    pub const fn bits(self) -> u64 {
        self.0
    }

    /// Returns the bits as a number for stores without unsigned integers.
    pub const fn as_i64(self) -> i64 {
        self.0.cast_signed()
    }

    /// Makes a code from a number that [`Self::as_i64`] returned.
    pub const fn from_i64(value: i64) -> Self {
        Self(value.cast_unsigned())
    }
}

impl FromStr for InviteCode {
    type Err = InvalidInviteCode;

    fn from_str(text: &str) -> Result<Self, InvalidInviteCode> {
        if text.len() != CODE_CHARS {
            return Err(InvalidInviteCode);
        }
        let value = text.bytes().try_fold(0_u64, |value, byte| {
            let digit = DIGITS.iter().position(|digit| *digit == byte)?;
            value.checked_mul(62)?.checked_add(digit as u64)
        });
        value.map(Self).ok_or(InvalidInviteCode)
    }
}

impl fmt::Display for InviteCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = [DIGITS[0]; CODE_CHARS];
        let mut rest = self.0;
        for place in text.iter_mut().rev() {
            *place = DIGITS[usize::try_from(rest % 62).unwrap_or_default()];
            rest /= 62;
        }
        f.write_str(std::str::from_utf8(&text).map_err(|_| fmt::Error)?)
    }
}

/// Hides the code: a person who reads it in a log could join.
impl fmt::Debug for InviteCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("InviteCode(***)")
    }
}

/// An invite to a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invite {
    /// Its code.
    pub code: InviteCode,
    /// The group.
    pub conversation: ConversationId,
    /// The admin who made it.
    pub created_by: UserId,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it expires.
    pub expires_at: Timestamp,
    /// How many people may use it, or `None` for any number.
    pub max_uses: Option<u32>,
    /// How many uses were taken.
    pub used: u32,
    /// True once somebody has ended it.
    pub is_ended: bool,
}

/// A use of an invite, which one user holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InviteUse {
    /// The client id of the `joined` entry that this use makes.
    pub client_id: ClientId,
    /// The head of the log when the use was taken. The entry can only stand after it.
    pub base_seq: Seq,
}

/// The result of claiming a use of an invite.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UseClaim {
    /// The user holds this use, from now on or from an earlier claim.
    Yours(InviteUse),
    /// The invite does not exist, or this user cannot use it.
    Gone,
}

/// What a claim of a use has to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UseDecision {
    /// Nothing: the invite has ended, has expired or is used up.
    Gone,
    /// Nothing: the user holds this use already.
    Held(InviteUse),
    /// Count one use more, and store that the user holds it.
    Take,
}

impl Invite {
    /// Returns how many uses are left, or `None` if their number is not limited.
    pub fn uses_left(&self) -> Option<u32> {
        self.max_uses.map(|max| max.saturating_sub(self.used))
    }

    /// Returns true if somebody new can use the invite now.
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.is_in_force(now) && self.uses_left() != Some(0)
    }

    fn is_in_force(&self, now: Timestamp) -> bool {
        !self.is_ended && now < self.expires_at
    }

    /// Decides a claim by a user who holds this use. A use that is `spent` on an entry counts as none.
    /// A use that is held outlasts the last use, but not the invite.
    pub fn decide_use(
        &self,
        held: Option<InviteUse>,
        spent: Option<&ClientId>,
        now: Timestamp,
    ) -> UseDecision {
        if !self.is_in_force(now) {
            return UseDecision::Gone;
        }
        match held.filter(|held| Some(&held.client_id) != spent) {
            Some(held) => UseDecision::Held(held),
            None if self.uses_left() == Some(0) => UseDecision::Gone,
            None => UseDecision::Take,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_000);

    fn invite(max_uses: Option<u32>, used: u32) -> Invite {
        Invite {
            code: InviteCode::from_bits(1),
            conversation: ConversationId::new(2).unwrap(),
            created_by: UserId::new(3).unwrap(),
            created_at: NOW,
            expires_at: Timestamp::from_millis(2_000),
            max_uses,
            used,
            is_ended: false,
        }
    }

    fn held(client_id: &str) -> InviteUse {
        InviteUse { client_id: ClientId::new(client_id).unwrap(), base_seq: Seq::new(7) }
    }

    #[test]
    fn code_has_eleven_characters_at_both_ends() {
        for (bits, text) in [
            (0, "00000000000"),
            (61, "0000000000z"),
            (62, "00000000010"),
            (u64::MAX, "LygHa16AHYF"),
        ] {
            assert_eq!(InviteCode::from_bits(bits).to_string(), text);
            assert_eq!(text.parse(), Ok(InviteCode::from_bits(bits)));
        }
    }

    #[test]
    fn text_is_refused_when_it_is_no_code() {
        for text in [
            "",
            "0",
            "0000000000",
            "000000000000",
            "LygHa16AHYG",
            "zzzzzzzzzzz",
            "0000000000-",
            "0000000000 ",
            "000000000\u{e9}",
            "+0000000000",
        ] {
            assert_eq!(text.parse::<InviteCode>(), Err(InvalidInviteCode), "{text}");
        }
    }

    #[test]
    fn code_is_not_printed_by_debug() {
        assert_eq!(format!("{:?}", InviteCode::from_bits(5)), "InviteCode(***)");
    }

    proptest! {
        #[test]
        fn code_is_read_back_as_written(bits: u64) {
            let code = InviteCode::from_bits(bits);
            prop_assert_eq!(code.to_string().parse(), Ok(code));
            prop_assert_eq!(InviteCode::from_i64(code.as_i64()), code);
        }
    }

    #[test]
    fn invite_is_live_until_it_ends_expires_or_is_used_up() {
        let last = Timestamp::from_millis(1_999);
        assert!(invite(None, u32::MAX).is_live(last));
        assert!(invite(Some(2), 1).is_live(last));
        assert!(!invite(Some(2), 2).is_live(NOW));
        assert!(!invite(None, 0).is_live(Timestamp::from_millis(2_000)));
        assert!(!Invite { is_ended: true, ..invite(None, 0) }.is_live(NOW));
        assert_eq!(invite(Some(2), 3).uses_left(), Some(0));
    }

    #[test]
    fn held_use_outlasts_the_last_use_but_not_the_invite() {
        let used_up = invite(Some(1), 1);
        let (one, spent) = (held("one"), ClientId::new("one").unwrap());
        for (invite, held, spent, expected) in [
            (invite(Some(1), 0), None, None, UseDecision::Take),
            (used_up, None, None, UseDecision::Gone),
            (used_up, Some(one.clone()), None, UseDecision::Held(one.clone())),
            (used_up, Some(one.clone()), Some(&spent), UseDecision::Gone),
            (invite(Some(2), 1), Some(one.clone()), Some(&spent), UseDecision::Take),
        ] {
            assert_eq!(invite.decide_use(held.clone(), spent, NOW), expected, "{held:?} {spent:?}");
        }
        let ended = Invite { is_ended: true, ..used_up };
        assert_eq!(ended.decide_use(Some(one.clone()), None, NOW), UseDecision::Gone);
        assert_eq!(used_up.decide_use(Some(one), None, used_up.expires_at), UseDecision::Gone);
    }
}
