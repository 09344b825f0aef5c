//! The one door: a command comes in, a reply goes out, whatever transport spelled it.

mod create;
mod list;
mod moments;
mod rules;
mod upkeep;

use std::{collections::HashSet, sync::Arc};

use futures_util::{StreamExt, TryStreamExt, stream};
use tokio_util::sync::CancellationToken;

use crate::{
    command::{Command, Page, Reply, Write, Written},
    conversation::{appender::Outcome, queue::Submitted},
    directory::Directory,
    error::ChatError,
    event::Event,
    id::{ConversationId, LoginId, UserId},
    limits::READS_AT_ONCE_MAX,
    model::{Identity, Member, Seq},
    outbox::Ending,
    ports::Ports,
    revocations::Revocations,
    view::{EntryView, present},
};

/// Conversations, and everybody who is in them, on one gateway.
#[derive(Debug)]
pub struct Chat {
    pub(crate) ports: Arc<Ports>,
    pub(crate) directory: Directory,
}

impl Chat {
    /// A gateway's chat; its upkeep runs on the ports' tasks until `shutdown`.
    pub fn start(ports: Ports, shutdown: CancellationToken) -> Arc<Self> {
        let chat = Arc::new(Self { ports: Arc::new(ports), directory: Directory::default() });
        upkeep::start(&chat, shutdown);
        chat
    }

    /// Does what the identity asks.
    pub async fn execute(
        self: &Arc<Self>,
        identity: Identity,
        command: Command,
    ) -> Result<Reply, ChatError> {
        match command {
            Command::Write(write) => {
                self.admit(identity.user, &write).await?;
                self.submit(identity, write)?.reply().await
            }
            Command::Receipt { conversation, delivered_seq, read_seq } => {
                self.receipt(identity, conversation, delivered_seq, read_seq).await
            }
            Command::Typing { conversation, on } => self.typing(identity, conversation, on).await,
            Command::History { conversation, page, limit } => {
                self.history(identity, conversation, page, limit).await
            }
            Command::OpenDirect { user } => self.open_direct(identity, user).await,
            Command::CreateGroup { title, members, key } => {
                self.create_group(identity, title, members, key).await
            }
            Command::Conversations { after, limit } => {
                self.conversations(identity, after, limit).await
            }
            Command::Conversation { conversation } => {
                let view = self.view(identity, conversation).await?;
                Ok(Reply::Conversation(Box::new(view)))
            }
            Command::Member { conversation, user } => {
                self.member(identity, conversation, user).await
            }
            Command::Members { conversation, after, limit } => {
                self.members(identity, conversation, after, limit).await
            }
        }
    }

    /// Puts a write in its conversation's queue at once: writes of one caller keep their order.
    pub fn submit(
        self: &Arc<Self>,
        identity: Identity,
        write: Write,
    ) -> Result<PendingReply, ChatError> {
        let write = rules::formed(write)?;
        let conversation = self.directory.open(write.conversation, &self.ports);
        let submitted = conversation.submit(identity.user, write);
        Ok(PendingReply { chat: self.clone(), submitted })
    }

    /// A page of a log, as far as the asker may see it.
    async fn history(
        &self,
        identity: Identity,
        conversation: ConversationId,
        page: Page,
        limit: usize,
    ) -> Result<Reply, ChatError> {
        let member = self.standing(identity, conversation).await?;
        let head_seq = self.head(conversation).await?.seq;
        let floor = member.joined_seq.previous();
        let (after, to) = bounds(page, limit as u64, floor, head_seq);
        let items = self.entries(conversation, after, to, limit).await?;
        self.is_still(member, conversation).await?;
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
        let entries = self.ports.stores.log.read(conversation, after, to, limit).await?;
        Ok(present(&*self.ports.stores.conversations, entries).await?)
    }

    /// The newest seq in the store, which a live conversation is told as well.
    pub(crate) async fn stored_head(&self, conversation: ConversationId) -> Result<Seq, ChatError> {
        let head = self.head(conversation).await?.seq;
        if let Some(live) = self.directory.get(conversation) {
            live.heard_head(head);
        }
        Ok(head)
    }

