//! The hub's state as plain data: leases, devices by user, and the same devices by gateway.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    time::Duration,
};

use chat_core::{
    id::{GatewayId, LoginId, UserId},
    model::Identity,
    time::Timestamp,
};

use crate::{
    heartbeats::Heartbeats,
    limits::{DEPART_GRACE, LEASE_TTL, REAP_MAX, RENEWED_AT_TTL},
    model::{Activity, Device, Lease, Reading, logins_of},
    port::{Publication, Renewal, Term},
};

/// `gateway:{id}` with its time to live, and the copy that outlives it.
#[derive(Debug, Clone, Copy)]
struct LeaseRecord {
    ends: Duration,
    renewed: Duration,
    renewed_at: Timestamp,
}

/// `presence:{user}`: each device's activity, and since when it has had it.
type Fields = BTreeMap<(GatewayId, LoginId), (Activity, Timestamp)>;

/// Times are durations since the hub started.
#[derive(Debug)]
pub(super) struct Records {
    heartbeats: Heartbeats,
    leases: HashMap<GatewayId, LeaseRecord>,
    users: HashMap<UserId, Fields>,
    gateways: BTreeMap<GatewayId, BTreeSet<(UserId, LoginId)>>,
}

impl Default for Records {
    fn default() -> Self {
        Self { heartbeats: Heartbeats::from_the_start(Duration::ZERO), ..Self::after_a_loss() }
    }
}

impl Records {
    pub(super) fn after_a_loss() -> Self {
        Self {
            heartbeats: Heartbeats::default(),
            leases: HashMap::new(),
            users: HashMap::new(),
            gateways: BTreeMap::new(),
        }
    }

    pub(super) fn forget_devices(&mut self) {
        self.users.clear();
        self.gateways.clear();
    }

    fn is_alive(&self, gateway: GatewayId, now: Duration) -> bool {
        self.leases.get(&gateway).is_some_and(|lease| now < lease.ends)
    }

    pub(super) fn renew(
        &mut self,
        gateway: GatewayId,
        renewed_at: Timestamp,
        term: Term,
        now: Duration,
    ) -> Renewal {
        self.heartbeats.beat(now);
        if term != Term::First && !self.is_alive(gateway, now) {
            return Renewal::Ended;
        }
        let ttl = if term == Term::Last { DEPART_GRACE } else { LEASE_TTL };
        self.leases.insert(gateway, LeaseRecord { ends: now + ttl, renewed: now, renewed_at });
        Renewal::Alive
    }

    /// Returns true if this changes anything.
    pub(super) fn join(&mut self, gateway: GatewayId, publication: &Publication) -> bool {
        let Identity { user, login } = publication.device;
        let field = (publication.activity, publication.since);
        self.gateways.entry(gateway).or_default().insert((user, login));
        let before = self.users.entry(user).or_default().insert((gateway, login), field);
        before != Some(field)
    }

    /// Returns true if the device was published.
    pub(super) fn leave(&mut self, gateway: GatewayId, device: Identity) -> bool {
        let Identity { user, login } = device;
        let Some(fields) = self.users.get_mut(&user) else { return false };
        let left = fields.remove(&(gateway, login)).is_some();
        if fields.is_empty() {
            self.users.remove(&user);
        }
        if let Some(devices) = self.gateways.get_mut(&gateway) {
            devices.remove(&(user, login));
            if devices.is_empty() {
                self.gateways.remove(&gateway);
            }
        }
        left
    }

    pub(super) fn read(&self, user: UserId, now: Duration) -> Reading {
        let fields = self.users.get(&user).into_iter().flatten();
        let devices = fields.map(|((gateway, login), (activity, since))| Device {
            gateway: *gateway,
            login: *login,
            activity: *activity,
            since: *since,
            lease: self.lease(*gateway, now),
        });
        Reading { devices: devices.collect(), is_complete: self.heartbeats.are_settled(now) }
    }

    fn lease(&self, gateway: GatewayId, now: Duration) -> Lease {
        if self.is_alive(gateway, now) {
            return Lease::Alive;
        }
        Lease::Ended { renewed_at: self.leases.get(&gateway).map(|lease| lease.renewed_at) }
    }

    /// Returns the ended gateways that have devices left, and forgets those that have none.
    pub(super) fn ended(&mut self, now: Duration) -> Vec<GatewayId> {
        self.leases.retain(|gateway, lease| {
            now < lease.ends
                || (self.gateways.contains_key(gateway) && now < lease.renewed + RENEWED_AT_TTL)
        });
        if !self.heartbeats.are_settled(now) {
            return Vec::new();
        }
        self.gateways.keys().copied().filter(|gateway| !self.is_alive(*gateway, now)).collect()
    }

    pub(super) fn reap(
        &mut self,
        gateway: GatewayId,
        stored: &[UserId],
        now: Duration,
    ) -> Vec<UserId> {
        if self.is_alive(gateway, now) || !self.heartbeats.are_settled(now) {
            return Vec::new();
        }
        for user in stored {
            let devices = self.gateways.get(&gateway).map(|d| d.range(logins_of(*user)));
            for (user, login) in devices.into_iter().flatten().copied().collect::<Vec<_>>() {
                self.leave(gateway, Identity { user, login });
            }
        }
        let left = self.gateways.get(&gateway).into_iter().flatten();
        let users: BTreeSet<UserId> = left.map(|(user, _)| *user).collect();
        users.into_iter().take(REAP_MAX).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GATEWAY: GatewayId = GatewayId::new(1).unwrap();

    fn publication() -> Publication {
        Publication {
            device: Identity { user: UserId::new(7).unwrap(), login: LoginId::new(1).unwrap() },
            activity: Activity::Online,
            since: Timestamp::default(),
        }
    }

    #[test]
    fn ended_lease_is_forgotten_when_its_gateway_has_no_devices() {
        let mut records = Records::default();
        records.renew(GATEWAY, Timestamp::default(), Term::First, Duration::ZERO);
        records.ended(LEASE_TTL);
        assert!(records.leases.is_empty());
    }

    #[test]
    fn ended_lease_is_kept_for_a_day_when_its_gateway_has_devices() {
        let mut records = Records::default();
        records.renew(GATEWAY, Timestamp::default(), Term::First, Duration::ZERO);
        records.join(GATEWAY, &publication());
        records.ended(RENEWED_AT_TTL.saturating_sub(Duration::from_nanos(1)));
        assert_eq!(records.leases.len(), 1);
        records.ended(RENEWED_AT_TTL);
        assert!(records.leases.is_empty());
    }
}
