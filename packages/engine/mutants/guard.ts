/** Deliberate defects of the guard before a tier, and the test that notices each. */
export const guard = [
  // guard [R1, W5, W6]
  {
    file: 'src/guard/running-calls.ts',
    find: 'return runs.shared.run(() => method(...args))',
    replace: 'return method(...args)',
    test: 'src/guard/guard.test.ts',
  },
  {
    file: 'src/guard/running-calls.ts',
    find: 'if (runs.shared.running === undefined) runs.argument = argument',
    replace: 'runs.argument = argument',
    test: 'src/guard/running-calls.test.ts',
  },
  {
    file: 'src/guard/policy.ts',
    find: 'policy.mayRepeat ? limits.attemptsMax : 1',
    replace: 'limits.attemptsMax',
    test: 'src/guard/policy.test.ts',
  },
  {
    file: 'src/guard/policy.ts',
    find: '    if (methods[name] === undefined) continue\n',
    replace: '',
    test: 'src/guard/policy.test.ts',
  },
  {
    file: 'src/guard/guard.ts',
    find: "return unknowns(count, { kind: 'unknown', because, cause: error })",
    replace: "return new Array<Lookup>(count).fill({ kind: 'absent' })",
    test: 'src/guard/guard.test.ts',
  },
  {
    file: 'src/guard/guard.ts',
    find: "if (this.#breaker.state === (isProbe ? 'half-open' : 'closed')) this",
    replace: 'this',
    test: 'src/guard/guard.test.ts',
  },
  {
    file: 'src/guard/guard.ts',
    find: 'if (!(error instanceof TierUnavailable) || !mayRetry) throw error',
    replace: 'if (!mayRetry) throw error',
    test: 'src/guard/guard.test.ts',
  },
  // a tier that was not asked, or was closed, looks like a stripe that is not believed
  {
    file: 'src/guard/guard.ts',
    find: "because: 'breaker-open' })",
    replace: "because: 'suspended' })",
    test: 'src/guard/guard.test.ts',
  },
  {
    file: 'src/guard/guard.ts',
    find: "because: 'closed', cause: error })",
    replace: "because: 'suspended', cause: error })",
    test: 'src/guard/guard.test.ts',
  },
  // writes that wait, and a log that fails [W2, W3, W6, P9]
  {
    file: 'src/guard/guard-cache.ts',
    find: "readPermits:      { how: 'call', limit: 'lookupMs'",
    replace: "readPermits:      { how: 'call', limit: 'callMs'",
    test: 'test/engine.faults.test.ts',
  },
]
