/** Each rule of docs/formats/redis.md broken once; the contract suite on a real Redis must notice. */
const SCRIPTS = 'src/scripts.ts'
const CACHE = 'src/redis-cache.ts'
const ENTRY = 'src/entry.ts'
const FINISH = 'src/finish-plan.ts'
const CONTRACT = { test: 'test/redis-cache.contract.test.ts', title: 'standalone' }

export const mutants = [
  // Replacing needs a newer stamp.
  {
    file: SCRIPTS,
    find: 'isNewer = time > oldTime or (time == oldTime and instance > oldInstance)',
    replace: 'isNewer = true',
    ...CONTRACT,
  },
  {
    file: SCRIPTS,
    find: 'isNewer = time > oldTime or (time == oldTime and instance > oldInstance)',
    replace: 'isNewer = time > oldTime',
    ...CONTRACT,
  },
  {
    file: SCRIPTS,
    find: 'isNewer = time > oldTime or (time == oldTime and instance > oldInstance)',
    replace: 'isNewer = time >= oldTime',
    ...CONTRACT,
  },
  // An entry of another epoch counts as not there.
  {
    file: SCRIPTS,
    find: 'and oldEpoch == inForce then',
    replace: 'then',
    ...CONTRACT,
  },
  { file: ENTRY, find: 'return word(source, EPOCH_AT + 4)', replace: 'return 0', ...CONTRACT },
  // Creating needs the token [P51] …
  {
    file: SCRIPTS,
    find: '== sub(blob, tokenAt, tokenAt + 15) then',
    replace: '~= nil then',
    ...CONTRACT,
  },
  // … and the epoch.
  {
    file: SCRIPTS,
    find: 'elseif permitEpoch == inForce then',
    replace: 'else',
    ...CONTRACT,
  },
  {
    file: SCRIPTS,
    find: "if entry ~= '' and permitEpoch == inForce then",
    replace: "if entry ~= '' then",
    ...CONTRACT,
  },
  {
    file: SCRIPTS,
    find: "if hasLeafEpochs then inForce = call('HGET', KEYS[group], 'e' .. sub(field, 2)) or stripeEpoch end",
    replace: '',
    ...CONTRACT,
  },
  // Every write sets a fresh token; a fill none.
  { file: SCRIPTS, find: "local isWrite = kind == 'w'", replace: 'local isWrite = false', ...CONTRACT },
  { file: SCRIPTS, find: "local isWrite = kind == 'w'", replace: 'local isWrite = true', ...CONTRACT },
  {
    file: SCRIPTS,
    find: '      if isWrite then\n        freshTokens[freshCount + 1] = field',
    replace: "      if isWrite and outcome ~= 'k' then\n        freshTokens[freshCount + 1] = field",
    ...CONTRACT,
  },
  // A newer write that may not be stored removes the older entry.
  {
    file: SCRIPTS,
    find: "elseif entry == '' or isWrite then",
    replace: "elseif entry == '' then",
    ...CONTRACT,
  },
  // Finishing: compared, older only, fresh tokens, and the cut last.
  {
    file: SCRIPTS,
    find: "if state[1] ~= ARGV[1] or state[2] ~= ARGV[2] or (ARGV[3] ~= '' and state[3] ~= ARGV[3]) then return nil end",
    replace: '',
    ...CONTRACT,
  },
  {
    file: SCRIPTS,
    find: 'if oldTime < time or (oldTime == time and oldInstance < instance) then',
    replace: 'if oldTime <= time then',
    ...CONTRACT,
  },
  {
    file: SCRIPTS,
    find: '  sets[setCount + 2] = fresh\n',
    replace: "  sets[setCount + 2] = '0123456789abcdef'\n",
    ...CONTRACT,
  },
  { file: SCRIPTS, find: "if ARGV[5] ~= '' then", replace: 'do', ...CONTRACT },
  {
    file: FINISH,
    find: "row.kind === 'correction' ? successor(entry.stamp) : entry.stamp",
    replace: 'entry.stamp',
    ...CONTRACT,
  },
  { file: CACHE, find: 'addLeaves(before, leaf.delta)', replace: 'leaf.delta', ...CONTRACT },
  // A stripe is made once.
  {
    file: SCRIPTS,
    find: "string.find(cut, '^[0-9a-f;=]+$') then\n    return 0",
    replace: 'false then\n    return 0',
    ...CONTRACT,
  },
  // Invalidation reaches those who poll, and who did it.
  {
    file: SCRIPTS,
    find: "call('HSET', KEYS[1], 'revision', ARGV[5])",
    replace: '',
    ...CONTRACT,
  },
  {
    file: CACHE,
    find: '    await this.#loadLeafEpochs(state.stripe)\n    return true',
    replace: '    return true',
    ...CONTRACT,
  },
  {
    file: CACHE,
    find: 'if (known?.revision === read.revision) {',
    replace: 'if (known !== undefined) {',
    ...CONTRACT,
  },
]
