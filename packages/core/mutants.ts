/** Deliberate defects of what all packages share, and the test that notices each: `npm run mutants -- --only core`. */
export const mutants = [
  // A stamp from the future pulls no other id with it [P67].
  {
    file: 'src/stamp.ts',
    find: 'if (this.#newestTime <= horizon) this',
    replace: 'if (this.#newestTime <= Infinity) this',
    test: 'src/stamp.test.ts',
  },
  {
    file: 'src/stamp.ts',
    find: '    if (stamp.time > this.#lastTime && !this.isFromFuture(stamp)) this.#lastTime = stamp.time\n',
    replace: '',
    test: 'src/stamp.test.ts',
  },
  {
    file: 'src/stamp.ts',
    find: 'if (time <= this.#horizon()) this',
    replace: 'this',
    test: 'src/stamp.test.ts',
  },
  {
    file: 'src/stamp.ts',
    find: 'else if (this.#lastTime > horizon) this.#lastTime = 0',
    replace: '',
    test: 'src/stamp.test.ts',
  },
  {
    file: 'src/stamp.ts',
    find: 'const newest = time > this.#newestTime ? undefined : newestOf?.()',
    replace: 'const newest = time > 0 ? undefined : newestOf?.()',
    test: 'src/stamp.test.ts',
  },
  {
    file: 'src/stamp.ts',
    find: 'return stamp.time > this.#horizon()',
    replace: 'return stamp.time > TIME_MAX',
    test: 'src/stamp.test.ts',
  },
  // work that fails ends the queue
  {
    file: 'src/serial-queue.ts',
    find: 'this.#lastEnd = result.then(ignore, ignore)',
    replace: 'this.#lastEnd = result.then(ignore)',
    test: 'src/serial-queue.test.ts',
  },
  // work is run beside the work before it
  {
    file: 'src/serial-queue.ts',
    find: 'const result = this.#lastEnd.then(work)',
    replace: 'const result = Promise.resolve().then(work)',
    test: 'src/serial-queue.test.ts',
  },
  // a run that failed is shared for ever
  {
    file: 'src/shared-run.ts',
    find: 'work().finally(() => {',
    replace: 'work().then((result) => {',
    test: 'src/shared-run.test.ts',
  },
  // a short read is taken for the end of the file
  {
    file: 'src/file-system.ts',
    find: 'if (count === 0) break',
    replace: 'if (count < target.length - done) break',
    test: 'src/file-system.test.ts',
  },
  // a file that cannot be read is taken for a missing one
  {
    file: 'src/file-system.ts',
    find: `    ignoreMissing(error)
    return undefined`,
    replace: '    return undefined',
    test: 'src/file-system.test.ts',
  },
  // two writes of one millisecond are taken for the same
  {
    file: 'src/stamp.ts',
    find: 'return a.time === b.time && a.instance === b.instance',
    replace: 'return a.time === b.time',
    test: 'src/stamp.test.ts',
  },
  // half of a large number is lost
  {
    file: 'src/bytes.ts',
    find: 'putU32(target, at, Math.floor(value / TWO_POW_32))',
    replace: 'putU32(target, at, 0)',
    test: 'src/bytes.test.ts',
  },
  // The cache in memory: a stripe under a fresh epoch is another one, at whatever cut it stands [R5] [P66].
  {
    file: 'src/testing/memory-cache-beliefs.ts',
    find: 'return epoch === believed.epoch && cut.archiveId',
    replace: 'return cut.archiveId',
    test: 'src/testing/memory-cache.contract.test.ts',
  },
  {
    file: 'src/testing/memory-cache-beliefs.ts',
    find: 'return epoch === believed.epoch && cut.archiveId',
    replace: 'return cut.archiveId',
    test: 'src/testing/memory-cache.property.test.ts',
    title: 'never answer',
  },
  {
    file: 'src/testing/memory-cache-beliefs.ts',
    find: '&& covers(cut, believed.cut)',
    replace: '',
    test: 'src/testing/memory-cache.contract.test.ts',
  },
  // A stripe of the cache in memory that fails does not fail; a value that is refused is not counted.
  {
    file: 'src/testing/memory-cache-server.ts',
    find: '(stripe === undefined || !this.#unavailableStripes.has(stripe))',
    replace: 'true',
    test: 'src/testing/memory-cache.contract.test.ts',
  },
  {
    file: 'src/testing/memory-cache-server.ts',
    find: 'this.#refusals++',
    replace: '',
    test: 'src/testing/memory-cache.contract.test.ts',
  },
  // Two names are one, as a zero is lost.
  {
    file: 'src/bytes.ts',
    find: "byte.toString(16).padStart(2, '0')",
    replace: 'byte.toString(16)',
    test: 'src/bytes.test.ts',
  },
  // A caller in JavaScript gives prefixes where a branch set is asked for [P77].
  {
    file: 'src/branch.ts',
    find: "return Array.isArray(prefixes) && typeof branchOf === 'function'",
    replace: 'return true',
    test: 'src/testing/memory-cache.contract.test.ts',
    title: 'open refuses',
  },
  {
    file: 'src/branch.ts',
    find: 'if (!Array.isArray(declared)) {',
    replace: 'if (false) {',
    test: 'src/branch.test.ts',
  },
  {
    file: 'src/testing/memory-archive.ts',
    find: 'const { branches, digests } = readArchiveOpenOptions(options)',
    replace: 'const { branches, digests } = options',
    test: 'src/testing/memory-archive.contract.test.ts',
    title: 'open refuses',
  },
]
