/** Deliberate defects of the back: follower, tree, cache view, instances, and the test that notices each. */
export const back = [
  // late answers, gaps, set-back stripes [R2, R5, P63, P65]
  {
    file: 'src/back/ledger-follower.ts',
    find: '.filter(([instance]) => !gone.has(instance))',
    replace: '',
    test: 'test/engine.retirement.test.ts',
    title: 'P80',
  },
  {
    file: 'src/back/ledger-follower.ts',
    find: 'changes: changesOf(rowsBetween(tail.rows, idsCut))',
    replace: 'changes: []',
    test: 'test/engine.faults.test.ts',
    title: 'P62',
  },
  {
    file: 'src/back/ledger-follower.ts',
    find: '|| !this.#isFilterThere || !equalCuts',
    replace: '|| !equalCuts',
    test: 'test/engine.faults.test.ts',
  },
  {
    file: 'src/back/poller.ts',
    find: 'own < committed && committed > this.#lostThrough',
    replace: 'own < 0',
    test: 'test/engine.faults.test.ts',
  },
  // whose the stripes are, and what fails alone [P65, P66, P74]
  {
    file: 'src/back/stripe-judgement.ts',
    find: "if (suspectedForMs === undefined || suspectedForMs < stalenessMs) return 'suspect'",
    replace: '',
    test: 'src/back/stripe-judgement.test.ts',
  },
  {
    file: 'src/back/stripe-judgement.ts',
    find: "return mayStartOver ? 'start-over' : 'stranger'",
    replace: "return 'start-over'",
    test: 'src/back/cache-view.test.ts',
  },
  {
    file: 'src/back/stripe-standings.ts',
    find: '    this.#mayStartOver[state.stripe] = false\n',
    replace: '',
    test: 'src/back/cache-view.test.ts',
  },
  {
    file: 'src/back/stripe-standings.ts',
    find: '    this.#mayStartOver.fill(true)\n',
    replace: '',
    test: 'src/back/cache-view.test.ts',
  },
  {
    file: 'src/back/stripe-standings.ts',
    find: 'if (nowMs - this.#movedAtMs < this.#quietMs) return false',
    replace: '',
    test: 'src/back/cache-view.test.ts',
  },
  {
    file: 'src/back/stripe-keeper.ts',
    find: 'cache.renewEpoch(state).catch(',
    replace: 'Promise.resolve(false).catch(',
    test: 'src/back/cache-view.test.ts',
  },
  {
    file: 'src/back/stripe-keeper.ts',
    find: "if (states.some((state) => this.#standings.wasReplaced(state))) front.send({ kind: 'set-back' })",
    replace: '',
    test: 'src/back/cache-view.test.ts',
  },
  {
    file: 'src/back/stripe-keeper.ts',
    find: '          if (!(error instanceof StorageError)) throw error\n          work.left++',
    replace: '          throw error',
    test: 'src/back/cache-view.test.ts',
  },
  // a stranger is waited for, and none but a stranger [P66]
  {
    file: 'src/back/stripe-keeper.ts',
    find: 'if (isForeign(way)) foreign',
    replace: 'foreign',
    test: 'src/back/cache-view.test.ts',
  },
  {
    file: 'src/back/stripe-standings.ts',
    find: ' || [...foreign].some((each) => !before.has(each))',
    replace: '',
    test: 'src/back/cache-view.test.ts',
  },
  // what was missed, and what verify compares [P63, P87]
  {
    file: 'src/back/verify/tree.ts',
    find: 'if (scan !== undefined) follower.vouch(because)',
    replace: 'if (scan !== undefined) {}',
    test: 'test/engine.verify.test.ts',
  },
  {
    file: 'src/back/verify/entries.ts',
    find: "if (order > 0) return 'the entry is newer than anything that the archive has'",
    replace: 'if (order > 0) return undefined',
    test: 'test/engine.verify.test.ts',
  },
  {
    file: 'src/back/receipts.ts',
    find: 'return combined(leaves, change, subtractLeaves)',
    replace: 'return combined(leaves, new Map(), subtractLeaves)',
    test: 'src/back/receipts.property.test.ts',
  },
  // writes that wait, and a log that fails [W2, W3, W6, P9]
  {
    file: 'src/back/cache-delivery.ts',
    find: ' || this.#waitingCount >= CACHE_PUTS_MAX',
    replace: '',
    test: 'test/engine.faults.test.ts',
  },
  // instances and log lines [P80]
  // A retirement that was given up may still take its sequence; another's row is not taken for ours.
  {
    file: 'src/back/instance-upkeep.ts',
    find: 'if (archive.isRetirementRunning) {',
    replace: 'if (false) {',
    test: 'src/back/instance-upkeep.test.ts',
  },
  {
    file: 'src/back/own-ledger.ts',
    find: ' && linkAt(cut, claim.instance) !== link',
    replace: ' && false',
    test: 'src/back/instance-upkeep.test.ts',
  },
  {
    file: 'src/back/instance-upkeep.ts',
    find: 'if (await ledger.isNextIn()) ledger.confirm()',
    replace: 'if (false as boolean) ledger.confirm()',
    test: 'test/engine.retirement.test.ts',
  },
  {
    file: 'src/back/instance-upkeep.ts',
    find: 'await archive.touchInstance(ledger.claim)',
    replace: 'void ledger',
    test: 'test/engine.retirement.test.ts',
  },
  // an archive that went back, as a process that slept finds it [P65, P88]
  {
    file: 'src/back/ledger-follower.ts',
    find: "if (tail.kind === 'gap') await this.#startOver(tail.because)",
    replace: "if (tail.kind === 'gap') return this.#cut",
    test: 'test/engine.heard.test.ts',
    title: 'P88',
  },
  {
    file: 'src/back/ledger-follower.ts',
    find: "const isBack = because !== undefined && because !== 'pruned'",
    replace: 'const isBack = false',
    test: 'test/engine.heard.test.ts',
    title: 'P88',
  },
  {
    file: 'src/back/stripe-keeper.ts',
    find: 'if (history === this.#history) this',
    replace: 'this',
    test: 'src/back/cache-view.test.ts',
  },
  {
    file: 'src/back/stripe-standings.ts',
    find: 'this.#mayHoldLost.fill(true)',
    replace: '',
    test: 'src/back/cache-view.test.ts',
  },
  {
    file: 'src/back/stripe-standings.ts',
    find: 'former.unshift(epoch)',
    replace: '',
    test: 'test/engine.heard.test.ts',
    title: 'P88',
  },
  // what crosses the seam between the planes [R2, R3, R5, P65]
  {
    file: 'src/back/cache-view.ts',
    find: `    this.#keeper.forgetAll()
    this.#sendState()`,
    replace: '    this.#keeper.forgetAll()',
    test: 'src/back/cache-view.test.ts',
  },
  {
    file: 'src/back/stripe-standings.ts',
    find: `    this.#standings.fill(undefined)
    this.#front.send({ kind: 'stripes-forgotten' })`,
    replace: '    this.#standings.fill(undefined)',
    test: 'src/back/cache-view.test.ts',
  },
  {
    file: 'src/back/poller.ts',
    find: '    this.#round = sent.round\n',
    replace: '',
    test: 'src/back/poller.test.ts',
  },
  {
    file: 'src/back/ledger-follower.ts',
    find: '    this.#ports.front.send(step)',
    replace: '    setImmediate(() => this.#ports.front.send(step))',
    test: 'src/back/ledger-follower.test.ts',
  },
  {
    file: 'src/back/ledger-follower.ts',
    find: '    this.#unannounced = otherwise\n',
    replace: '',
    test: 'src/back/ledger-follower.test.ts',
    title: 'R5',
  },
  {
    file: 'src/back/ledger-follower.ts',
    find: "if (tail.kind === 'gap') because = tail.because",
    replace: '',
    test: 'src/back/ledger-follower.test.ts',
    title: 'P65',
  },
  {
    file: 'src/back/ledger-follower.ts',
    find: "if (!this.#isFilterThere) front.send({ kind: 'ids-dropped' })",
    replace: '',
    test: 'src/back/ledger-follower.test.ts',
  },
  {
    file: 'src/back/ledger-follower.ts',
    find: 'this.#orStartOver(() => this.#catchUp())',
    replace: 'this.#catchUp()',
    test: 'test/engine.front-fails.test.ts',
  },
  {
    file: 'src/back/ledger-follower.ts',
    find: 'if (isBack) wentBack()',
    replace: 'if (isBack) queueMicrotask(wentBack)',
    test: 'src/back/ledger-follower.test.ts',
  },
  {
    file: 'src/back/poller.ts',
    find: 'archiveMs: heads.nowMs })',
    replace: 'archiveMs: heads.nowMs, ...{ ask: () => heads } })',
    test: 'test/engine.two-planes.test.ts',
  },
  // what is found out of a stripe and of the tree, by what was read alone [P65, P87]
  {
    file: 'src/back/way-to-heads.ts',
    find: 'before?.state.epoch === now.epoch && ',
    replace: 'before !== undefined && ',
    test: 'src/back/way-to-heads.test.ts',
  },
  {
    file: 'src/back/verify/tree-judgement.ts',
    find: 'if (!named.has(keyOf(leaf)))',
    replace: 'if (named.size >= 0)',
    test: 'src/back/verify/tree-judgement.test.ts',
  },
]
