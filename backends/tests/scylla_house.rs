//! What keeps a CQL store in order: its schema, node numbers, projections that somebody left
//! behind, and rebuilding them all.
#![expect(clippy::unwrap_used, reason = "a test may end so")]

#[path = "scylla/stage.rs"]
mod stage;
#[path = "scylla/writer.rs"]
mod writer;

use std::time::Duration;

use backends::scylla::{ConnectError, Health, Scylla, migrate, rebuild};
use chat_core::{
    error::StoreError,
    id::UserId,
    model::{Body, Founding, Kind, Seq},
    port::Stores,
    time::Timestamp,
};
use futures_util::FutureExt;
use tokio::time::Instant;

use crate::{
    stage::Stage,
    writer::{Draft, Writer, fresh, joined, text},
};

async fn refusal(stage: &Stage) -> ConnectError {
    Scylla::connect(stage.config.clone()).await.unwrap_err()
}

/// Nothing is built on a keyspace that does not fit, and the text says what to do.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keyspace_that_does_not_fit_is_refused() {
    let Some(stage) = Stage::empty("fit").await else { return };
    let mut missing = stage.clone();
    missing.config.keyspace = "confab_test_nowhere".to_owned();
    let error = refusal(&missing).await;
    assert!(matches!(error, ConnectError::NoKeyspace { .. }), "{error}");
    assert!(error.to_string().contains("CREATE KEYSPACE confab_test_nowhere"), "{error}");

    let mut thrice = stage.clone();
    thrice.config.replication = 3;
    let error = refusal(&thrice).await;
    assert!(matches!(error, ConnectError::Replication { expected: 3, .. }), "{error}");
    assert!(error.to_string().contains("ALTER KEYSPACE"), "{error}");

    let mut nobody = stage.clone();
    nobody.config.nodes = vec!["127.0.0.1:1".to_owned()];
    let error = refusal(&nobody).await;
    assert!(matches!(error, ConnectError::Unreachable { .. }), "{error}");
    stage.remove().await;
}

/// An empty keyspace gets its tables, by many at once; a newer schema, and logs that are cut
/// otherwise, are refused.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn schema_is_made_once_and_a_newer_one_is_refused() {
    let Some(stage) = Stage::empty("schema").await else { return };
    migrate(&stage.config).await.unwrap();
    let (one, other) = tokio::join!(stage.connect(), stage.connect());
    migrate(&stage.config).await.unwrap();
    assert_eq!((one.health(), other.health()), (Health::Ok, Health::Ok));

    let mut otherwise = stage.clone();
    otherwise.config.bucket_entries = 8;
    let error = refusal(&otherwise).await;
    assert!(matches!(error, ConnectError::Buckets { found: 4_096, expected: 8, .. }), "{error}");

    let keyspace = &stage.config.keyspace;
    let set = format!("UPDATE {keyspace}.settings SET version = 99 WHERE id = 0 IF EXISTS");
    stage.cql(&set).await;
    let error = refusal(&stage).await;
    assert!(matches!(error, ConnectError::Newer { found: 99, .. }), "{error}");
    let error = migrate(&stage.config).await.unwrap_err();
    assert!(matches!(error, ConnectError::Newer { found: 99, .. }), "{error}");
    stage.remove().await;
}

/// Gateways that are started together on an empty keyspace make its tables once, and its settings
/// say what they were made with.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn gateways_started_together_make_the_schema_once() {
    let Some(stage) = Stage::empty("together").await else { return };
    let (one, other, third) = tokio::join!(stage.connect(), stage.connect(), stage.connect());
    for gateway in [one, other, third] {
        Writer::new().append(&gateway.stores(), &[Draft::new(fresh(), text("x"))]).await;
    }
    let keyspace = &stage.config.keyspace;
    let settings = format!("SELECT datacenter, migrating FROM {keyspace}.settings WHERE id = 0");
    let row = stage.session().await.query_unpaged(settings, ()).await.unwrap();
    let row: (Option<String>, Option<bool>) = row.into_rows_result().unwrap().first_row().unwrap();
    assert!(row.0.is_some(), "no datacenter decides");
    assert_eq!(row.1, None, "somebody still migrates");

    let elsewhere =
        format!("UPDATE {keyspace}.settings SET datacenter = 'west' WHERE id = 0 IF EXISTS");
    stage.cql(&elsewhere).await;
    let error = refusal(&stage).await;
    assert!(matches!(error, ConnectError::Elsewhere { .. }), "{error}");
    stage.remove().await;
}

