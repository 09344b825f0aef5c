//! One client's dialogue with the gateway, over any transport.
//!
//! A transport opens it with the client's cursors and reads it: a WebSocket until it ends, a long
//! poll once. A session holds nothing that those cursors could not rebuild on another gateway.

mod membership;

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use bytes::Bytes;

use crate::{
    chat::Chat,
    consent::Standing,
    error::{ChatError, StoreError},
    event::Event,
    feed,
    id::{ConversationId, UserId},
    limits::{PAGE_MAX, RESUME_ENTRIES_MAX, RESUME_PAGE_BYTES, STORE_PAUSE},
    model::{Body, Identity, Membership, MembershipState, Seq},
    outbox::{Ending, FollowUp, Lag, Next, Outbox},
    planted::{Bug, is_planted},
    port::Channel,
    view::present,
};

/// The client's cursors: the newest seq that it has of each conversation.
pub type Resume = HashMap<ConversationId, Seq>;

/// What a session has for its transport.
#[derive(Debug)]
pub enum Batch {
    /// Events to send, in this order.
    Frames(Vec<Bytes>),
    /// The session has ended.
    Ended(Ending),
    /// It is time to check the transport: whether the client still answers, and whether something is
    /// left to send.
    Ping,
}

/// One client's dialogue with the gateway.
#[derive(Debug)]
pub struct Session {
    chat: Arc<Chat>,
    outbox: Arc<Outbox>,
}

/// A session that has just been opened.
#[derive(Debug)]
pub struct Opened {
    /// The session.
    pub session: Session,
    /// The head of each of the user's conversations.
    pub heads: Vec<(ConversationId, Seq)>,
    /// Events to send first.
    pub first: Vec<Bytes>,
}

impl Session {
    /// Opens a session that continues after these cursors, or from now on without them. Fails
    /// with `Unauthenticated` if the login has ended. Attaches to the feeds before it reads the
    /// store, so that nothing in between is missed.
    pub async fn open(
        chat: &Arc<Chat>,
        identity: Identity,
        resume: Option<&Resume>,
    ) -> Result<Opened, ChatError> {
        let session = Self {
            chat: chat.clone(),
            outbox: Arc::new(Outbox::new(identity, &chat.context.unread.of(identity.user))),
        };
        if !chat.context.users.add(&session.outbox) {
            chat.subscribe_user(identity.user).await;
        }
        // A login that ends from here on finds this session and ends it.
        if chat.is_revoked(identity.login) {
            return Err(ChatError::Unauthenticated("the login has ended"));
        }
        let boundary = chat.context.boundary(identity.user).await?;
        session.outbox.show_reads(boundary.privacy.read_receipts);
        let (standings, declined) = session.standings().await?;
        let conversations: Vec<_> =
            standings.iter().map(|one| one.membership.conversation).collect();
        let feed_heads = session.attach(&conversations).await?;
        let mut heads = Vec::with_capacity(standings.len());
        let mut hidden = HashSet::new();
        let mut first = Vec::new();
        for (standing, head) in standings.iter().zip(feed_heads) {
            let conversation = standing.membership.conversation;
            if standing.is_hidden(head) {
                session.outbox.start_hidden(conversation, head);
                hidden.insert(conversation);
                continue;
            }
            let head = session.start(standing, head, resume, &mut first).await?;
            heads.push((conversation, head));
        }

        // A removal before the session was attached lies below the head, where no event shows it.
        // So the memberships are read again, and the client learns of each one that is missing.
        let memberships = chat.stores().conversations.of_user(identity.user).await?;
        let current: HashSet<_> = memberships
            .iter()
            .map(|one| one.conversation)
            .filter(|one| !declined.contains(one))
            .collect();
        let resumed = resume.into_iter().flat_map(HashMap::keys);
        let known = resumed.clone().filter(|one| hidden.contains(one));
        first.extend(known.map(|one| session.encode(&Event::Removed { conversation: *one })));
        let expected: HashSet<_> = resumed.chain(&conversations).copied().collect();
        let mut missing: Vec<_> = expected.difference(&current).copied().collect();
        missing.sort_unstable();
        first.extend(missing.into_iter().map(|one| session.remove(one)));
        session.outbox.recheck_against(&current);
        heads.retain(|(conversation, _)| current.contains(conversation));
        Ok(Opened { session, heads, first })
    }

    /// Returns the user's memberships, and the conversations that the user has declined.
    async fn standings(&self) -> Result<(Vec<Standing>, HashSet<ConversationId>), StoreError> {
        let all = self.chat.context.standings(self.outbox.identity().user).await?;
        let (declined, standings): (Vec<_>, Vec<_>) =
            all.into_iter().partition(|one| one.state == MembershipState::Declined);
        Ok((standings, declined.into_iter().map(|one| one.membership.conversation).collect()))
    }

