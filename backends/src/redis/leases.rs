//! The leases of presence: `gateway:{id}` with a time to live on every primary, and each user's
//! devices on the user's primary.
//!
//! A lease is alive on each primary separately. If it has ended on one, its gateway must continue
//! under a fresh id on all of them. A primary that is down does not stop gateways from using the
//! others. A device costs a field of `presence:{user}` and an entry of `devices:{gateway}`, and
//! nothing while it is idle.

mod fields;
mod watch;

use std::sync::Arc;

use async_trait::async_trait;
use chat_core::{
    id::{GatewayId, UserId},
    model::Identity,
    time::Timestamp,
};
use futures_util::future::join_all;
use presence::{
    Change, Leases, LeasesError, Publication, Reading, Renewal, Term,
    limits::{
        ANSWER_WITHIN, DEPART_GRACE, HEARTBEAT_GAP_MAX, LEASE_TTL, REAP_MAX, RENEWED_AT_TTL,
        SETTLE_FOR,
    },
};
use redis::ScriptInvocation;
use tokio::sync::mpsc::Receiver;

#[cfg(feature = "fuzzing")]
pub(crate) use self::fields::readings;
use self::fields::{Answer, value};
pub(super) use self::watch::watch_ended_leases;
use super::{millis, primaries::Primaries, primary::Primary, scripts, topic::Topic};

#[derive(Debug)]
pub(super) struct RedisLeases(pub(super) Arc<Primaries>);

#[async_trait]
impl Leases for RedisLeases {
    async fn renew(
        &self,
        gateway: GatewayId,
        at: Timestamp,
        term: Term,
    ) -> Result<Renewal, LeasesError> {
        let (ttl, must_be_alive) = match term {
            Term::First => (LEASE_TTL, 0),
            Term::Next => (LEASE_TTL, 1),
            Term::Last => (DEPART_GRACE, 1),
        };
        let mut script = scripts::RENEW.prepare_invoke();
        script.arg(gateway.get()).arg(at.as_millis()).arg(millis(ttl)).arg(millis(RENEWED_AT_TTL));
        script.arg(must_be_alive).arg(millis(HEARTBEAT_GAP_MAX));
        let renewals = self.0.all.iter().map(|primary| run::<bool>(primary, &script));
        let renewals = join_all(renewals).await;
        if renewals.contains(&Ok(false)) {
            return Ok(Renewal::Ended);
        }
        // A primary that is down now reports an ended lease when it is up again.
        let any_alive = renewals.into_iter().reduce(Result::or);
        any_alive.map_or(Ok(Renewal::Alive), |renewal| renewal.map(|_| Renewal::Alive))
    }

    async fn join(&self, gateway: GatewayId, devices: &[Publication]) -> Result<(), LeasesError> {
        let groups = self.0.group(devices, |publication| presence_channel(publication.device.user));
        let joins = groups.map(|(primary, devices)| async move {
            let mut script = scripts::JOIN.prepare_invoke();
            script.arg(gateway.get());
            for publication in devices {
                let Identity { user, login } = publication.device;
                script.arg(user.get()).arg(login.get()).arg(value(publication));
            }
            run::<()>(primary, &script).await
        });
        join_all(joins).await.into_iter().collect()
    }

    async fn leave(&self, gateway: GatewayId, devices: &[Identity]) -> Result<(), LeasesError> {
        let groups = self.0.group(devices, |device| presence_channel(device.user));
        let leaves = groups.map(|(primary, devices)| async move {
            let mut script = scripts::LEAVE.prepare_invoke();
            script.arg(gateway.get());
            for Identity { user, login } in devices {
                script.arg(user.get()).arg(login.get());
            }
            run::<()>(primary, &script).await
        });
        join_all(leaves).await.into_iter().collect()
    }

    async fn of_users(&self, users: &[UserId]) -> Vec<Option<Reading>> {
        let groups = self.0.group(users.iter().enumerate(), |(_, user)| presence_channel(**user));
        let reads = groups.map(|(primary, group)| async move {
            let mut script = scripts::READ.prepare_invoke();
            script.arg(millis(HEARTBEAT_GAP_MAX)).arg(millis(SETTLE_FOR));
            for (_, user) in &group {
                script.arg(user.get());
            }
            (group, run::<Answer>(primary, &script).await)
        });
        let mut readings = vec![None; users.len()];
        for (group, answer) in join_all(reads).await {
            match answer {
                Ok(answer) => {
                    for ((index, _), reading) in group.into_iter().zip(fields::readings(&answer)) {
                        readings[index] = Some(reading);
                    }
                }
                Err(error) => tracing::debug!(%error, "presence not read"),
            }
        }
        readings
    }

    async fn reap(
        &self,
        gateway: GatewayId,
        stored: &[UserId],
    ) -> Result<Vec<UserId>, LeasesError> {
        let mut left = Vec::new();
        for primary in &self.0.all {
            // Every primary gets all users: the ring may have assigned them differently before.
            let mut script = scripts::REAP.prepare_invoke();
            script.arg(gateway.get()).arg(millis(HEARTBEAT_GAP_MAX)).arg(millis(SETTLE_FOR));
            script.arg(REAP_MAX.saturating_sub(left.len()));
            for user in stored {
                script.arg(user.get());
            }
            let names: Vec<String> = run(primary, &script).await?;
            left.extend(names.iter().filter_map(|name| name.parse::<UserId>().ok()));
        }
        left.sort_unstable();
        left.dedup();
        Ok(left)
    }

    async fn watch(&self, users: &[UserId]) {
        if let Err(error) = self.0.subscribe(users.iter().copied().map(Topic::Presence)).await {
            tracing::debug!(%error, "watching is retried");
        }
    }

    async fn unwatch(&self, users: &[UserId]) {
        self.0.unsubscribe(users.iter().copied().map(Topic::Presence)).await;
    }

    fn changes(&self) -> Option<Receiver<Change>> {
        self.0.shared.changes.take_receiver()
    }
}

/// Returns the name that decides on which primary a user's devices are: the channel of its changes.
fn presence_channel(user: UserId) -> String {
    Topic::Presence(user).to_string()
}

async fn run<T: redis::FromRedisValue>(
    primary: &Primary,
    script: &ScriptInvocation<'_>,
) -> Result<T, LeasesError> {
    // Slightly less than the timeout of the caller.
    primary.run(script, ANSWER_WITHIN * 9 / 10).await.map_err(LeasesError)
}
