-- Adds an operation, or finds the one that the same idempotency key started: its id, 'conflict' or 'too_many'.
-- KEYS: any key with the prefix, so that a cluster knows the slot. `key` is '' without an idempotency key.
local prefix, id, owner, fingerprint, key, max_running, ttl, lease = unpack(ARGV)
local now = tonumber(redis.call('TIME')[1])

local key_name = prefix .. 'key:' .. key
if key ~= '' then
  local seen = redis.call('GET', key_name)
  local known = seen and redis.call('HGET', prefix .. 'op:' .. seen, 'fingerprint')
  if known then
    if known ~= fingerprint then return 'conflict' end
    return seen
  end
end

-- What is silent for longer than the lease has lost its worker.
local running = prefix .. 'running:' .. owner
if redis.call('ZCOUNT', running, '(' .. (now - lease), '+inf') >= tonumber(max_running) then return 'too_many' end

-- The first to write: Redis without memory refuses it, and what follows a write it would let pass.
local expiry = math.max(ttl, lease)
local op = prefix .. 'op:' .. id
redis.call('HSET', op, 'owner', owner, 'status', 'started', 'progress', '0', 'result', '', 'beat', now,
  'fingerprint', fingerprint, 'key', key)
redis.call('EXPIRE', op, expiry)
redis.call('ZREMRANGEBYSCORE', running, '-inf', now - lease)
redis.call('ZADD', running, now, id)
redis.call('EXPIRE', running, expiry)
if key ~= '' then redis.call('SET', key_name, id, 'EX', expiry) end
return id
