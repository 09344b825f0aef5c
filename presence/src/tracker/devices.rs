//! All devices at this gateway: the records, one ordered queue of deadlines, and what is to be
//! published. Plain data; the tasks round it ask and tell.

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

use super::record::{Now, Published, Record, Step};
use crate::{
    limits::{PUBLISH_MAX, RETRY_AFTER},
    model::{Device, Lease, logins_of},
    port::Publication,
};

type Key = (UserId, LoginId);

/// All devices at this gateway.
#[derive(Debug)]
pub(crate) struct Devices {
    /// The id under which they are published.
    gateway: GatewayId,
    /// Whether its lease has begun.
    begun: bool,
    records: BTreeMap<Key, Record>,
    /// Deadlines, one a device at the most.
    looks: BTreeSet<(Instant, Key)>,
    queue: VecDeque<Key>,
}

/// What is to be done with the leases and the store, at once.
#[derive(Debug, Default)]
pub(crate) struct Work {
    pub(crate) joins: Vec<Publication>,
    /// Devices that have gone, and when.
    pub(crate) seen: Vec<(UserId, Timestamp)>,
    pub(crate) leaves: Vec<Identity>,
    /// Devices that have gone before they were published.
    pub(crate) gone: Vec<Identity>,
}

impl Work {
    pub(crate) const fn is_empty(&self) -> bool {
        self.joins.is_empty() && self.leaves.is_empty() && self.gone.is_empty()
    }
}

impl Devices {
    pub(crate) const fn new(gateway: GatewayId) -> Self {
        Self {
            gateway,
            begun: false,
            records: BTreeMap::new(),
            looks: BTreeSet::new(),
            queue: VecDeque::new(),
        }
    }

    /// Changes the device's record, which begins with its first hold; says whether something is to
    /// be published.
    pub(crate) fn change(
        &mut self,
        device: Identity,
        now: Now,
        change: impl FnOnce(&mut Record),
    ) -> bool {
        let key = (device.user, device.login);
        change(self.records.entry(key).or_insert_with(|| Record::new(now)));
        self.look(key, now)
    }

    /// Looks at a device: queues what is to be done, and sets the next deadline.
    fn look(&mut self, key: Key, now: Now) -> bool {
        let Some(record) = self.records.get_mut(&key) else { return false };
        if record.step(now) != Step::Idle && !record.queued {
            record.queued = true;
            self.queue.push_back(key);
        }
        let due = record.due(now.instant);
        if record.look_at != due {
            move_look(&mut self.looks, key, record, due);
        }
        // A deadline that came nearer is for the publisher to know too.
        record.queued || due.is_some()
    }

    /// What is to be done now, at the most [`PUBLISH_MAX`] devices of it, and when to look again.
    pub(crate) fn take(&mut self, now: Now) -> (Work, Option<Instant>) {
        while let Some((_, key)) = self.looks.first().copied().filter(|(at, _)| *at <= now.instant)
        {
            self.looks.pop_first();
            if let Some(record) = self.records.get_mut(&key) {
                record.look_at = None;
            }
            self.look(key, now);
        }
        let mut work = Work::default();
        let (records, begun) = (&mut self.records, self.begun);
        let count = self.queue.len().min(PUBLISH_MAX);
        if begun {
            self.queue.drain(..count).for_each(|key| take_step(records, key, now, &mut work));
        } else {
            // Without a lease nothing can be published, but who goes is still seen.
            self.queue.retain(|key| !take_gone(records, *key, now, &mut work));
        }
        (work, self.looks.first().map(|(at, _)| *at))
    }

    /// These joinings were tried under this gateway id.
    pub(crate) fn joined(
        &mut self,
        gateway: GatewayId,
        joins: &[Publication],
        done: Done,
        now: Now,
    ) {
        for publication in joins {
            let done = done.then(Published::Shows(publication.activity));
            self.tried(gateway, publication.device, done, now);
        }
    }

