//! All devices at this gateway, as plain data: their states, one ordered set of deadlines, and the
//! queue of devices that need an action.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    time::Duration,
};

use chat_core::{
    id::{GatewayId, LoginId, UserId},
    model::Identity,
    time::Timestamp,
};
use tokio::time::Instant;

use super::device::{Action, DeviceState, Moment, Published};
use crate::{
    limits::{PUBLISH_MAX, RETRY_AFTER},
    model::{Device, Lease, logins_of},
    port::Publication,
};

type Key = (UserId, LoginId);

#[derive(Debug)]
pub(crate) struct Devices {
    /// The id under which they are published.
    gateway: GatewayId,
    /// The lease of that id has begun.
    has_lease: bool,
    by_login: BTreeMap<Key, DeviceState>,
    /// When devices are checked next; at most one deadline a device.
    checks: BTreeSet<(Instant, Key)>,
    queue: VecDeque<Key>,
}

/// What must be written now to the leases and to the store of last seen.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    pub(crate) joins: Vec<Publication>,
    pub(crate) last_seen: Vec<(UserId, Timestamp)>,
    pub(crate) leaves: Vec<Identity>,
    /// Devices that left before they were published: nothing must be taken back.
    pub(crate) unpublished: Vec<Identity>,
}

impl Batch {
    pub(crate) const fn is_empty(&self) -> bool {
        self.joins.is_empty() && self.leaves.is_empty() && self.unpublished.is_empty()
    }
}

impl Devices {
    pub(crate) const fn new(gateway: GatewayId) -> Self {
        Self {
            gateway,
            has_lease: false,
            by_login: BTreeMap::new(),
            checks: BTreeSet::new(),
            queue: VecDeque::new(),
        }
    }

    /// Changes a device, which is created by its first hold. Returns true if the publisher must
    /// look at the queue or at a deadline.
    pub(crate) fn change(
        &mut self,
        device: Identity,
        now: Moment,
        change: impl FnOnce(&mut DeviceState),
    ) -> bool {
        let key = (device.user, device.login);
        change(self.by_login.entry(key).or_insert_with(|| DeviceState::new(now)));
        self.check(key, now)
    }

    /// Queues the device if it needs an action, and sets its next deadline.
    fn check(&mut self, key: Key, now: Moment) -> bool {
        let Some(device) = self.by_login.get_mut(&key) else { return false };
        if device.next_action(now) != Action::None && !device.is_queued {
            device.is_queued = true;
            self.queue.push_back(key);
        }
        let due = device.due(now.instant);
        if device.check_at != due {
            move_check(&mut self.checks, key, device, due);
        }
        device.is_queued || due.is_some()
    }

    /// Takes what must be done now, for at most [`PUBLISH_MAX`] devices, and returns it with the
    /// next deadline.
    pub(crate) fn take_batch(&mut self, now: Moment) -> (Batch, Option<Instant>) {
        while let Some(&(_, key)) = self.checks.first().filter(|(at, _)| *at <= now.instant) {
            self.checks.pop_first();
            if let Some(device) = self.by_login.get_mut(&key) {
                device.check_at = None;
            }
            self.check(key, now);
        }
        let mut batch = Batch::default();
        let devices = &mut self.by_login;
        let taken: VecDeque<Key>;
        if self.has_lease {
            let count = self.queue.len().min(PUBLISH_MAX);
            taken = self.queue.drain(..count).collect();
        } else {
            // Nothing can be published without a lease, but last seen must still be stored.
            let has_left =
                |device: &mut DeviceState| matches!(device.next_action(now), Action::Leave { .. });
            let queue = std::mem::take(&mut self.queue).into_iter();
            (taken, self.queue) = queue.partition(|key| devices.get_mut(key).is_none_or(has_left));
        }
        for key in taken {
            take_action(devices, key, now, &mut batch);
        }
        (batch, self.checks.first().map(|(at, _)| *at))
    }

