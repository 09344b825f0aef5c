//! Many HTTP calls over a few connections, to prepare a run.

use std::{net::SocketAddr, time::Duration};

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use tokio::time::Instant;

use crate::sockets::{Received, Sockets, Stage};

/// How long nothing may arrive before a run fails.
pub(crate) const STALL_MAX: Duration = Duration::from_secs(30);

/// Makes every call, up to `at_once` at the same time, and returns the bodies of the answers in the
/// order of the requests. Fails at the first answer that is not a success.
pub(crate) fn call_all(
    address: SocketAddr,
    requests: &[Vec<u8>],
    at_once: usize,
) -> Result<Vec<Vec<u8>>> {
    let mut sockets = Sockets::new()?;
    let mut next = at_once.min(requests.len());
    let mut asked: Vec<usize> = (0..next).collect();
    for request in &requests[..next] {
        let socket = sockets.connect(address, Stage::Http)?;
        sockets.send(socket, request)?;
    }
    let mut bodies = vec![Vec::new(); requests.len()];
    let mut answered = Vec::new();
    let mut left = requests.len();
    let mut progress = Instant::now();
    while left > 0 {
        sockets.wait(Duration::from_secs(1), |socket, received, _| {
            let Received::Answer(answer) = received else { return Ok(()) };
            let text = || String::from_utf8_lossy(answer.body);
            ensure!(answer.status < 300, "refused with {}: {}", answer.status, text());
            bodies[asked[socket]] = answer.body.to_vec();
            answered.push(socket);
            Ok(())
        })?;
        if !answered.is_empty() {
            progress = Instant::now();
        }
        ensure!(progress.elapsed() < STALL_MAX, "{left} calls are not answered");
        left -= answered.len();
        for socket in answered.drain(..) {
            let Some(request) = requests.get(next) else { continue };
            asked[socket] = next;
            next += 1;
            sockets.send(socket, request)?;
        }
    }
    Ok(bodies)
}

/// Returns the id at this place of a JSON text, such as `/user/id`.
pub(crate) fn id(body: &[u8], pointer: &str) -> Result<u64> {
    let value: Value = serde_json::from_slice(body)?;
    let id = value.pointer(pointer).and_then(Value::as_str);
    Ok(id.with_context(|| format!("no {pointer} in {value}"))?.parse()?)
}
