//! The state that all requests and sockets share.

use std::{num::NonZeroU32, sync::Arc, time::Duration};

use async_trait::async_trait;
use chat_core::{
    accounts::{Grant, Registry},
    attachments::Attachments,
    budget::Unread,
    chat::Chat,
    command::{Command, Reply},
    error::ChatError,
    id::{ConversationId, LoginId, UserId},
    model::{Identity, Seq, TokenGeneration},
    session::{Opened, Resume, Session},
    time::{Clock, Timestamp},
};
use presence::{Acquaintances, Tracker};
use tokio::{sync::Semaphore, time::Instant};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    admission::Admission,
    config::PublicUrl,
    error::chance,
    health::Health,
    origin::Origin,
    poll::WaitingPolls,
    protocol::{
        hello::{Limits, Welcome},
        millis,
        value::{Cursors, Id, Time},
    },
    rest::attachments::{LinkSigner, UploadPlaces},
    tokens::{FirstUses, Issued, Tokens, Verified},
    ws::wheel::Wheel,
};

/// Shortest time after which a client of a draining gateway reconnects.
const RECONNECT_AFTER: Duration = Duration::from_millis(500);
/// Random time that is added, so that clients do not reconnect all at once.
const RECONNECT_SPREAD: Duration = Duration::from_millis(2_500);

/// Sessions that are opened at the same time. Others wait, so that thousands that reconnect at once do
/// not delay what clients send.
pub(crate) const OPENINGS_MAX: usize = 32;
/// When a user with too many sessions may try again.
const SESSION_RETRY_AFTER: Duration = Duration::from_secs(5);

/// Interval at which the server pings a socket.
pub const HEARTBEAT: Duration = Duration::from_secs(25);

/// The state that all requests and sockets share.
#[derive(Debug)]
pub struct App {
    /// Conversations: commands and sessions.
    pub chat: Arc<Chat>,
    /// Accounts and their logins.
    pub accounts: Arc<Registry>,
    /// Uploaded files.
    pub attachments: Arc<Attachments>,
    /// Signs links to files.
    pub link_signer: LinkSigner,
    /// The places of requests that receive files.
    pub upload_places: Arc<UploadPlaces>,
    /// Presence of users.
    pub presence: Tracker,
    /// Rate limits.
    pub limits: Admission,
    /// Address under which people reach the page, if it is configured.
    pub public_url: Option<PublicUrl>,
    /// Browser origins that are allowed in addition to the listener's own.
    pub origins: Vec<Origin>,
    /// True if clients connect to the gateway itself over TLS.
    pub serves_tls: bool,
    /// The long polls that are waiting.
    pub polls: WaitingPolls,
    /// The timer wheel that all sockets share.
    pub wheel: Arc<Wheel>,
    /// The bytes that wait for clients to read them.
    pub unread: Arc<Unread>,
    /// One permit for each session that is being opened.
    pub openings: Semaphore,
    /// WebSockets and waiting polls of one user on this gateway.
    pub sessions_per_user: NonZeroU32,
    /// Time and ids.
    pub clock: Arc<dyn Clock>,
    /// Readiness and the condition of dependencies.
    pub health: Health,
    /// Sockets and detached tasks, which a drain waits for.
    pub tasks: TaskTracker,
    /// Cancelled when the gateway starts to drain. Nothing new starts then, and waiting polls end.
    pub draining: CancellationToken,
    /// Access tokens: [`Self::verify`] and [`Self::issue`].
    pub(crate) tokens: Tokens,
    /// The refreshed access tokens that were used here.
    pub(crate) first_uses: Arc<FirstUses>,
}

impl App {
    /// Returns the identity of an access token. Fails if the token is not valid, has expired, or
    /// its login has ended.
    pub fn verify(&self, token: &str) -> Result<Verified, ChatError> {
        let verified = self.tokens.verify(token)?;
        if self.chat.is_revoked(verified.identity.login) {
            return Err(ChatError::Unauthenticated("the login has ended"));
        }
        if let Some(generation) = verified.generation {
            self.record_first_use(verified.identity.login, generation);
        }
        Ok(verified)
    }

    /// Records on a detached task that a refreshed access token was used, unless it was used here
    /// before.
    fn record_first_use(&self, login: LoginId, generation: TokenGeneration) {
        if !self.first_uses.note(login, generation) {
            return;
        }
        let (accounts, uses) = (Arc::clone(&self.accounts), Arc::clone(&self.first_uses));
        self.tasks.spawn(async move {
            if let Err(error) = accounts.mark_used(login, generation).await {
                tracing::debug!(%error, "the use of an access token was not recorded");
                uses.forget(login);
            }
        });
    }

