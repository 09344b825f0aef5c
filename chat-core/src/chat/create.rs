//! New conversations: one append with all founders, so that they begin whole or not at all.

use std::{collections::BTreeSet, fmt, sync::Arc};

use sha2::{Digest, Sha256};

use super::{Chat, rules::titled};
use crate::{
    command::{ConversationView, Reply},
    error::{ChatError, StoreError},
    hint::Hint,
    id::{ConversationId, EntryId, UserId},
    limits::{FOUNDERS_MAX, REPLY_CLAIM_TTL},
    model::{Body, Cursor, Entry, Founding, Head, Identity, Kind, Role, Seq},
    port::{Append, Appended, Channel, Claim, ReplyKey},
    time::Timestamp,
};

/// How often founding is tried again where the outcome of an append was unknown.
const FOUNDING_TRIES: usize = 3;

impl Chat {
    /// The direct conversation with this user, made if there is none.
    pub(super) async fn open_direct(
        &self,
        identity: Identity,
        user: UserId,
    ) -> Result<Reply, ChatError> {
        if user == identity.user {
            return Err(ChatError::invalid("user", "a conversation with oneself is none"));
        }
        self.exist(&[user]).await?;
        let conversations = &self.ports.stores.conversations;
        let fresh = ConversationId::from(self.ports.clock.fresh_id());
        let conversation = conversations.direct(identity.user, user, fresh).await?;
        if self.head(conversation).await?.seq > Seq::ZERO {
            let conversation = Box::new(self.view(identity, conversation).await?);
            return Ok(Reply::Made { conversation, created: false });
        }
        self.have_room(&[identity.user, user]).await?;
        let founders = [(identity.user, Role::Member), (user, Role::Member)];
        let founded = self.found(conversation, Kind::Direct, None, &founders).await?;
        let view = self.view(identity, conversation).await.map_err(may_be_done)?;
        Ok(Reply::Made { conversation: Box::new(view), created: founded == Founded::Now })
    }

    /// A new group; under the same key the same group.
    pub(super) async fn create_group(
        &self,
        identity: Identity,
        title: Arc<str>,
        members: Vec<UserId>,
        key: Arc<str>,
    ) -> Result<Reply, ChatError> {
        let title = titled(&title)?;
        let mut others: BTreeSet<UserId> = members.into_iter().collect();
        others.remove(&identity.user);
        if others.len() >= FOUNDERS_MAX {
            return Err(ChatError::TooLarge { field: "members", max: FOUNDERS_MAX });
        }
        let founders = u32::try_from(others.len() + 1).unwrap_or(u32::MAX);
        let key = ReplyKey { user: identity.user, key };
        let digest = digest(&title, &others);
        let fresh = ConversationId::from(self.ports.clock.fresh_id());
        let now = self.ports.clock.now();
        let conversation = match self.ports.stores.replies.claim(&key, digest, fresh, now).await? {
            Claim::Running => return Err(ChatError::Running),
            Claim::Differs => return Err(ChatError::KeyReused("Idempotency-Key")),
            Claim::Settled(conversation) => conversation,
            Claim::Yours(conversation) => {
                let claim = Owned { conversation, is_first: conversation == fresh, since: now };
                let founded = self.found_group(identity.user, &claim, title.clone(), others).await;
                self.close_claim(&key, &claim, founded).await?;
                conversation
            }
        };
        let conversation = Box::new(first_view(conversation, title, founders));
        Ok(Reply::Made { conversation, created: true })
    }

    async fn found_group(
        &self,
        maker: UserId,
        claim: &Owned,
        title: Arc<str>,
        others: BTreeSet<UserId>,
    ) -> Result<Founded, ChatError> {
        let people: Vec<UserId> = std::iter::once(maker).chain(others).collect();
        let founders: Vec<(UserId, Role)> = people
            .iter()
            .map(|user| (*user, if *user == maker { Role::Owner } else { Role::Member }))
            .collect();
        // What an earlier request founded stands, also where it would be refused now.
        if claim.is_first || self.head(claim.conversation).await?.seq == Seq::ZERO {
            self.may_be_founded_by(&people).await?;
        }
        self.found(claim.conversation, Kind::Group, Some(title), &founders).await
    }

    /// Settles the key, or gives it back where surely nothing was made under it. Otherwise the claim
    /// runs out, and whoever asks then goes on with the same conversation.
    async fn close_claim(
        &self,
        key: &ReplyKey,
        claim: &Owned,
        founded: Result<Founded, ChatError>,
    ) -> Result<(), ChatError> {
        let replies = &self.ports.stores.replies;
        let Err(error) = founded else {
            return replies.settle(key).await.map_err(may_be_done);
        };
        // Nobody else can hold the key yet.
        let is_ours = self.ports.clock.now().since(claim.since) < REPLY_CLAIM_TTL / 2;
        if claim.is_first
            && is_ours
            && error != ChatError::OutcomeUnknown
            && let Err(error) = replies.release(key).await
        {
            tracing::warn!(%error, "an idempotency key is held until its claim runs out");
        }
        Err(error)
    }

