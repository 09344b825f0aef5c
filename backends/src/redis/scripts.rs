//! The scripts that the primaries run, each one atomic step in one round trip.

use std::sync::LazyLock;

use redis::{Pipeline, RedisError, Script, aio::MultiplexedConnection};

/// Takes a token: [`chat_core::limiter::TokenBucket`] in microseconds of the primary's clock.
///
/// `KEYS`: the bucket. `ARGV`: how long a token takes to come back, the burst. Gives 0, or how long
/// to wait. A bucket cannot be emptier than empty, whatever the clock does and others write.
pub(super) static TAKE: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        r"
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local interval, burst = tonumber(ARGV[1]), tonumber(ARGV[2])
local full_at = tonumber(redis.call('GET', KEYS[1])) or now
full_at = math.max(now, math.min(full_at, now + interval * burst))
local wait = full_at - now - interval * (burst - 1)
if wait > 0 then return math.ceil(wait) end
full_at = full_at + interval
local keep = string.format('%.0f', math.ceil((full_at - now) / 1000) + 1)
redis.call('SET', KEYS[1], string.format('%.0f', full_at), 'PX', keep)
return 0
",
    )
});

/// Makes a new connection's primary know the scripts, so that none costs a second round trip.
pub(super) async fn load(connection: &mut MultiplexedConnection) -> Result<(), RedisError> {
    let mut pipeline = Pipeline::new();
    for script in [&TAKE] {
        pipeline.load_script(script).ignore();
    }
    pipeline.exec_async(connection).await
}
