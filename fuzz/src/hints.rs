//! What comes from Redis: hints, names of channels, and devices.
//!
//! The first byte of an input chooses what the rest is.

use chat_core::{
    hint::Hint,
    id::{ConversationId, UserId},
    port::Channel,
    revocations,
};

use super::memory::bounded;

/// Bytes that a decoder may allocate for each byte of a hint: an empty entry or user name grows from
/// a few bytes to its size in memory.
const FACTOR: usize = 256;
/// Bytes that a decoder may allocate for any hint.
const BASE_BYTES: usize = 1_024;

const CONVERSATION: Channel = Channel::Conversation(ConversationId::new(7).expect("valid id"));
const USER: Channel = Channel::User(UserId::new(7).expect("valid id"));

pub(crate) fn check(input: &[u8]) {
    let Some((kind, bytes)) = input.split_first() else { return };
    match kind % 6 {
        0 => check_hint(CONVERSATION, bytes),
        1 => check_hint(USER, bytes),
        2 => check_hint(Channel::Gateways, bytes),
        3 => check_ended_logins(bytes),
        4 => {
            if let Some(name) = backends::fuzzing::topic(bytes) {
                assert_eq!(name.as_bytes(), bytes);
            }
        }
        _ => check_devices(bytes),
    }
}

fn check_hint(channel: Channel, bytes: &[u8]) {
    let bytes_max = BASE_BYTES + FACTOR * bytes.len();
    let Ok(hint) = bounded(bytes_max, || Hint::decode(channel, bytes)) else { return };
    let encoded = hint.encode();
    assert!(encoded.len() <= bytes.len(), "{} bytes became {}", bytes.len(), encoded.len());
    assert_eq!(Hint::decode(channel, &encoded), Ok(hint));
}

fn check_ended_logins(bytes: &[u8]) {
    let bytes_max = BASE_BYTES + FACTOR * bytes.len();
    let Ok(ended) = bounded(bytes_max, || revocations::decode(bytes)) else { return };
    assert!((1..=revocations::HINT_LOGINS_MAX).contains(&ended.len()));
    assert_eq!(revocations::decode(&revocations::encode(&ended)), Ok(ended));
}

/// Fields, values, and gateways with their leases, separated by commas.
fn check_devices(bytes: &[u8]) {
    let fields: Vec<Vec<u8>> = bytes.split(|byte| *byte == b',').map(<[u8]>::to_vec).collect();
    let leases = fields.chunks_exact(2).map(|pair| {
        let [gateway, renewed] = [&pair[0], &pair[1]].map(|text| String::from_utf8_lossy(text));
        (gateway.into_owned(), renewed.len() % 2 == 0, renewed.into_owned())
    });
    let leases = leases.collect();
    let pairs = fields.len() / 2;
    let readings = backends::fuzzing::devices(fields, leases);
    assert_eq!(readings.len(), 1);
    assert!(readings[0].devices.len() <= pairs);
}
