//! The one entrance to the domain: a command comes in, a reply goes out, whatever the transport.

mod consent;
mod create;
mod ephemeral;
mod invites;
mod list;
mod search;
mod upkeep;
mod visibility;

use std::sync::Arc;

use futures_util::future::BoxFuture;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    budget::{Reserved, Unread},
    command::{Command, Page, Reply, Written},
    consent::ConsentRules,
    context::Context,
    directory::Directory,
    error::ChatError,
    event::Event,
    id::{ConversationId, LoginId, UserId},
    limits::{HISTORY_PAGE_BYTES, UNREAD_RETRY_AFTER},
    log,
    model::{Head, Identity, Member, Seq},
    outbox::Ending,
    planted::{Bug, is_planted},
    port::Stores,
    ports::Ports,
    revocations::{Revocations, RevokedLogins},
    view::{EntryView, present},
    write::{Outcome, Pending},
};

/// The conversations of one gateway, and the sessions that take part in them.
#[derive(Debug)]
pub struct Chat {
    pub(crate) context: Arc<Context>,
    pub(crate) directory: Directory,
}

impl Chat {
    /// Starts a gateway's chat. It refuses access tokens of the `revoked` logins, keeps what clients
    /// have not read within `unread`, asks for consent by these rules, runs its background jobs on `tasks`, and ends them on `shutdown`.
    pub fn start(
        ports: Ports,
        revoked: RevokedLogins,
        unread: Arc<Unread>,
        consent: ConsentRules,
        tasks: TaskTracker,
        shutdown: CancellationToken,
    ) -> Arc<Self> {
        let context = Arc::new(Context::new(ports, revoked, tasks, unread, consent));
        let chat = Arc::new(Self { context, directory: Directory::default() });
        upkeep::start(&chat, shutdown);
        chat
    }

