import { createBranchSet, type BranchSet } from '../branch.ts'
import { equalCuts, type Cut } from '../cut.ts'
import { TierUnavailable } from '../errors.ts'
import { stripeOfId, STRIPE_COUNT } from '../hash.ts'
import { invariant } from '../invariant.ts'
import { compareStamps, isNewer, stampMs, type Stamp } from '../stamp.ts'
import type {
  CacheHealth,
  CacheOpenOptions,
  CachePermit,
  CachePut,
  CachePutOutcome,
  CompleteCacheTier,
  AdvancedStripe,
  StoredLeaf,
  StripeReading,
  StripeState,
} from '../cache-tier.ts'
import type { LedgerRow } from '../ledger.ts'
import type { Lookup } from '../lookup.ts'
import { readCacheOpenOptions } from '../open-options.ts'
import { MemoryBeliefs, standsAt } from './memory-cache-beliefs.ts'
import { MemoryStore } from './memory-cache-server.ts'
import {
  ANOTHER_TYPE,
  leafAddress,
  leafNumber,
  leafOf,
  type Entry,
  type Leaf,
  type Meta,
  type Space,
} from './memory-cache-space.ts'
import type { MemoryCacheConnection, MemoryCacheOptions, MemoryCacheServer } from './memory-cache-types.ts'

/** A cache tier in memory, with the store it is on. */
export interface MemoryCache extends CompleteCacheTier {
  readonly server: MemoryCacheServer
}

/**
 * The rules of the shared cache in memory, for tests: the same contract suite as Redis runs against it, and a
 * model test runs random interleavings on it. Every method does its work in one step, before it returns.
 */
export function memoryCache(options: MemoryCacheOptions & MemoryCacheConnection): MemoryCache {
  const store = new MemoryStore(options)
  const server: MemoryCacheServer = Object.assign(store, {
    connect: (connection: MemoryCacheConnection = {}) => new MemoryCacheTier(store, connection),
  })
  return Object.assign(server.connect(options), { server })
}

const NO_META: StripeReading = Object.freeze({ kind: 'none' })
/** Nothing is believed of the stripe, or it does not stand where it is believed to. */
const SUSPENDED: Lookup = Object.freeze({ kind: 'unknown', because: 'suspended' })

class MemoryCacheTier implements CompleteCacheTier {
  readonly backend = 'memory'
  readonly #store: MemoryStore
  readonly #ttlMs: number | undefined
  readonly #beliefs = new MemoryBeliefs()
  #branches: BranchSet = createBranchSet()
  #space: Space | undefined
  #damagedEntries = 0
  #foreignKeys = 0
  #refusedValues = 0
  /** Bytes of values that were refused, by id. */
  readonly #refused = new Map<string, number>()

  constructor(store: MemoryStore, { ttlMs }: MemoryCacheConnection) {
    this.#store = store
    this.#ttlMs = ttlMs
  }

  async open(options: CacheOpenOptions): Promise<void> {
    const { branches, birthId } = readCacheOpenOptions(options)
    this.#branches = branches
    this.#space = this.#store.space(birthId)
  }

  close(): Promise<void> {
    return Promise.resolve()
  }

  health(): CacheHealth {
    return {
      failure: this.#store.answers() ? undefined : unavailable(),
      damagedEntries: this.#damagedEntries,
      foreignKeys: this.#foreignKeys,
      refusedValues: this.#refusedValues,
    }
  }

