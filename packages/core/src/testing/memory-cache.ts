import { createBranchSet, type BranchSet } from '../branch.ts'
import { equalCuts, type Cut } from '../cut.ts'
import { TierUnavailable } from '../errors.ts'
import { bucketOfId, stripeOfId, STRIPE_COUNT } from '../hash.ts'
import type { StoredItem } from '../item.ts'
import type { Random } from '../random.ts'
import { compareStamps, isNewer, stampMs, type Stamp } from '../stamp.ts'
import type {
  CachePermit,
  CachePut,
  CachePutOutcome,
  CacheTier,
  LedgerEntry,
  LedgerRow,
  Lookup,
  StoredLeaf,
  StripeState,
} from '../tier.ts'

/** Bytes of a leaf's encoded sums; all zero: nothing in the leaf. */
const LEAF_SUMS_BYTES = 28

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

interface Entry {
  readonly epoch: string
  readonly item: StoredItem
  readonly expiresAtMs: number | undefined
}

interface Leaf {
  token?: string
  epoch?: string
  sums?: Uint8Array
}

interface Meta {
  epoch: string
  cut: Cut
  readonly leaves: Map<number, Leaf>
}

/** A stripe as it was: entries and meta, as an older dump of Redis would bring them back. */
export interface StripeSnapshot {
  readonly stripe: number
  readonly meta: Meta | undefined
  readonly entries: ReadonlyMap<string, Entry>
}

/** What stands in for Redis: one store, and as many tiers on it as there are processes. */
export interface MemoryCacheServer {
  /** Another process. */
  connect(options?: MemoryCacheConnection): CacheTier
  /** `false`: lookups answer `unknown`, everything else throws `TierUnavailable`. */
  setAvailable(isAvailable: boolean): void
  /** Loses the entry of an id, as eviction does. */
  evict(id: string): void
  /** Loses the meta of a stripe; its entries stay. */
  dropMeta(stripe: number): void
  /** Damages the entry of an id, if there is one. */
  tamper(id: string, change: (item: StoredItem) => StoredItem): void
  /** Loses everything. */
  clear(): void
  snapshot(stripe: number): StripeSnapshot
  /** Puts a stripe back to what it was. */
  restore(snapshot: StripeSnapshot): void
}

/** A cache tier in memory, with the store it is on. */
export interface MemoryCache extends CacheTier {
  readonly server: MemoryCacheServer
}

/**
 * The rules of the shared cache in memory, for tests: the same contract suite as Redis runs against it, and a
 * model test runs random interleavings on it. Every method does its work in one step, before it returns.
 */
export function memoryCache(options: MemoryCacheOptions & MemoryCacheConnection): MemoryCache {
  const server = new MemoryServer(options)
  return Object.assign(server.connect(options), { server })
}

class MemoryServer implements MemoryCacheServer {
  readonly options: MemoryCacheOptions
  readonly #entries = new Map<string, Entry>()
  readonly metas: (Meta | undefined)[] = Array.from({ length: STRIPE_COUNT }, () => undefined)
  isAvailable = true

  constructor(options: MemoryCacheOptions) {
    this.options = options
  }

  connect(options: MemoryCacheConnection = {}): CacheTier {
    return new MemoryCacheTier(this, options)
  }

  setAvailable(isAvailable: boolean): void {
    this.isAvailable = isAvailable
  }

  evict(id: string): void {
    this.#entries.delete(id)
  }

  dropMeta(stripe: number): void {
    this.metas[stripe] = undefined
  }

  tamper(id: string, change: (item: StoredItem) => StoredItem): void {
    const entry = this.#entries.get(id)
    if (entry !== undefined) this.#entries.set(id, { ...entry, item: change(entry.item) })
  }

  clear(): void {
    this.#entries.clear()
    this.metas.fill(undefined)
  }

