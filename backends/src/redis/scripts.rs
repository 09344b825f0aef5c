//! The Lua scripts that the primaries run. Each is one atomic step in one round trip.
//!
//! All times are by the primary's clock, so gateways need not agree about the time. Scripts build
//! the keys of users themselves, because primaries are independent servers and not a cluster. If
//! others wrote a different type in place of a hash, it is read as empty and overwritten.

use std::sync::LazyLock;

use redis::{Pipeline, RedisError, Script, aio::MultiplexedConnection};

/// Defines `now`: milliseconds of the primary's clock.
macro_rules! now {
    () => {
        "
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
"
    };
}

/// Defines `is_settled(gap, settle)`, see [`presence::heartbeats`]. A clock that jumped counts as a
/// silence.
macro_rules! heartbeats {
    () => {
        concat!(
            now!(),
            "
local first = tonumber(redis.call('HGET', 'steady', 'first'))
local last = tonumber(redis.call('HGET', 'steady', 'last'))
local function is_settled(gap, settle)
  return first and last and math.abs(now - last) <= gap and now >= first + settle
end
"
        )
    };
}

/// Takes tokens: [`chat_core::limiter::TokenBucket`] in microseconds of the primary's clock.
///
/// `KEYS`: the bucket. `ARGV`: the time in which a token is refilled, the burst, the number of tokens,
/// and 1 if they are taken even from an empty bucket. Returns the time to wait, or the tokens that are
/// left as a negative number. The debt never exceeds one burst, whatever the clock does and others
/// write.
pub(super) static TAKE: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        "
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local interval, burst = tonumber(ARGV[1]), tonumber(ARGV[2])
local full_at = tonumber(redis.call('GET', KEYS[1])) or now
local latest = now + interval * burst * 2
full_at = math.max(now, math.min(full_at, latest))
local wait = full_at - now - interval * (burst - 1)
if wait > 0 and ARGV[4] == '0' then return math.ceil(wait) end
if ARGV[3] ~= '0' then
  full_at = math.min(full_at + interval * ARGV[3], latest)
  local keep = string.format('%.0f', math.ceil((full_at - now) / 1000) + 1)
  redis.call('SET', KEYS[1], string.format('%.0f', full_at), 'PX', keep)
end
return math.min(0, math.ceil((full_at - now) / interval) - burst)
",
    )
});

/// Begins or prolongs a lease and notes a heartbeat. The first heartbeat after a silence, or after
/// all data was lost, is announced to all gateways, so that each renews its own lease at once.
///
/// `ARGV`: gateway, time of the renewal, milliseconds of the lease and of the copy of that time,
/// whether it must be alive (1 or 0), the longest gap between heartbeats. Returns 1 if the lease is
/// alive.
pub(super) static RENEW: LazyLock<Script> = LazyLock::new(|| {
    Script::new(concat!(
        now!(),
        "
local last = tonumber(redis.call('HGET', 'steady', 'last'))
if not last or math.abs(now - last) > tonumber(ARGV[6]) then
  redis.call('HSET', 'steady', 'first', now, 'last', now)
  redis.call('PUBLISH', 'leases', '')
else
  redis.call('HSET', 'steady', 'last', math.max(now, last))
end
local lease = 'gateway:' .. ARGV[1]
if ARGV[5] == '1' and redis.call('EXISTS', lease) == 0 then return 0 end
redis.call('SET', lease, ARGV[2], 'PX', ARGV[3])
redis.call('SET', 'renewed:' .. ARGV[1], ARGV[2], 'PX', ARGV[4])
return 1
"
    ))
});

/// Publishes devices at a gateway, and notifies watchers of the users for whom that is a change.
///
/// `ARGV`: gateway, then user, login and value of each device.
pub(super) static JOIN: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        "
local gateway = ARGV[1]
for i = 2, #ARGV, 3 do
  local key, field = 'presence:' .. ARGV[i], gateway .. ':' .. ARGV[i + 1]
  local before = redis.pcall('HGET', key, field)
  if type(before) == 'table' then redis.call('DEL', key) end
  redis.call('SADD', 'devices:' .. gateway, ARGV[i] .. ':' .. ARGV[i + 1])
  if before ~= ARGV[i + 2] then
    redis.call('HSET', key, field, ARGV[i + 2])
    redis.call('PUBLISH', 'p:' .. ARGV[i], '')
  end
end
redis.call('SADD', 'gateways', gateway)
",
    )
});

/// Removes devices at a gateway, and notifies watchers of the users for whom that is a change.
///
/// `ARGV`: gateway, then user and login of each device.
pub(super) static LEAVE: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        "
local gateway = ARGV[1]
for i = 2, #ARGV, 2 do
  redis.call('SREM', 'devices:' .. gateway, ARGV[i] .. ':' .. ARGV[i + 1])
  if redis.pcall('HDEL', 'presence:' .. ARGV[i], gateway .. ':' .. ARGV[i + 1]) == 1 then
    redis.call('PUBLISH', 'p:' .. ARGV[i], '')
  end
