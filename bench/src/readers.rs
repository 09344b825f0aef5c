//! Readers over HTTP, each on a connection of its own, who ask again as soon as they are answered.

use std::{net::SocketAddr, time::Duration};

use anyhow::{Result, ensure};
use tokio::time::Instant;

use crate::{
    calls::STALL_MAX,
    latencies::Latencies,
    sockets::{Received, Sockets, Stage},
};

/// What readers ask, and what they must get.
pub(crate) trait Questions {
    /// Returns the next request of a socket.
    fn ask(&mut self, socket: usize) -> Vec<u8>;

    /// Takes the answer to the request of a socket. Fails if it is wrong.
    fn check(&mut self, socket: usize, received: &Received<'_>) -> Result<()>;
}

/// The connections of all readers.
pub(crate) struct Readers {
    sockets: Sockets,
    /// For each socket, the time of the request.
    asked: Vec<Instant>,
    /// The time from each request to its answer.
    pub(crate) latencies: Latencies,
}

impl Readers {
    pub(crate) fn connect(address: SocketAddr, count: u32) -> Result<Self> {
        let mut sockets = Sockets::new()?;
        let mut asked = Vec::new();
        for _ in 0..count {
            sockets.connect(address, Stage::Http)?;
            asked.push(Instant::now());
        }
        Ok(Self { sockets, asked, latencies: Latencies::new()? })
    }

    /// Asks until the time is over, and reads what is outstanding.
    pub(crate) fn run(&mut self, time: Duration, questions: &mut impl Questions) -> Result<()> {
        let begun = Instant::now();
        let mut free: Vec<usize> = (0..self.sockets.len()).collect();
        let (mut outstanding, mut progress) = (0, begun);
        while outstanding > 0 || begun.elapsed() < time {
            let due = if begun.elapsed() < time { free.len() } else { 0 };
            for socket in free.drain(..due) {
                let request = questions.ask(socket);
                self.asked[socket] = Instant::now();
                self.sockets.send(socket, &request)?;
                outstanding += 1;
            }
            let Self { sockets, asked, latencies } = self;
            sockets.wait(Duration::from_secs(1), |socket, received, at| {
                questions.check(socket, &received)?;
                latencies.record(at.duration_since(asked[socket]));
                (outstanding, progress) = (outstanding - 1, at);
                free.push(socket);
                Ok(())
            })?;
            ensure!(progress.elapsed() < STALL_MAX, "{outstanding} requests are not answered");
        }
        Ok(())
    }
}
