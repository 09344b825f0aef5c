//! The members of one JSON object, taken by name.
//!
//! Every fault names its member: of another type, missing, doubled, unknown. Members are read in one
//! pass as raw text and each is parsed when it is taken, so that a command's `id` is known also
//! where another member is at fault. `null` is the same as leaving the member out.

use std::{borrow::Cow, fmt, marker::PhantomData};

use chat_core::error::ChatError;
use serde::{
    Deserialize,
    de::{self, Deserializer, IgnoredAny, MapAccess, Visitor},
};
use serde_json::value::RawValue;

/// Members that are kept; no shape has so many, so an object with more has an unknown or a doubled
/// one among these already.
const MEMBERS_MAX: usize = 32;

/// A type that one JSON value can be.
pub trait FromJson: Sized {
    /// What is expected, for the message.
    const EXPECTED: &'static str;

    /// The value of this JSON text; `None` if it is none.
    fn from_json(json: &str) -> Option<Self>;
}

/// A shape that takes its members.
pub trait Shape: Sized {
    /// Takes the members that belong to it.
    fn take(fields: &mut Fields<'_>) -> Result<Self, ChatError>;

    /// Reads a whole object of this shape.
    fn parse(json: &[u8]) -> Result<Self, ChatError> {
        let mut fields = Fields::parse(json)?;
        let shape = Self::take(&mut fields)?;
        fields.end()?;
        Ok(shape)
    }
}

/// The members that have not been taken yet.
pub struct Fields<'a> {
    members: Vec<(Cow<'a, str>, Option<&'a RawValue>)>,
    doubled: Option<String>,
}

impl fmt::Debug for Fields<'_> {
    /// Names only: values may be secrets and texts.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.members.iter().map(|(name, _)| name)).finish()
    }
}

impl<'a> Fields<'a> {
    /// Reads one object.
    pub fn parse(json: &'a [u8]) -> Result<Self, ChatError> {
        let text = std::str::from_utf8(json).map_err(|_| not_json("the JSON is not UTF-8"))?;
        match serde_json::from_str(text) {
            Ok(fields) => Ok(fields),
            Err(error) if error.is_data() => Err(not_json("expected one JSON object")),
            Err(error) => Err(ChatError::Invalid {
                field: None,
                message: format!("not JSON at line {} column {}", error.line(), error.column()),
            }),
        }
    }

    /// Takes a member that may be missing.
    pub fn optional<T: FromJson>(&mut self, name: &str) -> Result<Option<T>, ChatError> {
        if self.doubled.as_deref() == Some(name) {
            return Err(doubled(name));
        }
        let taken = self.members.iter_mut().find(|(member, _)| member == name);
        let Some(raw) = taken.and_then(|(_, value)| value.take()) else { return Ok(None) };
        if raw.get() == "null" {
            return Ok(None);
        }
        T::from_json(raw.get())
            .map(Some)
            .ok_or_else(|| ChatError::invalid(name, format!("expected {}", T::EXPECTED)))
    }

    /// Takes a member that has to be there.
    pub fn required<T: FromJson>(&mut self, name: &str) -> Result<T, ChatError> {
        self.optional(name)?.ok_or_else(|| ChatError::invalid(name, "required"))
    }

    /// Takes the one member that its shape has; one that is unknown is told before this is missed.
    pub fn only<T: FromJson>(&mut self, name: &str) -> Result<T, ChatError> {
        let taken = self.optional(name)?;
        match self.members.iter().find(|(_, value)| value.is_some()) {
            None => taken.ok_or_else(|| ChatError::invalid(name, "required")),
            Some((other, _)) => Err(ChatError::invalid(other, "unknown field")),
        }
    }

    /// Nothing may be left.
    pub fn end(self) -> Result<(), ChatError> {
        if let Some(name) = self.doubled {
            return Err(doubled(&name));
        }
        match self.members.into_iter().find(|(_, value)| value.is_some()) {
            None => Ok(()),
            Some((name, _)) => Err(ChatError::invalid(&name, "unknown field")),
        }
    }

    fn push(&mut self, name: Cow<'a, str>, value: &'a RawValue) {
        if self.members.iter().any(|(member, _)| *member == name) {
            self.doubled.get_or_insert_with(|| name.into_owned());
        } else {
            self.members.push((name, Some(value)));
        }
    }
}

