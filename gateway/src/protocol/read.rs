//! Reads JSON objects and query parameters into types that derive `Deserialize`.
//!
//! Every error names the member at fault: wrong type, missing, duplicate or unknown. `serde_json`'s
//! own error has this only as text. So an object is split into raw values first, and the type is read
//! from them with [`Fault`] as the error. Optional members may be `null`.

use std::{borrow::Cow, fmt};

use chat_core::error::ChatError;
use serde::{
    Deserialize,
    de::{
        self, DeserializeSeed, Deserializer, Error as _, Expected, IgnoredAny, IntoDeserializer,
        MapAccess, Unexpected, Visitor,
        value::{MapAccessDeserializer, StrDeserializer},
    },
};
use serde_json::value::RawValue;

/// How many members of a body or frame are kept. All types have fewer, so one of those kept is
/// unknown or a duplicate if there are more.
const MEMBERS_MAX: usize = 32;

/// Why a member could not be read.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct Fault {
    field: Option<String>,
    message: String,
}

impl Fault {
    fn at(field: &str, message: &str) -> Self {
        Self { field: Some(field.to_owned()), message: message.to_owned() }
    }

    /// Names the member. An outer member replaces an inner one.
    fn within(self, field: &str) -> Self {
        Self { field: Some(field.to_owned()), ..self }
    }
}

impl de::Error for Fault {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self { field: None, message: message.to_string() }
    }

    /// Leaves out the unexpected value, which may be a secret or very long.
    fn invalid_type(_: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::custom(format_args!("expected {expected}"))
    }

    fn invalid_value(unexpected: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::invalid_type(unexpected, expected)
    }

    fn unknown_field(field: &str, _: &'static [&'static str]) -> Self {
        Self::at(field, "unknown field")
    }

    fn missing_field(field: &'static str) -> Self {
        Self::at(field, "required")
    }

    fn duplicate_field(field: &'static str) -> Self {
        Self::at(field, "duplicate field")
    }
}

impl From<serde_json::Error> for Fault {
    /// Keeps what was expected from the message. The rest may repeat a secret or a very long text.
    fn from(error: serde_json::Error) -> Self {
        let message = error.to_string();
        let message = message.rsplit_once(" at line ").map_or(&*message, |(message, _)| message);
        match message.rsplit_once(", expected ") {
            Some(("invalid type: null", _)) => Self::custom("required"),
            Some((_, expected)) => Self::custom(format_args!("expected {expected}")),
            None => Self::custom(message),
        }
    }
}

impl From<Fault> for ChatError {
    fn from(Fault { field, message }: Fault) -> Self {
        Self::Invalid { field, message }
    }
}

/// Reads one JSON object of type `T`.
pub fn from_json<'de, T: Deserialize<'de>>(json: &'de [u8]) -> Result<T, ChatError> {
    let text = std::str::from_utf8(json).map_err(|_| not_an_object("the JSON is not UTF-8"))?;
    Object::parse(text)?.read()
}

fn not_an_object(message: &str) -> ChatError {
    ChatError::Invalid { field: None, message: message.to_owned() }
}

/// The members of a JSON object that have not been read yet, in the order of the text.
pub struct Object<'de> {
    members: Vec<Member<'de>>,
}

impl fmt::Debug for Object<'_> {
    /// Writes the names only: values may be secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.members.iter().map(|(name, _)| name)).finish()
    }
}

impl<'de> Object<'de> {
    /// Splits one JSON object into its members.
    pub fn parse(json: &'de str) -> Result<Self, ChatError> {
        let members = split(json).map_err(|error| {
            if error.is_data() {
                return not_an_object("expected one JSON object");
            }
            not_an_object(&format!("not JSON at line {} column {}", error.line(), error.column()))
        })?;
        Ok(Self { members })
    }

    /// Removes a member and reads it. Returns `None` if it is missing or `null`.
    pub fn take<T: Deserialize<'de>>(&mut self, name: &str) -> Result<Option<T>, ChatError> {
        let is_named = |(member, _): &Member<'_>| member == name;
        let Some(at) = self.members.iter().position(is_named) else { return Ok(None) };
        let (_, value) = self.members.remove(at);
        if self.members.iter().any(is_named) {
            return Err(Fault::at(name, "duplicate field").into());
        }
        Option::deserialize(value).map_err(|error| Fault::from(error).within(name).into())
    }

    /// Removes a member that must be there and reads it.
    pub fn require<T: Deserialize<'de>>(&mut self, name: &str) -> Result<T, ChatError> {
        self.take(name)?.ok_or_else(|| Fault::at(name, "required").into())
    }

    /// Reads all members that are left.
    pub fn read<T: Deserialize<'de>>(&mut self) -> Result<T, ChatError> {
        Ok(from_named(self.members.drain(..))?)
    }

    /// Refuses the first member that is left.
    pub fn end(self) -> Result<(), ChatError> {
        match self.members.first() {
            Some((name, _)) => Err(Fault::unknown_field(name, &[]).into()),
            None => Ok(()),
        }
    }
}

/// A member's name, with its escapes undone, and its value.
type Member<'de> = (Cow<'de, str>, &'de RawValue);

