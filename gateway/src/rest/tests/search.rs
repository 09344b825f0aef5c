//! Searching: what is refused, and what an answer has.

use std::time::Duration;

use serde_json::{Value, json};

use super::{Answer, Client, Person};
use crate::gateway;

async fn search(client: &Client, person: &Person, query: &str) -> Answer {
    client.call("GET", &format!("/v1/search{query}")).of(person).answer().await
}

/// Waits until the index has what was written before.
async fn indexed() {
    tokio::time::sleep(Duration::from_secs(5)).await;
}

#[tokio::test(start_paused = true)]
async fn search_is_refused_when_its_query_is_wrong() {
    let client = Client::new();
    let ada = client.register("ada").await;
    for (query, status, code, field) in [
        ("", 400, "invalid", "q"),
        ("?conversation=7", 400, "invalid", "q"),
        ("?q=a&q=b", 400, "invalid", "q"),
        ("?q=a&has=files", 400, "invalid", "has"),
        ("?q=a&sender=ada", 400, "invalid", "sender"),
        ("?q=a&before=yesterday", 400, "invalid", "before"),
        ("?q=a&after=2026-02-30T00:00:00Z", 400, "invalid", "after"),
        ("?q=a&limit=101", 400, "invalid", "limit"),
        ("?q=a&cursor=x", 400, "invalid", "cursor"),
        ("?q=a&other=b", 400, "invalid", "other"),
        ("?q=a&conversation=7", 404, "not_found", ""),
    ] {
        let answer = search(&client, &ada, query).await;
        assert_eq!(answer.refusal(), (status, code, field), "{query}: {}", answer.text);
    }
    let long = format!("?q={}", "a".repeat(257));
    assert_eq!(search(&client, &ada, &long).await.refusal(), (413, "too_large", "q"));
    let longest = format!("?q={}", "a".repeat(256));
    assert_eq!(search(&client, &ada, &longest).await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn search_pages_through_all_hits_newest_first() {
    let client = Client::new();
    let (ada, bob) = (client.register("ada").await, client.register("bob").await);
    let group = client.group(&ada, &[&bob]).await;
    for number in 0..7 {
        client
            .send(&ada, &group, &format!("id-{number}"), &format!("\u{1F680} tea {number}"))
            .await;
    }
    client.send(&bob, &group, "id-bob", "tea https://example.com").await;
    indexed().await;
    let (mut seqs, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = search(&client, &bob, &format!("?q=tea&limit=3{cursor}")).await.json;
        for item in page["items"].as_array().unwrap() {
            assert_eq!(item["conversation"], json!(group));
            assert_eq!(item["entry"]["kind"], json!("text"));
            seqs.push(item["entry"]["seq"].as_u64().unwrap());
        }
        let Some(next) = page["next_cursor"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    assert_eq!(seqs, [10, 9, 8, 7, 6, 5, 4, 3]);
    let page = search(&client, &bob, &format!("?sender={}&q=6", ada.id)).await.json;
    assert_eq!(page["items"][0]["highlights"], json!([[7, 8]]));
    let page = search(&client, &ada, &format!("?has=link&conversation={group}")).await.json;
    assert_eq!(page["items"].as_array().map(Vec::len), Some(1));
    assert_eq!(page["next_cursor"], Value::Null);
}

#[tokio::test(start_paused = true)]
async fn search_is_unavailable_when_there_is_no_index() {
    let gateway = gateway::tests::gateway_of(&[], |parts| parts.search = None);
    let client = Client(gateway.router());
    let ada = client.register("ada").await;
    let answer = search(&client, &ada, "?q=tea").await;
    assert_eq!(answer.refusal(), (503, "unavailable", ""));
    assert!(answer.text.contains("not configured") && !answer.header("retry-after").is_empty());
}

#[tokio::test(start_paused = true)]
async fn search_costs_as_much_as_twenty_requests() {
    let settings = [
        ("RATE_LIMITS__ENABLED", "true"),
        ("RATE_LIMITS__COMMANDS_BURST", "60"),
        ("RATE_LIMITS__COMMANDS_PER_SECOND", "1"),
    ];
    let client = Client::with(&settings);
    let ada = client.register("ada").await;
    for _ in 0..3 {
        assert_eq!(search(&client, &ada, "?q=tea").await.status, 200);
    }
    assert_eq!(search(&client, &ada, "?q=tea").await.refusal(), (429, "rate_limited", ""));
}
