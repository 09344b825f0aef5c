//! What members agreed to, and what users allow others. The seqs of a consent are also their
//! timestamps, so that the furthest wins. A boundary changes by conditional writes.

use std::sync::Arc;

use async_trait::async_trait;
use chat_core::{
    error::StoreError,
    id::{ConversationId, UserId},
    model::{Boundary, Consent, PrivacyChange, Seq},
    port::{Boundaries, Consents},
    versioned,
};
use futures_util::future::try_join3;

use super::{
    buckets::bigint,
    rows::{ReadMode, corrupt, read_u64},
    settle::{Look, Settled, settle},
    store::{CqlStore, join_bounded},
};

/// Consents in a CQL store.
#[derive(Debug)]
pub(super) struct ScyllaConsents(pub(super) Arc<CqlStore>);

/// `opened_seq`, `hidden_seq`, `asked`.
type ConsentRow = (Option<i64>, Option<i64>, Option<i64>);

fn read_consent((opened, hidden, asked): ConsentRow) -> Result<Consent, StoreError> {
    let seq = |value: Option<i64>| Ok(Seq::new(read_u64(value.unwrap_or_default())?));
    let user = |id| UserId::from_i64(id).ok_or_else(|| corrupt("a request to nobody"));
    Ok(Consent {
        opened_seq: seq(opened)?,
        hidden_seq: seq(hidden)?,
        asked: asked.map(user).transpose()?,
    })
}

impl CqlStore {
    async fn consent(
        &self,
        user: UserId,
        conversation: ConversationId,
    ) -> Result<Consent, StoreError> {
        let key = (user.as_i64(), conversation.as_i64());
        let row: Option<ConsentRow> = self.row(&self.statements.consent, key).await?;
        read_consent(row.unwrap_or_default())
    }

    async fn write_consent(
        &self,
        user: UserId,
        conversation: ConversationId,
        to: Consent,
    ) -> Result<(), StoreError> {
        let (user, conversation) = (user.as_i64(), conversation.as_i64());
        let write_seq = async |statement, seq: Seq| {
            if seq == Seq::ZERO {
                return Ok(());
            }
            let seq = bigint(seq.get());
            self.write(statement, (seq, seq, user, conversation)).await
        };
        let write_asked = async {
            let Some(asked) = to.asked else { return Ok(()) };
            self.write(&self.statements.set_asked, (asked.as_i64(), user, conversation)).await
        };
        let opened = write_seq(&self.statements.set_opened, to.opened_seq);
        let hidden = write_seq(&self.statements.set_hidden, to.hidden_seq);
        try_join3(opened, hidden, write_asked).await.map(drop)
    }

    /// Returns the boundary of the row, and its stored bytes.
    async fn boundary(
        &self,
        user: UserId,
        mode: ReadMode,
    ) -> Result<(Boundary, Option<Vec<u8>>), StoreError> {
        let statement = match mode {
            ReadMode::Quorum => &self.statements.boundary,
            ReadMode::Serial => &self.statements.boundary_serial,
        };
        let row: Option<(Option<Vec<u8>>,)> = self.row(statement, (user.as_i64(),)).await?;
        let stored = row.and_then(|(value,)| value);
        let boundary = match &stored {
            Some(bytes) => versioned::decode(bytes)
                .map_err(|error| corrupt(format!("boundary of {user}: {error}")))?,
            None => Boundary::default(),
        };
        Ok((boundary, stored))
    }
}

#[async_trait]
impl Consents for ScyllaConsents {
    async fn advance(
        &self,
        user: UserId,
        conversation: ConversationId,
        to: Consent,
    ) -> Result<(Consent, bool), StoreError> {
        let work = async {
            let before = self.0.consent(user, conversation).await?;
            let after = before.max(to);
            if after == before {
                return Ok((before, false));
            }
            self.0.write_consent(user, conversation, to).await?;
            Ok((after, true))
        };
        self.0.in_time(work).await
    }

    async fn of_user(&self, user: UserId) -> Result<Vec<(ConversationId, Consent)>, StoreError> {
        let store = &self.0;
        let work = async {
            let rows: Vec<(i64, Option<i64>, Option<i64>, Option<i64>)> =
                store.rows(&store.statements.consents, (user.as_i64(),)).await?;
            let consents = rows.into_iter().map(|(conversation, opened, hidden, asked)| {
                let conversation = ConversationId::from_i64(conversation)
                    .ok_or_else(|| corrupt("a consent without its conversation"))?;
                Ok((conversation, read_consent((opened, hidden, asked))?))
            });
            consents.collect()
        };
        store.in_time(work).await
    }

    async fn of_members(
        &self,
        members: &[(UserId, ConversationId)],
    ) -> Result<Vec<Consent>, StoreError> {
        let reads = members.iter().map(|(user, conversation)| self.0.consent(*user, *conversation));
        self.0.in_time(join_bounded(reads.collect())).await
    }
}

/// Boundaries in a CQL store.
#[derive(Debug)]
pub(super) struct ScyllaBoundaries(pub(super) Arc<CqlStore>);

impl ScyllaBoundaries {
    /// Changes the boundary. Each attempt is conditional on the value that it replaces, so that one
    /// which arrives late undoes nothing.
    async fn change(&self, user: UserId, change: impl Fn(&mut Boundary)) -> Result<(), StoreError> {
        let store = &self.0;
        let settled = settle(
            store.deadline(),
            None,
            async |(before, after): (Option<Vec<u8>>, Vec<u8>)| {
                let values = (after, user.as_i64(), before);
                store.write_if(&store.statements.set_boundary, values).await
            },
            async |_| {
                let (before, stored) = store.boundary(user, ReadMode::Serial).await?;
                let mut after = before.clone();
                change(&mut after);
                Ok(if after == before {
                    Look::NotApplied(())
                } else {
                    Look::Attempt((stored, versioned::encode(&after)))
                })
            },
        );
        match settled.await? {
            Settled::Applied(_) | Settled::NotApplied(()) => Ok(()),
            Settled::Unknown(detail) => Err(StoreError::Unknown(detail)),
        }
    }
}

#[async_trait]
impl Boundaries for ScyllaBoundaries {
    async fn get(&self, user: UserId) -> Result<Boundary, StoreError> {
        let (boundary, _) = self.0.in_time(self.0.boundary(user, ReadMode::Quorum)).await?;
        Ok(boundary)
    }

    async fn set_privacy(&self, user: UserId, change: PrivacyChange) -> Result<(), StoreError> {
        let changed = |boundary: &mut Boundary| {
            boundary.privacy = boundary.privacy.changed(change);
        };
        self.change(user, changed).await
    }

    async fn set_block(&self, owner: UserId, user: UserId, on: bool) -> Result<(), StoreError> {
        self.change(owner, |boundary| boundary.set_block(user, on)).await
    }
}
