//! Search: what is found follows the logs, and nobody is shown what they may not see.

mod files;

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use chat_core::{
    command::{Change, Command, FoundMessage, Page, Reply, SearchFilter},
    error::ChatError,
    faults::{Call, Fault},
    id::ConversationId,
    memory::{MemoryHub, MemorySearch, MemoryStores, NoBus},
    model::{Body, Seq},
    port::{IndexedPart, Place, Search, SearchError, SearchRequest},
    search::{Has, Query},
};
use proptest::prelude::*;
use tokio::time::sleep;

use crate::scene::{Person, Scene, add, remove, text_of};

/// The time within which a change is found.
const INDEXED: Duration = Duration::from_secs(5);

/// Starts gateways that share an index.
fn searchable(gateways: usize, search: Arc<dyn Search>) -> Scene {
    let hub = MemoryHub::new();
    let mut scene = Scene::on(0, &hub, MemoryStores::new());
    scene.search = Some(search);
    let faults = scene.faults.clone();
    for _ in 0..gateways {
        scene.join(&faults, Arc::new(hub.bus()));
    }
    scene
}

/// The time within which a fleet finds what a gateway has left: the turn that it may have claimed, and
/// the turn of another one.
const FLEET_COMPARED: Duration = Duration::from_secs(180);

fn looking_for(words: &str) -> SearchFilter {
    SearchFilter { query: Some(Query::parse(words).unwrap()), ..SearchFilter::default() }
}

async fn page(
    person: &Person,
    filter: SearchFilter,
    after: Option<Place>,
    limit: usize,
) -> Result<(Vec<FoundMessage>, Option<Place>), ChatError> {
    let reply = person.execute(Command::Search { filter, after, limit }).await?;
    let Reply::Found { items, next, .. } = reply else { unreachable!("{reply:?}") };
    Ok((items, next))
}

/// Returns the conversations and seqs of all pages.
async fn all(person: &Person, filter: SearchFilter) -> Vec<(ConversationId, u64)> {
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let (items, next) = page(person, filter.clone(), after, 3).await.unwrap();
        let places =
            items.iter().map(|item| (item.entry.entry.conversation, item.entry.entry.seq.get()));
        found.extend(places);
        if next.is_none() {
            return found;
        }
        assert_ne!(next, after, "a page ends below the one before");
        after = next;
    }
}

async fn find(person: &Person, words: &str) -> Vec<u64> {
    all(person, looking_for(words)).await.into_iter().map(|(_, seq)| seq).collect()
}

fn edit(target_seq: Seq, text: &str) -> Change {
    Change::Edit { target_seq, text: text.into() }
}

async fn ada_and_bob(scene: &Scene) -> (Person, Person, ConversationId) {
    let (ada, bob) = (scene.person("ada").await, scene.person("bob").await);
    let group = ada.group(&[&bob]).await;
    (ada, bob, group)
}

#[tokio::test(start_paused = true)]
async fn message_is_found_within_five_seconds() {
    let scene = searchable(1, Arc::new(MemorySearch::default()));
    let (ada, bob, group) = ada_and_bob(&scene).await;
    let seq = ada.send(group, "Lunch at the Café?").await;
    sleep(INDEXED).await;
    assert_eq!(find(&bob, "cafe").await, [seq.get()]);
    let (items, _) = page(&bob, looking_for("CAF"), None, 10).await.unwrap();
    assert_eq!(items[0].highlights.first(), Some(&(13..18)));
    assert_eq!(find(&bob, "dinner").await, [0; 0]);
}

#[tokio::test(start_paused = true)]
async fn edits_and_redactions_are_followed() {
    let scene = searchable(1, Arc::new(MemorySearch::default()));
    let (ada, bob, group) = ada_and_bob(&scene).await;
    let seq = ada.send(group, "first draft").await;
    sleep(INDEXED).await;
    ada.change(group, edit(seq, "final version")).await.unwrap();
    // The index is behind, but the log is read before a hit is shown.
    assert_eq!(find(&bob, "draft").await, [0; 0]);
    sleep(INDEXED).await;
    assert_eq!(find(&bob, "draft").await, [0; 0]);
    assert_eq!(find(&bob, "final").await, [seq.get()]);
    ada.change(group, Change::Redact { target_seq: seq }).await.unwrap();
    assert_eq!(find(&bob, "final").await, [0; 0]);
    sleep(INDEXED).await;
    assert_eq!(find(&bob, "final").await, [0; 0]);
}

#[tokio::test(start_paused = true)]
async fn member_finds_nothing_from_before_joining_and_after_leaving() {
    let scene = searchable(1, Arc::new(MemorySearch::default()));
    let (ada, bob, group) = ada_and_bob(&scene).await;
    let eve = scene.person("eve").await;
    ada.send(group, "tea early").await;
    sleep(INDEXED).await;
    ada.add(group, &eve).await;
    let late = ada.send(group, "tea late").await;
    sleep(INDEXED).await;
    assert_eq!(find(&eve, "tea").await, [late.get()]);
    assert_eq!(find(&bob, "tea").await.len(), 2);
    ada.remove(group, &eve).await;
    assert_eq!(find(&eve, "tea").await, [0; 0]);
    let filter = SearchFilter { conversation: Some(group), ..looking_for("tea") };
    let refused = page(&eve, filter, None, 10).await.unwrap_err();
    assert_eq!(refused, ChatError::NotFound("conversation"));
}

