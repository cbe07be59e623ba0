import type { BranchSet } from '../branch.ts'
import { bucketOfId, stripeOfId, STRIPE_COUNT } from '../hash.ts'
import type { Cut } from '../cut.ts'
import type { StoredItem } from '../item.ts'
import type { Random } from '../random.ts'
import type { CompleteCacheTier } from '../cache-tier.ts'
import type { LedgerEntry } from '../ledger.ts'

export interface MemoryCacheOptions {
  /** Source of epochs and tokens. */
  readonly random: Random
  /**
   * The sums of a leaf after a ledger entry, 28 bytes: with `@se/merkle`
   * `(sums, entry) => encodeLeaf(addLeaves(decodeLeaf(sums), leafDelta(entry)))`. A port, because core knows
   * no tree.
   *
   * @param sums 28 bytes; zeros for an empty leaf
   */
  readonly addEntry: (sums: Uint8Array, entry: LedgerEntry) => Uint8Array
  /** Wall clock for `ttlMs`. Default: stands at 0. */
  readonly nowMs?: (() => number) | undefined
}

export interface MemoryCacheConnection {
  /** Time to live of entries, ms from the put. Default: none. */
  readonly ttlMs?: number | undefined
}

export interface Entry {
  readonly epoch: string
  readonly item: StoredItem
  readonly expiresAtMs: number | undefined
  /** Its checksum is wrong. */
  readonly isDamaged?: boolean
}

export interface Leaf {
  token?: string
  epoch?: string
  sums?: Uint8Array
}

export interface Meta {
  epoch: string
  cut: Cut
  readonly leaves: Map<number, Leaf>
}

/** What lies under a key: what the cache put there, or something of another type. */
export type Slot<T> = T | 'another type'

/** What one archive has in the store. */
export interface Space {
  readonly entries: Map<string, Slot<Entry>>
  readonly metas: (Slot<Meta> | undefined)[]
}

/** A stripe as it was: entries and meta, as an older dump of Redis would bring them back. Of every archive in the store. */
export interface StripeSnapshot {
  readonly stripe: number
  readonly spaces: ReadonlyMap<string, Space>
}

/**
 * What stands in for Redis: one store, and as many tiers on it as there are processes. Where archives share it, each has keys
 * of its own; what is said of an id or a stripe here is said of each of them.
 */
export interface MemoryCacheServer {
  /** Another process. */
  connect(options?: MemoryCacheConnection): CompleteCacheTier
  /** `false`: lookups answer `unknown`, everything else throws `TierUnavailable`. */
  setAvailable(isAvailable: boolean): void
  /** The same for single stripes, while the others go on; `[]`: all answer. */
  setUnavailableStripes(stripes: readonly number[]): void
  /**
   * Puts that get lost from now on, on their way (`unanswered`: nothing is stored, and the call fails) or right after
   * (`evicted`: answered as stored, and gone). `undefined`: none.
   */
  losePuts(how: 'unanswered' | 'evicted' | undefined): void
  /** Values from so many bytes on are refused, each time they are offered; `undefined`: none. */
  refuseAbove(bytes: number | undefined): void
  /** How often a value was refused. */
  readonly refusals: number
  /** Loses the entry of an id, as eviction does. */
  evict(id: string): void
  /** Loses the meta of a stripe; its entries stay. */
  dropMeta(stripe: number): void
  /** Changes the entry of an id, if there is one, as somebody would who puts a whole other one: no checksum tells. */
  tamper(id: string, change: (item: StoredItem) => StoredItem): void
  /** Changes bits of the entry of an id, if there is one: its checksum tells. */
  damage(id: string): void
  /** Something of another type lies where the entry of an id, or a stripe's meta, should. */
  mistype(what: { readonly id: string } | { readonly stripe: number }): void
  /** Loses everything. */
  clear(): void
  snapshot(stripe: number): StripeSnapshot
  /**
   * Puts a stripe back to what it was, as an older dump or a replica that was behind. No connection is lost by it and nobody
   * is told, so a tier has to see it in what it reads.
   */
  restore(snapshot: StripeSnapshot): void
}

/** Hex digits of the birth id by which archives are told apart. */
const BIRTH_DIGITS = 8

