//! Messages are found by their words, and only by those who may see them.

use std::time::Duration;

use tests::{
    Result, Value,
    client::User,
    cluster::{self, Cluster},
    ensure,
    gateway::{Gateway, Settings},
    json,
    opensearch::OpenSearch,
    patience::{LATER, WHOLE, eventually},
    shape::items,
    stage::Stage,
};

/// What the server promises for a new text, and time for a busy machine.
const FOUND_WITHIN: Duration = Duration::from_secs(20);

/// Returns the conversations and seqs that a search finds, on its first page.
async fn found(user: &User, query: &str) -> Result<Vec<(String, u64)>> {
    let page = user.get(&format!("/v1/search?{query}")).await?.ok(200)?;
    let place = |item: &Value| {
        let conversation = item["conversation"].as_str().unwrap_or_default();
        (conversation.to_owned(), item["entry"]["seq"].as_u64().unwrap_or_default())
    };
    Ok(items(&page).iter().map(place).collect())
}

/// Waits until a search finds exactly these seqs.
async fn finds(user: &User, query: &str, expected: &[u64]) -> Result<()> {
    eventually(FOUND_WITHIN, async || {
        let found = found(user, query).await?;
        let seqs: Vec<u64> = found.iter().map(|(_, seq)| *seq).collect();
        ensure!(seqs == expected, "{query}: {seqs:?} instead of {expected:?}");
        Ok(())
    })
    .await
}

async fn say(user: &User, conversation: &str, text: &str) -> Result<u64> {
    let id = format!("id-{}", next_number());
    let sent = user.send(conversation, &id, text).await?.ok(201)?;
    Ok(sent["message"]["seq"].as_u64().unwrap_or_default())
}

