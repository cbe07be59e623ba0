import { createRequire } from 'node:module'
import v8 from 'node:v8'
import { createCuckooFilter } from '@libp2p/utils'
import { hashId } from '@se/core/hash'
import { CuckooFilter, StaticCuckooFilter } from '../src/index.ts'

/** The rate all filters are asked for. */
export const RATE = 0.001
/** Part of the heap limit at which a peer made of objects is full enough. */
const HEAP_SHARE_MAX = 0.7

/** The least that is measured of each. */
export interface Contestant {
  readonly name: string
  add(key: string): unknown
  has(key: string): boolean
  /** @returns whether there was a copy to remove */
  remove(key: string): boolean
  /** Bytes it knows it takes; undefined: measured as growth of the heap. */
  readonly bytes?: () => number
  readonly note?: () => string
}

/** @param keys to make room for */
export type MakeContestant = (keys: number) => Contestant

interface BloomFiltersCuckoo {
  add(key: string): boolean
  has(key: string): boolean
  remove(key: string): boolean
}

// Its main file is CommonJS, and its types name a package that is not installed.
const { CuckooFilter: BloomFiltersCuckooFilter } = createRequire(import.meta.url)('bloom-filters') as {
  CuckooFilter: { create(size: number, rate: number): BloomFiltersCuckoo }
}

export const growing: MakeContestant = (keys) => growingNamed('@se/cuckoo', keys)

/** Starts small, whatever it will get. */
export const grown: MakeContestant = () => growingNamed('@se/cuckoo, grown from 1,000', 1000)

function growingNamed(name: string, keys: number): Contestant {
  const filter = CuckooFilter.create({ capacity: keys, falsePositiveRate: RATE })
  return {
    name,
    add: (key) => filter.add(key),
    has: (key) => filter.has(key),
    remove: (key) => filter.delete(key),
    bytes: () => filter.byteLength,
    note: () => `load ${filter.loadFactor.toFixed(2)}`,
  }
}

export function fixed(keys: number): Contestant {
  const filter = StaticCuckooFilter.create({ capacity: keys, falsePositiveRate: RATE })
  return {
    name: '@se/cuckoo, static',
    add: (key) => filter.add(key),
    has: (key) => filter.has(key),
    remove: (key) => filter.delete(key),
    bytes: () => filter.byteLength,
    note: () => `load ${filter.loadFactor.toFixed(2)}`,
  }
}

export function plainSet(): Contestant {
  const set = new Set<string>()
  return {
    name: 'Set',
    add: (key) => set.add(key),
    has: (key) => set.has(key),
    remove: (key) => set.delete(key),
  }
}

export function bloomFilters(keys: number): Contestant {
  const filter = BloomFiltersCuckooFilter.create(keys, RATE)
  return {
    name: 'bloom-filters',
    add: (key) => filter.add(key),
    has: (key) => filter.has(key),
    remove: (key) => filter.remove(key),
  }
}

export function libp2p(keys: number): Contestant {
  const filter = createCuckooFilter(keys, RATE)
  return {
    name: '@libp2p/utils',
    add: (key) => filter.add(key),
    has: (key) => filter.has(key),
    remove: (key) => filter.remove?.(key) ?? false,
  }
}

/**
 * The least that any such filter does: hash the key, read a bucket of four words in an array of the size of ours, then, unless found,
 * another. No seed, no count, no growth; a key whose buckets are both full is dropped. What it takes is the processor's and the memory's.
 */
