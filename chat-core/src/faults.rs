//! Ports that fail, wait and count as a test tells them to, for the tests of every crate.
//!
//! A test makes one [`Faults`], wraps its ports with it, and steers every call of the wrapped ports
//! through it. Without instructions, a wrapped port behaves like the port inside.

mod bus;
mod consents;
mod conversations;
mod cursors;
mod disturb;
mod gate;
mod log;
mod passwords;
mod people;
mod replies;
mod script;
mod wrap;

use std::{
    fmt,
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
pub use bus::FaultyBus;
pub use disturb::{Disturb, Disturbance};
pub use gate::Gate;
use parking_lot::Mutex;
use script::Scripts;

use crate::{error::StoreError, model::Membership};

/// A method of a port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "each variant is named for the method of its port")]
pub enum Call {
    // Log
    Append,
    Read,
    Heads,
    Find,
    Erase,
    // Conversations
    Create,
    Direct,
    FindDirect,
    Get,
    All,
    OfUser,
    Members,
    Standing,
    Overlays,
    Project,
    // Cursors
    AdvanceCursor,
    CursorsOfUser,
    CursorsOfConversation,
    // Consents
    AdvanceConsent,
    ConsentsOfUser,
    ConsentsOfMembers,
    // Boundaries
    Boundary,
    SetPrivacy,
    SetBlock,
    // Accounts
    ClaimName,
    Users,
    Credentials,
    SetPassword,
    SetProfile,
    SearchNames,
    SearchWords,
    // Logins
    OpenLogin,
    RotateLogin,
    MarkLoginUsed,
    RevokeLogin,
    EndedLogins,
    ListLogins,
    // Replies
    ClaimKey,
    SettleKey,
    ReleaseKey,
    // Bus
    Subscribe,
    Unsubscribe,
    // Passwords
    Hash,
    Verify,
}

impl Call {
    /// Returns true if the call changes the store.
    pub const fn is_write(self) -> bool {
        use Call as C;
        matches!(
            self,
            C::Append
                | C::Erase
                | C::Create
                | C::Direct
                | C::Project
                | C::AdvanceCursor
                | C::AdvanceConsent
                | C::SetPrivacy
                | C::SetBlock
                | C::ClaimName
                | C::SetPassword
                | C::SetProfile
                | C::OpenLogin
                | C::RotateLogin
                | C::MarkLoginUsed
                | C::RevokeLogin
                | C::ClaimKey
                | C::SettleKey
                | C::ReleaseKey
        )
    }
}

/// What happens to a call of a store instead of an ordinary answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The call is not applied and fails with [`StoreError::Unavailable`].
    Unavailable,
    /// The call is applied, and its answer is lost: [`StoreError::Unknown`].
    AnswerLost,
    /// The call is never applied and fails with [`StoreError::Unknown`] after this time.
    RequestLost(Duration),
    /// An append fails with [`StoreError::Unknown`] and is applied just before the next append.
    /// Other calls treat this as [`Fault::AnswerLost`].
    AppliedLate,
}

/// Code of a test that runs within a call.
#[async_trait]
pub trait Hook: Send + Sync + fmt::Debug {
    /// Runs before the port is called, and after the call is counted.
    async fn before(&self, call: Call);
}

/// The instructions of a test to the ports that it wraps.
#[derive(Debug, Default)]
pub struct Faults {
    scripts: Scripts,
    hook: Mutex<Option<Arc<dyn Hook>>>,
    disturb: Mutex<Option<Arc<dyn Disturb>>>,
    memberships: Mutex<Option<Vec<Membership>>>,
    hides_members: AtomicBool,
    answers_in_place: AtomicBool,
}

impl Faults {
    /// Returns instructions that change nothing yet.
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    /// Gives the next calls these faults, one each.
    pub fn fail_next(&self, call: Call, faults: &[Fault]) {
        self.scripts.change(call, |script| script.faults.extend(faults));
    }

    /// Makes the outcome of every `nth` call unknown: the first of them is applied, the second is
    /// not, and so on. Zero ends this.
    pub fn lose_every(&self, call: Call, nth: usize) {
        self.scripts.change(call, |script| script.lose_every = nth);
    }

    /// Makes each call take this long before it reaches the port.
    pub fn delay(&self, call: Call, delay: Duration) {
        self.scripts.change(call, |script| script.delay = delay);
    }

