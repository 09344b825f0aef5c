//! Budgets of bytes that are ready for clients but not sent yet.
//!
//! One client that reads slowly is bounded by its own queue. These budgets bound all clients of a user,
//! and all clients of the gateway, together.

use std::{
    collections::HashMap,
    sync::{
        Arc, Weak,
        atomic::{AtomicUsize, Ordering},
    },
};

use parking_lot::Mutex;

use crate::id::UserId;

/// The part of the gateway's budget that one user may use.
const USER_DIVISOR: usize = 16;
/// Users above which budgets that nobody uses are forgotten.
const PRUNE_USERS_MIN: usize = 1_024;

/// The bytes that wait for the clients of a gateway to read them.
#[derive(Debug)]
pub struct Unread {
    total: Arc<ByteBudget>,
    users: Mutex<UserBudgets>,
}

#[derive(Debug, Default)]
struct UserBudgets {
    by_user: HashMap<UserId, Weak<ByteBudget>>,
    prune_at: usize,
}

impl Unread {
    /// Makes a budget of this many bytes. One user may use a sixteenth of it.
    pub fn new(max: usize) -> Arc<Self> {
        Arc::new(Self { total: ByteBudget::new(max, None), users: Mutex::default() })
    }

    /// Returns the budget of all users together, for answers that belong to nobody.
    pub const fn total(&self) -> &Arc<ByteBudget> {
        &self.total
    }

    /// Returns the budget of a user.
    pub fn of(&self, user: UserId) -> Arc<ByteBudget> {
        let mut users = self.users.lock();
        if let Some(budget) = users.by_user.get(&user).and_then(Weak::upgrade) {
            return budget;
        }
        if users.by_user.len() >= users.prune_at.max(PRUNE_USERS_MIN) {
            users.by_user.retain(|_, budget| budget.strong_count() > 0);
            users.prune_at = 2 * users.by_user.len();
        }
        let budget = ByteBudget::new(self.total.max / USER_DIVISOR, Some(self.total.clone()));
        users.by_user.insert(user, Arc::downgrade(&budget));
        budget
    }
}

/// A budget of bytes, and the larger one that it is a part of.
#[derive(Debug)]
pub struct ByteBudget {
    max: usize,
    used: AtomicUsize,
    whole: Option<Arc<Self>>,
}

impl ByteBudget {
    /// Makes a budget of this many bytes, as a part of another one.
    pub fn new(max: usize, whole: Option<Arc<Self>>) -> Arc<Self> {
        Arc::new(Self { max, used: AtomicUsize::new(0), whole })
    }

    /// Returns how many bytes are in use.
    pub fn used(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }

    fn try_add(&self, bytes: usize) -> bool {
        let add = |used: usize| used.checked_add(bytes).filter(|sum| *sum <= self.max);
        if self.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, add).is_err() {
            return false;
        }
        let is_added = self.whole.as_ref().is_none_or(|whole| whole.try_add(bytes));
        if !is_added {
            self.used.fetch_sub(bytes, Ordering::Relaxed);
        }
        is_added
    }

    fn release(&self, bytes: usize) {
        self.used.fetch_sub(bytes, Ordering::Relaxed);
        if let Some(whole) = &self.whole {
            whole.release(bytes);
        }
    }
}

/// Bytes of a budget that one owner uses, until it is dropped.
#[derive(Debug)]
pub struct Reserved {
    budget: Arc<ByteBudget>,
    bytes: usize,
}

impl Reserved {
    /// Reserves nothing yet.
    pub const fn none(budget: Arc<ByteBudget>) -> Self {
        Self { budget, bytes: 0 }
    }

    /// Returns how many bytes are reserved.
    pub const fn bytes(&self) -> usize {
        self.bytes
    }

    /// Reserves more bytes. Returns false, and reserves nothing, if the budget has too few.
    pub fn try_add(&mut self, bytes: usize) -> bool {
        let is_added = self.budget.try_add(bytes);
        if is_added {
            self.bytes += bytes;
        }
        is_added
    }

    /// Releases some of the bytes.
    pub fn release(&mut self, bytes: usize) {
        let released = bytes.min(self.bytes);
        self.bytes -= released;
        self.budget.release(released);
    }

    /// Returns all bytes as an owner of their own, and keeps none.
    #[must_use]
    pub fn take(&mut self) -> Self {
        Self { budget: self.budget.clone(), bytes: std::mem::take(&mut self.bytes) }
    }
}

impl Drop for Reserved {
    fn drop(&mut self) {
        self.release(self.bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn budget_is_shared_and_given_back() {
        let budget = ByteBudget::new(10, None);
        let (mut one, mut other) = (Reserved::none(budget.clone()), Reserved::none(budget.clone()));
        assert!(one.try_add(6) && other.try_add(4));
        assert!(!one.try_add(1) && one.bytes() == 6);
        other.release(100);
        assert_eq!((other.bytes(), budget.used()), (0, 6));
        let taken = one.take();
        drop(one);
        assert_eq!(budget.used(), 6);
        drop(taken);
        assert_eq!(budget.used(), 0);
        assert!(!other.try_add(usize::MAX) && other.try_add(10));
    }

    #[test]
    fn one_user_cannot_use_the_whole_budget() {
        let unread = Unread::new(160);
        let user = |id| unread.of(UserId::new(id).unwrap());
        let mut greedy = Reserved::none(user(1));
        assert!(greedy.try_add(10));
        assert!(!Reserved::none(user(1)).try_add(1), "another device of the same user");
        assert!(Reserved::none(user(2)).try_add(10));
        let mut all: Vec<_> = (2..17).map(|id| Reserved::none(user(id))).collect();
        assert!(all.iter_mut().all(|one| one.try_add(10)));
        assert!(!Reserved::none(user(17)).try_add(1), "all together have a bound too");
        assert_eq!(user(17).used(), 0);
        drop((greedy, all));
        assert_eq!(unread.total().used(), 0);
    }

    #[test]
    fn budgets_of_users_that_are_gone_are_forgotten() {
        let unread = Unread::new(160);
        for id in 1..10_000 {
            drop(unread.of(UserId::new(id).unwrap()));
        }
        assert!(unread.users.lock().by_user.len() <= PRUNE_USERS_MIN);
    }
}
