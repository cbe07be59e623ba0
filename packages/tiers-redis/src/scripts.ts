/**
 * The scripts that change a stripe. Each runs whole or not at all as others see it; each declares its keys;
 * on Cluster each is called with the keys of one stripe. What they do and why: docs/formats/redis.md.
 *
 * Stamps are compared as numbers: `struct.unpack` gives a double, and a stamp's time is at most 2^53-1, which
 * a double holds exactly [P44]. Not with Lua's `<` on their bytes: that is `strcoll`, and Redis takes its
 * collation from the environment it was started in, so byte order would hold on some machines only.
 *
 * Tokens and epochs are set before anything is stored, and a cut after everything else, so that a script
 * stopped half way by a full memory leaves a stripe that promises less than it could, never more.
 */

import { ENTRY_FORMAT } from './entry.ts'
import { EPOCH_BYTES, MARK_BYTES } from './mark.ts'

/** Token of a leaf that has none, on the wire and in permits. */
export const TOKEN_NONE = '0'.repeat(16)
/** Most items in one call of `sePut` or `seAdvance`; Lua's `unpack` takes some 8,000 values. */
export const CALL_ITEMS_MAX = 500

/**
 * The header of an entry. What is of another type is removed, and counts as not there: no other program may use our keys.
 */
const HEAD_OF = `
local foreign = 0
local function headOf(key)
  local header = redis.pcall('GETRANGE', key, 0, 21)
  if type(header) == 'string' then return header end
  if not string.find(header.err, 'WRONGTYPE', 1, true) then error(header.err) end
  redis.call('UNLINK', key)
  foreign = foreign + 1
  return ''
end
`

/**
 * Puts items of one or more stripes.
 *
 * KEYS  one meta a group, then the items' keys in order of the groups
 * ARGV  1 a fresh token  2 how many groups  3 `whole` or `header`: how existing entries are read
 *       4 time to live in ms, or ''  5 groups:
 *       u32 item count, u32 bytes of its largest entry where that is worth a word (else 0), 8 bytes epoch of their permits
 *       (zeros: none), `w` write or `f` fill, then by item
 *       7 bytes token field, u64 + u32 stamp, u32 length, the entry (none: delete), 16 bytes token of the permit
 *
 * Tokens are read before any is set, so that items of one call do not take each other the right to create;
 * and only for items that would be created, since replacing needs none.
 *
 * @returns a letter an item: `s` stored, `r` removed, `k` skipped, `u` no meta; with how many keys held another type, if any did
 */