  readStripes(): Promise<readonly StripeReading[]> {
    return this.#step(() =>
      Array.from({ length: STRIPE_COUNT }, (_, stripe): StripeReading => {
        if (!this.#store.answers(stripe)) return { kind: 'unknown', because: 'disconnected' }
        const meta = this.#meta(stripe)
        return meta === undefined ? NO_META : { kind: 'state', state: this.#stateOf(stripe, meta) }
      }),
    )
  }

  believe(states: readonly StripeState[]): void {
    this.#beliefs.believe(states)
  }

  doubt(stripes?: readonly number[]): void {
    this.#beliefs.doubt(stripes)
  }

  async get(id: string): Promise<Lookup> {
    return (await this.getMany([id]))[0]!
  }

  /** What is believed counts from when it was asked; what is not any more when it is answered, does not. */
  async getMany(ids: readonly string[]): Promise<readonly Lookup[]> {
    const asked = ids.map((id) => ({ lookup: this.#lookup(id), belief: this.#beliefs.of(stripeOfId(id)) }))
    await Promise.resolve()
    return asked.map(({ lookup, belief }) => (belief?.isWithdrawn === true ? SUSPENDED : lookup))
  }

  #lookup(id: string): Lookup {
    const stripe = stripeOfId(id)
    const believed = this.#beliefs.of(stripe)
    if (believed === undefined) return SUSPENDED
    if (!this.#store.answers(stripe)) return { kind: 'unknown', because: 'disconnected' }
    const meta = this.#meta(stripe)
    if (meta === undefined || !standsAt(meta, believed)) return SUSPENDED
    const entry = this.#entry(id)
    const inForce = believed.leafEpochs.get(leafOf(this.#branches, id)) ?? believed.epoch
    if (entry?.epoch !== inForce) return { kind: 'absent' }
    if (entry.isDamaged !== true) return { kind: 'found', item: entry.item }
    this.#damagedEntries++
    this.#entries.delete(id)
    return { kind: 'absent' }
  }

  readPermits(ids: readonly string[]): Promise<readonly (CachePermit | undefined)[]> {
    if (ids.length === 0) return Promise.resolve([])
    return this.#step(() =>
      ids.map((id) => {
        const stripe = stripeOfId(id)
        const meta = this.#store.answers(stripe) ? this.#meta(stripe) : undefined
        if (meta === undefined || meta.epoch !== this.#beliefs.of(stripe)?.epoch) return undefined
        return { id, ...this.#inForce(meta, id) }
      }),
    )
  }

  /** A leaf that has none has the epoch of its stripe, and that as its token. */
  #inForce(meta: Meta, id: string): { epoch: string; token: string } {
    const leaf = meta.leaves.get(leafOf(this.#branches, id))
    return { epoch: leaf?.epoch ?? meta.epoch, token: leaf?.token ?? meta.epoch }
  }

  put(puts: readonly CachePut[]): Promise<readonly CachePutOutcome[]> {
    if (puts.length === 0) return Promise.resolve([])
    return this.#step(() => {
      if (this.#store.putLoss === 'unanswered') throw unavailable()
      // All puts of one call are judged by the tokens that were there before it.
      const tokens = puts.map(({ write: { id } }) => {
        const meta = this.#meta(stripeOfId(id))
        return meta && this.#inForce(meta, id).token
      })
      const outcomes = puts.map((put, index) => this.#putOne(put, tokens[index]))
      if (this.#store.putLoss === 'evicted') for (const { write } of puts) this.#entries.delete(write.id)
      return outcomes
    })
  }

  #putOne(put: CachePut, token: string | undefined): CachePutOutcome {
    const { write, version, createdAtMs, permit, kind } = put
    const { id, stamp, state, contentType } = write
    const stripe = stripeOfId(id)
    const meta = this.#store.answers(stripe) ? this.#meta(stripe) : undefined
    if (meta === undefined) return 'unknown'
    const isRefused = write.bytes !== undefined && this.#isRefused(id, write.bytes.length)
    if (isRefused && kind === 'fill') return 'skipped'
    const bytes = isRefused ? undefined : write.bytes
    const { epoch } = this.#inForce(meta, id)
    if (kind === 'write') this.#leaf(meta, leafOf(this.#branches, id)).token = this.#store.fresh()

    const entry = this.#entry(id)
    const existing = entry?.epoch === epoch ? entry.item.stamp : undefined
    if (existing !== undefined && !isNewer(stamp, existing)) return 'skipped'
    if (bytes === undefined) {
      if (existing !== undefined) this.#entries.delete(id)
      return 'removed'
    }
    if (permit?.epoch === epoch && (existing !== undefined || permit.token === token)) {
      const updatedAtMs = stampMs(stamp)
      this.#entries.set(id, {
        epoch,
        item: { id, bytes, stamp, version, state, contentType, createdAtMs, updatedAtMs },
        expiresAtMs: this.#ttlMs === undefined ? undefined : this.#store.nowMs() + this.#ttlMs,
      })
      return 'stored'
    }
    if (existing === undefined || kind === 'fill') return 'skipped'
    this.#entries.delete(id)
    return 'removed'
  }

  /** A value that the store does not take is remembered, and not offered again. */
  #isRefused(id: string, bytes: number): boolean {
    const isKnown = (this.#refused.get(id) ?? Infinity) <= bytes
    if (!isKnown && this.#store.offer(bytes)) return false
    if (!isKnown) this.#refused.set(id, bytes)
    this.#refusedValues++
    return true
  }

  createStripe(stripe: number, cut: Cut, leaves: readonly StoredLeaf[]): Promise<StripeState | undefined> {
    return this.#stepOn(stripe, () =>
      this.#meta(stripe) === undefined ? this.#createOrReset(stripe, cut, leaves) : undefined,
    )
  }

  resetStripe(
    expected: StripeState,
    cut: Cut,
    leaves: readonly StoredLeaf[],
  ): Promise<StripeState | undefined> {
    return this.#stepOn(expected.stripe, () =>
      this.#metaIf(expected) === undefined ? undefined : this.#createOrReset(expected.stripe, cut, leaves),
    )
  }

  #createOrReset(stripe: number, cut: Cut, leaves: readonly StoredLeaf[]): StripeState {
    const meta: Meta = { epoch: this.#store.fresh(), cut, leaves: new Map() }
    for (const leaf of leaves) this.#leaf(meta, leafNumber(leaf)).sums = leaf.sums
    this.#opened.metas[stripe] = meta
    return this.#stateOf(stripe, meta)
  }

  advanceStripe(
    state: StripeState,
    rows: readonly LedgerRow[],
    to: Cut,
  ): Promise<AdvancedStripe | undefined> {
    return this.#stepOn(state.stripe, () => {
      const meta = this.#metaIf(state)
      if (meta === undefined) return undefined
      const removed = new Set<string>()
      for (const row of rows) {
        for (const entry of row.entries) {
          if (stripeOfId(entry.id) !== state.stripe) continue
          const existing = this.#entry(entry.id)?.item.stamp
          if (existing !== undefined && isOutdated(existing, entry.stamp, row.kind)) {
            this.#entries.delete(entry.id)
            removed.add(entry.id)
          }
          const leaf = this.#leaf(meta, leafOf(this.#branches, entry.id))
          leaf.token = this.#store.fresh()
          leaf.sums = this.#store.addEntry(leaf.sums, entry)
        }
      }
      meta.cut = to
      return { state: this.#stateOf(state.stripe, meta), removedIds: [...removed] }
    })
  }

  readReceipt(stripe: number): Promise<{ state: StripeState; leaves: readonly StoredLeaf[] } | undefined> {
    return this.#stepOn(stripe, () => {
      const meta = this.#meta(stripe)
      if (meta === undefined) return undefined
      const leaves: StoredLeaf[] = []
      for (const [leaf, { sums }] of meta.leaves) {
        if (sums === undefined || sums.every((byte) => byte === 0)) continue
        leaves.push({ ...leafAddress(leaf), sums })
      }
      return { state: this.#stateOf(stripe, meta), leaves }
    })
  }

  invalidateLeaves(state: StripeState, leaves: readonly StoredLeaf[]): Promise<StripeState | undefined> {
    this.doubt([state.stripe])
    return this.#stepOn(state.stripe, () => {
      const meta = this.#metaIf(state)
      if (meta === undefined) return undefined
      for (const leaf of leaves) {
        Object.assign(this.#leaf(meta, leafNumber(leaf)), {
          epoch: this.#store.fresh(),
          token: this.#store.fresh(),
          sums: leaf.sums,
        })
      }
      return this.#stateOf(state.stripe, meta)
    })
  }