    /// Returns a new access token for a grant.
    pub fn issue(&self, grant: &Grant) -> Result<Issued, ChatError> {
        self.tokens.issue(grant.identity(), grant.generation)
    }

    /// Executes a command within the rate limits.
    pub async fn execute(&self, identity: Identity, command: Command) -> Result<Reply, ChatError> {
        self.admit(identity.user, &command).await?;
        let may_make = matches!(command, Command::OpenDirect { .. });
        let reply = self.chat.execute(identity, command).await?;
        if may_make && matches!(reply, Reply::Made { created: true, .. }) {
            self.limits.charge_addition(identity.user).await;
        } else if let Reply::Conversations { memberships, .. } = &reply {
            self.limits.charge_memberships(identity.user, *memberships).await;
        } else if let Reply::Found { memberships, compared_bytes, .. } = &reply {
            self.limits.charge_memberships(identity.user, *memberships).await;
            self.limits.charge_comparison(identity.user, *compared_bytes).await;
        }
        Ok(reply)
    }

    /// Opens a session within the user's limits. Fails with `RateLimited` if the user has too many.
    pub async fn open_session(
        &self,
        identity: Identity,
        resume: Option<&Resume>,
    ) -> Result<Opened, ChatError> {
        let permit = self.limits.begin_session(identity.user).await?;
        // After the user's own turn, so that one user's sockets do not take the turns of others.
        let _turn = self.openings.acquire().await.map_err(|_| ChatError::Internal)?;
        let open = u32::try_from(self.chat.sessions_of(identity.user)).unwrap_or(u32::MAX);
        if open >= self.sessions_per_user.get() {
            return Err(ChatError::RateLimited { retry_after: SESSION_RETRY_AFTER });
        }
        let opened = Session::open(&self.chat, identity, resume).await?;
        permit.charge(opened.heads.len()).await;
        Ok(opened)
    }

    /// Takes the tokens of a command. Fails with `RateLimited` if a bucket is empty.
    pub async fn admit(&self, user: UserId, command: &Command) -> Result<(), ChatError> {
        self.limits.admit(user, command).await?;
        let Command::Write(write) = command else { return Ok(()) };
        // An outsider is refused later, and takes nothing from the conversation's bucket.
        if self.limits.are_enabled() && self.chat.is_member(write.conversation, user).await {
            self.limits.admit_write_in(write.conversation).await?;
        }
        Ok(())
    }

    /// Runs work of several steps on a detached task, so that it completes even if the client
    /// disconnects. Resumes a panic of the task, and fails with `Internal` if it was cancelled.
    pub async fn run_detached<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Result<T, ChatError> {
        match self.tasks.spawn(work).await {
            Ok(output) => Ok(output),
            Err(failed) => match failed.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                Err(_) => Err(ChatError::Internal),
            },
        }
    }

    /// Returns the reply to `hello`.
    pub fn welcome<'a>(
        &self,
        identity: Identity,
        heads: &'a [(ConversationId, Seq)],
    ) -> Welcome<'a> {
        Welcome {
            user: Id(identity.user),
            session: Id(identity.login),
            heartbeat_ms: millis(HEARTBEAT),
            limits: Limits::new(self.limits.shown(), self.attachments.rules()),
            server_time: Time(self.clock.now()),
            resume: Cursors(heads),
        }
    }

    /// Converts a time of the clock to an instant of tokio's timers.
    pub fn instant_at(&self, at: Timestamp) -> Instant {
        Instant::now() + at.since(self.clock.now())
    }

    /// Returns the time after which a client of a draining gateway reconnects, different for each.
    pub fn reconnect_after_ms(&self) -> u64 {
        millis(RECONNECT_AFTER + RECONNECT_SPREAD.mul_f64(chance()))
    }
}

/// Lets users see the presence of those with whom they share a conversation.
#[derive(Debug)]
pub(crate) struct SharedConversations(pub(crate) Arc<Chat>);

#[async_trait]
impl Acquaintances for SharedConversations {
    async fn may_see(&self, watcher: UserId, users: &[UserId]) -> Vec<bool> {
        match self.0.acquainted(watcher, users).await {
            Ok(known) => known,
            Err(error) => {
                tracing::debug!(%error, "shared conversations could not be read");
                vec![false; users.len()]
            }
        }
    }
}
