//! A TCP proxy on loopback that cuts, stalls and delays the connections through it.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use anyhow::{Context, Result};
use parking_lot::Mutex;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinSet,
    time::sleep,
};

/// What the proxy does with bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// Passes them on.
    Open,
    /// Closes connections, and new ones at once.
    Cut,
    /// Passes nothing on to the server.
    RequestsHeld,
    /// Passes nothing back to the client.
    AnswersHeld,
    /// Passes each chunk on after this time.
    Late(Duration),
}

/// The way of some of the connections.
#[derive(Debug, Clone, Copy)]
struct Setting {
    way: Way,
    /// The percentage of connections that it applies to.
    percent: u64,
}

impl Setting {
    fn of(self, connection: u64) -> Way {
        // Spreads neighbouring numbers over 0..100.
        if connection.wrapping_mul(61) % 100 < self.percent { self.way } else { Way::Open }
    }
}

/// A running proxy. Dropping it closes its connections.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    server: Arc<Mutex<SocketAddr>>,
    setting: watch::Sender<Setting>,
    /// Aborted on drop.
    _accepting: JoinSet<()>,
}

impl Proxy {
    /// Starts a proxy for this server on `address`, which may have port 0.
    pub async fn start(address: &str, server: SocketAddr) -> Result<Self> {
        let listener = TcpListener::bind(address).await.with_context(|| address.to_owned())?;
        let address = listener.local_addr()?;
        let (setting, settings) = watch::channel(Setting { way: Way::Open, percent: 100 });
        let server = Arc::new(Mutex::new(server));
        let mut accepting = JoinSet::new();
        accepting.spawn(accept(listener, server.clone(), settings));
        Ok(Self { address, server, setting, _accepting: accepting })
    }

    /// Returns the address that it listens on.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Changes the way of this percentage of the connections, of present and new ones.
    pub fn set(&self, way: Way, percent: u64) {
        self.setting.send_replace(Setting { way, percent });
    }

    /// Connects new clients to this server, for example after it was restarted on another port.
    pub fn lead_to(&self, server: SocketAddr) {
        *self.server.lock() = server;
    }

    /// Passes everything on again.
    pub fn heal(&self) {
        self.set(Way::Open, 100);
    }
}

async fn accept(
    listener: TcpListener,
    server: Arc<Mutex<SocketAddr>>,
    settings: watch::Receiver<Setting>,
) {
    // Aborts the connections when it is dropped.
    let mut connections = JoinSet::new();
    let mut number = 0;
    loop {
        while connections.try_join_next().is_some() {}
        let Ok((client, _)) = listener.accept().await else { return };
        number += 1;
        let server = *server.lock();
        connections.spawn(connect(client, server, number, settings.clone()));
    }
}

async fn connect(
    mut client: TcpStream,
    server: SocketAddr,
    number: u64,
    settings: watch::Receiver<Setting>,
) {
    if settings.borrow().of(number) == Way::Cut {
        return;
    }
    let Ok(mut server) = TcpStream::connect(server).await else { return };
    for stream in [&client, &server] {
        stream.set_nodelay(true).unwrap_or_default();
    }
    let (from_client, to_client) = client.split();
    let (from_server, to_server) = server.split();
    // When one direction ends, both sockets are dropped.
    tokio::select! {
        () = pass(from_client, to_server, Way::RequestsHeld, number, settings.clone()) => {}
        () = pass(from_server, to_client, Way::AnswersHeld, number, settings) => {}
    }
}

/// Passes one direction on until it ends or is cut.
async fn pass(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    held: Way,
    number: u64,
    mut settings: watch::Receiver<Setting>,
) {
    let mut buffer = vec![0; 16 * 1024];
    loop {
        let read = tokio::select! {
            read = from.read(&mut buffer) => read,
            _ = settings.wait_for(|setting| setting.of(number) == Way::Cut) => return,
        };
        let Ok(length @ 1..) = read else { return };
        let passes = |setting: &Setting| setting.of(number) != held;
        let Ok(way) = settings.wait_for(passes).await.map(|setting| setting.of(number)) else {
            return;
        };
        match way {
            Way::Cut => return,
            Way::Late(delay) => sleep(delay).await,
            Way::Open | Way::RequestsHeld | Way::AnswersHeld => {}
        }
        if to.write_all(&buffer[..length]).await.is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::timeout;

    use super::*;
    use crate::patience::{SOON, within};

    /// Starts a server that returns what it receives, behind a proxy.
    async fn echo() -> Result<(Proxy, JoinSet<()>)> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let server = listener.local_addr()?;
        let mut serving = JoinSet::new();
        serving.spawn(async move {
            let mut echoes = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                echoes.spawn(answer(stream));
            }
        });
        Ok((Proxy::start("127.0.0.1:0", server).await?, serving))
    }

    async fn answer(mut stream: TcpStream) {
        let (mut from, mut to) = stream.split();
        tokio::io::copy(&mut from, &mut to).await.map(drop).unwrap_or_default();
    }

    async fn ask(stream: &mut TcpStream) -> Result<u8> {
        stream.write_all(b"x").await?;
        within(SOON, "an answer", stream.read_u8()).await?.context("closed")
    }

    #[tokio::test]
    async fn bytes_wait_when_a_direction_is_held() -> Result<()> {
        let (proxy, _server) = echo().await?;
        let mut stream = TcpStream::connect(proxy.address()).await?;
        assert_eq!(ask(&mut stream).await?, b'x');
        for held in [Way::RequestsHeld, Way::AnswersHeld] {
            proxy.set(held, 100);
            stream.write_all(b"y").await?;
            assert!(timeout(Duration::from_millis(50), stream.read_u8()).await.is_err());
            proxy.heal();
            assert_eq!(within(SOON, "the answer", stream.read_u8()).await??, b'y');
        }
        proxy.set(Way::Late(Duration::from_millis(5)), 100);
        assert_eq!(ask(&mut stream).await?, b'x');
        Ok(())
    }

    #[tokio::test]
    async fn connections_close_when_cut_and_reopen_when_healed() -> Result<()> {
        let (proxy, _server) = echo().await?;
        let mut before = TcpStream::connect(proxy.address()).await?;
        assert_eq!(ask(&mut before).await?, b'x');
        proxy.set(Way::Cut, 100);
        assert!(within(SOON, "the end", before.read_u8()).await?.is_err());
        let mut during = TcpStream::connect(proxy.address()).await?;
        assert!(within(SOON, "the end", during.read_u8()).await?.is_err());
        proxy.heal();
        assert_eq!(ask(&mut TcpStream::connect(proxy.address()).await?).await?, b'x');
        Ok(())
    }

    #[tokio::test]
    async fn only_a_part_of_the_connections_is_cut_when_asked() -> Result<()> {
        let (proxy, _server) = echo().await?;
        proxy.set(Way::Cut, 50);
        let mut answered = 0;
        for _ in 0..20 {
            answered +=
                u32::from(ask(&mut TcpStream::connect(proxy.address()).await?).await.is_ok());
        }
        assert!((5..=15).contains(&answered), "{answered}");
        Ok(())
    }
}
