//! The ports in memory: the executable specification, which a single gateway also runs on.

mod last_seen;
mod leases;

pub use last_seen::MemoryLastSeen;
pub use leases::{LeaseHub, MemoryLeases};

#[cfg(test)]
mod tests {
    #![expect(clippy::unused_async, reason = "other backends open asynchronously")]

    use std::sync::Arc;

    use chat_core::{
        id::{GatewayId, LoginId, UserId},
        model::Identity,
        time::Timestamp,
    };
    use tokio_util::{
        sync::{CancellationToken, DropGuard},
        task::TaskTracker,
    };

    use super::*;
    use crate::{
        limits::{CHANGES_MAX, LEASE_TTL},
        model::Activity,
        port::{Change, LastSeen, Leases, Publication, Renewal, Term},
    };

    async fn open() -> (DropGuard, Vec<Arc<dyn Leases>>) {
        tokio::time::pause();
        let stop = CancellationToken::new();
        let hub = LeaseHub::start(&TaskTracker::new(), stop.clone());
        (stop.drop_guard(), (0..2).map(|_| Arc::new(hub.leases()) as Arc<dyn Leases>).collect())
    }

    async fn open_last_seen() -> ((), Arc<dyn LastSeen>) {
        ((), Arc::new(MemoryLastSeen::default()))
    }

    fn user() -> UserId {
        UserId::new(7).unwrap()
    }

    /// Changes the user's device once for each time.
    async fn change(leases: &MemoryLeases, times: std::ops::Range<usize>) {
        for time in times {
            let publication = Publication {
                device: Identity { user: user(), login: LoginId::new(1).unwrap() },
                activity: Activity::Online,
                since: Timestamp::from_millis(i64::try_from(time).unwrap()),
            };
            leases.join(GatewayId::new(1).unwrap(), &[publication]).await.unwrap();
        }
    }

    #[tokio::test]
    async fn changes_without_room_become_one_lost() {
        let hub = LeaseHub::start(&TaskTracker::new(), CancellationToken::new());
        let (one, other) = (hub.leases(), hub.leases());
        let mut changes = other.changes().unwrap();
        other.watch(&[user()]).await;
        change(&one, 0..CHANGES_MAX + 5).await;
        for _ in 0..CHANGES_MAX {
            assert_eq!(changes.try_recv(), Ok(Change::User(user())));
        }
        assert!(changes.is_empty());
        change(&one, CHANGES_MAX + 5..CHANGES_MAX + 6).await;
        assert_eq!(changes.try_recv(), Ok(Change::Lost));
        assert_eq!(changes.try_recv(), Ok(Change::User(user())));
        assert!(changes.is_empty());
    }

    #[tokio::test]
    async fn gateway_receives_only_losses_when_it_is_cut_off() {
        let hub = LeaseHub::start(&TaskTracker::new(), CancellationToken::new());
        let (one, other) = (hub.leases(), hub.leases());
        let mut changes = other.changes().unwrap();
        other.watch(&[user()]).await;
        other.disconnect();
        assert_eq!(changes.try_recv(), Ok(Change::Lost));
        change(&one, 0..3).await;
        assert!(changes.is_empty());
        other.reconnect();
        assert_eq!(changes.try_recv(), Ok(Change::Lost));
    }

    #[tokio::test(start_paused = true)]
    async fn lease_has_ended_when_its_time_is_up() {
        let leases = LeaseHub::start(&TaskTracker::new(), CancellationToken::new()).leases();
        let renew = |term| leases.renew(GatewayId::new(1).unwrap(), Timestamp::default(), term);
        assert_eq!(renew(Term::First).await, Ok(Renewal::Alive));
        tokio::time::advance(LEASE_TTL).await;
        assert_eq!(renew(Term::Next).await, Ok(Renewal::Ended));
    }

    crate::leases_contract!(open);
    crate::last_seen_contract!(open_last_seen);
}