    async fn head(&self, conversation: ConversationId) -> Result<crate::model::Head, ChatError> {
        let heads = self.ports.stores.log.heads(&[conversation]).await?;
        Ok(heads.into_iter().next().unwrap_or_default())
    }

    /// The asker's standing; who is no member may not even know that there is something.
    async fn standing(
        &self,
        identity: Identity,
        conversation: ConversationId,
    ) -> Result<Member, ChatError> {
        let users = [identity.user];
        let found = self.ports.stores.conversations.standing(conversation, &users).await?;
        found.into_iter().next().flatten().ok_or(ChatError::NotFound("conversation"))
    }

    /// Whether this is the member's standing after what was read for it: then all of that is from
    /// before a removal.
    async fn is_still(
        &self,
        member: Member,
        conversation: ConversationId,
    ) -> Result<(), ChatError> {
        let found = self.ports.stores.conversations.standing(conversation, &[member.user]).await?;
        let standing = found.into_iter().next().flatten();
        // Who was added again sees from there on only.
        let remains = standing.is_some_and(|now| now.joined_seq == member.joined_seq);
        remains.then_some(()).ok_or(ChatError::NotFound("conversation"))
    }

    /// Which of these users share a conversation with the asker; oneself is among friends.
    pub async fn acquainted(
        &self,
        asker: UserId,
        users: &[UserId],
    ) -> Result<Vec<bool>, ChatError> {
        let conversations = &self.ports.stores.conversations;
        let own = conversations.of_user(asker).await?;
        let own: HashSet<ConversationId> = own.into_iter().map(|one| one.conversation).collect();
        let own = &own;
        let known = users.iter().copied().map(|user| async move {
            if user == asker {
                return Ok(true);
            }
            let theirs = conversations.of_user(user).await?;
            Ok(theirs.iter().any(|one| own.contains(&one.conversation)))
        });
        stream::iter(known).buffered(READS_AT_ONCE_MAX).try_collect().await
    }

    /// Whether access tokens of this login are refused.
    pub fn is_revoked(&self, login: LoginId) -> bool {
        self.ports.revoked.contains(login, self.ports.clock.now())
    }

    /// Tells every session to end: the gateway drains.
    pub fn drain(&self) {
        for outbox in self.ports.users.all() {
            outbox.finish(Ending::Draining);
        }
    }

    /// How many sessions are open.
    pub fn sessions(&self) -> usize {
        self.ports.users.count()
    }

    /// Sends an event of the moment to every session of a user on this gateway.
    pub fn tell(&self, user: UserId, event: &Event) {
        let bytes = self.ports.encode.encode(event);
        self.ports.users.each_of(user, |outbox| outbox.offer_moment(&bytes));
    }
}

impl Revocations for Chat {
    /// Refuses the login's access tokens, and ends its sessions on this gateway.
    fn revoked(&self, ended: Identity) {
        self.ports.revoked.insert(ended, self.ports.clock.now());
        self.end_sessions_of(ended);
    }
}

/// A write in its conversation's queue.
#[derive(Debug)]
pub struct PendingReply {
    chat: Arc<Chat>,
    submitted: Submitted,
}

impl PendingReply {
    /// The reply, once the write is durable or refused.
    pub async fn reply(self) -> Result<Reply, ChatError> {
        match self.submitted.outcome().await? {
            Outcome::Nothing => Ok(Reply::Done),
            Outcome::Entry { entry, replayed: false } => {
                Ok(Reply::Written(Written { entry: (*entry).into(), replayed: false }))
            }
            Outcome::Entry { entry, replayed: true } => {
                let views = present(&*self.chat.ports.stores.conversations, vec![*entry]).await?;
                let entry = views.into_iter().next().ok_or(ChatError::Internal)?;
                Ok(Reply::Written(Written { entry, replayed: true }))
            }
        }
    }
}

/// The part `(after, to]` of a log that a page is, between what one may see and the head.
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
