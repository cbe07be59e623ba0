import { stripeOfId } from '../hash.ts'
import type { StoredItem } from '../item.ts'
import type { LedgerEntry } from '../ledger.ts'
import { randomHex } from '../random.ts'
import { ANOTHER_TYPE, copyMeta, emptySpace, type Space } from './memory-cache-space.ts'
import type { MemoryCacheOptions, MemoryCacheServer, StripeSnapshot } from './memory-cache-types.ts'

/** Hex digits of the birth id by which archives are told apart. */
const BIRTH_DIGITS = 8

/** Bytes of a leaf's encoded sums; all zero: nothing in the leaf. */
const LEAF_SUMS_BYTES = 28
/** Bytes of a random epoch or token. */
const EPOCH_BYTES = 8

/** The store, with what a test does to it. */
export class MemoryStore implements Omit<MemoryCacheServer, 'connect'> {
  readonly #options: MemoryCacheOptions
  #isAvailable = true
  #unavailableStripes: ReadonlySet<number> = new Set()
  #putLoss: 'unanswered' | 'evicted' | undefined
  /** Values from so many bytes on are refused. */
  #refusedBytes = Infinity
  #refusals = 0
  readonly #spaces = new Map<string, Space>()

  constructor(options: MemoryCacheOptions) {
    this.#options = options
  }

  /** Whether calls are answered; of a stripe, whether those that concern it are. */
  answers(stripe?: number): boolean {
    return this.#isAvailable && (stripe === undefined || !this.#unavailableStripes.has(stripe))
  }

  /** How puts get lost now; `undefined`: they do not. */
  get putLoss(): 'unanswered' | 'evicted' | undefined {
    return this.#putLoss
  }

  get refusals(): number {
    return this.#refusals
  }

  /** Offers a value. @returns whether it is taken; one that is not is counted */
  offer(bytes: number): boolean {
    if (bytes < this.#refusedBytes) return true
    this.#refusals++
    return false
  }

  /** @param birthId 32 hex digits */
  space(birthId: string): Space {
    const name = birthId.slice(0, BIRTH_DIGITS)
    let space = this.#spaces.get(name)
    if (space === undefined) this.#spaces.set(name, (space = emptySpace()))
    return space
  }

  setAvailable(isAvailable: boolean): void {
    this.#isAvailable = isAvailable
  }

  setUnavailableStripes(stripes: readonly number[]): void {
    this.#unavailableStripes = new Set(stripes)
  }

  losePuts(how: 'unanswered' | 'evicted' | undefined): void {
    this.#putLoss = how
  }

  refuseAbove(bytes: number | undefined): void {
    this.#refusedBytes = bytes ?? Infinity
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
      if (entry === undefined || entry === ANOTHER_TYPE) continue
      entries.set(id, { ...entry, item: change(entry.item) })
    }
  }

  damage(id: string): void {
    for (const { entries } of this.#spaces.values()) {
      const entry = entries.get(id)
      if (entry === undefined || entry === ANOTHER_TYPE) continue
      // A bit of the stamp: the worst, as it is compared.
      const stamp = { ...entry.item.stamp, time: entry.item.stamp.time + 2 ** 40 }
      entries.set(id, { ...entry, item: { ...entry.item, stamp }, isDamaged: true })
    }
  }

  mistype(what: { readonly id: string } | { readonly stripe: number }): void {
    for (const { entries, metas } of this.#spaces.values()) {
      if ('id' in what) entries.set(what.id, ANOTHER_TYPE)
      else metas[what.stripe] = ANOTHER_TYPE
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
    return this.#options.nowMs?.() ?? 0
  }

  /** A new epoch, or a token. */
  fresh(): string {
    return randomHex(this.#options.random, EPOCH_BYTES)
  }

  /** The sums of a leaf after a ledger entry. @param sums `undefined`: the leaf was empty */
  addEntry(sums: Uint8Array | undefined, entry: LedgerEntry): Uint8Array {
    return this.#options.addEntry(sums ?? new Uint8Array(LEAF_SUMS_BYTES), entry)
  }
}
