//! The bounded queue of what arrives, of which the reader always learns what it has missed.
//!
//! The last place is kept for "lost": it stands for everything that found no room. A queue without
//! any room ends with a "lost" that nobody has read yet, so that another one would say nothing new.

use std::{
    fmt,
    sync::{Mutex, PoisonError},
};

use tokio::sync::mpsc::{self, Receiver, Sender, error::TrySendError};

/// What many connections write and one reader takes.
pub(super) struct Stream<T> {
    /// Locked, so that nobody takes the last place between the look and the sending.
    sender: Mutex<Sender<T>>,
    receiver: Mutex<Option<Receiver<T>>>,
    lost: fn() -> T,
}

/// Whether there was room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Room {
    /// It waits to be read.
    Found,
    /// It is among the lost.
    Missed,
}

impl<T> Stream<T> {
    /// Room for `max`, and for a `lost`.
    pub(super) fn new(max: usize, lost: fn() -> T) -> Self {
        let (sender, receiver) = mpsc::channel(max + 1);
        Self { sender: Mutex::new(sender), receiver: Mutex::new(Some(receiver)), lost }
    }

    /// The reader's end, once.
    pub(super) fn take(&self) -> Option<Receiver<T>> {
        self.receiver.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Puts it into the queue, or "lost" where it has no place.
    pub(super) fn tell(&self, item: T) -> Room {
        let sender = self.sender.lock().unwrap_or_else(PoisonError::into_inner);
        let fits = sender.capacity() > 1;
        match sender.try_send(if fits { item } else { (self.lost)() }) {
            Ok(()) | Err(TrySendError::Full(_)) if !fits => Room::Missed,
            // Nobody reads any more.
            Ok(()) | Err(TrySendError::Full(_) | TrySendError::Closed(_)) => Room::Found,
        }
    }

    /// Puts "lost" into the queue, unless it ends with one already.
    pub(super) fn tell_lost(&self) {
        self.tell((self.lost)());
    }
}

impl<T> fmt::Debug for Stream<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stream").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stream() -> (Stream<Option<u32>>, Receiver<Option<u32>>) {
        let stream = Stream::new(3, || None);
        let receiver = stream.take().unwrap();
        (stream, receiver)
    }

    fn read(receiver: &mut Receiver<Option<u32>>) -> Vec<Option<u32>> {
        std::iter::from_fn(|| receiver.try_recv().ok()).collect()
    }

    #[test]
    fn lost_stands_for_what_found_no_room() {
        let (stream, mut receiver) = stream();
        let rooms: Vec<_> = (0..6).map(|n| stream.tell(Some(n))).collect();
        assert_eq!(rooms, [[Room::Found; 3], [Room::Missed; 3]].concat());
        assert_eq!(read(&mut receiver), [Some(0), Some(1), Some(2), None]);
        assert_eq!(stream.tell(Some(9)), Room::Found);
        assert_eq!(read(&mut receiver), [Some(9)]);
    }

    #[test]
    fn what_is_missed_while_the_queue_is_read_slowly_is_told_behind_it() {
        let (stream, mut receiver) = stream();
        (0..5).for_each(|n| assert!(stream.tell(Some(n)) == Room::Found || n >= 3));
        assert_eq!(receiver.try_recv(), Ok(Some(0)));
        assert_eq!(stream.tell(Some(5)), Room::Missed);
        assert_eq!(read(&mut receiver), [Some(1), Some(2), None, None]);
    }

    #[test]
    fn stream_is_given_once_and_may_be_left_unread() {
        let (stream, receiver) = stream();
        assert!(stream.take().is_none());
        drop(receiver);
        assert_eq!(stream.tell(Some(1)), Room::Found);
        stream.tell_lost();
    }
}
