/** Deliberate defects of the seam between the planes, and the test that notices each. */
export const seam = [
  // what may be asked and kept [R3, R5, P56]
  {
    file: 'src/seam/standing.ts',
    find: 'return standing !== undefined && isOnTheWayTo(cut, standing.state.cut)',
    replace: 'return standing !== undefined',
    test: 'src/back/cache-view.test.ts',
  },
  // what crosses the seam between the planes [R2, R3, R5, P65]
  {
    file: 'src/seam/back-client.ts',
    find: '    this.#waiting.delete(call)\n',
    replace: '',
    test: 'src/seam/back-client.test.ts',
  },
  {
    file: 'src/seam/back-client.ts',
    find: "return this.#end.send({ kind: 'more', call })",
    replace: 'return',
    test: 'src/seam/back-client.test.ts',
  },
  {
    file: 'src/seam/error-record.ts',
    find: '  if (known !== undefined) Object.setPrototypeOf(error, known.prototype)\n',
    replace: '',
    test: 'src/seam/error-record.test.ts',
  },
  {
    file: 'src/seam/error-record.ts',
    find: '  TierUnavailable,\n  TreeChanged,\n]',
    replace: '  TierUnavailable,\n]',
    test: 'src/seam/error-record.test.ts',
  },
  // other contents are trusted for what was known of those before [P26, P27]
  {
    file: 'src/seam/view-trust.ts',
    find: '    this.#now = NEVER_COMPARED\n  }',
    replace: '  }',
    test: 'src/seam/view-trust.test.ts',
  },
  {
    file: 'src/seam/view-trust.ts',
    find: 'before === NEVER_COMPARED || ',
    replace: '',
    test: 'src/seam/view-trust.test.ts',
  },
]
