//! Attacks by connections: silent ones, half handshakes, heads byte by byte.

use std::{
    io::ErrorKind,
    net::{Ipv4Addr, SocketAddr},
    time::Duration,
};

use anyhow::Result;
use tokio::{
    io::AsyncWriteExt,
    net::{TcpSocket, TcpStream},
    time::{Instant, interval},
};

use super::{
    load::{Got, Tally},
    trial::Trial,
};
use crate::gateway::Settings;

/// What the connections of one address say first. Each address says the same on all of them.
const BEGINNINGS: [&str; 3] = ["", "GET /v1/ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: webso", "G"];
/// What follows on the connections that drip, a byte a second.
const DRIPPED: &[u8] = b"ET / HTTP/1.1\r\nHost: localhost\r\nX-Filler: and so on and so on";
const DRIP: Duration = Duration::from_secs(1);

/// Three addresses open more connections than one address may have. The others come from elsewhere.
pub(super) async fn silent(trial: &mut Trial) -> Result<Got> {
    let max = trial.plan.count(1_000, 40);
    let each = max + max / 10;
    let settings = Settings::defaults().set("LIMITS__CONNECTIONS_PER_ADDRESS", &max.to_string());
    let end = trial.begin(settings).await?;
    let gateway: SocketAddr = trial.url().trim_start_matches("http://").parse()?;
    let mut connections = Vec::new();
    for (address, beginning) in (2..).zip(BEGINNINGS) {
        for _ in 0..each {
            let mut connection = connect(Ipv4Addr::new(127, 0, 0, address), gateway).await?;
            write(&mut connection, beginning.as_bytes()).await;
            connections.push(connection);
        }
    }
    let dripping = connections.len() - each;
    drip(&mut connections[dripping..], end).await;
    let closed = connections.iter().filter(|connection| is_closed(connection)).count();
    let mut answers = Tally::default();
    answers.add("open at the end", connections.len() - closed);
    answers.add("closed by the gateway", closed);
    let mut got = Got::of(answers);
    let above = each - max;
    got.check(closed >= above * BEGINNINGS.len(), || format!("only {closed} were closed"));
    Ok(got)
}

async fn connect(from: Ipv4Addr, gateway: SocketAddr) -> Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    socket.bind((from, 0).into())?;
    Ok(socket.connect(gateway).await?)
}

/// Writes to a connection. The gateway may have closed it.
async fn write(connection: &mut TcpStream, bytes: &[u8]) {
    connection.write_all(bytes).await.unwrap_or_default();
}

async fn drip(connections: &mut [TcpStream], end: Instant) {
    let mut ticks = interval(DRIP);
    let mut bytes = DRIPPED.iter().cycle();
    while Instant::now() < end {
        tokio::select! {
            _ = ticks.tick() => {}
            () = tokio::time::sleep_until(end) => return,
        }
        let byte = bytes.next().copied().unwrap_or_default();
        for connection in &mut *connections {
            write(connection, &[byte]).await;
        }
    }
}

/// Returns true if the gateway has closed the connection, with or without an answer.
fn is_closed(connection: &TcpStream) -> bool {
    let mut answer = [0; 4_096];
    loop {
        match connection.try_read(&mut answer) {
            Ok(0) => return true,
            Ok(_) => {}
            Err(error) => return error.kind() != ErrorKind::WouldBlock,
        }
    }
}