/// Returns a number that no other call of this process returns.
fn next_number() -> u64 {
    use std::sync::atomic::{AtomicU64, Ordering};
    static NEXT: AtomicU64 = AtomicU64::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

#[tokio::test]
async fn texts_are_found_in_every_script() -> Result<()> {
    let stage = Stage::open().await?;
    let (ada, bob, _) = stage.ada_bob_eve().await?;
    let group = ada.group("Lunch", &[&bob]).await?;
    let cafe = say(&ada, &group, "Meet at the Café, Straße 5").await?;
    let tokyo = say(&bob, &group, "明日は東京都で会いましょう").await?;
    let phrase = say(&ada, &group, "the quick brown fox").await?;
    let other = say(&ada, &group, "the brown quick fox").await?;
    for (query, expected) in [
        ("q=CAFE", &[cafe][..]),
        ("q=strasse%20meet", &[cafe]),
        ("q=caf", &[cafe]),
        ("q=caf%20meet", &[]),
        ("q=%E6%9D%B1%E4%BA%AC", &[tokyo]),
        ("q=%E4%BA%AC%E9%83%BD%E3%81%A7", &[tokyo]),
        ("q=%22quick%20brown%22", &[phrase]),
        ("q=brown%20quick", &[other, phrase]),
        ("q=fox%20qui", &[other, phrase]),
    ] {
        finds(&bob, query, expected).await?;
    }
    finds(&bob, &format!("sender={}", bob.id), &[tokyo]).await?;
    let page = bob.get("/v1/search?q=quick&limit=1").await?.ok(200)?;
    assert_eq!(items(&page)[0]["highlights"], json!([[10, 15]]));
    assert!(page["next_cursor"].is_string());
    Ok(())
}

#[tokio::test]
async fn edits_redactions_and_removals_are_followed() -> Result<()> {
    let stage = Stage::open().await?;
    let (ada, bob, eve) = stage.ada_bob_eve().await?;
    let group = ada.group("Lunch", &[&bob]).await?;
    let early = say(&ada, &group, "tea early").await?;
    let draft = say(&ada, &group, "tea draft").await?;
    finds(&bob, "q=tea", &[draft, early]).await?;
    let path = format!("/v1/conversations/{group}/messages/{draft}");
    ada.patch(&path, json!({"client_id": "edit", "text": "coffee"})).await?.ok(201)?;
    // At once, because the log is read before a hit is shown.
    assert_eq!(found(&bob, "q=draft").await?, []);
    finds(&bob, "q=coffee", &[draft]).await?;
    ada.delete(&path).await?.ok(201)?;
    assert_eq!(found(&bob, "q=coffee").await?, []);
    let members = format!("/v1/conversations/{group}/members/{}", eve.id);
    ada.put(&members, json!({})).await?.ok(201)?;
    let late = say(&ada, &group, "tea late").await?;
    finds(&eve, "q=tea", &[late]).await?;
    finds(&bob, "q=tea", &[late, early]).await?;
    ada.remove(&group, &eve).await?.ok(204)?;
    assert_eq!(found(&eve, "q=tea").await?, []);
    eve.get(&format!("/v1/search?q=tea&conversation={group}")).await?.refused(404, "not_found")?;
    Ok(())
}

#[tokio::test]
async fn everything_is_found_after_a_kill() -> Result<()> {
    let mut gateway = Gateway::start().await?;
    let ada = User::register(gateway.url(), "ada").await?;
    let bob = User::register(gateway.url(), "bob").await?;
    let group = ada.group("Lunch", &[&bob]).await?;
    let mut expected = Vec::new();
    for round in 0..4 {
        let ada = ada.at(gateway.url());
        for number in 0..10 {
            expected.insert(0, say(&ada, &group, &format!("kept {round}-{number}")).await?);
        }
        // At once: most of these texts are not in the index yet.
        gateway.restart().await?;
        finds(&bob.at(gateway.url()), "q=kept&limit=100", &expected).await?;
    }
    Ok(())
}

#[tokio::test]
async fn damaged_index_is_made_again_and_so_is_a_rebuilt_one() -> Result<()> {
    let mut gateway = Gateway::start().await?;
    let ada = User::register(gateway.url(), "ada").await?;
    let bob = User::register(gateway.url(), "bob").await?;
    let group = ada.group("Lunch", &[&bob]).await?;
    let seq = say(&ada, &group, "kept").await?;
    finds(&bob, "q=kept", &[seq]).await?;
    gateway.kill()?;
    let folder = gateway.data().join("search");
    for file in std::fs::read_dir(&folder)? {
        let file = file?.path();
        if file.extension().is_some_and(|kind| kind == "term") {
            let mut bytes = std::fs::read(&file)?;
            bytes.reverse();
            std::fs::write(&file, bytes)?;
        }
    }
    gateway.restart().await?;
    finds(&bob.at(gateway.url()), "q=kept", &[seq]).await?;
    gateway.kill()?;
    let settings = Settings::new().set("DATA_DIR", &gateway.data().to_string_lossy());
    let (mut process, _folder) = Gateway::begin_with(&settings, &["rebuild"])?;
    process.line("the index of messages is made again", LATER).await?;
    ensure!(process.ended(LATER).await?.success(), "rebuild failed");
    gateway.restart().await?;
    finds(&bob.at(gateway.url()), "q=kept", &[seq]).await
}

/// Starts three gateways on one store node, one Redis and one search engine.
async fn fleet() -> Result<Option<(Vec<Gateway>, Cluster, OpenSearch, tempfile::TempDir)>> {
    let Some(engine) = OpenSearch::start().await? else { return Ok(None) };
    let Some(cluster) = Cluster::on_one_node(0).await? else { return Ok(None) };
    let folder = tempfile::TempDir::with_prefix("confab-search-")?;
    let settings = cluster::settings(&cluster.cassandra, &cluster.redis.url(), folder.path())?;
    let settings = settings.set("SEARCH__URLS", &engine.url());
    let mut gateways = Vec::new();
    for _ in 0..3 {
        gateways.push(Gateway::with(settings.clone()).await?);
    }
    Ok(Some((gateways, cluster, engine, folder)))
}

#[tokio::test]
async fn fleet_with_an_engine_finds_texts_on_every_gateway() -> Result<()> {
    let Some((mut gateways, _cluster, _engine, _folder)) = fleet().await? else { return Ok(()) };
    let ada = User::register(gateways[0].url(), "ada").await?;
    let bob = User::register(gateways[1].url(), "bob").await?;
    let group = ada.group("Lunch", &[&bob]).await?;
    let tokyo = say(&bob, &group, "\u{6771}\u{4eac}\u{90fd} Caf\u{e9}").await?;
    let draft = say(&ada, &group, "quick brown draft").await?;
    let third = bob.at(gateways[2].url());
    finds(&third, "q=%E4%BA%AC%E9%83%BD%20caf", &[tokyo]).await?;
    finds(&third, "q=%22quick%20brown%22", &[draft]).await?;
    let path = format!("/v1/conversations/{group}/messages/{draft}");
    ada.delete(&path).await?.ok(201)?;
    assert_eq!(found(&third, "q=draft").await?, []);
    // Killed before it can index: another gateway finds what is missing.
    let kept = say(&ada, &group, "kept by the fleet").await?;
    gateways[0].kill()?;
    eventually(WHOLE, async || {
        let found = found(&third, "q=kept").await?;
        ensure!(found.len() == 1 && found[0].1 == kept, "{found:?}");
        Ok(())
    })
    .await?;
    bob.remove(&group, &bob).await?.ok(204)?;
    assert_eq!(found(&third, "q=kept").await?, []);
    Ok(())
}

#[tokio::test]
async fn fleet_without_an_engine_says_so() -> Result<()> {
    let Some(cluster) = Cluster::on_one_node(1).await? else { return Ok(()) };
    let ada = User::register(cluster.gateways[0].url(), "ada").await?;
    let refused = ada.get("/v1/search?q=tea").await?.refused(503, "unavailable")?;
    ensure!(refused["message"].as_str().is_some_and(|why| why.contains("not configured")));
    Ok(())
}
