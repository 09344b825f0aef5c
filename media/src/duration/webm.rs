//! WebM: a length in the header, or the times of its blocks (RFC 8794, RFC 9559).
//!
//! Elements that contain the needed ones are read as if their parts stood beside them. So it does not
//! matter that browsers leave their sizes open.

use super::Length;
use crate::input::Input;

const SEGMENT: u32 = 0x1853_8067;
const INFO: u32 = 0x1549_A966;
const TICK: u32 = 0x002A_D7B1;
const DURATION: u32 = 0x4489;
const CLUSTER: u32 = 0x1F43_B675;
const CLUSTER_TIME: u32 = 0xE7;
const SIMPLE_BLOCK: u32 = 0xA3;
const BLOCK_GROUP: u32 = 0xA0;
const BLOCK: u32 = 0xA1;

const NANOSECONDS: u64 = 1_000_000_000;

pub(super) fn length(bytes: &[u8]) -> Option<Length> {
    let mut input = Input::new(bytes);
    let mut times = Times { tick: 1_000_000, duration: None, cluster: 0, last: 0 };
    while let Some((id, size)) = element(&mut input) {
        match id {
            CLUSTER if times.duration.is_some() => break,
            SEGMENT | INFO | CLUSTER | BLOCK_GROUP => {}
            _ => {
                let Some(content) = size.and_then(|size| input.take_long(size)) else { break };
                times.read(id, content);
            }
        }
    }
    let ticks = times.duration.unwrap_or(times.last);
    Some(Length { units: ticks.checked_mul(times.tick)?, units_per_second: NANOSECONDS })
}

/// The times that were read so far.
struct Times {
    /// Nanoseconds of a tick.
    tick: u64,
    /// The length that the header says, in ticks.
    duration: Option<u64>,
    /// When the cluster begins, in ticks.
    cluster: u64,
    /// When the last block begins, in ticks.
    last: u64,
}

impl Times {
    fn read(&mut self, id: u32, content: &[u8]) {
        match id {
            TICK => self.tick = number(content),
            DURATION => self.duration = float(content),
            CLUSTER_TIME => self.cluster = number(content),
            BLOCK | SIMPLE_BLOCK => self.last = self.last.max(self.of_block(content).unwrap_or(0)),
            _ => {}
        }
    }

    /// Reads when a block begins: the number of its track is followed by the time in its cluster.
    fn of_block(&self, content: &[u8]) -> Option<u64> {
        let mut input = Input::new(content);
        Variable::read(&mut input)?;
        let in_cluster = i16::from_be_bytes(input.array()?);
        self.cluster.checked_add_signed(in_cluster.into())
    }
}

/// Reads the name of an element, and its size unless that is open.
fn element(input: &mut Input<'_>) -> Option<(u32, Option<u64>)> {
    let id = Variable::read(input)?.with_marker;
    let size = Variable::read(input)?;
    Some((u32::try_from(id).ok()?, if size.is_unknown { None } else { Some(size.value) }))
}

/// A number of one to eight bytes. The leading zeros of the first byte tell how many, and the one after
/// them is a marker.
struct Variable {
    with_marker: u64,
    value: u64,
    /// All bits are ones.
    is_unknown: bool,
}

impl Variable {
    fn read(input: &mut Input<'_>) -> Option<Self> {
        let first = input.byte()?;
        let more = first.leading_zeros();
        let ones = u8::MAX.checked_shr(more + 1);
        let ones = if more < 8 { ones.unwrap_or(0) } else { return None };
        let rest = input.take(usize::try_from(more).ok()?)?;
        let number = |first: u8| rest.iter().copied().fold(u64::from(first), append);
        let is_unknown = first & ones == ones && rest.iter().all(|byte| *byte == u8::MAX);
        Some(Self { with_marker: number(first), value: number(first & ones), is_unknown })
    }
}

fn append(number: u64, byte: u8) -> u64 {
    (number << 8) | u64::from(byte)
}

/// Reads a number of up to eight bytes.
fn number(content: &[u8]) -> u64 {
    content.iter().take(8).copied().fold(0, append)
}

/// Reads a number of ticks, which has a fraction. `None` if it is not a positive number.
fn float(content: &[u8]) -> Option<u64> {
    let short = content.try_into().map(f32::from_be_bytes).map(f64::from);
    let value = short.or_else(|_| content.try_into().map(f64::from_be_bytes)).ok()?;
    let ticks = std::time::Duration::try_from_secs_f64(value).ok()?.as_secs();
    Some(ticks).filter(|ticks| *ticks > 0)
}
