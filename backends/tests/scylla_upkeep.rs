//! The upkeep of a CQL store: its schema, node numbers, and the repair and rebuild of projections.
#![expect(clippy::unwrap_used, reason = "a failed test may panic")]

#[path = "scylla/keyspace.rs"]
mod keyspace;
#[path = "scylla/writer.rs"]
mod writer;

use std::{collections::HashSet, time::Duration};

use crate::{
    keyspace::{TestKeyspace, eventually},
    writer::{Draft, Writer, fresh, joined, text},
};
use backends::scylla::{Availability, ConnectError, Scylla, migrate, rebuild};
use chat_core::{
    id::{ConversationId, EPOCH_MS, UserId},
    model::{Body, Founding, Kind, Seq},
    port::Stores,
    time::Timestamp,
};
use futures_util::FutureExt;
use proptest::{
    prelude::Rng,
    test_runner::{RngAlgorithm, TestRng},
};

/// Milliseconds.
const DAY: i64 = 24 * 3_600_000;

async fn connect_error(keyspace: &TestKeyspace) -> ConnectError {
    Scylla::connect(keyspace.config.clone()).await.unwrap_err()
}

/// The message says what to do.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connect_fails_when_the_keyspace_does_not_fit_the_configuration() {
    let Some(keyspace) = TestKeyspace::empty("fit").await else { return };
    let mut missing = keyspace.clone();
    missing.config.keyspace = "confab_test_nowhere".to_owned();
    let error = connect_error(&missing).await;
    assert!(matches!(error, ConnectError::NoKeyspace { .. }), "{error}");
    assert!(error.to_string().contains("CREATE KEYSPACE confab_test_nowhere"), "{error}");

    let mut thrice = keyspace.clone();
    thrice.config.replication = 3;
    let error = connect_error(&thrice).await;
    assert!(matches!(error, ConnectError::Replication { expected: 3, .. }), "{error}");
    assert!(error.to_string().contains("ALTER KEYSPACE"), "{error}");

    let mut unreachable = keyspace.clone();
    unreachable.config.nodes = vec!["127.0.0.1:1".to_owned()];
    let error = connect_error(&unreachable).await;
    assert!(matches!(error, ConnectError::Unreachable { .. }), "{error}");
    keyspace.remove().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connect_fails_when_the_schema_is_newer_or_has_other_buckets() {
    let Some(keyspace) = TestKeyspace::empty("schema").await else { return };
    migrate(&keyspace.config).await.unwrap();
    let (one, other) = tokio::join!(keyspace.connect(), keyspace.connect());
    migrate(&keyspace.config).await.unwrap();
    assert_eq!((one.availability(), other.availability()), (Availability::Ok, Availability::Ok));

    let mut other_buckets = keyspace.clone();
    other_buckets.config.bucket_entries = 8;
    let error = connect_error(&other_buckets).await;
    assert!(matches!(error, ConnectError::Buckets { found: 4_096, expected: 8, .. }), "{error}");

    let name = &keyspace.config.keyspace;
    let set = format!("UPDATE {name}.settings SET version = 99 WHERE id = 0 IF EXISTS");
    keyspace.execute(&set).await;
    let error = connect_error(&keyspace).await;
    assert!(matches!(error, ConnectError::Newer { found: 99, .. }), "{error}");
    let error = migrate(&keyspace.config).await.unwrap_err();
    assert!(matches!(error, ConnectError::Newer { found: 99, .. }), "{error}");
    keyspace.remove().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn gateways_create_the_schema_once_when_they_start_together() {
    let Some(keyspace) = TestKeyspace::empty("together").await else { return };
    let (one, other, third) =
        tokio::join!(keyspace.connect(), keyspace.connect(), keyspace.connect());
    for gateway in [one, other, third] {
        Writer::new().append(&gateway.stores(), &[Draft::new(fresh(), text("x"))]).await;
    }
    let name = &keyspace.config.keyspace;
    let settings = format!("SELECT datacenter, migrating FROM {name}.settings WHERE id = 0");
    let row = keyspace.session().await.query_unpaged(settings, ()).await.unwrap();
    let row: (Option<String>, Option<bool>) = row.into_rows_result().unwrap().first_row().unwrap();
    assert!(row.0.is_some(), "no datacenter is stored");
    assert_eq!(row.1, None, "a claim to migrate is left");

    let elsewhere =
        format!("UPDATE {name}.settings SET datacenter = 'west' WHERE id = 0 IF EXISTS");
    keyspace.execute(&elsewhere).await;
    let error = connect_error(&keyspace).await;
    assert!(matches!(error, ConnectError::OtherDatacenter { .. }), "{error}");
    keyspace.remove().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn node_numbers_differ_and_become_free_when_a_gateway_closes() {
    let Some(keyspace) = TestKeyspace::shared("faults", 4_096).await else { return };
    let one = keyspace.connect().await;
    let other = keyspace.connect().await;
    let numbers = [one.lease_node().await.unwrap().node, other.lease_node().await.unwrap().node];
    assert_ne!(numbers[0], numbers[1]);
    let stores = one.stores();
    Writer::new().append(&stores, &[Draft::new(fresh(), text("x"))]).await;
    other.close().await;
    let session = keyspace.session().await;
    let alive =
        format!("SELECT alive FROM {}.nodes WHERE node = {}", keyspace.config.keyspace, numbers[1]);
    let row = session.query_unpaged(alive, ()).await.unwrap().into_rows_result().unwrap();
    assert_eq!(row.first_row::<(Option<bool>,)>().unwrap(), (None,));
    one.close().await;
}

/// The clock of the second gateway is a year behind that of the first.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn gateway_starts_above_the_ids_of_the_number_that_it_takes_over() {
    let Some(keyspace) = TestKeyspace::empty("take_over").await else { return };
    migrate(&keyspace.config).await.unwrap();
    keyspace.occupy_other_nodes(7).await;
    let mut newest = 0;
    for (count, years) in [(20, 2), (20, 1), (20, 1), (0, 0), (20, 0)] {
        let gateway = keyspace.connect().await;
        let leased = gateway.lease_node().await.unwrap();
        assert_eq!(leased.node, 7);
        let now = Timestamp::from_millis(EPOCH_MS + years * 365 * 24 * 3_600_000);
        for _ in 0..count {
            let conversation = ConversationId::from(leased.ids.next(now));
            assert!(conversation.get() > newest, "{conversation} after {newest}");
            newest = conversation.get();
            let founding =
                Founding { conversation, kind: Kind::Direct, title: None, created_at: now };
            assert!(gateway.stores().conversations.create(&founding).await.unwrap());
            assert!(leased.ids.are_covered());
        }
        gateway.close().await;
    }
    let gateway = keyspace.connect().await;
    let reached = gateway.lease_node().await.unwrap().reached;
    assert!(
        reached >= ConversationId::new(newest).unwrap().made_at().before(Duration::from_secs(10)),
        "{reached}"
    );
    gateway.close().await;
    keyspace.remove().await;
}

/// How far a clock steps between two thousands of ids.
const STEPS: [i64; 9] = [0, 1, 1_000, 3_600_000, 365 * DAY, -1, -1_000, -3_600_000, -365 * DAY];

/// Runs a gateway whose clock steps at random. Returns its 25,000 ids, of which one in a thousand is
/// stored.
async fn run_with_clock_steps(keyspace: &TestKeyspace, random: &mut TestRng) -> Vec<u64> {
    let gateway = keyspace.connect().await;
    let ids = gateway.lease_node().await.unwrap().ids;
    let mut made = Vec::new();
    let mut time = EPOCH_MS + 400 * DAY;
    for _ in 0..25 {
        time += STEPS[random.next_u32() as usize % STEPS.len()];
        let now = Timestamp::from_millis(time);
        made.extend((0..1_000).map(|_| ConversationId::from(ids.next(now))));
        let conversation = *made.last().unwrap();
        let founding = Founding { conversation, kind: Kind::Direct, title: None, created_at: now };
        assert!(gateway.stores().conversations.create(&founding).await.unwrap());
    }
    gateway.close().await;
    made.into_iter().map(ConversationId::get).collect()
}

/// Ten runs of 100,000 ids, each by four gateways that have the same node number one after the other.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ids_never_repeat_when_clocks_step_and_gateways_restart() {
    let Some(keyspace) = TestKeyspace::empty("clock_steps").await else { return };
    migrate(&keyspace.config).await.unwrap();
    keyspace.occupy_other_nodes(7).await;
    let mut random = TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]);
    let mut seen = HashSet::new();
    for gateway in 0..10 * 4 {
        let made = run_with_clock_steps(&keyspace, &mut random).await;
        assert!(made.into_iter().all(|id| seen.insert(id)), "gateway {gateway} repeats an id");
    }
    assert_eq!(seen.len(), 1_000_000);
    keyspace.remove().await;
}

