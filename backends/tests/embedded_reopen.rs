//! A reopened store holds everything that was written and keeps all promises of the store ports.
#![expect(clippy::unwrap_used, reason = "a test may end so")]

#[path = "embedded/writer.rs"]
mod writer;

use std::{path::Path, time::Duration};

use backends::embedded::{Embedded, EmbeddedConfig};
use chat_core::{
    id::{ConversationId, LoginId, UserId},
    limits::{REPLY_CLAIM_TTL, REPLY_TTL},
    model::{
        Body, Cursor, EndedLogin, Founding, Head, Identity, Kind, Login, LoginSecret, Seq,
        TokenExchange, User, Username,
    },
    port::{Append, Appended, Claim, NameClaim, ReplyKey, Rotation, Stores},
    time::Timestamp,
};
use tempfile::TempDir;
use writer::Writer;

fn open(dir: &Path) -> Embedded {
    Embedded::open(&EmbeddedConfig::new(dir)).unwrap()
}

/// Opens a store that has been closed twice.
async fn reopened() -> ((Embedded, TempDir), Vec<Stores>) {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = Writer::new(1);
    for _ in 0..2 {
        let embedded = open(dir.path());
        writer.send(&embedded.stores()).await;
        embedded.close();
    }
    let embedded = open(dir.path());
    writer.assert_stored(&embedded.stores()).await;
    let stores = vec![embedded.stores(), embedded.stores()];
    ((embedded, dir), stores)
}

chat_core::store_contract!(reopened);

const NOW: Timestamp = Timestamp::from_millis(1_000);
const LATER: Timestamp = Timestamp::from_millis(9_000);

fn user() -> User {
    User {
        id: UserId::new(7).unwrap(),
        username: Username::new("ann").unwrap(),
        display_name: "Ann".into(),
        created_at: NOW,
    }
}

fn login(number: u64) -> Login {
    Login {
        id: LoginId::new(number).unwrap(),
        user: user().id,
        device: Some("phone".into()),
        created_at: NOW,
        used_at: NOW,
        expires_at: LATER,
        current: LoginSecret([1; 32]),
        previous: None,
    }
}

fn founding() -> Founding {
    Founding {
        conversation: conversation(1),
        kind: Kind::Group,
        title: Some("Tea".into()),
        created_at: NOW,
    }
}

fn conversation(number: u64) -> ConversationId {
    ConversationId::new(number).unwrap()
}

fn reply_key() -> ReplyKey {
    ReplyKey { user: user().id, key: "k".into() }
}

fn other() -> UserId {
    UserId::new(8).unwrap()
}

fn ended_login() -> EndedLogin {
    let identity = Identity { user: user().id, login: login(2).id };
    EndedLogin { identity, refused_until: LATER }
}

async fn write_people(stores: &Stores) {
    assert_eq!(stores.accounts.claim(&user(), "hash").await.unwrap(), NameClaim::Yours);
    stores.logins.open(&login(1)).await.unwrap();
    stores.logins.open(&login(2)).await.unwrap();
    let (id, [old, new]) = (login(1).id, [[1; 32], [2; 32]].map(LoginSecret));
    let exchange = TokenExchange {
        presented: old,
        successor: new,
        now: NOW,
        expires_at: LATER,
        age_max: Duration::from_secs(60),
        refused_until: LATER,
    };
    let rotated = stores.logins.rotate(id, &exchange).await.unwrap();
    assert!(matches!(rotated, Rotation::Rotated(_)));
    assert!(stores.logins.revoke(ended_login(), NOW).await.unwrap());
}

async fn write_conversations(stores: &Stores) {
    stores.conversations.create(&founding()).await.unwrap();
    let direct = stores.conversations.direct(user().id, other(), conversation(5)).await;
    assert_eq!(direct.unwrap(), Some(conversation(5)));
    let claim = stores.replies.claim(&reply_key(), [3; 32], conversation(6), NOW).await;
    assert_eq!(claim.unwrap(), Claim::Yours(conversation(6)));
    stores.replies.settle(&reply_key()).await.unwrap();
    let to = Cursor { delivered_seq: Seq::new(4), read_seq: Seq::new(3), read_ord: 2 };
    stores.cursors.advance(other(), conversation(1), to).await.unwrap();
}

async fn check_people(stores: &Stores) {
    let credentials = stores.accounts.credentials(&user().username).await.unwrap();
    assert_eq!(credentials, Some((user(), "hash".into())));
    assert_eq!(stores.accounts.search("a", 9).await.unwrap(), [user()]);
    let logins = stores.logins.list(user().id, NOW).await.unwrap();
    assert_eq!(logins.iter().map(|login| login.id).collect::<Vec<_>>(), [login(1).id]);
    assert_eq!(logins[0].previous, Some((LoginSecret([1; 32]), NOW)));
    assert_eq!(stores.logins.ended(NOW).await.unwrap(), [ended_login()]);
    assert_eq!(stores.logins.ended(LATER).await.unwrap(), []);
}

