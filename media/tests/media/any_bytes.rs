//! Any bytes: nothing panics, and what is accepted is clean.

use media::{Image, Limits, audio_duration, image, memory_needed, sniff};
use proptest::{collection::vec, prelude::*, sample::Index};

use crate::{
    recordings,
    samples::{gif, jpeg, png, webp},
};

const LIMITS: Limits = Limits { pixels_max: 1_000_000, side_max: 4_096, memory_max: 64 << 20 };

fn check(file: &[u8]) {
    audio_duration(file);
    let result = image(file, &LIMITS);
    if memory_needed(file, &LIMITS).is_err() {
        assert!(result.is_err());
    }
    let Ok(Image { kind, content, width, height, thumbnails, .. }) = result else { return };
    assert_eq!(sniff(&content), kind);
    let again = image(&content, &LIMITS).unwrap();
    assert_eq!((again.content, again.width, again.height), (content, width, height));
    assert!(thumbnails.iter().all(|one| one.width <= width && one.height <= height));
}

/// Beginnings by which formats are recognised.
fn beginning() -> impl Strategy<Value = Vec<u8>> {
    let images = [png(), jpeg(), gif(), webp()].into_iter();
    let files: Vec<_> = images.chain(recordings::all().into_iter().map(|one| one.1)).collect();
    (any::<Index>(), any::<Index>()).prop_map(move |(file, end)| {
        let file = file.get(&files);
        file[..end.index(file.len() + 1)].to_vec()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn random_bytes_do_no_harm(head in beginning(), tail in vec(any::<u8>(), 0..200)) {
        check(&[head, tail].concat());
    }

    #[test]
    fn changed_bytes_do_no_harm(
        file in 0..18_usize,
        changes in vec((any::<Index>(), any::<u8>()), 1..8),
    ) {
        let images = [png(), jpeg(), gif(), webp()].into_iter();
        let mut files = images.chain(recordings::all().into_iter().map(|one| one.1));
        let mut file = files.nth(file).unwrap();
        for (at, value) in changes {
            let at = at.index(file.len());
            file[at] = value;
        }
        check(&file);
    }
}
