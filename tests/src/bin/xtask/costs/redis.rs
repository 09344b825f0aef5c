//! Measures what Redis spends on a published hint, on each gateway that receives it, and on a
//! subscription.

use std::time::Duration;

use anyhow::{Context, Result};
use tests::redis::Redis;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
    task::{AbortHandle, JoinSet},
    time::{Instant, MissedTickBehavior, interval},
};

/// Bytes of a hint with one entry of 128 bytes of text.
const PAYLOAD_BYTES: usize = 200;
/// Hints of one pipeline.
const BATCH: u32 = 16;
/// The time between two pipelines.
const BATCH_EVERY: Duration = Duration::from_millis(4);
/// Connections of gateways that subscribe.
const GATEWAYS: u32 = 64;
/// Channels, which are spread over the gateways.
const CHANNELS: u32 = 51_200;
/// Channels of one SUBSCRIBE.
const CHANNELS_AT_ONCE: usize = 512;
/// Gateways that subscribe to each channel, in each line of the table.
const SUBSCRIBERS: [u32; 5] = [0, 1, 2, 4, 8];

pub(super) async fn measure(time: Duration) -> Result<String> {
    let mut table = String::from(
        "| subscribers of a channel | hints a second | Redis, µs a hint | bytes a subscription |\n\
         |---|---:|---:|---:|\n",
    );
    for subscribers in SUBSCRIBERS {
        table += &line(subscribers, time).await?;
    }
    Ok(table)
}

async fn line(subscribers: u32, time: Duration) -> Result<String> {
    let mut redis = Redis::start().await?.context("no Redis")?;
    let before = used_memory(&redis).await?;
    let mut readers = JoinSet::new();
    for gateway in 0..GATEWAYS {
        // Neighbours share channels, so that the hints of a pipeline go to many gateways.
        let is_own = |number: &u32| (number + gateway) % GATEWAYS < subscribers;
        let channels: Vec<u32> = (0..CHANNELS).filter(is_own).collect();
        let stream = subscribe(&redis, &channels).await?;
        let _: AbortHandle = readers.spawn(read_all(stream));
    }
    let bytes = (used_memory(&redis).await? - before) / f64::from(subscribers * CHANNELS);
    let bytes = if subscribers == 0 { "–".to_owned() } else { format!("{bytes:.0}") };
    let mut publisher = BufReader::new(redis.connect().await?);
    let used = redis.process().processor_time()?;
    let begun = Instant::now();
    let hints = publish(&mut publisher, time).await?;
    let used = redis.process().processor_time()?.saturating_sub(used);
    let rate = f64::from(hints) / begun.elapsed().as_secs_f64();
    let each = used.as_secs_f64() / f64::from(hints) * 1e6;
    Ok(format!("| {subscribers} | {rate:.0} | {each:.2} | {bytes} |\n"))
}

async fn used_memory(redis: &Redis) -> Result<f64> {
    let info = redis.ask("INFO memory").await?;
    let line = info.lines().find_map(|line| line.strip_prefix("used_memory:"));
    Ok(line.context("no used_memory")?.trim().parse()?)
}

/// Encodes a command in the protocol of Redis.
fn command(words: &[&[u8]]) -> Vec<u8> {
    let mut bytes = format!("*{}\r\n", words.len()).into_bytes();
    for word in words {
        bytes.extend(format!("${}\r\n", word.len()).into_bytes());
        bytes.extend(*word);
        bytes.extend(b"\r\n");
    }
    bytes
}

fn channel(number: u32) -> String {
    format!("c:{}", 291_139_937_883_918_336 + u64::from(number) * 65_537)
}

/// Subscribes to channels, and waits for the confirmations.
async fn subscribe(redis: &Redis, channels: &[u32]) -> Result<TcpStream> {
    let mut stream = redis.connect().await?;
    let mut count = 0;
    for part in channels.chunks(CHANNELS_AT_ONCE) {
        let names: Vec<_> = part.iter().map(|number| channel(*number)).collect();
        let mut words: Vec<&[u8]> = vec![b"SUBSCRIBE"];
        words.extend(names.iter().map(String::as_bytes));
        stream.write_all(&command(&words)).await?;
        // Each confirmation ends with the number of subscriptions so far.
        count += part.len();
        let last = format!(":{count}\r\n");
        read_until(&mut stream, last.as_bytes()).await?;
    }
    Ok(stream)
}

async fn read_until(stream: &mut TcpStream, end: &[u8]) -> Result<()> {
    let (mut kept, mut buffer) = (Vec::new(), vec![0; 16 * 1024]);
    while !kept.ends_with(end) {
        let read = stream.read(&mut buffer).await?;
        anyhow::ensure!(read > 0, "Redis has closed the connection");
        kept.extend(&buffer[..read]);
        let surplus = kept.len().saturating_sub(64);
        kept.drain(..surplus);
    }
    Ok(())
}

async fn read_all(mut stream: TcpStream) -> Result<()> {
    let mut buffer = vec![0; 64 * 1024];
    while stream.read(&mut buffer).await? > 0 {}
    Ok(())
}

/// Publishes pipelines at a fixed rate, each after the answers of the one before.
async fn publish(stream: &mut BufReader<TcpStream>, time: Duration) -> Result<u32> {
    let (payload, end) = (vec![b'x'; PAYLOAD_BYTES], Instant::now() + time);
    let mut ticks = interval(BATCH_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut hints = 0_u32;
    while Instant::now() < end {
        ticks.tick().await;
        let mut pipeline = Vec::new();
        for _ in 0..BATCH {
            let name = channel(hints.wrapping_mul(7_919) % CHANNELS);
            pipeline.extend(command(&[b"PUBLISH", name.as_bytes(), &payload]));
            hints += 1;
        }
        stream.write_all(&pipeline).await?;
        // One line for each hint.
        for _ in 0..BATCH {
            let read = stream.read_line(&mut String::new()).await?;
            anyhow::ensure!(read > 0, "Redis has closed the connection");
        }
    }
    Ok(hints)
}
