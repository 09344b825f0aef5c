//! Contract tests of [`crate::port::Uploads`].

#![expect(clippy::cognitive_complexity, reason = "a contract reads from top to bottom")]

use std::time::Duration;

use tokio::task::JoinSet;

use super::fixtures::{client_id, fresh, last, now};
use crate::{
    id::{AttachmentId, UserId},
    limits::BILLED_BYTES_MIN,
    model::{Seq, Upload},
    port::{Due, Stores},
    time::Timestamp,
};

fn upload(owner: UserId, size: u64) -> Upload {
    Upload::new(fresh(), owner, fresh(), "a b.png".into(), size, now())
}

async fn create(stores: &Stores, upload: &Upload) -> bool {
    stores.uploads.create(upload).await.unwrap()
}

async fn get(stores: &Stores, id: AttachmentId) -> Option<Upload> {
    stores.uploads.get(id).await.unwrap()
}

async fn replace(stores: &Stores, before: &Upload, after: &Upload) -> bool {
    stores.uploads.replace(before, after).await.unwrap()
}

/// A record is read back on every handle. Creating it again succeeds, and another record with its id
/// is refused.
pub async fn upload_is_refused_when_its_id_is_taken(stores: &[Stores]) {
    let first = upload(fresh(), 10);
    let second = Upload { id: first.id, ..upload(fresh(), 10) };
    assert_eq!(get(last(stores), first.id).await, None);
    assert!(create(&stores[0], &first).await);
    assert!(!create(last(stores), &second).await);
    assert!(create(last(stores), &first).await);
    for stores in stores {
        assert_eq!(get(stores, first.id).await.as_ref(), Some(&first));
    }
}

/// A record is replaced only from the revision that the caller knows, and a repeat of the same
/// change succeeds (lost-write).
pub async fn upload_changes_only_from_the_known_revision(stores: &[Stores]) {
    let first = upload(fresh(), 10);
    assert!(!replace(&stores[0], &first, &first.ending(now())).await, "nothing was created");
    assert_eq!(get(last(stores), first.id).await, None);
    create(&stores[0], &first).await;
    let second = first.with_chunk(fresh(), b"12345", now()).unwrap();
    for _ in 0..2 {
        assert!(replace(last(stores), &first, &second).await);
    }
    let other = first.with_chunk(fresh(), b"abcdef", now()).unwrap();
    assert!(!replace(&stores[0], &first, &other).await);
    assert_eq!(get(last(stores), first.id).await, Some(second.clone()));
    let third = second.with_chunk(fresh(), b"67890", now()).unwrap();
    let shown = third.shown(Seq::new(7));
    assert!(replace(&stores[0], &second, &third).await);
    assert!(replace(last(stores), &third, &shown).await);
    assert_eq!(get(&stores[0], first.id).await, Some(shown));
}

/// Of several concurrent changes of one record one is stored (lost-write).
pub async fn one_of_several_concurrent_changes_of_an_upload_wins(stores: &[Stores]) {
    let finished = upload(fresh(), 0);
    create(&stores[0], &finished).await;
    let mut senders = JoinSet::new();
    for nth in 0..8 {
        let stores = stores[nth % stores.len()].clone();
        let before = finished.clone();
        senders.spawn(async move {
            let after = before.sending(&client_id(), Seq::new(3), now()).unwrap();
            (replace(&stores, &before, &after).await, after)
        });
    }
    let outcomes = senders.join_all().await;
    let winners: Vec<_> = outcomes.iter().filter(|(has_won, _)| *has_won).collect();
    assert_eq!(winners.len(), 1, "{outcomes:?}");
    let (_, winner) = winners[0];
    for stores in stores {
        assert_eq!(get(stores, finished.id).await.as_ref(), Some(winner));
    }
}