/// Gateways get different numbers, a number comes back when its gateway closes, and a gateway whose
/// number is another's writes nothing that is new.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn node_numbers_are_leased() {
    let Some(stage) = Stage::shared("faults", 4_096).await else { return };
    let (one, other) = (stage.connect().await, stage.connect().await);
    let numbers = [one.lease_node().await.unwrap(), other.lease_node().await.unwrap()];
    assert_ne!(numbers[0], numbers[1]);
    let stores = one.stores();
    Writer::new().append(&stores, &[Draft::new(fresh(), text("x"))]).await;
    other.close().await;
    let session = stage.session().await;
    let alive =
        format!("SELECT alive FROM {}.nodes WHERE node = {}", stage.config.keyspace, numbers[1]);
    let row = session.query_unpaged(alive, ()).await.unwrap().into_rows_result().unwrap();
    assert_eq!(row.first_row::<(Option<bool>,)>().unwrap(), (None,));
    one.close().await;
}

/// Joined, a text, an edit of it and a title, appended and never projected.
async fn left_behind(stores: &Stores) -> (Writer, UserId) {
    let (mut writer, user) = (Writer::new(), fresh());
    let conversation = writer.conversation;
    let (title, created_at) = (Some("at first".into()), Timestamp::from_millis(1));
    let founding = Founding { conversation, kind: Kind::Group, title, created_at };
    stores.conversations.create(&founding).await.unwrap();
    let edited = Body::Edited { target_seq: Seq::new(2), text: Some("edited".into()) };
    let title = Body::Title { title: "newest".into() };
    for body in [joined(user), text("plain"), edited, title] {
        writer.append(stores, &[Draft::new(user, body)]).await;
    }
    (writer, user)
}

