/** Deliberate defects of the engine's parts, and the test that notices each: `npm run mutants -- --only engine`. */
export const mutants = [
  // flush/pending-set [W1, W2, W3, P8, P59]
  {
    file: 'src/flush/pending-set.ts',
    find: 'this.#needFrom(generation, logSequence)',
    replace: '',
    test: 'src/flush/pending-set.property.test.ts',
  },
  {
    file: 'src/flush/pending-set.ts',
    find: 'this.#needFrom(merged, generation.firstLogSequence)',
    replace: '',
    test: 'src/flush/pending-set.property.test.ts',
  },
  {
    file: 'src/flush/pending-set.ts',
    find: 'this.#releaseOrder.claim(rest)',
    replace: '',
    test: 'src/flush/pending-set.property.test.ts',
  },
  {
    file: 'src/flush/pending-set.ts',
    find: 'Math.min(this.#addedThrough, lowest - 1)',
    replace: 'lowest - 1',
    test: 'src/flush/pending-set.property.test.ts',
  },
  {
    file: 'src/flush/pending-set.ts',
    find: 'const isStored = ',
    replace: 'const isStored = true || ',
    test: 'src/flush/pending-set.property.test.ts',
  },
  {
    file: 'src/flush/pending-set.ts',
    find: 'held.isVisible && isNewer(held.write.stamp, visible?.write.stamp)',
    replace: 'isNewer(held.write.stamp, visible?.write.stamp)',
    test: 'src/flush/pending-set.property.test.ts',
  },
  {
    file: 'src/flush/pending-set.ts',
    find: 'return compareStamps(next.write.stamp, inFlight.write.stamp) >= 0 ? next : inFlight',
    replace: 'return next',
    test: 'src/flush/pending-set.property.test.ts',
  },
  {
    file: 'src/flush/release-order.ts',
    find: 'if (!top.holder.isSettled) return top.sequence',
    replace: 'return top.sequence',
    test: 'src/flush/pending-set.property.test.ts',
  },
  {
    file: 'src/flush/space.ts',
    find: 'this.#waiters.size === 0 && this.#fits(bytes)',
    replace: 'this.#fits(bytes)',
    test: 'src/flush/space.test.ts',
  },
  // flush/bisect [W6, P6]
  {
    file: 'src/flush/bisect.ts',
    find: 'this.#open.push({ start: middle, end }, { start, end: middle })',
    replace: 'this.#open.push({ start, end: middle })',
    test: 'src/flush/bisect.property.test.ts',
  },
  // flush/parking [W6, P9, P10]
  {
    file: 'src/flush/parking.ts',
    find: 'await handle.syncData()',
    replace: 'await Promise.resolve()',
    test: 'src/flush/parking.test.ts',
  },
  {
    file: 'src/flush/parking.ts',
    find: 'await writeFileAtomically(fileSystem, directory, PARKED_FILE, whole)',
    replace: '',
    test: 'src/flush/parking.test.ts',
  },
  {
    file: 'src/flush/parking.ts',
    find: '!each.isRetrying && compareStamps',
    replace: 'compareStamps',
    test: 'src/flush/parking.test.ts',
  },
  {
    file: 'src/flush/parking.ts',
    find: 'if (damage !== undefined) break',
    replace: '',
    test: 'src/flush/parking.test.ts',
  },
  // read [R2, R4, P12, P57, P58]
  {
    file: 'src/read/load-floors.ts',
    find: 'return !isRaised && (',
    replace: 'return (',
    test: 'src/read/single-flight.property.test.ts',
  },
  {
    file: 'src/read/load-floors.ts',
    find: 'for (const load of running) load.floor = newerStamp(load.floor, stamp)',
    replace: 'void newerStamp(undefined, stamp)',
    test: 'src/read/single-flight.property.test.ts',
  },
  {
    file: 'src/read/load-floors.ts',
    find: '(stamp !== undefined && !isNewer(floor, stamp))',
    replace: 'stamp === undefined || !isNewer(floor, stamp)',
    test: 'src/read/single-flight.property.test.ts',
  },
  {
    file: 'src/read/single-flight.ts',
    find: 'if (this.#flights.get(load.id)?.load === load) this',
    replace: 'this',
    test: 'src/read/single-flight.test.ts',
  },
  // memory [W3, R6]
  {
    file: 'src/memory/memory-tier.ts',
    find: 'if (resident !== undefined && order < 0) return resident.item',
    replace: '',
    test: 'src/memory/memory-tier.property.test.ts',
  },
  {
    file: 'src/memory/memory-tier.ts',
    find: 'compareStamps(entry.item.stamp, stamp) !== 0) return false',
    replace: 'stamp.time < 0) return false',
    test: 'src/memory/memory-tier.property.test.ts',
  },
  {
    file: 'src/memory/eviction.ts',
    find: 'if (this.#hand === node) this.#hand = node.newer',
    replace: '',
    test: 'src/memory/eviction.test.ts',
  },
  // guard [R1, W5, W6]
  {
    file: 'src/guard/guard-archive.ts',
    find: 'if (running !== undefined) {',
    replace: 'if (running !== undefined && batch.sequence < 0) {',
    test: 'src/guard/guard.test.ts',
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
]
