/** Deliberate defects of what compares and reports, and the test that notices each. */
export const inspect = [
  // what was missed, and what verify compares [P63, P87]
  {
    file: 'src/inspect/verify/memory.ts',
    find: 'if (!isEqual) this.#wrong',
    replace: 'if (false) this.#wrong',
    test: 'test/engine.verify.test.ts',
  },
  // The roots of an engine without a cache differ from nothing [P87].
  {
    file: 'src/inspect/roots.ts',
    find: 'agree: stripes === undefined || cache === archive',
    replace: 'agree: cache === archive',
    test: 'test/engine.verify.test.ts',
    title: 'P87',
  },
  {
    file: 'src/inspect/roots.ts',
    find: 'agree: stripes === undefined || cache === archive',
    replace: 'agree: cache === undefined || cache === archive',
    test: 'test/engine.verify.test.ts',
    title: 'P87',
  },
  // an item that the archive cannot have given [P65]
  {
    file: 'src/inspect/verify/memory.ts',
    find: 'if (isNewer(stamp, stampOf(lookup))) {',
    replace: 'if (false) {',
    test: 'test/engine.verify.test.ts',
    title: 'P65',
  },
  // a cache of which some stripes may not be asked
  {
    file: 'src/inspect/trust-of-views.ts',
    find: 'if (count === STRIPE_COUNT)',
    replace: 'if (count > 0)',
    test: 'src/inspect/trust-of-views.test.ts',
  },
]
