//! The bytes of every stored type: a test fails if fields or variants are reordered.

use std::fmt::Debug;

use proptest::prelude::*;
use serde::{Serialize, de::DeserializeOwned};

use super::*;
use crate::{
    id::{AttachmentId, ChunkId, ConversationId, EntryId, LoginId, UserId},
    limits::{
        ATTACHMENTS_MAX, BLURHASH_BYTES_MAX, CLIENT_ID_CHARS_MAX, DEVICE_BYTES_MAX,
        DISPLAY_NAME_BYTES_MAX, EMOJI_BYTES_MAX, FILE_NAME_BYTES_MAX, TEXT_BYTES_MAX,
        TITLE_BYTES_MAX,
    },
    time::Timestamp,
    versioned::{DecodeError, VERSION, decode, encode},
};

const CONVERSATION: ConversationId = ConversationId::new(5).expect("valid id");
const USER: UserId = UserId::new(6).expect("valid id");
const OTHER: UserId = UserId::new(7).expect("valid id");
const TARGET: Seq = Seq::new(3);

/// Checks that `value` is encoded as the version byte and `bytes`, and decoded from nothing less.
#[track_caller]
fn has_bytes<T>(value: &T, bytes: &[u8])
where
    T: Serialize + DeserializeOwned + PartialEq + Debug,
{
    let encoded = encode(value);
    assert_eq!((encoded[0], &encoded[1..]), (VERSION, bytes), "{value:?}");
    assert_eq!(decode::<T>(&encoded).as_ref(), Ok(value));
    for length in 0..encoded.len() {
        assert_eq!(decode::<T>(&encoded[..length]), Err(DecodeError::Malformed), "{value:?}");
    }
}

#[track_caller]
fn is_refused<T: DeserializeOwned + PartialEq + Debug>(value: &impl Serialize) {
    assert_eq!(decode::<T>(&encode(value)), Err(DecodeError::Malformed));
}

fn member() -> Member {
    Member {
        user: USER,
        role: Role::Admin,
        needs_consent: false,
        joined_seq: Seq::new(2),
        joined_ord: 1,
    }
}

fn login() -> Login {
    Login {
        id: LoginId::new(8).unwrap(),
        user: USER,
        device: Some("pc".into()),
        created_at: Timestamp::from_millis(1),
        used_at: Timestamp::from_millis(2),
        expires_at: Timestamp::from_millis(3),
        current: LoginSecret([9; 32]),
        previous: Some((LoginSecret([8; 32]), Timestamp::from_millis(4))),
    }
}

#[test]
fn body_has_these_bytes() {
    let joined = Body::Joined { user: USER, role: Role::Owner, joining: Joining::Founder };
    let joining = Joining::ByInvite { invited_by: OTHER };
    let joined_by_invite = Body::Joined { user: USER, role: Role::Member, joining };
    for (body, kind, bytes) in [
        (Body::plain("hé", None), 1, &b"\0\x01\x03h\xC3\xA9\0"[..]),
        (Body::erased(Some(TARGET)), 1, &[0, 0, 1, 3]),
        (Body::Edited { target_seq: TARGET, text: Some("".into()) }, 2, &[1, 3, 1, 0]),
        (Body::Edited { target_seq: TARGET, text: None }, 2, &[1, 3, 0]),
        (Body::Redacted { target_seq: TARGET }, 3, &[2, 3]),
        (
            Body::Reaction { target_seq: TARGET, emoji: "+1".into(), on: true },
            4,
            b"\x03\x03\x02+1\x01",
        ),
        (joined, 5, &[4, 6, 2, 1]),
        (joined_by_invite, 5, &[4, 6, 0, 4, 7]),
        (Body::Left { user: USER, by: OTHER }, 6, &[5, 6, 7]),
        (Body::Role { member: member() }, 7, &[6, 6, 1, 2, 1]),
        (Body::Title { title: "Tea".into() }, 8, b"\x07\x03Tea"),
    ] {
        assert_eq!(body.kind(), kind, "{body:?}");
        has_bytes(&body, bytes);
    }
}

fn image() -> Details {
    Details::Image { width: 2, height: 300, blurhash: "L0".into() }
}

fn attachment() -> Attachment {
    let id = AttachmentId::new(7).unwrap();
    Attachment { id, name: "a.png".into(), size: 300, media: MediaType::Png, details: image() }
}

