//! The floor: what the same work costs without any server around it.
//!
//! For deliveries, a child process on the server's core writes the same bytes to as many loopback
//! sockets, with one bare `write` each, and the same clients read them. For sends, this process
//! appends the bytes of a message to a file and calls `fdatasync`.

use std::{
    env,
    fs::File,
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    path::Path,
    process::{Child, ChildStdin, Command, Stdio},
    time::Duration,
};

use anyhow::{Context, Result, bail, ensure};
use tokio::time::Instant;

use crate::{
    calls::STALL_MAX,
    cores::Cores,
    frame,
    latencies::Latencies,
    sockets::{Received, Sockets, Stage},
    usage::Usage,
};

/// The hidden command that runs the writer.
pub(crate) const WRITER: &str = "floor-writer";
/// The time of the bare syncs.
const SYNCS: Duration = Duration::from_secs(2);

/// Bare writes to be measured.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Writes {
    /// Sockets that are written to.
    pub(crate) sockets: usize,
    /// Bytes of a frame.
    pub(crate) frame_bytes: usize,
    /// Frames of one write.
    pub(crate) frames: usize,
    /// The time between rounds. Without one, a round starts when everybody has the one before.
    pub(crate) interval: Option<Duration>,
}

/// A writer process, killed on drop.
struct Writer {
    child: Child,
    rounds: ChildStdin,
}

impl Drop for Writer {
    fn drop(&mut self) {
        // Both fail only if it has ended already.
        self.child.kill().unwrap_or_default();
        self.child.wait().map(drop).unwrap_or_default();
    }
}

/// Measures bare writes for this time and returns the processor time and the count of deliveries.
pub(crate) fn writes(cores: Cores, load: Writes, time: Duration) -> Result<(Usage, u64)> {
    let (mut writer, mut sockets) = start(cores, load)?;
    let pid = writer.child.id();
    round_trips(&mut writer, &mut sockets, load, time / 4)?;
    let before = Usage::of(pid)?;
    let deliveries = round_trips(&mut writer, &mut sockets, load, time)?;
    Ok((Usage::of(pid)? - before, deliveries))
}

fn start(cores: Cores, load: Writes) -> Result<(Writer, Sockets)> {
    let arguments = [load.sockets, load.frame_bytes, load.frames].map(|n| n.to_string());
    let mut child = cores.on_server(|| {
        let mut command = Command::new(env::current_exe()?);
        command.arg(WRITER).args(arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().context("the floor's writer")
    })?;
    let (stdin, stdout) = child.stdin.take().zip(child.stdout.take()).context("no pipes")?;
    let writer = Writer { child, rounds: stdin };
    let mut line = String::new();
    BufReader::new(stdout).read_line(&mut line)?;
    let address = line.trim().parse().context("the writer has no address")?;
    let mut sockets = Sockets::new()?;
    for _ in 0..load.sockets {
        sockets.connect(address, Stage::Frames)?;
    }
    Ok((writer, sockets))
}

/// Starts rounds until the time is over and counts what arrives.
fn round_trips(
    writer: &mut Writer,
    sockets: &mut Sockets,
    load: Writes,
    time: Duration,
) -> Result<u64> {
    let a_round = u64::try_from(load.sockets * load.frames)?;
    let (begun, mut expected, mut arrived) = (Instant::now(), 0, 0);
    let mut next = begun;
    let mut progress = begun;
    loop {
        let now = Instant::now();
        let sending = now.duration_since(begun) < time;
        if sending && arrived == expected && now >= next {
            writer.rounds.write_all(&[1])?;
            expected += a_round;
            next += load.interval.unwrap_or_default();
        }
        if !sending && arrived == expected {
            return Ok(arrived);
        }
        let idle = arrived == expected;
        let wait = if idle { next.saturating_duration_since(now) } else { Duration::from_secs(1) };
        sockets.wait(wait, |_, received, at| match received {
            Received::Text(_) => {
                arrived += 1;
                progress = at;
                Ok(())
            }
            Received::Answer(answer) => bail!("unexpected: {answer:?}"),
        })?;
        ensure!(progress.elapsed() < STALL_MAX, "{} writes did not arrive", expected - arrived);
    }
}

/// Runs in the child: accepts the sockets, and writes to each of them once for each byte read.
#[expect(clippy::print_stdout, reason = "tells its parent the address")]
pub(crate) fn write_rounds(sockets: usize, frame_bytes: usize, frames: usize) -> Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    println!("{}", listener.local_addr()?);
    let accept = |_| {
        let (stream, _) = listener.accept()?;
        stream.set_nodelay(true)?;
        Ok(stream)
    };
    let streams: Vec<TcpStream> = (0..sockets).map(accept).collect::<Result<_>>()?;
    let mut one = Vec::new();
    // A header has 2 or 4 bytes.
    let text = frame_bytes.saturating_sub(if frame_bytes > 127 { 4 } else { 2 });
    frame::append_server_text(&mut one, &vec![b'x'; text])?;
    let bytes = one.repeat(frames);
    let mut byte = [0];
    let mut rounds = std::io::stdin().lock();
    while rounds.read(&mut byte)? == 1 {
        for mut stream in &streams {
            let written = stream.write(&bytes)?;
            ensure!(written == bytes.len(), "only {written} bytes were written");
        }
    }
    Ok(())
}

/// Measures bare appends of this many bytes to a file in `folder`, each with `fdatasync`.
pub(crate) fn syncs(cores: Cores, folder: &Path, bytes: usize) -> Result<Latencies> {
    cores.on_server(|| {
        let mut latencies = Latencies::new()?;
        let mut file = File::create(folder.join("floor"))?;
        let message = vec![b'x'; bytes];
        let begun = Instant::now();
        while begun.elapsed() < SYNCS {
            let start = Instant::now();
            file.write_all(&message)?;
            file.sync_data()?;
            latencies.record(start.elapsed());
        }
        Ok(latencies)
    })
}
