//! What every request and every socket has at hand.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use chat_core::{
    accounts::Registry,
    chat::Chat,
    command::{Command, Reply},
    error::ChatError,
    id::{ConversationId, UserId},
    model::{Identity, Seq},
    time::{Clock, Timestamp},
};
use presence::{Acquaintances, Tracker};
use tokio::time::Instant;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    admission::Admission,
    error::chance,
    health::Health,
    origin::Origin,
    poll::WaitingPolls,
    protocol::{
        hello::{Limits, Welcome},
        millis,
        value::{Cursors, Id, Time},
    },
    tokens::{Issued, Tokens, Verified},
    ws::wheel::Wheel,
};

/// After a drain's notice, clients come back no sooner than this; up to [`RECONNECT_SPREAD`] is
/// added by chance.
const RECONNECT_AFTER: Duration = Duration::from_millis(500);
/// Over this time clients come back.
const RECONNECT_SPREAD: Duration = Duration::from_millis(2_500);

/// How often the server pings a socket.
pub const HEARTBEAT: Duration = Duration::from_secs(25);

/// What every request and every socket has at hand.
#[derive(Debug)]
pub struct App {
    /// The one door to conversations.
    pub chat: Arc<Chat>,
    /// People and their logins.
    pub accounts: Registry,
    /// Who is here.
    pub presence: Tracker,
    /// Who may do how much.
    pub limits: Admission,
    /// Browser origins besides the listener's own.
    pub origins: Vec<Origin>,
    /// The long polls that are waiting.
    pub polls: WaitingPolls,
    /// The one timer of all sockets.
    pub wheel: Arc<Wheel>,
    /// Time and ids.
    pub clock: Arc<dyn Clock>,
    /// How the process and what it depends on are.
    pub health: Health,
    /// Sockets and whatever else a drain waits for.
    pub tasks: TaskTracker,
    /// Cancelled when the gateway begins to drain: nothing new, and what waits comes to its end.
    pub draining: CancellationToken,
    /// Access tokens: [`Self::verify`] and [`Self::issue`].
    pub(crate) tokens: Tokens,
}

impl App {
    /// Who stands behind an access token; tokens of an ended login are refused.
    pub fn verify(&self, token: &str) -> Result<Verified, ChatError> {
        let verified = self.tokens.verify(token)?;
        if self.chat.is_revoked(verified.identity.login) {
            return Err(ChatError::Unauthenticated("the login has ended"));
        }
        Ok(verified)
    }

    /// An access token for this identity.
    pub fn issue(&self, identity: Identity) -> Result<Issued, ChatError> {
        self.tokens.issue(identity)
    }

    /// Does what an identity asks, if it may ask so much.
    pub async fn execute(&self, identity: Identity, command: Command) -> Result<Reply, ChatError> {
        self.limits.admit(identity, &command).await?;
        self.chat.execute(identity, command).await
    }

    /// Does this to its end, also where nobody waits for it any more: a client may go in the middle
    /// of what takes several steps.
    pub async fn to_the_end<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Result<T, ChatError> {
        match self.tasks.spawn(work).await {
            Ok(done) => Ok(done),
            Err(ended) => match ended.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                Err(_) => Err(ChatError::Internal),
            },
        }
    }

    /// The reply to `hello`.
    pub fn welcome<'a>(
        &self,
        identity: Identity,
        heads: &'a [(ConversationId, Seq)],
    ) -> Welcome<'a> {
        Welcome {
            user: Id(identity.user),
            session: Id(identity.login),
            heartbeat_ms: millis(HEARTBEAT),
            limits: Limits::new(self.limits.shown()),
            server_time: Time(self.clock.now()),
            resume: Cursors(heads),
        }
    }

    /// When it will be so late, for timers.
    pub fn instant_at(&self, at: Timestamp) -> Instant {
        Instant::now() + at.since(self.clock.now())
    }

    /// When a client of a draining gateway is to come back: each at its own time.
    pub fn reconnect_after_ms(&self) -> u64 {
        millis(RECONNECT_AFTER + RECONNECT_SPREAD.mul_f64(chance()))
    }
}

/// People may see those with whom they share a conversation.
#[derive(Debug)]
pub(crate) struct SharedConversations(pub(crate) Arc<Chat>);

#[async_trait]
impl Acquaintances for SharedConversations {
    async fn may_see(&self, watcher: UserId, users: &[UserId]) -> Vec<bool> {
        match self.0.acquainted(watcher, users).await {
            Ok(known) => known,
            Err(error) => {
                tracing::debug!(%error, "who knows whom is not known now");
                vec![false; users.len()]
            }
        }
    }
}
