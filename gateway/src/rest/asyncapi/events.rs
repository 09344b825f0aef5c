//! The events of a WebSocket.

use serde_json::{Map, Value, json};
use utoipa::PartialSchema;

use super::schemas::{message, reference};
use crate::protocol::event::EventJson;

/// Returns a message for each kind of event.
pub(super) fn messages() -> Map<String, Value> {
    let alternatives = alternatives();
    alternatives
        .iter()
        .map(|event| (message_name(event), message(&summary(event), event)))
        .collect()
}

/// Returns the operation that sends events.
pub(super) fn operation() -> Value {
    let messages: Vec<_> = alternatives()
        .iter()
        .map(|event| reference(&format!("#/channels/ws/messages/{}", message_name(event))))
        .collect();
    json!({
        "action": "send",
        "channel": reference("#/channels/ws"),
        "summary": "Sends what happens, after `hello`",
        "messages": messages,
    })
}

/// Returns the shape of each kind of event.
fn alternatives() -> Vec<Value> {
    json!(EventJson::schema())["oneOf"].as_array().cloned().unwrap_or_default()
}

fn message_name(event: &Value) -> String {
    format!("{}_event", kind(event))
}

/// Returns the only `ev` of this shape.
fn kind(event: &Value) -> &str {
    let parts = event["allOf"].as_array().into_iter().flatten();
    let mut shapes = std::iter::once(event).chain(parts);
    let kind = shapes.find_map(|shape| shape.pointer("/properties/ev/enum/0")?.as_str());
    kind.unwrap_or_default()
}

fn summary(event: &Value) -> String {
    event["description"].as_str().unwrap_or_default().trim_end_matches('.').to_owned()
}
