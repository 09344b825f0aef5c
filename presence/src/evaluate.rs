//! The one rule from devices and leases to presence, as a pure function.
//!
//! A device that lives always wins. Offline is said only of a whole reading without one. Last seen
//! is the latest of what was kept and of what ended leases show, and never in the future.

use chat_core::{id::UserId, time::Timestamp};

use crate::model::{Activity, Device, Lease, Presence, Reading, Status};

/// What is to be said of the user: `reading` is what the leases say (`None` while they are not
/// available), `kept` what the store keeps as last seen.
pub fn evaluate(
    user: UserId,
    reading: Option<&Reading>,
    kept: Option<Timestamp>,
    now: Timestamp,
) -> Presence {
    let Some(reading) = reading else { return Presence::unknown(user) };
    let status = status(reading);
    let last_seen_at = (status == Status::Offline)
        .then(|| reading.devices.iter().filter_map(ended_at).chain(kept).max())
        .flatten()
        .map(|at| at.min(now));
    Presence { user, status, last_seen_at }
}

fn status(reading: &Reading) -> Status {
    let mut living = reading.devices.iter().filter(|device| device.lease == Lease::Lives);
    let Some(first) = living.next() else {
        return if reading.whole { Status::Offline } else { Status::Unknown };
    };
    let online = std::iter::once(first).chain(living).any(|d| d.activity == Activity::Online);
    if online { Status::Online } else { Status::Away }
}

/// When a device was surely still here whose gateway has ended; `None` while it lives. The truth is
/// later by less than [`crate::limits::RENEW_EVERY`], as long as the last renewal is remembered.
pub fn ended_at(device: &Device) -> Option<Timestamp> {
    match device.lease {
        Lease::Lives => None,
        Lease::Ended { renewed_at } => {
            Some(renewed_at.map_or(device.since, |at| at.max(device.since)))
        }
    }
}

#[cfg(test)]
mod tests {
    use chat_core::id::{GatewayId, LoginId};
    use proptest::prelude::*;

    use super::*;

    const USER: u64 = 7;

    fn user() -> UserId {
        UserId::new(USER).unwrap()
    }

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    fn device() -> impl Strategy<Value = Device> {
        let lease = prop_oneof![
            Just(Lease::Lives),
            proptest::option::of(0..2_000_i64)
                .prop_map(|renewed| Lease::Ended { renewed_at: renewed.map(at) }),
        ];
        (1..5_u64, 1..9_u64, any::<bool>(), 0..2_000_i64, lease).prop_map(
            |(gateway, login, online, since, lease)| Device {
                gateway: GatewayId::new(gateway).unwrap(),
                login: LoginId::new(login).unwrap(),
                activity: if online { Activity::Online } else { Activity::Away },
                since: at(since),
                lease,
            },
        )
    }

    fn reading() -> impl Strategy<Value = Reading> {
        (proptest::collection::vec(device(), 0..6), any::<bool>())
            .prop_map(|(devices, whole)| Reading { devices, whole })
    }

    proptest! {
        #[test]
        fn user_with_a_living_device_is_never_offline(
            mut reading in reading(), mut living in device(), place in 0..7_usize,
        ) {
            living.lease = Lease::Lives;
            reading.devices.insert(place.min(reading.devices.len()), living);
            let status = evaluate(user(), Some(&reading), None, at(0)).status;
            prop_assert!(matches!(status, Status::Online | Status::Away));
        }

        #[test]
        fn without_a_living_device_nobody_is_here(mut reading in reading()) {
            reading.devices.retain(|device| device.lease != Lease::Lives);
            let expected = if reading.whole { Status::Offline } else { Status::Unknown };
            prop_assert_eq!(evaluate(user(), Some(&reading), None, at(0)).status, expected);
        }

        #[test]
        fn away_is_said_only_when_all_living_devices_are_away(reading in reading()) {
            let online = reading.devices.iter()
                .any(|d| d.lease == Lease::Lives && d.activity == Activity::Online);
            let status = evaluate(user(), Some(&reading), None, at(0)).status;
            prop_assert_eq!(status == Status::Online, online);
        }

        #[test]
        fn last_seen_is_never_in_the_future_never_before_what_was_kept_and_only_of_the_absent(
            reading in reading(), kept in proptest::option::of(0..2_000_i64), now in 0..2_000_i64,
        ) {
            let kept = kept.map(at);
            let presence = evaluate(user(), Some(&reading), kept, at(now));
            prop_assert!(presence.last_seen_at <= Some(at(now)));
            if presence.status == Status::Offline {
                prop_assert!(presence.last_seen_at >= kept.map(|kept| kept.min(at(now))));
            } else {
                prop_assert_eq!(presence.last_seen_at, None);
            }
        }

        #[test]
        fn order_of_the_devices_does_not_matter(reading in reading(), kept in 0..2_000_i64) {
            let mut reversed = reading.clone();
            reversed.devices.reverse();
            prop_assert_eq!(
                evaluate(user(), Some(&reading), Some(at(kept)), at(1_000)),
                evaluate(user(), Some(&reversed), Some(at(kept)), at(1_000))
            );
        }

        #[test]
        fn burying_a_device_after_its_end_was_kept_changes_nothing(
            mut reading in reading(), dead in device(), kept in proptest::option::of(0..2_000_i64),
        ) {
            let Some(end) = ended_at(&dead) else { return Ok(()) };
            let kept = kept.map(at);
            let buried = evaluate(user(), Some(&reading), kept.max(Some(end)), at(1_000));
            reading.devices.push(dead);
            prop_assert_eq!(evaluate(user(), Some(&reading), kept, at(1_000)), buried);
        }
    }

    #[test]
    fn nothing_is_known_while_the_leases_are_not_available() {
        assert_eq!(evaluate(user(), None, Some(at(1)), at(9)), Presence::unknown(user()));
    }
}