export const PUT = `
${HEAD_OF}
local unpackFrom, sub, call = struct.unpack, string.sub, redis.call
local fresh, groupCount, reading, ttl, blob = ARGV[1], tonumber(ARGV[2]), ARGV[3], ARGV[4], ARGV[5]
local itemCount = #KEYS - groupCount
local existing
if reading == 'whole' then
  existing = call('MGET', unpack(KEYS, groupCount + 1))
else
  existing = {}
  for i = 1, itemCount do existing[i] = headOf(KEYS[groupCount + i]) end
end
local stores, removes, outcomes = {}, {}, {}
local storeCount, removeCount = 0, 0
local position, item = 1, 0
for group = 1, groupCount do
  local count, largest, permitEpoch, kind
  count, largest, permitEpoch, kind, position = unpackFrom('>I4I4c8c1', blob, position)
  local state = redis.pcall('HMGET', KEYS[group], 'epoch', 'revision')
  if state.err then
    if not string.find(state.err, 'WRONGTYPE', 1, true) then error(state.err) end
    call('UNLINK', KEYS[group])
    foreign = foreign + 1
  end
  local stripeEpoch = state[1]
  local hasLeafEpochs = state[2] ~= stripeEpoch
  local isWrite = kind == 'w'
  local storesBefore = storeCount
  local freshTokens, freshCount = {}, 0
  local created, createdFields, createdCount
  for i = 1, count do
    local field, time, instance, entry
    field, time, instance, entry, position = unpackFrom('>c7I8I4I4c0', blob, position)
    local tokenAt = position
    position = position + 16
    item = item + 1
    local outcome = 'k'
    if not stripeEpoch then
      outcome = 'u'
    else
      local inForce = stripeEpoch
      if hasLeafEpochs then inForce = call('HGET', KEYS[group], 'e' .. sub(field, 2)) or stripeEpoch end
      local isValid, isNewer = false, false
      local old = existing[item]
      if old and #old >= 22 then
        local oldFormat, oldEpoch, oldTime, oldInstance = unpackFrom('>Bxc8I8I4', old)
        if oldFormat == ${ENTRY_FORMAT} and oldEpoch == inForce then
          isValid = true
          isNewer = time > oldTime or (time == oldTime and instance > oldInstance)
        end
      end
      if isValid then
        if isNewer then
          if entry ~= '' and permitEpoch == inForce then
            outcome = 's'
          elseif entry == '' or isWrite then
            outcome = 'r'
          end
        end
      elseif entry == '' then
        outcome = 'r'
      elseif permitEpoch == inForce then
        if not created then created, createdFields, createdCount = {}, {}, 0 end
        createdCount = createdCount + 1
        created[createdCount] = { item, entry, tokenAt }
        createdFields[createdCount] = field
      end
      if outcome == 's' then
        stores[storeCount + 1] = KEYS[groupCount + item]
        stores[storeCount + 2] = entry
        storeCount = storeCount + 2
      elseif outcome == 'r' then
        removeCount = removeCount + 1
        removes[removeCount] = KEYS[groupCount + item]
      end
      if isWrite then
        freshTokens[freshCount + 1] = field
        freshTokens[freshCount + 2] = fresh
        freshCount = freshCount + 2
      end
    end
    outcomes[item] = outcome
  end
  if created then
    local tokens = call('HMGET', KEYS[group], unpack(createdFields))
    for i = 1, createdCount do
      local at, entry, tokenAt = unpack(created[i])
      if (tokens[i] or '${TOKEN_NONE}') == sub(blob, tokenAt, tokenAt + 15) then
        outcomes[at] = 's'
        stores[storeCount + 1] = KEYS[groupCount + at]
        stores[storeCount + 2] = entry
        storeCount = storeCount + 2
      end
    end
  end
  if freshCount > 0 then call('HSET', KEYS[group], unpack(freshTokens)) end
  if largest > 0 and storeCount > storesBefore and largest > tonumber(call('HGET', KEYS[group], 'bytesMax') or 0) then
    call('HSET', KEYS[group], 'bytesMax', largest)
  end
end
if removeCount > 0 then call('UNLINK', unpack(removes)) end
if storeCount > 0 then
  if ttl == '' then
    call('MSET', unpack(stores))
  else
    for i = 1, storeCount, 2 do call('SET', stores[i], stores[i + 1], 'PX', ttl) end
  end
end
if foreign > 0 then return { table.concat(outcomes), foreign } end
return table.concat(outcomes)
`

/**
 * Takes ledger rows into a stripe: removes what is older, sets fresh tokens, and moves the cut.
 *
 * KEYS  1 the meta  2 the stand, then items
 * ARGV  1 epoch  2 cut  3 revision or '': what must hold  4 a fresh token
 *       5 the cut to stand at, or '' when more calls follow  6 the mark of epoch and cut then
 *       7 by item: 7 bytes token field, u64 + u32 stamp below which an entry goes
 *       8 by leaf: 7 bytes sums field, 28 bytes sums
 *
 * @returns nil when the stripe had moved, else `1` (removed) or `0` by item, and how many keys held another type
 */
export const ADVANCE = `
${HEAD_OF}
local unpackFrom, call = struct.unpack, redis.call
local state = call('HMGET', KEYS[1], 'epoch', 'cut', 'revision')
if state[1] ~= ARGV[1] or state[2] ~= ARGV[2] or (ARGV[3] ~= '' and state[3] ~= ARGV[3]) then return nil end
local fresh, bounds, sums = ARGV[4], ARGV[7], ARGV[8]
local sets, setCount = {}, 0
local outcomes, position = {}, 1
for i = 3, #KEYS do
  local field, time, instance
  field, time, instance, position = unpackFrom('>c7I8I4', bounds, position)
  sets[setCount + 1] = field
  sets[setCount + 2] = fresh
  setCount = setCount + 2
  local old = headOf(KEYS[i])
  local outcome = '0'
  if #old == 22 then
    local oldTime, oldInstance = unpackFrom('>I8I4', old, 11)
    if oldTime < time or (oldTime == time and oldInstance < instance) then
      call('UNLINK', KEYS[i])
      outcome = '1'
    end
  end
  outcomes[i - 2] = outcome
end
for at = 1, #sums, 35 do
  sets[setCount + 1], sets[setCount + 2] = unpackFrom('c7c28', sums, at)
  setCount = setCount + 2
end
for at = 1, setCount, 1000 do call('HSET', KEYS[1], unpack(sets, at, math.min(at + 999, setCount))) end
if ARGV[5] ~= '' then
  call('HSET', KEYS[1], 'cut', ARGV[5])
  call('SET', KEYS[2], ARGV[6])
end
return { table.concat(outcomes), foreign }
`

