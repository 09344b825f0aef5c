//! New conversations: one append with all founders, so that they begin whole or not at all.

use std::{collections::BTreeSet, sync::Arc};

use sha2::{Digest, Sha256};

use super::{Chat, rules::bounded};
use crate::{
    command::{ConversationView, Reply},
    error::{ChatError, StoreError},
    hint::Hint,
    id::{ConversationId, EntryId, UserId},
    limits::{FOUNDERS_MAX, REPLY_CLAIM_TTL, TITLE_BYTES_MAX},
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
        let created = self.head(conversation).await?.seq == Seq::ZERO;
        if created {
            self.have_room(&[identity.user, user]).await?;
            let founders = [(identity.user, Role::Member), (user, Role::Member)];
            self.found(conversation, Kind::Direct, None, &founders).await?;
        }
        let conversation = Box::new(self.view(identity, conversation).await?);
        Ok(Reply::Made { conversation, created })
    }

    /// A new group; under the same key the same group.
    pub(super) async fn create_group(
        &self,
        identity: Identity,
        title: Arc<str>,
        members: Vec<UserId>,
        key: Arc<str>,
    ) -> Result<Reply, ChatError> {
        bounded("title", &title, TITLE_BYTES_MAX)?;
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
                let founded =
                    self.found_group(identity.user, conversation, title.clone(), others).await;
                self.close_claim(&key, &founded, now).await?;
                founded?;
                conversation
            }
        };
        let conversation = Box::new(first_view(conversation, title, founders));
        Ok(Reply::Made { conversation, created: true })
    }

    async fn found_group(
        &self,
        maker: UserId,
        conversation: ConversationId,
        title: Arc<str>,
        others: BTreeSet<UserId>,
    ) -> Result<(), ChatError> {
        let people: Vec<UserId> = std::iter::once(maker).chain(others).collect();
        let founders: Vec<(UserId, Role)> = people
            .iter()
            .map(|user| (*user, if *user == maker { Role::Owner } else { Role::Member }))
            .collect();
        self.may_be_founded_by(&people).await?;
        self.found(conversation, Kind::Group, Some(title), &founders).await
    }

    async fn close_claim(
        &self,
        key: &ReplyKey,
        founded: &Result<(), ChatError>,
        claimed_at: Timestamp,
    ) -> Result<(), ChatError> {
        let is_ours = self.ports.clock.now().since(claimed_at) < REPLY_CLAIM_TTL / 2;
        match founded {
            Ok(()) => self.ports.stores.replies.settle(key).await?,
            // Nothing was made, and nobody else can hold the key yet.
            Err(error) if *error != ChatError::OutcomeUnknown && is_ours => {
                self.ports.stores.replies.release(key).await?;
            }
            // The claim runs out, and whoever asks then goes on with the same conversation.
            Err(_) => {}
        }
        Ok(())
    }

    async fn may_be_founded_by(&self, people: &[UserId]) -> Result<(), ChatError> {
        self.exist(people).await?;
        self.have_room(people).await
    }

    /// Appends the founders to an empty log; a log that has begun is founded already.
    async fn found(
        &self,
        conversation: ConversationId,
        kind: Kind,
        title: Option<Arc<str>>,
        founders: &[(UserId, Role)],
    ) -> Result<(), ChatError> {
        let created_at = self.ports.clock.now();
        let stores = &self.ports.stores;
        stores.conversations.create(&Founding { conversation, kind, title, created_at }).await?;
        let (entries, head) = self.founding(conversation, founders);
        let bases = vec![Seq::ZERO; entries.len()];
        let append =
            Append { conversation, after: Seq::ZERO, entries: &entries, bases: &bases, head };
        let mut outcome = stores.log.append(append).await;
        for _ in 1..FOUNDING_TRIES {
            if !matches!(outcome, Err(StoreError::Unknown(_))) {
                break;
            }
            outcome = stores.log.append(append).await;
        }
        let standing = match outcome? {
            Appended::Done => entries,
            // An earlier attempt, or the other one of two at the same moment: its entries stand.
            // Whoever made them may have told nobody.
            Appended::Moved { .. } | Appended::Duplicate { .. } => {
                stores.log.read(conversation, Seq::ZERO, head.seq, entries.len()).await?
            }
        };
        stores.conversations.project(&standing).await?;
        for (user, _) in founders {
            self.ports.publish(Channel::User(*user), &Hint::Added(conversation));
            self.ports.users.each_of(*user, |outbox| outbox.add(conversation));
        }
        Ok(())
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
