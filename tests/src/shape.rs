//! Compares JSON values with the members that a test expects.

use anyhow::{Result, ensure};
use serde_json::Value;

/// Fails if a value lacks a member of `expected` or has another value there. Ignores further members;
/// arrays must agree item by item.
pub fn has(value: &Value, expected: &Value) -> Result<()> {
    ensure!(covers(value, expected), "{value} does not match {expected}");
    Ok(())
}

/// Returns true if `value` has all members of `expected`.
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

/// Returns the `seq` of each item that has one.
pub fn seqs<'a>(items: impl IntoIterator<Item = &'a Value>) -> Vec<u64> {
    items.into_iter().filter_map(|item| item["seq"].as_u64()).collect()
}

/// Returns the items of an answer, or an empty slice without `items`.
pub fn items(answer: &Value) -> &[Value] {
    answer["items"].as_array().map_or(&[], Vec::as_slice)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn further_members_are_ignored_and_further_items_are_not() {
        let value = json!({"a": {"b": 1, "c": 2}, "d": [1, 2]});
        assert!(covers(&value, &json!({"a": {"b": 1}})));
        assert!(!covers(&value, &json!({"a": {"b": 2}})));
        assert!(!covers(&value, &json!({"e": null})));
        assert!(!covers(&value, &json!({"d": [1]})));
    }
}
