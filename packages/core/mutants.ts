/** Deliberate defects of the clock of stamps, and the test that notices each: `npm run mutants -- --only core`. */
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
]
