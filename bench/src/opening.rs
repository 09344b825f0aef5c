//! Opening many WebSockets: connect, upgrade, hello.

use std::{net::SocketAddr, time::Duration};

use anyhow::{Result, bail, ensure};
use serde_json::json;
use tokio::time::Instant;

use crate::{
    calls::STALL_MAX,
    event::{self, Incoming},
    frame, http,
    seed::Account,
    sockets::{Received, Sockets, Stage},
};

/// WebSockets that open at the same time, unless a scenario wants all at once.
const AT_ONCE: usize = 256;
/// The id of `hello`. Other commands have higher ids.
const HELLO: u64 = 0;

/// WebSockets that are being opened. They get successive numbers.
#[derive(Debug)]
pub(crate) struct Opening {
    address: SocketAddr,
    hellos: Vec<Vec<u8>>,
    at_once: usize,
    /// The number of the first socket.
    first: usize,
    started: usize,
    opened: usize,
    /// Sockets that are upgraded and have not sent `hello`.
    upgraded: Vec<usize>,
}

/// Returns the frame of a `hello`. Without cursors, events start now.
pub(crate) fn hello(account: &Account, resume: Option<&[(u64, u64)]>) -> Result<Vec<u8>> {
    let mut hello = json!({"id": HELLO, "cmd": "hello", "token": account.token});
    if let Some(cursors) = resume {
        let cursors = cursors.iter().map(|(id, seq)| (id.to_string(), json!(seq)));
        hello["resume"] = cursors.collect::<serde_json::Map<_, _>>().into();
    }
    let mut bytes = Vec::new();
    frame::append_text(&mut bytes, hello.to_string().as_bytes())?;
    Ok(bytes)
}

impl Opening {
    /// Prepares a WebSocket for each of these hellos.
    pub(crate) fn new(sockets: &Sockets, address: SocketAddr, hellos: Vec<Vec<u8>>) -> Self {
        let (first, upgraded) = (sockets.len(), Vec::new());
        Self { address, hellos, at_once: AT_ONCE, first, started: 0, opened: 0, upgraded }
    }

    /// Opens all of them at the same time.
    pub(crate) fn all_at_once(mut self) -> Self {
        self.at_once = self.hellos.len();
        self
    }

    /// Returns true if all are open.
    pub(crate) fn is_done(&self) -> bool {
        self.opened == self.hellos.len()
    }

    /// Sends what is due and starts further connections.
    pub(crate) fn proceed(&mut self, sockets: &mut Sockets) -> Result<()> {
        for socket in self.upgraded.drain(..) {
            sockets.send(socket, &self.hellos[socket - self.first])?;
        }
        while self.started < self.hellos.len() && self.started - self.opened < self.at_once {
            let socket = sockets.connect(self.address, Stage::Http)?;
            sockets.send(socket, &http::upgrade())?;
            self.started += 1;
        }
        Ok(())
    }

    /// Reads what belongs to the opening. Returns false if it is something else.
    pub(crate) fn note(&mut self, socket: usize, received: &Received<'_>) -> Result<bool> {
        match received {
            Received::Answer(answer) => {
                let text = || String::from_utf8_lossy(answer.body);
                ensure!(answer.status == 101, "no upgrade: {} {}", answer.status, text());
                self.upgraded.push(socket);
                Ok(true)
            }
            Received::Text(text) => match event::scan(text) {
                Incoming::Done(HELLO) => {
                    self.opened += 1;
                    Ok(true)
                }
                Incoming::Refused => bail!("refused: {}", String::from_utf8_lossy(text)),
                Incoming::Entry(_) | Incoming::Done(_) | Incoming::Other => Ok(false),
            },
        }
    }

    /// Opens all of them. Fails if anything else arrives meanwhile.
    pub(crate) fn finish(mut self, sockets: &mut Sockets) -> Result<()> {
        let mut progress = (Instant::now(), 0);
        while !self.is_done() {
            self.proceed(sockets)?;
            sockets.wait(Duration::from_secs(1), |socket, received, _| {
                ensure!(self.note(socket, &received)?, "unexpected: {received:?}");
                Ok(())
            })?;
            if self.opened > progress.1 {
                progress = (Instant::now(), self.opened);
            }
            let left = self.hellos.len() - self.opened;
            ensure!(progress.0.elapsed() < STALL_MAX, "{left} WebSockets do not open");
        }
        Ok(())
    }
}