    /// Begins a command, and returns the future of its reply. A write is in its conversation's queue
    /// when this returns: writes of one caller keep their order, and take effect even if the future is
    /// dropped. Every other command runs only while the future is polled.
    pub fn begin(
        self: &Arc<Self>,
        identity: Identity,
        command: Command,
    ) -> BoxFuture<'static, Result<Reply, ChatError>> {
        let chat = self.clone();
        match command {
            Command::Write(write) => {
                let pending = write.validated().map(|write| {
                    let conversation = self.directory.open(write.conversation, &self.context);
                    conversation.appender.begin(identity.user, write)
                });
                Box::pin(async move { chat.written(pending?).await })
            }
            Command::Receipt { conversation, delivered_seq, read_seq } => Box::pin(async move {
                chat.receipt(identity, conversation, delivered_seq, read_seq).await
            }),
            Command::Typing { conversation, on } => {
                Box::pin(async move { chat.typing(identity, conversation, on).await })
            }
            Command::History { conversation, page, limit } => {
                Box::pin(async move { chat.history(identity, conversation, page, limit).await })
            }
            Command::Search { filter, after, limit } => {
                Box::pin(async move { chat.search(identity, filter, after, limit).await })
            }
            Command::OpenDirect { user } => {
                Box::pin(async move { chat.open_direct(identity, user).await })
            }
            Command::CreateGroup { title, members, key } => {
                Box::pin(async move { chat.create_group(identity, title, members, key).await })
            }
            Command::Conversations { state, after, limit } => {
                Box::pin(async move { chat.conversations(identity, state, after, limit).await })
            }
            Command::Accept { conversation } => {
                Box::pin(async move { chat.accept(identity, conversation).await })
            }
            Command::Decline { conversation } => {
                Box::pin(async move { chat.decline(identity, conversation).await })
            }
            Command::AcceptInvite { code, client_id } => {
                Box::pin(async move { chat.accept_invite(identity, code, client_id).await })
            }
            Command::Conversation { conversation } => Box::pin(async move {
                let view = chat.view(identity, conversation).await?;
                Ok(Reply::Conversation(Box::new(view)))
            }),
            Command::Member { conversation, user } => {
                Box::pin(async move { chat.member(identity, conversation, user).await })
            }
            Command::Members { conversation, after, limit } => {
                Box::pin(async move { chat.members(identity, conversation, after, limit).await })
            }
        }
    }

    /// Begins a command and waits for its reply.
    pub async fn execute(
        self: &Arc<Self>,
        identity: Identity,
        command: Command,
    ) -> Result<Reply, ChatError> {
        self.begin(identity, command).await
    }

    async fn written(&self, pending: Pending) -> Result<Reply, ChatError> {
        match pending.outcome().await? {
            Outcome::Unchanged => Ok(Reply::Done),
            Outcome::Entry { entry, replayed: false } => {
                Ok(Reply::Written(Written { entry: (*entry).into(), replayed: false }))
            }
            // A repeat shows the entry in its present state.
            Outcome::Entry { entry, replayed: true } => {
                let views = present(&*self.stores().conversations, vec![*entry]).await?;
                let entry = views.into_iter().next().ok_or(ChatError::Internal)?;
                Ok(Reply::Written(Written { entry, replayed: true }))
            }
        }
    }

    /// Returns a page of a log, as far as the caller may see it.
    async fn history(
        &self,
        identity: Identity,
        conversation: ConversationId,
        page: Page,
        limit: usize,
    ) -> Result<Reply, ChatError> {
        let _permit = self.context.history.acquire().await.map_err(|_| ChatError::Internal)?;
        // Refused before the page is read, which costs more than anything else here.
        let mut page_bytes = Reserved::none(self.context.unread.of(identity.user));
        if !page_bytes.try_add(HISTORY_PAGE_BYTES) {
            return Err(ChatError::RateLimited { retry_after: UNREAD_RETRY_AFTER });
        }
        let member = self.caller_membership(identity, conversation).await?;
        let head_seq = self.head(conversation).await?.seq;
        let is_open = is_planted(Bug::ShowsEarlierHistory);
        let floor = if is_open { Seq::ZERO } else { member.joined_seq.previous() };
        let (after, to) = bounds(page, limit as u64, floor, head_seq);
        let items = within_page_bytes(self.entries(conversation, after, to, limit).await?, page);
        self.recheck_membership(member, conversation).await?;
        Ok(Reply::History { items, head_seq })
    }

    pub(crate) async fn entries(
        &self,
        conversation: ConversationId,
        after: Seq,
        to: Seq,
        limit: usize,
    ) -> Result<Vec<EntryView>, ChatError> {
        if to <= after {
            return Ok(Vec::new());
        }
        let entries = self.stores().log.read(conversation, after, to, limit).await?;
        Ok(present(&*self.stores().conversations, entries).await?)
    }

    /// Returns the store's head. A live feed of the conversation learns it as well.
    pub(crate) async fn stored_head(&self, conversation: ConversationId) -> Result<Seq, ChatError> {
        let head = self.head(conversation).await?.seq;
        if let Some(live) = self.directory.get(conversation) {
            live.feed.learn_head(head);
        }
        Ok(head)
    }

    async fn head(&self, conversation: ConversationId) -> Result<Head, ChatError> {
        Ok(log::head(&*self.stores().log, conversation).await?)
    }

    pub(crate) fn stores(&self) -> &Stores {
        self.context.stores()
    }

    /// Returns true if a user is known to be a member: by a session on this gateway, or by the store.
    pub async fn is_member(&self, conversation: ConversationId, user: UserId) -> bool {
        let mut is_member = false;
        self.context.users.each_session(user, |outbox| is_member |= outbox.follows(conversation));
        is_member || matches!(self.membership(conversation, user).await, Ok(Some(_)))
    }

    /// Returns a user's membership, or `None` for a non-member.
    pub(crate) async fn membership(
        &self,
        conversation: ConversationId,
        user: UserId,
    ) -> Result<Option<Member>, ChatError> {
        let found = self.stores().conversations.standing(conversation, &[user]).await?;
        Ok(found.into_iter().next().flatten())
    }

    /// Returns the caller's membership. Non-members get `NotFound`, which hides that the conversation
    /// exists.
    async fn caller_membership(
        &self,
        identity: Identity,
        conversation: ConversationId,
    ) -> Result<Member, ChatError> {
        let found = self.membership(conversation, identity.user).await?;
        found.ok_or(ChatError::NotFound("conversation"))
    }

    /// Fails with `NotFound` unless the caller still has this membership. Called after reading for
    /// the caller: then everything that was read precedes a removal.
    async fn recheck_membership(
        &self,
        member: Member,
        conversation: ConversationId,
    ) -> Result<(), ChatError> {
        let now = self.membership(conversation, member.user).await?;
        // A member who has joined again may see later entries only.
        let is_same = now.is_some_and(|now| now.joined_seq == member.joined_seq);
        is_same.then_some(()).ok_or(ChatError::NotFound("conversation"))
    }

    /// Returns true if access tokens of this login are refused.
    pub fn is_revoked(&self, login: LoginId) -> bool {
        self.context.revoked.contains(login, self.context.ports.wall_clock.now())
    }

    /// Tells every session that the gateway drains.
    pub fn drain(&self) {
        for outbox in self.context.users.sessions() {
            outbox.finish(Ending::Draining);
        }
    }

    /// Returns how many sessions a user has on this gateway.
    pub fn sessions_of(&self, user: UserId) -> usize {
        let mut count = 0;
        self.context.users.each_session(user, |_| count += 1);
        count
    }

    /// Returns how many sessions are open.
    pub fn sessions(&self) -> usize {
        self.context.users.session_count()
    }

    /// Sends an ephemeral event to every session of a user on this gateway.
    pub fn send_ephemeral(&self, user: UserId, event: &Event) {
        let bytes = self.context.ports.encode.encode(event);
        self.context.users.each_session(user, |outbox| outbox.offer_ephemeral(&bytes));
    }
}