    /// These leavings were tried under this gateway id.
    pub(crate) fn left(&mut self, gateway: GatewayId, leaves: &[Identity], done: Done, now: Now) {
        for device in leaves {
            self.tried(gateway, *device, done.then(Published::Nothing), now);
        }
    }

    fn tried(&mut self, gateway: GatewayId, device: Identity, left: Published, now: Now) {
        let key = (device.user, device.login);
        let Some(record) = self.records.get_mut(&key) else { return };
        // What was written under a former id says nothing about the present one.
        if gateway == self.gateway {
            record.published = left;
        }
        if record.published == Published::Anything {
            let retry = now.instant + RETRY_AFTER;
            let due = record.due(now.instant).map_or(retry, |due| due.min(retry));
            move_look(&mut self.looks, key, record, Some(due));
        } else {
            self.settle(key, now);
        }
    }

    /// Forgets a device that has gone and of which nothing is published; otherwise looks at it.
    fn settle(&mut self, key: Key, now: Now) {
        let Some(record) = self.records.get_mut(&key) else { return };
        let gone = matches!(record.step(now), Step::Leave { seen_kept: true, .. });
        if gone && record.published == Published::Nothing && !record.queued {
            move_look(&mut self.looks, key, record, None);
            self.records.remove(&key);
        } else {
            self.look(key, now);
        }
    }

    /// The id under which devices are published.
    pub(crate) const fn gateway(&self) -> GatewayId {
        self.gateway
    }

    /// The gateway's lease has begun.
    pub(crate) const fn begin(&mut self) {
        self.begun = true;
    }

    /// The lease has ended, and with it all that was published: it goes on under a fresh id, and
    /// each device is published again after its `delay`.
    pub(crate) fn begin_again(
        &mut self,
        fresh: GatewayId,
        now: Instant,
        delay: impl Fn() -> Duration,
    ) {
        self.gateway = fresh;
        self.begun = false;
        self.publish_again(Published::Nothing, now, delay);
    }

    /// What is published may be lost: each device is published again after its `delay`.
    pub(crate) fn doubt(&mut self, now: Instant, delay: impl Fn() -> Duration) {
        self.publish_again(Published::Anything, now, delay);
    }

    fn publish_again(&mut self, left: Published, now: Instant, delay: impl Fn() -> Duration) {
        self.queue.clear();
        for (key, record) in &mut self.records {
            record.published = left;
            record.queued = false;
            let at = now + delay();
            let due = Some(record.look_at.map_or(at, |look| look.min(at)));
            move_look(&mut self.looks, *key, record, due);
        }
    }

    /// The user's devices that are here, as they will be published.
    pub(crate) fn of_user(&self, user: UserId, now: Instant) -> impl Iterator<Item = Device> {
        self.records.range(logins_of(user)).filter_map(move |((_, login), record)| {
            let (activity, since) = record.here(now)?;
            let (gateway, login) = (self.gateway, *login);
            Some(Device { gateway, login, activity, since, lease: Lease::Lives })
        })
    }

    /// Everybody who is here, with the time until which that is sure.
    pub(crate) fn seen(&self, now: Now) -> Vec<(UserId, Timestamp)> {
        let seen = self.records.iter();
        seen.filter_map(|((user, _), record)| Some((*user, record.seen(now)?))).collect()
    }

    #[cfg(test)]
    pub(crate) fn waiting(&self) -> usize {
        self.looks.len() + self.queue.len()
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.records.len()
    }
}

/// Whether a write has surely succeeded.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Done {
    Surely,
    Perhaps,
}

impl Done {
    const fn then(self, published: Published) -> Published {
        match self {
            Self::Surely => published,
            Self::Perhaps => Published::Anything,
        }
    }
}

fn move_look(
    looks: &mut BTreeSet<(Instant, Key)>,
    key: Key,
    record: &mut Record,
    to: Option<Instant>,
) {
    if let Some(at) = record.look_at {
        looks.remove(&(at, key));
    }
    record.look_at = to;
    looks.extend(to.map(|at| (at, key)));
}

