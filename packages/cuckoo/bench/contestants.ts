import { createRequire } from 'node:module'
import v8 from 'node:v8'
import { createCuckooFilter } from '@libp2p/utils'
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
  remove(key: string): unknown
  /** Bytes it knows it takes; undefined: measured as growth of the heap. */
  readonly bytes?: () => number
  readonly note?: () => string
}

interface BloomFiltersCuckoo {
  add(key: string): boolean
  has(key: string): boolean
  remove(key: string): boolean
}

// Its main file is CommonJS, and its types name a package that is not installed.
const { CuckooFilter: BloomFiltersCuckooFilter } = createRequire(import.meta.url)('bloom-filters') as {
  CuckooFilter: { create(size: number, rate: number): BloomFiltersCuckoo }
}

/** @param keys to make room for; @param growTo keys it will get */
export function growing(keys: number, name = '@se/cuckoo'): Contestant {
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
    remove: (key) => filter.remove?.(key),
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
    else if (process.memoryUsage().heapUsed > heapLimit * HEAP_SHARE_MAX) stoppedBy = 'memory'
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

/** Nanoseconds an add of these keys takes; takes them out again, untimed. */
export function timeAdds(contestant: Contestant, keys: readonly string[]): number {
  const startedAt = performance.now()
  for (const key of keys) contestant.add(key)
  const tookMs = performance.now() - startedAt
  for (const key of keys) contestant.remove(key)
  return (tookMs / keys.length) * 1e6
}

/** Keeps lookups from being optimised away. */
export const usedResults = (): number => sink
