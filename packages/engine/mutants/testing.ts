/** Deliberate defects of the simulated world, and the test that notices each. */
export const testing = [
  // testing: scripts as text, and what is judged of a user's own parts
  {
    file: 'src/testing/script/action-fields.ts',
    find: "typeof number !== 'number' || number < processes",
    replace: "typeof number !== 'number' || number <= processes",
    test: 'src/testing/script/script-text.test.ts',
  },
  {
    file: 'src/testing/script/script.ts',
    find: 'input: plain(draw(to.random))',
    replace: 'input: draw(to.random)',
    test: 'src/testing/script/script-text.test.ts',
  },
  {
    file: 'src/testing/script/script-text.ts',
    find: '  if (unknown !== undefined) {',
    replace: '  if (false) {',
    test: 'src/testing/script/script-text.test.ts',
  },
  {
    file: 'src/testing/model/model.ts',
    find: 'if (issued?.id === id) learn(issued, stamp)',
    replace: 'if (issued !== undefined) learn(issued, stamp)',
    test: 'test/testing.test.ts',
    title: 'holds over random scripts',
  },
  {
    file: 'src/testing/world/calls.ts',
    find: '    call.pieces++\n',
    replace: '',
    test: 'src/testing/world/calls.test.ts',
  },
  {
    file: 'src/testing/world/calls.ts',
    find: 'if (this.#timers.size > 0 && waitedMs >= PATIENCE_BESIDE_TIMER_MS) return',
    replace: '',
    test: 'src/testing/world/calls.test.ts',
  },
  {
    file: 'src/testing/world/calls.ts',
    find: "isReachable() || name === 'close' ?",
    replace: 'isReachable() ?',
    test: 'src/testing/world/calls.test.ts',
  },
  {
    file: 'src/testing/world/subject.ts',
    find: 'if (!isApplication(made))',
    replace: 'if (made === null)',
    test: 'test/testing.test.ts',
    title: 'is refused with',
  },
  {
    file: 'src/testing/world/world.ts',
    find: "(error ?? new Anomaly('foreign-error', 'a call fails with nothing')) as Error",
    replace: 'error as Error',
    test: 'test/testing.test.ts',
    title: 'rejects with nothing',
  },
  {
    file: 'src/testing/simulate.ts',
    find: '    await world.close().catch(() => {})\n',
    replace: '',
    test: 'test/testing.test.ts',
    title: 'are let go of',
  },
  // a script or options that are none end in the engine's own code [P77]
  {
    file: 'src/testing/simulate.ts',
    find: 'const script = readScript(given)',
    replace: 'const script = given',
    test: 'test/testing.test.ts',
    title: 'every function',
  },
  {
    file: 'src/testing/shrink.ts',
    find: 'if (!(error instanceof SimulationFailed)) throw error',
    replace: 'if (!(error instanceof SimulationFailed)) return false',
    test: 'test/testing.test.ts',
    title: 'a subject that is none',
  },
]
