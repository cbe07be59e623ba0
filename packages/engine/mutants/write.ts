/** Deliberate defects of the write path, and the test that notices each. */
export const write = [
  // writes on their way through the log while ledger rows are missed [R5, P84]
  {
    file: 'src/write/watches.ts',
    find: 'for (const watch of watches) watch.isUnsure = true',
    replace: 'void watches',
    test: 'src/write/write-path.test.ts',
  },
  {
    file: 'src/write/write-path.ts',
    find: 'if (!isUnsure && queue.pending.read',
    replace: 'if (queue.pending.read',
    test: 'src/write/write-path.test.ts',
  },
  // an own write that was committed under a stamp from the future, and own writes before and after it [W3, P67, P84]
  {
    file: 'src/write/restamping.ts',
    find: '    await watches.laterEnded(write)\n',
    replace: '',
    test: 'src/write/write-path.test.ts',
  },
  {
    file: 'src/write/restamping.ts',
    find: ' || (isPending && outgoing.isOvertaken)',
    replace: '',
    test: 'test/engine.heard.test.ts',
    title: 'P84',
  },
  {
    file: 'src/write/watches.ts',
    find: 'if (isBetween(watch.stamp, spared, by)) watch.isOvertaken = true',
    replace: '',
    test: 'src/write/write-path.test.ts',
  },
  // stamps from the future, and witnesses [P67, P86]
  {
    file: 'src/write/restamping.ts',
    find: 'if (stamping.isFromFuture(write.stamp) || ',
    replace: 'if (',
    test: 'src/write/write-path.test.ts',
  },
  // writes that wait, and a log that fails [W2, W3, W6, P9]
  {
    file: 'src/write/write-path.ts',
    find: 'if (error instanceof LogFailed) this.#logFailure = error',
    replace: '',
    test: 'test/engine.faults.test.ts',
  },
  // bytes of one's own [W11, P75]
  {
    file: 'src/write/record.ts',
    find: 'bytes: value === undefined ? undefined : record.subarray(valueAt)',
    replace:
      'bytes: value === undefined ? undefined : value instanceof Uint8Array ? value : record.subarray(valueAt)',
    test: 'test/engine.values.test.ts',
  },
  // what lost to a stamp from the future goes on above it [P67]
  {
    file: 'src/write/restamping.ts',
    find: 'const stamp = stamping.next(write.id, above)',
    replace: 'const stamp = stamping.next(write.id)',
    test: 'src/write/write-path.test.ts',
    title: 'P67',
  },
  {
    file: 'src/write/watches.ts',
    find: 'isBetween(watch.stamp, spared, by)',
    replace: 'isNewer(by, watch.stamp)',
    test: 'src/write/write-path.test.ts',
  },
]