#[tokio::test(start_paused = true)]
async fn declined_request_is_not_searched() {
    let scene = searchable(1, Arc::new(MemorySearch::default()));
    let (ada, bob) = (scene.person("ada").await, scene.person("bob").await);
    let direct = ada.direct(&bob).await;
    ada.send(direct, "hello tea").await;
    sleep(INDEXED).await;
    assert_eq!(find(&bob, "tea").await.len(), 1);
    bob.execute(Command::Decline { conversation: direct }).await.unwrap();
    assert_eq!(find(&bob, "tea").await, [0; 0]);
}

#[tokio::test(start_paused = true)]
async fn search_needs_something_to_look_for() {
    let scene = searchable(1, Arc::new(MemorySearch::default()));
    let (ada, _, group) = ada_and_bob(&scene).await;
    let seq = ada.send(group, "see https://example.com").await;
    sleep(INDEXED).await;
    let refused = page(&ada, SearchFilter::default(), None, 10).await.unwrap_err();
    assert!(matches!(refused, ChatError::Invalid { field: Some(field), .. } if field == "q"));
    assert_eq!(find(&ada, "…").await, [0; 0]);
    let links = SearchFilter { has: Some(Has::Link), ..SearchFilter::default() };
    assert_eq!(all(&ada, links).await, [(group, seq.get())]);
}

#[tokio::test(start_paused = true)]
async fn search_is_unavailable_without_an_index() {
    let scene = Scene::new(1);
    let (ada, ..) = ada_and_bob(&scene).await;
    let refused = page(&ada, looking_for("tea"), None, 10).await.unwrap_err();
    assert!(matches!(refused, ChatError::Unavailable(why) if why.contains("not configured")));
}

/// An index that can lose its answers, and that starts without what was written before.
#[derive(Debug, Default)]
struct Flaky {
    inner: MemorySearch,
    is_down: std::sync::atomic::AtomicBool,
}

impl Flaky {
    fn set_down(&self, is_down: bool) {
        self.is_down.store(is_down, std::sync::atomic::Ordering::SeqCst);
    }

    fn check(&self) -> Result<(), SearchError> {
        let is_down = self.is_down.load(std::sync::atomic::Ordering::SeqCst);
        if is_down { Err(SearchError::Unavailable("down".to_owned())) } else { Ok(()) }
    }
}

#[async_trait]
impl Search for Flaky {
    async fn marks(&self, conversations: &[ConversationId]) -> Result<Vec<Seq>, SearchError> {
        self.check()?;
        self.inner.marks(conversations).await
    }

    async fn index(&self, parts: &[IndexedPart]) -> Result<(), SearchError> {
        self.check()?;
        self.inner.index(parts).await
    }

    async fn query(&self, request: &SearchRequest) -> Result<Vec<Place>, SearchError> {
        self.check()?;
        self.inner.query(request).await
    }

    async fn clear(&self) -> Result<(), SearchError> {
        self.inner.clear().await
    }
}

#[tokio::test(start_paused = true)]
async fn messages_are_indexed_when_the_index_comes_back() {
    let search = Arc::new(Flaky::default());
    let scene = searchable(1, search.clone());
    let (ada, bob, group) = ada_and_bob(&scene).await;
    search.set_down(true);
    let seq = ada.send(group, "tea").await;
    sleep(INDEXED).await;
    let refused = page(&bob, looking_for("tea"), None, 10).await.unwrap_err();
    assert!(matches!(refused, ChatError::Unavailable(_)));
    search.set_down(false);
    sleep(INDEXED).await;
    assert_eq!(find(&bob, "tea").await, [seq.get()]);
}

#[tokio::test(start_paused = true)]
async fn messages_are_indexed_when_the_store_comes_back() {
    let scene = searchable(1, Arc::new(MemorySearch::default()));
    let (ada, bob, group) = ada_and_bob(&scene).await;
    let seq = ada.send(group, "tea").await;
    scene.faults.fail_next(Call::Overlays, &[Fault::Unavailable, Fault::Unavailable]);
    // Each failure delays it to the next attempt.
    sleep(2 * INDEXED).await;
    assert_eq!(find(&bob, "tea").await, [seq.get()]);
}

#[tokio::test(start_paused = true)]
async fn gateway_indexes_what_a_killed_one_has_left() {
    let search = Arc::new(Flaky::default());
    let mut scene = searchable(1, search.clone());
    let (ada, bob, group) = ada_and_bob(&scene).await;
    search.set_down(true);
    let mut sent = Vec::new();
    for number in 0..300 {
        sent.insert(0, ada.send(group, &format!("tea {number}")).await.get());
    }
    // A gateway that starts later finds what nobody has noted.
    let faults = scene.faults.clone();
    scene.gateways[0].drain();
    search.set_down(false);
    let next = scene.join(&faults, Arc::new(NoBus::new()));
    sleep(INDEXED).await;
    assert_eq!(find(&bob.at(&next), "tea").await, sent);
}

