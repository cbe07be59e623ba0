/**
 * Goal: nothing that is not exactly what was written is ever read as a filter [P26].
 * Method: every flipped bit and every truncation of small snapshots, sampled ones of large ones; and snapshots whose checksums
 * all hold, but whose content no filter could have written.
 */
import { InvalidInput } from '@se/core'
import { seededRandom } from '@se/core/testing'
import { describe, expect, it } from 'vitest'
import { crc32c } from '../src/crc32c.ts'
import { CorruptSnapshot, CuckooFilter, StaticCuckooFilter } from '../src/index.ts'
import { KeyHash } from '../src/key-hash.ts'
import { encodeSnapshot, PIECE_BYTES_FIRST, type SnapshotHeader } from '../src/snapshot.ts'

const HEADER_BYTES = 84
const kinds = [
  {
    name: 'growing',
    create: CuckooFilter.create,
    restore: CuckooFilter.fromSnapshot,
    restoreStream: CuckooFilter.fromSnapshotStream,
  },
  {
    name: 'static',
    create: StaticCuckooFilter.create,
    restore: StaticCuckooFilter.fromSnapshot,
    restoreStream: StaticCuckooFilter.fromSnapshotStream,
  },
] as const

function filledSnapshot(kind: (typeof kinds)[number], capacity: number, keys: number): Uint8Array {
  const filter = kind.create({ capacity, falsePositiveRate: 0.001 })
  for (let key = 0; key < keys; key++) filter.add(`key.${key}`)
  if (filter instanceof CuckooFilter) for (let copy = 0; copy < 10; copy++) filter.add('same')
  return filter.toSnapshot(Uint8Array.of(1, 2, 3))
}

/** Makes all checksums right again after the bytes were changed. Only for snapshots with one block. */
function reseal(bytes: Uint8Array): Uint8Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const metaBytes = view.getUint32(60, true)
  const isGrowing = view.getUint8(10) === 1
  const ends = [HEADER_BYTES - 4]
  ends.push(ends.at(-1)! + 4 + metaBytes)
  ends.push(ends.at(-1)! + 4 + view.getUint32(16, true) * (isGrowing ? 16 : 8))
  ends.push(bytes.length - 8)
  let start = 0
  let total = 0
  for (const end of ends) {
    view.setUint32(end, crc32c(bytes, start, end), true)
    total = crc32c(bytes, end, end + 4, total)
    start = end + 4
  }
  view.setUint32(bytes.length - 4, total, true)
  return bytes
}

