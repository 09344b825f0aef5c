//! Lightweight transactions whose answer may be lost.
//!
//! Cassandra and Scylla answer a conditional write with "applied" or "not applied". When the answer
//! is lost or is a timeout, only a serial read shows the outcome. [`settle`] attempts the write,
//! looks at the stored row, and attempts the write again until the outcome is known.

use std::time::Duration;

use chat_core::error::StoreError;
use tokio::time::{Instant, sleep, timeout_at};

/// How many times one call attempts its write.
const ATTEMPTS_MAX: u32 = 16;
/// The pause before the second attempt. It doubles up to [`PAUSE_MAX`].
const PAUSE_MIN: Duration = Duration::from_millis(2);
const PAUSE_MAX: Duration = Duration::from_millis(64);

/// How one attempt of a conditional write ended.
#[derive(Debug)]
pub(super) enum Attempted {
    /// The condition held and the write is stored.
    Applied,
    /// The condition did not hold, and nothing is stored.
    NotApplied,
    /// There is no reliable answer.
    Unknown {
        /// Why.
        detail: String,
        /// True if the store has given up on the write, so that the next serial read shows its
        /// final outcome. Otherwise the write may still arrive after that read.
        is_over: bool,
    },
}

/// What a serial read of the stored row means for a call.
#[derive(Debug)]
pub(super) enum Look<W, T> {
    /// This write, whose outcome was unknown, is stored.
    Applied(W),
    /// The row answers the call without this call's write.
    NotApplied(T),
    /// The row still allows this write: attempt it.
    Attempt(W),
}

/// How a call's conditional write ended.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Settled<W, T> {
    /// This write is stored.
    Applied(W),
    /// This call's write is not stored. The row held this answer instead.
    NotApplied(T),
    /// The write may be stored now or later. The text says why nobody knows.
    Unknown(String),
}

/// What a look needs to know of the attempts before it.
#[derive(Debug, Clone)]
pub(super) struct Attempts<W> {
    /// The latest write with an unknown outcome, which may be stored.
    pub(super) unknown: Option<W>,
    /// True if the latest attempt is the one with the unknown outcome.
    pub(super) is_latest_unknown: bool,
    count: u32,
}

/// Attempts a conditional write until its outcome is known, at most until `deadline`.
///
/// Starts with a look if there is no `first` write. A look, which must read serially, follows each
/// attempt that is not known to be applied. Fails as unavailable only if nothing is stored and
/// nothing can still arrive.
pub(super) async fn settle<W, T, A, L>(
    deadline: Instant,
    first: Option<W>,
    attempt: impl Fn(W) -> A,
    look: impl Fn(Attempts<W>) -> L,
) -> Result<Settled<W, T>, StoreError>
where
    W: Clone,
    A: Future<Output = Result<Attempted, StoreError>>,
    L: Future<Output = Result<Look<W, T>, StoreError>>,
{
    // Outlives the work, which is dropped at the deadline.
    let mut may_be_applied = false;
    let work = async {
        let mut attempts = Attempts { unknown: None, is_latest_unknown: false, count: 0 };
        let mut next = first;
        let mut may_still_arrive = false;
        let mut failure = "other writers were faster".to_owned();
        let mut pause = PAUSE_MIN;
        loop {
            let write = match next.take() {
                Some(write) => write,
                None => match look(attempts.clone()).await? {
                    Look::Applied(write) => return Ok(Settled::Applied(write)),
                    Look::NotApplied(answer) => return Ok(Settled::NotApplied(answer)),
                    Look::Attempt(write) => write,
                },
            };
            may_be_applied = may_still_arrive;
            if attempts.count == ATTEMPTS_MAX {
                return Err(StoreError::Unavailable(failure));
            }
            if attempts.is_latest_unknown {
                sleep(pause).await;
                pause = PAUSE_MAX.min(pause * 2);
            }
            attempts.count += 1;
            may_be_applied = true;
            match attempt(write.clone()).await {
                Ok(Attempted::Applied) => return Ok(Settled::Applied(write)),
                Ok(Attempted::NotApplied) => {
                    attempts.is_latest_unknown = false;
                    may_be_applied = may_still_arrive;
                }
                Ok(Attempted::Unknown { detail, is_over }) => {
                    attempts.unknown = Some(write);
                    attempts.is_latest_unknown = true;
                    may_still_arrive |= !is_over;
                    failure = detail;
                }
                Err(not_sent) => {
                    may_be_applied = may_still_arrive;
                    return Err(not_sent);
                }
            }
        }
    };
    let late = || Err(StoreError::Unavailable("no answer in time".to_owned()));
    match timeout_at(deadline, work).await.unwrap_or_else(|_| late()) {
        Err(StoreError::Unavailable(detail) | StoreError::Unknown(detail)) if may_be_applied => {
            Ok(Settled::Unknown(detail))
        }
        settled => settled,
    }
}

/// The error of a later step in a call whose earlier write is stored or may be.
pub(super) fn unknown_after_write(error: StoreError) -> StoreError {
    match error {
        StoreError::Unavailable(detail) | StoreError::Unknown(detail) => {
            StoreError::Unknown(detail)
        }
        corrupt @ StoreError::Corrupt(_) => corrupt,
    }
}

#[cfg(test)]
mod tests {
    use std::{cell::RefCell, collections::VecDeque, future::pending};

    use super::*;

    const DEADLINE: Duration = Duration::from_secs(2);

    /// What the store does when it is asked.
    enum Step {
        Attempt(Result<Attempted, StoreError>),
        Look(Result<Look<u8, &'static str>, StoreError>),
        Silence,
    }

    fn unavailable<T>() -> Result<T, StoreError> {
        Err(StoreError::Unavailable("down".to_owned()))
    }

