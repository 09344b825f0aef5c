//! Searching: the query and its answer.

use std::ops::Range;

use chat_core::{
    command::{Command, FoundMessage, SearchFilter},
    error::ChatError,
    limits::SEARCH_QUERY_BYTES_MAX,
    model::Body,
    port::Place,
    search::{Has, Query},
};
use serde::{Deserialize, Serialize};
use utoipa::{
    IntoParams, ToSchema,
    openapi::{
        Required,
        path::{Parameter, ParameterIn},
    },
};

use super::{
    entry::EntryJson,
    messages::page_limit,
    schema,
    value::{Id, Integer, Time, WireConversationId, WireUserId},
};

/// The query of `GET /v1/search`. At least one of `q`, `sender` and `has` is required.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FindMessages {
    /// The words to look for: 1 to 256 bytes.
    pub q: Option<String>,
    /// Only in this conversation.
    pub conversation: Option<WireConversationId>,
    /// Only messages of this user.
    pub sender: Option<WireUserId>,
    /// Only messages that have this.
    pub has: Option<HasName>,
    /// Only messages sent before this time.
    pub before: Option<Time>,
    /// Only messages sent after this time.
    pub after: Option<Time>,
    /// The `next_cursor` of the previous page.
    pub cursor: Option<String>,
    /// The number of items: 1 to 100, 50 by default.
    pub limit: Option<Integer>,
}

impl IntoParams for FindMessages {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        vec![schema::query_parameter("search", Required::True, schema::find_messages())]
    }
}

impl FindMessages {
    /// Returns the command for the page after this place.
    pub fn into_command(self, after: Option<Place>) -> Result<Command, ChatError> {
        let query = self.q.as_deref().map(query).transpose()?;
        let filter = SearchFilter {
            query,
            conversation: self.conversation.map(|Id(conversation)| conversation),
            sender: self.sender.map(|Id(sender)| sender),
            has: self.has.map(Has::from),
            before: self.before.map(|Time(before)| before),
            after: self.after.map(|Time(after)| after),
        };
        Ok(Command::Search { filter, after, limit: page_limit(self.limit)? })
    }
}

fn query(text: &str) -> Result<Query, ChatError> {
    if text.len() > SEARCH_QUERY_BYTES_MAX {
        return Err(ChatError::TooLarge { field: "q", max: SEARCH_QUERY_BYTES_MAX });
    }
    Query::parse(text).map_err(|error| ChatError::invalid("q", error.to_string()))
}

/// What a message can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum HasName {
    /// A link that starts with `http://` or `https://`.
    Link,
    /// A file.
    Attachment,
}

impl From<HasName> for Has {
    fn from(name: HasName) -> Self {
        match name {
            HasName::Link => Self::Link,
            HasName::Attachment => Self::Attachment,
        }
    }
}

/// A page of messages that were found, newest first. It may have fewer items than asked for although
/// there are more.
#[derive(Debug, Serialize, ToSchema)]
pub struct FoundPage<'a> {
    /// The messages.
    pub items: Vec<FoundJson<'a>>,
    /// The `cursor` of the next page, or `null` on the last page.
    pub next_cursor: Option<String>,
}

/// A message that was found.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Found)]
pub struct FoundJson<'a> {
    conversation: WireConversationId,
    entry: EntryJson<'a>,
    /// Where the text has what was looked for: pairs of start and end, in UTF-16 code units, ascending.
    highlights: Vec<[usize; 2]>,
}

impl<'a> From<&'a FoundMessage> for FoundJson<'a> {
    fn from(found: &'a FoundMessage) -> Self {
        let body = &found.entry.entry.body;
        let text = if let Body::Text { text: Some(text), .. } = body {
            &**text
        } else {
            Default::default()
        };
        Self {
            conversation: Id(found.entry.entry.conversation),
            entry: EntryJson::from(&found.entry),
            highlights: in_utf16(text, &found.highlights),
        }
    }
}

/// Converts ascending ranges from bytes to UTF-16 code units.
fn in_utf16(text: &str, ranges: &[Range<usize>]) -> Vec<[usize; 2]> {
    let (mut bytes, mut units) = (0, 0);
    let mut units_at = |to: usize| {
        let between = text.get(bytes..to).unwrap_or_default();
        units += between.chars().map(char::len_utf16).sum::<usize>();
        bytes = to;
        units
    };
    ranges.iter().map(|range| [units_at(range.start), units_at(range.end)]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn highlights_count_utf16_code_units() {
        let text = "\u{1F680} \u{e9}t\u{e9}, \u{6771}\u{4eac} ete";
        let ranges = Query::parse("ete \u{6771}\u{4eac}").unwrap().find(text).unwrap();
        let units: Vec<u16> = text.encode_utf16().collect();
        let found: Vec<String> = in_utf16(text, &ranges)
            .iter()
            .map(|[start, end]| String::from_utf16(&units[*start..*end]).unwrap())
            .collect();
        assert_eq!(found, ["\u{e9}t\u{e9}", "\u{6771}\u{4eac}", "ete"]);
    }
}