    /// Starts an attached conversation after the client's cursor. Returns its head.
    async fn start(
        &self,
        standing: &Standing,
        mut head: Seq,
        resume: Option<&Resume>,
        first: &mut Vec<Bytes>,
    ) -> Result<Seq, ChatError> {
        let Membership { conversation, member } = standing.membership;
        let Some(resume) = resume else {
            self.outbox.start(conversation, head, head, false);
            return Ok(head);
        };
        let floor = member.joined_seq.previous();
        let Some(cursor) = resume.get(&conversation).copied() else {
            // What the user has hidden does not come back with what is new.
            let after = floor.max(standing.hidden_to());
            self.outbox.start(conversation, after, head, true);
            return Ok(head);
        };
        if cursor > head {
            // Another gateway may have delivered more than this one has received.
            head = head.max(self.chat.stored_head(conversation).await?);
        }
        let after = if cursor > head {
            first.push(self.encode(&Event::Gap { conversation, after_seq: head, head_seq: head }));
            head
        } else {
            cursor.max(floor)
        };
        self.outbox.start(conversation, after, head, false);
        Ok(head)
    }

    /// Listens to these conversations, and returns their heads.
    async fn attach(&self, conversations: &[ConversationId]) -> Result<Vec<Seq>, ChatError> {
        let Chat { directory, context } = &*self.chat;
        let mut live = Vec::with_capacity(conversations.len());
        let mut feeds = Vec::with_capacity(conversations.len());
        for id in conversations {
            let conversation = directory.open(*id, context);
            if !self.outbox.prepare(*id) {
                // An earlier attempt was cancelled after it had attached.
                conversation.feed.detach(&self.outbox);
            }
            feeds.push(conversation.feed.clone());
            // Held until the feed has the listener, so that the conversation is not swept.
            live.push(conversation);
        }
        feed::attach(&feeds, context, &self.outbox).await
    }

    /// Waits for the next batch. Cancel-safe, but a cancelled store read starts again: keep the
    /// future while commands arrive quickly.
    pub async fn next_batch(&self) -> Batch {
        loop {
            if self.outbox.take_ping() {
                return Batch::Ping;
            }
            let Some(next) = self.outbox.next() else {
                self.outbox.woken().await;
                continue;
            };
            let batch = match next {
                Next::Frames(frames, follow_ups) => {
                    Ok(Some(Batch::Frames(self.follow_up(frames, follow_ups))))
                }
                // Boxed, so that an idle session has no room reserved for a store read.
                Next::Behind(_) | Next::Recheck(_) | Next::Show(_) | Next::Ended(_) => {
                    Box::pin(self.batch(next)).await
                }
            };
            match batch {
                Ok(Some(batch)) => return batch,
                Ok(None) => {}
                Err(error) => Box::pin(pause_for_store(error)).await,
            }
        }
    }

    /// Returns what is there now, without waiting: for a poll that already has something.
    pub async fn ready_batch(&self) -> Result<Option<Batch>, ChatError> {
        loop {
            let Some(next) = self.outbox.next() else { return Ok(None) };
            if let Some(batch) = self.batch(next).await? {
                return Ok(Some(batch));
            }
        }
    }

    async fn batch(&self, next: Next) -> Result<Option<Batch>, ChatError> {
        let frames = match next {
            Next::Ended(ending) => return Ok(Some(Batch::Ended(ending))),
            Next::Frames(frames, follow_ups) => self.follow_up(frames, follow_ups),
            Next::Behind(lag) => self.read_page(&lag).await?,
            Next::Show(conversation) => {
                let frame = self.conversation_event(conversation).await?;
                self.outbox.mark_shown(conversation);
                frame.into_iter().collect()
            }
            Next::Recheck(conversation) => {
                let frame = self.recheck(conversation).await?;
                self.outbox.mark_rechecked(conversation);
                frame.into_iter().collect()
            }
        };
        Ok((!frames.is_empty()).then_some(Batch::Frames(frames)))
    }

    /// Returns the client's cursors: the last delivered seq of each conversation.
    pub fn cursors(&self) -> Vec<(ConversationId, Seq)> {
        self.outbox.cursors()
    }

    /// Returns the queue for events to this session.
    pub const fn outbox(&self) -> &Arc<Outbox> {
        &self.outbox
    }

    fn encode(&self, event: &Event) -> Bytes {
        self.chat.context.ports.encode.encode(event)
    }

    /// Returns live frames, and the events that follow from them.
    fn follow_up(
        &self,
        mut frames: Vec<Bytes>,
        follow_ups: Vec<(ConversationId, Seq, FollowUp)>,
    ) -> Vec<Bytes> {
        for (conversation, _, follow_up) in follow_ups {
            frames.extend(self.apply(conversation, follow_up));
        }
        frames
    }

