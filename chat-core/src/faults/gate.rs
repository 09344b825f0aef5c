//! A gate that stops calls until a test lets them pass.

use tokio::sync::Semaphore;

/// More calls than any test makes.
const OPEN: usize = 1 << 20;

/// A gate that calls pass one by one. It is open until a test closes it.
#[derive(Debug)]
pub struct Gate(Semaphore);

impl Default for Gate {
    fn default() -> Self {
        Self(Semaphore::new(OPEN))
    }
}

impl Gate {
    /// Lets this many more calls pass and stops all others.
    pub fn close_after(&self, calls: usize) {
        self.0.forget_permits(self.0.available_permits());
        self.let_pass(calls);
    }

    /// Stops all calls.
    pub fn close(&self) {
        self.close_after(0);
    }

    /// Lets this many calls pass through a closed gate, waiting ones first.
    pub fn let_pass(&self, calls: usize) {
        self.0.add_permits(calls);
    }

    /// Lets all calls pass.
    pub fn open(&self) {
        self.0.add_permits(OPEN);
    }

    /// Waits until the gate lets this call pass.
    pub(super) async fn pass(&self) {
        if let Ok(permit) = self.0.acquire().await {
            permit.forget();
        }
    }
}