fn take_gone(records: &mut BTreeMap<Key, Record>, key: Key, now: Now, work: &mut Work) -> bool {
    let has_gone = |record: &mut Record| matches!(record.step(now), Step::Leave { .. });
    let gone = records.get_mut(&key).is_none_or(has_gone);
    if gone {
        take_step(records, key, now, work);
    }
    gone
}

fn take_step(records: &mut BTreeMap<Key, Record>, key: Key, now: Now, work: &mut Work) {
    let Some(record) = records.get_mut(&key) else { return };
    record.queued = false;
    let device = Identity { user: key.0, login: key.1 };
    match record.step(now) {
        Step::Idle => {}
        Step::Join { activity, since } => work.joins.push(Publication { device, activity, since }),
        Step::Leave { seen_at, seen_kept } => {
            if !seen_kept {
                record.mark_seen_kept();
                work.seen.push((key.0, seen_at));
            }
            if record.published == Published::Nothing {
                work.gone.push(device);
            } else {
                work.leaves.push(device);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{limits::DEPART_GRACE, model::Activity};

    fn setting() -> (Devices, Identity, GatewayId, GatewayId) {
        let [one, fresh] = [1, 2].map(|id| GatewayId::new(id).unwrap());
        let device = Identity { user: UserId::new(1).unwrap(), login: LoginId::new(1).unwrap() };
        let mut devices = Devices::new(one);
        devices.begin();
        (devices, device, one, fresh)
    }

    fn now(start: Instant, millis: u64) -> Now {
        let at = Timestamp::from_millis(millis.cast_signed());
        Now { instant: start + Duration::from_millis(millis), at }
    }

    #[test]
    fn write_that_ends_after_its_lease_leaves_the_device_to_be_published_again() {
        let (mut devices, device, one, fresh) = setting();
        let start = Instant::now();
        devices.change(device, now(start, 0), |record| record.arrive(now(start, 0)));
        let (work, _) = devices.take(now(start, 0));
        devices.begin_again(fresh, start, || Duration::from_millis(100));
        devices.joined(one, &work.joins, Done::Surely, now(start, 1));
        assert!(devices.take(now(start, 500)).0.is_empty(), "not before the lease has begun");
        devices.begin();
        let (work, _) = devices.take(now(start, 501));
        assert_eq!(work.joins.len(), 1);
        devices.joined(fresh, &work.joins, Done::Surely, now(start, 502));
        assert_eq!((devices.take(now(start, 9_000)).0.is_empty(), devices.waiting()), (true, 0));
    }

    #[test]
    fn failed_write_is_tried_again_after_a_pause_and_holds_back_nobody() {
        let (mut devices, device, one, _) = setting();
        let start = Instant::now();
        devices.change(device, now(start, 0), |record| record.arrive(now(start, 0)));
        let (work, _) = devices.take(now(start, 0));
        devices.joined(one, &work.joins, Done::Perhaps, now(start, 10));
        let (work, next) = devices.take(now(start, 11));
        assert!(work.is_empty());
        let retry = now(start, 10).instant + RETRY_AFTER;
        assert_eq!(next, Some(retry));
        let (work, _) = devices.take(Now { instant: retry, at: Timestamp::default() });
        assert_eq!(work.joins.len(), 1);
    }

    #[test]
    fn who_goes_without_a_lease_is_seen_and_forgotten() {
        let (mut devices, device, one, _) = setting();
        devices.begun = false;
        let start = Instant::now();
        devices.change(device, now(start, 0), |record| record.arrive(now(start, 0)));
        let depart = |record: &mut Record| {
            record.depart(Activity::Online, Timestamp::from_millis(7), DEPART_GRACE, now(start, 7));
        };
        devices.change(device, now(start, 7), depart);
        let (work, _) = devices.take(now(start, 6_000));
        assert_eq!(work.seen, [(device.user, Timestamp::from_millis(7))]);
        assert_eq!((work.leaves.len(), work.gone.len()), (0, 1));
        devices.left(one, &work.gone, Done::Surely, now(start, 6_000));
        assert_eq!((devices.len(), devices.waiting()), (0, 0));
    }
}
