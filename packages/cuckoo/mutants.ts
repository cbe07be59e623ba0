/** Defects that published filters have, or that this one nearly had; each must be noticed. */
const TABLE = 'src/growing-table.ts'
const TABLE_TEST = 'src/growing-table.property.test.ts'
const PLACEMENT = 'src/placement.ts'
const PLACEMENT_TEST = 'src/placement.property.test.ts'
const FILTER_TEST = 'src/cuckoo-filter.test.ts'
const STASH_TEST = 'src/stash.property.test.ts'
const STATIC = 'src/static-table.ts'
const STATIC_TEST = 'src/static-table.property.test.ts'
const SNAPSHOT = 'src/snapshot.ts'
const DAMAGE_TEST = 'test/snapshot-damage.test.ts'
const MEMORY_TEST = 'test/memory.test.ts'

export const mutants = [
  // Pitfall 22: an alternate that does not lead back.
  {
    file: STATIC,
    find: 'const other = scaleTo(spread(tag), bucketCount) - bucket',
    replace: 'const other = (bucket ^ spread(tag)) % bucketCount',
    test: PLACEMENT_TEST,
  },
  {
    file: PLACEMENT,
    find: 'return index ^ spread(tag)',
    replace: 'return index + spread(tag)',
    test: PLACEMENT_TEST,
  },
  { file: PLACEMENT, find: '(spread(tag) & -side)', replace: 'spread(tag)', test: PLACEMENT_TEST },
  { file: PLACEMENT, find: 'return tag === 0 ? 1 : tag', replace: 'return tag', test: PLACEMENT_TEST },
  {
    file: PLACEMENT,
    find: '(value ^ (value >>> 16)) | 1',
    replace: 'value ^ (value >>> 16)',
    test: PLACEMENT_TEST,
  },
  {
    file: PLACEMENT,
    find: 'bucket < bucketCount ? bucket : bucket & (wideMask >>> 1)',
    replace: 'bucket % bucketCount',
    test: PLACEMENT_TEST,
  },
  // Pitfall 23: the last tag of a chain of moves is dropped.
  {
    file: TABLE,
    find: 'this.stash.add(tag, (bucket ^ (spread(tag) & -(word & 1))) & this.#baseMask)',
    replace: '',
    test: FILTER_TEST,
  },
  {
    file: TABLE,
    find: '(bucket ^ (spread(tag) & -(word & 1))) & this.#baseMask)',
    replace: 'bucket & this.#baseMask)',
    test: TABLE_TEST,
  },
  { file: TABLE, find: 'word = victim ^ 1', replace: 'word = victim', test: TABLE_TEST },
  // Pitfall 25: an add is skipped when something matches.
  {
    file: TABLE,
    find: 'this.#place(tag, base, KICKS_MAX)',
    replace: 'if (!this.has(tag, base)) this.#place(tag, base, KICKS_MAX)',
    test: FILTER_TEST,
    title: 'P25',
  },
  // A bucket is split without moving anybody, or merged without its residents.
  { file: TABLE, find: 'this.#put(target, word)\n    }\n  }', replace: '}\n  }', test: TABLE_TEST },
  {
    file: TABLE,
    find: 'if (!this.#put(target, word)) this.#kick(target, word, KICKS_MAX)',
    replace: 'this.#put(target, word)',
    test: TABLE_TEST,
    title: 'buckets that are full',
  },
  {
    file: TABLE,
    find: 'bucketCount) this.#slabs.pop()',
    replace: 'bucketCount - 1) this.#slabs.pop()',
    test: TABLE_TEST,
  },
  { file: TABLE, find: 'const SPLITS_PER_ADD = 4', replace: 'const SPLITS_PER_ADD = 3', test: TABLE_TEST },
  // The stash is not asked, or forgets copies.
  {
    file: TABLE,
    find: 'return this.stash.size > 0 && this.stash.has(tag, base & this.#baseMask)',
    replace: 'return false',
    test: TABLE_TEST,
  },
  {
    file: 'src/stash.ts',
    find: 'if (copies > 1) this.#copies.set(entry, copies - 1)\n    else this.#copies.delete(entry)',
    replace: 'this.#copies.delete(entry)',
    test: FILTER_TEST,
  },
  // An entry that is taken out loses all its copies, or is tried again and again while others wait.
  {
    file: 'src/stash.ts',
    find: '    this.delete(tag, base)\n',
    replace: '    this.#copies.delete(next.value)\n',
    test: STASH_TEST,
  },
  {
    file: 'src/stash.ts',
    find: 'let next = this.#turn.next()',
    replace: 'let next = this.#copies.keys().next()',
    test: STASH_TEST,
  },
  // A refused add is not taken back.
  {
    file: STATIC,
    find: 'this.#slots[this.#pathSlots[kicks]!] = this.#pathTags[kicks]!',
    replace: '',
    test: STATIC_TEST,
  },
  // There is no memory to grow.
  {
    file: TABLE,
    find: 'if (!(error instanceof OutOfMemory)) throw error',
    replace: 'throw error',
    test: MEMORY_TEST,
  },
  {
    file: TABLE,
    find: 'this.#growAbove = this.#occupied + this.stash.size + this.#bucketCount / 4',
    replace: '',
    test: MEMORY_TEST,
  },
  {
    file: TABLE,
    find: 'this.#occupied + this.stash.size + this.#bucketCount / 4',
    replace: 'Infinity',
    test: MEMORY_TEST,
  },
  // A header alone gets all the memory it asks for.
  {
    file: 'src/cuckoo-filter.ts',
    find: 'new GrowingTable(header, 2 ** header.baseBits)',
    replace: 'new GrowingTable(header)',
    test: DAMAGE_TEST,
  },
  {
    file: SNAPSHOT,
    find: 'Math.min(this.#pieceBytes, PIECE_BYTES_FIRST)',
    replace: 'this.#pieceBytes',
    test: DAMAGE_TEST,
  },
  {
    file: SNAPSHOT,
    find: 'larger.set(this.#piece)',
    replace: '',
    test: DAMAGE_TEST,
  },
  {
    file: STATIC,
    find: 'larger.set(this.#slots)',
    replace: '',
    test: MEMORY_TEST,
  },
  // Count and sum.
  {
    file: 'src/membership.ts',
    find: 'this.#high = (this.#high + h1 + carry) | 0',
    replace: 'this.#high = (this.#high + h1) | 0',
    test: 'src/membership.property.test.ts',
  },
  {
    file: 'src/cuckoo-filter.ts',
    find: 'if (!this.#table.delete(tag, scrambleBase(h1, scrambled, this.baseKey))) return false',
    replace: 'this.#table.delete(tag, scrambleBase(h1, scrambled, this.baseKey))',
    test: FILTER_TEST,
  },
  // Pitfall 26: what is damaged is read all the same.
  {
    file: SNAPSHOT,
    find: 'if (view.getUint32(end, true) !== crc32c(piece, 0, end)) {',
    replace: 'if (this.#part === "header" && view.getUint32(end, true) !== crc32c(piece, 0, end)) {',
    test: DAMAGE_TEST,
  },
  {
    file: SNAPSHOT,
    find: 'if (view.getUint32(0, true) !== this.#total)',
    replace: 'if (view.getUint32(0, true) < 0)',
    test: DAMAGE_TEST,
  },
  {
    file: SNAPSHOT,
    find: "if (this.#part === 'end') throw new CorruptSnapshot('snapshot: bytes after its end')",
    replace: "if (this.#part === 'end') return",
    test: DAMAGE_TEST,
  },
  {
    file: TABLE,
    find: 'if (this.#fold(residentIndex(bucket, tag, word & 1, this.baseBits)) !== bucket) {',
    replace: 'if (bucket < 0) {',
    test: DAMAGE_TEST,
  },
  {
    file: 'src/keyed-filter.ts',
    find: 'if (this.revision !== revision) {',
    replace: 'if (this.revision < revision) {',
    test: FILTER_TEST,
  },
  // what is no option of fromSnapshot is taken without a word [P77]
  {
    file: 'src/options.ts',
    find: "const { hash } = readFields('', options, RESTORE_FIELDS, refuseInput)",
    replace: 'const { hash } = options',
    test: 'src/options.test.ts',
  },
  // a filter cannot be shown in JSON, as its sum is a bigint [P77]
  {
    file: 'src/keyed-filter.ts',
    find: 'sum: String(this.sum),',
    replace: 'sum: this.sum,',
    test: 'src/options.test.ts',
  },
]
