//! The bounded queue of what a gateway receives. Its reader always learns that it missed something.
//!
//! The last place is reserved for "lost", which stands for all items that found no room. A full
//! queue therefore ends with an unread "lost", and another one would add nothing.

use parking_lot::Mutex;
use tokio::sync::mpsc::{self, Receiver, Sender, error::TrySendError};

/// A queue that many connections write and one reader reads.
pub(super) struct ArrivalQueue<T> {
    /// Locked, so that nobody takes the last place between the check and the send.
    sender: Mutex<Sender<T>>,
    receiver: Mutex<Option<Receiver<T>>>,
    lost: fn() -> T,
}

impl<T> ArrivalQueue<T> {
    /// Creates a queue with room for `max` items and one `lost`.
    pub(super) fn new(max: usize, lost: fn() -> T) -> Self {
        let (sender, receiver) = mpsc::channel(max + 1);
        Self { sender: Mutex::new(sender), receiver: Mutex::new(Some(receiver)), lost }
    }

    /// Returns the reader's end on the first call.
    pub(super) fn take_receiver(&self) -> Option<Receiver<T>> {
        self.receiver.lock().take()
    }

    /// Adds the item, or `lost` if it finds no room. Returns false if the item is lost; an item
    /// that nobody reads any more is not.
    pub(super) fn push(&self, item: T) -> bool {
        let sender = self.sender.lock();
        let has_room = sender.capacity() > 1;
        let sent = sender.try_send(if has_room { item } else { (self.lost)() });
        has_room || matches!(sent, Err(TrySendError::Closed(_)))
    }

    /// Adds `lost`, unless the queue ends with one already.
    pub(super) fn push_lost(&self) {
        self.push((self.lost)());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn queue_of_three() -> (ArrivalQueue<Option<u32>>, Receiver<Option<u32>>) {
        let queue = ArrivalQueue::new(3, || None);
        let receiver = queue.take_receiver().unwrap();
        (queue, receiver)
    }

    fn read_all(receiver: &mut Receiver<Option<u32>>) -> Vec<Option<u32>> {
        std::iter::from_fn(|| receiver.try_recv().ok()).collect()
    }

    #[test]
    fn full_queue_replaces_items_with_lost() {
        let (queue, mut receiver) = queue_of_three();
        let kept: Vec<_> = (0..6).map(|n| queue.push(Some(n))).collect();
        assert_eq!(kept, [true, true, true, false, false, false]);
        assert_eq!(read_all(&mut receiver), [Some(0), Some(1), Some(2), None]);
        assert!(queue.push(Some(9)));
        assert_eq!(read_all(&mut receiver), [Some(9)]);
    }

    #[test]
    fn slow_reader_receives_lost_after_the_kept_items() {
        let (queue, mut receiver) = queue_of_three();
        (0..5).for_each(|n| assert_eq!(queue.push(Some(n)), n < 3));
        assert_eq!(receiver.try_recv(), Ok(Some(0)));
        assert!(!queue.push(Some(5)));
        assert_eq!(read_all(&mut receiver), [Some(1), Some(2), None, None]);
    }

    #[test]
    fn receiver_is_returned_once_and_may_be_dropped() {
        let (queue, receiver) = queue_of_three();
        assert!(queue.take_receiver().is_none());
        drop(receiver);
        assert!(queue.push(Some(1)));
        queue.push_lost();
    }
}
