//! A file is in one message, is readable exactly as long as that message is, and is removed after it.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use chat_core::{
    attachments::{AttachmentRules, Attachments, NewFile},
    command::{Change, Written},
    error::ChatError,
    id::{AttachmentId, ConversationId},
    limits::{SENDING_TTL, UPLOAD_TTL},
    memory::MemoryBlobs,
    model::{Body, Chunk, ClientId, Progress, Seq, Upload, Usage},
};
use proptest::prelude::*;
use tokio::{
    join,
    time::{advance, sleep},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::scene::{Person, Scene};

/// Longer than the interval between two rounds of the job that removes files.
const ROUND: Duration = Duration::from_secs(30);

/// The files of a scene's first gateway.
pub(crate) struct Files {
    pub(crate) attachments: Arc<Attachments>,
    pub(crate) blobs: Arc<MemoryBlobs>,
    stop: CancellationToken,
}

impl Drop for Files {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl Files {
    pub(crate) fn of(scene: &Scene) -> Self {
        Self::with(scene, AttachmentRules::default())
    }

    pub(crate) fn with(scene: &Scene, rules: AttachmentRules) -> Self {
        let blobs = Arc::new(MemoryBlobs::default());
        let stop = CancellationToken::new();
        let attachments = Attachments::start(
            scene.stores.clone(),
            blobs.clone(),
            scene.clock.clone(),
            rules,
            &TaskTracker::new(),
            stop.clone(),
        );
        Self { attachments, blobs, stop }
    }

    pub(crate) fn new_file(conversation: ConversationId, bytes: usize) -> NewFile {
        NewFile { conversation, name: "a.txt".to_owned(), size: bytes as u64 }
    }

    pub(crate) async fn begin(
        &self,
        owner: &Person,
        conversation: ConversationId,
        size: u64,
    ) -> Result<Upload, ChatError> {
        let file = NewFile { conversation, name: "a.txt".to_owned(), size };
        self.attachments.begin(owner.identity, file).await
    }

    /// Uploads a whole file.
    async fn upload(&self, owner: &Person, conversation: ConversationId) -> AttachmentId {
        let begun = self.begin(owner, conversation, 5).await.unwrap();
        self.attachments.receive(&begun, Bytes::from_static(b"hello")).await.unwrap().id
    }

    async fn can_read(&self, reader: &Person, id: AttachmentId) -> bool {
        match self.attachments.readable(reader.identity, id).await {
            Ok(_) => true,
            Err(ChatError::NotFound(_)) => false,
            Err(error) => unreachable!("{error:?}"),
        }
    }
}

/// Lets this time pass at once, and then the job have a round.
async fn pass(duration: Duration) {
    advance(duration).await;
    sleep(ROUND).await;
}

fn showing(ids: &[AttachmentId]) -> Change {
    Change::Text { text: "".into(), reply_to: None, attachments: ids.to_vec() }
}

pub(crate) async fn send(
    sender: &Person,
    conversation: ConversationId,
    client_id: &str,
    ids: &[AttachmentId],
) -> Result<Written, ChatError> {
    sender.change_as(conversation, client_id, showing(ids)).await
}

async fn stored(scene: &Scene, id: AttachmentId) -> Option<Upload> {
    scene.stores.uploads.get(id).await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn file_is_readable_by_those_who_see_its_message() {
    let scene = Scene::without_requests(1);
    let files = Files::of(&scene);
    let (ada, bob, eve) =
        (scene.person("ada").await, scene.person("bob").await, scene.person("eve").await);
    let group = ada.group(&[&bob]).await;
    let id = files.upload(&ada, group).await;
    assert!(files.can_read(&ada, id).await && !files.can_read(&bob, id).await);
    let written = send(&ada, group, "a-1", &[id]).await.unwrap();
    let Body::Text { attachments, .. } = &written.entry.entry.body else { unreachable!() };
    assert_eq!((attachments.len(), attachments[0].size), (1, 5));
    assert!(files.can_read(&bob, id).await && !files.can_read(&eve, id).await);
    ada.add(group, &eve).await;
    assert!(!files.can_read(&eve, id).await, "joined after the message");
    ada.remove(group, &bob).await;
    assert!(!files.can_read(&bob, id).await, "was removed");
    ada.add(group, &bob).await;
    assert!(!files.can_read(&bob, id).await, "joined again after the message");
}

#[tokio::test(start_paused = true)]
async fn unsent_file_is_removed_when_a_day_has_passed() {
    let scene = Scene::without_requests(1);
    let files = Files::of(&scene);
    let (ada, bob) = (scene.person("ada").await, scene.person("bob").await);
    let group = ada.group(&[&bob]).await;
    let half = files.begin(&ada, group, 10).await.unwrap();
    let half = files.attachments.receive(&half, Bytes::from_static(b"hello")).await.unwrap();
    let unsent = files.upload(&ada, group).await;
    let sent = files.upload(&ada, group).await;
    send(&ada, group, "a-1", &[sent]).await.unwrap();
    pass(UPLOAD_TTL.saturating_sub(2 * ROUND)).await;
    assert_eq!(files.blobs.chunk_count(), 3);
    pass(2 * ROUND).await;
    assert_eq!(files.blobs.chunk_count(), 1);
    assert!(stored(&scene, half.id).await.is_none() && stored(&scene, unsent).await.is_none());
    assert!(files.can_read(&bob, sent).await);
    pass(10 * UPLOAD_TTL).await;
    assert!(files.can_read(&bob, sent).await);
}

#[tokio::test(start_paused = true)]
async fn redacted_message_loses_its_files() {
    let scene = Scene::without_requests(1);
    let files = Files::of(&scene);
    let (ada, bob) = (scene.person("ada").await, scene.person("bob").await);
    let group = ada.group(&[&bob]).await;
    let (lost, kept) = (files.upload(&ada, group).await, files.upload(&ada, group).await);
    let seq = send(&ada, group, "a-1", &[lost]).await.unwrap().entry.entry.seq;
    send(&ada, group, "a-2", &[kept]).await.unwrap();
    ada.change(group, Change::Redact { target_seq: seq }).await.unwrap();
    assert!(!files.can_read(&ada, lost).await && !files.can_read(&bob, lost).await);
    let entry = &scene.entries(group).await[usize::try_from(seq.get()).unwrap() - 1];
    assert_eq!(entry.body, Body::erased(None));
    sleep(ROUND).await;
    assert!(stored(&scene, lost).await.is_none());
    assert_eq!(files.blobs.chunk_count(), 1);
    assert!(files.can_read(&bob, kept).await);
    let again = send(&ada, group, "a-1", &[lost]).await.unwrap();
    assert!(again.replayed && again.entry.redacted);
}

/// Puts a record back to where a gateway left it that died after the append.
async fn forget_message(scene: &Scene, id: AttachmentId, client_id: &str) {
    let now = stored(scene, id).await.unwrap();
    let (sha256, _) = now.finished().unwrap();
    let client_id = ClientId::new(client_id).unwrap();
    let usage = Usage::Sending { client_id, base: Seq::ZERO };
    let progress = Progress::Finished { sha256: *sha256, usage };
    let due_at = Some(scene.clock.now().after(SENDING_TTL));
    let before = Upload { progress, due_at, revision: now.revision + 1, ..now.clone() };
    assert!(scene.stores.uploads.replace(&now, &before).await.unwrap());
}

#[tokio::test(start_paused = true)]
async fn crash_between_record_and_message_loses_no_file() {
    let scene = Scene::without_requests(1);
    let files = Files::of(&scene);
    let (ada, bob) = (scene.person("ada").await, scene.person("bob").await);
    let group = ada.group(&[&bob]).await;
    let (sent, unsent) = (files.upload(&ada, group).await, files.upload(&ada, group).await);
    let seq = send(&ada, group, "a-1", &[sent]).await.unwrap().entry.entry.seq;
    sleep(ROUND).await;
    for (id, client_id) in [(sent, "a-1"), (unsent, "a-2")] {
        forget_message(&scene, id, client_id).await;
    }
    assert!(!files.can_read(&bob, unsent).await, "the message is not in the log");
    sleep(SENDING_TTL + ROUND).await;
    assert!(files.can_read(&bob, sent).await);
    let record = stored(&scene, sent).await.unwrap();
    assert_eq!((record.finished().unwrap().1, record.due_at), (&Usage::Shown(seq), None));
    assert!(stored(&scene, unsent).await.is_none());
}

#[tokio::test(start_paused = true)]
async fn redaction_finds_files_whose_message_was_not_recorded() {
    let scene = Scene::without_requests(1);
    let files = Files::of(&scene);
    let ada = scene.person("ada").await;
    let group = ada.group(&[]).await;
    let id = files.upload(&ada, group).await;
    let seq = send(&ada, group, "a-1", &[id]).await.unwrap().entry.entry.seq;
    sleep(ROUND).await;
    forget_message(&scene, id, "a-1").await;
    ada.change(group, Change::Redact { target_seq: seq }).await.unwrap();
    assert!(!files.can_read(&ada, id).await);
    sleep(ROUND).await;
    assert_eq!((stored(&scene, id).await, files.blobs.chunk_count()), (None, 0));
}

#[tokio::test(start_paused = true)]
async fn one_of_two_concurrent_messages_shows_a_file() {
    let scene = Scene::without_requests(2);
    let files = Files::of(&scene);
    let ada = scene.person("ada").await;
    let elsewhere = ada.at(&scene.gateways[1]);
    let group = ada.group(&[]).await;
    for round in 0..20 {
        let id = files.upload(&ada, group).await;
        let names = [format!("one-{round}"), format!("other-{round}")];
        let other = if round % 2 == 0 { &ada } else { &elsewhere };
        let ids = [id];
        let (one, other) =
            join!(send(&ada, group, &names[0], &ids), send(other, group, &names[1], &ids));
        let conflict = Err(ChatError::Conflict("another message has an attachment"));
        assert!(one.is_ok() != other.is_ok(), "{one:?} {other:?}");
        assert!(one == conflict || other == conflict, "{one:?} {other:?}");
        let winner = if one.is_ok() { &names[0] } else { &names[1] };
        let again = send(&elsewhere, group, winner, &[id]).await.unwrap();
        assert!(again.replayed);
    }
}

#[tokio::test(start_paused = true)]
async fn message_shows_only_complete_files_of_its_sender_for_its_conversation() {
    let scene = Scene::without_requests(1);
    let files = Files::of(&scene);
    let (ada, bob) = (scene.person("ada").await, scene.person("bob").await);
    let group = ada.group(&[&bob]).await;
    let direct = ada.direct(&bob).await;
    let unknown = ChatError::invalid("attachments", "no such attachment");
    let half = files.begin(&ada, group, 10).await.unwrap().id;
    let elsewhere = files.upload(&ada, direct).await;
    let foreign = files.upload(&bob, group).await;
    let own = files.upload(&ada, group).await;
    let refused = async |ids: &[AttachmentId]| send(&ada, group, "a-1", ids).await.unwrap_err();
    let incomplete = ChatError::Conflict("an attachment is not complete");
    assert_eq!(refused(&[own, half]).await, incomplete);
    assert_eq!(refused(&[elsewhere]).await, unknown);
    assert_eq!(refused(&[foreign]).await, unknown);
    assert_eq!(refused(&[AttachmentId::new(9).unwrap()]).await, unknown);
    let twice = ChatError::invalid("attachments", "expected each attachment once");
    assert_eq!(refused(&[own, own]).await, twice);
    assert_eq!(refused(&[own; 11]).await, ChatError::TooLarge { field: "attachments", max: 10 });
    // A refused command has not taken the file.
    send(&ada, group, "a-2", &[own]).await.unwrap();
    let other = send(&ada, group, "a-2", &[]).await.unwrap_err();
    assert_eq!(other, ChatError::invalid("text", "text is empty"));
    let other = ada.change_as(group, "a-2", Change::plain("x", None)).await.unwrap_err();
    assert_eq!(other, ChatError::KeyReused("client_id"));
}

#[tokio::test(start_paused = true)]
async fn files_of_a_user_are_limited_together() {
    let scene = Scene::without_requests(1);
    let rules = AttachmentRules {
        file_bytes_max: 100_000,
        user_bytes_max: 200_000,
        ..AttachmentRules::default()
    };
    let files = Files::with(&scene, rules);
    let (ada, bob) = (scene.person("ada").await, scene.person("bob").await);
    let group = ada.group(&[&bob]).await;
    let too_large = files.begin(&ada, group, 100_001).await.unwrap_err();
    assert_eq!(too_large, ChatError::TooLarge { field: "Upload-Length", max: 100_000 });
    let first = files.begin(&ada, group, 100_000).await.unwrap();
    files.begin(&ada, group, 100_000).await.unwrap();
    let full = ChatError::Full { what: "your storage for files", max: 200_000 };
    assert_eq!(files.begin(&ada, group, 1).await.unwrap_err(), full);
    files.begin(&bob, group, 100_000).await.unwrap();
    files.attachments.discard(ada.identity, first.id).await.unwrap();
    files.begin(&ada, group, 1).await.unwrap();
    let (one, other) = join!(files.begin(&ada, group, 1), files.begin(&ada, group, 1));
    assert!(one.is_err() || other.is_err(), "together they are too large");
}

#[tokio::test(start_paused = true)]
async fn one_of_two_concurrent_requests_continues_an_upload() {
    let scene = Scene::without_requests(1);
    let files = Files::of(&scene);
    let ada = scene.person("ada").await;
    let group = ada.group(&[]).await;
    let begun = files.begin(&ada, group, 4).await.unwrap();
    let (one, other) = join!(
        files.attachments.receive(&begun, Bytes::from_static(b"abcd")),
        files.attachments.receive(&begun, Bytes::from_static(b"wxyz")),
    );
    assert!(one.is_ok() != other.is_ok(), "{one:?} {other:?}");
    let winner: &[u8] = if one.is_ok() { b"abcd" } else { b"wxyz" };
    let record = stored(&scene, begun.id).await.unwrap();
    let [(chunk, part)] = &Chunk::parts(&record.chunks, &(0..4))[..] else { unreachable!() };
    let read = files.attachments.read(begun.id, *chunk, part.clone()).await.unwrap();
    assert_eq!((&*read, files.blobs.chunk_count()), (winner, 1));
}

/// What happens in a conversation, to the nth person or file.
#[derive(Debug, Clone, Copy)]
enum Step {
    Send { sender: usize },
    Redact { nth: usize },
    Add { person: usize },
    Remove { person: usize },
    Wait,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        3 => (0..3_usize).prop_map(|sender| Step::Send { sender }),
        2 => (0..8_usize).prop_map(|nth| Step::Redact { nth }),
        2 => (1..3_usize).prop_map(|person| Step::Add { person }),
        2 => (1..3_usize).prop_map(|person| Step::Remove { person }),
        1 => Just(Step::Wait),
    ];
    proptest::collection::vec(step, 1..24)
}

#[expect(clippy::cognitive_complexity, reason = "a scenario reads from top to bottom")]
async fn play(steps: Vec<Step>) {
    let scene = Scene::without_requests(1);
    let files = Files::of(&scene);
    let people = [scene.person("ada").await, scene.person("bob").await, scene.person("eve").await];
    let group = people[0].group(&[&people[1]]).await;
    let mut sent: Vec<(AttachmentId, Seq, bool)> = Vec::new();
    for step in steps {
        match step {
            Step::Send { sender } => {
                let begun = files.begin(&people[sender], group, 0).await;
                let Ok(begun) = begun else { continue };
                let client_id = format!("m-{}", begun.id);
                let written = send(&people[sender], group, &client_id, &[begun.id]).await.unwrap();
                sent.push((begun.id, written.entry.entry.seq, false));
            }
            Step::Redact { nth } => {
                let Some((_, seq, is_redacted)) = sent.get_mut(nth) else { continue };
                people[0].change(group, Change::Redact { target_seq: *seq }).await.unwrap();
                *is_redacted = true;
            }
            Step::Add { person } => people[0].add(group, &people[person]).await,
            Step::Remove { person } => {
                // Nobody can be removed twice.
                drop(people[0].change(group, crate::scene::remove(&people[person])).await);
            }
            Step::Wait => sleep(ROUND).await,
        }
        for person in &people {
            let seen = person.history(group).await.unwrap_or_default();
            for (id, seq, is_redacted) in &sent {
                let expected = seen.contains(seq) && !is_redacted;
                assert_eq!(files.can_read(person, *id).await, expected, "{seq} {step:?}");
            }
        }
    }
    pass(UPLOAD_TTL).await;
    for (id, _, is_redacted) in &sent {
        assert_eq!(stored(&scene, *id).await.is_none(), *is_redacted);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn file_is_readable_exactly_as_long_as_its_message(steps in steps()) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(play(steps));
    }
}