/// A removed record is gone on every handle, cannot be changed, and does not come back.
pub async fn removed_upload_is_gone(stores: &[Stores]) {
    let record = upload(fresh(), 10);
    create(&stores[0], &record).await;
    let ending = record.ending(now());
    assert!(replace(&stores[0], &record, &ending).await);
    for _ in 0..2 {
        last(stores).uploads.remove(&ending).await.unwrap();
        for stores in stores {
            assert_eq!(get(stores, record.id).await, None);
            assert!(!replace(stores, &ending, &ending.due(None)).await);
        }
    }
    assert_eq!(last(stores).uploads.bytes_of(record.owner).await.unwrap(), 0);
}

/// Every record of a user counts until it is removed, however often it changes.
pub async fn bytes_of_a_user_are_those_of_their_uploads(stores: &[Stores]) {
    let (owner, other) = (fresh(), fresh());
    let bytes = async |owner| last(stores).uploads.bytes_of(owner).await.unwrap();
    assert_eq!(bytes(owner).await, 0);
    let small = upload(owner, 1);
    let large = upload(owner, 1 << 33);
    for record in [&small, &large, &upload(other, 0)] {
        for _ in 0..2 {
            create(&stores[0], record).await;
        }
    }
    assert_eq!(bytes(owner).await, BILLED_BYTES_MIN + (1 << 33));
    assert_eq!(bytes(other).await, BILLED_BYTES_MIN);
    let changed = small.with_chunk(fresh(), b"x", now()).unwrap();
    replace(&stores[0], &small, &changed).await;
    assert_eq!(bytes(owner).await, BILLED_BYTES_MIN + (1 << 33));
    stores[0].uploads.remove(&large).await.unwrap();
    assert_eq!(bytes(owner).await, BILLED_BYTES_MIN);
}

/// Returns the times of the last minutes up to this one.
async fn due(stores: &Stores, to: Timestamp, limit: usize) -> Vec<Due> {
    let from = to.before(Duration::from_secs(600));
    stores.uploads.due(from, to, limit).await.unwrap()
}

/// Returns true if the record is among those that are due at this time.
async fn is_due(stores: &Stores, at: Timestamp, record: &Upload) -> bool {
    let due = due(stores, at, usize::MAX).await;
    let expected = record.due_at.map(|at| Due { at, id: record.id });
    due.iter().any(|one| Some(*one) == expected)
}

/// A record is due from its time on, and at its newest time after it changed. Earlier times can be
/// forgotten.
pub async fn upload_is_due_from_its_time_on(stores: &[Stores]) {
    let record = upload(fresh(), 0);
    create(&stores[0], &record).await;
    let at = record.due_at.unwrap();
    let before = at.before(Duration::from_millis(1));
    assert!(!is_due(last(stores), before, &record).await);
    assert!(is_due(last(stores), at, &record).await);
    let later = at.after(Duration::from_secs(700));
    assert!(!is_due(last(stores), later, &record).await, "before the range");
    let sooner = record.due(Some(now()));
    replace(&stores[0], &record, &sooner).await;
    assert!(is_due(last(stores), now(), &sooner).await);
    let never = sooner.shown(Seq::new(1));
    replace(last(stores), &sooner, &never).await;
    for stale in [&record, &sooner] {
        let due = Due { at: stale.due_at.unwrap(), id: stale.id };
        last(stores).uploads.forget_due(due).await.unwrap();
        assert!(!is_due(&stores[0], stale.due_at.unwrap(), stale).await);
    }
    let again = never.due(Some(now()));
    replace(&stores[0], &never, &again).await;
    assert!(is_due(last(stores), now(), &again).await);
    last(stores).uploads.remove(&again).await.unwrap();
    let due = Due { at: again.due_at.unwrap(), id: again.id };
    stores[0].uploads.forget_due(due).await.unwrap();
    assert!(!is_due(last(stores), due.at, &again).await);
}

/// No more records are returned than asked for.
pub async fn due_uploads_are_limited(stores: &[Stores]) {
    for _ in 0..3 {
        let record = upload(fresh(), 0);
        create(&stores[0], &record).await;
        replace(&stores[0], &record, &record.due(Some(now()))).await;
    }
    assert_eq!(due(last(stores), now(), 2).await.len(), 2);
    assert_eq!(due(last(stores), now(), 0).await, []);
}