impl Revocations for Chat {
    /// Refuses the login's access tokens from now on, and ends its sessions on this gateway.
    fn revoked(&self, ended: Identity) {
        self.context.revoked.insert(ended, self.context.ports.wall_clock.now());
        self.end_sessions_of(ended);
    }
}

/// Shortens a page to [`HISTORY_PAGE_BYTES`], but not below one entry. What remains has no gap, and
/// is at the end of the page that the caller asked for.
fn within_page_bytes(mut items: Vec<EntryView>, page: Page) -> Vec<EntryView> {
    let mut bytes: usize = items.iter().map(EntryView::wire_bytes).sum();
    let (mut start, mut end) = (0, items.len());
    while bytes > HISTORY_PAGE_BYTES && end - start > 1 {
        let drops_oldest = match page {
            Page::Newest | Page::Before(_) => true,
            Page::After(_) => false,
            Page::Around(seq) => {
                let (oldest, newest) = (items[start].entry.seq, items[end - 1].entry.seq);
                seq.since(oldest) > newest.since(seq)
            }
        };
        if drops_oldest {
            bytes -= items[start].wire_bytes();
            start += 1;
        } else {
            end -= 1;
            bytes -= items[end].wire_bytes();
        }
    }
    items.truncate(end);
    items.drain(..start);
    items
}

/// Returns the range `(after, to]` of a page, between the caller's first visible entry and the head.
fn bounds(page: Page, limit: u64, floor: Seq, head: Seq) -> (Seq, Seq) {
    let back = |to: Seq, count: u64| Seq::new(to.get().saturating_sub(count)).max(floor);
    match page {
        Page::Newest => (back(head, limit), head),
        Page::Before(seq) => {
            let to = seq.previous().min(head);
            (back(to, limit), to)
        }
        Page::After(seq) => {
            let after = seq.max(floor);
            (after, Seq::new(after.get().saturating_add(limit)).min(head))
        }
        Page::Around(seq) => {
            let after = back(seq.previous(), limit / 2);
            (after, Seq::new(seq.previous().get().saturating_add(limit - limit / 2)).min(head))
        }
    }
}
