//! The stored form of values: one version byte, then the record in postcard's format
//! ([`chat_core::versioned`]). The tests pin the bytes of every record.

use std::sync::Arc;

use chat_core::{
    error::StoreError,
    id::{ConversationId, IdMark, UserId},
    model::{
        Boundary, Consent, Cursor, Entry, Founding, Head, IdempotencyRecord, Identity, Invite,
        InviteUse, Login, Member, Overlay, Seq, Upload, User,
    },
    time::Timestamp,
    versioned,
};
use fjall::UserValue;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::recent::Moves;

/// A type that is stored as the value of a row.
pub(super) trait Record: Serialize + DeserializeOwned {
    /// Names the record in errors.
    const NAME: &'static str;
}

macro_rules! records {
    ($($record:ty: $name:literal),+ $(,)?) => {
        $(impl Record for $record {
            const NAME: &'static str = $name;
        })+

        /// The names of all records.
        #[cfg(feature = "fuzzing")]
        pub const RECORDS: &[&str] = &[$($name),+];

        /// Decodes this record and returns its bytes as they would be written now, or `None` if the
        /// value is refused.
        ///
        /// # Panics
        /// If the written bytes are not decoded as the same record.
        #[cfg(feature = "fuzzing")]
        pub fn reencode(name: &str, value: &[u8]) -> Option<Vec<u8>> {
            match name {
                $($name => reencoded::<$record>(value),)+
                _ => None,
            }
        }
    };
}

records! {
    Entry: "entry",
    Seq: "idempotency row",
    Head: "head",
    Moves: "record of a recent batch",
    Member: "member",
    Founding: "founding",
    Arc<str>: "title",
    ConversationId: "direct conversation",
    Overlay: "overlay",
    Cursor: "cursor",
    Consent: "consent",
    Boundary: "boundary",
    Account: "account",
    UserId: "owner of a username",
    Login: "login",
    Identity: "ended login",
    IdempotencyRecord: "reply",
    Timestamp: "last-seen time",
    IdMark: "mark of the ids",
    Invite: "invite",
    InviteUse: "use of an invite",
    Upload: "upload",
    u64: "bytes of an upload",
}

/// A user and the hash of the password.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Account {
    pub(super) user: User,
    pub(super) password_hash: Arc<str>,
}

/// Encodes the value of a row.
pub(super) fn encode<T: Record>(record: &T) -> UserValue {
    versioned::with_encoded(record, |bytes| UserValue::from(bytes))
}

/// Decodes the value of the row with this key. Fails with `Corrupt` if the version is unknown or the
/// bytes are damaged.
pub(super) fn decode<T: Record>(key: &[u8], value: &[u8]) -> Result<T, StoreError> {
    versioned::decode(value).map_err(|error| {
        StoreError::Corrupt(format!("{} with key \"{}\": {error}", T::NAME, key.escape_ascii()))
    })
}

#[cfg(feature = "fuzzing")]
fn reencoded<T: Record + PartialEq + std::fmt::Debug>(value: &[u8]) -> Option<Vec<u8>> {
    let record: T = decode(b"key", value).ok()?;
    let written = encode(&record);
    assert_eq!(decode::<T>(b"key", &written).as_ref(), Ok(&record));
    Some(written.to_vec())
}

#[cfg(test)]
mod tests;