#[tokio::test(start_paused = true)]
async fn another_gateway_indexes_what_a_silent_one_has_left() {
    let dead = Arc::new(Flaky::default());
    dead.set_down(true);
    let hub = MemoryHub::new();
    let mut scene = Scene::on(0, &hub, MemoryStores::new());
    let faults = scene.faults.clone();
    scene.search = Some(dead);
    let silent = scene.join(&faults, Arc::new(hub.bus()));
    scene.search = Some(Arc::new(MemorySearch::default()));
    let healthy = scene.join(&faults, Arc::new(hub.bus()));
    let (ada, bob) =
        (scene.person("ada").await.at(&silent), scene.person("bob").await.at(&healthy));
    let group = ada.group(&[&bob]).await;
    sleep(INDEXED).await;
    let seq = ada.send(group, "tea").await;
    sleep(FLEET_COMPARED).await;
    assert_eq!(find(&bob, "tea").await, [seq.get()]);
}

/// What people do in the property test.
#[derive(Debug, Clone, Copy)]
enum Action {
    Send { by: usize, word: usize },
    Edit { by: usize, nth: usize, word: usize },
    Redact { by: usize, nth: usize },
    Add { who: usize },
    Remove { who: usize },
    Settle,
}

const WORDS: [&str; 4] = ["apple pie", "pear tart", "apple pear", "plum"];

fn action() -> impl Strategy<Value = Action> {
    let (person, word) = (0..3_usize, 0..WORDS.len());
    prop_oneof![
        4 => (person.clone(), word.clone()).prop_map(|(by, word)| Action::Send { by, word }),
        2 => (person.clone(), 0..20_usize, word)
            .prop_map(|(by, nth, word)| Action::Edit { by, nth, word }),
        1 => (person.clone(), 0..20_usize).prop_map(|(by, nth)| Action::Redact { by, nth }),
        1 => person.clone().prop_map(|who| Action::Add { who }),
        1 => person.prop_map(|who| Action::Remove { who }),
        1 => Just(Action::Settle),
    ]
}

/// Returns what a person can read in a conversation that has all words of a query, newest first.
async fn readable(
    person: &Person,
    group: ConversationId,
    words: &str,
) -> Vec<(ConversationId, u64)> {
    let history = Command::History { conversation: group, page: Page::Newest, limit: 100 };
    let Ok(Reply::History { items, .. }) = person.execute(history).await else {
        return Vec::new();
    };
    let query = Query::parse(words).unwrap();
    let mut found: Vec<_> = items
        .iter()
        .filter(|item| {
            matches!(&item.entry.body, Body::Text { text: Some(text), .. } if query.find(text).is_some())
        })
        .map(|item| (group, item.entry.seq.get()))
        .collect();
    found.reverse();
    found
}

async fn act(people: &[Person], group: ConversationId, action: Action) {
    let nth = |nth: usize| Seq::new(nth as u64 + 2);
    // Those who may not do it are refused.
    let done = match action {
        Action::Send { by, word } => people[by].change(group, text_of(WORDS[word])).await,
        Action::Edit { by, nth: at, word } => {
            people[by].change(group, edit(nth(at), WORDS[word])).await
        }
        Action::Redact { by, nth: at } => {
            people[by].change(group, Change::Redact { target_seq: nth(at) }).await
        }
        Action::Add { who } => people[0].change(group, add(&people[who])).await,
        Action::Remove { who } => people[0].change(group, remove(&people[who])).await,
        Action::Settle => {
            sleep(INDEXED).await;
            Ok(Reply::Done)
        }
    };
    drop(done);
}

async fn check(actions: Vec<Action>) {
    let scene = searchable(2, Arc::new(MemorySearch::default()));
    let mut people = Vec::new();
    for (number, name) in ["ada", "bob", "eve"].into_iter().enumerate() {
        people.push(scene.person(name).await.at(&scene.gateways[number % 2]));
    }
    let group = people[0].group(&[&people[1]]).await;
    for action in actions {
        act(&people, group, action).await;
        for person in &people {
            for words in ["apple", "pear", "\"apple pear\""] {
                check_found(person, group, words, action).await;
            }
        }
    }
}

/// Checks that a person finds nothing that is not readable, and everything after settling.
async fn check_found(person: &Person, group: ConversationId, words: &str, action: Action) {
    let found = all(person, looking_for(words)).await;
    let readable = readable(person, group, words).await;
    let hidden: Vec<_> = found.iter().filter(|place| !readable.contains(place)).collect();
    assert!(hidden.is_empty(), "{words}: {hidden:?} after {action:?}");
    if matches!(action, Action::Settle) {
        assert_eq!(found, readable, "{words} after settling");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn everything_readable_is_found_and_nothing_else(
        mut actions in proptest::collection::vec(action(), 1..40),
    ) {
        actions.push(Action::Settle);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(check(actions));
    }
}
