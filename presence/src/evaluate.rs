//! The rule that derives presence from devices and leases. Pure.
//!
//! A device with a lease that is alive always wins. A user is offline only by a complete reading
//! without such a device. Last seen is the latest of the stored time and of the times that ended
//! leases show, and never in the future.

use chat_core::{id::UserId, time::Timestamp};

use crate::model::{Activity, Device, Lease, Presence, Reading, Status};

/// Returns the presence of a user. `reading` is absent if the leases are unavailable; `stored` is
/// last seen as the store has it.
pub fn evaluate(
    user: UserId,
    reading: Option<&Reading>,
    stored: Option<Timestamp>,
    now: Timestamp,
) -> Presence {
    let Some(reading) = reading else { return Presence::unknown(user) };
    let status = status(reading);
    let last_seen_at = (status == Status::Offline)
        .then(|| reading.devices.iter().filter_map(ended_at).chain(stored).max())
        .flatten()
        .map(|at| at.min(now));
    Presence { user, status, last_seen_at }
}

fn status(reading: &Reading) -> Status {
    let mut present = reading.devices.iter().filter(|device| device.lease == Lease::Alive);
    if present.clone().any(|device| device.activity == Activity::Online) {
        Status::Online
    } else if present.next().is_some() {
        Status::Away
    } else if reading.is_complete {
        Status::Offline
    } else {
        Status::Unknown
    }
}

/// Returns when a device of an ended lease was last certainly present; `None` while the lease is
/// alive. The device left less than [`crate::limits::RENEW_EVERY`] later, if the time of the last
/// renewal is still known.
pub fn ended_at(device: &Device) -> Option<Timestamp> {
    match device.lease {
        Lease::Alive => None,
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
            Just(Lease::Alive),
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
            .prop_map(|(devices, is_complete)| Reading { devices, is_complete })
    }

    proptest! {
        #[test]
        fn user_with_a_present_device_is_never_offline(
            mut reading in reading(), mut present in device(), place in 0..7_usize,
        ) {
            present.lease = Lease::Alive;
            reading.devices.insert(place.min(reading.devices.len()), present);
            let status = evaluate(user(), Some(&reading), None, at(0)).status;
            prop_assert!(matches!(status, Status::Online | Status::Away));
        }

        #[test]
        fn user_without_present_devices_is_offline_or_unknown(mut reading in reading()) {
            reading.devices.retain(|device| device.lease != Lease::Alive);
            let expected = if reading.is_complete { Status::Offline } else { Status::Unknown };
            prop_assert_eq!(evaluate(user(), Some(&reading), None, at(0)).status, expected);
        }

        #[test]
        fn user_is_online_only_with_an_online_device(reading in reading()) {
            let is_online = reading.devices.iter()
                .any(|d| d.lease == Lease::Alive && d.activity == Activity::Online);
            let status = evaluate(user(), Some(&reading), None, at(0)).status;
            prop_assert_eq!(status == Status::Online, is_online);
        }

        /// Nor is it earlier than the stored time.
        #[test]
        fn last_seen_is_past_and_only_for_offline_users(
            reading in reading(), stored in proptest::option::of(0..2_000_i64), now in 0..2_000_i64,
        ) {
            let stored = stored.map(at);
            let presence = evaluate(user(), Some(&reading), stored, at(now));
            prop_assert!(presence.last_seen_at <= Some(at(now)));
            if presence.status == Status::Offline {
                prop_assert!(presence.last_seen_at >= stored.map(|stored| stored.min(at(now))));
            } else {
                prop_assert_eq!(presence.last_seen_at, None);
            }
        }

        #[test]
        fn presence_does_not_depend_on_the_order_of_devices(
            reading in reading(), stored in 0..2_000_i64,
        ) {
            let mut reversed = reading.clone();
            reversed.devices.reverse();
            prop_assert_eq!(
                evaluate(user(), Some(&reading), Some(at(stored)), at(1_000)),
                evaluate(user(), Some(&reversed), Some(at(stored)), at(1_000))
            );
        }

        #[test]
        fn presence_does_not_change_when_a_stored_device_is_reaped(
            mut reading in reading(), ended in device(),
            stored in proptest::option::of(0..2_000_i64),
        ) {
            let Some(end) = ended_at(&ended) else { return Ok(()) };
            let stored = stored.map(at);
            let reaped = evaluate(user(), Some(&reading), stored.max(Some(end)), at(1_000));
            reading.devices.push(ended);
            prop_assert_eq!(evaluate(user(), Some(&reading), stored, at(1_000)), reaped);
        }
    }

    #[test]
    fn presence_is_unknown_while_the_leases_are_unavailable() {
        assert_eq!(evaluate(user(), None, Some(at(1)), at(9)), Presence::unknown(user()));
    }
}
