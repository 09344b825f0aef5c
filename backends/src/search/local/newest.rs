//! Collects the newest matches that a request allows.

use std::{cmp::Reverse, collections::BinaryHeap, sync::Arc};

use chat_core::{
    id::ConversationId,
    id_map::IdMap,
    model::Seq,
    port::{Place, SearchRequest},
    search::Has,
    time::Timestamp,
};
use tantivy::{
    DocId, Score, SegmentOrdinal, SegmentReader,
    collector::{Collector, SegmentCollector},
    columnar::ColumnValues,
};

use super::schema::{AT, CONVERSATION, HAS_ATTACHMENT, HAS_LINK, SENDER, SEQ};

/// Collects the newest matches that a request allows.
pub(super) struct Newest(Arc<Allowed>);

/// What a request allows besides its words.
struct Allowed {
    /// The first seq of each conversation.
    scope: IdMap<u64, u64>,
    sender: Option<u64>,
    has: Option<Has>,
    /// The times in milliseconds.
    after: i64,
    before: i64,
    below: Option<Place>,
    limit: usize,
}

impl Newest {
    pub(super) fn new(request: &SearchRequest) -> Self {
        let scope = request.scope.iter().map(|(id, from)| (id.get(), from.get())).collect();
        Self(Arc::new(Allowed {
            scope,
            sender: request.sender.map(chat_core::id::UserId::get),
            has: request.has,
            after: request.after.map_or(i64::MIN, Timestamp::as_millis),
            before: request.before.map_or(i64::MAX, Timestamp::as_millis),
            below: request.below,
            limit: request.limit,
        }))
    }
}

impl Collector for Newest {
    type Fruit = Vec<Place>;
    type Child = SegmentNewest;

    fn for_segment(
        &self,
        _segment: SegmentOrdinal,
        reader: &SegmentReader,
    ) -> tantivy::Result<SegmentNewest> {
        let columns = reader.fast_fields();
        let has = self.0.has.map(|has| {
            let column = columns.bool(match has {
                Has::Link => HAS_LINK,
                Has::Attachment => HAS_ATTACHMENT,
            })?;
            tantivy::Result::Ok(column.first_or_default_col(false))
        });
        Ok(SegmentNewest {
            allowed: self.0.clone(),
            conversations: columns.u64(CONVERSATION)?.first_or_default_col(0),
            seqs: columns.u64(SEQ)?.first_or_default_col(0),
            senders: columns.u64(SENDER)?.first_or_default_col(0),
            times: columns.i64(AT)?.first_or_default_col(0),
            has: has.transpose()?,
            newest: BinaryHeap::with_capacity(self.0.limit + 1),
        })
    }

    fn requires_scoring(&self) -> bool {
        false
    }

    fn merge_fruits(&self, segments: Vec<Vec<Place>>) -> tantivy::Result<Vec<Place>> {
        let mut places = segments.concat();
        places.sort_unstable_by_key(|place| Reverse(*place));
        // Both states of a message can be found while it is replaced.
        places.dedup();
        places.truncate(self.0.limit);
        Ok(places)
    }
}

/// Collects the newest matches of one segment.
pub(super) struct SegmentNewest {
    allowed: Arc<Allowed>,
    conversations: Arc<dyn ColumnValues<u64>>,
    seqs: Arc<dyn ColumnValues<u64>>,
    senders: Arc<dyn ColumnValues<u64>>,
    times: Arc<dyn ColumnValues<i64>>,
    /// True where a message has what the request wants, if it wants something.
    has: Option<Arc<dyn ColumnValues<bool>>>,
    /// The oldest on top.
    newest: BinaryHeap<Reverse<Place>>,
}

impl SegmentNewest {
    /// Returns the place of a document, if the request allows it and it is among the newest.
    fn allowed_place(&self, doc: DocId) -> Option<Place> {
        let allowed = &*self.allowed;
        let at = self.times.get_val(doc);
        if at <= allowed.after || at >= allowed.before {
            return None;
        }
        let at = Timestamp::from_millis(at);
        let is_full = self.newest.len() >= allowed.limit;
        if is_full && self.newest.peek().is_some_and(|Reverse(oldest)| at < oldest.at) {
            return None;
        }
        let conversation = self.conversations.get_val(doc);
        let from = *allowed.scope.get(&conversation)?;
        let seq = self.seqs.get_val(doc);
        let is_wanted = seq >= from
            && self.has.as_ref().is_none_or(|has| has.get_val(doc))
            && allowed.sender.is_none_or(|sender| sender == self.senders.get_val(doc));
        let conversation = ConversationId::new(conversation)?;
        let place = Place { at, conversation, seq: Seq::new(seq) };
        (is_wanted && allowed.below.is_none_or(|below| place < below)).then_some(place)
    }
}

impl SegmentCollector for SegmentNewest {
    type Fruit = Vec<Place>;

    fn collect(&mut self, doc: DocId, _score: Score) {
        if let Some(place) = self.allowed_place(doc) {
            self.newest.push(Reverse(place));
            if self.newest.len() > self.allowed.limit {
                self.newest.pop();
            }
        }
    }

    fn harvest(self) -> Vec<Place> {
        self.newest.into_iter().map(|Reverse(place)| place).collect()
    }
}
