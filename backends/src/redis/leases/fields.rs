//! The stored form of devices, as plain data. Fields without the expected form are ignored.

use std::collections::HashMap;

use chat_core::{
    id::{GatewayId, LoginId},
    time::Timestamp,
};
use presence::{Activity, Device, Lease, Publication, Reading};

/// The answer of [`super::scripts::READ`]: whether it is complete, each user's fields and values,
/// and the gateways with their leases.
pub(crate) type Answer = (bool, Vec<Vec<Vec<u8>>>, Vec<(String, bool, String)>);

/// Returns the value of a device's field: `o` or `a`, and since when.
pub(super) fn value(publication: &Publication) -> String {
    let activity = match publication.activity {
        Activity::Online => 'o',
        Activity::Away => 'a',
    };
    format!("{activity}{}", publication.since.as_millis())
}

/// Returns one reading for each user.
pub(crate) fn readings(answer: &Answer) -> Vec<Reading> {
    let (is_complete, users, gateways) = answer;
    let leases = gateways.iter().filter_map(lease).collect();
    let devices = |fields: &Vec<Vec<u8>>| {
        fields.chunks_exact(2).filter_map(|pair| device(&pair[0], &pair[1], &leases)).collect()
    };
    users
        .iter()
        .map(|fields| Reading { devices: devices(fields), is_complete: *is_complete })
        .collect()
}

fn lease((gateway, is_alive, renewed): &(String, bool, String)) -> Option<(GatewayId, Lease)> {
    let renewed_at = renewed.parse().ok().map(Timestamp::from_millis);
    let lease = if *is_alive { Lease::Alive } else { Lease::Ended { renewed_at } };
    Some((gateway.parse().ok()?, lease))
}

fn device(field: &[u8], value: &[u8], leases: &HashMap<GatewayId, Lease>) -> Option<Device> {
    let (gateway, login) = str::from_utf8(field).ok()?.split_once(':')?;
    let (gateway, login) = (gateway.parse().ok()?, login.parse::<LoginId>().ok()?);
    let (activity, since) = str::from_utf8(value).ok()?.split_at_checked(1)?;
    let activity = match activity {
        "o" => Activity::Online,
        "a" => Activity::Away,
        _ => return None,
    };
    let since = Timestamp::from_millis(since.parse().ok()?);
    let lease = leases.get(&gateway).copied().unwrap_or(Lease::Ended { renewed_at: None });
    Some(Device { gateway, login, activity, since, lease })
}

#[cfg(test)]
mod tests {
    use chat_core::{id::UserId, model::Identity};
    use proptest::prelude::*;

    use super::*;

    fn id(number: u64) -> GatewayId {
        GatewayId::new(number).unwrap()
    }

    fn answer(fields: &[(&str, &str)]) -> Answer {
        let fields = fields.iter().flat_map(|(field, value)| [field.as_bytes(), value.as_bytes()]);
        let gateways = vec![
            ("1".to_owned(), true, "50".to_owned()),
            ("2".to_owned(), false, "60".to_owned()),
            ("3".to_owned(), false, String::new()),
            ("x".to_owned(), true, "garbage".to_owned()),
        ];
        (true, vec![fields.map(<[u8]>::to_vec).collect(), vec![]], gateways)
    }

    #[test]
    fn device_is_read_as_written_with_its_lease() {
        let device = Identity { user: UserId::new(7).unwrap(), login: LoginId::new(8).unwrap() };
        for (activity, since) in [(Activity::Online, 5), (Activity::Away, -5)] {
            let since = Timestamp::from_millis(since);
            let value = value(&Publication { device, activity, since });
            let fields = ["1:8", "2:8", "3:8", "4:8"].map(|field| (field, value.as_str()));
            let readings = readings(&answer(&fields));
            let renewed_at = Some(Timestamp::from_millis(60));
            let leases = [
                Lease::Alive,
                Lease::Ended { renewed_at },
                Lease::Ended { renewed_at: None },
                Lease::Ended { renewed_at: None },
            ];
            let expected = (1..).zip(leases).map(|(gateway, lease)| Device {
                gateway: id(gateway),
                login: device.login,
                activity,
                since,
                lease,
            });
            assert_eq!(readings[0].devices, expected.collect::<Vec<_>>());
            assert_eq!(readings[1], Reading { devices: vec![], is_complete: true });
        }
    }

    #[test]
    fn malformed_fields_are_ignored() {
        for field in ["", "1", "1:", ":8", "0:8", "1:8:9", "x:8", "1:0", "1:9223372036854775808"] {
            assert!(readings(&answer(&[(field, "o5")]))[0].devices.is_empty(), "{field}");
        }
        for value in ["", "o", "5", "x5", "o5x", "é5", "o99999999999999999999"] {
            assert!(readings(&answer(&[("1:8", value)]))[0].devices.is_empty(), "{value}");
        }
        assert_eq!(readings(&answer(&[("1:8", "?"), ("1:9", "o5")]))[0].devices.len(), 1);
    }

    proptest! {
        #[test]
        fn readings_do_not_panic_on_garbage(
            fields in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..12), 0..9),
        ) {
            let read = readings(&(false, vec![fields], vec![]));
            prop_assert_eq!(read.len(), 1);
        }
    }
}
