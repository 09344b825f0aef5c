//! New conversations. One append has all founders, so that a conversation begins whole or not at all.

use std::{collections::BTreeSet, fmt, sync::Arc};

use futures_util::{StreamExt, TryStreamExt, stream};
use sha2::{Digest, Sha256};

use super::Chat;
use crate::{
    command::{ConversationView, Reply},
    error::{ChatError, StoreError},
    hint::Hint,
    id::{ConversationId, EntryId, UserId},
    limits::{FOUNDERS_MAX, FRESH_IDS_MAX, READS_AT_ONCE_MAX, REPLY_CLAIM_TTL},
    log,
    model::{
        Body, Consent, Cursor, Entry, Founding, Head, Identity, Joining, Kind, MembershipState,
        Role, Seq,
    },
    port::{Append, Appended, Channel, Claim, ReplyKey},
    time::Timestamp,
    write::normalized_title,
};

/// How often the founding append is attempted while its outcome is unknown.
const FOUNDING_TRIES: usize = 3;

impl Chat {
    /// Returns the direct conversation with this user, and creates it if necessary.
    pub(super) async fn open_direct(
        &self,
        identity: Identity,
        user: UserId,
    ) -> Result<Reply, ChatError> {
        if user == identity.user {
            return Err(ChatError::invalid("user", "a direct conversation needs somebody else"));
        }
        self.context.check_exists(user).await??;
        let conversation = self.direct_of(identity.user, user).await?;
        if self.head(conversation).await?.seq > Seq::ZERO {
            let conversation = Box::new(self.view(identity, conversation).await?);
            return Ok(Reply::Made { conversation, created: false });
        }
        let needs_consent = self.context.check_opening(identity.user, user).await??;
        let founders = [
            Founder { user: identity.user, role: Role::Member, needs_consent: false },
            Founder { user, role: Role::Member, needs_consent },
        ];
        let founded = self.found(conversation, Kind::Direct, None, &founders).await?;
        if founded == Founded::IdTaken {
            return Err(id_taken(conversation));
        }
        if needs_consent && founded == Founded::Now {
            let asked = Consent { asked: Some(user), ..Consent::default() };
            let consents = &self.stores().consents;
            consents.advance(identity.user, conversation, asked).await.map_err(outcome_unknown)?;
        }
        let view = self.view(identity, conversation).await.map_err(outcome_unknown)?;
        Ok(Reply::Made { conversation: Box::new(view), created: founded == Founded::Now })
    }

    /// Returns the id of the direct conversation of these users.
    async fn direct_of(&self, one: UserId, other: UserId) -> Result<ConversationId, ChatError> {
        for _ in 0..FRESH_IDS_MAX {
            let fresh = ConversationId::from(self.context.ports.clock.fresh_id());
            let found = self.stores().conversations.direct(one, other, fresh).await?;
            if let Some(conversation) = found {
                return Ok(conversation);
            }
            drop(id_taken(fresh));
        }
        Err(ChatError::Internal)
    }

    /// Creates a group. The same key gives the same group again.
    pub(super) async fn create_group(
        &self,
        identity: Identity,
        title: Arc<str>,
        members: Vec<UserId>,
        key: Arc<str>,
    ) -> Result<Reply, ChatError> {
        let title = normalized_title(&title)?;
        let mut others: BTreeSet<UserId> = members.into_iter().collect();
        others.remove(&identity.user);
        if others.len() >= FOUNDERS_MAX {
            return Err(ChatError::TooLarge { field: "members", max: FOUNDERS_MAX });
        }
        let founders = u32::try_from(others.len() + 1).unwrap_or(u32::MAX);
        let key = ReplyKey { user: identity.user, key };
        for _ in 0..FRESH_IDS_MAX {
            if let Some(conversation) = self.create_group_once(&key, &title, &others).await? {
                let conversation = Box::new(first_view(conversation, title, founders));
                return Ok(Reply::Made { conversation, created: true });
            }
        }
        Err(ChatError::Internal)
    }

