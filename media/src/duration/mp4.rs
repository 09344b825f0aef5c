//! MPEG-4: a length in the header, or the times of fragments (ISO 14496-12, section 8).

use super::{
    Length,
    boxes::{boxes, find},
};
use crate::input::Input;

/// More tracks than a recording has.
const TRACKS_MAX: usize = 16;

pub(super) fn length(bytes: &[u8]) -> Option<Length> {
    let movie = find(bytes, *b"moov")?;
    let header = movie_header(find(movie, *b"mvhd")?)?;
    if header.units > 0 {
        return Some(header);
    }
    let extension = find(movie, *b"mvex")?;
    let announced = find(extension, *b"mehd").and_then(versioned).filter(|units| *units > 0);
    if let Some(units) = announced {
        return Some(Length { units, ..header });
    }
    fragments(bytes, movie, extension)
}

/// Reads the number after the version and the flags, which has 32 or 64 bits.
fn versioned(content: &[u8]) -> Option<u64> {
    let mut input = Input::new(content);
    let [version, _, _, _] = input.array()?;
    if version == 1 { input.be64() } else { input.be32().map(u64::from) }
}

/// Reads the units for each second and the length, which follow the times of making and change. A
/// length of only ones is unknown.
fn movie_header(content: &[u8]) -> Option<Length> {
    let mut input = Input::new(content);
    let [version, _, _, _] = input.array()?;
    let (rate, units) = if version == 1 {
        input.take(16)?;
        (input.be32()?, input.be64().filter(|units| *units != u64::MAX))
    } else {
        input.take(8)?;
        (input.be32()?, input.be32().filter(|units| *units != u32::MAX).map(u64::from))
    };
    Some(Length { units: units.unwrap_or(0), units_per_second: rate.into() })
}

/// A track whose samples are in fragments.
struct Track {
    id: u32,
    units_per_second: u64,
    /// How long a sample is unless its fragment says otherwise.
    sample: u32,
    /// Where its last fragment ends.
    end: u64,
}

/// Returns the end of the track that ends last.
fn fragments(bytes: &[u8], movie: &[u8], extension: &[u8]) -> Option<Length> {
    let of_movie = boxes(movie).filter(|(name, _)| name == b"trak");
    let tracks = of_movie.filter_map(|(_, content)| Track::read(content, extension));
    let mut tracks: Vec<Track> = tracks.take(TRACKS_MAX).collect();
    for (_, moof) in boxes(bytes).filter(|(name, _)| name == b"moof") {
        for (_, fragment) in boxes(moof).filter(|(name, _)| name == b"traf") {
            add(&mut tracks, fragment);
        }
    }
    let lengths = tracks
        .iter()
        .map(|track| Length { units: track.end, units_per_second: track.units_per_second });
    lengths.max_by_key(|length| length.milliseconds())
}

impl Track {
    fn read(content: &[u8], extension: &[u8]) -> Option<Self> {
        let id = track_id(find(content, *b"tkhd")?)?;
        let header = movie_header(find(find(content, *b"mdia")?, *b"mdhd")?)?;
        let mut defaults = boxes(extension).filter(|(name, _)| name == b"trex");
        let sample = defaults.find_map(|(_, content)| default_sample(content, id));
        let units_per_second = header.units_per_second;
        Some(Self { id, units_per_second, sample: sample.unwrap_or(0), end: 0 })
    }
}

fn track_id(content: &[u8]) -> Option<u32> {
    let mut input = Input::new(content);
    let [version, _, _, _] = input.array()?;
    input.take(if version == 1 { 16 } else { 8 })?;
    input.be32()
}

/// Reads how long the samples of this track are.
fn default_sample(content: &[u8], id: u32) -> Option<u32> {
    let mut input = Input::new(content);
    input.take(4)?;
    let is_of_track = input.be32()? == id;
    input.take(4)?;
    input.be32().filter(|_| is_of_track)
}

/// Moves the end of the fragment's track.
fn add(tracks: &mut [Track], fragment: &[u8]) -> Option<()> {
    let (id, sample) = fragment_header(find(fragment, *b"tfhd")?)?;
    let track = tracks.iter_mut().find(|track| track.id == id)?;
    let start = find(fragment, *b"tfdt").and_then(versioned).unwrap_or(track.end);
    let runs = boxes(fragment).filter(|(name, _)| name == b"trun");
    let sample = sample.unwrap_or(track.sample);
    let length = runs.filter_map(|(_, content)| run_length(content, sample)).sum::<u64>();
    track.end = track.end.max(start.saturating_add(length));
    Some(())
}

/// Reads the track, and how long its samples are in this fragment.
fn fragment_header(content: &[u8]) -> Option<(u32, Option<u32>)> {
    let mut input = Input::new(content);
    let flags = input.be32()?;
    let id = input.be32()?;
    // The place of the samples, and which description they have.
    for (flag, bytes) in [(0x1, 8), (0x2, 4)] {
        if flags & flag != 0 {
            input.take(bytes)?;
        }
    }
    Some((id, if flags & 0x8 == 0 { None } else { Some(input.be32()?) }))
}

/// Returns how long the samples of a run are together.
fn run_length(content: &[u8], sample: u32) -> Option<u64> {
    const OWN_LENGTH: u32 = 0x100;
    let mut input = Input::new(content);
    let flags = input.be32()?;
    let samples = input.be32()?;
    // The place of the samples, and the flags of the first one.
    for flag in [0x1, 0x4] {
        if flags & flag != 0 {
            input.take(4)?;
        }
    }
    if flags & OWN_LENGTH == 0 {
        return Some(u64::from(samples) * u64::from(sample));
    }
    // Each sample may also have a size, flags and an offset.
    let others = [0x200, 0x400, 0x800].iter().filter(|flag| flags & **flag != 0).count();
    let mut length = 0;
    while let Some(own) = input.be32() {
        length += u64::from(own);
        input.take(4 * others)?;
    }
    Some(length)
}
