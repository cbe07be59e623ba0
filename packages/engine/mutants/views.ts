/** Deliberate defects of the views of the front, and the test that notices each. */
export const views = [
  // what may be asked and kept [R3, R5, P56]
  {
    file: 'src/views/askable-stripes.ts',
    find: 'mayKeep: standsAt(standing, followed.cut)',
    replace: 'mayKeep: true',
    test: 'src/back/cache-view.test.ts',
  },
  {
    file: 'src/views/askable-stripes.ts',
    find: 'nowMs - from.sentAtMs <= stalenessMs && ',
    replace: '',
    test: 'src/back/cache-view.test.ts',
  },
  {
    file: 'src/views/askable-stripes.ts',
    find: ' && from.round >= known.droppedBefore',
    replace: '',
    test: 'src/back/cache-view.test.ts',
  },
  // what crosses the seam between the planes [R2, R3, R5, P65]
  {
    file: 'src/views/followed-views.ts',
    find: "if (way?.from === 'ids') filter.replaceBy(this.#takeIds())",
    replace: '',
    test: 'test/engine.test.ts',
  },
  {
    file: 'src/views/followed-views.ts',
    find: 'if (!this.#isFilterThere || ',
    replace: 'if (',
    test: 'src/views/followed-views.test.ts',
  },
  {
    file: 'src/views/followed-views.ts',
    find: '    this.#ids = []\n  }\n\n  idsFound',
    replace: '  }\n\n  idsFound',
    test: 'src/views/followed-views.test.ts',
  },
  {
    file: 'src/views/heads-poll.ts',
    find: `    const round = known.pollSent()
    this.#heads = await back.ask('reach', { sentAtMs, round })`,
    replace: `    this.#heads = await back.ask('reach', { sentAtMs, round: known.round + 1 })
    known.pollSent()`,
    test: 'src/views/heads-poll.test.ts',
  },
  {
    file: 'src/views/heads-poll.ts',
    find: 'freshness.reached(sentAtMs)',
    replace: 'freshness.reached(telemetry.clock.monotonicMs())',
    test: 'src/views/heads-poll.test.ts',
  },
  {
    file: 'src/views/followed-views.ts',
    find: `  idsDropped(): void {
    this.#ids = []`,
    replace: '  idsDropped(): void {',
    test: 'src/views/followed-views.test.ts',
  },
  {
    file: 'src/views/followed-views.ts',
    find: 'invariant(equalCuts(from, this.#cut),',
    replace: 'invariant(true,',
    test: 'src/views/followed-views.test.ts',
  },
]
