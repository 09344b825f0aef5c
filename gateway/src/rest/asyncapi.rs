//! `/asyncapi.json`: the WebSocket and the long poll, derived from the types that read and write them.
//!
//! In reading order: [`commands`] has the frames of clients and their replies, [`events`] what the
//! server sends without a request, and [`schemas`] the shapes that they share with `/openapi.json`.

mod commands;
mod events;
mod schemas;

use std::sync::LazyLock;

use serde_json::{Map, Value, json};

use self::schemas::{message, reference, schema_of};
use crate::protocol::{
    SUBPROTOCOL,
    poll::{Poll, Polled},
};

/// The version of AsyncAPI.
const VERSION: &str = "3.0.0";

static JSON: LazyLock<String> = LazyLock::new(|| document().to_string());

/// Returns the document as JSON.
pub fn json() -> &'static str {
    &JSON
}

fn document() -> Value {
    let mut messages = commands::messages();
    messages.extend(events::messages());
    let socket = references("#/components/messages", messages.keys());
    let polls = ["poll", "polled"];
    messages.insert("poll".into(), message("The body of a poll", &schema_of::<Poll>()));
    messages.insert("polled".into(), message("The answer to a poll", &schema_of::<Polled<'_>>()));
    let mut operations = commands::operations();
    operations.insert("events".into(), events::operation());
    operations.insert("poll".into(), poll());
    json!({
        "asyncapi": VERSION,
        "info": {
            "title": "Confab",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "The WebSocket and the long poll. `docs/protocol.md` describes the whole \
                protocol, and `/openapi.json` the other calls.",
        },
        "defaultContentType": "application/json",
        "channels": {
            "ws": {
                "address": "/v1/ws",
                "description": "The first command is `hello`.",
                "messages": socket,
                "bindings": {"ws": {"method": "GET", "headers": subprotocol()}},
            },
            "poll": {
                "address": "/v1/poll",
                "messages": references("#/components/messages", polls),
            },
        },
        "operations": operations,
        "components": {
            "schemas": schemas::shared(),
            "messages": messages,
            "securitySchemes": {"access_token": {"type": "http", "scheme": "bearer"}},
        },
    })
}

fn subprotocol() -> Value {
    json!({
        "type": "object",
        "properties": {"Sec-WebSocket-Protocol": {"type": "string", "const": SUBPROTOCOL}},
    })
}

fn poll() -> Value {
    json!({
        "action": "receive",
        "channel": reference("#/channels/poll"),
        "summary": "Returns new events, or waits for the first one.",
        "messages": [reference("#/channels/poll/messages/poll")],
        "reply": {
            "channel": reference("#/channels/poll"),
            "messages": [reference("#/channels/poll/messages/polled")],
        },
        "security": [reference("#/components/securitySchemes/access_token")],
        "bindings": {"http": {"method": "POST"}},
    })
}

/// Returns a reference to each of these parts, by name.
fn references(at: &str, names: impl IntoIterator<Item = impl AsRef<str>>) -> Map<String, Value> {
    let names = names.into_iter();
    names
        .map(|name| (name.as_ref().to_owned(), reference(&format!("{at}/{}", name.as_ref()))))
        .collect()
}
