//! How hints and subscriptions grow with the gateways of a fleet.
//!
//! A load balancer puts each connection on a gateway at random. A gateway subscribes to the hints of
//! a conversation while at least one of its connections belongs to a member. The simulation counts
//! the same on real gateways (`simulation/tests/fleet_counts/`).

/// Returns on how many of the gateways at least one of `connections` is expected, each of which
/// exists with this probability.
///
/// A gateway is missed by one connection with the probability `1 − share ÷ gateways`, and by all of
/// them with its power. There is at least one connection: below that the power covers too much.
pub fn covered(gateways: f64, connections: f64, share: f64) -> f64 {
    gateways * (1.0 - missed(gateways, connections, share))
}

/// Returns on how many gateways a text's hint is received: on those of the sender's own
/// connections, and of those members' connections that exist with this probability.
pub fn receiving(gateways: f64, own: f64, others: f64, share: f64) -> f64 {
    gateways * (1.0 - missed(gateways, own, 1.0) * missed(gateways, others, share))
}

/// Returns the probability that a gateway has none of these connections.
fn missed(gateways: f64, connections: f64, share: f64) -> f64 {
    (1.0 - share / gateways).powf(connections)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn one_gateway_has_every_connection() {
        assert!((covered(1.0, 7.0, 1.0) - 1.0).abs() < 1e-12);
        assert!((receiving(1.0, 1.0, 7.0, 0.5) - 1.0).abs() < 1e-12);
    }

    #[test]
    fn two_connections_share_one_of_two_gateways_half_of_the_time() {
        assert!((covered(2.0, 2.0, 1.0) - 1.5).abs() < 1e-12);
        assert!((receiving(2.0, 1.0, 1.0, 1.0) - 1.5).abs() < 1e-12);
        // The other member is connected half of the time.
        assert!((receiving(2.0, 1.0, 1.0, 0.5) - 1.25).abs() < 1e-12);
    }

    #[test]
    fn connections_are_alone_when_there_are_many_gateways() {
        assert!((covered(1e9, 20.0, 0.5) - 10.0).abs() < 1e-2);
    }

    proptest! {
        #[test]
        fn more_gateways_and_connections_never_cover_less(
            gateways in 1.0..2_000.0_f64, connections in 1.0..1_000.0_f64, share in 0.0..1.0_f64,
        ) {
            let now = covered(gateways, connections, share);
            prop_assert!(now <= gateways.min(connections * share) + 1e-9);
            prop_assert!(covered(gateways + 1.0, connections, share) >= now - 1e-9);
            prop_assert!(covered(gateways, connections + 1.0, share) >= now - 1e-9);
        }
    }
}
