//! Shapes, and messages that have them.

use serde_json::{Map, Value, json};
use utoipa::{
    ToSchema,
    openapi::{RefOr, Schema},
};

use crate::protocol::{Hello, command::Target};
use crate::{
    error::ErrorBody,
    protocol::{
        Empty,
        conversations::ConversationJson,
        event::EventJson,
        hello::Welcome,
        messages::{Edit, History, Send, Sent},
        poll::{Poll, Polled},
        sessions::TokenReplaced,
        users::Watched,
        value::{Integer, WireConversationId},
    },
};

/// Returns a reference to the shape of this type, which [`shared`] must have.
pub(super) fn schema_of<T: ToSchema>() -> Value {
    reference(&format!("#/components/schemas/{}", T::name()))
}

/// Returns a reference to a part of the document.
pub(super) fn reference(to: &str) -> Value {
    json!({"$ref": to})
}

/// Returns a message with this payload.
pub(super) fn message(summary: &str, payload: &Value) -> Value {
    json!({"summary": summary, "payload": payload})
}

/// Returns every shape that is referred to, by its name.
pub(super) fn shared() -> Map<String, Value> {
    let mut found = Vec::new();
    add::<Integer>(&mut found);
    add::<WireConversationId>(&mut found);
    add::<Hello>(&mut found);
    add::<Send>(&mut found);
    add::<Edit>(&mut found);
    add::<Target>(&mut found);
    add::<Welcome<'_>>(&mut found);
    add::<Sent<'_>>(&mut found);
    add::<History<'_>>(&mut found);
    add::<ConversationJson<'_>>(&mut found);
    add::<Watched>(&mut found);
    add::<TokenReplaced>(&mut found);
    add::<Empty>(&mut found);
    add::<ErrorBody>(&mut found);
    add::<EventJson<'_>>(&mut found);
    add::<Poll>(&mut found);
    add::<Polled<'_>>(&mut found);
    found.into_iter().map(|(name, schema)| (name, json!(schema))).collect()
}

fn add<T: ToSchema>(found: &mut Vec<(String, RefOr<Schema>)>) {
    found.push((T::name().into_owned(), T::schema()));
    T::schemas(found);
}

/// Returns an object, or a choice of objects, with these required members in addition.
pub(super) fn with_members(mut schema: Value, members: &[(&str, Value)]) -> Value {
    for choice in ["oneOf", "anyOf"] {
        if let Some(Value::Array(alternatives)) = schema.get_mut(choice) {
            for alternative in alternatives {
                *alternative = with_members(alternative.take(), members);
            }
            return schema;
        }
    }
    let mut required = schema["required"].as_array().cloned().unwrap_or_default();
    for (name, shape) in members {
        schema["properties"][*name] = shape.clone();
        required.push((*name).into());
    }
    schema["required"] = required.into();
    schema
}
