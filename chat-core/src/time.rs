//! Timestamps in milliseconds since 1970, and the clocks that make them.

use std::{
    fmt,
    str::FromStr,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

use crate::id::{Snowflake, Snowflakes};

/// How far the clock may be behind the newest entry without a warning.
const CLOCK_BEHIND_MAX: Duration = Duration::from_secs(5);

/// Milliseconds since 1970-01-01T00:00:00Z.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
pub struct Timestamp(i64);

impl Timestamp {
    /// Makes a time from milliseconds since 1970.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// Returns the milliseconds since 1970.
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// Returns the time `later` after this one.
    #[must_use]
    pub fn after(self, later: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(later.as_millis()).unwrap_or(i64::MAX)))
    }

    /// Returns the time `earlier` before this one.
    #[must_use]
    pub fn before(self, earlier: Duration) -> Self {
        Self(self.0.saturating_sub(i64::try_from(earlier.as_millis()).unwrap_or(i64::MAX)))
    }

    /// Returns the time between `earlier` and this; zero if `earlier` is later.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

/// Writes RFC 3339 in UTC with milliseconds. The date is computed as in Howard Hinnant's
/// `civil_from_days`.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (days, millis) = (self.0.div_euclid(86_400_000), self.0.rem_euclid(86_400_000));
        let shifted = days + 719_468;
        let era = shifted.div_euclid(146_097);
        let day_of_era = shifted.rem_euclid(146_097);
        let year_of_era =
            (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let month_from_march = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
        let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
        let year = year_of_era + era * 400 + i64::from(month <= 2);
        let (hour, minute) = (millis / 3_600_000, millis / 60_000 % 60);
        let (second, milli) = (millis / 1_000 % 60, millis % 1_000);
        if !(0..=9_999).contains(&year) {
            let time = format_args!("{hour:02}:{minute:02}:{second:02}.{milli:03}");
            return write!(f, "{year:04}-{month:02}-{day:02}T{time}Z");
        }
        // Every event and reply has a time, and padding seven numbers is slow.
        let mut text = *b"0000-00-00T00:00:00.000Z";
        for (at, width, number) in [
            (0, 4, year),
            (5, 2, month),
            (8, 2, day),
            (11, 2, hour),
            (14, 2, minute),
            (17, 2, second),
            (20, 3, milli),
        ] {
            put_digits(&mut text[at..at + width], number);
        }
        f.write_str(std::str::from_utf8(&text).map_err(|_| fmt::Error)?)
    }
}

/// The error for a text that is not a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a time: expected RFC 3339 in UTC, such as 2026-03-14T09:26:53.589Z")]
pub struct InvalidTime;

/// Reads what `Display` writes: RFC 3339 in UTC. The milliseconds may be left out. The date is computed
/// as in Howard Hinnant's `days_from_civil`.
impl FromStr for Timestamp {
    type Err = InvalidTime;

    fn from_str(text: &str) -> Result<Self, InvalidTime> {
        parse(text).ok_or(InvalidTime)
    }
}

fn parse(text: &str) -> Option<Timestamp> {
    let (whole, millis) = match text.strip_suffix('Z')?.split_once('.') {
        Some((whole, millis)) if millis.len() == 3 => (whole, digits(millis)?),
        Some(_) => return None,
        None => (text.strip_suffix('Z')?, 0),
    };
    let (date, time) = whole.split_once('T')?;
    let [year, month, day] = three(date, '-', [4, 2, 2])?;
    let [hour, minute, second] = three(time, ':', [2, 2, 2])?;
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days_of_month = match month {
        4 | 6 | 9 | 11 => 30,
        2 => 28 + i64::from(is_leap),
        1..=12 => 31,
        _ => return None,
    };
    let is_valid = (1..=days_of_month).contains(&day) && hour < 24 && minute < 60 && second < 60;
    let shifted = if month <= 2 { year - 1 } else { year };
    let (era, year_of_era) = (shifted.div_euclid(400), shifted.rem_euclid(400));
    let month_from_march = (month + 9) % 12;
    let day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    let days = era * 146_097 + day_of_era - 719_468;
    let seconds = ((days * 24 + hour) * 60 + minute) * 60 + second;
    is_valid.then(|| Timestamp(seconds * 1_000 + millis))
}

/// Returns three numbers with these widths.
fn three(text: &str, separator: char, widths: [usize; 3]) -> Option<[i64; 3]> {
    let mut parts = text.split(separator);
    let mut numbers = [0; 3];
    for (number, width) in numbers.iter_mut().zip(widths) {
        *number = digits(parts.next().filter(|part| part.len() == width)?)?;
    }
    parts.next().is_none().then_some(numbers)
}

fn digits(text: &str) -> Option<i64> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

/// Writes a number that is not negative with as many digits as `text` has.
fn put_digits(text: &mut [u8], mut number: i64) {
    for digit in text.iter_mut().rev() {
        *digit = b'0' + u8::try_from(number % 10).unwrap_or_default();
        number /= 10;
    }
}

/// Returns the time, and ids that contain it.
pub trait Clock: Send + Sync + fmt::Debug {
    /// Returns the current time.
    fn now(&self) -> Timestamp;
    /// Returns an id that this clock has not returned before.
    fn fresh_id(&self) -> Snowflake;
}

/// The clock of the machine.
#[derive(Debug)]
pub struct SystemClock {
    ids: Arc<Snowflakes>,
}

impl SystemClock {
    /// Makes a clock whose ids carry this node number and end with the process.
    pub fn new(node: u16) -> Self {
        Self::with_ids(Arc::new(Snowflakes::new(node)))
    }