/// Appends a member, a text, an edit of it and a title, and writes no projections.
async fn append_unprojected(stores: &Stores) -> (Writer, UserId) {
    let mut writer = Writer::new();
    let user = fresh();
    let conversation = writer.conversation;
    let title = Some("at first".into());
    let created_at = Timestamp::from_millis(1);
    let founding = Founding { conversation, kind: Kind::Group, title, created_at };
    stores.conversations.create(&founding).await.unwrap();
    let edited = Body::Edited { target_seq: Seq::new(2), text: Some("edited".into()) };
    let title = Body::Title { title: "newest".into() };
    for body in [joined(user), text("plain"), edited, title] {
        writer.append(stores, &[Draft::new(user, body)]).await;
    }
    (writer, user)
}

/// Asserts that all projections of [`append_unprojected`] can be read.
async fn assert_is_projected(stores: &Stores, writer: &Writer, user: UserId) {
    let conversation = writer.conversation;
    let conversations = &stores.conversations;
    let standing = conversations.standing(conversation, &[user]).await.unwrap();
    assert_eq!(standing[0].map(|member| member.joined_seq), Some(Seq::new(1)));
    assert_eq!(conversations.members(conversation, None, 9).await.unwrap().len(), 1);
    assert_eq!(conversations.of_user(user).await.unwrap().len(), 1);
    let title = conversations.get(conversation).await.unwrap().unwrap().1;
    assert_eq!(title.as_deref(), Some("newest"));
    let overlays = conversations.overlays(conversation, Seq::ZERO, Seq::new(4)).await.unwrap();
    assert_eq!(overlays[0].1.edited.as_ref().unwrap().text.as_deref(), Some("edited"));
    let cursor = stores.cursors.of_user(user, &[conversation]).await.unwrap()[0];
    assert_eq!(cursor.read_seq, Seq::new(2));
}