    async fn may_be_founded_by(&self, people: &[UserId]) -> Result<(), ChatError> {
        self.exist(people).await?;
        self.have_room(people).await
    }

    /// Appends the founders to an empty log; a log that has begun is founded already. Once that may
    /// have been done, every failure is an unknown outcome.
    async fn found(
        &self,
        conversation: ConversationId,
        kind: Kind,
        title: Option<Arc<str>>,
        founders: &[(UserId, Role)],
    ) -> Result<Founded, ChatError> {
        let created_at = self.ports.clock.now();
        let stores = &self.ports.stores;
        stores.conversations.create(&Founding { conversation, kind, title, created_at }).await?;
        let (entries, head) = self.founding(conversation, founders);
        let bases = vec![Seq::ZERO; entries.len()];
        let append =
            Append { conversation, after: Seq::ZERO, entries: &entries, bases: &bases, head };
        let (standing, founded) = match self.append_founders(append).await? {
            Appended::Done => (entries, Founded::Now),
            // An earlier attempt, or the other one of two at the same moment: its entries stand.
            // Whoever made them may have told nobody.
            Appended::Moved { .. } | Appended::Duplicate { .. } => {
                let standing =
                    stores.log.read(conversation, Seq::ZERO, head.seq, entries.len()).await;
                let standing = standing.map_err(may_be_done)?;
                let id = |entries: &[Entry]| entries.first().map(|entry| entry.id);
                let is_ours = id(&standing) == id(&entries);
                (standing, if is_ours { Founded::Now } else { Founded::Before })
            }
        };
        stores.conversations.project(&standing).await.map_err(may_be_done)?;
        for (user, _) in founders {
            self.ports.publish(Channel::User(*user), &Hint::Added(conversation));
            self.ports.users.each_of(*user, |outbox| outbox.add(conversation));
        }
        Ok(founded)
    }

    /// Tries until it is known what became of it; an error other than an unknown outcome means that
    /// no try has done anything.
    async fn append_founders(&self, append: Append<'_>) -> Result<Appended, ChatError> {
        let mut is_doubtful = false;
        for _ in 0..FOUNDING_TRIES {
            match self.ports.stores.log.append(append).await {
                Ok(appended) => return Ok(appended),
                Err(StoreError::Unknown(_)) => is_doubtful = true,
                Err(StoreError::Unavailable(_) | StoreError::Corrupt(_)) if is_doubtful => {}
                Err(error @ (StoreError::Unavailable(_) | StoreError::Corrupt(_))) => {
                    return Err(error.into());
                }
            }
        }
        Err(may_be_done("no answer to the founding"))
    }

    fn founding(
        &self,
        conversation: ConversationId,
        founders: &[(UserId, Role)],
    ) -> (Vec<Entry>, Head) {
        let at = self.ports.clock.now();
        let maker = founders.first().map(|(user, _)| *user);
        let entries: Vec<Entry> = founders
            .iter()
            .zip(1..)
            .map(|((user, role), seq)| Entry {
                conversation,
                seq: Seq::new(seq),
                id: EntryId::from(self.ports.clock.fresh_id()),
                sender: maker.unwrap_or(*user),
                client_id: None,
                at,
                ord: 0,
                body: Body::Joined { user: *user, role: *role, is_founder: true },
            })
            .collect();
        let seq = entries.last().map_or(Seq::ZERO, |entry| entry.seq);
        let count = |wanted: fn(&Role) -> bool| {
            u32::try_from(founders.iter().filter(|(_, role)| wanted(role)).count()).unwrap_or(0)
        };
        let head = Head {
            seq,
            at,
            projected_seq: seq,
            members: count(|_| true),
            owners: count(|role| *role == Role::Owner),
            ..Head::default()
        };
        (entries, head)
    }
}

/// Whether a founding is this very request's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Founded {
    Now,
    Before,
}

/// A claim of an idempotency key that this request holds.
#[derive(Debug)]
struct Owned {
    conversation: ConversationId,
    /// Nobody held the key before.
    is_first: bool,
    since: Timestamp,
}

/// The conversation may be there: whoever asks again under the same key finds it.
fn may_be_done(error: impl fmt::Display) -> ChatError {
    tracing::warn!(%error, "a founding may have been done");
    ChatError::OutcomeUnknown
}

/// A group as its maker sees it when it has been made: the same at every repeat of the request.
fn first_view(id: ConversationId, title: Arc<str>, founders: u32) -> ConversationView {
    ConversationView {
        id,
        kind: Kind::Group,
        title: Some(title),
        head_seq: Seq::new(founders.into()),
        active_at: id.made_at(),
        unread: 0,
        last_message: None,
        cursor: Cursor::default(),
        role: Role::Owner,
        member_count: founders,
        peer: None,
    }
}

/// What a repeat under the same key must ask for as well.
fn digest(title: &str, others: &BTreeSet<UserId>) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update((title.len() as u64).to_be_bytes());
    hash.update(title.as_bytes());
    for user in others {
        hash.update(user.get().to_be_bytes());
    }
    hash.finalize().into()
}
