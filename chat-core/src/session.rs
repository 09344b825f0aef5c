//! One client's dialogue, whatever carries it.
//!
//! A transport opens it with the client's cursors and reads it: a WebSocket until it ends, a long
//! poll once. It holds nothing that those cursors could not build anew on another gateway.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use bytes::Bytes;

use crate::{
    chat::Chat,
    conversation::attach,
    error::{ChatError, StoreError},
    event::Event,
    id::{ConversationId, UserId},
    limits::{PAGE_MAX, RESUME_ENTRIES_MAX, STORE_PAUSE},
    model::{Body, Identity, Member, Membership, Seq},
    outbox::{After, Ending, Lag, Next, Outbox},
    port::Channel,
    view::{EntryView, present},
};

/// The client's cursors: the newest seq it has of each conversation.
pub type Resume = HashMap<ConversationId, Seq>;

/// What a session has for its transport.
#[derive(Debug)]
pub enum Batch {
    /// Events to write, in this order.
    Frames(Vec<Bytes>),
    /// It is over.
    Ended(Ending),
    /// Time to see whether the client still answers.
    Ping,
}

/// One client's dialogue.
#[derive(Debug)]
pub struct Session {
    chat: Arc<Chat>,
    outbox: Arc<Outbox>,
}

/// What a session opens with.
#[derive(Debug)]
pub struct Opened {
    /// The session.
    pub session: Session,
    /// The head of each conversation of the user.
    pub heads: Vec<(ConversationId, Seq)>,
    /// Events to write before all others.
    pub first: Vec<Bytes>,
}

impl Session {
    /// Opens a session after these cursors; without any, from now. Feeds first, the store second:
    /// nothing is missed in between.
    pub async fn open(
        chat: &Arc<Chat>,
        identity: Identity,
        resume: Option<&Resume>,
    ) -> Result<Opened, ChatError> {
        let session = Self { chat: chat.clone(), outbox: Arc::new(Outbox::new(identity)) };
        if !chat.ports.users.add(&session.outbox) {
            chat.follow_user(identity.user).await;
        }
        // Who ends a login looks for its sessions: this one is there from here on.
        if chat.is_revoked(identity.login) {
            return Err(ChatError::Unauthenticated("the login has ended"));
        }
        let memberships = session.memberships().await?;
        let conversations: Vec<_> = memberships.iter().map(|one| one.conversation).collect();
        let told = session.attach(&conversations).await?;
        let (mut heads, mut first) = (Vec::with_capacity(memberships.len()), Vec::new());
        for (membership, head) in memberships.iter().zip(told) {
            let head = session.follow(membership, head, resume, &mut first).await?;
            heads.push((membership.conversation, head));
        }
        let yours = session.confirm(resume, &conversations, &mut first).await?;
        heads.retain(|(conversation, _)| yours.contains(conversation));
        Ok(Opened { session, heads, first })
    }

    async fn memberships(&self) -> Result<Vec<Membership>, StoreError> {
        let user = self.outbox.identity().user;
        self.chat.ports.stores.conversations.of_user(user).await
    }

    /// Looks again whose member the user is: a removal before the session listened is below the
    /// head, where nothing shows it. Tells what is not the user's, or not any more.
    async fn confirm(
        &self,
        resume: Option<&Resume>,
        begun: &[ConversationId],
        first: &mut Vec<Bytes>,
    ) -> Result<HashSet<ConversationId>, ChatError> {
        let yours = self.memberships().await?.iter().map(|one| one.conversation).collect();
        let known: HashSet<_> = resume.into_iter().flat_map(HashMap::keys).chain(begun).collect();
        for conversation in known.into_iter().filter(|one| !HashSet::contains(&yours, *one)) {
            first.push(self.end(*conversation));
        }
        self.outbox.compare(&yours);
        Ok(yours)
    }

    async fn follow(
        &self,
        membership: &Membership,
        mut head: Seq,
        resume: Option<&Resume>,
        first: &mut Vec<Bytes>,
    ) -> Result<Seq, ChatError> {
        let conversation = membership.conversation;
        let cursor = resume.and_then(|cursors| cursors.get(&conversation).copied());
        if cursor.is_some_and(|cursor| cursor > head) {
            // Another gateway may have told more than this one has heard: the store knows.
            head = head.max(self.chat.stored_head(conversation).await?);
        }
        let floor = membership.member.joined_seq.previous();
        let (after, is_new) = match resume {
            None => (head, false),
            Some(_) => match cursor {
                None => (floor, true),
                Some(cursor) if cursor > head => {
                    let gap = Event::Gap { conversation, after_seq: head, head_seq: head };
                    first.push(self.encode(&gap));
                    (head, false)
                }
                Some(cursor) => (cursor.max(floor), false),
            },
        };
        self.outbox.start(conversation, after, head, is_new);
        Ok(head)
    }