/// A gateway may be killed between an append and its projections.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn missing_projections_are_repaired_when_somebody_reads_them() {
    let Some(keyspace) = TestKeyspace::shared("faults", 4_096).await else { return };
    let one = keyspace.connect().await;
    let other = keyspace.connect().await;
    let (mut writer, user) = append_unprojected(&one.stores()).await;
    let stores = other.stores();
    assert_eq!(writer.head_on(&stores).await, writer.head);
    assert_is_projected(&stores, &writer, user).await;

    // Projections that this gateway writes do not hide missing ones before them.
    let unprojected: UserId = fresh();
    writer.append(&one.stores(), &[Draft::new(unprojected, joined(unprojected))]).await;
    writer.head = writer.head_on(&stores).await;
    let last = writer.append(&stores, &[Draft::new(user, joined(fresh()))]).await;
    stores.conversations.project(&last).await.unwrap();
    let third = keyspace.connect().await;
    assert_eq!(writer.head_on(&third.stores()).await, writer.head);
    let conversations = third.stores().conversations;
    let standing = conversations.standing(writer.conversation, &[unprojected]).await.unwrap();
    assert!(standing[0].is_some(), "a member is missing");
}

/// Reads the stored seq up to which the projections are written.
async fn projected_seq(keyspace: &TestKeyspace, writer: &Writer) -> Option<i64> {
    let name = &keyspace.config.keyspace;
    let conversation = writer.conversation.as_i64();
    let query =
        format!("SELECT projected_seq FROM {name}.views WHERE conversation = {conversation}");
    let rows = keyspace.session().await.query_unpaged(query, ()).await.unwrap();
    let row: Option<(Option<i64>,)> = rows.into_rows_result().unwrap().maybe_first_row().unwrap();
    row.and_then(|(seq,)| seq)
}

