//! Password hashing with argon2id (RFC 9106), on threads that may block.
//!
//! A hash costs 46 MiB and tens of milliseconds. The number of concurrent hashes and of waiting
//! callers is therefore bounded, and further callers are refused. A permit is released when the
//! hashing ends, not when the caller stops waiting for it.

use std::sync::Arc;

use argon2::{
    Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version,
    password_hash::{Error, phc::PasswordHash},
};
use async_trait::async_trait;
use metrics::{gauge, histogram};
use tokio::{sync::Semaphore, task::spawn_blocking, time::Instant};

use crate::port::{PasswordError, Passwords};

/// Memory of a hash in KiB: 46 MiB, the first choice of OWASP's Password Storage Cheat Sheet.
pub const MEMORY_KIB: u32 = 46 * 1024;
/// The number of passes over that memory.
pub const PASSES: u32 = 1;
/// The number of lanes of a hash.
pub const LANES: u32 = 1;

/// A hash to verify against if there is no account, so that it takes as long as with one.
const DUMMY_HASH: &str = "$argon2id$v=19$m=47104,t=1,p=1$N72gk6a9LUDOZKWSo4XMGQ$t+mIZ5372kLnOamQwxUfXD0ST0iUJg9TeVLDjBv8N4g";

/// argon2id behind a bounded number of blocking threads.
#[derive(Debug)]
pub struct Argon2Passwords {
    argon2: Argon2<'static>,
    /// One permit for each caller that hashes or waits.
    admitted: Arc<Semaphore>,
    /// One permit for each caller that hashes.
    workers: Arc<Semaphore>,
}

impl Argon2Passwords {
    /// Makes a hasher that hashes up to `workers` passwords at the same time (usually the number of
    /// cores) while up to `queue_max` callers wait.
    pub fn new(workers: usize, queue_max: usize) -> Result<Self, PasswordError> {
        let params = Params::new(MEMORY_KIB, PASSES, LANES, None).map_err(unusable)?;
        let workers = workers.max(1);
        Ok(Self {
            argon2: Argon2::new(Algorithm::Argon2id, Version::V0x13, params),
            admitted: Arc::new(Semaphore::new(workers.saturating_add(queue_max))),
            workers: Arc::new(Semaphore::new(workers)),
        })
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Argon2<'static>) -> Result<T, PasswordError> + Send + 'static,
    ) -> Result<T, PasswordError> {
        let _measured = PasswordTimer::start();
        let admission =
            Arc::clone(&self.admitted).try_acquire_owned().map_err(|_| PasswordError::Busy)?;
        let worker = Arc::clone(&self.workers).acquire_owned().await.map_err(unusable)?;
        let argon2 = self.argon2.clone();
        let blocking = spawn_blocking(move || {
            let result = work(&argon2);
            drop((admission, worker));
            result
        });
        blocking.await.map_err(unusable)?
    }
}

#[async_trait]
impl Passwords for Argon2Passwords {
    async fn hash(&self, password: &str) -> Result<String, PasswordError> {
        let password = password.to_owned();
        self.run(move |argon2| {
            let hash: PasswordHash = argon2.hash_password(password.as_bytes()).map_err(unusable)?;
            Ok(hash.to_string())
        })
        .await
    }

    async fn verify(&self, password: &str, hash: Option<&str>) -> Result<bool, PasswordError> {
        let password = password.to_owned();
        let has_account = hash.is_some();
        let hash = hash.unwrap_or(DUMMY_HASH).to_owned();
        self.run(move |argon2| match argon2.verify_password(password.as_bytes(), hash.as_str()) {
            Ok(()) => Ok(has_account),
            Err(Error::PasswordInvalid) => Ok(false),
            Err(error) => Err(unusable(error)),
        })
        .await
    }
}

/// Measures the time that a caller waits for a password, and counts it as waiting until dropped.
struct PasswordTimer {
    started: Instant,
}

impl PasswordTimer {
    fn start() -> Self {
        gauge!("confab_passwords_waiting").increment(1.0);
        Self { started: Instant::now() }
    }
}

impl Drop for PasswordTimer {
    fn drop(&mut self) {
        gauge!("confab_passwords_waiting").decrement(1.0);
        histogram!("confab_password_seconds").record(self.started.elapsed());
    }
}

fn unusable(error: impl std::fmt::Display) -> PasswordError {
    tracing::error!(%error, "password hashing failed");
    PasswordError::Unusable
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSWORD: &str = "an example password";

    #[tokio::test]
    async fn password_matches_only_its_own_hash() {
        let passwords = Argon2Passwords::new(2, 8).unwrap();
        let hash = passwords.hash(PASSWORD).await.unwrap();
        assert_ne!(hash, passwords.hash(PASSWORD).await.unwrap(), "salted");
        assert!(passwords.verify(PASSWORD, Some(&hash)).await.unwrap());
        assert!(!passwords.verify("another password", Some(&hash)).await.unwrap());
        assert!(!passwords.verify("", Some(&hash)).await.unwrap());
        let none = passwords.verify(PASSWORD, Some("no hash")).await;
        assert_eq!(none, Err(PasswordError::Unusable));
    }

    #[tokio::test]
    async fn dummy_hash_costs_as_much_as_others_and_never_matches() {
        let passwords = Argon2Passwords::new(1, 0).unwrap();
        let hash = passwords.hash(PASSWORD).await.unwrap();
        let cost = |hash: &str| hash.split('$').take(4).map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(cost(DUMMY_HASH), cost(&hash));
        assert_eq!(DUMMY_HASH.len(), hash.len());
        assert!(
            passwords.verify(PASSWORD, Some(DUMMY_HASH)).await.unwrap(),
            "the hash is well-formed"
        );
        assert!(!passwords.verify(PASSWORD, None).await.unwrap());
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn caller_is_refused_when_the_queue_is_full() {
        let passwords = Argon2Passwords::new(1, 1).unwrap();
        let (one, two, three) =
            tokio::join!(passwords.hash("1"), passwords.hash("2"), passwords.hash("3"));
        assert!(one.is_ok() && two.is_ok());
        assert_eq!(three, Err(PasswordError::Busy));
        assert!(passwords.hash("4").await.is_ok());
    }

    #[tokio::test]
    async fn permit_is_held_until_hashing_ends_when_the_caller_gives_up() {
        let passwords = Argon2Passwords::new(1, 0).unwrap();
        let began = Instant::now();
        passwords.hash("waited for").await.unwrap();
        let cost = began.elapsed();
        let began = Instant::now();
        tokio::select! {
            biased;
            _ = passwords.hash("given up") => unreachable!("hashing takes longer than no time"),
            () = std::future::ready(()) => {}
        }
        assert_eq!(passwords.hash("too soon").await, Err(PasswordError::Busy));
        while passwords.admitted.available_permits() == 0 {
            tokio::task::yield_now().await;
        }
        assert!(began.elapsed() > cost / 4, "{:?} of {cost:?}", began.elapsed());
        assert!(passwords.hash("in time").await.is_ok());
    }
}