    /// Notes what is published of these devices after a write under this gateway id. Retries later
    /// if that is unknown. Otherwise forgets devices that have left, and checks the others again.
    pub(crate) fn note_written(
        &mut self,
        gateway: GatewayId,
        written: impl IntoIterator<Item = (Identity, Published)>,
        now: Moment,
    ) {
        for (Identity { user, login }, published) in written {
            let key = (user, login);
            let Some(device) = self.by_login.get_mut(&key) else { continue };
            // A write under an earlier id tells nothing about the current one.
            if gateway == self.gateway {
                device.published = published;
            }
            if device.published == Published::Unknown {
                let retry_at = now.instant + RETRY_AFTER;
                let due = device.due(now.instant).map_or(retry_at, |due| due.min(retry_at));
                move_check(&mut self.checks, key, device, Some(due));
                continue;
            }
            let has_left =
                matches!(device.next_action(now), Action::Leave { is_seen_stored: true, .. });
            if has_left && device.published == Published::Nothing && !device.is_queued {
                move_check(&mut self.checks, key, device, None);
                self.by_login.remove(&key);
            } else {
                self.check(key, now);
            }
        }
    }

    pub(crate) const fn gateway(&self) -> GatewayId {
        self.gateway
    }

    pub(crate) const fn note_lease_begun(&mut self) {
        self.has_lease = true;
    }

    /// Continues under a fresh id after the lease has ended, and everything published with it.
    /// Each device is published again after its `delay`.
    pub(crate) fn restart(&mut self, fresh: GatewayId, now: Instant, delay: impl Fn() -> Duration) {
        self.gateway = fresh;
        self.has_lease = false;
        self.republish(Published::Nothing, now, delay);
    }

    /// Publishes each device again after its `delay`, because what was published may be lost.
    pub(crate) fn republish_all(&mut self, now: Instant, delay: impl Fn() -> Duration) {
        self.republish(Published::Unknown, now, delay);
    }

    fn republish(&mut self, published: Published, now: Instant, delay: impl Fn() -> Duration) {
        self.queue.clear();
        for (key, device) in &mut self.by_login {
            device.published = published;
            device.is_queued = false;
            let at = now + delay();
            let due = Some(device.check_at.map_or(at, |check_at| check_at.min(at)));
            move_check(&mut self.checks, *key, device, due);
        }
    }

    /// Returns the user's present devices as they will be published.
    pub(crate) fn of_user(&self, user: UserId, now: Instant) -> impl Iterator<Item = Device> {
        self.by_login.range(logins_of(user)).filter_map(move |((_, login), device)| {
            let (activity, since) = device.shown(now)?;
            let (gateway, login) = (self.gateway, *login);
            Some(Device { gateway, login, activity, since, lease: Lease::Alive })
        })
    }

    /// Returns all present users, with the time at which they were last certainly present.
    pub(crate) fn last_seen(&self, now: Moment) -> Vec<(UserId, Timestamp)> {
        let devices = self.by_login.iter();
        devices.filter_map(|((user, _), device)| Some((*user, device.last_seen(now)?))).collect()
    }

    #[cfg(test)]
    pub(crate) fn waiting(&self) -> usize {
        self.checks.len() + self.queue.len()
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.by_login.len()
    }
}

fn move_check(
    checks: &mut BTreeSet<(Instant, Key)>,
    key: Key,
    device: &mut DeviceState,
    to: Option<Instant>,
) {
    if let Some(at) = device.check_at {
        checks.remove(&(at, key));
    }
    device.check_at = to;
    checks.extend(to.map(|at| (at, key)));
}