export function bareArray(keys: number): Contestant {
  const buckets = 2 ** Math.ceil(Math.log2(keys / 0.9 / 4))
  const slots = new Int32Array(buckets * 4)
  const words = new Uint32Array(4)
  const mask = buckets - 1
  /** Where the word is in its buckets; the first bucket, then the second. @returns −1: nowhere */
  const find = (first: number, second: number, word: number): number => {
    const at = (first & mask) << 2
    if (slots[at] === word) return at
    if (slots[at + 1] === word) return at + 1
    if (slots[at + 2] === word) return at + 2
    if (slots[at + 3] === word) return at + 3
    const other = (second & mask) << 2
    if (slots[other] === word) return other
    if (slots[other + 1] === word) return other + 1
    if (slots[other + 2] === word) return other + 2
    if (slots[other + 3] === word) return other + 3
    return -1
  }
  /** All from the hash; the tag's words are not those that the buckets are taken from. @returns as {@link find} */
  const locate = (key: string, free: boolean): number => {
    hashId(key, words)
    return find(words[0]!, words[2]!, free ? 0 : words[1]! | 1)
  }
  return {
    name: 'bare Int32Array',
    add(key) {
      const at = locate(key, true)
      if (at >= 0) slots[at] = words[1]! | 1
    },
    has: (key) => locate(key, false) >= 0,
    remove(key) {
      const at = locate(key, false)
      if (at >= 0) slots[at] = 0
      return at >= 0
    },
    bytes: () => slots.byteLength,
  }
}

export interface Fill {
  readonly contestant: Contestant
  /** Keys `key.0` … `key.<keys − 1>` were added. */
  readonly keys: number
  readonly nsPerAdd: number
  readonly bytesPerKey: number
  /** Why it was not filled further. */
  readonly stoppedBy?: 'time' | 'memory'
}

export const keyOf = (index: number): string => `key.${index}`
export const strangerOf = (index: number): string => `not.${index}`

/**
 * Different texts as they arrive from outside: each in one piece. (V8 keeps a longer text made from two as two, until somebody reads it.)
 */
export function sampleKeys(count: number, make: () => string): string[] {
  return Array.from({ length: count }, () => Buffer.from(make(), 'latin1').toString('latin1'))
}

/** Makes and fills one, until it is done, its time is used or the heap is nearly full. */
export function fill(make: () => Contestant, keys: number, msMax: number): Fill {
  globalThis.gc?.()
  const heapBefore = process.memoryUsage().heapUsed
  const { heap_size_limit: heapLimit } = v8.getHeapStatistics()
  const contestant = make()
  let stoppedBy: 'time' | 'memory' | undefined
  let added = 0
  const startedAt = performance.now()
  while (added < keys && stoppedBy === undefined) {
    const end = Math.min(keys, added + 10_000)
    for (; added < end; added++) contestant.add(keyOf(added))
    if (performance.now() - startedAt > msMax) stoppedBy = 'time'
    else if (isHeapFull(heapLimit)) stoppedBy = 'memory'
  }
  const nsPerAdd = ((performance.now() - startedAt) / added) * 1e6
  globalThis.gc?.()
  const bytes = contestant.bytes?.() ?? process.memoryUsage().heapUsed - heapBefore
  return {
    contestant,
    keys: added,
    nsPerAdd,
    bytesPerKey: bytes / added,
    ...(stoppedBy === undefined ? {} : { stoppedBy }),
  }
}

/** Garbage does not count. */
function isHeapFull(limit: number): boolean {
  const isFull = () => process.memoryUsage().heapUsed > limit * HEAP_SHARE_MAX
  if (!isFull()) return false
  globalThis.gc?.()
  return isFull()
}

/** Which keys a sample takes: new ones each time, so that no cache knows them. */
export function sampler(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}

let sink = 0

/** Nanoseconds a lookup of these keys takes. */
export function timeLookups(contestant: Contestant, keys: readonly string[]): number {
  let present = 0
  const startedAt = performance.now()
  for (const key of keys) if (contestant.has(key)) present++
  const tookMs = performance.now() - startedAt
  sink += present
  return (tookMs / keys.length) * 1e6
}

/** By contestant: keys that it took in {@link timeAdds}, and denied when they were to be taken out again. */
export const deniedRemovals = new Map<string, number>()

/** Nanoseconds an add of these keys takes; takes them out again, untimed, so that it holds what it held before. */
export function timeAdds(contestant: Contestant, keys: readonly string[]): number {
  const startedAt = performance.now()
  for (const key of keys) contestant.add(key)
  const tookMs = performance.now() - startedAt
  let denied = 0
  for (const key of keys) if (!contestant.remove(key)) denied++
  deniedRemovals.set(contestant.name, (deniedRemovals.get(contestant.name) ?? 0) + denied)
  return (tookMs / keys.length) * 1e6
}

/** Keeps lookups from being optimised away. */
export const usedResults = (): number => sink
