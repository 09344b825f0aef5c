//! The compact form of what is stored and of what gateways tell each other.
//!
//! A value begins with a version byte; numbers are big-endian, texts have a length before them.
//! Readers refuse what they do not know and never panic: what arrives may be damaged.

use std::sync::Arc;

use bytes::{BufMut, BytesMut};

use crate::{
    id::{ConversationId, EntryId, UserId},
    model::{Body, ClientId, Entry, Member, Role, Seq},
    time::Timestamp,
};

/// The version that is written.
pub const VERSION: u8 = 1;

/// Why bytes are no value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a value of a known version")]
pub struct Malformed;

/// Takes values off the front of bytes.
#[derive(Debug)]
pub struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    /// A reader of these bytes.
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// Whether nothing is left.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The next `count` bytes.
    pub fn bytes(&mut self, count: usize) -> Result<&'a [u8], Malformed> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or(Malformed)?;
        self.0 = rest;
        Ok(taken)
    }

    /// The next byte.
    pub fn u8(&mut self) -> Result<u8, Malformed> {
        Ok(self.bytes(1)?[0])
    }

    /// The next four bytes as a number.
    pub fn u32(&mut self) -> Result<u32, Malformed> {
        self.bytes(4)?.try_into().map(u32::from_be_bytes).map_err(|_| Malformed)
    }

    /// The next eight bytes as a number.
    pub fn u64(&mut self) -> Result<u64, Malformed> {
        self.bytes(8)?.try_into().map(u64::from_be_bytes).map_err(|_| Malformed)
    }

    /// The next eight bytes as a seq.
    pub fn seq(&mut self) -> Result<Seq, Malformed> {
        self.u64().map(Seq::new)
    }

    /// The next eight bytes as a user.
    pub fn user(&mut self) -> Result<UserId, Malformed> {
        UserId::new(self.u64()?).ok_or(Malformed)
    }

    /// The next eight bytes as a conversation.
    pub fn conversation(&mut self) -> Result<ConversationId, Malformed> {
        ConversationId::new(self.u64()?).ok_or(Malformed)
    }

    /// The next eight bytes as a time.
    pub fn timestamp(&mut self) -> Result<Timestamp, Malformed> {
        self.u64().map(|millis| Timestamp::from_millis(millis.cast_signed()))
    }

    /// The next text, after its length.
    pub fn text(&mut self) -> Result<&'a str, Malformed> {
        let length = self.u32()? as usize;
        std::str::from_utf8(self.bytes(length)?).map_err(|_| Malformed)
    }

    /// The next text, after a byte that says whether there is one.
    pub fn optional_text(&mut self) -> Result<Option<&'a str>, Malformed> {
        if self.flag()? { self.text().map(Some) } else { Ok(None) }
    }

    /// The next byte as a truth.
    pub fn flag(&mut self) -> Result<bool, Malformed> {
        match self.u8()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(Malformed),
        }
    }

    /// The next byte as a role.
    pub fn role(&mut self) -> Result<Role, Malformed> {
        role_of(self.u8()?)
    }

    /// Nothing may be left.
    pub const fn end(self) -> Result<(), Malformed> {
        if self.is_empty() { Ok(()) } else { Err(Malformed) }
    }
}

/// Writes a text with its length before it.
pub fn put_text(out: &mut BytesMut, text: &str) {
    out.put_u32(u32::try_from(text.len()).unwrap_or(u32::MAX));
    out.put_slice(text.as_bytes());
}

/// Writes a byte that says whether there is a text, and the text.
pub fn put_optional_text(out: &mut BytesMut, text: Option<&str>) {
    out.put_u8(u8::from(text.is_some()));
    if let Some(text) = text {
        put_text(out, text);
    }
}

/// A role as a byte.
pub const fn role_byte(role: Role) -> u8 {
    match role {
        Role::Member => 0,
        Role::Admin => 1,
        Role::Owner => 2,
    }
}

/// The role of a byte.
pub const fn role_of(byte: u8) -> Result<Role, Malformed> {
    match byte {
        0 => Ok(Role::Member),
        1 => Ok(Role::Admin),
        2 => Ok(Role::Owner),
        _ => Err(Malformed),
    }
}

/// The kind of a body as a byte.
pub const fn kind_byte(body: &Body) -> u8 {
    match body {
        Body::Text { .. } => 1,
        Body::Edited { .. } => 2,
        Body::Redacted { .. } => 3,
        Body::Reaction { .. } => 4,
        Body::Joined { .. } => 5,
        Body::Left { .. } => 6,
        Body::Role { .. } => 7,
        Body::Title { .. } => 8,
    }
}

/// Writes a body, without its kind.
pub fn put_body(out: &mut BytesMut, body: &Body) {
    out.put_u8(VERSION);
    match body {
        Body::Text { text, reply_to } => {
            out.put_u64(reply_to.map_or(0, Seq::get));
            put_optional_text(out, text.as_deref());
        }
        Body::Edited { target_seq, text } => {
            out.put_u64(target_seq.get());
            put_optional_text(out, text.as_deref());
        }
        Body::Redacted { target_seq } => out.put_u64(target_seq.get()),
        Body::Reaction { target_seq, emoji, on } => {
            out.put_u64(target_seq.get());
            out.put_u8(u8::from(*on));
            put_text(out, emoji);
        }
        Body::Joined { user, role, is_founder } => {
            out.put_u64(user.get());
            out.put_u8(role_byte(*role));
            out.put_u8(u8::from(*is_founder));
        }
        Body::Left { user, by } => {
            out.put_u64(user.get());
            out.put_u64(by.get());
        }
        Body::Role { member } => {
            out.put_u64(member.user.get());
            out.put_u8(role_byte(member.role));
            out.put_u64(member.joined_seq.get());
            out.put_u64(member.joined_ord);
        }
        Body::Title { title } => put_text(out, title),
    }
}