fn not_json(message: &str) -> ChatError {
    ChatError::Invalid { field: None, message: message.to_owned() }
}

fn doubled(name: &str) -> ChatError {
    ChatError::invalid(name, "doubled field")
}

#[derive(Deserialize)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'de> Deserialize<'de> for Fields<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Members)
    }
}

struct Members;

impl<'de> Visitor<'de> for Members {
    type Value = Fields<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields<'de>, A::Error> {
        let mut fields = Fields { members: Vec::with_capacity(8), doubled: None };
        while fields.members.len() < MEMBERS_MAX {
            let Some((Name(name), value)) = map.next_entry::<Name<'de>, &'de RawValue>()? else {
                return Ok(fields);
            };
            fields.push(name, value);
        }
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(fields)
    }
}

/// Reads one JSON value with serde; whatever is wrong, it is not this type.
pub(super) fn value<'a, T: Deserialize<'a>>(json: &'a str) -> Option<T> {
    serde_json::from_str(json).ok()
}

/// The members of an object whose names are not known before, doubled ones too.
pub(super) struct Pairs<K, V>(pub(super) Vec<(K, V)>);

impl<'de, K: Deserialize<'de>, V: Deserialize<'de>> Deserialize<'de> for Pairs<K, V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(EachPair(PhantomData))
    }
}

struct EachPair<K, V>(PhantomData<(K, V)>);

impl<'de, K: Deserialize<'de>, V: Deserialize<'de>> Visitor<'de> for EachPair<K, V> {
    type Value = Pairs<K, V>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut pairs = Vec::new();
        while let Some(pair) = map.next_entry()? {
            pairs.push(pair);
        }
        Ok(Pairs(pairs))
    }
}

/// Reads a string and parses it.
pub(super) fn parsed<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: std::str::FromStr,
    T::Err: fmt::Display,
{
    let Name(text) = Name::deserialize(deserializer)?;
    text.parse().map_err(de::Error::custom)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(result: Result<impl Sized, ChatError>) -> (Option<String>, String) {
        match result {
            Err(ChatError::Invalid { field, message }) => (field, message),
            Err(other) => (None, other.to_string()),
            Ok(_) => (None, String::new()),
        }
    }

    #[test]
    fn every_fault_names_its_member() {
        let mut fields = Fields::parse(br#"{"on":1,"x":[{}],"on2":true,"y":null}"#).unwrap();
        assert_eq!(fault(fields.optional::<bool>("on")).0.as_deref(), Some("on"));
        assert_eq!(fault(fields.required::<bool>("missing")).0.as_deref(), Some("missing"));
        assert_eq!(fault(fields.required::<bool>("y")).1, "required");
        assert_eq!(fault(fields.only::<bool>("y")).0.as_deref(), Some("x"));
        assert_eq!(fields.required::<bool>("on2"), Ok(true));
        assert_eq!(fault(fields.end()), (Some("x".to_owned()), "unknown field".to_owned()));
    }

    #[test]
    fn doubled_member_is_a_fault_when_taken_and_when_not() {
        let json = br#"{"on":true,"on":true}"#;
        let mut fields = Fields::parse(json).unwrap();
        assert_eq!(fault(fields.optional::<bool>("on")).1, "doubled field");
        assert_eq!(fault(Fields::parse(json).unwrap().end()).1, "doubled field");
        // An escape does not hide it.
        let mut fields = Fields::parse(br#"{"on":true,"\u006fn":true}"#).unwrap();
        assert_eq!(fault(fields.optional::<bool>("on")).1, "doubled field");
    }

    #[test]
    fn no_object_and_no_json_are_told_apart() {
        assert_eq!(fault(Fields::parse(b"[1]")).1, "expected one JSON object");
        assert_eq!(fault(Fields::parse(b"{\"a\":}")).1, "not JSON at line 1 column 6");
        assert_eq!(fault(Fields::parse(b"{} {}")).1, "not JSON at line 1 column 4");
        assert_eq!(fault(Fields::parse(b"\xff")).1, "the JSON is not UTF-8");
    }

    #[test]
    fn thousands_of_members_are_refused_in_linear_time() {
        let members: Vec<String> = (0..8_000).map(|n| format!("\"m{n}\":0")).collect();
        let json = format!("{{{}}}", members.join(","));
        assert_eq!(fault(Fields::parse(json.as_bytes()).unwrap().end()).0.as_deref(), Some("m0"));
    }
}