#[test]
fn message_with_attachments_has_these_bytes() {
    let attachments = [attachment()].into_iter().collect();
    let body = Body::Text { text: Some("hé".into()), reply_to: None, attachments };
    has_bytes(&body, b"\0\x02\x03h\xC3\xA9\0\x01\x07\x05a.png\xAC\x02\x01\x01\x02\xAC\x02\x02L0");
    assert_eq!(body.without_text(), Some(Body::erased(None)));
    assert!(body.repeats(&Body::erased(None)) && !body.repeats(&Body::plain("hé", None)));
    for (code, media) in (0..).zip(MediaType::ALL) {
        has_bytes(&media, &[code]);
    }
    let many = vec![attachment(); ATTACHMENTS_MAX + 1];
    is_refused::<AttachmentList>(&many);
    let name = "x".repeat(FILE_NAME_BYTES_MAX + 1).into();
    is_refused::<Attachment>(&Attachment { name, ..attachment() });
    let blurhash = "x".repeat(BLURHASH_BYTES_MAX + 1).into();
    is_refused::<Details>(&Details::Image { width: 1, height: 1, blurhash });
}

#[test]
fn upload_has_these_bytes() {
    let usage = Usage::Sending { client_id: ClientId::new("a-1").unwrap(), base: TARGET };
    let chunk = Chunk { id: ChunkId::new(9).unwrap(), bytes: 7 };
    let thumbnail = Thumbnail { side: 256, media: MediaType::Jpeg, chunk };
    let upload = Upload {
        id: attachment().id,
        owner: USER,
        conversation: CONVERSATION,
        name: attachment().name,
        size: 300,
        media: MediaType::Png,
        details: Details::Sound { duration_ms: 300 },
        revision: 2,
        due_at: Some(Timestamp::from_millis(1)),
        chunks: vec![Chunk { id: ChunkId::new(8).unwrap(), bytes: 300 }],
        thumbnails: vec![thumbnail],
        progress: Progress::Finished { sha256: [9; 32], usage },
    };
    let start = b"\x07\x06\x05\x05a.png\xAC\x02\x01\x02\xAC\x02\x02\x01\x02\x01\x08\xAC\x02";
    let end = b"\x01\x80\x02\x02\x09\x07\x02";
    let bytes = [&start[..], end, &[9; 32], b"\x01\x03a-1\x03"].concat();
    has_bytes(&upload, &bytes);
    has_bytes(&Usage::Unsent, &[0]);
    has_bytes(&Usage::Shown(TARGET), &[2, 3]);
    has_bytes(&Progress::Received { sha256: [9; 32] }, &[&[1][..], &[9; 32]].concat());
    has_bytes(&Progress::Ending, &[3]);
}

#[test]
fn entry_has_these_bytes() {
    let entry = Entry {
        conversation: CONVERSATION,
        seq: Seq::new(4),
        id: EntryId::new(i64::MAX as u64).unwrap(),
        sender: USER,
        client_id: Some(ClientId::new("a-1").unwrap()),
        at: Timestamp::from_millis(-7),
        ord: 300,
        body: Body::Redacted { target_seq: TARGET },
    };
    let id = [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F];
    let bytes = [&[5, 4], &id[..], &[6], b"\x01\x03a-1", &[13, 0xAC, 2, 2, 3]].concat();
    has_bytes(&entry, &bytes);
}

#[test]
fn conversation_has_these_bytes() {
    let created_at = Timestamp::from_millis(1);
    let founding = |kind, title| Founding { conversation: CONVERSATION, kind, title, created_at };
    has_bytes(&founding(Kind::Direct, None), &[5, 0, 0, 2]);
    has_bytes(&founding(Kind::Group, Some("Tea".into())), b"\x05\x01\x01\x03Tea\x02");
    let head = Head {
        seq: Seq::new(9),
        ord: 8,
        at: created_at,
        text_seq: Seq::new(7),
        projected_seq: Seq::new(6),
        members: 5,
        owners: 4,
    };
    has_bytes(&head, &[9, 8, 2, 7, 6, 5, 4]);
    has_bytes(&member(), &[6, 1, 2, 1]);
    has_bytes(&Membership { conversation: CONVERSATION, member: member() }, &[5, 6, 1, 2, 1]);
    let cursor = Cursor { delivered_seq: Seq::new(3), read_seq: Seq::new(2), read_ord: 1 };
    has_bytes(&cursor, &[3, 2, 1]);
    for (code, role) in (0..).zip([Role::Member, Role::Admin, Role::Owner]) {
        assert_eq!((role.code(), Role::from_code(code)), (code, Some(role)));
        has_bytes(&role, &[code]);
    }
    assert_eq!(Role::from_code(3), None);
}

