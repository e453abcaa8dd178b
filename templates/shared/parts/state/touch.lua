-- Reads an operation of `owner`, and changes it unless it has ended: {status, progress, result}, or false.
-- `status` '' only reads; an operation whose worker is silent becomes 'failed' either way. `progress` '' keeps it.
-- KEYS: any key with the prefix. Time to live runs from the last change; what ended makes room, what runs never does.
local prefix, id, owner, lease, status, progress, result, terminal, ttl, max_own, max_all = unpack(ARGV)
local time = redis.call('TIME')
local now = tonumber(time[1])
local op = prefix .. 'op:' .. id
local found = redis.call('HMGET', op, 'owner', 'status', 'progress', 'result', 'beat', 'key')
if found[1] ~= owner then return false end
local running, own, all = prefix .. 'running:' .. owner, prefix .. 'finished:' .. owner, prefix .. 'finished'

local function expire(seconds)
  redis.call('EXPIRE', op, seconds)
  if found[6] ~= '' then redis.call('EXPIRE', prefix .. 'key:' .. found[6], seconds) end
end

local function drop_oldest(list)
  local oldest = redis.call('ZPOPMIN', list)[1]
  local name = prefix .. 'op:' .. oldest
  local its = redis.call('HMGET', name, 'owner', 'key')
  if its[1] then redis.call('ZREM', prefix .. 'finished:' .. its[1], oldest) end
  if its[2] and its[2] ~= '' then redis.call('DEL', prefix .. 'key:' .. its[2]) end
  redis.call('ZREM', all, oldest)
  redis.call('DEL', name)
end

local function finish()
  redis.call('ZREM', running, id)
  for _, list in ipairs({own, all}) do
    redis.call('ZREMRANGEBYSCORE', list, '-inf', now - ttl)
    redis.call('ZADD', list, now + time[2] / 1000000, id)
    redis.call('EXPIRE', list, ttl)
  end
  if redis.call('ZCARD', own) > tonumber(max_own) then drop_oldest(own) end
  if redis.call('ZCARD', all) > tonumber(max_all) then drop_oldest(all) end
  expire(ttl)
end

local open = found[2] == 'started' or found[2] == 'running'
if open and tonumber(found[5]) < now - lease then
  redis.call('HSET', op, 'status', 'failed')
  found[2] = 'failed'
  finish()
elseif open and status ~= '' then
  if progress == '' then progress = found[3] end
  redis.call('HSET', op, 'status', status, 'progress', progress, 'result', result, 'beat', now)
  found[2], found[3], found[4] = status, progress, result
  if terminal == '1' then
    finish()
  else
    redis.call('ZADD', running, now, id)
    redis.call('EXPIRE', running, math.max(ttl, lease))
    expire(math.max(ttl, lease))
  end
end
return {found[2], found[3], found[4]}