fn take_action(devices: &mut BTreeMap<Key, DeviceState>, key: Key, now: Moment, batch: &mut Batch) {
    let Some(state) = devices.get_mut(&key) else { return };
    state.is_queued = false;
    let device = Identity { user: key.0, login: key.1 };
    match state.next_action(now) {
        Action::None => {}
        Action::Join { activity, since } => {
            batch.joins.push(Publication { device, activity, since });
        }
        Action::Leave { seen_at, is_seen_stored } => {
            if !is_seen_stored {
                state.is_seen_stored = true;
                batch.last_seen.push((key.0, seen_at));
            }
            if state.published == Published::Nothing {
                batch.unpublished.push(device);
            } else {
                batch.leaves.push(device);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{limits::DEPART_GRACE, model::Activity};

    /// Devices with a lease, one device, its gateway's id and a fresh id.
    fn devices_with_lease() -> (Devices, Identity, GatewayId, GatewayId) {
        let [gateway, fresh] = [1, 2].map(|id| GatewayId::new(id).unwrap());
        let device = Identity { user: UserId::new(1).unwrap(), login: LoginId::new(1).unwrap() };
        let mut devices = Devices::new(gateway);
        devices.note_lease_begun();
        (devices, device, gateway, fresh)
    }

    fn moment(start: Instant, millis: u64) -> Moment {
        let at = Timestamp::from_millis(millis.cast_signed());
        Moment { instant: start + Duration::from_millis(millis), at }
    }

    #[test]
    fn device_is_published_again_when_its_lease_ended_meanwhile() {
        let (mut devices, device, gateway, fresh) = devices_with_lease();
        let start = Instant::now();
        devices.change(device, moment(start, 0), |state| state.add_hold(moment(start, 0)));
        devices.take_batch(moment(start, 0));
        devices.restart(fresh, start, || Duration::from_millis(100));
        let online = Published::Activity(Activity::Online);
        devices.note_written(gateway, [(device, online)], moment(start, 1));
        let (batch, _) = devices.take_batch(moment(start, 500));
        assert!(batch.is_empty(), "the new lease has not begun");
        devices.note_lease_begun();
        let (batch, _) = devices.take_batch(moment(start, 501));
        assert_eq!(batch.joins.len(), 1);
        devices.note_written(fresh, [(device, online)], moment(start, 502));
        let (batch, _) = devices.take_batch(moment(start, 9_000));
        assert_eq!((batch.is_empty(), devices.waiting()), (true, 0));
    }

    #[test]
    fn failed_write_is_retried_after_a_pause() {
        let (mut devices, device, gateway, _) = devices_with_lease();
        let start = Instant::now();
        devices.change(device, moment(start, 0), |state| state.add_hold(moment(start, 0)));
        devices.take_batch(moment(start, 0));
        devices.note_written(gateway, [(device, Published::Unknown)], moment(start, 10));
        let (batch, next) = devices.take_batch(moment(start, 11));
        assert!(batch.is_empty());
        let retry_at = moment(start, 10).instant + RETRY_AFTER;
        assert_eq!(next, Some(retry_at));
        let (batch, _) = devices.take_batch(Moment { instant: retry_at, at: Timestamp::default() });
        assert_eq!(batch.joins.len(), 1);
    }

    #[test]
    fn last_seen_is_stored_when_a_device_leaves_without_a_lease() {
        let (mut devices, device, gateway, _) = devices_with_lease();
        devices.has_lease = false;
        let start = Instant::now();
        devices.change(device, moment(start, 0), |state| state.add_hold(moment(start, 0)));
        let seen_at = Timestamp::from_millis(7);
        devices.change(device, moment(start, 7), |state| {
            state.remove_hold(Activity::Online, seen_at, DEPART_GRACE, moment(start, 7));
        });
        let (batch, _) = devices.take_batch(moment(start, 6_000));
        assert_eq!(batch.last_seen, [(device.user, seen_at)]);
        assert_eq!((batch.leaves.len(), batch.unpublished.len()), (0, 1));
        devices.note_written(gateway, [(device, Published::Nothing)], moment(start, 6_000));
        assert_eq!((devices.len(), devices.waiting()), (0, 0));
    }
}