describe.each(kinds)('a snapshot of a $name filter', (kind) => {
  const small = filledSnapshot(kind, 10, 20)

  it('is read back when nothing was done to it', () => {
    expect(kind.restore(small).filter.has('key.7')).toBe(true)
    expect(kind.restore(reseal(small.slice())).filter.has('key.7')).toBe(true)
  })

  it('is refused with any one bit flipped [P26]', () => {
    for (let bit = 0; bit < small.length * 8; bit++) {
      const damaged = small.slice()
      damaged[bit >>> 3]! ^= 1 << (bit & 7)
      expect(() => kind.restore(damaged), `bit ${bit}`).toThrow(CorruptSnapshot)
    }
  })

  it('is refused when cut anywhere, or longer [P26]', () => {
    for (let length = 0; length < small.length; length++) {
      expect(() => kind.restore(small.subarray(0, length)), `length ${length}`).toThrow(CorruptSnapshot)
    }
    for (const extra of [1, 4, 65_536]) {
      const longer = new Uint8Array(small.length + extra)
      longer.set(small)
      expect(() => kind.restore(longer)).toThrow(CorruptSnapshot)
    }
  })

  it('is refused with a block exchanged for the same block of another valid one', () => {
    const first = filledSnapshot(kind, 60_000, 50_000)
    const second = filledSnapshot(kind, 60_000, 40_000)
    // Header, meta, block 0: then block 1, with its checksum.
    const start = HEADER_BYTES + 7 + 65_540
    const mixed = first.slice()
    mixed.set(second.subarray(start, start + 65_540), start)
    expect(() => kind.restore(mixed)).toThrow(/total checksum/)
  })

  it('is refused with sampled bits flipped and at sampled lengths, when large [P26]', () => {
    const random = seededRandom(Number(process.env.SE_SEED ?? 4))
    const large = filledSnapshot(kind, 60_000, 50_000)
    for (let sample = 0; sample < 150; sample++) {
      const damaged = large.slice()
      const bit = random.below(large.length * 8)
      damaged[bit >>> 3]! ^= 1 << (bit & 7)
      expect(() => kind.restore(damaged), `bit ${bit}`).toThrow(CorruptSnapshot)
      const length = random.below(large.length)
      expect(() => kind.restore(large.subarray(0, length)), `length ${length}`).toThrow(CorruptSnapshot)
    }
  })

  it.each([
    ['another version', 8, 2],
    ['no kind', 10, 0],
    ['an unknown kind', 10, 3],
    ['tags too wide', 11, 32],
    ['no tag bits', 11, 0],
    ['too many base bits', 12, 23],
    ['a reserved byte', 13, 1],
    ['another generator state of 0', 28, 'zero word'],
    ['a huge count', 38, 255],
    ['a count that the slots do not have', 32, 1],
    ['more used slots than there are', 50, 1],
    ['another used-slot count', 48, 1],
    ['a negative rate', 79, 0xff],
    ['a rate of 0', 72, 'zero double'],
  ])('is refused with %s, though all checksums hold', (_, at, value) => {
    const forged = small.slice()
    if (value === 'zero word') forged.fill(0, at, at + 4)
    else if (value === 'zero double') forged.fill(0, at, at + 8)
    else forged[at] = value as number
    expect(() => kind.restore(reseal(forged))).toThrow(CorruptSnapshot)
  })

  it('is refused as one of the other kind', () => {
    const other = kinds.find(({ name }) => name !== kind.name)!
    expect(() => other.restore(small)).toThrow(/not of a/)
  })
})

describe('a snapshot of a growing filter', () => {
  // Grown from 16 buckets, so that the places of tags follow from more than their base.
  const small = filledSnapshot(kinds[0], 10, 100)
  const slotsAt = HEADER_BYTES + 7
  const firstUsed = () => {
    const view = new DataView(small.buffer)
    let at = slotsAt
    while (view.getUint32(at, true) === 0) at += 4
    return at
  }

  it.each([
    ['a word without a tag', (view: DataView, at: number) => view.setUint32(at, 1, true)],
    [
      'a tag in a foreign bucket',
      (view: DataView, at: number) => view.setUint32(at, view.getUint32(at, true) + 2, true),
    ],
    ['fewer buckets than its base needs', (view: DataView) => view.setUint8(12, 6)],
    ['a least size that is no power of two', (view: DataView) => view.setUint32(20, 17, true)],
    ['a stashed tag of 0', (view: DataView) => view.setUint32(view.byteLength - 24, 0, true)],
    ['a stashed base that is too large', (view: DataView) => view.setUint32(view.byteLength - 20, 16, true)],
    ['a stashed copy more', (view: DataView) => view.setUint32(view.byteLength - 16, 3, true)],
  ])('is refused with %s, though all checksums hold', (_, forge) => {
    const forged = small.slice()
    forge(new DataView(forged.buffer), firstUsed())
    expect(() => CuckooFilter.fromSnapshot(reseal(forged))).toThrow(CorruptSnapshot)
  })

  it('is refused before memory is taken for a table that the bytes cannot hold', () => {
    const forged = small.slice()
    new DataView(forged.buffer).setUint32(16, 2 ** 29, true)
    const view = new DataView(forged.buffer)
    view.setUint32(80, crc32c(forged, 0, 80), true)
    expect(() => CuckooFilter.fromSnapshot(forged)).toThrow(/length/)
  })

  it('is refused in pieces as it is in one', async () => {
    for (const length of [0, 50, 84, 100, small.length - 1]) {
      await expect(CuckooFilter.fromSnapshotStream([small.subarray(0, length)])).rejects.toThrow(
        CorruptSnapshot,
      )
    }
    await expect(CuckooFilter.fromSnapshotStream([small, Uint8Array.of(0)])).rejects.toThrow(CorruptSnapshot)
  })
})