/// Reads a body of this kind to the end of the bytes.
pub fn body(kind: u8, bytes: &[u8]) -> Result<Body, Malformed> {
    let mut reader = Reader::new(bytes);
    if reader.u8()? != VERSION {
        return Err(Malformed);
    }
    let body = match kind {
        1 => {
            let reply_to = Some(reader.seq()?).filter(|seq| *seq != Seq::ZERO);
            Body::Text { reply_to, text: reader.optional_text()?.map(Arc::from) }
        }
        2 => {
            Body::Edited { target_seq: reader.seq()?, text: reader.optional_text()?.map(Arc::from) }
        }
        3 => Body::Redacted { target_seq: reader.seq()? },
        4 => {
            let (target_seq, on) = (reader.seq()?, reader.flag()?);
            Body::Reaction { target_seq, on, emoji: reader.text()?.into() }
        }
        5 => {
            Body::Joined { user: reader.user()?, role: reader.role()?, is_founder: reader.flag()? }
        }
        6 => Body::Left { user: reader.user()?, by: reader.user()? },
        7 => Body::Role {
            member: Member {
                user: reader.user()?,
                role: reader.role()?,
                joined_seq: reader.seq()?,
                joined_ord: reader.u64()?,
            },
        },
        8 => Body::Title { title: reader.text()?.into() },
        _ => return Err(Malformed),
    };
    reader.end()?;
    Ok(body)
}

/// Writes an entry without its conversation.
pub fn put_entry(out: &mut BytesMut, entry: &Entry) {
    out.put_u8(VERSION);
    out.put_u64(entry.seq.get());
    out.put_u64(entry.id.get());
    out.put_u64(entry.sender.get());
    out.put_u64(entry.at.as_millis().cast_unsigned());
    out.put_u64(entry.ord);
    put_optional_text(out, entry.client_id.as_ref().map(ClientId::as_str));
    out.put_u8(kind_byte(&entry.body));
    let start = out.len();
    out.put_u32(0);
    put_body(out, &entry.body);
    let length = u32::try_from(out.len() - start - 4).unwrap_or(u32::MAX);
    out[start..start + 4].copy_from_slice(&length.to_be_bytes());
}

/// Takes an entry of this conversation off a reader.
pub fn entry(reader: &mut Reader<'_>, conversation: ConversationId) -> Result<Entry, Malformed> {
    if reader.u8()? != VERSION {
        return Err(Malformed);
    }
    Ok(Entry {
        conversation,
        seq: reader.seq()?,
        id: EntryId::new(reader.u64()?).ok_or(Malformed)?,
        sender: reader.user()?,
        at: reader.timestamp()?,
        ord: reader.u64()?,
        client_id: reader.optional_text()?.map(ClientId::new).transpose().map_err(|_| Malformed)?,
        body: {
            let kind = reader.u8()?;
            let length = reader.u32()? as usize;
            body(kind, reader.bytes(length)?)?
        },
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn user(id: u64) -> UserId {
        UserId::new(id).unwrap()
    }

    fn bodies() -> Vec<Body> {
        let target_seq = Seq::new(3);
        let member =
            Member { user: user(9), role: Role::Admin, joined_seq: Seq::new(2), joined_ord: 1 };
        vec![
            Body::Text { text: Some("héllo".into()), reply_to: None },
            Body::Text { text: None, reply_to: Some(target_seq) },
            Body::Edited { target_seq, text: Some("".into()) },
            Body::Edited { target_seq, text: None },
            Body::Redacted { target_seq },
            Body::Reaction { target_seq, emoji: "🎉".into(), on: true },
            Body::Joined { user: user(7), role: Role::Owner, is_founder: true },
            Body::Left { user: user(7), by: user(8) },
            Body::Role { member },
            Body::Title { title: "Tea".into() },
        ]
    }

    #[test]
    fn every_entry_reads_as_it_was_written_and_no_beginning_of_it_reads() {
        let conversation = ConversationId::new(77).unwrap();
        for (client_id, body) in
            [None, Some(ClientId::new("a-1").unwrap())].into_iter().cycle().zip(bodies())
        {
            let written = Entry {
                conversation,
                seq: Seq::new(4),
                id: EntryId::new(5).unwrap(),
                sender: user(6),
                client_id,
                at: Timestamp::from_millis(-7),
                ord: 8,
                body,
            };
            let mut out = BytesMut::new();
            put_entry(&mut out, &written);
            assert_eq!(entry(&mut Reader::new(&out), conversation), Ok(written));
            for length in 0..out.len() {
                assert_eq!(entry(&mut Reader::new(&out[..length]), conversation), Err(Malformed));
            }
        }
    }

    proptest! {
        #[test]
        fn damaged_bytes_are_refused_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            drop(entry(&mut Reader::new(&bytes), ConversationId::new(1).unwrap()));
        }
    }
}