async fn check_conversations(stores: &Stores) {
    let got = stores.conversations.get(conversation(1)).await.unwrap();
    assert_eq!(got, Some((founding(), Some("Coffee".into()))));
    let direct = stores.conversations.direct(other(), user().id, conversation(9)).await;
    assert_eq!(direct.unwrap(), Some(conversation(5)));
    let claim = stores.replies.claim(&reply_key(), [3; 32], conversation(9), NOW).await;
    assert_eq!(claim.unwrap(), Claim::Settled(conversation(6)));
    let cursor = stores.cursors.of_user(other(), &[conversation(1)]).await.unwrap()[0];
    assert_eq!((cursor.delivered_seq, cursor.read_ord), (Seq::new(4), 2));
}

/// Appends a change of the title.
async fn append_title(stores: &Stores, writer: &mut Writer) {
    let before = writer.head;
    writer.remember_next();
    writer.head = Head { seq: writer.head.seq, ..before };
    let entry = writer.entries.last_mut().unwrap();
    (entry.body, entry.ord) = (Body::Title { title: "Coffee".into() }, before.ord);
    let append = Append {
        conversation: writer.conversation,
        after: before.seq,
        entries: std::slice::from_ref(entry),
        bases: &[before.seq],
        head: writer.head,
    };
    assert_eq!(stores.log.append(append).await.unwrap(), Appended::Done);
}

#[tokio::test]
async fn reopened_store_holds_everything_that_was_written() {
    let dir = tempfile::tempdir().unwrap();
    let embedded = open(dir.path());
    let mut writer = Writer::new(1);
    writer.send(&embedded.stores()).await;
    append_title(&embedded.stores(), &mut writer).await;
    write_people(&embedded.stores()).await;
    write_conversations(&embedded.stores()).await;
    embedded.close();
    for _ in 0..2 {
        let embedded = open(dir.path());
        check_people(&embedded.stores()).await;
        check_conversations(&embedded.stores()).await;
        writer.assert_log(&embedded.stores()).await;
        embedded.close();
    }
}

/// Asserts the head, and that the sender's cursor is there or has received more.
async fn assert_head_and_cursor(stores: &Stores, writer: &Writer, received: Seq) {
    writer.assert_log(stores).await;
    let expected = Cursor {
        delivered_seq: received.max(writer.head.seq),
        read_seq: writer.head.seq,
        read_ord: writer.head.ord,
    };
    let cursor = stores.cursors.of_user(writer.sender, &[writer.conversation]).await;
    assert_eq!(cursor.unwrap(), [expected], "conversation {}", writer.conversation);
}

/// Heads and senders' cursors have no rows of their own until their batch is no longer recent.
#[tokio::test]
async fn heads_and_cursors_survive_a_restart_at_any_age() {
    let dir = tempfile::tempdir().unwrap();
    let mut writers: Vec<Writer> = (1..=320).map(Writer::new).collect();
    let embedded = open(dir.path());
    let stores = embedded.stores();
    for writer in &mut writers {
        writer.send(&stores).await;
    }
    // Receipts have rows at once. The oldest of these cursors gets its row from a record later.
    let further = Cursor { delivered_seq: Seq::new(9), ..Cursor::default() };
    for writer in writers.iter().step_by(60) {
        let advanced = stores.cursors.advance(writer.sender, writer.conversation, further).await;
        assert_eq!(advanced.unwrap().0.read_seq, Seq::new(1));
    }
    for writer in writers.iter_mut().step_by(7) {
        writer.send(&stores).await;
    }
    drop(stores);
    embedded.close();
    for round in 0..3 {
        let embedded = open(dir.path());
        let stores = embedded.stores();
        for (index, writer) in writers.iter().enumerate() {
            let received = Seq::new(9 * u64::from(index % 60 == 0));
            assert_head_and_cursor(&stores, writer, received).await;
        }
        for writer in writers.iter_mut().skip(round).step_by(3) {
            writer.send(&stores).await;
        }
        drop(stores);
        embedded.close();
    }
}

#[tokio::test]
async fn expired_replies_are_removed_when_others_claim_keys() {
    let dir = tempfile::tempdir().unwrap();
    let embedded = open(dir.path());
    let replies = embedded.stores().replies;
    let key =
        |user: u64, name: &str| ReplyKey { user: UserId::new(user).unwrap(), key: name.into() };
    let made = |number: u64| ConversationId::new(number).unwrap();
    let next_day = NOW.after(REPLY_TTL);
    for user in 1..=50 {
        replies.claim(&key(user, "old"), [1; 32], made(user), NOW).await.unwrap();
        replies.settle(&key(user, "old")).await.unwrap();
    }
    replies.claim(&key(51, "young"), [1; 32], made(51), next_day).await.unwrap();
    replies.settle(&key(51, "young")).await.unwrap();
    for other in 0..6 {
        let claimed = key(60, &format!("other {other}"));
        replies.claim(&claimed, [1; 32], made(60), next_day.after(REPLY_CLAIM_TTL)).await.unwrap();
    }
    for user in 1..=50 {
        let claim = replies.claim(&key(user, "old"), [2; 32], made(99), next_day).await.unwrap();
        assert_eq!(claim, Claim::Yours(made(99)), "the key of user {user} is free");
    }
    let young = replies.claim(&key(51, "young"), [1; 32], made(99), next_day).await.unwrap();
    assert_eq!(young, Claim::Settled(made(51)));
}