    /// Returns how many calls have begun.
    pub fn count(&self, call: Call) -> usize {
        self.scripts.change(call, |script| script.count)
    }

    /// Returns the gate that calls pass before they reach the port.
    pub fn gate(&self, call: Call) -> Arc<Gate> {
        self.scripts.change(call, |script| script.before.clone())
    }

    /// Returns the gate that calls pass between the port's answer and their caller.
    pub fn gate_after(&self, call: Call) -> Arc<Gate> {
        self.scripts.change(call, |script| script.after.clone())
    }

    /// Puts one gate before all these calls and returns it.
    pub fn share_gate(&self, calls: &[Call]) -> Arc<Gate> {
        let gate = Arc::<Gate>::default();
        for call in calls {
            self.scripts.change(*call, |script| script.before = gate.clone());
        }
        gate
    }

    /// Runs this hook at every call from now on.
    pub fn set_hook(&self, hook: Arc<dyn Hook>) {
        *self.hook.lock() = Some(hook);
    }

    /// Lets this choose what happens to each call from now on.
    pub fn set_disturb(&self, disturb: Arc<dyn Disturb>) {
        *self.disturb.lock() = Some(disturb);
    }

    /// Makes `of_user` return these memberships for every user, as a view that lags behind the log
    /// would; `None` ends this.
    pub fn freeze_memberships(&self, memberships: Option<Vec<Membership>>) {
        *self.memberships.lock() = memberships;
    }

    /// Makes `standing` find no members, as a view that lags behind the log would.
    pub fn hide_members(&self, hides: bool) {
        self.hides_members.store(hides, Ordering::SeqCst);
    }

    /// Lets nothing else run on this thread while a store works on a call. So the threads of a store do not
    /// choose the order of what happens.
    pub fn answer_in_place(&self) {
        self.answers_in_place.store(true, Ordering::SeqCst);
    }

    /// Begins a call and returns what happens to it afterwards.
    async fn begin(&self, call: Call) -> Disturbance {
        let (gate, delay, fault) = self.scripts.change(call, script::Script::begin);
        // Other tasks run between a call and its effect, as they do with a real server.
        tokio::task::yield_now().await;
        let hook = self.hook.lock().clone();
        if let Some(hook) = hook {
            hook.before(call).await;
        }
        gate.pass().await;
        let chosen = self.disturb.lock().as_ref().map(|disturb| disturb.next(call));
        let chosen = chosen.unwrap_or_default();
        let delay = delay + chosen.before;
        if !delay.is_zero() {
            tokio::time::sleep(delay).await;
        }
        Disturbance { fault: fault.or(chosen.fault), ..chosen }
    }

    /// Completes a call that has begun with this disturbance.
    async fn complete<T: Send>(
        &self,
        call: Call,
        disturbance: Disturbance,
        answer: impl Future<Output = Result<T, StoreError>> + Send,
    ) -> Result<T, StoreError> {
        let answer = self.answer(answer);
        match disturbance.fault {
            Some(Fault::Unavailable) => {
                return Err(StoreError::Unavailable("the test refuses the call".to_owned()));
            }
            Some(Fault::RequestLost(after)) => {
                tokio::time::sleep(after).await;
                return Err(StoreError::Unknown("the request was lost".to_owned()));
            }
            Some(Fault::AnswerLost | Fault::AppliedLate) => {
                answer.await?;
                return Err(StoreError::Unknown("the answer was lost".to_owned()));
            }
            None => {}
        }
        let answer = answer.await;
        self.gate_after(call).pass().await;
        if !disturbance.after.is_zero() {
            tokio::time::sleep(disturbance.after).await;
        }
        answer
    }

    /// Waits for the port's own answer.
    async fn answer<T>(&self, answer: impl Future<Output = T> + Send) -> T {
        if self.answers_in_place.load(Ordering::SeqCst) {
            futures_executor::block_on(answer)
        } else {
            answer.await
        }
    }

    async fn run<T: Send>(
        &self,
        call: Call,
        answer: impl Future<Output = Result<T, StoreError>> + Send,
    ) -> Result<T, StoreError> {
        let disturbance = self.begin(call).await;
        self.complete(call, disturbance, answer).await
    }
}
