//! Which cores the server and the clients run on.
//!
//! A process inherits the affinity of the thread that starts it, so the server is started from a
//! thread that is on the server's core for that moment.

use std::str::FromStr;

use anyhow::{Context, Error, Result, ensure};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// The cores of the server and of the clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cores {
    /// One core for the server, another one for the clients.
    Split { server: usize, clients: usize },
    /// Every core for both.
    All,
}

impl FromStr for Cores {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        if text == "all" {
            return Ok(Self::All);
        }
        let (server, clients) =
            text.split_once(',').context("expected all, or two cores as 0,1")?;
        let (server, clients) = (server.parse()?, clients.parse()?);
        ensure!(server != clients, "server and clients need different cores");
        Ok(Self::Split { server, clients })
    }
}

impl Cores {
    /// Moves this thread to the clients' core.
    pub(crate) fn move_to_clients(self) -> Result<()> {
        match self {
            Self::Split { clients, .. } => move_to(clients),
            Self::All => Ok(()),
        }
    }

    /// Runs this on the server's core. What it starts stays there.
    pub(crate) fn on_server<T>(self, work: impl FnOnce() -> Result<T>) -> Result<T> {
        let Self::Split { server, .. } = self else { return work() };
        let before = sched_getaffinity(None)?;
        move_to(server)?;
        let result = work();
        sched_setaffinity(None, &before)?;
        result
    }

    /// Returns how many cores the server has.
    pub(crate) fn of_server(self) -> usize {
        match self {
            Self::Split { .. } => 1,
            Self::All => std::thread::available_parallelism().map_or(1, usize::from),
        }
    }
}

fn move_to(core: usize) -> Result<()> {
    ensure!(core < CpuSet::MAX_CPU, "core {core} is out of range");
    let mut set = CpuSet::new();
    set.set(core);
    sched_setaffinity(None, &set).with_context(|| format!("no core {core}: try --cores all"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cores_are_read_from_two_numbers_or_all() {
        assert_eq!("all".parse::<Cores>().unwrap(), Cores::All);
        assert_eq!("1,0".parse::<Cores>().unwrap(), Cores::Split { server: 1, clients: 0 });
        for bad in ["", "0", "0,0", "0,1,2", "-1,0", "both"] {
            assert!(bad.parse::<Cores>().is_err(), "{bad}");
        }
    }
}
