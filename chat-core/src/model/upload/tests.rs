//! Tests of an upload's record.

use super::*;

const NOW: Timestamp = Timestamp::from_millis(1_000);

fn upload(size: u64) -> Upload {
    let conversation = ConversationId::new(5).unwrap();
    let (id, owner) = (AttachmentId::new(7).unwrap(), UserId::new(6).unwrap());
    Upload::new(id, owner, conversation, "a.png".into(), size, NOW)
}

fn chunk(number: u64) -> ChunkId {
    ChunkId::new(number).unwrap()
}

fn client_id(text: &str) -> ClientId {
    ClientId::new(text).unwrap()
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

#[test]
fn hash_of_a_file_does_not_depend_on_its_chunks() {
    let content: Vec<u8> = (0..1_000_u32).map(|number| number.to_le_bytes()[0]).collect();
    for step in [1, 63, 64, 65, 999, 1_000] {
        let mut record = upload(1_000);
        for (bytes, number) in content.chunks(step).zip(1..) {
            assert!(record.finished().is_none());
            record = record.with_chunk(chunk(number), bytes, NOW).unwrap();
        }
        assert_eq!((record.offset(), record.finished().unwrap().0), (1_000, &sha256(&content)));
        assert_eq!(record.attachment().size, 1_000);
    }
    assert_eq!(upload(0).finished().unwrap().0, &sha256(b""));
}

#[test]
fn chunk_is_refused_when_it_does_not_fit() {
    let half = upload(4).with_chunk(chunk(1), b"ab", NOW).unwrap();
    assert_eq!(half.with_chunk(chunk(2), b"cde", NOW), Err(UploadError::TooLong));
    let whole = half.with_chunk(chunk(2), b"cd", NOW).unwrap();
    assert_eq!(whole.with_chunk(chunk(3), b"", NOW), Err(UploadError::Complete));
    assert_eq!(whole.ending(NOW).with_chunk(chunk(3), b"", NOW), Err(UploadError::Complete));
    let mut full = upload(1 << 30);
    full.chunks = vec![Chunk { id: chunk(1), bytes: 1 }; CHUNKS_MAX];
    assert_eq!(full.with_chunk(chunk(2), b"x", NOW), Err(UploadError::TooManyParts));
}

#[test]
fn type_is_found_in_the_first_chunk_only() {
    let png = b"\x89PNG\r\n\x1a\n";
    let first = upload(16).with_chunk(chunk(1), png, NOW).unwrap();
    let whole = first.with_chunk(chunk(2), b"GIF89a..", NOW).unwrap();
    assert_eq!(whole.attachment().media, MediaType::Png);
    let text = upload(16).with_chunk(chunk(1), b"plain...", NOW).unwrap();
    assert_eq!(text.with_chunk(chunk(2), png, NOW).unwrap().media, MediaType::Other);
}

/// Returns the record of an image that has arrived.
fn received() -> Upload {
    upload(8).with_chunk(chunk(1), b"\x89PNG\r\n\x1a\n", NOW).unwrap()
}

#[test]
fn image_is_complete_once_somebody_has_looked_into_it() {
    let received = received();
    assert_eq!((received.offset(), received.finished()), (8, None));
    assert!(!received.may_be_sent_by(&client_id("one")));
    assert_eq!(received.with_chunk(chunk(2), b"x", NOW), Err(UploadError::Complete));
    let details = Details::Image { width: 3, height: 2, blurhash: "L0".into() };
    let small = Chunk { id: chunk(3), bytes: 4 };
    let thumbnail = |side| Thumbnail { side, media: MediaType::Jpeg, chunk: small };
    let findings = Findings {
        media: MediaType::Png,
        details: details.clone(),
        thumbnails: vec![thumbnail(256), thumbnail(1024)],
        cleaned: None,
    };
    let same = received.examined(findings.clone()).unwrap();
    assert_eq!(same.finished(), Some((&sha256(b"\x89PNG\r\n\x1a\n"), &Usage::Unsent)));
    assert_eq!((same.attachment().size, same.attachment().details), (8, details));
    assert_eq!(same.examined(findings.clone()), None, "it was examined before");
    let cleaned = vec![Chunk { id: chunk(2), bytes: 5 }];
    let findings = Findings { cleaned: Some((cleaned.clone(), [7; 32])), ..findings };
    let changed = received.examined(findings).unwrap();
    assert_eq!((changed.chunks.as_slice(), changed.finished().unwrap().0), (&*cleaned, &[7; 32]));
    assert_eq!((changed.attachment().size, changed.size, changed.offset()), (5, 8, 8));
    let sides = [1, 256, 257, 1024].map(|side| changed.thumbnail(side).unwrap().side);
    assert_eq!(sides, [256, 256, 1024, 1024]);
    assert_eq!(changed.thumbnail(1025), None);
    assert_eq!(upload(1).examined(Findings::default()), None, "some bytes are missing");
}

#[test]
fn one_command_at_a_time_sends_a_file() {
    let (one, other) = (client_id("one"), client_id("other"));
    assert!(!upload(1).may_be_sent_by(&one), "some bytes are missing");
    assert_eq!(upload(1).sending(&one, Seq::ZERO, NOW), None);
    let unsent = upload(0);
    assert!(unsent.may_be_sent_by(&one) && unsent.may_be_sent_by(&other));
    let sending = unsent.sending(&one, Seq::new(3), NOW).unwrap();
    assert!(sending.may_be_sent_by(&one) && !sending.may_be_sent_by(&other));
    assert_eq!(sending.sending(&one, Seq::new(4), NOW), None);
    let shown = sending.shown(Seq::new(4));
    assert!(!shown.may_be_sent_by(&one) && shown.due_at.is_none());
    assert!(!shown.ending(NOW).may_be_sent_by(&one));
}

#[test]
fn sending_keeps_a_file_that_is_about_to_expire() {
    let unsent = upload(0);
    let late = unsent.due_at.unwrap();
    let sending = unsent.sending(&client_id("one"), Seq::ZERO, late).unwrap();
    assert_eq!(sending.due_at, Some(late.after(SENDING_TTL)));
    let early = unsent.sending(&client_id("one"), Seq::ZERO, NOW).unwrap();
    assert_eq!(early.due_at, unsent.due_at);
}

#[test]
fn every_change_raises_the_revision() {
    let first = upload(1);
    let second = first.with_chunk(chunk(1), b"x", NOW).unwrap();
    let third = second.sending(&client_id("one"), Seq::ZERO, NOW).unwrap();
    let records = [first, second, third.clone(), third.shown(Seq::new(1))];
    let last = records[3].due(Some(NOW)).ending(NOW);
    let revisions: Vec<_> = records.iter().map(|record| record.revision).collect();
    assert_eq!((revisions, last.revision), (vec![0, 1, 2, 3], 5));
}

#[test]
fn parts_cover_exactly_the_range() {
    let mut record = upload(10);
    record.chunks = [4, 1, 5].map(|bytes| Chunk { id: chunk(u64::from(bytes)), bytes }).into();
    for start in 0..=10_u64 {
        for end in start..=12 {
            let parts = Chunk::parts(&record.chunks, &(start..end));
            let bytes: u64 = parts.iter().map(|(_, part)| u64::from(part.end - part.start)).sum();
            assert_eq!(bytes, end.min(10) - start, "{start}..{end}");
        }
    }
    let parts = Chunk::parts(&record.chunks, &(3..6));
    assert_eq!(parts, [(chunk(4), 3..4), (chunk(1), 0..1), (chunk(5), 0..1)]);
}

#[test]
fn small_files_count_more_than_their_size() {
    assert_eq!(upload(1).billed_bytes(), BILLED_BYTES_MIN);
    assert_eq!(upload(1 << 30).billed_bytes(), 1 << 30);
}
