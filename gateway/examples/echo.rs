//! A WebSocket server that sends every message back, for protocol suites such as Autobahn.
//!
//! Its frames are those of the gateway. It listens on a free loopback port and prints the address.

use std::{io::Write, net::Ipv4Addr};

use anyhow::Result;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::task::TaskTracker;

#[tokio::main]
async fn main() -> Result<()> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    writeln!(std::io::stdout(), "ws://{}", listener.local_addr()?)?;
    let tasks = TaskTracker::new();
    loop {
        let (stream, _) = listener.accept().await?;
        tasks.spawn(serve(stream));
    }
}

/// Answers the handshake. The client sends its first frame after that.
async fn serve(stream: TcpStream) -> Result<()> {
    stream.set_nodelay(true)?;
    let socket = tokio_tungstenite::accept_async(stream).await?;
    gateway::fuzzing::echo(socket.into_inner()).await;
    Ok(())
}