export class MemoryStore implements Omit<MemoryCacheServer, 'connect'> {
  readonly options: MemoryCacheOptions
  isAvailable = true
  unavailableStripes: ReadonlySet<number> = new Set()
  putLoss: 'unanswered' | 'evicted' | undefined
  valueBytesMax: number | undefined
  refusals = 0
  readonly #spaces = new Map<string, Space>()

  constructor(options: MemoryCacheOptions) {
    this.options = options
  }

  /** @param birthId 32 hex digits */
  space(birthId: string): Space {
    const name = birthId.slice(0, BIRTH_DIGITS)
    let space = this.#spaces.get(name)
    if (space === undefined) this.#spaces.set(name, (space = emptySpace()))
    return space
  }

  setAvailable(isAvailable: boolean): void {
    this.isAvailable = isAvailable
  }

  setUnavailableStripes(stripes: readonly number[]): void {
    this.unavailableStripes = new Set(stripes)
  }

  losePuts(how: 'unanswered' | 'evicted' | undefined): void {
    this.putLoss = how
  }

  refuseAbove(bytes: number | undefined): void {
    this.valueBytesMax = bytes
  }

  evict(id: string): void {
    for (const { entries } of this.#spaces.values()) entries.delete(id)
  }

  dropMeta(stripe: number): void {
    for (const { metas } of this.#spaces.values()) metas[stripe] = undefined
  }

  tamper(id: string, change: (item: StoredItem) => StoredItem): void {
    for (const { entries } of this.#spaces.values()) {
      const entry = entries.get(id)
      if (entry === undefined || entry === 'another type') continue
      entries.set(id, { ...entry, item: change(entry.item) })
    }
  }

  damage(id: string): void {
    for (const { entries } of this.#spaces.values()) {
      const entry = entries.get(id)
      if (entry === undefined || entry === 'another type') continue
      // A bit of the stamp: the worst, as it is compared.
      const stamp = { ...entry.item.stamp, time: entry.item.stamp.time + 2 ** 40 }
      entries.set(id, { ...entry, item: { ...entry.item, stamp }, isDamaged: true })
    }
  }

  mistype(what: { readonly id: string } | { readonly stripe: number }): void {
    for (const { entries, metas } of this.#spaces.values()) {
      if ('id' in what) entries.set(what.id, 'another type')
      else metas[what.stripe] = 'another type'
    }
  }

  clear(): void {
    for (const { entries, metas } of this.#spaces.values()) {
      entries.clear()
      metas.fill(undefined)
    }
  }

  snapshot(stripe: number): StripeSnapshot {
    const spaces = new Map<string, Space>()
    for (const [name, space] of this.#spaces) {
      const entries = new Map([...space.entries].filter(([id]) => stripeOfId(id) === stripe))
      spaces.set(name, { entries, metas: [copyMeta(space.metas[stripe])] })
    }
    return { stripe, spaces }
  }

  restore({ stripe, spaces }: StripeSnapshot): void {
    for (const [name, { entries, metas }] of this.#spaces) {
      const before = spaces.get(name) ?? emptySpace()
      for (const id of [...entries.keys()]) if (stripeOfId(id) === stripe) entries.delete(id)
      for (const [id, entry] of before.entries) entries.set(id, entry)
      metas[stripe] = copyMeta(before.metas[0])
    }
  }

  nowMs(): number {
    return this.options.nowMs?.() ?? 0
  }

  fresh(): string {
    return Array.from(this.options.random.bytes(8), (byte) => byte.toString(16).padStart(2, '0')).join('')
  }
}

/** Number of an id's leaf: `branch * 65536 + bucket`. */
export function leafOf(branches: BranchSet, id: string): number {
  return branches.branchOf(id) * 65_536 + bucketOfId(id)
}

function emptySpace(): Space {
  return { entries: new Map(), metas: Array.from({ length: STRIPE_COUNT }, () => undefined) }
}

function copyMeta(meta: Slot<Meta> | undefined): Slot<Meta> | undefined {
  if (meta === undefined || meta === 'another type') return meta
  return { ...meta, leaves: new Map([...meta.leaves].map(([leaf, fields]) => [leaf, { ...fields }])) }
}
