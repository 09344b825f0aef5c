//! Values: a version byte, then the compact form of [`chat_core::codec`].

mod people;
mod views;

use bytes::{BufMut, BytesMut};
use chat_core::{
    codec::{self, Malformed, Reader, VERSION},
    error::StoreError,
    id::ConversationId,
    model::{Entry, Head, Seq},
};
use fjall::UserValue;

pub(super) use self::{
    people::{Account, account, login, read_account, read_login, read_reply, reply},
    views::{
        cursor, founding, member, overlay, read_cursor, read_founding, read_member, read_overlay,
        read_title, title,
    },
};

/// Reads a value to its end. Bytes that are none: nothing may be built on them.
fn read<'a, T>(
    what: &str,
    bytes: &'a [u8],
    read: impl FnOnce(&mut Reader<'a>) -> Result<T, Malformed>,
) -> Result<T, StoreError> {
    let whole = || {
        let mut reader = Reader::new(bytes);
        if reader.u8()? != VERSION {
            return Err(Malformed);
        }
        let value = read(&mut reader)?;
        reader.end().map(|()| value)
    };
    whole().map_err(|malformed| StoreError::Corrupt(format!("{what}: {malformed}")))
}

/// Writes a value.
fn written(capacity: usize, write: impl FnOnce(&mut BytesMut)) -> UserValue {
    let mut out = BytesMut::with_capacity(capacity);
    out.put_u8(VERSION);
    write(&mut out);
    UserValue::from(out.as_ref())
}

/// An entry, which brings its own version.
pub(super) fn entry(entry: &Entry) -> UserValue {
    let mut out = BytesMut::with_capacity(128 + entry.body.text_bytes());
    codec::put_entry(&mut out, entry);
    UserValue::from(out.as_ref())
}

/// The entry of these bytes.
pub(super) fn read_entry(conversation: ConversationId, bytes: &[u8]) -> Result<Entry, StoreError> {
    let mut reader = Reader::new(bytes);
    codec::entry(&mut reader, conversation)
        .and_then(|entry| reader.end().map(|()| entry))
        .map_err(|malformed| StoreError::Corrupt(format!("entry: {malformed}")))
}

/// A single number: a seq, an id or a count.
pub(super) fn number(number: u64) -> UserValue {
    let mut out = [VERSION; 9];
    out[1..].copy_from_slice(&number.to_be_bytes());
    out.into()
}

/// The number of these bytes.
pub(super) fn read_number(bytes: &[u8]) -> Result<u64, StoreError> {
    read("number", bytes, Reader::u64)
}

/// The seq of these bytes.
pub(super) fn read_seq(bytes: &[u8]) -> Result<Seq, StoreError> {
    read_number(bytes).map(Seq::new)
}

/// The conversation of these bytes.
pub(super) fn read_conversation(bytes: &[u8]) -> Result<ConversationId, StoreError> {
    read("conversation", bytes, Reader::conversation)
}

/// The conversations that a batch appended to.
pub(super) fn conversations(ids: impl Iterator<Item = ConversationId>) -> UserValue {
    written(64, |out| ids.for_each(|id| out.put_u64(id.get())))
}

/// The conversations of these bytes.
pub(super) fn read_conversations(bytes: &[u8]) -> Result<Vec<ConversationId>, StoreError> {
    read("conversations", bytes, |reader| {
        let mut ids = Vec::new();
        while !reader.is_empty() {
            ids.push(reader.conversation()?);
        }
        Ok(ids)
    })
}

/// A head.
pub(super) fn head(head: &Head) -> UserValue {
    written(49, |out| {
        out.put_u64(head.seq.get());
        out.put_u64(head.ord);
        out.put_i64(head.at.as_millis());
        out.put_u64(head.text_seq.get());
        out.put_u64(head.projected_seq.get());
        out.put_u32(head.members);
        out.put_u32(head.owners);
    })
}

/// The head of these bytes.
pub(super) fn read_head(bytes: &[u8]) -> Result<Head, StoreError> {
    read("head", bytes, |reader| {
        Ok(Head {
            seq: reader.seq()?,
            ord: reader.u64()?,
            at: reader.timestamp()?,
            text_seq: reader.seq()?,
            projected_seq: reader.seq()?,
            members: reader.u32()?,
            owners: reader.u32()?,
        })
    })
}
