//! Values of the read models.

use std::sync::Arc;

use bytes::{BufMut, BytesMut};
use chat_core::{
    codec::{self, Malformed, Reader},
    error::StoreError,
    id::{ConversationId, UserId},
    model::{Cursor, Edit, Founding, Kind, Member, Overlay, Reaction, Seq},
};
use fjall::UserValue;

use super::{read, written};

/// A member's standing; its key says whose.
pub(in super::super) fn member(member: &Member) -> UserValue {
    written(18, |out| {
        out.put_u8(codec::role_byte(member.role));
        out.put_u64(member.joined_seq.get());
        out.put_u64(member.joined_ord);
    })
}

/// The standing of this user in these bytes.
pub(in super::super) fn read_member(user: UserId, bytes: &[u8]) -> Result<Member, StoreError> {
    read("member", bytes, |reader| {
        Ok(Member {
            user,
            role: reader.role()?,
            joined_seq: reader.seq()?,
            joined_ord: reader.u64()?,
        })
    })
}

/// A cursor.
pub(in super::super) fn cursor(cursor: &Cursor) -> UserValue {
    written(25, |out| {
        out.put_u64(cursor.delivered_seq.get());
        out.put_u64(cursor.read_seq.get());
        out.put_u64(cursor.read_ord);
    })
}

/// The cursor of these bytes.
pub(in super::super) fn read_cursor(bytes: &[u8]) -> Result<Cursor, StoreError> {
    read("cursor", bytes, |reader| {
        Ok(Cursor {
            delivered_seq: reader.seq()?,
            read_seq: reader.seq()?,
            read_ord: reader.u64()?,
        })
    })
}

/// A title.
pub(in super::super) fn title(title: &str) -> UserValue {
    written(8 + title.len(), |out| codec::put_text(out, title))
}

/// The title of these bytes.
pub(in super::super) fn read_title(bytes: &[u8]) -> Result<Arc<str>, StoreError> {
    read("title", bytes, |reader| reader.text().map(Arc::from))
}

/// What a conversation was made with; its key says which.
pub(in super::super) fn founding(founding: &Founding) -> UserValue {
    written(32, |out| {
        out.put_u8(match founding.kind {
            Kind::Direct => 1,
            Kind::Group => 2,
        });
        out.put_i64(founding.created_at.as_millis());
        codec::put_optional_text(out, founding.title.as_deref());
    })
}

/// What the conversation was made with, of these bytes.
pub(in super::super) fn read_founding(
    conversation: ConversationId,
    bytes: &[u8],
) -> Result<Founding, StoreError> {
    read("founding", bytes, |reader| {
        let kind = match reader.u8()? {
            1 => Kind::Direct,
            2 => Kind::Group,
            _ => return Err(Malformed),
        };
        let created_at = reader.timestamp()?;
        let title = reader.optional_text()?.map(Arc::from);
        Ok(Founding { conversation, kind, title, created_at })
    })
}

/// What later entries did to a message.
pub(in super::super) fn overlay(overlay: &Overlay) -> UserValue {
    written(64, |out| {
        out.put_u64(overlay.redacted.map_or(0, Seq::get));
        out.put_u8(u8::from(overlay.edited.is_some()));
        if let Some(Edit { seq, at, text }) = &overlay.edited {
            out.put_u64(seq.get());
            out.put_i64(at.as_millis());
            codec::put_optional_text(out, text.as_deref());
        }
        put_count(out, overlay.edit_seqs.len());
        overlay.edit_seqs.iter().for_each(|seq| out.put_u64(seq.get()));
        put_count(out, overlay.reactions.len());
        overlay.reactions.iter().for_each(|reaction| put_reaction(out, reaction));
    })
}

fn put_count(out: &mut BytesMut, count: usize) {
    out.put_u32(u32::try_from(count).unwrap_or(u32::MAX));
}

fn put_reaction(out: &mut BytesMut, reaction: &Reaction) {
    out.put_u64(reaction.user.get());
    out.put_u64(reaction.seq.get());
    out.put_u8(u8::from(reaction.on));
    codec::put_text(out, &reaction.emoji);
}

/// The overlay of these bytes.
pub(in super::super) fn read_overlay(bytes: &[u8]) -> Result<Overlay, StoreError> {
    read("overlay", bytes, |reader| {
        let redacted = Some(reader.seq()?).filter(|seq| *seq != Seq::ZERO);
        let edited = if reader.flag()? {
            let (seq, at) = (reader.seq()?, reader.timestamp()?);
            Some(Edit { seq, at, text: reader.optional_text()?.map(Arc::from) })
        } else {
            None
        };
        let edit_seqs = read_all(reader, Reader::seq)?;
        Ok(Overlay { edited, edit_seqs, redacted, reactions: read_all(reader, read_reaction)? })
    })
}

fn read_all<'a, T>(
    reader: &mut Reader<'a>,
    read: impl Fn(&mut Reader<'a>) -> Result<T, Malformed>,
) -> Result<Vec<T>, Malformed> {
    (0..reader.u32()?).map(|_| read(reader)).collect()
}

fn read_reaction(reader: &mut Reader<'_>) -> Result<Reaction, Malformed> {
    let (user, seq, on) = (reader.user()?, reader.seq()?, reader.flag()?);
    Ok(Reaction { emoji: reader.text()?.into(), user, on, seq })
}

#[cfg(test)]
mod tests {
    use chat_core::{model::Role, time::Timestamp};

    use super::*;

    #[test]
    fn overlay_reads_as_it_was_written_and_no_beginning_of_it_reads() {
        let reaction = |user, on| Reaction {
            emoji: "🎉".into(),
            user: UserId::new(user).unwrap(),
            on,
            seq: Seq::new(9),
        };
        let written = Overlay {
            edited: Some(Edit {
                seq: Seq::new(3),
                at: Timestamp::from_millis(-5),
                text: Some("new".into()),
            }),
            edit_seqs: vec![Seq::new(2), Seq::new(3)],
            redacted: Some(Seq::new(4)),
            reactions: vec![reaction(1, true), reaction(2, false)],
        };
        let bytes = overlay(&written);
        assert_eq!(read_overlay(&bytes).unwrap(), written);
        assert_eq!(read_overlay(&overlay(&Overlay::default())).unwrap(), Overlay::default());
        assert!((0..bytes.len()).all(|length| read_overlay(&bytes[..length]).is_err()));
    }

    #[test]
    fn small_values_read_as_they_were_written() {
        let user = UserId::new(7).unwrap();
        let stands =
            Member { user, role: Role::Admin, joined_seq: Seq::new(2), joined_ord: u64::MAX };
        assert_eq!(read_member(user, &member(&stands)).unwrap(), stands);
        let at = Cursor { delivered_seq: Seq::new(3), read_seq: Seq::new(2), read_ord: 1 };
        assert_eq!(read_cursor(&cursor(&at)).unwrap(), at);
        for (kind, title) in [(Kind::Direct, None), (Kind::Group, Some("Tea".into()))] {
            let conversation = ConversationId::new(8).unwrap();
            let made = Founding { conversation, kind, title, created_at: Timestamp::default() };
            assert_eq!(read_founding(conversation, &founding(&made)).unwrap(), made);
        }
        assert_eq!(&*read_title(&title("é")).unwrap(), "é");
    }
}