    /// Listens to these conversations; their heads.
    async fn attach(&self, conversations: &[ConversationId]) -> Result<Vec<Seq>, ChatError> {
        let Chat { directory, ports, .. } = &*self.chat;
        let mut live = Vec::with_capacity(conversations.len());
        for conversation in conversations {
            let one = directory.open(*conversation, ports);
            if !self.outbox.begin(*conversation) {
                // An attempt before was cancelled.
                one.detach(&self.outbox);
            }
            live.push(one);
        }
        attach(&live, ports, &self.outbox).await
    }

    /// What is next for the client. Waits until there is something. Cancel-safe, but a store read
    /// that is cancelled begins anew: keep the future where commands come in fast.
    pub async fn next_batch(&self) -> Batch {
        loop {
            if self.outbox.take_ping() {
                return Batch::Ping;
            }
            let Some(next) = self.outbox.next() else {
                self.outbox.woken().await;
                continue;
            };
            let turn = match next {
                Next::Frames(frames, after) => {
                    Ok(Some(Batch::Frames(self.followed(frames, after))))
                }
                // Boxed: an idle session must not hold room for a store read.
                Next::Behind(_) | Next::Added(_) | Next::Show(_) | Next::Ended(_) => {
                    Box::pin(self.turn(next)).await
                }
            };
            match turn {
                Ok(Some(batch)) => return batch,
                Ok(None) => {}
                Err(error) => Box::pin(wait_for_store(error)).await,
            }
        }
    }

    /// What is there now, without waiting for more: for a poll that has gathered something.
    pub async fn ready_batch(&self) -> Result<Option<Batch>, ChatError> {
        loop {
            let Some(next) = self.outbox.next() else { return Ok(None) };
            if let Some(batch) = self.turn(next).await? {
                return Ok(Some(batch));
            }
        }
    }

    async fn turn(&self, next: Next) -> Result<Option<Batch>, ChatError> {
        let frames = match next {
            Next::Ended(ending) => return Ok(Some(Batch::Ended(ending))),
            Next::Frames(frames, after) => self.followed(frames, after),
            Next::Behind(lag) => self.read_on(&lag).await?,
            Next::Show(conversation) => {
                let frames = self.shown(conversation).await?;
                self.outbox.shown(conversation);
                frames
            }
            Next::Added(conversation) => {
                let frames = self.join(conversation).await?;
                self.outbox.added(conversation);
                frames
            }
        };
        Ok((!frames.is_empty()).then_some(Batch::Frames(frames)))
    }

    /// How far each conversation has been handed out: the client's cursors from now on.
    pub fn cursors(&self) -> Vec<(ConversationId, Seq)> {
        self.outbox.cursors()
    }

    /// The queue that events for this session go into.
    pub const fn outbox(&self) -> &Arc<Outbox> {
        &self.outbox
    }

    fn encode(&self, event: &Event) -> Bytes {
        self.chat.ports.encode.encode(event)
    }

    /// Live frames, and what follows from them.
    fn followed(
        &self,
        mut frames: Vec<Bytes>,
        after: Vec<(ConversationId, Seq, After)>,
    ) -> Vec<Bytes> {
        for (conversation, seq, after) in after {
            frames.extend(self.act(conversation, seq, after));
        }
        frames
    }

    /// What follows from an entry that has been handed out.
    fn act(&self, conversation: ConversationId, seq: Seq, after: After) -> Option<Bytes> {
        let me = self.outbox.identity().user;
        match after {
            After::Leave(user) if user == me => {
                tracing::debug!(conversation.id = %conversation, %seq, "session left");
                Some(self.leave(conversation))
            }
            After::Show => {
                self.outbox.show(conversation);
                None
            }
            After::ShowTo(user) => {
                if user == me {
                    self.outbox.show(conversation);
                }
                None
            }
            After::Leave(_) | After::Nothing => None,
        }
    }

    /// Ends a conversation, and begins it again if the user has joined it again since.
    fn leave(&self, conversation: ConversationId) -> Bytes {
        let removed = self.end(conversation);
        self.outbox.add(conversation);
        removed
    }

    fn end(&self, conversation: ConversationId) -> Bytes {
        self.outbox.end(conversation);
        if let Some(live) = self.chat.directory.get(conversation) {
            live.detach(&self.outbox);
        }
        self.encode(&Event::Removed { conversation })
    }

