/** Deliberate defects of start, stop, deadlines and log lines, and the test that notices each. */
export const lifecycle = [
  // late answers, gaps, set-back stripes [R2, R5, P63, P65]
  {
    file: 'src/lifecycle/take-from-back.ts',
    find: 'return heard.dropDerived()',
    replace: 'return',
    test: 'test/engine.faults.test.ts',
  },
  {
    file: 'src/lifecycle/shutdown-steps.ts',
    find: `    share: 0.5,
    run: ({ environment, runtime }) =>
      rememberPosition`,
    replace: `    share: 0.5,
    asks: 'archive as owner',
    run: ({ environment, runtime }) =>
      rememberPosition`,
    test: 'test/engine.faults.test.ts',
  },
  {
    file: 'src/lifecycle/maintenance.ts',
    find: '    await this.#ports.rememberPosition()\n',
    replace: '',
    test: 'test/engine.faults.test.ts',
  },
  // writes that wait, and a log that fails [W2, W3, W6, P9]
  {
    file: 'src/lifecycle/startup-steps.ts',
    find: 'for (const { stamp } of parking.list()) stamps.witness(stamp)',
    replace: '',
    test: 'test/engine.faults.test.ts',
  },
  // deadlines, and what ends in time [W10, P70]
  {
    file: 'src/deadline/deadline.ts',
    find: "signal?.removeEventListener('abort', abort)",
    replace: '',
    test: 'src/deadline/deadline.test.ts',
  },
  {
    file: 'src/deadline/deadline.ts',
    find: 'caller.leave(new DeadlineExceeded(operation, timeoutMs)),',
    replace: 'void timeoutMs,',
    test: 'test/engine.deadlines.test.ts',
  },
  {
    file: 'src/lifecycle/shutdown-steps.ts',
    find: "if (archive.breakerState !== 'closed') await logWhatMemoryHas(shutdown)",
    replace: 'void archive',
    test: 'test/engine.deadlines.test.ts',
  },
  // instances and log lines [P80]
  {
    file: 'src/logging/repeats.ts',
    find: 'if (nowMs - known.lineMs < REPEAT_MS) return undefined',
    replace: '',
    test: 'src/logging/logging-observer.test.ts',
  },
  {
    file: 'src/logging/repeats.ts',
    find: 'const count = (known?.count ?? 0) + 1',
    replace: 'const count = 1',
    test: 'src/logging/repeats.test.ts',
  },
  {
    file: 'src/logging/repeats.ts',
    find: 'if (this.#series.size > KEYS_MAX) this.#series.delete(this.#series.keys().next().value!)',
    replace: '',
    test: 'src/logging/repeats.test.ts',
  },
  // what lost to a stamp from the future goes on above it [P67]
  {
    file: 'src/lifecycle/assemble-knowledge.ts',
    find: 'new StampClock(archiveTime, claim.instance, claim.maxStampTime)',
    replace: 'new StampClock(clock, claim.instance, claim.maxStampTime)',
    test: 'test/engine.heard.test.ts',
    title: 'P67',
  },
  // the order of a start, and what it waits for
  {
    file: 'src/lifecycle/startup-steps.ts',
    find: '    needsAllBefore: true,\n',
    replace: '',
    test: 'src/lifecycle/startup-steps.test.ts',
  },
  {
    file: 'src/lifecycle/open-archive.ts',
    find: "=== 'unknown-host'",
    replace: '!== undefined',
    test: 'src/lifecycle/open-archive.test.ts',
  },
]
