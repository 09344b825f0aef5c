//! The hub's state as plain data: leases, fields by user, and the same fields by gateway.

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
    limits::{BURY_MAX, DEPART_GRACE, LEASE_TTL, RENEWED_AT_TTL},
    model::{Activity, Device, Lease, Reading, logins_of},
    port::{Publication, Renewed, Term},
    steady::Steady,
};

/// `gateway:{id}` with its time to live, and the copy that stays.
#[derive(Debug, Clone, Copy)]
struct LeaseRecord {
    ends: Duration,
    renewed: Duration,
    renewed_at: Timestamp,
}

/// `presence:{user}`: what is shown, and since when.
type Fields = BTreeMap<(GatewayId, LoginId), (Activity, Timestamp)>;

/// Times are the hub's own, since it began.
#[derive(Debug)]
pub(super) struct Records {
    steady: Steady,
    leases: HashMap<GatewayId, LeaseRecord>,
    users: HashMap<UserId, Fields>,
    gateways: BTreeMap<GatewayId, BTreeSet<(UserId, LoginId)>>,
}

impl Default for Records {
    fn default() -> Self {
        Self { steady: Steady::from_the_start(Duration::ZERO), ..Self::after_a_loss() }
    }
}

impl Records {
    pub(super) fn after_a_loss() -> Self {
        Self {
            steady: Steady::default(),
            leases: HashMap::new(),
            users: HashMap::new(),
            gateways: BTreeMap::new(),
        }
    }

    pub(super) fn forget_devices(&mut self) {
        self.users.clear();
        self.gateways.clear();
    }

    fn lives(&self, gateway: GatewayId, now: Duration) -> bool {
        self.leases.get(&gateway).is_some_and(|lease| now < lease.ends)
    }

    pub(super) fn renew(
        &mut self,
        gateway: GatewayId,
        renewed_at: Timestamp,
        term: Term,
        now: Duration,
    ) -> Renewed {
        self.steady.beat(now);
        if term != Term::First && !self.lives(gateway, now) {
            return Renewed::Ended;
        }
        let ttl = if term == Term::Last { DEPART_GRACE } else { LEASE_TTL };
        self.leases.insert(gateway, LeaseRecord { ends: now + ttl, renewed: now, renewed_at });
        Renewed::Lives
    }

    /// Says whether that is new.
    pub(super) fn join(&mut self, gateway: GatewayId, publication: &Publication) -> bool {
        let Identity { user, login } = publication.device;
        let field = (publication.activity, publication.since);
        self.gateways.entry(gateway).or_default().insert((user, login));
        let before = self.users.entry(user).or_default().insert((gateway, login), field);
        before != Some(field)
    }

    /// Says whether there was one.
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
        Reading { devices: devices.collect(), whole: self.steady.is_whole(now) }
    }

    fn lease(&self, gateway: GatewayId, now: Duration) -> Lease {
        match self.leases.get(&gateway) {
            Some(lease) if now < lease.ends => Lease::Lives,
            lease => Lease::Ended { renewed_at: lease.map(|lease| lease.renewed_at) },
        }
    }

    /// The gateways that have ended and left devices; those that left none are forgotten.
    pub(super) fn ended(&mut self, now: Duration) -> Vec<GatewayId> {
        self.leases.retain(|gateway, lease| {
            now < lease.ends
                || (self.gateways.contains_key(gateway) && now < lease.renewed + RENEWED_AT_TTL)
        });
        if !self.steady.is_whole(now) {
            return Vec::new();
        }
        self.gateways.keys().copied().filter(|gateway| !self.lives(*gateway, now)).collect()
    }

    pub(super) fn bury(
        &mut self,
        gateway: GatewayId,
        kept: &[UserId],
        now: Duration,
    ) -> Vec<UserId> {
        if self.lives(gateway, now) || !self.steady.is_whole(now) {
            return Vec::new();
        }
        for user in kept {
            let devices = self.gateways.get(&gateway).map(|d| d.range(logins_of(*user)));
            for (user, login) in devices.into_iter().flatten().copied().collect::<Vec<_>>() {
                self.leave(gateway, Identity { user, login });
            }
        }
        let left = self.gateways.get(&gateway).into_iter().flatten();
        let users: BTreeSet<UserId> = left.map(|(user, _)| *user).collect();
        users.into_iter().take(BURY_MAX).collect()
    }
}