/**
 * Makes the meta of a stripe with its stand, or starts it over. One that is damaged, or without a stand of its epoch, counts as none.
 *
 * KEYS  1 the meta  2 the stand
 * ARGV  1 epoch  2 cut: what must hold; both '': there must be no meta
 *       3 new epoch  4 new cut  5 the mark of both  6 by leaf: 7 bytes sums field, 28 bytes sums
 *
 * @returns 1, or 0 when it did not hold
 */
export const CREATE = `
local unpackFrom, call = struct.unpack, redis.call
local state = redis.pcall('HMGET', KEYS[1], 'epoch', 'cut', 'revision')
local epoch, cut, revision = state[1], state[2], state[3]
if ARGV[1] == '' then
  local stand = redis.pcall('GET', KEYS[2])
  if epoch and #epoch == ${EPOCH_BYTES} and revision and #revision == ${EPOCH_BYTES}
    and cut and string.find(cut, '^[0-9a-f;=.]+$')
    and type(stand) == 'string' and #stand == ${MARK_BYTES} and string.sub(stand, 1, ${EPOCH_BYTES}) == epoch then
    return 0
  end
elseif epoch ~= ARGV[1] or cut ~= ARGV[2] then
  return 0
end
call('UNLINK', KEYS[1])
local sums, sets, setCount = ARGV[6], {}, 0
for at = 1, #sums, 35 do
  sets[setCount + 1], sets[setCount + 2] = unpackFrom('c7c28', sums, at)
  setCount = setCount + 2
end
for at = 1, setCount, 1000 do call('HSET', KEYS[1], unpack(sets, at, math.min(at + 999, setCount))) end
call('HSET', KEYS[1], 'epoch', ARGV[3], 'revision', ARGV[3], 'cut', ARGV[4])
call('SET', KEYS[2], ARGV[5])
return 1
`

/**
 * Makes all entries of some leaves misses.
 *
 * KEYS  1 the meta
 * ARGV  1 epoch  2 cut: what must hold  3 new leaf epoch  4 a fresh token  5 new revision
 *       6 by leaf: 6 bytes leaf name, 28 bytes sums
 *
 * @returns 1, or 0 when it did not hold
 */
export const INVALIDATE = `
local unpackFrom, call = struct.unpack, redis.call
local state = call('HMGET', KEYS[1], 'epoch', 'cut')
if state[1] ~= ARGV[1] or state[2] ~= ARGV[2] then return 0 end
call('HSET', KEYS[1], 'revision', ARGV[5])
local leaves = ARGV[6]
for at = 1, #leaves, 34 do
  local name, sums = unpackFrom('c6c28', leaves, at)
  call('HSET', KEYS[1], 't' .. name, ARGV[4], 'e' .. name, ARGV[3], 's' .. name, sums)
end
return 1
`

/**
 * Makes all entries of a stripe misses, and leaves cut, tokens and sums as they are. The stand has the epoch first: who reads
 * there is told before any process can put under it.
 *
 * KEYS  1 the meta  2 the stand
 * ARGV  1 epoch: what must hold  2 new epoch
 *
 * @returns 1, or 0 when it did not hold
 */
export const RENEW = `
local call = redis.call
if call('HGET', KEYS[1], 'epoch') ~= ARGV[1] then return 0 end
call('SETRANGE', KEYS[2], 0, ARGV[2])
for _, field in ipairs(call('HKEYS', KEYS[1])) do
  if #field == 7 and string.sub(field, 1, 1) == 'e' then call('HDEL', KEYS[1], field) end
end
call('HSET', KEYS[1], 'epoch', ARGV[2], 'revision', ARGV[2])
return 1
`

/**
 * Reads the state of a stripe and one kind of leaf field, in one step.
 *
 * KEYS  1 the meta
 * ARGV  1 `s` sums or `e` epochs
 *
 * @returns nil without meta; else epoch, cut, revision, bytesMax, then field, value …
 */
export const READ = `
local state = redis.call('HMGET', KEYS[1], 'epoch', 'cut', 'revision', 'bytesMax')
if not state[1] then return nil end
local wanted, sub = ARGV[1], string.sub
local all = redis.call('HGETALL', KEYS[1])
for i = 1, #all, 2 do
  local field = all[i]
  if #field == 7 and sub(field, 1, 1) == wanted then
    state[#state + 1] = field
    state[#state + 1] = all[i + 1]
  end
end
return state
`

/**
 * Removes what is not of the type that it should be.
 *
 * KEYS  1 any of ours
 * ARGV  1 the type
 *
 * @returns 1 if it was removed
 */
export const CLEAR = `
local type = redis.call('TYPE', KEYS[1]).ok
if type == ARGV[1] or type == 'none' then return 0 end
return redis.call('UNLINK', KEYS[1])
`
