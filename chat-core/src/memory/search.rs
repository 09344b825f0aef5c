//! The index of messages in memory: every query reads every message.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, HashMap},
};

use async_trait::async_trait;
use parking_lot::Mutex;

use crate::{
    id::ConversationId,
    model::Seq,
    port::{Document, IndexedPart, Place, Search, SearchError, SearchRequest},
};

/// An index of messages in memory.
#[derive(Debug, Default)]
pub struct MemorySearch(Mutex<Index>);

#[derive(Debug, Default)]
struct Index {
    /// The messages of each conversation, newest last.
    documents: HashMap<ConversationId, BTreeMap<Seq, Document>>,
    marks: HashMap<ConversationId, Seq>,
}

fn matches(request: &SearchRequest, document: &Document) -> bool {
    let Document { place, sender, .. } = document;
    let Some(text) = &document.text else { return false };
    request.sender.is_none_or(|wanted| wanted == *sender)
        && request.has.is_none_or(|wanted| document.has(wanted))
        && request.before.is_none_or(|before| place.at < before)
        && request.after.is_none_or(|after| place.at > after)
        && request.below.is_none_or(|below| *place < below)
        && request.query.find(text).is_some()
}

#[async_trait]
impl Search for MemorySearch {
    async fn marks(&self, conversations: &[ConversationId]) -> Result<Vec<Seq>, SearchError> {
        let index = self.0.lock();
        let mark = |conversation| index.marks.get(conversation).copied().unwrap_or_default();
        Ok(conversations.iter().map(mark).collect())
    }

    async fn index(&self, parts: &[IndexedPart]) -> Result<(), SearchError> {
        let mut index = self.0.lock();
        for IndexedPart { conversation, to, documents } in parts {
            let kept = index.documents.entry(*conversation).or_default();
            for document in documents {
                let seq = document.place.seq;
                if kept.get(&seq).is_none_or(|kept| kept.version <= document.version) {
                    kept.insert(seq, document.clone());
                }
            }
            let mark = index.marks.entry(*conversation).or_default();
            *mark = (*mark).max(*to);
        }
        Ok(())
    }

    async fn query(&self, request: &SearchRequest) -> Result<Vec<Place>, SearchError> {
        let index = self.0.lock();
        let scope = request.scope.iter();
        let documents = scope.flat_map(|(conversation, from)| {
            let kept = index.documents.get(conversation);
            kept.into_iter().flat_map(|kept| kept.range(*from..)).map(|(_, document)| document)
        });
        let mut places: Vec<Place> = documents
            .filter(|document| matches(request, document))
            .map(|document| document.place)
            .collect();
        places.sort_unstable_by_key(|place| Reverse(*place));
        places.truncate(request.limit);
        Ok(places)
    }

    async fn clear(&self) -> Result<(), SearchError> {
        *self.0.lock() = Index::default();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[expect(clippy::unused_async, reason = "other indexes take time to open")]
    async fn open() -> ((), Vec<Arc<dyn Search>>) {
        let search: Arc<dyn Search> = Arc::new(MemorySearch::default());
        ((), vec![search.clone(), search])
    }

    crate::search_contract!(open);
}
