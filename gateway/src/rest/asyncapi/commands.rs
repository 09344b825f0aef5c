//! The commands of a WebSocket, and their replies.

use serde_json::{Map, Value, json};

use super::schemas::{message, reference, schema_of, with_members};
use crate::{
    error::ErrorBody,
    protocol::{
        Empty, Hello,
        command::{CommandName, Target},
        conversations::ConversationJson,
        hello::Welcome,
        invites::{AcceptInvite, SentCode},
        messages::{Edit, History, Paging, Receipts, Send, Sent},
        schema,
        sessions::TokenReplaced,
        users::Watched,
        value::{Integer, WireConversationId},
    },
};

/// The message that refuses a command, or a frame that is not a command.
const REFUSED: &str = "refused";

/// Returns a message for each command and each reply.
pub(super) fn messages() -> Map<String, Value> {
    let mut messages = Map::new();
    for name in CommandName::ALL {
        let mut command = message(summary(name), &command(name));
        command["correlationId"] = json!({"location": "$message.payload#/id"});
        messages.insert(name.text().to_owned(), command);
        let members = [("re", schema_of::<Integer>()), ("ok", answer(name))];
        let reply = with_members(json!({"type": "object"}), &members);
        messages.insert(reply_name(name), reply_message("The command succeeded", &reply));
    }
    let re = json!({"oneOf": [{"type": "null"}, schema_of::<Integer>()]});
    let members = [("re", re), ("error", schema_of::<ErrorBody>())];
    let refused = with_members(json!({"type": "object"}), &members);
    let about = "The command failed, or (with `null`) the frame was not a command";
    messages.insert(REFUSED.to_owned(), reply_message(about, &refused));
    messages
}

/// Returns an operation for each command.
pub(super) fn operations() -> Map<String, Value> {
    let of_socket = |message: &str| reference(&format!("#/channels/ws/messages/{message}"));
    let operation = |name: CommandName| {
        json!({
            "action": "receive",
            "channel": reference("#/channels/ws"),
            "summary": summary(name),
            "messages": [of_socket(name.text())],
            "reply": {
                "channel": reference("#/channels/ws"),
                "messages": [of_socket(&reply_name(name)), of_socket(REFUSED)],
            },
        })
    };
    CommandName::ALL.into_iter().map(|name| (name.text().to_owned(), operation(name))).collect()
}

fn reply_name(name: CommandName) -> String {
    format!("{}_reply", name.text())
}

fn reply_message(summary: &str, payload: &Value) -> Value {
    let mut reply = message(summary, payload);
    reply["correlationId"] = json!({"location": "$message.payload#/re"});
    reply
}

/// Returns the shape of a command's frame.
fn command(name: CommandName) -> Value {
    use CommandName as Name;

    let conversation = || ("conversation", schema_of::<WireConversationId>());
    let seq = || ("seq", schema_of::<Integer>());
    let on = || ("on", json!({"type": "boolean"}));
    let (members, own) = match name {
        Name::Hello => (inline::<Hello>(), vec![]),
        Name::Send => (inline::<Send>(), vec![conversation()]),
        Name::Edit => (inline::<Edit>(), vec![conversation(), seq()]),
        Name::Redact => (inline::<Target>(), vec![]),
        Name::React => (inline::<Target>(), vec![("emoji", json!(schema::emoji())), on()]),
        Name::Receipt => (inline::<Receipts>(), vec![conversation()]),
        Name::Typing => (closed(), vec![conversation(), on()]),
        Name::History => (inline::<Paging>(), vec![conversation()]),
        Name::AcceptInvite => (inline::<AcceptInvite>(), vec![("code", inline::<SentCode>())]),
        Name::Watch | Name::Unwatch => (closed(), vec![("users", json!(schema::watched()))]),
        Name::Away => (closed(), vec![on()]),
        Name::Refresh => (closed(), vec![("token", json!({"type": "string"}))]),
        Name::Ping => (closed(), vec![]),
    };
    let members = with_members(members, &own);
    with_members(members, &[("id", schema_of::<Integer>()), ("cmd", json!({"const": name.text()}))])
}

/// Returns the shape of `ok` in the reply to a command.
fn answer(name: CommandName) -> Value {
    use CommandName as Name;

    match name {
        Name::Hello => schema_of::<Welcome<'_>>(),
        Name::Send | Name::Edit | Name::Redact | Name::React => schema_of::<Sent<'_>>(),
        Name::History => schema_of::<History<'_>>(),
        Name::AcceptInvite => schema_of::<ConversationJson<'_>>(),
        Name::Watch => schema_of::<Watched>(),
        Name::Refresh => schema_of::<TokenReplaced>(),
        Name::Receipt | Name::Typing | Name::Unwatch | Name::Away | Name::Ping => {
            schema_of::<Empty>()
        }
    }
}

const fn summary(name: CommandName) -> &'static str {
    match name {
        CommandName::Hello => "Authenticates the WebSocket, and starts its events",
        CommandName::Send => "Sends a text",
        CommandName::Edit => "Edits one of the caller's own texts",
        CommandName::Redact => "Redacts a text",
        CommandName::React => "Puts an emoji on a text, or takes it off",
        CommandName::Receipt => "Moves the caller's receipt forward",
        CommandName::Typing => "Tells the other members that the caller starts or stops typing",
        CommandName::History => "Returns a page of the log",
        CommandName::AcceptInvite => "Makes the caller a member of a group",
        CommandName::Watch => "Sends the presence of these users now and whenever it changes",
        CommandName::Unwatch => "Stops sending the presence of these users",
        CommandName::Away => "Marks this device as away or back",
        CommandName::Refresh => "Replaces the access token by a newer one of the same login",
        CommandName::Ping => "Asks for an empty reply",
    }
}

fn inline<T: utoipa::PartialSchema>() -> Value {
    json!(T::schema())
}

/// An object that refuses unknown members.
fn closed() -> Value {
    json!({"type": "object", "additionalProperties": false})
}