  renewEpoch(state: StripeState): Promise<boolean> {
    this.doubt([state.stripe])
    return this.#stepOn(state.stripe, () => {
      const meta = this.#meta(state.stripe)
      if (meta?.epoch !== state.epoch) return false
      meta.epoch = this.#store.fresh()
      for (const leaf of meta.leaves.values()) delete leaf.epoch
      return true
    })
  }

  timeToLiveMs(id: string): Promise<number | undefined> {
    return this.#stepOn(stripeOfId(id), () => {
      const expiresAtMs = this.#entry(id)?.expiresAtMs
      return expiresAtMs === undefined ? undefined : expiresAtMs - this.#store.nowMs()
    })
  }

  keyOf(id: string): string {
    return `memory:${id}`
  }

  get #opened(): Space {
    invariant(this.#space !== undefined, 'the cache is open')
    return this.#space
  }

  get #entries(): Space['entries'] {
    return this.#opened.entries
  }

  #stateOf(stripe: number, { cut, epoch, leaves }: Meta): StripeState {
    const state: StripeState = { stripe, cut, epoch }
    const leafEpochs = new Map<number, string>()
    for (const [leaf, fields] of leaves) if (fields.epoch !== undefined) leafEpochs.set(leaf, fields.epoch)
    this.#beliefs.note(state, leafEpochs)
    return state
  }

  /** What is of another type is removed, and counts as not there. */
  #meta(stripe: number): Meta | undefined {
    const meta = this.#opened.metas[stripe]
    if (meta !== ANOTHER_TYPE) return meta
    this.#foreignKeys++
    this.#opened.metas[stripe] = undefined
    return undefined
  }

  #entry(id: string): Entry | undefined {
    const entry = this.#entries.get(id)
    if (entry === ANOTHER_TYPE) this.#foreignKeys++
    else if (entry?.expiresAtMs === undefined || this.#store.nowMs() < entry.expiresAtMs) return entry
    this.#entries.delete(id)
    return undefined
  }

  #metaIf(expected: StripeState): Meta | undefined {
    const meta = this.#meta(expected.stripe)
    return meta?.epoch === expected.epoch && equalCuts(meta.cut, expected.cut) ? meta : undefined
  }

  #leaf(meta: Meta, leaf: number): Leaf {
    let found = meta.leaves.get(leaf)
    if (found === undefined) meta.leaves.set(leaf, (found = {}))
    return found
  }

  #stepOn<T>(stripe: number, work: () => T): Promise<T> {
    return this.#store.answers(stripe) ? this.#step(work) : Promise.reject(unavailable())
  }

  /** Does all of it at once, or fails as a server that does not answer. */
  #step<T>(work: () => T): Promise<T> {
    if (!this.#store.answers()) return Promise.reject(unavailable())
    return new Promise((resolve) => resolve(work()))
  }
}

/** A correction tells of a row whose content changed under the stamp it had: that stamp's entry goes too. */
function isOutdated(existing: Stamp, told: Stamp, kind: LedgerRow['kind']): boolean {
  const order = compareStamps(existing, told)
  return kind === 'correction' ? order <= 0 : order < 0
}

function unavailable(): TierUnavailable {
  return new TierUnavailable('memory cache: set unavailable')
}