/// Appends a text, many edits of it and its redaction, and writes no projections.
async fn append_edits_and_redaction(stores: &Stores, edits: usize) -> (Writer, UserId) {
    let mut writer = Writer::new();
    let user = fresh();
    writer.append(stores, &[joined(user), text("0")].map(|body| Draft::new(user, body))).await;
    let edits: Vec<_> = (0..edits)
        .map(|nth| Body::Edited { target_seq: Seq::new(2), text: Some(nth.to_string().into()) })
        .map(|body| Draft::new(user, body))
        .collect();
    for edits in edits.chunks(50) {
        writer.append(stores, edits).await;
    }
    let redacted = Body::Redacted { target_seq: Seq::new(2) };
    writer.append(stores, &[Draft::new(user, redacted)]).await;
    (writer, user)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn repair_continues_when_its_callers_are_dropped() {
    let Some(keyspace) = TestKeyspace::shared("faults", 4_096).await else { return };
    let one = keyspace.connect().await;
    let other = keyspace.connect().await;
    let (writer, user) = append_edits_and_redaction(&one.stores(), 600).await;
    let stores = other.stores();
    let conversation = writer.conversation;
    assert_eq!(writer.head_on(&stores).await, writer.head);
    let users = [user];
    let call = stores.conversations.standing(conversation, &users);
    assert_eq!(call.now_or_never(), None);
    let wanted = writer.head.seq.get();
    let is_repaired =
        async || projected_seq(&keyspace, &writer).await == i64::try_from(wanted).ok();
    eventually("the projections are written", is_repaired).await;
    let log = stores.log.read(conversation, Seq::ZERO, writer.head.seq, usize::MAX).await.unwrap();
    assert!(log.iter().all(|entry| !matches!(
        entry.body,
        Body::Text { text: Some(_), .. } | Body::Edited { text: Some(_), .. }
    )));
    assert_eq!(log.len() as u64, wanted);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn callers_are_answered_in_the_end_when_a_repair_takes_long() {
    let Some(mut keyspace) = TestKeyspace::shared("faults", 4_096).await else { return };
    let (writer, user) =
        append_edits_and_redaction(&keyspace.connect().await.stores(), 1_000).await;
    keyspace.config.statement_within = Duration::from_millis(1_500);
    let gateway = keyspace.connect().await;
    let stores = gateway.stores();
    let conversation = writer.conversation;
    writer.head_on(&stores).await;
    let is_answered = async || stores.conversations.standing(conversation, &[user]).await.is_ok();
    eventually("the call succeeds", is_answered).await;
    let overlays = stores.conversations.overlays(conversation, Seq::ZERO, Seq::new(2)).await;
    assert_eq!(overlays.unwrap()[0].1.redacted, Some(writer.head.seq));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rebuild_restores_all_projections_when_their_tables_are_empty() {
    let Some(keyspace) = TestKeyspace::empty("rebuild").await else { return };
    let gateway = keyspace.connect().await;
    let mut all = Vec::new();
    for _ in 0..5 {
        all.push(append_unprojected(&gateway.stores()).await);
    }
    let views = ["members", "user_conversations", "overlays", "reactions", "cursors", "views"];
    for view in views {
        keyspace.execute(&format!("TRUNCATE {}.{view}", keyspace.config.keyspace)).await;
    }
    let rebuilt = rebuild(keyspace.config.clone()).await.unwrap();
    assert_eq!((rebuilt.conversations, rebuilt.entries), (5, 20));
    let stores = keyspace.connect().await.stores();
    for (writer, user) in &all {
        assert_is_projected(&stores, writer, *user).await;
    }
    keyspace.remove().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_reads_return_everything_that_was_acknowledged() {
    let Some(keyspace) = TestKeyspace::shared("faults", 4_096).await else { return };
    let gateway = keyspace.connect().await;
    let stores = gateway.stores();
    let mut writer = Writer::new();
    let sender = fresh();
    for _ in 0..20 {
        let drafts: Vec<_> = (0..10).map(|_| Draft::new(sender, text("x"))).collect();
        writer.append(&stores, &drafts).await;
        let to = writer.head.seq;
        let conversation = writer.conversation;
        let readers = (0..50).map(|after| stores.log.read(conversation, Seq::new(after), to, 500));
        for (after, read) in (0..).zip(futures_util::future::join_all(readers).await) {
            let expected = usize::try_from(to.get()).unwrap().saturating_sub(after);
            assert_eq!(read.unwrap().len(), expected);
        }
    }
    let beyond = stores.log.read(writer.conversation, Seq::ZERO, Seq::new(u64::MAX), 10).await;
    assert_eq!(beyond.unwrap().len(), 10);
    assert_eq!(stores.log.heads(&[fresh()]).await.unwrap()[0].seq, Seq::ZERO);
}
