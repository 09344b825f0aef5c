//! How long recordings are.

use media::{Kind, audio_duration, sniff};

use crate::{
    recordings::{all, mp3, opus, webm},
    samples::{find, jpeg, patched, png, with_tail},
};

#[test]
fn duration_of_every_format_is_found() {
    for (name, file, expected) in all() {
        assert!(sniff(&file).has_duration(), "{name}");
        assert_eq!(audio_duration(&file), Some(expected), "{name}");
    }
}

#[test]
fn file_that_is_no_recording_has_no_duration() {
    for file in [png(), jpeg(), b"<svg>".to_vec(), b"OggS".to_vec(), b"fLaC".to_vec(), Vec::new()] {
        assert_eq!(audio_duration(&file), None, "{}", file.escape_ascii());
    }
}

#[test]
fn recording_that_is_cut_off_has_a_shorter_duration_or_none() {
    for (name, file, expected) in all() {
        let announces = name.contains("header") || name.contains("FLAC") || name.contains("length");
        for end in 0..file.len() {
            let duration = audio_duration(&file[..end]).unwrap_or(0);
            assert!(duration <= expected || announces, "{name} of {end} bytes: {duration}");
        }
    }
}

#[test]
fn bytes_after_a_recording_do_not_change_its_duration() {
    let page = b"<script>OggS\0\0\0\0</script>";
    assert_eq!(audio_duration(&with_tail(opus(), page)), Some(1_500));
    assert_eq!(audio_duration(&with_tail(mp3(100), page)), Some(2_612));
    assert_eq!(audio_duration(&with_tail(webm(), page)), Some(4_200));
}

#[test]
fn numbers_at_their_limits_do_no_harm() {
    // The time of a tick, and the position of every page.
    let file = webm();
    let tick = find(&file, &[0x2A, 0xD7, 0xB1]).unwrap() + 7;
    assert_eq!(audio_duration(&patched(file, tick, &[0xFF; 4])), Some(18_038_863));
    let mut file = opus();
    let pages: Vec<_> = file.windows(4).enumerate().filter(|(_, at)| *at == b"OggS").collect();
    let pages: Vec<_> = pages.into_iter().map(|(at, _)| at).collect();
    for page in pages {
        file[page + 6..page + 14].copy_from_slice(&(u64::MAX - 1).to_le_bytes());
    }
    assert_eq!(audio_duration(&file), None);
    assert_eq!(sniff(&file), Kind::Ogg);
}