  snapshot(stripe: number): StripeSnapshot {
    const entries = new Map([...this.#entries].filter(([id]) => stripeOfId(id) === stripe))
    return { stripe, meta: copyMeta(this.metas[stripe]), entries }
  }

  restore(snapshot: StripeSnapshot): void {
    for (const id of [...this.#entries.keys()])
      if (stripeOfId(id) === snapshot.stripe) this.#entries.delete(id)
    for (const [id, entry] of snapshot.entries) this.#entries.set(id, entry)
    this.metas[snapshot.stripe] = copyMeta(snapshot.meta)
  }

  entry(id: string): Entry | undefined {
    const entry = this.#entries.get(id)
    if (entry?.expiresAtMs === undefined || this.nowMs() < entry.expiresAtMs) return entry
    this.#entries.delete(id)
    return undefined
  }

  store(entry: Entry): void {
    this.#entries.set(entry.item.id, entry)
  }

  nowMs(): number {
    return this.options.nowMs?.() ?? 0
  }

  fresh(): string {
    return Array.from(this.options.random.bytes(8), (byte) => byte.toString(16).padStart(2, '0')).join('')
  }
}

/** What a tier last heard of a stripe. */
interface Known {
  readonly epoch: string
  readonly leafEpochs: ReadonlyMap<number, string>
}

class MemoryCacheTier implements CacheTier {
  readonly backend = 'memory'
  readonly #server: MemoryServer
  readonly #ttlMs: number | undefined
  readonly #known: (Known | undefined)[] = Array.from({ length: STRIPE_COUNT }, () => undefined)
  #branches: BranchSet = createBranchSet()

  constructor(server: MemoryServer, { ttlMs }: MemoryCacheConnection) {
    this.#server = server
    this.#ttlMs = ttlMs
  }

  open(options: { branches: readonly string[] }): Promise<void> {
    this.#branches = createBranchSet(options.branches.filter((prefix) => prefix !== ''))
    return Promise.resolve()
  }

  close(): Promise<void> {
    return Promise.resolve()
  }

  readStripes(): Promise<readonly (StripeState | undefined)[]> {
    return this.#step(() => this.#server.metas.map((_, stripe) => this.#learn(stripe)))
  }

  #learn(stripe: number): StripeState | undefined {
    const meta = this.#server.metas[stripe]
    this.#known[stripe] = meta && {
      epoch: meta.epoch,
      leafEpochs: new Map(
        [...meta.leaves].flatMap(([leaf, { epoch }]) =>
          epoch === undefined ? [] : [[leaf, epoch] as const],
        ),
      ),
    }
    return meta && { stripe, cut: meta.cut, epoch: meta.epoch }
  }

  async get(id: string): Promise<Lookup> {
    return (await this.getMany([id]))[0]!
  }

  getMany(ids: readonly string[]): Promise<readonly Lookup[]> {
    return Promise.resolve(ids.map((id) => this.#lookup(id)))
  }

  #lookup(id: string): Lookup {
    const known = this.#known[stripeOfId(id)]
    if (known === undefined) return { kind: 'unknown', because: 'suspended' }
    if (!this.#server.isAvailable) return { kind: 'unknown', because: 'disconnected' }
    const entry = this.#server.entry(id)
    const inForce = known.leafEpochs.get(this.#leafOf(id)) ?? known.epoch
    return entry?.epoch === inForce ? { kind: 'found', item: entry.item } : { kind: 'absent' }
  }

  readPermits(ids: readonly string[]): Promise<readonly (CachePermit | undefined)[]> {
    if (ids.length === 0) return Promise.resolve([])
    return this.#step(() =>
      ids.map((id) => {
        const meta = this.#server.metas[stripeOfId(id)]
        return meta && { id, ...this.#inForce(meta, id) }
      }),
    )
  }

  /** A leaf that has none has the epoch of its stripe, and that as its token. */
  #inForce(meta: Meta, id: string): { epoch: string; token: string } {
    const leaf = meta.leaves.get(this.#leafOf(id))
    return { epoch: leaf?.epoch ?? meta.epoch, token: leaf?.token ?? meta.epoch }
  }

  put(puts: readonly CachePut[]): Promise<readonly CachePutOutcome[]> {
    if (puts.length === 0) return Promise.resolve([])
    return this.#step(() => {
      // All puts of one call are judged by the tokens that were there before it.
      const tokens = puts.map(({ write: { id } }) => {
        const meta = this.#server.metas[stripeOfId(id)]
        return meta && this.#inForce(meta, id).token
      })
      return puts.map((put, index) => this.#putOne(put, tokens[index]))
    })
  }

  #putOne(
    { write, version, createdAtMs, permit, kind }: CachePut,
    token: string | undefined,
  ): CachePutOutcome {
    const { id, stamp, bytes, state, contentType } = write
    const meta = this.#server.metas[stripeOfId(id)]
    if (meta === undefined) return 'unknown'
    const { epoch } = this.#inForce(meta, id)
    if (kind === 'write') this.#leaf(meta, this.#leafOf(id)).token = this.#server.fresh()

    const entry = this.#server.entry(id)
    const existing = entry?.epoch === epoch ? entry.item.stamp : undefined
    if (existing !== undefined && !isNewer(stamp, existing)) return 'skipped'
    if (bytes === undefined) {
      if (existing !== undefined) this.#server.evict(id)
      return 'removed'
    }
    if (permit?.epoch === epoch && (existing !== undefined || permit.token === token)) {
      const updatedAtMs = stampMs(stamp)
      this.#server.store({
        epoch,
        item: { id, bytes, stamp, version, state, contentType, createdAtMs, updatedAtMs },
        expiresAtMs: this.#ttlMs === undefined ? undefined : this.#server.nowMs() + this.#ttlMs,
      })
      return 'stored'
    }
    if (existing === undefined || kind === 'fill') return 'skipped'
    this.#server.evict(id)
    return 'removed'
  }

  createStripe(stripe: number, cut: Cut, leaves: readonly StoredLeaf[]): Promise<boolean> {
    return this.#step(() => {
      if (this.#server.metas[stripe] !== undefined) return false
      this.#seat(stripe, cut, leaves)
      return true
    })
  }