describe.each(kinds)('a stream that claims to be a large $name filter', (kind) => {
  /** A small snapshot whose header, with a right checksum, says something else. */
  const forged = (forge: (view: DataView) => void) => {
    const bytes = filledSnapshot(kind, 10, 20)
    const view = new DataView(bytes.buffer)
    forge(view)
    view.setUint32(HEADER_BYTES - 4, crc32c(bytes, 0, HEADER_BYTES - 4), true)
    return bytes
  }

  it('is given memory as its bytes arrive, not as its header asks', async () => {
    const bytes = forged((view) => {
      view.setUint32(16, 2 ** 29, true)
      if (kind.name === 'static') view.setUint32(20, 2 ** 29, true)
    })
    const before = process.memoryUsage().arrayBuffers
    let taken = 0
    async function* pieces() {
      yield bytes
      taken = process.memoryUsage().arrayBuffers - before
    }
    await expect(kind.restoreStream(pieces())).rejects.toThrow(CorruptSnapshot)
    expect(taken).toBeLessThan(2 ** 27)
  })

  it.each(['text', undefined, null, 7, new ArrayBuffer(84)])(
    'is refused with a piece that is no Uint8Array: %s',
    async (piece) => {
      await expect(kind.restoreStream([piece as unknown as Uint8Array])).rejects.toThrow(InvalidInput)
    },
  )
})

describe('a snapshot of a static filter', () => {
  it('is refused with more buckets than any capacity needs', async () => {
    const bytes = filledSnapshot(kinds[1], 10, 20)
    const view = new DataView(bytes.buffer)
    view.setUint32(16, 2 ** 29 + 1, true)
    view.setUint32(20, 2 ** 29 + 1, true)
    view.setUint32(HEADER_BYTES - 4, crc32c(bytes, 0, HEADER_BYTES - 4), true)
    await expect(StaticCuckooFilter.fromSnapshotStream([bytes])).rejects.toThrow(/buckets out of range/)
  })
})

describe('a stream with a large stash', () => {
  it('is given memory as its entries arrive, not as its header asks', async () => {
    const bytes = filledSnapshot(kinds[0], 10, 20)
    const view = new DataView(bytes.buffer)
    view.setUint32(56, 2 ** 32 - 1, true)
    view.setUint32(HEADER_BYTES - 4, crc32c(bytes, 0, HEADER_BYTES - 4), true)
    await expect(CuckooFilter.fromSnapshotStream([bytes])).rejects.toThrow(/cut short in its stash/)
  })

  it('is read when it is larger than the first piece of memory for it', async () => {
    const entries = 150_000
    expect(entries * 16).toBeGreaterThan(PIECE_BYTES_FIRST)
    const bucketCount = 16
    const header: SnapshotHeader = {
      kind: 'growing',
      hashBits: 31,
      baseBits: 4,
      bucketCount,
      bucketCountMin: bucketCount,
      seed: 0,
      kickState: 1,
      count: entries * 2,
      sum: 5n,
      occupied: 0,
      stashEntries: entries,
      metaBytes: 0,
      hashProbe: new KeyHash().probe(),
      falsePositiveRate: 0.001,
    }
    const stash = Array.from({ length: entries }, (_, tag) => ({ tag: tag + 1, base: tag & 15, copies: 2 }))
    const pieces = [...encodeSnapshot(header, new Uint8Array(0), { readBlock: () => undefined }, stash)]
    const { filter } = await CuckooFilter.fromSnapshotStream(pieces)
    expect(filter.stashSize).toBe(entries)
    // Not `toEqual`, which looks at each of millions of bytes by itself.
    expect(Buffer.concat([...filter.snapshotPieces()]).equals(Buffer.concat(pieces))).toBe(true)
  })
})
