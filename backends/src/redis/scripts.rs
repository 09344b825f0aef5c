//! The scripts that the primaries run, each one atomic step in one round trip.
//!
//! All times are the primary's own, so that gateways need not agree about the time. Keys of users are
//! made inside the scripts: primaries are independent servers, not a cluster. What others wrote in
//! place of a hash is read as nothing, and written over.

use std::sync::LazyLock;

use redis::{Pipeline, RedisError, Script, aio::MultiplexedConnection};

/// Milliseconds of the primary's clock, as `now`.
macro_rules! now {
    () => {
        "
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
"
    };
}

/// [`presence::heartbeats`]: `is_whole(gap, settle)`. A clock that was set anew is a silence, too.
macro_rules! steady {
    () => {
        concat!(
            now!(),
            "
local first = tonumber(redis.call('HGET', 'steady', 'first'))
local last = tonumber(redis.call('HGET', 'steady', 'last'))
local function is_whole(gap, settle)
  return first and last and math.abs(now - last) <= gap and now >= first + settle
end
"
        )
    };
}

/// Takes a token: [`chat_core::limiter::TokenBucket`] in microseconds of the primary's clock.
///
/// `KEYS`: the bucket. `ARGV`: how long a token takes to come back, the burst. Gives 0, or how long
/// to wait. A bucket cannot be emptier than empty, whatever the clock does and others write.
pub(super) static TAKE: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        "
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

/// Begins or prolongs a lease, and beats. The first beat after a silence, or after everything was
/// lost, is told to all gateways: each has to see at once whether its own lease is still there.
///
/// `ARGV`: gateway, time of the renewal, milliseconds of the lease and of the copy of that time,
/// whether it has to live (1 or 0), the longest gap between beats. Gives 1 if the lease lives.
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

/// Publishes devices at a gateway, and tells who watches their users where that changes anything.
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

/// Takes devices at a gateway back, and tells who watches their users where there was one.
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
/// `ARGV`: the longest gap between beats, the time to settle, then users. Gives whether the reading
/// is whole; fields and values of each user; and for each gateway among them its id, whether its
/// lease lives, and its last renewal.
pub(super) static READ: LazyLock<Script> = LazyLock::new(|| {
    Script::new(concat!(
        steady!(),
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
      local lives = tostring(redis.call('EXISTS', 'gateway:' .. gateway))
      gateways[#gateways + 1] = { gateway, lives, renewed }
    end
  end
end
return { is_whole(tonumber(ARGV[1]), tonumber(ARGV[2])) and 1 or 0, users, gateways }
"
    ))
});

/// Names the gateways that have ended and left devices; forgets those that left none.
///
/// `ARGV`: the longest gap between beats, the time to settle.
pub(super) static ENDED: LazyLock<Script> = LazyLock::new(|| {
    Script::new(concat!(
        steady!(),
        "
local ended = {}
if not is_whole(tonumber(ARGV[1]), tonumber(ARGV[2])) then return ended end
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

/// Forgets an ended gateway's devices of some users, and names others of whom it has left some.
///
/// `ARGV`: gateway, the longest gap between beats, the time to settle, how many to name, then users.
/// Entries of the gateway's index without their field are forgotten on the way.
pub(super) static REAP: LazyLock<Script> = LazyLock::new(|| {
    Script::new(concat!(
        steady!(),
        "
local gateway, most = ARGV[1], tonumber(ARGV[4])
local devices, lease = 'devices:' .. gateway, 'gateway:' .. gateway
if not is_whole(tonumber(ARGV[2]), tonumber(ARGV[3])) then return {} end
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

/// Makes a new connection's primary know the scripts, so that none costs a second round trip.
pub(super) async fn load(connection: &mut MultiplexedConnection) -> Result<(), RedisError> {
    let mut pipeline = Pipeline::new();
    for script in [&TAKE, &RENEW, &JOIN, &LEAVE, &READ, &ENDED, &REAP] {
        pipeline.load_script(script).ignore();
    }
    pipeline.exec_async(connection).await
}