    fn unknown(is_over: bool) -> Step {
        Step::Attempt(Ok(Attempted::Unknown { detail: "timeout".to_owned(), is_over }))
    }

    fn attempt_again() -> Step {
        Step::Look(Ok(Look::Attempt(2)))
    }

    /// Settles against a store that takes these steps in this order, and returns how long it took.
    async fn settle_with(
        first: Option<u8>,
        steps: impl IntoIterator<Item = Step>,
    ) -> (Result<Settled<u8, &'static str>, StoreError>, Duration) {
        let steps = RefCell::new(steps.into_iter().collect::<VecDeque<_>>());
        let next = || steps.borrow_mut().pop_front();
        let began = Instant::now();
        let settled = settle(
            began + DEADLINE,
            first,
            async |_| match next() {
                Some(Step::Attempt(attempted)) => attempted,
                Some(Step::Silence) => pending().await,
                Some(Step::Look(_)) | None => unreachable!("an attempt at the wrong time"),
            },
            async |_| match next() {
                Some(Step::Look(found)) => found,
                Some(Step::Silence) => pending().await,
                Some(Step::Attempt(_)) | None => unreachable!("a look at the wrong time"),
            },
        )
        .await;
        assert!(steps.borrow().is_empty(), "settled too early");
        (settled, began.elapsed())
    }

    #[tokio::test(start_paused = true)]
    async fn settle_needs_no_look_when_the_first_attempt_is_applied() {
        let settled = settle_with(Some(1), [Step::Attempt(Ok(Attempted::Applied))]).await;
        assert_eq!(settled, (Ok(Settled::Applied(1)), Duration::ZERO));
    }

    #[tokio::test(start_paused = true)]
    async fn settle_returns_what_the_look_finds_after_an_attempt() {
        let found = || Step::Look(Ok(Look::NotApplied("other")));
        let steps = [Step::Attempt(Ok(Attempted::NotApplied)), found()];
        assert_eq!(settle_with(Some(1), steps).await.0, Ok(Settled::NotApplied("other")));
        let steps = [unknown(true), Step::Look(Ok(Look::Applied(1)))];
        assert_eq!(settle_with(Some(1), steps).await.0, Ok(Settled::Applied(1)));
        assert_eq!(settle_with(None, [found()]).await.0, Ok(Settled::NotApplied("other")));
    }

    #[tokio::test(start_paused = true)]
    async fn settle_pauses_longer_each_time_when_outcomes_are_unknown() {
        let steps = [
            unknown(true),
            attempt_again(),
            unknown(false),
            attempt_again(),
            Step::Attempt(Ok(Attempted::Applied)),
        ];
        let settled = settle_with(Some(1), steps).await;
        assert_eq!(settled, (Ok(Settled::Applied(2)), PAUSE_MIN * 3));
    }

    #[tokio::test(start_paused = true)]
    async fn settle_retries_at_once_when_another_writer_was_faster() {
        let steps = [
            Step::Attempt(Ok(Attempted::NotApplied)),
            attempt_again(),
            Step::Attempt(Ok(Attempted::Applied)),
        ];
        let settled = settle_with(Some(1), steps).await;
        assert_eq!(settled, (Ok(Settled::Applied(2)), Duration::ZERO));
    }

    #[tokio::test(start_paused = true)]
    async fn settle_returns_unknown_when_the_deadline_passes_after_a_write() {
        let late = || Ok(Settled::Unknown("no answer in time".to_owned()));
        assert_eq!(settle_with(Some(1), [Step::Silence]).await, (late(), DEADLINE));
        let steps = [unknown(true), Step::Silence];
        assert_eq!(settle_with(Some(1), steps).await, (late(), DEADLINE));
    }

    #[tokio::test(start_paused = true)]
    async fn settle_fails_as_unavailable_when_nothing_was_written() {
        let late = || Err(StoreError::Unavailable("no answer in time".to_owned()));
        assert_eq!(settle_with(None, [Step::Silence]).await, (late(), DEADLINE));
        assert_eq!(settle_with(None, [Step::Look(unavailable())]).await.0, unavailable());
        let steps = [Step::Attempt(unavailable())];
        assert_eq!(settle_with(Some(1), steps).await.0, unavailable());
        let steps = [Step::Attempt(Ok(Attempted::NotApplied)), Step::Silence];
        assert_eq!(settle_with(Some(1), steps).await, (late(), DEADLINE));
    }

    #[tokio::test(start_paused = true)]
    async fn settle_returns_unknown_when_the_look_after_an_unknown_outcome_fails() {
        let steps = [unknown(true), Step::Look(unavailable())];
        let settled = settle_with(Some(1), steps).await.0;
        assert_eq!(settled, Ok(Settled::Unknown("down".to_owned())));
    }

    #[tokio::test(start_paused = true)]
    async fn settle_returns_unknown_when_an_earlier_write_may_still_arrive() {
        let steps = |is_over| [unknown(is_over), attempt_again(), Step::Attempt(unavailable())];
        assert_eq!(settle_with(Some(1), steps(true)).await.0, unavailable());
        let settled = settle_with(Some(1), steps(false)).await.0;
        assert_eq!(settled, Ok(Settled::Unknown("down".to_owned())));
    }

    #[tokio::test(start_paused = true)]
    async fn settle_fails_after_the_last_attempt() {
        let steps = (0..ATTEMPTS_MAX).flat_map(|_| [unknown(true), attempt_again()]);
        let (settled, took) = settle_with(Some(1), steps).await;
        assert_eq!(settled, Err(StoreError::Unavailable("timeout".to_owned())));
        assert!(took < DEADLINE, "{took:?}");
    }
}
