//! Short recordings of every format, made by hand: headers and times without sound.

/// An Ogg page.
fn page(flags: u8, position: u64, serial: u32, body: &[u8]) -> Vec<u8> {
    let sizes =
        [vec![255; body.len() / 255], vec![u8::try_from(body.len() % 255).unwrap()]].concat();
    let count = u8::try_from(sizes.len()).unwrap();
    let head = [b"OggS\0", &[flags][..], &position.to_le_bytes(), &serial.to_le_bytes()].concat();
    [&head[..], &[0; 8], &[count], &sizes, body].concat()
}

/// 1.5 s of Opus and a beginning of 312 samples that is not played.
pub(crate) fn opus() -> Vec<u8> {
    let head = [&b"OpusHead\x01\x01"[..], &312_u16.to_le_bytes(), &[0; 7]].concat();
    [
        page(2, 0, 7, &head),
        page(0, 0, 7, b"OpusTags"),
        page(0, 48_312, 7, &[0; 600]),
        page(0, 72_312, 7, b"sound"),
        page(4, u64::MAX, 7, b"no packet ends here"),
        page(4, 999_999, 8, b"another stream"),
    ]
    .concat()
}

/// 2 s of Vorbis after a video.
pub(crate) fn vorbis() -> Vec<u8> {
    let head = [&b"\x01vorbis\0\0\0\0\x02"[..], &44_100_u32.to_le_bytes(), &[0; 14]].concat();
    [page(2, 0, 1, b"\x80theora"), page(2, 0, 2, &head), page(4, 88_200, 2, b"sound")].concat()
}

/// FLAC of 0.25 s, without frames.
pub(crate) fn flac() -> Vec<u8> {
    let bits = (44_100_u64 << 44) + (1 << 41) + (15 << 36) + 11_025;
    [&b"fLaC\x80\0\0\x22"[..], &[0; 10], &bits.to_be_bytes(), &[0; 16]].concat()
}