    /// The next page of a conversation that is behind.
    async fn read_on(&self, lag: &Lag) -> Result<Vec<Bytes>, ChatError> {
        let mut frames = Vec::new();
        if lag.is_new {
            match self.chat.view(self.outbox.identity(), lag.conversation).await {
                Ok(view) => frames.push(self.encode(&Event::Conversation(Box::new(view)))),
                Err(ChatError::NotFound(_)) => {}
                Err(error) => return Err(error),
            }
        }
        if lag.head.since(lag.after) > RESUME_ENTRIES_MAX {
            self.over_gap(lag, &mut frames).await?;
            return Ok(frames);
        }
        let views = self.page(lag).await?;
        let is_all = views.len() < PAGE_MAX;
        let last = views.last().map_or(lag.after, |view| view.entry.seq);
        let me = self.outbox.identity().user;
        for view in views {
            let (seq, after) = (view.entry.seq, After::of(&view.entry));
            let has_left = matches!(&view.entry.body, Body::Left { user, .. } if *user == me);
            frames.push(self.encode(&Event::Message(view)));
            frames.extend(self.act(lag.conversation, seq, after));
            if has_left {
                return Ok(frames);
            }
        }
        self.outbox.caught_up(lag, last, is_all);
        Ok(frames)
    }

    async fn page(&self, lag: &Lag) -> Result<Vec<EntryView>, StoreError> {
        let stores = &self.chat.ports.stores;
        let entries = stores.log.read(lag.conversation, lag.after, lag.head, PAGE_MAX).await?;
        present(&*stores.conversations, entries).await
    }

    /// Too much is missing: one event stands for it. It may hide that the user has left.
    async fn over_gap(&self, lag: &Lag, frames: &mut Vec<Bytes>) -> Result<(), ChatError> {
        let conversation = lag.conversation;
        let Some(member) = self.standing(conversation).await? else {
            frames.push(self.leave(conversation));
            return Ok(());
        };
        let floor = member.joined_seq.previous();
        if floor > lag.after {
            self.outbox.caught_up(lag, floor, false);
            return Ok(());
        }
        let gap = Event::Gap { conversation, after_seq: lag.after, head_seq: lag.head };
        frames.push(self.encode(&gap));
        self.outbox.caught_up(lag, lag.head, false);
        Ok(())
    }

    /// The user's standing at the head or after it: a store that has seen the head does not show an
    /// older one.
    async fn standing(&self, conversation: ConversationId) -> Result<Option<Member>, ChatError> {
        self.chat.stored_head(conversation).await?;
        let me = self.outbox.identity().user;
        let standing = self.chat.ports.stores.conversations.standing(conversation, &[me]).await?;
        Ok(standing.into_iter().next().flatten())
    }

    async fn shown(&self, conversation: ConversationId) -> Result<Vec<Bytes>, ChatError> {
        match self.chat.view(self.outbox.identity(), conversation).await {
            Ok(view) => Ok(vec![self.encode(&Event::Conversation(Box::new(view)))]),
            Err(ChatError::NotFound(_)) => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }

    /// Begins a conversation that is new to this session, and ends one that is not the user's any
    /// more.
    async fn join(&self, conversation: ConversationId) -> Result<Vec<Bytes>, ChatError> {
        match (self.outbox.follows(conversation), self.standing(conversation).await?) {
            (true, Some(_)) | (false, None) => Ok(Vec::new()),
            (true, None) => {
                let head = self.chat.stored_head(conversation).await?;
                // If the leaving is still to come, it comes with all that is before it.
                let is_past = !self.outbox.read_up_to(conversation, head);
                Ok(is_past.then(|| self.leave(conversation)).into_iter().collect())
            }
            (false, Some(member)) => {
                let head = self.attach(&[conversation]).await?.pop().unwrap_or_default();
                self.outbox.start(conversation, member.joined_seq.previous(), head, true);
                Ok(Vec::new())
            }
        }
    }
}

async fn wait_for_store(error: ChatError) {
    tracing::warn!(%error, "session waits for the store");
    tokio::time::sleep(STORE_PAUSE).await;
}

impl Drop for Session {
    fn drop(&mut self) {
        for conversation in self.outbox.conversations() {
            if let Some(live) = self.chat.directory.get(conversation) {
                live.detach(&self.outbox);
            }
        }
        self.chat.ports.users.remove(&self.outbox);
    }
}

impl Chat {
    /// Hears what other gateways say to this user. Every session waits for that: what it reads next
    /// must not be older.
    async fn follow_user(&self, user: UserId) {
        if let Err(error) = self.ports.bus.subscribe(&[Channel::User(user)]).await {
            tracing::warn!(user.id = %user, %error, "no hints for now");
        }
        self.ports.users.followed(user);
    }
}