    /// Creates a group under a fresh id. Returns `None` if the id is taken.
    async fn create_group_once(
        &self,
        key: &ReplyKey,
        title: &Arc<str>,
        others: &BTreeSet<UserId>,
    ) -> Result<Option<ConversationId>, ChatError> {
        let fresh = ConversationId::from(self.context.ports.clock.fresh_id());
        let now = self.context.ports.wall_clock.now();
        let digest = digest(title, others);
        match self.stores().replies.claim(key, digest, fresh, now).await? {
            Claim::Running => Err(ChatError::Running),
            Claim::Differs => Err(ChatError::KeyReused("Idempotency-Key")),
            Claim::Settled(conversation) => Ok(Some(conversation)),
            Claim::Yours(conversation) => {
                let claim = HeldClaim { conversation, is_first: conversation == fresh, since: now };
                let result = self.found_group(key.user, &claim, title.clone(), others).await;
                let is_taken = result == Ok(Founded::IdTaken);
                self.close_claim(key, &claim, result).await?;
                Ok((!is_taken).then_some(conversation))
            }
        }
    }

    async fn found_group(
        &self,
        maker: UserId,
        claim: &HeldClaim,
        title: Arc<str>,
        others: &BTreeSet<UserId>,
    ) -> Result<Founded, ChatError> {
        let mut founders = vec![Founder { user: maker, role: Role::Owner, needs_consent: false }];
        // A group that an earlier request has founded stands, even if it would be refused now.
        if claim.is_first || self.head(claim.conversation).await?.seq == Seq::ZERO {
            self.context.check_room(maker, false).await??;
            founders.extend(self.added_founders(maker, others).await?);
        } else {
            let role = Role::Member;
            let founder = |user: &UserId| Founder { user: *user, role, needs_consent: true };
            founders.extend(others.iter().map(founder));
        }
        self.found(claim.conversation, Kind::Group, Some(title), &founders).await
    }

    /// Returns the founders whom the maker adds. Fails if one of them may not be added.
    async fn added_founders(
        &self,
        maker: UserId,
        others: &BTreeSet<UserId>,
    ) -> Result<Vec<Founder>, ChatError> {
        let founders: Vec<_> = others.iter().map(|user| self.added_founder(maker, *user)).collect();
        stream::iter(founders).buffered(READS_AT_ONCE_MAX).try_collect().await
    }

    async fn added_founder(&self, maker: UserId, user: UserId) -> Result<Founder, ChatError> {
        let needs_consent = self.context.check_addition(maker, user).await??;
        Ok(Founder { user, role: Role::Member, needs_consent })
    }

    /// Settles the key, or releases it if nothing was created under it. If that is not known, the
    /// claim expires, and the next request continues with the same conversation.
    async fn close_claim(
        &self,
        key: &ReplyKey,
        claim: &HeldClaim,
        result: Result<Founded, ChatError>,
    ) -> Result<(), ChatError> {
        let replies = &self.stores().replies;
        let error = match result {
            Ok(Founded::Now | Founded::Before) => {
                return replies.settle(key).await.map_err(outcome_unknown);
            }
            Ok(Founded::IdTaken) => {
                drop(id_taken(claim.conversation));
                return replies.release(key).await.map_err(outcome_unknown);
            }
            Err(error) => error,
        };
        // Long before the claim expires nobody else can hold the key.
        let is_ours = self.context.ports.wall_clock.now().since(claim.since) < REPLY_CLAIM_TTL / 2;
        if claim.is_first
            && is_ours
            && error != ChatError::OutcomeUnknown
            && let Err(error) = replies.release(key).await
        {
            tracing::warn!(%error, "an idempotency key is held until its claim expires");
        }
        Err(error)
    }

    /// Appends the founders to an empty log. A log with entries is founded already. Once the append
    /// may have been applied, every failure is an unknown outcome.
    async fn found(
        &self,
        conversation: ConversationId,
        kind: Kind,
        title: Option<Arc<str>>,
        founders: &[Founder],
    ) -> Result<Founded, ChatError> {
        let created_at = self.context.ports.clock.now();
        let stores = &self.stores();
        let founding = Founding { conversation, kind, title, created_at };
        if !stores.conversations.create(&founding).await? {
            return Ok(Founded::IdTaken);
        }
        let (entries, head) = self.founding(conversation, founders);
        let bases = vec![Seq::ZERO; entries.len()];
        let append =
            Append { conversation, after: Seq::ZERO, entries: &entries, bases: &bases, head };
        let (standing, founded) = match self.append_founders(append).await? {
            Appended::Done => (entries, Founded::Now),
            // An earlier attempt, or a concurrent one, has founded it. The gateway that did so
            // may have failed before it notified the founders.
            Appended::Moved { .. } | Appended::Duplicate { .. } => {
                let standing =
                    stores.log.read(conversation, Seq::ZERO, head.seq, entries.len()).await;
                let standing = standing.map_err(outcome_unknown)?;
                if !have_same_founders(&standing, &entries) {
                    return Ok(Founded::IdTaken);
                }
                let id = |entries: &[Entry]| entries.first().map(|entry| entry.id);
                let is_ours = id(&standing) == id(&entries);
                (standing, if is_ours { Founded::Now } else { Founded::Before })
            }
        };
        stores.conversations.project(&standing).await.map_err(outcome_unknown)?;
        for Founder { user, .. } in founders {
            self.context.publish(Channel::User(*user), || Hint::Added(conversation));
            self.context.users.each_session(*user, |outbox| outbox.recheck(conversation));
        }
        Ok(founded)
    }