/// Wave with one channel of 8 bits at 8 kHz, and a chunk before the sound.
pub(crate) fn wav(claimed: u32, samples: usize) -> Vec<u8> {
    let format = [[1, 0, 1, 0], 8_000_u32.to_le_bytes(), 8_000_u32.to_le_bytes(), [1, 0, 8, 0]];
    let head = [&b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0"[..], &format.concat()].concat();
    let other = b"LIST\x03\0\0\0abc\0data";
    [&head[..], other, &claimed.to_le_bytes(), &vec![0; samples]].concat()
}

/// Frames of MP3 at 128 kbit/s and 44.1 kHz, of 1,152 samples and 417 bytes each.
pub(crate) fn mp3(frames: usize) -> Vec<u8> {
    let frame = [&[0xFF, 0xFB, 0x90, 0x64][..], &[0; 413]].concat();
    frame.repeat(frames)
}

/// MP3 with a tag, whose first frame says that there are 1,000 frames.
pub(crate) fn mp3_with_header() -> Vec<u8> {
    let mut sound = mp3(2);
    sound[36..48].copy_from_slice(b"Xing\0\0\0\x01\0\0\x03\xE8");
    [&b"ID3\x04\0\0\0\0\x01\x02"[..], &[0xFF; 130], &sound].concat()
}

/// Frames of AAC at 48 kHz, of 1,024 samples and 100 bytes each.
pub(crate) fn aac(frames: usize) -> Vec<u8> {
    [&[0xFF, 0xF1, 0x4C, 0x80, 0x0C, 0x9F, 0xFC][..], &[0; 93]].concat().repeat(frames)
}

/// An MPEG-4 box.
fn mp4_box(name: [u8; 4], parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    let length = u32::try_from(content.len() + 8).unwrap();
    [&length.to_be_bytes()[..], &name, &content].concat()
}

/// A header of a movie or a track: the units for each second, and the length.
fn mp4_header(name: [u8; 4], rate: u32, units: u32) -> Vec<u8> {
    mp4_box(name, &[&[0; 12], &rate.to_be_bytes(), &units.to_be_bytes(), &[0; 4]])
}

fn mp4_start() -> Vec<u8> {
    mp4_box(*b"ftyp", &[b"isom\0\0\x02\0isomiso2"])
}

/// MPEG-4 of 3.25 s, with the header at the end.
pub(crate) fn mp4() -> Vec<u8> {
    let movie = mp4_box(*b"moov", &[&mp4_header(*b"mvhd", 600, 1_950)]);
    [mp4_start(), mp4_box(*b"mdat", &[&[0; 500]]), movie].concat()
}

/// The same with 64 bits.
pub(crate) fn mp4_long() -> Vec<u8> {
    let header = [&[1, 0, 0, 0][..], &[0; 16], &600_u32.to_be_bytes(), &1_950_u64.to_be_bytes()];
    let movie = mp4_box(*b"moov", &[&mp4_box(*b"mvhd", &header)]);
    let sound = [&b"\0\0\0\x01mdat\0\0\0\0\0\0\x02\x10"[..], &[0; 512]].concat();
    [mp4_start(), sound, movie].concat()
}

/// MPEG-4 in fragments at 48 kHz: three of 20 samples, whose length is the track's, their own, or the
/// fragment's.
pub(crate) fn mp4_in_fragments() -> Vec<u8> {
    let track_header = mp4_box(*b"tkhd", &[&[0; 12], &1_u32.to_be_bytes(), &[0; 60]]);
    let media = mp4_box(*b"mdia", &[&mp4_header(*b"mdhd", 48_000, 0)]);
    let track = mp4_box(*b"trak", &[&track_header, &media]);
    let defaults = [[0; 4], 1_u32.to_be_bytes(), 1_u32.to_be_bytes(), 1_024_u32.to_be_bytes()];
    let extension = mp4_box(*b"mvex", &[&mp4_box(*b"trex", &[&defaults.concat(), &[0; 8]])]);
    let movie = mp4_box(*b"moov", &[&mp4_header(*b"mvhd", 1_000, 0), &track, &extension]);
    let fragment = |start: u32, head: &[u8], run: &[u8]| {
        let start = mp4_box(*b"tfdt", &[&[0; 4], &start.to_be_bytes()]);
        let parts = [mp4_box(*b"tfhd", &[head]), start, mp4_box(*b"trun", &[run])].concat();
        let moof = mp4_box(*b"moof", &[&mp4_box(*b"traf", &[&parts])]);
        [moof, mp4_box(*b"mdat", &[&[0; 100]])].concat()
    };
    let lengths = [512_u32.to_be_bytes(), [0; 4]].concat().repeat(20);
    let own = [&[0, 0, 3, 1, 0, 0, 0, 20, 0, 0, 0, 0][..], &lengths].concat();
    [
        mp4_start(),
        movie,
        fragment(0, &[0, 2, 0, 0, 0, 0, 0, 1], &[0, 0, 0, 1, 0, 0, 0, 20, 0, 0, 0, 0]),
        fragment(20_480, &[0, 2, 0, 0, 0, 0, 0, 1], &own),
        fragment(30_720, &[0, 2, 0, 8, 0, 0, 0, 1, 0, 0, 3, 192], &[0, 0, 0, 0, 0, 0, 0, 20]),
    ]
    .concat()
}

/// A WebM element with a size.
fn element(id: &[u8], content: &[u8]) -> Vec<u8> {
    let size = (u32::try_from(content.len()).unwrap() | 0x1000_0000).to_be_bytes();
    [id, &size, content].concat()
}

const OPEN: [u8; 8] = [0x01, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF];

fn webm_start(info: &[u8]) -> Vec<u8> {
    let head = [&[0x42, 0x82, 0x84][..], b"webm", &[0xEC, 0x41, 0x00], &[0; 256]].concat();
    let head = element(&[0x1A, 0x45, 0xDF, 0xA3], &head);
    let tick = element(&[0x2A, 0xD7, 0xB1], &1_000_000_u32.to_be_bytes());
    let info = element(&[0x15, 0x49, 0xA9, 0x66], &[&tick, info].concat());
    let tracks = element(&[0x16, 0x54, 0xAE, 0x6B], &[0; 40]);
    [&head[..], &[0x18, 0x53, 0x80, 0x67], &OPEN, &info, &tracks].concat()
}

/// WebM of 4.2 s as browsers record it: no length, and open sizes.
pub(crate) fn webm() -> Vec<u8> {
    let cluster = |time: u16, blocks: &[Vec<u8>]| {
        let time = element(&[0xE7], &time.to_be_bytes());
        [&[0x1F, 0x43, 0xB6, 0x75][..], &OPEN, &time, &blocks.concat()].concat()
    };
    let block = |time: i16| [&[0x81][..], &time.to_be_bytes(), &[0x80], &[0; 30]].concat();
    let simple = |time: i16| element(&[0xA3], &block(time));
    let group = element(&[0xA0], &element(&[0xA1], &block(1_200)));
    let second = cluster(3_000, &[simple(-20), group, simple(900)]);
    [webm_start(&[]), cluster(0, &[simple(0), simple(60)]), second].concat()
}

/// WebM whose header says 2.5 s.
pub(crate) fn webm_with_length() -> Vec<u8> {
    let start = webm_start(&element(&[0x44, 0x89], &2_500_f64.to_be_bytes()));
    [start, webm()[300..].to_vec()].concat()
}

/// All of them, with their lengths in milliseconds.
pub(crate) fn all() -> Vec<(&'static str, Vec<u8>, u32)> {
    vec![
        ("Ogg with Opus", opus(), 1_500),
        ("Ogg with Vorbis", vorbis(), 2_000),
        ("FLAC", flac(), 250),
        ("Wave", wav(4_000, 4_000), 500),
        ("Wave of unknown length", wav(0, 4_000), 500),
        ("Wave that claims more", wav(u32::MAX, 4_000), 500),
        ("MP3", mp3(100), 2_612),
        ("MP3 with a header", mp3_with_header(), 26_122),
        ("AAC", aac(75), 1_600),
        ("MPEG-4", mp4(), 3_250),
        ("MPEG-4 with 64 bits", mp4_long(), 3_250),
        ("MPEG-4 in fragments", mp4_in_fragments(), 1_040),
        ("WebM", webm(), 4_200),
        ("WebM with a length", webm_with_length(), 2_500),
    ]
}
