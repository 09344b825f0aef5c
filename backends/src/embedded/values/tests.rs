//! Pins the stored bytes of every record: a change of them needs a new version or format.

use std::fmt::{Debug, Write};

use chat_core::{
    id::{AttachmentId, ChunkId, EntryId, LoginId},
    model::{
        Body, Chunk, ClientId, Details, Edit, InviteCode, Kind, LoginSecret, MediaType, Progress,
        Reaction, Role, Usage, Username,
    },
};

use super::*;

fn user() -> UserId {
    UserId::new(7).unwrap()
}

fn conversation() -> ConversationId {
    ConversationId::new(300).unwrap()
}

const AT: Timestamp = Timestamp::from_millis(1_000);

/// Asserts that the record has these bytes, and that no damage to them causes a panic or is taken
/// for a whole record.
fn assert_bytes<T: Record + PartialEq + Debug>(record: &T, expected: &str) {
    let bytes = encode(record);
    let hex = bytes.iter().fold(String::new(), |mut hex, byte| {
        write!(hex, "{byte:02x}").unwrap();
        hex
    });
    assert_eq!(hex, expected, "{}", T::NAME);
    assert_eq!(decode::<T>(b"key", &bytes).as_ref(), Ok(record));
    for length in 0..bytes.len() {
        let refusal = decode::<T>(b"k\0", &bytes[..length]).unwrap_err();
        let message = format!("{} with key \"k\\x00\": malformed record", T::NAME);
        assert_eq!(refusal, StoreError::Corrupt(message));
    }
    for byte in 0..bytes.len() {
        let mut damaged = bytes.to_vec();
        damaged[byte] ^= 0xff;
        drop(decode::<T>(b"key", &damaged));
    }
    let mut unknown = bytes.to_vec();
    unknown[0] = 9;
    let refusal = decode::<T>(b"key", &unknown).unwrap_err();
    let message = format!("{} with key \"key\": unknown format version 9", T::NAME);
    assert_eq!(refusal, StoreError::Corrupt(message));
}

#[test]
fn log_records_keep_their_bytes() {
    let entry = Entry {
        conversation: conversation(),
        seq: Seq::new(4),
        id: EntryId::new(5).unwrap(),
        sender: user(),
        client_id: Some(ClientId::new("a-1").unwrap()),
        at: AT,
        ord: 3,
        body: Body::plain("hé", Some(Seq::new(2))),
    };
    assert_bytes(&entry, "01ac020405070103612d31d00f0300010368c3a90102");
    assert_bytes(&Seq::new(300), "01ac02");
    let head = Head {
        seq: Seq::new(4),
        ord: 3,
        at: AT,
        text_seq: Seq::new(4),
        projected_seq: Seq::new(1),
        members: 2,
        owners: 1,
    };
    assert_bytes(&head, "010403d00f04010201");
    let cursor = Cursor { delivered_seq: Seq::new(3), read_seq: Seq::new(2), read_ord: 1 };
    let moves = Moves {
        commit: 300,
        heads: vec![(conversation(), head)],
        cursors: vec![((user(), conversation()), cursor)],
    };
    assert_bytes(&moves, "01ac0201ac020403d00f040102010107ac02030201");
}

#[test]
fn view_records_keep_their_bytes() {
    let member = Member {
        user: user(),
        role: Role::Admin,
        needs_consent: false,
        joined_seq: Seq::new(2),
        joined_ord: 300,
    };
    assert_bytes(&member, "01070102ac02");
    let founding = Founding {
        conversation: conversation(),
        kind: Kind::Group,
        title: Some("Tea".into()),
        created_at: AT,
    };
    assert_bytes(&founding, "01ac02010103546561d00f");
    assert_bytes(&Arc::<str>::from("Té"), "010354c3a9");
    assert_bytes(&conversation(), "01ac02");
    let overlay = Overlay {
        edited: Some(Edit { seq: Seq::new(3), at: AT, text: Some("new".into()) }),
        edit_seqs: vec![Seq::new(2), Seq::new(3)],
        redacted: Some(Seq::new(4)),
        reactions: vec![Reaction {
            emoji: "🎉".into(), user: user(), on: true, seq: Seq::new(9)
        }],
    };
    assert_bytes(&overlay, "010103d00f01036e657702020301040104f09f8e89070109");
    let cursor = Cursor { delivered_seq: Seq::new(3), read_seq: Seq::new(2), read_ord: 1 };
    assert_bytes(&cursor, "01030201");
}

#[test]
fn file_records_keep_their_bytes() {
    let upload = Upload {
        id: AttachmentId::new(3).unwrap(),
        owner: user(),
        conversation: conversation(),
        name: "a.png".into(),
        size: 300,
        media: MediaType::Png,
        details: Details::None,
        revision: 2,
        due_at: Some(AT),
        chunks: vec![Chunk { id: ChunkId::new(8).unwrap(), bytes: 300 }],
        thumbnails: Vec::new(),
        progress: Progress::Finished { sha256: [1; 32], usage: Usage::Shown(Seq::new(4)) },
    };
    let bytes =
        format!("010307ac0205612e706e67ac0201000201d00f0108ac020002{}0204", "01".repeat(32));
    assert_bytes(&upload, &bytes);
    assert_bytes(&300_u64, "01ac02");
}

#[test]
fn people_records_keep_their_bytes() {
    let user = User {
        id: user(),
        username: Username::new("ann").unwrap(),
        display_name: "Änn".into(),
        created_at: AT,
    };
    let account = Account { user: user.clone(), password_hash: "hash".into() };
    assert_bytes(&account, "010703616e6e04c3846e6ed00f0468617368");
    assert_bytes(&user.id, "0107");
    let login = Login {
        id: LoginId::new(3).unwrap(),
        user: user.id,
        device: Some("phone".into()),
        created_at: AT,
        used_at: AT,
        expires_at: AT,
        current: LoginSecret([1; 32]),
        previous: Some((LoginSecret([2; 32]), AT)),
    };
    assert_bytes(
        &login,
        &format!("010307010570686f6e65d00fd00fd00f{}01{}d00f", "01".repeat(32), "02".repeat(32)),
    );
    let reply = IdempotencyRecord {
        digest: [3; 32],
        conversation: conversation(),
        claimed_at: AT,
        is_settled: true,
    };
    let invite = Invite {
        code: InviteCode::from_bits(300),
        conversation: conversation(),
        created_by: user.id,
        created_at: AT,
        expires_at: AT,
        max_uses: Some(9),
        used: 8,
        is_ended: false,
    };
    assert_bytes(&invite, "01ac02ac0207d00fd00f01090800");
    let held = InviteUse { client_id: ClientId::new("a-1").unwrap(), base_seq: Seq::new(300) };
    assert_bytes(&held, "0103612d31ac02");
    assert_bytes(&reply, &format!("01{}ac02d00f01", "03".repeat(32)));
    assert_bytes(&AT, "01d00f");
}
