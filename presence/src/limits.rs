//! The times and bounds of presence. Their relations are checked at compile time.

use std::time::Duration;

/// How long a gateway's lease is alive after a renewal.
pub const LEASE_TTL: Duration = Duration::from_secs(15);
/// How often a gateway renews its lease.
pub const RENEW_EVERY: Duration = Duration::from_secs(5);
/// The pause before a failed renewal or write is retried.
pub const RETRY_AFTER: Duration = Duration::from_secs(1);
/// How often the leases' backend looks for ended leases.
pub const LEASE_CHECK_EVERY: Duration = Duration::from_secs(2);
/// How long the time of a lease's last renewal is kept.
pub const RENEWED_AT_TTL: Duration = Duration::from_secs(24 * 3600);
/// The timeout of one answer of the leases or the store.
pub const ANSWER_WITHIN: Duration = Duration::from_secs(1);

/// How long a device counts after its socket closed cleanly, because it may come back.
pub const DEPART_GRACE: Duration = Duration::from_secs(5);
/// How long a device counts after its last poll ended.
pub const POLL_LINGER: Duration = Duration::from_secs(45);
/// How long a device must be away before it shows.
pub const AWAY_AFTER: Duration = Duration::from_secs(1);
/// The pause between a change and the read of its user, because changes come in twos and threes.
pub const GATHER_FOR: Duration = Duration::from_millis(50);
/// How long a session that begins to watch waits for presence; then it is `unknown`.
pub const WATCH_ANSWER_MAX: Duration = Duration::from_secs(2);
/// How long changes are held back after such an answer, so that they arrive after it.
pub const WATCH_LEAD: Duration = Duration::from_millis(50);
/// Over how long a gateway spreads its devices when it publishes all of them again.
pub const REPUBLISH_JITTER_MAX: Duration = Duration::from_secs(3);
/// How long a gateway needs at most to notice that the leases are available again.
pub const RETURN_NOTICED_MAX: Duration = Duration::from_secs(3);
/// A longer silence of all gateways means that the leases were unavailable.
pub const HEARTBEAT_GAP_MAX: Duration = Duration::from_secs(7);
/// How long absences are not believed after such a silence, while gateways publish again.
pub const SETTLE_FOR: Duration = Duration::from_secs(7);
/// The longest random delay before a gateway removes the devices of an ended gateway.
pub const REAP_JITTER_MAX: Duration = Duration::from_secs(5);
/// The pause before such a removal is retried.
pub const REAP_RETRY_AFTER: Duration = Duration::from_secs(5);
/// How often a gateway whose leases end with its process stores last seen of present users.
pub const SEEN_EVERY: Duration = Duration::from_secs(15);
/// How often every watched user is read again, in case a change was lost.
pub const REREAD_EVERY: Duration = Duration::from_secs(30);
/// How long it is cached that a user may see another.
pub const VISIBILITY_TTL: Duration = Duration::from_secs(3);

/// Devices in one write.
pub const PUBLISH_MAX: usize = 256;
/// Users in one read.
pub const READ_MAX: usize = 256;
/// Users of an ended gateway in one answer.
pub const REAP_MAX: usize = 256;
/// Changes in a gateway's queue. One [`crate::Change::Lost`] replaces those that find no room.
pub const CHANGES_MAX: usize = 1_024;
/// Pairs of users of whom it is cached that one may see the other.
pub const VISIBILITY_CACHE_MAX: usize = 16_384;
/// Watchers whose visibility is checked at the same time.
pub const VISIBILITY_CHECKS_MAX: usize = 16;
/// Users in the queue of last seen; values that find no room are lost.
pub const SEEN_WAITING_MAX: usize = 65_536;

/// A user is shown online within this time after `hello`.
pub const ONLINE_MAX: Duration = Duration::from_secs(2);
/// A user is shown offline within this time after a clean close.
pub const OFFLINE_MAX: Duration = Duration::from_secs(7);
/// The devices of a killed gateway end within this time.
pub const GATEWAY_KILLED_MAX: Duration = Duration::from_secs(20);
/// Presence is correct within this time after the leases are available again.
pub const CONVERGED_MAX: Duration = Duration::from_secs(10);
/// The largest error of last seen.
pub const LAST_SEEN_ERROR_MAX: Duration = Duration::from_secs(20);

const fn millis(durations: &[Duration]) -> u128 {
    let (mut sum, mut index) = (0, 0);
    while index < durations.len() {
        sum += durations[index].as_millis();
        index += 1;
    }
    sum
}

const _: () =
    assert!(millis(&[RENEW_EVERY, RENEW_EVERY]) < millis(&[LEASE_TTL]), "one renewal may be lost");
const _: () = assert!(
    millis(&[GATHER_FOR, WATCH_LEAD, ANSWER_WITHIN]) < millis(&[ONLINE_MAX]),
    "a join is read in time"
);
const _: () = assert!(
    millis(&[AWAY_AFTER, GATHER_FOR]) < millis(&[ONLINE_MAX]),
    "away shows as soon as online"
);
const _: () = assert!(
    millis(&[DEPART_GRACE, GATHER_FOR, ANSWER_WITHIN]) < millis(&[OFFLINE_MAX]),
    "a leave is read in time"
);
const _: () = assert!(
    millis(&[LEASE_TTL, LEASE_CHECK_EVERY, GATHER_FOR, ANSWER_WITHIN])
        < millis(&[GATEWAY_KILLED_MAX]),
    "an ended lease is noticed in time"
);
const _: () = assert!(
    millis(&[RETURN_NOTICED_MAX, REPUBLISH_JITTER_MAX]) < millis(&[SETTLE_FOR]),
    "present devices are published before an absence is believed"
);
const _: () = assert!(
    millis(&[SETTLE_FOR, RETRY_AFTER, ANSWER_WITHIN]) < millis(&[CONVERGED_MAX]),
    "absences are believed in time"
);
const _: () = assert!(
    millis(&[SETTLE_FOR]) <= millis(&[OFFLINE_MAX]),
    "a device that leaves while leases settle is shown offline in time"
);
const _: () = assert!(
    millis(&[RENEW_EVERY]) < millis(&[HEARTBEAT_GAP_MAX]),
    "two heartbeats are not a silence apart"
);
const _: () = assert!(
    millis(&[HEARTBEAT_GAP_MAX, RETURN_NOTICED_MAX, RENEW_EVERY]) <= millis(&[LEASE_TTL]),
    "no lease ends in an unnoticed outage"
);
const _: () = assert!(
    millis(&[RENEW_EVERY, ANSWER_WITHIN]) < millis(&[LAST_SEEN_ERROR_MAX]),
    "the last renewal is close to the end of a killed gateway"
);
const _: () = assert!(
    millis(&[SEEN_EVERY, ANSWER_WITHIN]) < millis(&[LAST_SEEN_ERROR_MAX]),
    "the last stored value is close to the end of a killed gateway"
);
const _: () = assert!(
    millis(&[LEASE_TTL]) < millis(&[RENEWED_AT_TTL]),
    "the last renewal outlives the lease"
);