/// Splits a JSON object into its first [`MEMBERS_MAX`] members.
fn split(json: &str) -> Result<Vec<Member<'_>>, serde_json::Error> {
    /// A string that is borrowed if it has no escapes.
    #[derive(Deserialize)]
    struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

    struct FirstMembers;

    impl<'de> Visitor<'de> for FirstMembers {
        type Value = Vec<Member<'de>>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut members = Vec::with_capacity(8);
            while members.len() < MEMBERS_MAX
                && let Some((Name(name), value)) = map.next_entry()?
            {
                members.push((name, value));
            }
            while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
            Ok(members)
        }
    }

    let mut deserializer = serde_json::Deserializer::from_str(json);
    let members = deserializer.deserialize_map(FirstMembers)?;
    deserializer.end()?;
    Ok(members)
}

/// Named values for a type that derives `Deserialize`. A fault in a value gets the value's name.
struct NamedValues<'de, I, D> {
    rest: I,
    current: Option<(Cow<'de, str>, D)>,
}

/// Reads these values, each by its name.
pub fn from_named<'de, T, I, D>(values: I) -> Result<T, Fault>
where
    T: Deserialize<'de>,
    I: IntoIterator<Item = (Cow<'de, str>, D)>,
    D: Deserializer<'de, Error: Into<Fault>>,
{
    let values = NamedValues { rest: values.into_iter(), current: None };
    T::deserialize(MapAccessDeserializer::new(values))
}

impl<'de, I, D> MapAccess<'de> for NamedValues<'de, I, D>
where
    I: Iterator<Item = (Cow<'de, str>, D)>,
    D: Deserializer<'de, Error: Into<Fault>>,
{
    type Error = Fault;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Fault> {
        self.current = self.rest.next();
        let Some((name, _)) = &self.current else { return Ok(None) };
        let name: StrDeserializer<'_, Fault> = (**name).into_deserializer();
        seed.deserialize(name).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Fault> {
        let Some((name, value)) = self.current.take() else {
            return Err(Fault::custom("expected a name before its value"));
        };
        seed.deserialize(value).map_err(|error| error.into().within(&name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Sample {
        on: bool,
        users: Option<Vec<String>>,
        name: Option<String>,
    }

    /// The field and the message of the error.
    fn fault(json: &[u8]) -> (Option<String>, String) {
        match from_json::<Sample>(json) {
            Err(ChatError::Invalid { field, message }) => (field, message),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn error_names_its_member() {
        for (json, field, message) in [
            (r#"{"on":1}"#, "on", "expected a boolean"),
            (r#"{"on":"x, expected y"}"#, "on", "expected a boolean"),
            (r#"{"on":true,"name":"\ud800"}"#, "name", "unexpected end of hex escape"),
            (
                r#"{"on":true,"name":"at line 1, expected x","users":7}"#,
                "users",
                "expected a sequence",
            ),
            (r#"{"on":true,"users":["a",{}]}"#, "users", "expected a string"),
            (r#"{"users":[]}"#, "on", "required"),
            (r#"{"on":null}"#, "on", "required"),
            (r#"{"on":true,"x":[{}],"y":0}"#, "x", "unknown field"),
            (r#"{"on":true,"x":null}"#, "x", "unknown field"),
            (r#"{"on":true,"on":true}"#, "on", "duplicate field"),
            // An escape does not hide a duplicate.
            (r#"{"on":true,"\u006fn":true}"#, "on", "duplicate field"),
        ] {
            let expected = (Some(field.to_owned()), message.to_owned());
            assert_eq!(fault(json.as_bytes()), expected, "{json}");
        }
    }

    #[test]
    fn null_equals_leaving_out_when_optional() {
        let expected = Sample { on: true, users: None, name: None };
        assert_eq!(from_json(br#"{"on":true,"users":null}"#), Ok(expected));
    }

    #[test]
    fn error_has_no_field_when_text_is_not_an_object() {
        for (json, message) in [
            (&b"[1]"[..], "expected one JSON object"),
            (b"{\"a\":}", "not JSON at line 1 column 6"),
            (b"{} {}", "not JSON at line 1 column 4"),
            (b"\xff", "the JSON is not UTF-8"),
        ] {
            assert_eq!(fault(json), (None, message.to_owned()));
        }
    }

    #[test]
    fn first_unknown_member_is_named_when_there_are_thousands() {
        let members: Vec<String> = (0..8_000).map(|n| format!("\"m{n}\":0")).collect();
        let json = format!("{{{}}}", members.join(","));
        assert_eq!(fault(json.as_bytes()).0.as_deref(), Some("m0"));
    }

    #[test]
    fn taken_member_is_read_once_when_it_is_no_duplicate() {
        let mut object = Object::parse(r#"{"id":7,"on":true}"#).unwrap();
        assert_eq!(object.take::<u64>("id"), Ok(Some(7)));
        assert_eq!(object.take::<u64>("id"), Ok(None));
        assert_eq!(object.read(), Ok(Sample { on: true, users: None, name: None }));
        let mut object = Object::parse(r#"{"id":7,"id":8}"#).unwrap();
        assert_eq!(object.take::<u64>("id"), Err(ChatError::invalid("id", "duplicate field")));
    }
}
