/** Deliberate defects of what this process has heard, and of its clock, and the test that notices each. */
export const heard = [
  // read [R2, R4, P12, P57, P58]
  {
    file: 'src/heard/load-floors.ts',
    find: 'return !isRaised && (',
    replace: 'return (',
    test: 'src/read/single-flight.property.test.ts',
  },
  {
    file: 'src/heard/load-floors.ts',
    find: 'for (const load of running) load.floor = newerStamp(load.floor, stamp)',
    replace: 'void newerStamp(undefined, stamp)',
    test: 'src/read/single-flight.property.test.ts',
  },
  {
    file: 'src/heard/load-floors.ts',
    find: '(stamp !== undefined && !isNewer(floor, stamp))',
    replace: 'stamp === undefined || !isNewer(floor, stamp)',
    test: 'src/read/single-flight.property.test.ts',
  },
  // late answers, gaps, set-back stripes [R2, R5, P63, P65]
  {
    file: 'src/heard/heard.ts',
    find: 'known.note(id, stamp, isLive, isInFilter)',
    replace: '{}',
    test: 'test/engine.heard.test.ts',
  },
  {
    file: 'src/heard/heard.ts',
    find: "if (from !== 'own-acknowledged' && queue.supersede(id, stamp, spared) > 0) onDropped()",
    replace: "if (from === 'ledger' && queue.supersede(id, stamp, spared) > 0) onDropped()",
    test: 'test/engine.heard.test.ts',
  },
  {
    file: 'src/heard/heard.ts',
    find: '    memory.clear()\n',
    replace: '',
    test: 'test/engine.faults.test.ts',
  },
  {
    file: 'src/heard/heard.ts',
    find: '    for (const floors of loads) floors.raiseAll()\n',
    replace: '',
    test: 'test/engine.faults.test.ts',
  },
  // what a parked write covers, before and behind it in the log [W2, W6]
  {
    file: 'src/heard/heard.ts',
    find: '    writes.doubt()\n',
    replace: '',
    test: 'src/heard/heard.test.ts',
  },
  // an own write that was committed under a stamp from the future, and own writes before and after it [W3, P67, P84]
  {
    file: 'src/heard/heard.ts',
    find: "(from === 'ledger' || from === 'archive-answer') && stamps",
    replace: "from !== 'own-acknowledged' && stamps",
    test: 'test/engine.heard.test.ts',
    title: 'P84',
  },
  // stamps from the future, and witnesses [P67, P86]
  {
    file: 'src/heard/archive-time.ts',
    find: 'if (this.#best === undefined) return this.#clock.nowMs()',
    replace: 'if (this.#best !== undefined) return this.#clock.nowMs()',
    test: 'src/heard/archive-time.test.ts',
  },
  {
    file: 'src/heard/archive-time.ts',
    find: '      this.#samples = []\n',
    replace: '',
    test: 'src/heard/archive-time.test.ts',
  },
  // what was missed, and what verify compares [P63, P87]
  {
    file: 'src/heard/heard.ts',
    find: '    queue.pending.doubt()\n',
    replace: '',
    test: 'test/engine.heard.test.ts',
  },
  // what lost to a stamp from the future goes on above it [P67]
  {
    file: 'src/heard/heard.ts',
    find: 'const spared = isSparing ? stamps.horizon() : undefined',
    replace: 'const spared = undefined',
    test: 'test/engine.heard.test.ts',
    title: 'P67',
  },
  {
    file: 'src/heard/heard.ts',
    find: '    writes.overtake(id, stamp, spared)',
    replace: '    if (!isSparing) writes.overtake(id, stamp, spared)',
    test: 'src/heard/heard.test.ts',
  },
  // rows that were missed make nothing of what is known of single ids true for longer [R5]
  {
    file: 'src/heard/heard.ts',
    find: '    else known.doubt()\n',
    replace: '',
    test: 'src/heard/heard.test.ts',
  },
  {
    file: 'src/heard/known-writes.ts',
    find: '{ ...entry, isLive: undefined }',
    replace: '{ ...entry }',
    test: 'src/heard/known-writes.test.ts',
  },
  // questions to the archive are loads too [R2]
  {
    file: 'src/heard/heard.ts',
    find: 'for (const floors of loads) floors.raise(id, stamp)',
    replace: 'loads[0]?.raise(id, stamp)',
    test: 'src/heard/heard.test.ts',
  },
]
