/** Deliberate defects of reads, and the test that notices each. */
export const read = [
  // read [R2, R4, P12, P57, P58]
  {
    file: 'src/read/single-flight.ts',
    find: 'if (this.#flights.get(load.id)?.load === load) this',
    replace: 'this',
    test: 'src/read/single-flight.test.ts',
  },
  // what may be asked and kept [R3, R5, P56]
  {
    file: 'src/read/lower-tiers.ts',
    find: "from: 'cache', ...worths.get(id)! }",
    replace: "from: 'cache', ...worths.get(id)!, mayKeep: true }",
    test: 'src/read/read-path.test.ts',
  },
  {
    file: 'src/read/lower-tiers.ts',
    find: 'return ids.map((id) => answers.get(id)!)',
    replace: 'return ids.map((id) => answers.get(ids[ids.indexOf(id)]!)!)',
    test: 'src/read/read-path.test.ts',
  },
  {
    file: 'src/read/read-path.ts',
    find: 'if (this.#isOutdated(result, verdict, readAtMs)) outdated.push(id)',
    replace:
      'if (this.#isOutdated(result, verdict, readAtMs)) items.set(id, this.#itemOf(await this.#tiers.askArchive(id), id))',
    test: 'src/read/read-path.test.ts',
  },
  {
    file: 'src/read/lower-tiers.ts',
    find: '!(known !== undefined && isNewer(known, stamp)) && ',
    replace: '',
    test: 'src/read/read-path.test.ts',
  },
  {
    file: 'src/read/read-path.ts',
    find: 'return route.filter && known.get(id)?.isInFilter !== false && filter.denies(id)',
    replace: 'return route.filter && filter.denies(id)',
    test: 'src/read/read-path.test.ts',
  },
  {
    file: 'src/read/read-path.ts',
    find: 'return route.filter && known.get(id)?.isInFilter !== false && filter.denies(id)',
    replace: 'return known.get(id)?.isInFilter !== false && filter.denies(id)',
    test: 'src/read/read-path.test.ts',
  },
  {
    file: 'src/read/route.ts',
    find: "(freshness === 'fresh' ? FRESH : NOT_FRESH)",
    replace: "(freshness !== 'unknown' ? FRESH : NOT_FRESH)",
    test: 'src/read/route.test.ts',
  },
  // stamps from the future, and witnesses [P67, P86]
  {
    file: 'src/read/lower-tiers.ts',
    find: ' && !this.#ports.stamps.isFromFuture(stamp)',
    replace: '',
    test: 'src/read/read-path.test.ts',
  },
  {
    file: 'src/read/read-path.ts',
    find: "const item = lookup.kind === 'found' ? new KeptItem(lookup.item) : undefined",
    replace: 'const item = this.#itemOf(lookup, id)',
    test: 'src/read/read-path.test.ts',
  },
  {
    file: 'src/read/read-path.ts',
    find: ' || !this.#ports.freshness.isRecent(answer.asOfMs, readAtMs)',
    replace: '',
    test: 'src/read/read-path.test.ts',
  },
  // bytes of one's own [W11, P75]
  {
    file: 'src/read/read-path.ts',
    find: 'const ids = [...given] as readonly string[]',
    replace: 'const ids = given',
    test: 'test/engine.values.test.ts',
  },
  // what is heard counts everywhere, and the cache is nobody's witness [P84, P86]
  {
    file: 'src/read/lower-tiers.ts',
    find: 'if (stamp !== undefined && !isOlder(stamp, loads[index]!)) {',
    replace: 'if (stamp !== undefined) {',
    test: 'src/read/read-path.test.ts',
  },
  {
    file: 'src/read/lower-tiers.ts',
    find: '        if (!this.#mayBelieveCache(id, lookup.item.stamp)) continue\n',
    replace:
      "        this.#ports.heard.hear({ id, stamp: lookup.item.stamp, isLive: true }, 'archive-answer')\n        if (!this.#mayBelieveCache(id, lookup.item.stamp)) continue\n",
    test: 'src/read/read-path.test.ts',
    title: 'P86',
  },
  // what a process answers that has heard nothing for long [R5]
  {
    file: 'src/read/read-path.ts',
    find: 'return this.#isSure(id, route) ? this.#pendingItem(pending.read(id)) : undefined',
    replace: 'return this.#pendingItem(pending.read(id))',
    test: 'test/engine.heard.test.ts',
    title: 'R5',
  },
  {
    file: 'src/read/read-path.ts',
    find: "    if (!this.#route('local').memory) return 'unknown'\n    const write = pending.read(id)\n",
    replace: '    const write = pending.read(id)\n',
    test: 'test/engine.heard.test.ts',
    title: 'R5',
  },
]
