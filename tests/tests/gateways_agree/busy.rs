//! A busy group: its log grows across partitions of the store while many sends are in flight.

use std::collections::{BTreeMap, BTreeSet};

use tests::{
    Context, Result,
    client::{User, Ws},
    ensure, json,
    shape::seqs,
};
use tokio::task::JoinSet;

/// More than two partitions of the log, which hold 4,096 entries each.
const TEXTS: usize = 9_000;
const SENDERS: usize = 3;
/// The most commands that a gateway executes at a time for one socket.
const IN_FLIGHT_PER_SENDER: usize = 32;

/// Sends [`TEXTS`] texts through sockets on these gateways, then reads them back from each.
///
/// Fails if a send is refused, or if a text is missing, written twice, or not at the seq that was
/// acknowledged.
pub(crate) async fn sends_are_written_once(urls: &[String], title: &str) -> Result<()> {
    let ada = User::register(&urls[0], &format!("ada-{}", urls.len())).await?;
    let group = ada.group(title, &[]).await?;
    let mut senders = JoinSet::new();
    for (number, url) in urls.iter().cycle().take(SENDERS).enumerate() {
        let ws = ada.at(url).ws(None).await?;
        senders.spawn(send_texts(ws, group.clone(), format!("sender-{number}")));
    }
    let mut acknowledged = BTreeMap::new();
    while let Some(sent) = senders.join_next().await {
        acknowledged.extend(sent??);
    }
    for url in urls {
        let entries = ada.at(url).entries(&group).await?;
        let expected: Vec<u64> = (1..).take(1 + TEXTS).collect();
        ensure!(seqs(&entries) == expected, "the seqs on {url} have gaps or repeats");
        let texts = entries.iter().filter(|entry| entry["kind"] == "text");
        let written: BTreeMap<_, _> = texts
            .filter_map(|text| {
                Some((text["client_id"].as_str()?.to_owned(), text["seq"].as_u64()?))
            })
            .collect();
        ensure!(written == acknowledged, "{url} returns other texts than were acknowledged");
    }
    Ok(())
}

/// Sends one sender's share and returns the acknowledged seq of each client id.
async fn send_texts(mut ws: Ws, group: String, sender: String) -> Result<BTreeMap<String, u64>> {
    let (mut in_flight, mut acknowledged) = (BTreeSet::new(), BTreeMap::new());
    let mut unsent = 0..TEXTS / SENDERS;
    loop {
        while in_flight.len() < IN_FLIGHT_PER_SENDER
            && let Some(number) = unsent.next()
        {
            let client_id = format!("{sender}-{number}");
            let body = json!({"conversation": group, "client_id": client_id, "text": "hello"});
            in_flight.insert(ws.send("send", body).await?);
        }
        if in_flight.is_empty() {
            ws.close().await?;
            return Ok(acknowledged);
        }
        let (id, outcome) = ws.any_reply().await?;
        ensure!(in_flight.remove(&id), "a reply to no send: {outcome:?}");
        let message = match &outcome {
            Ok(ok) => &ok["message"],
            Err(error) => tests::bail!("refused after {} sends: {error}", acknowledged.len()),
        };
        let client_id = message["client_id"].as_str().context("no client_id")?;
        let seq = message["seq"].as_u64().context("no seq")?;
        ensure!(acknowledged.insert(client_id.to_owned(), seq).is_none(), "two seqs: {message}");
        ws.forget_events();
    }
}
