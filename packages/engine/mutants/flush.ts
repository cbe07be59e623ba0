/** Deliberate defects of queues, batches and parking, and the test that notices each. */
export const flush = [
  // flush/flush-queue and its parts [W1, W2, W3, P8, P59]
  {
    file: 'src/flush/pending-set.ts',
    find: 'if (firstLogSequence >= (generation.firstLogSequence ?? Infinity)) return',
    replace: 'return',
    test: 'src/flush/flush-queue.property.test.ts',
  },
  {
    file: 'src/flush/pending-set.ts',
    find: `    generation.firstLogSequence = firstLogSequence
    this.#ports.lowWaterMark.claim(generation)`,
    replace: '    generation.firstLogSequence = firstLogSequence',
    test: 'src/flush/flush-queue.property.test.ts',
  },
  {
    file: 'src/flush/pending-set.ts',
    find: `        this.#coalesce(generation, later)
        later.isSettled = true`,
    replace: '        later.isSettled = true',
    test: 'src/flush/flush-queue.property.test.ts',
  },
  {
    file: 'src/flush/pending-set.ts',
    find: "outcome.kind === 'parked' && covered !== undefined",
    replace: 'false',
    test: 'src/flush/flush-queue.property.test.ts',
  },
  {
    file: 'src/flush/pending-set.ts',
    find: 'inFlight.isOvertaken = true',
    replace: 'inFlight.isOvertaken = false',
    test: 'src/flush/flush-queue.property.test.ts',
  },
  {
    file: 'src/flush/pending-set.ts',
    find: 'compareStamps(next.write.stamp, inFlight.write.stamp) < 0',
    replace: 'false',
    test: 'src/flush/flush-queue.property.test.ts',
  },
  {
    file: 'src/flush/pending-set.ts',
    find: 'if (next === undefined || !isBetween(next.write.stamp, spared, by)) return 0',
    replace: 'if (next === undefined) return 0',
    test: 'src/flush/flush-queue.property.test.ts',
  },
  {
    file: 'src/flush/low-water-mark.ts',
    find: 'return Math.min(this.#reportedThrough, top.sequence - 1)',
    replace: 'return top.sequence - 1',
    test: 'src/flush/flush-queue.property.test.ts',
  },
  {
    file: 'src/flush/low-water-mark.ts',
    find: 'if (!top.holder.isSettled) return',
    replace: 'return',
    test: 'src/flush/flush-queue.property.test.ts',
  },
  {
    file: 'src/flush/commit-queue.ts',
    find: 'if (this.#inFlight.has(entry) || !isBetween(entry.write.stamp, spared, by)) continue',
    replace: 'if (this.#inFlight.has(entry)) continue',
    test: 'src/flush/flush-queue.property.test.ts',
  },
  {
    file: 'src/flush/commit-queue.ts',
    find: '  entry.isOvertaken = true\n',
    replace: '',
    test: 'src/flush/flush-queue.property.test.ts',
  },
  {
    file: 'src/flush/commit-queue.ts',
    find: `    entry.isOvertaken = entry.heardStamp !== undefined && isNewer(entry.heardStamp, write.stamp)
`,
    replace: '',
    test: 'src/flush/flush-queue.test.ts',
  },
  {
    file: 'src/flush/commit-queue.ts',
    find: `    if (this.#abandoned !== undefined) {
      // Its record`,
    replace: `    if (order < 0) {
      // Its record`,
    test: 'test/engine.faults.test.ts',
  },
  {
    file: 'src/flush/flush-queue.ts',
    find: 'isNewer(acknowledged.write.stamp, unacknowledged.write.stamp))',
    replace: 'true)',
    test: 'src/flush/flush-queue.property.test.ts',
  },
  {
    file: 'src/flush/pending-budget.ts',
    find: 'this.#waiters.size === 0 && this.#fits(bytes)',
    replace: 'this.#fits(bytes)',
    test: 'src/flush/pending-budget.test.ts',
  },
  // flush/bisect [W6, P6]
  {
    file: 'src/flush/bisect.ts',
    find: 'this.#open.push({ start: middle, end }, { start, end: middle })',
    replace: 'this.#open.push({ start, end: middle })',
    test: 'src/flush/bisect.property.test.ts',
  },
  // flush/parking [W6, P9, P10]
  {
    file: 'src/flush/parking.ts',
    find: 'await handle.syncData()',
    replace: 'await Promise.resolve()',
    test: 'src/flush/parking.test.ts',
  },
  {
    file: 'src/flush/parking.ts',
    find: 'await writeFileAtomically(fileSystem, directory, PARKED_FILE, whole)',
    replace: '',
    test: 'src/flush/parking.test.ts',
  },
  {
    file: 'src/flush/parking.ts',
    find: '!each.isRetrying && equalStamps',
    replace: 'equalStamps',
    test: 'src/flush/parking.test.ts',
  },
  {
    file: 'src/flush/parking.ts',
    find: 'if (damage !== undefined) break',
    replace: '',
    test: 'src/flush/parking.test.ts',
  },
  // late answers, gaps, set-back stripes [R2, R5, P63, P65]
  {
    file: 'src/flush/settlement.ts',
    find: 'write.bytes !== undefined && !isAcknowledged && !isOvertaken',
    replace: 'write.bytes !== undefined',
    test: 'test/engine.faults.test.ts',
  },
  {
    file: 'src/flush/settlement.ts',
    find: 'isLive: bytes !== undefined, isInFilter: isHeard }',
    replace: 'isLive: bytes !== undefined, isInFilter: false }',
    test: 'test/engine.faults.test.ts',
  },
  // what a parked write covers, before and behind it in the log [W2, W6]
  {
    file: 'src/flush/pending-set.ts',
    find: ' && lastLogSequence === logSequence',
    replace: '',
    test: 'src/flush/flush-queue.test.ts',
  },
  // writes on their way through the log while ledger rows are missed [R5, P84]
  {
    file: 'src/flush/pending-set.ts',
    find: 'next?.isUnsure === true || ',
    replace: '',
    test: 'src/write/write-path.test.ts',
  },
  // writes that wait, and a log that fails [W2, W3, W6, P9]
  {
    file: 'src/flush/log-release.ts',
    find: 'if (wanted.size === 0) return found',
    replace: 'return found',
    test: 'test/engine.faults.test.ts',
  },
  // what always fails, and what it must not be taken for [W9, P72]
  {
    file: 'src/flush/doubts.ts',
    find: 'before !== undefined && before < this.#acceptedCount',
    replace: 'before !== undefined',
    test: 'src/flush/bisect.property.test.ts',
  },
  {
    file: 'src/flush/bisect.ts',
    find: 'this.#open = [...others, ...doubted].reverse()',
    replace: 'this.#open = [...doubted, ...others].reverse()',
    test: 'src/flush/bisect.property.test.ts',
  },
  // what is heard counts everywhere, and the cache is nobody's witness [P84, P86]
  {
    file: 'src/flush/settlement.ts',
    find: "heard.hear({ id, stamp, isLive: bytes !== undefined, isInFilter: isHeard }, 'own-commit')",
    replace: 'void bytes',
    test: 'test/engine.heard.test.ts',
    title: 'P84',
  },
  // what lost to a stamp from the future goes on above it [P67]
  {
    file: 'src/flush/settlement.ts',
    find: 'if (!outcome.isFromFuture) return outcome',
    replace: 'return outcome',
    test: 'test/engine.heard.test.ts',
    title: 'P67',
  },
  // a write that may have been overtaken without a word [R5, P84]
  {
    file: 'src/flush/pending-set.ts',
    find: 'if (next?.isUnsure === true || inFlight?.isUnsure === true) return false',
    replace: '',
    test: 'src/flush/flush-queue.test.ts',
  },
  // a write that was set aside for its stamp [P67]
  {
    file: 'src/flush/settlement.ts',
    find: "if (because === 'stamp-ahead-of-archive') stamping.refusedAhead(write)",
    replace: '',
    test: 'test/engine.heard.test.ts',
    title: 'P67',
  },
]