end
",
    )
});

/// Reads users.
///
/// `ARGV`: the longest gap between heartbeats, the time to settle, then users. Returns whether the
/// reading is complete; the fields and values of each user; and for each gateway among them its id,
/// whether its lease is alive, and its last renewal.
pub(super) static READ: LazyLock<Script> = LazyLock::new(|| {
    Script::new(concat!(
        heartbeats!(),
        "
local users, gateways, seen = {}, {}, {}
for i = 3, #ARGV do
  local fields = redis.pcall('HGETALL', 'presence:' .. ARGV[i])
  if fields.err then fields = {} end
  users[#users + 1] = fields
  for f = 1, #fields, 2 do
    local gateway = string.match(fields[f], '^(%d+):')
    if gateway and not seen[gateway] then
      seen[gateway] = true
      local renewed = redis.call('GET', 'renewed:' .. gateway) or ''
      local is_alive = tostring(redis.call('EXISTS', 'gateway:' .. gateway))
      gateways[#gateways + 1] = { gateway, is_alive, renewed }
    end
  end
end
return { is_settled(tonumber(ARGV[1]), tonumber(ARGV[2])) and 1 or 0, users, gateways }
"
    ))
});

/// Returns the ended gateways that have devices left, and forgets those that have none.
///
/// `ARGV`: the longest gap between heartbeats, the time to settle.
pub(super) static ENDED: LazyLock<Script> = LazyLock::new(|| {
    Script::new(concat!(
        heartbeats!(),
        "
local ended = {}
if not is_settled(tonumber(ARGV[1]), tonumber(ARGV[2])) then return ended end
for _, gateway in ipairs(redis.call('SMEMBERS', 'gateways')) do
  if redis.call('EXISTS', 'gateway:' .. gateway) == 0 then
    if redis.call('EXISTS', 'devices:' .. gateway) == 1 then
      ended[#ended + 1] = gateway
    else
      redis.call('SREM', 'gateways', gateway)
      redis.call('DEL', 'renewed:' .. gateway)
    end
  end
end
return ended
"
    ))
});

/// Removes an ended gateway's devices of some users, and returns other users who have devices left
/// at the gateway.
///
/// `ARGV`: gateway, the longest gap between heartbeats, the time to settle, how many users to return,
/// then users. Entries of the gateway's index without their field are removed, too.
pub(super) static REAP: LazyLock<Script> = LazyLock::new(|| {
    Script::new(concat!(
        heartbeats!(),
        "
local gateway, most = ARGV[1], tonumber(ARGV[4])
local devices, lease = 'devices:' .. gateway, 'gateway:' .. gateway
if not is_settled(tonumber(ARGV[2]), tonumber(ARGV[3])) then return {} end
if redis.call('EXISTS', lease) == 1 then return {} end
for i = 5, #ARGV do
  local key = 'presence:' .. ARGV[i]
  local fields = redis.pcall('HKEYS', key)
  if fields.err then fields = {} end
  for _, field in ipairs(fields) do
    if string.sub(field, 1, #gateway + 1) == gateway .. ':' then
      redis.call('HDEL', key, field)
      redis.call('SREM', devices, ARGV[i] .. string.sub(field, #gateway + 1))
    end
  end
end
local names, named, left = {}, {}, nil
repeat
  left = most > 0 and redis.call('SRANDMEMBER', devices, most) or {}
  for _, device in ipairs(left) do
    local user, login = string.match(device, '^(%d+):(%d+)$')
    local key = 'presence:' .. (user or '')
    if not user or redis.pcall('HEXISTS', key, gateway .. ':' .. login) ~= 1 then
      redis.call('SREM', devices, device)
    elseif not named[user] then
      named[user] = true
      names[#names + 1] = user
    end
  end
until #names > 0 or #left == 0
if redis.call('EXISTS', devices) == 0 then
  redis.call('SREM', 'gateways', gateway)
  redis.call('DEL', 'renewed:' .. gateway)
end
return names
"
    ))
});

/// Writes a key and deletes it. Fails while the primary refuses writes: as a replica (`READONLY`), out
/// of memory (`OOM`), after a failed save (`MISCONF`) or without the permission (`NOPERM`).
///
/// `KEYS`: the key.
pub(super) static WRITE: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        "
redis.call('SET', KEYS[1], '', 'PX', 1000)
redis.call('DEL', KEYS[1])
",
    )
});

/// Loads the scripts on a new connection's primary, so that none costs a second round trip.
pub(super) async fn load(connection: &mut MultiplexedConnection) -> Result<(), RedisError> {
    let mut pipeline = Pipeline::new();
    for script in [&TAKE, &RENEW, &JOIN, &LEAVE, &READ, &ENDED, &REAP, &WRITE] {
        pipeline.load_script(script).ignore();
    }
    pipeline.exec_async(connection).await
}