  resetStripe(expected: StripeState, cut: Cut, leaves: readonly StoredLeaf[]): Promise<boolean> {
    return this.#step(() => {
      if (this.#metaIf(expected) === undefined) return false
      this.#seat(expected.stripe, cut, leaves)
      return true
    })
  }

  #seat(stripe: number, cut: Cut, leaves: readonly StoredLeaf[]): void {
    const meta: Meta = { epoch: this.#server.fresh(), cut, leaves: new Map() }
    for (const { branch, bucket, sums } of leaves) this.#leaf(meta, branch * 65_536 + bucket).sums = sums
    this.#server.metas[stripe] = meta
    this.#learn(stripe)
  }

  finishStripe(
    state: StripeState,
    rows: readonly LedgerRow[],
    to: Cut,
  ): Promise<readonly string[] | undefined> {
    return this.#step(() => {
      const meta = this.#metaIf(state)
      if (meta === undefined) return undefined
      const removed = new Set<string>()
      for (const row of rows) {
        for (const entry of row.entries) {
          if (stripeOfId(entry.id) !== state.stripe) continue
          const existing = this.#server.entry(entry.id)?.item.stamp
          if (existing !== undefined && isOutdated(existing, entry.stamp, row.kind)) {
            this.#server.evict(entry.id)
            removed.add(entry.id)
          }
          const leaf = this.#leaf(meta, this.#leafOf(entry.id))
          leaf.token = this.#server.fresh()
          leaf.sums = this.#server.options.addEntry(leaf.sums ?? new Uint8Array(LEAF_SUMS_BYTES), entry)
        }
      }
      meta.cut = to
      return [...removed]
    })
  }

  readReceipt(stripe: number): Promise<{ state: StripeState; leaves: readonly StoredLeaf[] } | undefined> {
    return this.#step(() => {
      const meta = this.#server.metas[stripe]
      if (meta === undefined) return undefined
      const leaves: StoredLeaf[] = []
      for (const [leaf, { sums }] of meta.leaves) {
        if (sums === undefined || sums.every((byte) => byte === 0)) continue
        leaves.push({ branch: Math.floor(leaf / 65_536), bucket: leaf % 65_536, sums })
      }
      return { state: { stripe, cut: meta.cut, epoch: meta.epoch }, leaves }
    })
  }

  invalidateLeaves(state: StripeState, leaves: readonly StoredLeaf[]): Promise<boolean> {
    return this.#step(() => {
      const meta = this.#metaIf(state)
      if (meta === undefined) return false
      for (const { branch, bucket, sums } of leaves) {
        Object.assign(this.#leaf(meta, branch * 65_536 + bucket), {
          epoch: this.#server.fresh(),
          token: this.#server.fresh(),
          sums,
        })
      }
      this.#learn(state.stripe)
      return true
    })
  }

  timeToLiveMs(id: string): Promise<number | undefined> {
    return this.#step(() => {
      const expiresAtMs = this.#server.entry(id)?.expiresAtMs
      return expiresAtMs === undefined ? undefined : expiresAtMs - this.#server.nowMs()
    })
  }

  keyOf(id: string): string {
    return `memory:${id}`
  }

  #metaIf(expected: StripeState): Meta | undefined {
    const meta = this.#server.metas[expected.stripe]
    return meta?.epoch === expected.epoch && equalCuts(meta.cut, expected.cut) ? meta : undefined
  }

  #leaf(meta: Meta, leaf: number): Leaf {
    let found = meta.leaves.get(leaf)
    if (found === undefined) meta.leaves.set(leaf, (found = {}))
    return found
  }

  #leafOf(id: string): number {
    return this.#branches.branchOf(id) * 65_536 + bucketOfId(id)
  }

  /** Does all of it at once, or fails as a server that does not answer. */
  #step<T>(work: () => T): Promise<T> {
    if (!this.#server.isAvailable) return Promise.reject(new TierUnavailable('memory cache: set unavailable'))
    return new Promise((resolve) => resolve(work()))
  }
}

/** A correction tells of a row whose content changed under the stamp it had: that stamp's entry goes too. */
function isOutdated(existing: Stamp, told: Stamp, kind: LedgerRow['kind']): boolean {
  const order = compareStamps(existing, told)
  return kind === 'correction' ? order <= 0 : order < 0
}

function copyMeta(meta: Meta | undefined): Meta | undefined {
  return meta && { ...meta, leaves: new Map([...meta.leaves].map(([leaf, fields]) => [leaf, { ...fields }])) }
}
