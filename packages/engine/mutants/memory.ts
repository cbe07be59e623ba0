/** Deliberate defects of memory, and the test that notices each. */
export const memory = [
  // memory [W3, R6]
  {
    file: 'src/memory/memory-tier.ts',
    find: 'if (resident !== undefined && order < 0) return resident.item',
    replace: '',
    test: 'src/memory/memory-tier.property.test.ts',
  },
  {
    file: 'src/memory/memory-tier.ts',
    find: '!equalStamps(entry.item.stamp, stamp)) return false',
    replace: 'stamp.time < 0) return false',
    test: 'src/memory/memory-tier.property.test.ts',
  },
  {
    file: 'src/memory/eviction.ts',
    find: 'if (this.#hand === node) this.#hand = node.newer',
    replace: '',
    test: 'src/memory/eviction.test.ts',
  },
]
