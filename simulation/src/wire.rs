//! The wire format of a simulation: the number of an event, padded to the size of a frame.

use bytes::Bytes;
use chat_core::event::{Encode, Event};
use parking_lot::Mutex;

/// Bytes of the number at the begin of a frame.
const NUMBER_BYTES: usize = 8;

/// Encodes events, and decodes what clients receive.
#[derive(Debug)]
pub(crate) struct Wire {
    frame_bytes: usize,
    events: Mutex<Vec<Event>>,
}

impl Wire {
    pub(crate) fn new(frame_bytes: usize) -> Self {
        Self { frame_bytes: frame_bytes.max(NUMBER_BYTES), events: Mutex::default() }
    }

    /// Returns the events of one or several frames.
    pub(crate) fn decode(&self, frames: &[u8]) -> Vec<Event> {
        let events = self.events.lock();
        let number = |frame: &[u8]| {
            let bytes = frame.first_chunk::<NUMBER_BYTES>()?;
            events.get(usize::try_from(u64::from_be_bytes(*bytes)).ok()?).cloned()
        };
        frames.chunks(self.frame_bytes).filter_map(number).collect()
    }
}

impl Encode for Wire {
    fn encode(&self, event: &Event) -> Bytes {
        let mut events = self.events.lock();
        let mut frame = (events.len() as u64).to_be_bytes().to_vec();
        frame.resize(self.frame_bytes, 0);
        events.push(event.clone());
        frame.into()
    }
}
