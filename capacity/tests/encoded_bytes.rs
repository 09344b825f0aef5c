//! The measured bytes are those of the real encoders.
#![expect(clippy::unwrap_used, reason = "a failed test may panic")]

use capacity::measured::{HINT_BYTES, SMALL_HINT_BYTES, STORED_BYTES};
use chat_core::{
    hint::Hint,
    id::{ConversationId, EntryId, UserId},
    model::{Body, ClientId, Entry, Seq},
    time::Timestamp,
    versioned,
};

const TEXT: &str = "Shall we eat at noon? The place at the corner has a table for six.";
const CLIENT_ID: &str = "0123456789abcdef0123456789abcdef";
/// Ids of a store that is some years old.
const ID: u64 = 291_139_937_883_918_336;
/// The bytes of a number as it is encoded differ by this much between small and large ones.
const NUMBERS_BYTES: f64 = 8.0;

fn entry() -> Entry {
    Entry {
        conversation: ConversationId::new(ID).unwrap(),
        seq: Seq::new(20_000),
        id: EntryId::new(ID + 1).unwrap(),
        sender: UserId::new(ID - 1).unwrap(),
        client_id: Some(ClientId::new(CLIENT_ID).unwrap()),
        at: Timestamp::from_millis(1_800_000_000_000),
        ord: 18_000,
        body: Body::plain(TEXT, None),
    }
}

fn without_text(bytes: usize) -> f64 {
    f64::from(u32::try_from(bytes - TEXT.len() - CLIENT_ID.len()).unwrap())
}

fn is_close(measured: f64, encoded: f64) -> bool {
    (measured - encoded).abs() <= NUMBERS_BYTES
}

#[test]
fn hint_of_a_text_has_the_measured_bytes() {
    let bytes = without_text(Hint::entries(&[entry()]).encode().len());
    assert!(is_close(HINT_BYTES.value, bytes), "{bytes}");
}

#[test]
fn hint_of_a_receipt_has_the_measured_bytes() {
    let Entry { conversation, sender, seq, .. } = entry();
    let hint = Hint::Receipt { conversation, user: sender, delivered_seq: seq, read_seq: seq };
    let bytes = f64::from(u32::try_from(hint.encode().len()).unwrap());
    assert!(is_close(SMALL_HINT_BYTES.value, bytes), "{bytes}");
}

/// The client id is stored twice. The rows of a database add columns and marks to the encoded entry.
#[test]
fn stored_text_is_larger_than_its_encoded_entry() {
    let encoded = without_text(versioned::encode(&entry()).len());
    assert!(STORED_BYTES.value > encoded, "{encoded}");
    assert!(STORED_BYTES.value < encoded * 10.0, "{encoded}");
}
