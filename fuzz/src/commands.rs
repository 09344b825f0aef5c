//! Frames of clients: a command is the same after its JSON was written again, and an error is JSON.

use gateway::protocol::{parse, reply_error};
use serde_json::Value;

/// Bytes of an error besides what it repeats of the frame.
const ERROR_BYTES_MAX: usize = 1_024;
/// Bytes that JSON needs for one byte of a text: `\u0000`.
const ESCAPED_BYTES: usize = 6;

pub(crate) fn check(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    match parse(text) {
        Ok((id, command)) => {
            let json: Value = serde_json::from_str(text).expect("a command is JSON");
            assert_eq!(json["id"].as_u64(), Some(id));
            if let Some(conversation) = command.conversation() {
                assert_eq!(json["conversation"].as_str(), Some(&*conversation.to_string()));
            }
            assert_eq!(parse(&json.to_string()), Ok((id, command)));
        }
        Err(refused) => {
            let reply = reply_error(refused.id, &refused.error);
            assert!(reply.len() <= ERROR_BYTES_MAX + ESCAPED_BYTES * text.len(), "{reply}");
            let reply: Value = serde_json::from_str(&reply).expect("an error is JSON");
            assert_eq!(reply["re"].as_u64(), refused.id);
        }
    }
}