    /// Appends until the outcome is known, a few times. An error other than `OutcomeUnknown` means
    /// that no attempt was applied.
    async fn append_founders(&self, append: Append<'_>) -> Result<Appended, ChatError> {
        let mut may_be_applied = false;
        for _ in 0..FOUNDING_TRIES {
            match log::append(&*self.stores().log, append, &self.context.append_metrics).await {
                Ok(appended) => return Ok(appended),
                Err(StoreError::Unknown(_)) => may_be_applied = true,
                Err(StoreError::Unavailable(_) | StoreError::Corrupt(_)) if may_be_applied => {}
                Err(error @ (StoreError::Unavailable(_) | StoreError::Corrupt(_))) => {
                    return Err(error.into());
                }
            }
        }
        Err(outcome_unknown("the store did not answer the append"))
    }

    fn founding(&self, conversation: ConversationId, founders: &[Founder]) -> (Vec<Entry>, Head) {
        let at = self.context.ports.clock.now();
        let maker = founders.first().map(|founder| founder.user);
        let entries: Vec<Entry> = founders
            .iter()
            .zip(1..)
            .map(|(Founder { user, role, needs_consent }, seq)| Entry {
                conversation,
                seq: Seq::new(seq),
                id: EntryId::from(self.context.ports.clock.fresh_id()),
                sender: maker.unwrap_or(*user),
                client_id: None,
                at,
                ord: 0,
                body: Body::Joined {
                    user: *user,
                    role: *role,
                    joining: Joining::founder(*needs_consent),
                },
            })
            .collect();
        let seq = entries.last().map_or(Seq::ZERO, |entry| entry.seq);
        let count = |wanted: fn(&Role) -> bool| {
            let wanted = founders.iter().filter(|founder| wanted(&founder.role));
            u32::try_from(wanted.count()).unwrap_or(0)
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

/// A member from the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Founder {
    user: UserId,
    role: Role,
    needs_consent: bool,
}

/// Which request has founded a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Founded {
    /// This one.
    Now,
    /// An earlier or concurrent one.
    Before,
    /// None: another conversation has the id.
    IdTaken,
}

/// The claim of an idempotency key that this request holds.
#[derive(Debug)]
struct HeldClaim {
    conversation: ConversationId,
    /// True if no earlier request held the key.
    is_first: bool,
    since: Timestamp,
}

/// Returns true if both logs begin with the same founders, in any order.
fn have_same_founders(standing: &[Entry], own: &[Entry]) -> bool {
    let founders = |entries: &[Entry]| -> Option<BTreeSet<UserId>> {
        let founder = |entry: &Entry| {
            let Body::Joined { user, joining, .. } = entry.body else { return None };
            joining.is_founder().then_some(user)
        };
        entries.iter().map(founder).collect()
    };
    founders(standing) == founders(own)
}

/// Logs that an id was made twice, and returns the error for the client.
fn id_taken(conversation: ConversationId) -> ChatError {
    tracing::error!(conversation.id = %conversation, "the id of a new conversation is taken");
    ChatError::Internal
}

/// Logs the error and returns `OutcomeUnknown`: the conversation may exist, and a repeat under the
/// same key finds it.
fn outcome_unknown(error: impl fmt::Display) -> ChatError {
    tracing::warn!(%error, "outcome of a founding is unknown");
    ChatError::OutcomeUnknown
}

/// Returns a new group as its creator sees it, the same for each repeat of the request.
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
        state: MembershipState::Open,
        member_count: founders,
        peer: None,
    }
}

/// Returns a digest of the request. A repeat under the same key must have the same one.
fn digest(title: &str, others: &BTreeSet<UserId>) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update((title.len() as u64).to_be_bytes());
    hash.update(title.as_bytes());
    for user in others {
        hash.update(user.get().to_be_bytes());
    }
    hash.finalize().into()
}