#[test]
fn overlay_has_these_bytes() {
    has_bytes(&Overlay::default(), &[0, 0, 0, 0]);
    let overlay = Overlay {
        edited: Some(Edit {
            seq: Seq::new(4),
            at: Timestamp::from_millis(1),
            text: Some("new".into()),
        }),
        edit_seqs: vec![TARGET, Seq::new(4)],
        redacted: Some(Seq::new(5)),
        reactions: vec![Reaction { emoji: "+1".into(), user: USER, on: true, seq: Seq::new(8) }],
    };
    has_bytes(&overlay, b"\x01\x04\x02\x01\x03new\x02\x03\x04\x01\x05\x01\x02+1\x06\x01\x08");
}

#[test]
fn user_and_login_have_these_bytes() {
    let user = User {
        id: USER,
        username: Username::new("ann").unwrap(),
        display_name: "Ann".into(),
        created_at: Timestamp::from_millis(1),
    };
    has_bytes(&user, b"\x06\x03ann\x03Ann\x02");
    has_bytes(&Identity { user: USER, login: login().id }, &[6, 8]);
    let bytes = [&b"\x08\x06\x01\x02pc\x02\x04\x06"[..], &[9; 32], &[1], &[8; 32], &[8]].concat();
    has_bytes(&login(), &bytes);
}

#[test]
fn idempotency_record_has_these_bytes() {
    let record = IdempotencyRecord {
        digest: [9; 32],
        conversation: CONVERSATION,
        claimed_at: Timestamp::from_millis(1),
        is_settled: true,
    };
    has_bytes(&record, &[&[9; 32][..], &[5, 2, 1]].concat());
}

#[test]
fn invite_has_these_bytes() {
    let invite = Invite {
        code: InviteCode::from_bits(300),
        conversation: CONVERSATION,
        created_by: USER,
        created_at: Timestamp::from_millis(1),
        expires_at: Timestamp::from_millis(2),
        max_uses: Some(9),
        used: 8,
        is_ended: true,
    };
    has_bytes(&invite, &[0xAC, 2, 5, 6, 2, 4, 1, 9, 8, 1]);
    let held = InviteUse { client_id: ClientId::new("a-1").unwrap(), base_seq: TARGET };
    has_bytes(&held, b"\x03a-1\x03");
}

#[test]
fn decoding_refuses_values_that_constructors_refuse() {
    is_refused::<UserId>(&0_u64);
    is_refused::<UserId>(&(i64::MAX as u64 + 1));
    is_refused::<ClientId>(&"");
    is_refused::<ClientId>(&"a b");
    is_refused::<ClientId>(&"a".repeat(CLIENT_ID_CHARS_MAX + 1));
    is_refused::<Username>(&"an");
    let long = |bytes: usize| "x".repeat(bytes + 1).into();
    is_refused::<Body>(&Body::plain(long(TEXT_BYTES_MAX), None));
    is_refused::<Body>(&Body::Edited { target_seq: TARGET, text: Some(long(TEXT_BYTES_MAX)) });
    is_refused::<Body>(&Body::Title { title: long(TITLE_BYTES_MAX) });
    let emoji = long(EMOJI_BYTES_MAX);
    is_refused::<Body>(&Body::Reaction { target_seq: TARGET, emoji, on: true });
    let edit = Edit { seq: TARGET, at: Timestamp::default(), text: Some(long(TEXT_BYTES_MAX)) };
    is_refused::<Edit>(&edit);
    let username = Username::new("ann").unwrap();
    let display_name = long(DISPLAY_NAME_BYTES_MAX);
    is_refused::<User>(&User {
        id: USER,
        username,
        display_name,
        created_at: Timestamp::default(),
    });
    is_refused::<Login>(&Login { device: Some(long(DEVICE_BYTES_MAX)), ..login() });
}

#[test]
fn without_text_keeps_everything_but_the_text() {
    let reply_to = Some(TARGET);
    let text = Body::plain("hi", reply_to);
    let erased = Body::erased(reply_to);
    assert_eq!((text.without_text(), erased.without_text()), (Some(erased), None));
    let edited = Body::Edited { target_seq: TARGET, text: Some("hi".into()) };
    let erased = Body::Edited { target_seq: TARGET, text: None };
    assert_eq!((edited.without_text(), erased.without_text()), (Some(erased), None));
    assert_eq!(Body::Title { title: "Tea".into() }.without_text(), None);
}

proptest! {
    #[test]
    fn garbage_is_refused_without_a_panic(mut bytes in proptest::collection::vec(any::<u8>(), 1..200)) {
        bytes[0] = VERSION;
        drop(decode::<Entry>(&bytes));
        drop(decode::<Overlay>(&bytes));
        drop(decode::<Login>(&bytes));
        drop(decode::<User>(&bytes));
        drop(decode::<Founding>(&bytes));
    }
}
