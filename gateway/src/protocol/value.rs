//! Single values on the wire: ids as strings of digits, seqs as numbers, times as RFC 3339.

use std::{collections::HashMap, fmt, str::FromStr, time::Duration};

use chat_core::{
    id::{AttachmentId, ConversationId, EntryId, LoginId, UserId},
    limits::INTEGER_MAX,
    model::{Kind, Role, Seq},
    time::Timestamp,
};
use serde::{
    Deserialize, Serialize,
    de::{Deserializer, Error, MapAccess, Unexpected, Visitor},
    ser::Serializer,
};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ObjectBuilder, RefOr, Schema, Type},
};

/// An id: a string of decimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Id<T>(pub T);

/// A user's id.
pub type WireUserId = Id<UserId>;
/// A conversation's id.
pub type WireConversationId = Id<ConversationId>;
/// An entry's id.
pub type WireEntryId = Id<EntryId>;
/// A login's id.
pub type WireLoginId = Id<LoginId>;
/// An uploaded file's id.
pub type WireAttachmentId = Id<AttachmentId>;

impl<T: fmt::Display> Serialize for Id<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de, T: FromStr> Deserialize<'de> for Id<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let expected = "an id: a string of decimal digits";
        parse_text(deserializer, expected, |text| text.parse().ok().map(Id))
    }
}

/// Reads a string and parses it. `expected` completes the error message.
pub fn parse_text<'de, D: Deserializer<'de>, T>(
    deserializer: D,
    expected: &'static str,
    parse: impl FnOnce(&str) -> Option<T>,
) -> Result<T, D::Error> {
    struct ParsedText<F> {
        expected: &'static str,
        parse: F,
    }

    impl<T, F: FnOnce(&str) -> Option<T>> Visitor<'_> for ParsedText<F> {
        type Value = T;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(self.expected)
        }

        fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
            let expected = self.expected;
            (self.parse)(text).ok_or_else(|| E::custom(format_args!("expected {expected}")))
        }
    }

    deserializer.deserialize_str(ParsedText { expected, parse })
}

impl<T> PartialSchema for Id<T> {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .pattern(Some("^[1-9][0-9]{0,18}$"))
            .description(Some("An id: a string of decimal digits."))
            .examples(["286772161220186112"])
            .into()
    }
}

impl<T> ToSchema for Id<T> {}

/// A time in UTC with milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ToSchema)]
#[schema(value_type = String, format = DateTime, example = "2026-03-14T09:26:53.589Z")]
pub struct Time(pub Timestamp);

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let expected = "a time in UTC such as 2026-03-14T09:26:53.589Z";
        parse_text(deserializer, expected, |text| text.parse().ok().map(Self))
    }
}

/// A whole number that every JSON reader holds exactly: 0 to 2^53 - 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ToSchema)]
#[schema(value_type = u64, maximum = 9_007_199_254_740_991_u64)]
pub struct Integer(pub u64);

impl<'de> Deserialize<'de> for Integer {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Exact;

        impl Visitor<'_> for Exact {
            type Value = Integer;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a whole number from 0 to 2^53 - 1")
            }

            fn visit_u64<E: Error>(self, number: u64) -> Result<Integer, E> {
                let exact = (number <= INTEGER_MAX).then_some(Integer(number));
                exact.ok_or_else(|| E::invalid_value(Unexpected::Unsigned(number), &self))
            }
        }

        deserializer.deserialize_u64(Exact)
    }
}

impl From<Integer> for Seq {
    fn from(Integer(number): Integer) -> Self {
        Self::new(number)
    }
}

/// What a member may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RoleName {
    /// Everything.
    Owner,
    /// Manage members, set the title and redact messages.
    Admin,
    /// Send, and edit or redact one's own messages.
    Member,
}

impl From<Role> for RoleName {
    fn from(role: Role) -> Self {
        match role {
            Role::Owner => Self::Owner,
            Role::Admin => Self::Admin,
            Role::Member => Self::Member,
        }
    }
}

impl From<RoleName> for Role {
    fn from(name: RoleName) -> Self {
        match name {
            RoleName::Owner => Self::Owner,
            RoleName::Admin => Self::Admin,
            RoleName::Member => Self::Member,
        }
    }
}

/// The kind of a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum KindName {
    /// Between two users.
    Direct,
    /// With a title and any number of members.
    Group,
}

impl From<Kind> for KindName {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Direct => Self::Direct,
            Kind::Group => Self::Group,
        }
    }
}

/// The cursors that a client sends: up to which seq it has everything, by conversation.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Resume(pub HashMap<ConversationId, Seq>);

impl<'de> Deserialize<'de> for Resume {
    /// Refuses a conversation that is named twice, which a map would overwrite.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ResumeVisitor)
    }
}

struct ResumeVisitor;

impl<'de> Visitor<'de> for ResumeVisitor {
    type Value = Resume;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of conversation ids and seqs, each once")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Resume, A::Error> {
        let mut cursors = HashMap::new();
        while let Some((Id(id), seq)) = map.next_entry::<_, Integer>()? {
            if cursors.insert(id, seq.into()).is_some() {
                return Err(A::Error::custom("expected each conversation once"));
            }
        }
        Ok(Resume(cursors))
    }
}

/// The cursors that a client gets: one object of seqs by conversation.
#[derive(Debug, Clone, Copy)]
pub struct Cursors<'a>(pub &'a [(ConversationId, Seq)]);

impl Serialize for Cursors<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(id, seq)| (Id(id), seq.get())))
    }
}

/// Returns the milliseconds of a duration, rounded up: a client that waits for them waits long enough.
pub fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX)
}
