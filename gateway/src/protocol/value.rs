//! Single JSON values: ids as strings, seqs as numbers, times as RFC 3339.

use std::{collections::HashMap, hash::Hash, str::FromStr, sync::Arc};

use chat_core::{
    id::{ConversationId, UserId},
    limits::INTEGER_MAX,
    model::{ClientId, Role, Seq},
};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::fields::{FromJson, Pairs, parsed, value};
use crate::secret::Secret;

impl FromJson for bool {
    const EXPECTED: &'static str = "true or false";

    fn from_json(json: &str) -> Option<Self> {
        value(json)
    }
}

impl FromJson for u64 {
    const EXPECTED: &'static str = "a whole number from 0 to 2^53 - 1";

    fn from_json(json: &str) -> Option<Self> {
        value(json).filter(|number| *number <= INTEGER_MAX)
    }
}

impl FromJson for Seq {
    const EXPECTED: &'static str = <u64 as FromJson>::EXPECTED;

    fn from_json(json: &str) -> Option<Self> {
        u64::from_json(json).map(Self::new)
    }
}

impl FromJson for String {
    const EXPECTED: &'static str = "a string";

    fn from_json(json: &str) -> Option<Self> {
        value(json)
    }
}

impl FromJson for Arc<str> {
    const EXPECTED: &'static str = "a string";

    fn from_json(json: &str) -> Option<Self> {
        value(json)
    }
}

impl FromJson for Secret {
    const EXPECTED: &'static str = "a string";

    fn from_json(json: &str) -> Option<Self> {
        value(json).map(Self::new)
    }
}

impl FromJson for ClientId {
    const EXPECTED: &'static str = "1 to 64 characters of A-Z a-z 0-9 _ -";

    fn from_json(json: &str) -> Option<Self> {
        ClientId::new(&value::<String>(json)?).ok()
    }
}

impl FromJson for Role {
    const EXPECTED: &'static str = "owner, admin or member";

    fn from_json(json: &str) -> Option<Self> {
        match value::<String>(json)?.as_str() {
            "owner" => Some(Self::Owner),
            "admin" => Some(Self::Admin),
            "member" => Some(Self::Member),
            _ => None,
        }
    }
}

/// What ids are on the wire.
const AN_ID: &str = "an id: a string of decimal digits";

impl FromJson for UserId {
    const EXPECTED: &'static str = AN_ID;

    fn from_json(json: &str) -> Option<Self> {
        value::<String>(json)?.parse().ok()
    }
}

impl FromJson for ConversationId {
    const EXPECTED: &'static str = AN_ID;

    fn from_json(json: &str) -> Option<Self> {
        value::<String>(json)?.parse().ok()
    }
}

/// Something that is a string on the wire and is parsed from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Parsed<T>(pub T);

impl<'de, T: FromStr<Err: std::fmt::Display>> Deserialize<'de> for Parsed<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        parsed(deserializer).map(Self)
    }
}

impl FromJson for Vec<UserId> {
    const EXPECTED: &'static str = "a list of ids: strings of decimal digits";

    fn from_json(json: &str) -> Option<Self> {
        let ids: Vec<Parsed<UserId>> = value(json)?;
        Some(ids.into_iter().map(|Parsed(id)| id).collect())
    }
}

/// What a client has: a position in each conversation.
pub type Resume = HashMap<ConversationId, Seq>;

impl FromJson for Resume {
    const EXPECTED: &'static str = "an object of conversation ids and seqs, each once";

    fn from_json(json: &str) -> Option<Self> {
        let Pairs(pairs): Pairs<Parsed<ConversationId>, u64> = value(json)?;
        let in_range = pairs.iter().all(|(_, seq)| *seq <= INTEGER_MAX);
        in_range.then(|| unique(pairs.into_iter().map(|(id, seq)| (id.0, Seq::new(seq)))))?
    }
}

fn unique<K: Eq + Hash, V>(pairs: impl Iterator<Item = (K, V)>) -> Option<HashMap<K, V>> {
    let mut map = HashMap::with_capacity(pairs.size_hint().0);
    for (key, value) in pairs {
        if map.insert(key, value).is_some() {
            return None;
        }
    }
    Some(map)
}

/// A role's name on the wire.
pub const fn role_name(role: Role) -> &'static str {
    match role {
        Role::Owner => "owner",
        Role::Admin => "admin",
        Role::Member => "member",
    }
}

/// Something that is shown as a string: ids and times.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shown<T>(pub T);

impl<T: std::fmt::Display> Serialize for Shown<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

/// Cursors by conversation, as one object.
#[derive(Debug, Clone, Copy)]
pub struct Cursors<'a>(pub &'a [(ConversationId, Seq)]);

impl Serialize for Cursors<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(id, seq)| (Shown(id), seq.get())))
    }
}
