//! Searching: finds messages in the index, and reads each from its log before it is shown.

use futures_util::{StreamExt, TryStreamExt, stream};

use metrics::histogram;
use tokio::{task::yield_now, time::Instant};

use super::Chat;
use crate::{
    budget::Reserved,
    command::{FoundMessage, Reply, SearchFilter},
    error::ChatError,
    id::ConversationId,
    id_map::IdMap,
    limits::{HISTORY_PAGE_BYTES, READS_AT_ONCE_MAX, UNREAD_RETRY_AFTER},
    model::{Body, Identity, Member, MembershipState},
    port::{Place, SearchError, SearchRequest},
    search::{Has, Query, has_link},
    view::EntryView,
};

/// How often the index is asked for one page, because its hits may not be shown.
const ROUNDS_MAX: usize = 4;
/// The number of hits that are read together. The page may have no room for more of them.
const READ_AT_ONCE: usize = 16;

/// The memberships in which a caller searches.
type Scope = IdMap<ConversationId, Member>;

/// What has been found so far.
#[derive(Debug, Default)]
struct Page {
    items: Vec<FoundMessage>,
    bytes: usize,
    is_full: bool,
    /// The bytes of all messages whose texts were compared with the query.
    compared_bytes: usize,
}

impl Page {
    /// Adds a message, unless the page is full.
    fn add(&mut self, message: FoundMessage, limit: usize) {
        let bytes = message.entry.wire_bytes();
        let fits = self.items.is_empty() || self.bytes + bytes <= HISTORY_PAGE_BYTES;
        if self.is_full || self.items.len() == limit || !fits {
            self.is_full = true;
        } else {
            self.bytes += bytes;
            self.items.push(message);
        }
    }
}

impl Chat {
    /// Returns a page of messages that match, newest first, as far as the caller may see them.
    pub(super) async fn search(
        &self,
        identity: Identity,
        filter: SearchFilter,
        after: Option<Place>,
        limit: usize,
    ) -> Result<Reply, ChatError> {
        if filter.query.is_none() && filter.sender.is_none() && filter.has.is_none() {
            return Err(ChatError::invalid("q", "one of q, sender and has is required"));
        }
        let _permit = self.context.searches.acquire().await.map_err(|_| ChatError::Internal)?;
        let mut page_bytes = Reserved::none(self.context.unread.of(identity.user));
        if !page_bytes.try_add(HISTORY_PAGE_BYTES) {
            return Err(ChatError::RateLimited { retry_after: UNREAD_RETRY_AFTER });
        }
        let started = Instant::now();
        let (scope, memberships) = self.search_scope(identity, filter.conversation).await?;
        if filter.query.as_ref().is_some_and(Query::is_empty) {
            return Ok(Reply::Found {
                items: Vec::new(),
                next: None,
                memberships,
                compared_bytes: 0,
            });
        }
        let request = SearchRequest {
            scope: scope.iter().map(|(id, member)| (*id, member.joined_seq)).collect(),
            query: filter.query.unwrap_or_default(),
            sender: filter.sender,
            has: filter.has,
            before: filter.before,
            after: filter.after,
            below: after,
            limit: limit + 1,
        };
        let (Page { items, compared_bytes, .. }, next) =
            self.fill_page(request, &scope, limit).await?;
        histogram!("confab_search_seconds").record(started.elapsed());
        Ok(Reply::Found { items, next, memberships, compared_bytes })
    }

    /// Asks the index until a page is full, and returns the page with the end of what it covers, if there
    /// may be more.
    async fn fill_page(
        &self,
        mut request: SearchRequest,
        scope: &Scope,
        limit: usize,
    ) -> Result<(Page, Option<Place>), ChatError> {
        let mut page = Page::default();
        let mut next = None;
        for _ in 0..ROUNDS_MAX {
            let hits = self.hits(&request).await?;
            let may_have_more = hits.len() == request.limit;
            let last = hits.last().copied();
            for hits in hits.chunks(READ_AT_ONCE) {
                self.read_hits(&request, scope, hits, limit, &mut page).await?;
            }
            next = last.filter(|_| may_have_more);
            if page.is_full || next.is_none() {
                break;
            }
            request.below = next;
        }
        if page.is_full {
            next = page.items.last().map(|last| place(&last.entry));
        }
        Ok((page, next))
    }

