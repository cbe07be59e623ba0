import {
  SerialQueue,
  type CachePermit,
  type CachePut,
  type CommittedBatch,
  type ItemWrite,
  type StoresEntries,
} from '@se/core'
import { timed, type Telemetry } from '../telemetry.ts'

/** Batches that wait for a cache that is slow; further ones do without it, or they would pile up in memory. */
const CACHE_PUTS_MAX = 4

export interface CacheDeliveryPorts {
  /** The cache while it may be written to; asked anew for each batch. */
  readonly cache: () => StoresEntries | undefined
  readonly telemetry: Telemetry
  /** Told how many items L2 has taken. */
  readonly delivered: (items: number) => void
}

/** The right to write a batch's winners into the cache, as it was before the batch was sent [P51]. */
export interface DeliveryRight {
  readonly cache: StoresEntries
  readonly permits: readonly (CachePermit | undefined)[]
}

/** Tells L2 what a batch has changed: best effort, beside the next batch. What is missed here is made good by the process that advances the stripe. */
export class CacheDelivery {
  readonly #ports: CacheDeliveryPorts
  /** The writes to L2: a batch's waits for those of the batch before. */
  readonly #puts = new SerialQueue()
  #waitingCount = 0

  constructor(ports: CacheDeliveryPorts) {
    this.#ports = ports
  }

  /** Waits until L2 has been told of all batches so far; how it went is not told. */
  settled(): Promise<void> {
    return this.#puts.idle()
  }

  /** Asked for before the transaction begins: what held then is what gives the right to create. */
  async ask(writes: readonly ItemWrite[]): Promise<DeliveryRight | undefined> {
    const cache = this.#ports.cache()
    if (cache === undefined) return undefined
    try {
      return { cache, permits: await cache.readPermits(writes.map(({ id }) => id)) }
    } catch {
      return undefined
    }
  }

  /** @param right as it was asked for before the batch was sent */
  deliver(right: DeliveryRight | undefined, writes: readonly ItemWrite[], committed: CommittedBatch): void {
    // A settled batch was committed before its permits were read: they give no right to create.
    if (right === undefined || committed.wasCommittedBefore || this.#waitingCount >= CACHE_PUTS_MAX) return
    const puts: CachePut[] = []
    for (const [index, outcome] of committed.outcomes.entries()) {
      if (outcome.kind !== 'won') continue
      const write = writes[index]!
      puts.push({
        write,
        version: write.bytes === undefined ? 0 : outcome.version,
        createdAtMs: outcome.createdAtMs,
        permit: right.permits[index],
        kind: 'write',
      })
    }
    if (puts.length === 0) return
    this.#waitingCount++
    void this.#puts.run(() => this.#put(right.cache, puts)).finally(() => void this.#waitingCount--)
  }

  async #put(cache: StoresEntries, puts: readonly CachePut[]): Promise<void> {
    const { telemetry, delivered } = this.#ports
    try {
      const outcomes = await timed(telemetry, { tier: 'L2', operation: 'batch_write' }, () => cache.put(puts))
      const taken = puts.filter((_, index) => outcomes[index] === 'stored' || outcomes[index] === 'removed')
      const bytes = taken.reduce((sum, { write }) => sum + (write.bytes?.length ?? 0), 0)
      telemetry.observer.batch?.({ tier: 'L2', items: puts.length, bytes })
      telemetry.observer.written?.({ tier: 'L2', items: taken.length, bytes })
      delivered(taken.length)
    } catch {
      // Told by the operation's own event. What L2 lacks is made good when its stripes are advanced.
    }
  }
}
