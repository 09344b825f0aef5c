//! Bounds how many requests receive files at the same time, because each holds a chunk in memory.

use std::{collections::HashMap, sync::Arc, time::Duration};

use chat_core::{error::ChatError, id::UserId};
use parking_lot::Mutex;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

/// Requests of one user.
const USER_MAX: usize = 8;
/// When a user with that many may try again.
const USER_RETRY_AFTER: Duration = Duration::from_secs(1);
/// How long a request waits for a place.
const WAIT_MAX: Duration = Duration::from_secs(10);

/// The places of all requests that receive files.
#[derive(Debug)]
pub struct UploadPlaces {
    free: Arc<Semaphore>,
    by_user: Mutex<HashMap<UserId, usize>>,
}

/// A place, until dropped.
#[derive(Debug)]
pub(super) struct UploadPlace {
    _turn: UserTurn,
    _permit: OwnedSemaphorePermit,
}

/// One of the requests that a user may have, until dropped.
#[derive(Debug)]
struct UserTurn {
    places: Arc<UploadPlaces>,
    user: UserId,
}

impl UploadPlaces {
    /// Makes this many places.
    pub fn new(places: usize) -> Arc<Self> {
        Arc::new(Self { free: Arc::new(Semaphore::new(places)), by_user: Mutex::default() })
    }

    /// Takes a place, and waits for one if all are taken. Fails at once if the user has too many.
    pub(super) async fn take(self: &Arc<Self>, user: UserId) -> Result<UploadPlace, ChatError> {
        let turn = self.take_turn(user)?;
        match timeout(WAIT_MAX, Arc::clone(&self.free).acquire_owned()).await {
            Ok(Ok(permit)) => Ok(UploadPlace { _turn: turn, _permit: permit }),
            Ok(Err(_)) => Err(ChatError::Internal),
            Err(_) => Err(ChatError::Unavailable("too many uploads at the same time")),
        }
    }

    fn take_turn(self: &Arc<Self>, user: UserId) -> Result<UserTurn, ChatError> {
        let mut by_user = self.by_user.lock();
        let taken = by_user.entry(user).or_default();
        if *taken >= USER_MAX {
            return Err(ChatError::RateLimited { retry_after: USER_RETRY_AFTER });
        }
        *taken += 1;
        Ok(UserTurn { places: Arc::clone(self), user })
    }
}

impl Drop for UserTurn {
    fn drop(&mut self) {
        let mut by_user = self.places.by_user.lock();
        if let Some(taken) = by_user.get_mut(&self.user) {
            *taken -= 1;
            if *taken == 0 {
                by_user.remove(&self.user);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(id: u64) -> UserId {
        UserId::new(id).unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn one_user_gets_only_a_part_of_the_places() {
        let places = UploadPlaces::new(USER_MAX + 1);
        let mut taken = Vec::new();
        for _ in 0..USER_MAX {
            taken.push(places.take(user(1)).await.unwrap());
        }
        let refused = places.take(user(1)).await.unwrap_err();
        assert_eq!(refused, ChatError::RateLimited { retry_after: USER_RETRY_AFTER });
        let other = places.take(user(2)).await.unwrap();
        let full = places.take(user(3)).await.unwrap_err();
        assert_eq!(full, ChatError::Unavailable("too many uploads at the same time"));
        drop((taken, other));
        assert!(places.take(user(3)).await.is_ok());
        assert!(places.by_user.lock().is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn request_waits_until_a_place_is_free() {
        let places = UploadPlaces::new(1);
        let first = places.take(user(1)).await.unwrap();
        let waiting = places.take(user(2));
        let ended = async {
            tokio::task::yield_now().await;
            drop(first);
        };
        let (second, ()) = tokio::join!(waiting, ended);
        assert!(second.is_ok());
    }
}
