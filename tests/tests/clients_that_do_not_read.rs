//! Clients that do not read what they asked for cost the gateway a bounded number of bytes.

use std::time::Duration;

use tests::{
    Context, Result,
    client::{Cursors, TEXT_BYTES, TEXTS, User, Ws, request_and_read_nothing, send_large_texts},
    ensure,
    gateway::Settings,
    json,
    patience::{SOON, eventually, within},
    shape::items,
    stage::Stage,
};

/// The largest page in JSON: the bound, and one entry.
const PAGE_BYTES_MAX: usize = 256 * 1024 + 6 * TEXT_BYTES + 1_024;
const MIB: u64 = 1 << 20;

/// Starts a gateway with few bytes for clients that do not read, and a conversation with large texts.
async fn large_texts() -> Result<(Stage, User, User, String)> {
    let stage = Stage::with(Settings::new().set("LIMITS__UNREAD", "16MiB")).await?;
    let (ada, bob, _) = stage.ada_bob_eve().await?;
    let direct = ada.direct(&bob).await?;
    send_large_texts(&ada, &direct).await?;
    Ok((stage, ada, bob, direct))
}

#[tokio::test]
async fn unread_answers_have_a_budget_of_bytes() -> Result<()> {
    let (mut stage, ada, bob, direct) = large_texts().await?;
    let path = format!("/v1/conversations/{direct}/messages?limit=100");
    let gateway = &mut stage.gateway;
    bob.get(&path).await?.ok(200)?;
    let before = gateway.process().resident_bytes()?;
    let mut connections = Vec::new();
    let mut answered = 0;
    for _ in 0..5 {
        let (statuses, held) = within(
            SOON,
            "the heads of all answers",
            request_and_read_nothing(gateway.url(), Some(&ada.access_token), &path, 30),
        )
        .await??;
        ensure!(
            statuses.iter().all(|status| [200, 429].contains(&status.as_u16())),
            "{statuses:?}"
        );
        answered += statuses.iter().filter(|status| **status == 200).count();
        connections.push(held);
    }
    // One user has a sixteenth of 16 MiB, which is three or four pages.
    ensure!((1..=8).contains(&answered), "{answered} of 150 requests were answered");
    let grown = gateway.process().resident_bytes()?.saturating_sub(before);
    ensure!(grown < 64 * MIB, "the gateway has grown by {grown} bytes");
    bob.get(&path).await?.ok(200)?;
    drop(connections);
    eventually(SOON, async || ada.get(&path).await?.ok(200)).await.map(drop)
}

#[tokio::test]
async fn page_of_history_has_a_bound_in_bytes() -> Result<()> {
    let (_stage, _, bob, direct) = large_texts().await?;
    let path = format!("/v1/conversations/{direct}/messages");
    let mut before = u64::MAX >> 12;
    let mut seqs = Vec::new();
    while seqs.first() != Some(&1) {
        let page = bob.get(&format!("{path}?limit=100&before_seq={before}")).await?.ok(200)?;
        ensure!(page.to_string().len() <= PAGE_BYTES_MAX, "{}", page.to_string().len());
        let read: Vec<u64> = items(&page).iter().filter_map(|item| item["seq"].as_u64()).collect();
        before = *read.first().context("an empty page")?;
        seqs.splice(0..0, read);
    }
    let all: Vec<u64> = (1..=TEXTS as u64 + 2).collect();
    ensure!(seqs == all, "{seqs:?}");
    let forwards = bob.entries(&direct).await?;
    ensure!(forwards.iter().map(|entry| entry["seq"].as_u64()).eq(all.into_iter().map(Some)));
    let around = bob.get(&format!("{path}?limit=100&around_seq=50")).await?.ok(200)?;
    ensure!(items(&around).iter().any(|item| item["seq"] == 50), "{around}");
    ensure!(around.to_string().len() <= PAGE_BYTES_MAX, "{}", around.to_string().len());
    Ok(())
}

#[tokio::test]
async fn sockets_that_are_far_behind_hold_few_bytes() -> Result<()> {
    let (mut stage, ada, bob, direct) = large_texts().await?;
    let resume = Cursors::from([(direct.clone(), 0)]);
    let gateway = &mut stage.gateway;
    bob.ws(Some(&resume)).await?.close().await?;
    let before = gateway.process().resident_bytes()?;
    let mut sockets = Vec::new();
    for _ in 0..50 {
        sockets.push(bob.ws(Some(&resume)).await?);
    }
    // Another user is served while these read nothing.
    let mut ws = ada.ws(Some(&resume)).await?;
    ensure!(read_all(&mut ws).await? == (1..=TEXTS as u64 + 2).collect::<Vec<_>>());
    let grown = gateway.process().resident_bytes()?.saturating_sub(before);
    ensure!(grown < 64 * MIB, "the gateway has grown by {grown} bytes");
    // A client that reads on gets everything.
    let first = sockets.first_mut().context("no socket")?;
    ensure!(read_all(first).await? == (1..=TEXTS as u64 + 2).collect::<Vec<_>>());
    Ok(())
}

/// Reads the seq of each message, up to the last one.
async fn read_all(ws: &mut Ws) -> Result<Vec<u64>> {
    let mut seqs = Vec::new();
    while seqs.len() < TEXTS + 2 {
        seqs.extend(ws.next_of("message").await?["seq"].as_u64());
    }
    Ok(seqs)
}

#[tokio::test]
async fn user_has_a_bounded_number_of_sessions() -> Result<()> {
    let stage = Stage::with(Settings::new().set("LIMITS__SESSIONS_PER_USER", "3")).await?;
    let (ada, bob, _) = stage.ada_bob_eve().await?;
    let again = ada.log_in("phone").await?;
    let mut sockets = vec![ada.ws(None).await?, ada.ws(None).await?, again.ws(None).await?];
    let mut fourth = Ws::open(stage.gateway.url()).await?;
    let hello = json!({"token": again.access_token});
    let refused = fourth.call("hello", hello).await?;
    ensure!(refused.is_err_and(|error| error["code"] == "rate_limited"));
    ensure!(fourth.closed().await? == 4029);
    ada.poll(None, Duration::ZERO).await?.refused(429, "rate_limited")?;
    bob.ws(None).await?;
    sockets.remove(0).close().await?;
    eventually(SOON, async || ada.ws(None).await).await.map(drop)
}