    /// Returns the memberships in which the caller searches, and the number of memberships that were
    /// read. Fails with `NotFound` if the caller is not a member of the conversation.
    async fn search_scope(
        &self,
        identity: Identity,
        conversation: Option<ConversationId>,
    ) -> Result<(Scope, usize), ChatError> {
        if let Some(conversation) = conversation {
            let member = self.caller_membership(identity, conversation).await?;
            return Ok((Scope::from_iter([(conversation, member)]), 1));
        }
        let standings = self.context.standings(identity.user).await?;
        let memberships = standings.len();
        let searched = standings.into_iter().filter(|one| one.state != MembershipState::Declined);
        let scope = searched.map(|one| {
            let membership = one.membership;
            (membership.conversation, membership.member)
        });
        Ok((scope.collect(), memberships))
    }

    async fn hits(&self, request: &SearchRequest) -> Result<Vec<Place>, ChatError> {
        let Some(search) = &self.context.ports.search else {
            return Err(ChatError::Unavailable("search is not configured on this server"));
        };
        if request.scope.is_empty() {
            return Ok(Vec::new());
        }
        search.query(request).await.map_err(|error| {
            tracing::warn!(%error, "a search failed");
            if matches!(error, SearchError::Damaged(_)) {
                self.context.unindexed.make_again();
            }
            ChatError::Unavailable("search is not available")
        })
    }

    /// Reads hits from their logs, unless the page is full, and adds those to it that match in their
    /// present state and that the caller may see now.
    async fn read_hits(
        &self,
        request: &SearchRequest,
        scope: &Scope,
        hits: &[Place],
        limit: usize,
        page: &mut Page,
    ) -> Result<(), ChatError> {
        if page.is_full {
            return Ok(());
        }
        let visible = hits.iter().filter(|hit| {
            scope.get(&hit.conversation).is_some_and(|member| hit.seq >= member.joined_seq)
        });
        let reads = visible
            .map(|hit| self.entries(hit.conversation, hit.seq.previous(), hit.seq, 1))
            .collect::<Vec<_>>();
        let views: Vec<_> = stream::iter(reads).buffered(READS_AT_ONCE_MAX).try_collect().await?;
        let mut found = Vec::new();
        for view in views.into_iter().flatten() {
            page.compared_bytes += view.wire_bytes();
            found.extend(shown(request, view));
            // Comparing a long text takes a while.
            yield_now().await;
        }
        // After reading: then everything that was read precedes a removal.
        let mut conversations: Vec<_> =
            found.iter().map(|message| message.entry.entry.conversation).collect();
        conversations.sort_unstable();
        conversations.dedup();
        let checks = conversations.into_iter().filter_map(|conversation| {
            let member = *scope.get(&conversation)?;
            Some(self.left_conversation(member, conversation))
        });
        let checks = checks.collect::<Vec<_>>();
        let left: Vec<_> = stream::iter(checks).buffered(READS_AT_ONCE_MAX).try_collect().await?;
        found.retain(|message| !left.contains(&Some(message.entry.entry.conversation)));
        for message in found {
            page.add(message, limit);
        }
        Ok(())
    }

    /// Returns the conversation if the caller does not have this membership any more.
    async fn left_conversation(
        &self,
        member: Member,
        conversation: ConversationId,
    ) -> Result<Option<ConversationId>, ChatError> {
        match self.recheck_membership(member, conversation).await {
            Ok(()) => Ok(None),
            Err(ChatError::NotFound(_)) => Ok(Some(conversation)),
            Err(error) => Err(error),
        }
    }
}

/// Returns the message if its present state matches.
fn shown(request: &SearchRequest, view: EntryView) -> Option<FoundMessage> {
    let Body::Text { text: Some(text), attachments, .. } = &view.entry.body else { return None };
    let has = |wanted| match wanted {
        Has::Link => has_link(text),
        Has::Attachment => !attachments.is_empty(),
    };
    let is_wanted = request.sender.is_none_or(|sender| sender == view.entry.sender)
        && request.has.is_none_or(has)
        && request.before.is_none_or(|before| view.entry.at < before)
        && request.after.is_none_or(|after| view.entry.at > after);
    let highlights = request.query.find(text).filter(|_| is_wanted)?;
    Some(FoundMessage { entry: view, highlights })
}

fn place(view: &EntryView) -> Place {
    let entry = &view.entry;
    Place { at: entry.at, conversation: entry.conversation, seq: entry.seq }
}