async fn assert_is_whole(stores: &Stores, writer: &Writer, user: UserId) {
    let (conversation, conversations) = (writer.conversation, &stores.conversations);
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

/// A gateway that ended between the append and its projections leaves nothing out: whoever comes to
/// the conversation writes them (stale-read, leak-after-removal).
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn projections_left_behind_are_mended_by_who_comes() {
    let Some(stage) = Stage::shared("faults", 4_096).await else { return };
    let (one, other) = (stage.connect().await, stage.connect().await);
    let (mut writer, user) = left_behind(&one.stores()).await;
    let stores = other.stores();
    assert_eq!(writer.head_on(&stores).await, writer.head);
    assert_is_whole(&stores, &writer, user).await;

    // Own projections do not hide what another left behind before them.
    let again: UserId = fresh();
    writer.append(&one.stores(), &[Draft::new(again, joined(again))]).await;
    writer.head = writer.head_on(&stores).await;
    let last = writer.append(&stores, &[Draft::new(user, joined(fresh()))]).await;
    stores.conversations.project(&last).await.unwrap();
    let third = stage.connect().await;
    assert_eq!(writer.head_on(&third.stores()).await, writer.head);
    let conversations = third.stores().conversations;
    let standing = conversations.standing(writer.conversation, &[again]).await.unwrap();
    assert!(standing[0].is_some(), "a member whom another gateway left behind");
}

/// Up to where the conversation's projections are complete, as the store has it.
async fn projected(stage: &Stage, writer: &Writer) -> Option<i64> {
    let (keyspace, conversation) = (&stage.config.keyspace, writer.conversation.as_i64());
    let query =
        format!("SELECT projected_seq FROM {keyspace}.views WHERE conversation = {conversation}");
    let rows = stage.session().await.query_unpaged(query, ()).await.unwrap();
    let row: Option<(Option<i64>,)> = rows.into_rows_result().unwrap().maybe_first_row().unwrap();
    row.and_then(|(seq,)| seq)
}

/// A text, edited many times and then redacted, and never projected.
async fn edited_and_redacted(stores: &Stores, edits: usize) -> (Writer, UserId) {
    let (mut writer, user) = (Writer::new(), fresh());
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

/// Mending that takes longer than a call goes on when its callers have gone, and ends.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mending_goes_on_when_who_began_it_has_gone() {
    let Some(stage) = Stage::shared("faults", 4_096).await else { return };
    let (one, other) = (stage.connect().await, stage.connect().await);
    let (writer, user) = edited_and_redacted(&one.stores(), 600).await;
    let (stores, conversation) = (other.stores(), writer.conversation);
    assert_eq!(writer.head_on(&stores).await, writer.head);
    let users = [user];
    let call = stores.conversations.standing(conversation, &users);
    assert_eq!(call.now_or_never(), None);
    let (deadline, wanted) = (Instant::now() + Duration::from_secs(60), writer.head.seq.get());
    while projected(&stage, &writer).await != i64::try_from(wanted).ok() {
        assert!(Instant::now() < deadline, "mending has ended with its caller");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let log = stores.log.read(conversation, Seq::ZERO, writer.head.seq, usize::MAX).await.unwrap();
    assert!(log.iter().all(|entry| !matches!(
        entry.body,
        Body::Text { text: Some(_), .. } | Body::Edited { text: Some(_), .. }
    )));
    assert_eq!(log.len() as u64, wanted);
}

/// Whoever comes to a conversation that takes long to mend is answered in the end.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn message_edited_many_times_and_redacted_is_mended() {
    let Some(mut stage) = Stage::shared("faults", 4_096).await else { return };
    let (writer, user) = edited_and_redacted(&stage.connect().await.stores(), 1_000).await;
    stage.config.statement_within = Duration::from_millis(1_500);
    let gateway = stage.connect().await;
    let (stores, conversation) = (gateway.stores(), writer.conversation);
    let deadline = Instant::now() + Duration::from_secs(60);
    writer.head_on(&stores).await;
    while let Err(error) = stores.conversations.standing(conversation, &[user]).await {
        assert!(Instant::now() < deadline, "{error}");
    }
    let overlays = stores.conversations.overlays(conversation, Seq::ZERO, Seq::new(2)).await;
    assert_eq!(overlays.unwrap()[0].1.redacted, Some(writer.head.seq));
}

/// Everything but the log can be written again from the log.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn projections_are_rebuilt_from_the_logs() {
    let Some(stage) = Stage::empty("rebuild").await else { return };
    let gateway = stage.connect().await;
    let mut all = Vec::new();
    for _ in 0..5 {
        all.push(left_behind(&gateway.stores()).await);
    }
    let views = ["members", "user_conversations", "overlays", "reactions", "cursors", "views"];
    for view in views {
        stage.cql(&format!("TRUNCATE {}.{view}", stage.config.keyspace)).await;
    }
    let rebuilt = rebuild(stage.config.clone()).await.unwrap();
    assert_eq!((rebuilt.conversations, rebuilt.entries), (5, 20));
    let stores = stage.connect().await.stores();
    for (writer, user) in &all {
        assert_is_whole(&stores, writer, *user).await;
    }
    stage.remove().await;
}

/// Equal reads at the same moment do not become as many reads of the store, and none is stale.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_readers_at_once_see_what_was_acknowledged() {
    let Some(stage) = Stage::shared("faults", 4_096).await else { return };
    let gateway = stage.connect().await;
    let (stores, mut writer, sender) = (gateway.stores(), Writer::new(), fresh());
    for _ in 0..20 {
        let drafts: Vec<_> = (0..10).map(|_| Draft::new(sender, text("x"))).collect();
        writer.append(&stores, &drafts).await;
        let (to, conversation) = (writer.head.seq, writer.conversation);
        let readers = (0..50).map(|after| stores.log.read(conversation, Seq::new(after), to, 500));
        for (after, read) in (0..).zip(futures_util::future::join_all(readers).await) {
            let expected = usize::try_from(to.get()).unwrap().saturating_sub(after);
            assert_eq!(read.unwrap().len(), expected);
        }
    }
    let wrong = stores.log.read(writer.conversation, Seq::ZERO, Seq::new(u64::MAX), 10).await;
    assert_eq!(wrong.unwrap().len(), 10);
    let never: Result<_, StoreError> = stores.log.heads(&[fresh()]).await;
    assert_eq!(never.unwrap()[0].seq, Seq::ZERO);
}