    /// Makes a clock with these ids. A store that outlives the process keeps their mark.
    pub const fn with_ids(ids: Arc<Snowflakes>) -> Self {
        Self { ids }
    }
}

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "everything else asks this Clock")]
    fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }

    fn fresh_id(&self) -> Snowflake {
        self.ids.next(self.now())
    }
}

/// A clock that never runs backwards, for times by which entries and conversations are ordered.
///
/// After the other clock has stepped back, this one runs at half speed until the other one has
/// caught up. It must only be used where the order matters more than the true time.
#[derive(Debug)]
pub struct SteadyClock {
    clock: Arc<dyn Clock>,
    newest: Mutex<Reading>,
}

/// The newest time of the other clock, and when it was read.
#[derive(Debug, Clone, Copy)]
struct Reading {
    time: Timestamp,
    read_at: tokio::time::Instant,
}

impl SteadyClock {
    /// Makes a clock that follows `clock` and returns no time before `floor`.
    pub fn new(clock: Arc<dyn Clock>, floor: Timestamp) -> Self {
        let behind = floor.since(clock.now());
        if behind > CLOCK_BEHIND_MAX {
            tracing::warn!(
                behind_s = behind.as_secs(),
                "the clock is behind the newest entry: new entries get later times until it catches up"
            );
        }
        let newest = Reading { time: floor, read_at: tokio::time::Instant::now() };
        Self { clock, newest: Mutex::new(newest) }
    }
}

impl Clock for SteadyClock {
    fn now(&self) -> Timestamp {
        let time = self.clock.now();
        let mut newest = self.newest.lock();
        let steady = newest.time.after(newest.read_at.elapsed() / 2);
        if time < steady {
            return steady;
        }
        *newest = Reading { time, read_at: tokio::time::Instant::now() };
        time
    }

    fn fresh_id(&self) -> Snowflake {
        self.clock.fresh_id()
    }
}

/// A clock for tests. It starts at a given time and follows tokio's clock, which tests can pause.
#[derive(Debug)]
pub struct TestClock {
    start: Timestamp,
    began: tokio::time::Instant,
    ids: Snowflakes,
}

impl TestClock {
    /// Makes a clock that returns `start` now and whose ids carry this node number.
    pub fn new(start: Timestamp, node: u16) -> Self {
        Self { start, began: tokio::time::Instant::now(), ids: Snowflakes::new(node) }
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        self.start.after(self.began.elapsed())
    }

    fn fresh_id(&self) -> Snowflake {
        self.ids.next(self.now())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A clock that a test sets.
    #[derive(Debug, Default)]
    struct SetClock(Mutex<Timestamp>);

    impl Clock for SetClock {
        fn now(&self) -> Timestamp {
            *self.0.lock()
        }

        fn fresh_id(&self) -> Snowflake {
            unreachable!("no test needs an id")
        }
    }

    #[tokio::test(start_paused = true)]
    async fn steady_clock_runs_at_half_speed_after_a_step_back() {
        let second = |seconds: i64| Timestamp::from_millis(seconds * 1_000);
        let other = Arc::new(SetClock::default());
        let steady = SteadyClock::new(other.clone(), second(7_200));
        assert_eq!(steady.now(), second(7_200), "the floor");
        for (passed, set, expected) in [
            (0, 8_000, 8_000),
            (10, 8_010, 8_010),
            (20, 900, 8_020),
            (100, 1_000, 8_070),
            (100, 8_119, 8_120),
            (2, 8_121, 8_121),
            (1, 8_122, 8_122),
            (0, 0, 8_122),
        ] {
            tokio::time::advance(Duration::from_secs(passed)).await;
            *other.0.lock() = second(set);
            assert_eq!(steady.now(), second(expected), "{passed} {set}");
        }
    }

    #[test]
    fn timestamp_is_read_as_it_is_written() {
        for millis in [0, 1_709_164_799_999, 1_709_164_800_000, 4_102_444_800_001, -1, -1_000_000] {
            let time = Timestamp::from_millis(millis);
            assert_eq!(time.to_string().parse(), Ok(time));
        }
        for day in 0..200_000 {
            let time = Timestamp::from_millis(day * 86_400_000);
            assert_eq!(time.to_string().parse(), Ok(time));
        }
        assert_eq!("1970-01-01T00:00:01Z".parse(), Ok(Timestamp::from_millis(1_000)));
        for bad in [
            "",
            "1970-01-01",
            "1970-01-01T00:00:00",
            "1970-01-01T00:00:00+00:00",
            "1970-02-29T00:00:00Z",
            "1970-13-01T00:00:00Z",
            "1970-01-01T24:00:00Z",
            "1970-01-01T00:00:00.1Z",
            "+970-01-01T00:00:00Z",
        ] {
            assert_eq!(bad.parse::<Timestamp>(), Err(InvalidTime), "{bad}");
        }
    }

    #[test]
    fn timestamp_is_written_as_rfc_3339_in_utc() {
        for (millis, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (1_709_164_799_999, "2024-02-28T23:59:59.999Z"),
            (1_709_164_800_000, "2024-02-29T00:00:00.000Z"),
            (4_102_444_800_001, "2100-01-01T00:00:00.001Z"),
            (-1, "1969-12-31T23:59:59.999Z"),
            (253_402_300_799_999, "9999-12-31T23:59:59.999Z"),
            (253_402_300_800_000, "10000-01-01T00:00:00.000Z"),
        ] {
            assert_eq!(Timestamp::from_millis(millis).to_string(), text);
        }
    }
}
