/** Each rule of docs/formats/redis.md broken once; the contract suite on a real Redis must notice. */
const SCRIPTS = 'src/scripts.ts'
const STRIPES = 'src/stripes.ts'
const LOOKUPS = 'src/lookups.ts'
const BELIEFS = 'src/beliefs.ts'
const PUTS = 'src/puts.ts'
const CONNECTION = 'src/connection.ts'
const ERRORS = 'src/error-table.ts'
const ENTRY = 'src/entry.ts'
const ADVANCE = 'src/advance-plan.ts'
const CONTRACT = { test: 'test/redis-cache.contract.test.ts', title: 'standalone' }
const DAMAGED_META = { test: 'test/redis-cache.test.ts', title: 'damaged meta' }
const FAULTS = { test: 'test/redis-faults.test.ts' }
const CLUSTER = { test: 'test/redis-cluster.test.ts' }

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
  { file: ENTRY, find: 'return u32At(source, EPOCH_AT + 4)', replace: 'return 0', ...CONTRACT },
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
  // Advancing: compared, older only, fresh tokens, and the cut last.
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
    file: ADVANCE,
    find: "row.kind === 'correction' ? successor(entry.stamp) : entry.stamp",
    replace: 'entry.stamp',
    ...CONTRACT,
  },
  { file: STRIPES, find: 'addLeaves(before, leaf.delta)', replace: 'leaf.delta', ...CONTRACT },
  // A stripe is made once.
  {
    file: SCRIPTS,
    find: "and type(stand) == 'string' and #stand == ${MARK_BYTES} and",
    replace: 'and false and',
    ...CONTRACT,
  },
  // … and made anew where its stand is of another epoch.
  {
    file: STRIPES,
    find: '!isMarkUnder(header.state.epoch, stand[0])',
    replace: 'stand[0]?.length !== 16',
    ...DAMAGED_META,
  },
  {
    file: SCRIPTS,
    find: ' and string.sub(stand, 1, ${EPOCH_BYTES}) == epoch then',
    replace: ' then',
    ...DAMAGED_META,
  },
  // Invalidation reaches those who poll, and who did it.
  {
    file: SCRIPTS,
    find: "call('HSET', KEYS[1], 'revision', ARGV[5])",
    replace: '',
    ...CONTRACT,
  },
  {
    file: STRIPES,
    find: '    beliefs.doubt([stripe])\n    const isDone = await this.#onMeta(stripe, () =>\n      connection.run(stripe, (client) =>\n        client.seInvalidateBuffer(',
    replace:
      '    const isDone = await this.#onMeta(stripe, () =>\n      connection.run(stripe, (client) =>\n        client.seInvalidateBuffer(',
    ...CONTRACT,
  },
  {
    file: BELIEFS,
    find: 'return latest?.revision === revision ? latest.leafEpochs : undefined',
    replace: 'return latest?.leafEpochs',
    ...CONTRACT,
  },
  // Nothing is believed that nobody has vouched for, and what was asked before counts no more [P66].
  {
    file: BELIEFS,
    find: '    this.#latest[facts.state.stripe] = facts\n',
    replace: '    this.#latest[facts.state.stripe] = facts\n    this.believe([facts.state])\n',
    ...CONTRACT,
  },
  {
    file: BELIEFS,
    find: 'read.order < this.#ordersMin[state.stripe]!',
    replace: 'false',
    ...CONTRACT,
  },
  { file: LOOKUPS, find: 'if (belief.isWithdrawn || ', replace: 'if (', ...CONTRACT },
  {
    file: 'src/permits.ts',
    find: 'if (!epoch || !revision || stripeEpoch !== believed) return',
    replace: 'if (!epoch || !revision) return',
    ...CONTRACT,
  },
  // What went back shows in the read itself [R5].
  {
    file: LOOKUPS,
    find: "belief.standing(mark) !== 'stands') return",
    replace: 'false) return',
    ...CONTRACT,
  },
  {
    file: BELIEFS,
    find: 'cut.archiveId === believed.archiveId && covers(cut, believed)',
    replace: 'true',
    test: 'src/beliefs.test.ts',
  },
  {
    file: BELIEFS,
    find: 'cut.archiveId === believed.archiveId && covers(cut, believed)',
    replace: 'false',
    ...CONTRACT,
  },
  { file: SCRIPTS, find: "  call('SET', KEYS[2], ARGV[6])\n", replace: '', ...CONTRACT },
  // A stripe under a fresh epoch is another one, at whatever cut it stands [R5] [P66].
  {
    file: BELIEFS,
    find: "    if (!haveOneEpoch(mark, this.#mark)) return 'elsewhere'\n",
    replace: '',
    ...CONTRACT,
  },
  {
    file: BELIEFS,
    find: 'if (mark.equals(this.#mark)) return',
    replace: 'if (cutNameOf(mark) === cutNameOf(this.#mark)) return',
    ...CONTRACT,
  },
  { file: SCRIPTS, find: "call('SETRANGE', KEYS[2], 0, ARGV[2])\n", replace: '', ...CONTRACT },
  // Two archives never meet [P66].
  {
    file: 'src/keys.ts',
    find: '${prefix}${birthId.slice(0, BIRTH_DIGITS)}:',
    replace: '${prefix}${birthId.slice(0, 0)}:',
    ...CONTRACT,
  },
  // Renewing an epoch ends those of the leaves too.
  {
    file: SCRIPTS,
    find: "then call('HDEL', KEYS[1], field) end",
    replace: 'then end',
    ...CONTRACT,
  },
  // Damage [P86].
  {
    file: ENTRY,
    find: 'return crc32(source, idHash) === CRC_OF_CHECKED',
    replace: 'return true',
    ...CONTRACT,
  },
  {
    file: ENTRY,
    find: 'return crc32(source, idHash) === CRC_OF_CHECKED',
    replace: 'return crc32(source.subarray(0, -4), idHash) === source.readUInt32BE(source.length - 4)',
    ...CONTRACT,
  },
  // What fails alone [P74].
  {
    file: SCRIPTS,
    find: "  redis.call('UNLINK', key)\n  foreign = foreign + 1\n  return ''",
    replace: "  return ''",
    ...CONTRACT,
  },
  {
    file: STRIPES,
    find: "fateOf(error) !== 'wrong-type') throw error",
    replace: 'true) throw error',
    ...CONTRACT,
  },
  {
    file: STRIPES,
    find: "return { kind: 'unknown', because: unknownCauseOf(cause), cause }",
    replace: 'throw cause',
    ...CONTRACT,
  },
  {
    file: LOOKUPS,
    find: "if (becauseOf(error) === 'no-permission-for-key' && call.stripes.length > 1) {",
    replace: 'if (false) {',
    ...CONTRACT,
  },
  {
    file: PUTS,
    find: "return becauseOf(error) === 'no-permission-for-key' ? [...call.positionsByStripe.values()] : []",
    replace: 'return []',
    ...CONTRACT,
  },
  {
    file: 'src/refusals.ts',
    find: 'if (bytes <= this.#valueBytesMax && !this.#isKnown(id, bytes)) return true',
    replace: 'return true',
    ...CONTRACT,
  },
  {
    file: PUTS,
    find: "if (put.kind === 'fill') {",
    replace: 'if (true) {',
    ...CONTRACT,
  },
  {
    file: PUTS,
    find: 'if (isRefusalForNow(error)) for',
    replace: 'if (false) for',
    ...FAULTS,
    title: 'full',
  },
  { file: CONNECTION, find: '    line.isDown = true\n', replace: '', ...CLUSTER, title: 'hangs costs' },
  // A connection is what it was asked to be [P69].
  {
    file: ERRORS,
    find: "READONLY: { command: 'not-done', connection: 'reconnect'",
    replace: "READONLY: { command: 'not-done', connection: 'keep'",
    ...FAULTS,
    title: 'demoted',
  },
  {
    file: ERRORS,
    find: "export const UNLISTED: Verdict = { command: 'in-doubt', connection: 'reconnect'",
    replace: "export const UNLISTED: Verdict = { command: 'in-doubt', connection: 'keep'",
    test: 'src/error-table.test.ts',
  },
  {
    file: CONNECTION,
    find: 'silent: (line) => this.#isOwn && this.#endLine(line as NodeLine)',
    replace: 'silent: () => undefined',
    ...FAULTS,
    title: 'that hangs is left',
  },
  {
    file: CONNECTION,
    find: "if (client.status !== 'connect') return",
    replace: 'return',
    ...FAULTS,
    title: 'that hangs is left',
  },
  {
    file: CONNECTION,
    find: "if (verdict?.because === 'unknown-database') this.#misfit = failure",
    replace: '',
    ...FAULTS,
    title: 'unknown database',
  },
  {
    file: 'src/client.ts',
    find: '    disconnectTimeout: DISCONNECT_MS,\n',
    replace: '',
    ...FAULTS,
    title: 'keeps nobody',
  },
  {
    file: 'src/target.ts',
    find: "url.hostname.replace(/^\\[(.*)\\]$/, '$1')",
    replace: 'url.hostname',
    test: 'src/options.test.ts',
  },
  {
    file: 'src/client-options.ts',
    find: '  enableAutoPipelining: refuseIf(\n    isOn,',
    replace: '  enableAutoPipelining: refuseIf(\n    () => false,',
    test: 'src/client-options.test.ts',
  },
  // Reads are cut by what their entries may have [P73].
  {
    file: 'src/read-plan.ts',
    find: 'Math.floor((READ_CALL_BYTES_MAX - callBytes) / bytesEach)',
    replace: 'Infinity',
    test: 'src/read-plan.property.test.ts',
  },
  // A meta is read whole or not at all [P86].
  {
    file: 'src/meta.ts',
    find: 'epoch?.length !== EPOCH_BYTES ||',
    replace: 'epoch == null ||',
    test: 'src/meta.test.ts',
  },
  {
    file: 'src/meta.ts',
    find: 'Math.max(ENTRY_BYTES_UNTOLD, wholeNumberOf(bytesMax))',
    replace: 'wholeNumberOf(bytesMax)',
    test: 'src/meta.test.ts',
  },
]
