//! Measures the rate and the latency of durable sends through WebSockets.

use std::{collections::BTreeMap, path::Path, time::Duration};

use anyhow::{Result, ensure};
use tests::{
    Value,
    client::{User, Ws},
    gateway::{Gateway, Settings},
    json,
};
use tokio::{task::JoinSet, time::Instant};

/// The most commands in flight on one socket.
const IN_FLIGHT_OF_A_SOCKET: usize = 32;
/// Bytes of each text.
const TEXT_BYTES: usize = 128;

/// The load of one line of the table.
struct Shape {
    in_flight: usize,
    conversations: usize,
}

const SHAPES: [Shape; 6] = [
    Shape { in_flight: 1, conversations: 1 },
    Shape { in_flight: 16, conversations: 1 },
    Shape { in_flight: 64, conversations: 1 },
    Shape { in_flight: 256, conversations: 1 },
    Shape { in_flight: 64, conversations: 16 },
    Shape { in_flight: 256, conversations: 16 },
];

pub(super) async fn measure(binary: &Path, settings: Settings, time: Duration) -> Result<String> {
    let gateway = Gateway::of(binary, settings).await?;
    let ada = User::register(gateway.url(), "ada").await?;
    let mut table = "| in flight | conversations | sends/s | p50 | p99 | longest |\n\
                     |---|---|---|---|---|---|\n"
        .to_owned();
    for (number, shape) in SHAPES.iter().enumerate() {
        table += &line(&ada, number, shape, time).await?;
    }
    Ok(table)
}

async fn line(ada: &User, number: usize, shape: &Shape, time: Duration) -> Result<String> {
    let mut conversations = Vec::new();
    for title in 0..shape.conversations {
        conversations.push(ada.group(&format!("load {number} {title}"), &[]).await?);
    }
    let sockets = shape.in_flight.div_ceil(IN_FLIGHT_OF_A_SOCKET);
    let mut senders = JoinSet::new();
    let begun = Instant::now();
    for socket in 0..sockets {
        let in_flight = (shape.in_flight + sockets - 1 - socket) / sockets;
        let name = format!("{number}-{socket}");
        let ws = ada.ws(None).await?;
        senders.spawn(send(ws, name, conversations.clone(), in_flight, time));
    }
    let mut took = Vec::new();
    while let Some(sent) = senders.join_next().await {
        took.extend(sent??);
    }
    let elapsed = begun.elapsed();
    ensure!(!took.is_empty(), "nothing was sent");
    took.sort_unstable();
    let at = |percent: usize| millis(took[(took.len() - 1) * percent / 100]);
    let a_second = took.len() as u128 * 1_000 / elapsed.as_millis().max(1);
    Ok(format!(
        "| {} | {} | {a_second} | {} | {} | {} |\n",
        shape.in_flight,
        shape.conversations,
        at(50),
        at(99),
        at(100),
    ))
}

fn millis(took: Duration) -> String {
    format!("{}.{:02} ms", took.as_micros() / 1_000, took.as_micros() % 1_000 / 10)
}

/// Keeps this many sends in flight until the time is over. Returns the latency of each.
async fn send(
    mut ws: Ws,
    name: String,
    conversations: Vec<String>,
    in_flight: usize,
    time: Duration,
) -> Result<Vec<Duration>> {
    let text = "x".repeat(TEXT_BYTES);
    let end = Instant::now() + time;
    let (mut open, mut took, mut count) = (BTreeMap::new(), Vec::new(), 0);
    loop {
        while open.len() < in_flight && Instant::now() < end {
            count += 1;
            let body = command(&conversations[count % conversations.len()], &name, count, &text);
            let begun = Instant::now();
            open.insert(ws.send("send", body).await?, begun);
        }
        if open.is_empty() {
            ws.close().await?;
            return Ok(took);
        }
        let (id, outcome) = ws.any_reply().await?;
        ensure!(outcome.is_ok(), "refused: {outcome:?}");
        took.extend(open.remove(&id).map(|begun| begun.elapsed()));
        ws.forget_events();
    }
}

fn command(conversation: &str, name: &str, count: usize, text: &str) -> Value {
    json!({"conversation": conversation, "client_id": format!("{name}-{count}"), "text": text})
}
