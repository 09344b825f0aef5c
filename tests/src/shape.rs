//! Whether a JSON value has the members that are expected of it.

use anyhow::{Result, ensure};
use serde_json::Value;

/// Refuses a value that lacks a member of `expected` or has another value there. Further members
/// are none of its business; arrays have to agree item by item.
pub fn has(value: &Value, expected: &Value) -> Result<()> {
    ensure!(covers(value, expected), "{value} is not like {expected}");
    Ok(())
}

/// Whether `value` has everything of `expected`.
pub fn covers(value: &Value, expected: &Value) -> bool {
    match (value, expected) {
        (Value::Object(value), Value::Object(expected)) => expected
            .iter()
            .all(|(name, expected)| value.get(name).is_some_and(|value| covers(value, expected))),
        (Value::Array(value), Value::Array(expected)) => {
            let pairs = || value.iter().zip(expected);
            value.len() == expected.len() && pairs().all(|(value, item)| covers(value, item))
        }
        (value, expected) => value == expected,
    }
}

/// The `seq` of each item that has one.
pub fn seqs<'a>(items: impl IntoIterator<Item = &'a Value>) -> Vec<u64> {
    items.into_iter().filter_map(|item| item["seq"].as_u64()).collect()
}

/// The items of an answer; none where there are no `items`.
pub fn items(answer: &Value) -> &[Value] {
    answer["items"].as_array().map_or(&[], Vec::as_slice)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn further_members_do_not_matter_but_items_do() {
        let value = json!({"a": {"b": 1, "c": 2}, "d": [1, 2]});
        assert!(covers(&value, &json!({"a": {"b": 1}})));
        assert!(!covers(&value, &json!({"a": {"b": 2}})));
        assert!(!covers(&value, &json!({"e": null})));
        assert!(!covers(&value, &json!({"d": [1]})));
    }
}