    /// Does what follows from a delivered entry. Returns the event that it causes.
    fn apply(&self, conversation: ConversationId, follow_up: FollowUp) -> Option<Bytes> {
        let user = self.outbox.identity().user;
        match follow_up {
            FollowUp::Leave(left) if left == user => Some(self.leave(conversation)),
            FollowUp::ShowTo(changed) if changed != user => None,
            FollowUp::Show | FollowUp::ShowTo(_) => {
                self.outbox.show(conversation);
                None
            }
            FollowUp::Leave(_) | FollowUp::None => None,
        }
    }

    /// Removes a conversation, and checks whether the user has joined it again since.
    fn leave(&self, conversation: ConversationId) -> Bytes {
        let removed = self.remove(conversation);
        self.outbox.recheck(conversation);
        removed
    }

    /// Removes a conversation from the session. Returns the event that says so.
    fn remove(&self, conversation: ConversationId) -> Bytes {
        self.outbox.remove(conversation);
        if let Some(live) = self.chat.directory.get(conversation) {
            live.feed.detach(&self.outbox);
        }
        self.encode(&Event::Removed { conversation })
    }

    /// Reads the next page of a conversation that is behind.
    async fn read_page(&self, lag: &Lag) -> Result<Vec<Bytes>, ChatError> {
        let _permit =
            self.chat.context.resuming.acquire().await.map_err(|_| ChatError::Internal)?;
        if !self.outbox.reserve_page(RESUME_PAGE_BYTES) {
            return Err(ChatError::Unavailable(
                "too many clients do not read what is ready for them",
            ));
        }
        let mut frames = Vec::new();
        if lag.is_new {
            frames.extend(self.conversation_event(lag.conversation).await?);
        }
        if lag.head.since(lag.after) > RESUME_ENTRIES_MAX {
            frames.extend(self.skip_gap(lag).await?);
            return Ok(frames);
        }
        let stores = self.chat.stores();
        let entries = stores.log.read(lag.conversation, lag.after, lag.head, PAGE_MAX).await?;
        let views = present(&*stores.conversations, entries).await?;
        let mut is_all = views.len() < PAGE_MAX;
        let mut last = lag.after;
        let mut bytes = 0;
        let reader = self.outbox.identity().user;
        for view in views {
            if bytes >= RESUME_PAGE_BYTES {
                is_all = false;
                break;
            }
            last = view.entry.seq;
            let follow_up = FollowUp::of(&view.entry);
            let has_left = matches!(&view.entry.body, Body::Left { user, .. } if *user == reader);
            let frame = self.encode(&Event::Message(view));
            bytes += frame.len();
            frames.push(frame);
            frames.extend(self.apply(lag.conversation, follow_up));
            if has_left {
                return Ok(frames);
            }
        }
        if is_planted(Bug::RepeatsAfterPage) {
            last = last.previous();
        }
        self.outbox.caught_up(lag, last, is_all);
        Ok(frames)
    }

    /// Returns the one event that stands for too many missing entries. They may hide that the user
    /// has left, or has joined again later.
    async fn skip_gap(&self, lag: &Lag) -> Result<Option<Bytes>, ChatError> {
        let conversation = lag.conversation;
        let Some(member) = self.current_membership(conversation).await? else {
            return Ok(Some(self.leave(conversation)));
        };
        let floor = member.joined_seq.previous();
        if floor > lag.after {
            self.outbox.caught_up(lag, floor, false);
            return Ok(None);
        }
        self.outbox.caught_up(lag, lag.head, false);
        let gap = Event::Gap { conversation, after_seq: lag.after, head_seq: lag.head };
        Ok(Some(self.encode(&gap)))
    }
}

async fn pause_for_store(error: ChatError) {
    tracing::warn!(%error, "session waits for the store");
    tokio::time::sleep(STORE_PAUSE).await;
}

impl Drop for Session {
    fn drop(&mut self) {
        for conversation in self.outbox.conversations() {
            if let Some(live) = self.chat.directory.get(conversation) {
                live.feed.detach(&self.outbox);
            }
        }
        self.chat.context.users.remove(&self.outbox);
    }
}

impl Chat {
    /// Subscribes to the hints for a user. Each session waits for that, so that its later reads are
    /// not older than its hints.
    async fn subscribe_user(&self, user: UserId) {
        if let Err(error) = self.context.ports.bus.subscribe(&[Channel::User(user)]).await {
            tracing::warn!(user.id = %user, %error, "no hints for the user for now");
        }
        self.context.users.mark_subscribed(user);
    }
}
