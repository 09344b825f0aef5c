//! How much a login may ask, and what goes on when nobody waits for the answer.

use std::sync::Arc;

use async_trait::async_trait;
use chat_core::{
    error::StoreError,
    id::{ConversationId, UserId},
    limits::FOUNDERS_MAX,
    model::{ClientId, Entry, Head, Seq},
    port::{Append, Appended, Log},
};
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use super::{Client, Person};
use crate::gateway::tests::gateway_of;

/// A log whose appends wait until they are let through.
#[derive(Debug)]
struct Gated {
    log: Arc<dyn Log>,
    gate: Arc<Semaphore>,
}

#[async_trait]
impl Log for Gated {
    async fn append(&self, append: Append<'_>) -> Result<Appended, StoreError> {
        drop(self.gate.acquire().await.unwrap());
        self.log.append(append).await
    }

    async fn read(
        &self,
        conversation: ConversationId,
        after: Seq,
        to: Seq,
        limit: usize,
    ) -> Result<Vec<Entry>, StoreError> {
        self.log.read(conversation, after, to, limit).await
    }

    async fn heads(&self, conversations: &[ConversationId]) -> Result<Vec<Head>, StoreError> {
        self.log.heads(conversations).await
    }

    async fn find(
        &self,
        conversation: ConversationId,
        sender: UserId,
        client_id: &ClientId,
        base: Seq,
    ) -> Result<Option<Entry>, StoreError> {
        self.log.find(conversation, sender, client_id, base).await
    }

    async fn erase(&self, conversation: ConversationId, seqs: &[Seq]) -> Result<(), StoreError> {
        self.log.erase(conversation, seqs).await
    }
}

/// Asks to make this, and goes before it is made.
async fn ask_and_go(client: &Client, person: &Person, body: &Value) {
    let call = client.call("POST", "/v1/conversations").of(person);
    let mut asked = Box::pin(call.header("idempotency-key", "k1").json(body).answer());
    for _ in 0..100 {
        assert!(futures_util::poll!(asked.as_mut()).is_pending());
        tokio::task::yield_now().await;
    }
}

#[tokio::test(start_paused = true)]
async fn conversation_is_made_to_the_end_though_its_maker_goes() {
    let gate = Arc::new(Semaphore::new(0));
    let gateway = gateway_of(&[], |parts| {
        let log = parts.stores.log.clone();
        parts.stores.log = Arc::new(Gated { log, gate: gate.clone() });
    });
    let (app, client) = (gateway.app(), Client(gateway.router()));
    let (ada, grace) = (client.register("ada").await, client.register("grace").await);
    let group = json!({"kind": "group", "title": "Lunch", "members": [grace.id]});
    let direct = json!({"kind": "direct", "user": grace.id});
    ask_and_go(&client, &ada, &group).await;
    ask_and_go(&client, &ada, &direct).await;
    gate.add_permits(1);
    app.tasks.close();
    app.tasks.wait().await;
    let list = client.call("GET", "/v1/conversations").of(&grace).answer().await.json;
    assert_eq!(list["items"].as_array().unwrap().len(), 2, "{list}");
    let call = || client.call("POST", "/v1/conversations").of(&ada).header("idempotency-key", "k1");
    let again = call().json(&group).answer().await;
    assert_eq!(again.status, 201, "{}", again.text);
    assert_eq!(call().json(&direct).answer().await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn whole_group_is_one_page_of_members() {
    let client = Client::new();
    let ada = client.register("ada").await;
    let mut others = Vec::new();
    for number in 1..FOUNDERS_MAX {
        others.push(client.register(&format!("member-{number}")).await);
    }
    let group = client.group(&ada, &others.iter().collect::<Vec<_>>()).await;
    let path = format!("/v1/conversations/{group}/members");
    let page = client.call("GET", &path).of(&ada).answer().await.json;
    assert_eq!(page["items"].as_array().unwrap().len(), FOUNDERS_MAX);
    assert_eq!(page["next_cursor"], Value::Null);
    for (limit, status) in [(0, 400), (200, 200), (1_000, 200), (1_001, 400)] {
        let answer = client.call("GET", &format!("{path}?limit={limit}")).of(&ada).answer().await;
        assert_eq!(answer.status, status, "{limit}");
    }
}

#[tokio::test(start_paused = true)]
async fn new_title_is_answered_whatever_else_was_asked() {
    let client = Client::with(&[
        ("RATE_LIMITS__ENABLED", "true"),
        ("RATE_LIMITS__COMMANDS_BURST", "2"),
        ("RATE_LIMITS__COMMANDS_PER_SECOND", "1"),
    ]);
    let ada = client.register("ada").await;
    let group = client.group(&ada, &[]).await;
    let path = format!("/v1/conversations/{group}");
    assert_eq!(client.call("GET", &path).of(&ada).answer().await.status, 200);
    let spent = client.call("GET", &path).of(&ada).answer().await;
    assert_eq!(spent.refusal(), (429, "rate_limited", ""));
    let named = client.call("PATCH", &path).of(&ada).json(&json!({"title": "Tea"})).answer().await;
    assert_eq!((named.status.as_u16(), &named.json["title"]), (200, &json!("Tea")));
}

#[tokio::test(start_paused = true)]
async fn polls_have_their_rate() {
    let client = Client::with(&[
        ("RATE_LIMITS__ENABLED", "true"),
        ("RATE_LIMITS__COMMANDS_BURST", "2"),
        ("RATE_LIMITS__COMMANDS_PER_SECOND", "1"),
    ]);
    let ada = client.register("ada").await;
    let poll = || client.call("POST", "/v1/poll").of(&ada).json(&json!({"wait_ms": 0})).answer();
    assert_eq!(poll().await.status, 200);
    assert_eq!(poll().await.status, 200);
    assert_eq!(poll().await.refusal(), (429, "rate_limited", ""));
}
