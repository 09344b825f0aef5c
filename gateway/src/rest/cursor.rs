//! Cursors of lists. Clients must treat them as opaque.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chat_core::{
    command::ListCursor,
    error::ChatError,
    id::{ConversationId, UserId},
    model::Seq,
    port::Place,
    time::Timestamp,
};

/// Encodes the cursor of a list of conversations.
pub fn encode_list(cursor: ListCursor) -> String {
    let at = cursor.at.as_millis().to_be_bytes();
    let conversation = cursor.conversation.get().to_be_bytes();
    URL_SAFE_NO_PAD.encode([at, conversation].concat())
}

/// Decodes a cursor that [`encode_list`] returned. Anything else is `invalid`.
pub fn decode_list(text: &str) -> Result<ListCursor, ChatError> {
    let decode = || {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (at, conversation) = bytes.split_at_checked(8)?;
        let at = i64::from_be_bytes(at.try_into().ok()?);
        let conversation = u64::from_be_bytes(conversation.try_into().ok()?);
        let conversation = ConversationId::new(conversation)?;
        Some(ListCursor { at: Timestamp::from_millis(at), conversation })
    };
    decode().ok_or_else(invalid_cursor)
}

/// Encodes the cursor of a list of members.
pub fn encode_member(user: UserId) -> String {
    URL_SAFE_NO_PAD.encode(user.get().to_be_bytes())
}

/// Decodes a cursor that [`encode_member`] returned. Anything else is `invalid`.
pub fn decode_member(text: &str) -> Result<UserId, ChatError> {
    let decode = || {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        UserId::new(u64::from_be_bytes(bytes.try_into().ok()?))
    };
    decode().ok_or_else(invalid_cursor)
}

/// Encodes the cursor of a search.
pub fn encode_place(place: Place) -> String {
    let at = place.at.as_millis().to_be_bytes();
    let conversation = place.conversation.get().to_be_bytes();
    URL_SAFE_NO_PAD.encode([at, conversation, place.seq.get().to_be_bytes()].concat())
}

/// Decodes a cursor that [`encode_place`] returned. Anything else is `invalid`.
pub fn decode_place(text: &str) -> Result<Place, ChatError> {
    let decode = || {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (at, rest) = bytes.split_at_checked(8)?;
        let (conversation, seq) = rest.split_at_checked(8)?;
        Some(Place {
            at: Timestamp::from_millis(i64::from_be_bytes(at.try_into().ok()?)),
            conversation: ConversationId::new(u64::from_be_bytes(conversation.try_into().ok()?))?,
            seq: Seq::new(u64::from_be_bytes(seq.try_into().ok()?)),
        })
    };
    decode().ok_or_else(invalid_cursor)
}

fn invalid_cursor() -> ChatError {
    ChatError::invalid("cursor", "expected the next_cursor of an answer")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursor_decodes_when_it_was_encoded_here() {
        let conversation = ConversationId::new(77).unwrap();
        let cursor = ListCursor { at: Timestamp::from_millis(-5), conversation };
        assert_eq!(decode_list(&encode_list(cursor)), Ok(cursor));
        let member = UserId::new(78).unwrap();
        assert_eq!(decode_member(&encode_member(member)), Ok(member));
        let place = Place { at: cursor.at, conversation, seq: Seq::new(u64::MAX) };
        assert_eq!(decode_place(&encode_place(place)), Ok(place));
        for bad in ["", "x", &encode_list(cursor), &encode_member(member)] {
            assert_eq!(decode_place(bad), Err(invalid_cursor()), "{bad}");
        }
        for bad in ["", "x", &encode_member(member), "AAAAAAAAAAAAAAAAAAAAAA", "é"] {
            assert_eq!(decode_list(bad), Err(invalid_cursor()), "{bad}");
        }
        for bad in ["", "x", &encode_list(cursor), "AAAAAAAAAAA"] {
            assert_eq!(decode_member(bad), Err(invalid_cursor()), "{bad}");
        }
    }
}
