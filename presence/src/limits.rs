//! The bounds of presence, with their relations checked when they are compiled.

use std::time::Duration;

/// How long a gateway's lease lives without a renewal.
pub const LEASE_TTL: Duration = Duration::from_secs(15);
/// How often a gateway renews its lease.
pub const RENEW_EVERY: Duration = Duration::from_secs(5);
/// How soon a renewal or a write that failed is tried again.
pub const RETRY_AFTER: Duration = Duration::from_secs(1);
/// How often ended leases are looked for, by whatever keeps the leases.
pub const LEASE_CHECK_EVERY: Duration = Duration::from_secs(2);
/// How long the time of a lease's last renewal is kept after it.
pub const RENEWED_AT_TTL: Duration = Duration::from_secs(24 * 3600);
/// How long the leases or the store may take for one answer.
pub const ANSWER_WITHIN: Duration = Duration::from_secs(1);

/// How long a device that closed cleanly still counts: it may come back.
pub const DEPART_GRACE: Duration = Duration::from_secs(5);
/// How long a device counts after its last poll ended.
pub const POLL_LINGER: Duration = Duration::from_secs(45);
/// How long a device must be away before it shows.
pub const AWAY_AFTER: Duration = Duration::from_secs(1);
/// How long after a change its user is read again: changes come in twos and threes.
pub const GATHER_FOR: Duration = Duration::from_millis(50);
/// How long the answer to a session that begins to watch may take; then it is `unknown`.
pub const WATCH_ANSWER_MAX: Duration = Duration::from_secs(2);
/// How long after such an answer changes are held back, so that they come after it.
pub const WATCH_LEAD: Duration = Duration::from_millis(50);
/// Over how long the devices of a gateway are spread that publishes them all again.
pub const REPUBLISH_JITTER_MAX: Duration = Duration::from_secs(3);
/// How long a gateway needs at the most to notice that the leases are back.
pub const RETURN_NOTICED_MAX: Duration = Duration::from_secs(3);
/// A silence of all gateways longer than this means that the leases were not available.
pub const BEAT_GAP_MAX: Duration = Duration::from_secs(7);
/// How long after such a silence an absence is not believed: gateways are publishing again.
pub const SETTLE_FOR: Duration = Duration::from_secs(7);
/// Over how long gateways spread that bury the same ended gateway.
pub const BURY_JITTER_MAX: Duration = Duration::from_secs(5);
/// How soon a burial that failed is tried again.
pub const BURY_RETRY_AFTER: Duration = Duration::from_secs(5);
/// How often a gateway whose leases end with its process keeps who is here as seen.
pub const SEEN_EVERY: Duration = Duration::from_secs(15);
/// How often everybody watched is read again, as a net under lost changes.
pub const REREAD_EVERY: Duration = Duration::from_secs(30);
/// How long an answer about acquaintance is believed.
pub const KNOWN_FOR: Duration = Duration::from_secs(3);

/// Devices in one write.
pub const PUBLISH_MAX: usize = 256;
/// Users in one read.
pub const READ_MAX: usize = 256;
/// Users of an ended gateway that are named at once.
pub const BURY_MAX: usize = 256;
/// Changes that wait for a gateway; more become one [`crate::Change::Lost`].
pub const CHANGES_MAX: usize = 1_024;
/// Answers about acquaintance that are remembered.
pub const KNOWN_MAX: usize = 16_384;
/// Watchers that are asked about at the same time.
pub const ASKED_AT_ONCE_MAX: usize = 16;
/// People whose last seen waits for the store; what comes on top is lost.
pub const SEEN_WAITING_MAX: usize = 65_536;

/// Online shows within this time after `hello`.
pub const ONLINE_MAX: Duration = Duration::from_secs(2);
/// Offline shows within this time after a clean close.
pub const OFFLINE_MAX: Duration = Duration::from_secs(7);
/// A killed gateway's devices end within this time.
pub const GATEWAY_KILLED_MAX: Duration = Duration::from_secs(20);
/// Everything is right again within this time after the leases are back.
pub const CONVERGED_MAX: Duration = Duration::from_secs(10);
/// How far last seen may be from the truth.
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
    "a joining is read in time"
);
const _: () = assert!(
    millis(&[AWAY_AFTER, GATHER_FOR]) < millis(&[ONLINE_MAX]),
    "away shows as soon as online"
);
const _: () = assert!(
    millis(&[DEPART_GRACE, GATHER_FOR, ANSWER_WITHIN]) < millis(&[OFFLINE_MAX]),
    "a leaving is read in time"
);
const _: () = assert!(
    millis(&[LEASE_TTL, LEASE_CHECK_EVERY, GATHER_FOR, ANSWER_WITHIN])
        < millis(&[GATEWAY_KILLED_MAX]),
    "an ended lease is noticed in time"
);
const _: () = assert!(
    millis(&[RETURN_NOTICED_MAX, REPUBLISH_JITTER_MAX]) < millis(&[SETTLE_FOR]),
    "who is here is published before an absence is believed"
);
const _: () = assert!(
    millis(&[SETTLE_FOR, RETRY_AFTER, ANSWER_WITHIN]) < millis(&[CONVERGED_MAX]),
    "absences are believed in time"
);
const _: () = assert!(
    millis(&[SETTLE_FOR]) <= millis(&[OFFLINE_MAX]),
    "who leaves fresh leases shows offline in time"
);
const _: () = assert!(millis(&[RENEW_EVERY]) < millis(&[BEAT_GAP_MAX]), "a beat is no silence");
const _: () = assert!(
    millis(&[BEAT_GAP_MAX, RETURN_NOTICED_MAX, RENEW_EVERY]) <= millis(&[LEASE_TTL]),
    "no lease ends in an outage that is not noticed"
);
const _: () = assert!(
    millis(&[RENEW_EVERY, ANSWER_WITHIN]) < millis(&[LAST_SEEN_ERROR_MAX]),
    "the last renewal is near the death"
);
const _: () = assert!(
    millis(&[SEEN_EVERY, ANSWER_WITHIN]) < millis(&[LAST_SEEN_ERROR_MAX]),
    "what is kept while here is near the death"
);
const _: () = assert!(
    millis(&[LEASE_TTL]) < millis(&[RENEWED_AT_TTL]),
    "the last renewal outlives the lease"
);
