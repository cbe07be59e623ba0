import {
  invariant,
  readCacheOpenOptions,
  type CacheHealth,
  type CacheOpenOptions,
  type CachePermit,
  type CachePut,
  type CachePutOutcome,
  type CompleteCacheTier,
  type Cut,
  type AdvancedStripe,
  type LedgerRow,
  type Lookup,
  type StoredLeaf,
  type StripeReading,
  type StripeState,
} from '@se/core'
import { stripeOfId } from '@se/core/hash'
import { Beliefs } from './beliefs.ts'
import { createConnection, type RedisConnection } from './connection.ts'
import { createCacheKeys, type CacheKeys } from './keys.ts'
import { Lookups } from './lookups.ts'
import { KnownCuts } from './mark.ts'
import { parseOptions, type ParsedOptions, type RedisCacheOptions } from './options.ts'
import { readPermits, type PermitPorts } from './permits.ts'
import { Puts } from './puts.ts'
import { Refusals } from './refusals.ts'
import { Stripes } from './stripes.ts'

/** A cache tier on Redis, and where its keys are. */
export interface RedisCache extends CompleteCacheTier {
  /** Key of a stripe's meta, a hash: epoch, cut, tokens, sums. For tools that look or plant; known once it is open. */
  metaKeyOf(stripe: number): string
  /** Key of a stripe's stand, which goes with its meta. */
  standKeyOf(stripe: number): string
}

/**
 * The shared cache on Redis, standalone or Cluster. Nothing is connected before `open`; a Redis that is down
 * is a cache that answers `unknown`, and is used again as soon as it is back.
 *
 * @throws InvalidConfig naming the field
 */
export function redisCache(options: RedisCacheOptions): RedisCache {
  return new RedisCacheTier(parseOptions(options))
}

/** What there is once the archive is known. */
interface Opened {
  readonly keys: CacheKeys
  readonly lookups: Lookups
  readonly puts: Puts
  readonly stripes: Stripes
  readonly permits: PermitPorts
}

class RedisCacheTier implements RedisCache {
  readonly backend = 'redis'
  readonly #options: ParsedOptions
  /** Another one each time it is opened: a client that was ended does not connect again. */
  #connection: RedisConnection
  readonly #beliefs = new Beliefs()
  readonly #refusals: Refusals
  #damagedEntries = 0
  #foreignKeys = 0
  #openedParts: Opened | undefined

  constructor(options: ParsedOptions) {
    this.#options = options
    this.#connection = createConnection(options)
    this.#refusals = new Refusals(options.clock, options.valueBytesMax)
  }

  async open(options: CacheOpenOptions): Promise<void> {
    const { branches, birthId } = readCacheOpenOptions(options)
    const { prefix, random, ttlMs, clock, commandTimeoutMs: timeoutMs } = this.#options
    const keys = createCacheKeys(prefix, birthId)
    if (this.#connection.isClosed) this.#connection = createConnection(this.#options)
    const [connection, beliefs, refusals] = [this.#connection, this.#beliefs, this.#refusals]
    const shared = { connection, keys, branches, random, beliefs, cuts: new KnownCuts() }
    const onForeignKeys = (count: number) => (this.#foreignKeys += count)
    const onDamaged = (_: string, key: string) => this.#removeDamaged(key)
    this.#openedParts = {
      keys,
      lookups: new Lookups({ ...shared, clock, timeoutMs, onDamaged }),
      puts: new Puts({ ...shared, refusals, ttlMs, onForeignKeys }),
      stripes: new Stripes({ ...shared, onForeignKeys }),
      permits: shared,
    }
    await this.#connection.open()
  }

  close(): Promise<void> {
    this.#beliefs.doubt()
    return this.#connection.close()
  }

  health(): CacheHealth {
    return {
      failure: this.#connection.failure,
      damagedEntries: this.#damagedEntries,
      foreignKeys: this.#foreignKeys,
      refusedValues: this.#refusals.count,
    }
  }

  readStripes(): Promise<readonly StripeReading[]> {
    return this.#opened.stripes.readAll()
  }

  believe(states: readonly StripeState[]): void {
    this.#beliefs.believe(states)
  }

  doubt(stripes?: readonly number[]): void {
    this.#beliefs.doubt(stripes)
  }

  get(id: string): Promise<Lookup> {
    return this.#opened.lookups.get(id)
  }

  getMany(ids: readonly string[]): Promise<readonly Lookup[]> {
    return this.#opened.lookups.getMany(ids)
  }

  async readPermits(ids: readonly string[]): Promise<readonly (CachePermit | undefined)[]> {
    return ids.length === 0 ? [] : readPermits(this.#opened.permits, ids)
  }

  put(puts: readonly CachePut[]): Promise<readonly CachePutOutcome[]> {
    return this.#opened.puts.put(puts)
  }

  createStripe(stripe: number, cut: Cut, leaves: readonly StoredLeaf[]): Promise<StripeState | undefined> {
    return this.#opened.stripes.createOrReset(stripe, undefined, cut, leaves)
  }

  resetStripe(
    expected: StripeState,
    cut: Cut,
    leaves: readonly StoredLeaf[],
  ): Promise<StripeState | undefined> {
    return this.#opened.stripes.createOrReset(expected.stripe, expected, cut, leaves)
  }

  advanceStripe(
    state: StripeState,
    rows: readonly LedgerRow[],
    to: Cut,
  ): Promise<AdvancedStripe | undefined> {
    return this.#opened.stripes.advance(state, rows, to)
  }

  readReceipt(stripe: number): Promise<{ state: StripeState; leaves: readonly StoredLeaf[] } | undefined> {
    return this.#opened.stripes.readReceipt(stripe)
  }

  invalidateLeaves(state: StripeState, leaves: readonly StoredLeaf[]): Promise<StripeState | undefined> {
    return this.#opened.stripes.invalidate(state, leaves)
  }

  renewEpoch(state: StripeState): Promise<boolean> {
    return this.#opened.stripes.renew(state)
  }

  async timeToLiveMs(id: string): Promise<number | undefined> {
    const key = this.keyOf(id)
    const leftMs = await this.#connection.run(stripeOfId(id), (client) => client.pttl(key))
    return leftMs >= 0 ? leftMs : undefined
  }

  keyOf(id: string): string {
    return this.#opened.keys.item(id)
  }

  metaKeyOf(stripe: number): string {
    return this.#opened.keys.meta(stripe)
  }

  standKeyOf(stripe: number): string {
    return this.#opened.keys.stand(stripe)
  }

  get #opened(): Opened {
    invariant(this.#openedParts !== undefined, 'the cache was opened, and so knows whose it is')
    return this.#openedParts
  }

  /** It answers nothing any more, but would stand in the way of comparing stamps. */
  #removeDamaged(key: string): void {
    this.#damagedEntries++
    this.#connection.run(undefined, (client) => client.unlink(key)).catch(() => undefined)
  }
}
