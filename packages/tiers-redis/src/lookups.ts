import type { BranchSet, Lookup } from '@se/core'
import { bucketOf, hashId, stripeOfBucket, STRIPE_COUNT } from '@se/core/hash'
import type { Belief, Beliefs } from './beliefs.ts'
import type { ScriptClient } from './client.ts'
import type { RedisConnection } from './connection.ts'
import { decodeEntry, isIntact } from './entry.ts'
import { becauseOf, unknownCauseOf } from './failures.ts'
import { leafNumber, type CacheKeys } from './keys.ts'
import { cutNameOf, isMark, type KnownCuts } from './mark.ts'
import type { CacheClock } from './options.ts'
import { planReads, type AskedStripe, type ReadCall } from './read-plan.ts'

export interface LookupPorts {
  readonly connection: Pick<RedisConnection, 'run' | 'isCluster'>
  readonly keys: CacheKeys
  readonly branches: BranchSet
  readonly beliefs: Beliefs
  readonly cuts: KnownCuts
  readonly clock: Pick<CacheClock, 'monotonicMs'>
  /** After so long no further window of calls is sent, ms. */
  readonly timeoutMs: number
  /** The entry under an id was damaged. */
  readonly onDamaged: (id: string, key: string) => void
}

const ABSENT: Lookup = Object.freeze({ kind: 'absent' })
/** Nothing is believed of the stripe, or it does not stand where it is believed to. */
const SUSPENDED: Lookup = Object.freeze({ kind: 'unknown', because: 'suspended' })

/** What came before took too long. */
const TOO_LATE: Lookup = Object.freeze({ kind: 'unknown', because: 'timeout' })
const FIRST: readonly number[] = Object.freeze([0])

/** What was asked for, by its place in the caller's list. */
interface Asked {
  readonly ids: readonly string[]
  /** First word of each id's hash. */
  readonly hashes: Uint32Array
  readonly lookups: Lookup[]
}

/**
 * Reads entries. Each is read together with the stand of its stripe, in one command, so that what comes from a store that
 * went back, or is another one, shows in the answer itself.
 */
export class Lookups {
  readonly #ports: LookupPorts
  /** By name of a cut that is being asked for. */
  readonly #learning = new Map<string, Promise<void>>()

  constructor(ports: LookupPorts) {
    this.#ports = ports
  }

  /** As `getMany` of one, with less to do around it. */
  async get(id: string): Promise<Lookup> {
    const hashes = hashId(id)
    const stripe = stripeOfBucket(bucketOf(hashes))
    const belief = this.#ports.beliefs.get(stripe)
    if (belief === undefined) return SUSPENDED
    const asked: Asked = { ids: [id], hashes, lookups: [SUSPENDED] }
    await this.#read(asked, { stripes: [{ stripe, belief, positions: FIRST }] })
    return asked.lookups[0]!
  }

  async getMany(ids: readonly string[]): Promise<readonly Lookup[]> {
    const { beliefs, connection, clock, timeoutMs } = this.#ports
    const startedMs = clock.monotonicMs()
    const asked: Asked = {
      ids,
      hashes: new Uint32Array(ids.length),
      lookups: new Array<Lookup>(ids.length).fill(SUSPENDED),
    }
    const positions: (number[] | undefined)[] = new Array<undefined>(STRIPE_COUNT).fill(undefined)
    const hash = new Uint32Array(4)
    for (let index = 0; index < ids.length; index++) {
      const stripe = stripeOfBucket(bucketOf(hashId(ids[index]!, hash)))
      asked.hashes[index] = hash[0]!
      ;(positions[stripe] ??= []).push(index)
    }
    const stripes: AskedStripe[] = []
    positions.forEach((ofStripe, stripe) => {
      const belief = ofStripe === undefined ? undefined : beliefs.get(stripe)
      if (ofStripe !== undefined && belief !== undefined)
        stripes.push({ stripe, belief, positions: ofStripe })
    })
    for (const window of planReads(stripes, connection.isCluster)) {
      if (clock.monotonicMs() - startedMs >= timeoutMs) fillIn(asked, window, TOO_LATE)
      else await Promise.all(window.map((call) => this.#read(asked, call)))
    }
    return asked.lookups
  }

  async #read(asked: Asked, call: ReadCall): Promise<void> {
    const { keys } = this.#ports
    const names: string[] = []
    for (const { stripe, positions } of call.stripes) {
      names.push(keys.stand(stripe))
      for (const index of positions) names.push(keys.itemIn(stripe, asked.ids[index]!))
    }
    let answers: (Buffer | null)[]
    try {
      const stripe = call.stripes.length === 1 ? call.stripes[0]!.stripe : undefined
      answers = await this.#ports.connection.run(stripe, (client: ScriptClient) => client.mgetBuffer(names))
    } catch (error) {
      return this.#failed(asked, call, error)
    }
    let at = 0
    for (const part of call.stripes) {
      const mark = answers[at++] ?? null
      const entries = answers.slice(at, (at += part.positions.length))
      await this.#judge(asked, part, mark, entries)
    }
  }

  async #failed(asked: Asked, call: ReadCall, error: unknown): Promise<void> {
    if (becauseOf(error) === 'no-permission-for-key' && call.stripes.length > 1) {
      await Promise.all(call.stripes.map((part) => this.#read(asked, { stripes: [part] })))
      return
    }
    // Of a Cluster one node is missing, and not the cache.
    const because = this.#ports.connection.isCluster ? 'suspended' : unknownCauseOf(error)
    fillIn(asked, [call], { kind: 'unknown', because, cause: error })
    // Until a process has read the stripe again: one that asks meanwhile need not wait for the same.
    this.#ports.beliefs.doubt(call.stripes.map(({ stripe }) => stripe))
  }

  async #judge(
    asked: Asked,
    { stripe, belief, positions }: AskedStripe,
    mark: Buffer | null,
    entries: readonly (Buffer | null)[],
  ): Promise<void> {
    if (!isMark(mark)) return
    if (belief.standing(mark) === 'moved') await this.#learn(stripe, belief, cutNameOf(mark))
    if (belief.isWithdrawn || belief.standing(mark) !== 'stands') return
    for (let at = 0; at < positions.length; at++) {
      const index = positions[at]!
      asked.lookups[index] = this.#lookup(
        asked.ids[index]!,
        asked.hashes[index]!,
        belief,
        entries[at] ?? null,
      )
    }
  }

  #lookup(id: string, idHash: number, belief: Belief, entry: Buffer | null): Lookup {
    const { branches, keys, onDamaged } = this.#ports
    if (entry === null || !belief.isCurrent(entry, () => leafNumber(branches.branchOf(id), idHash >>> 16)))
      return ABSENT
    if (isIntact(entry, idHash)) return { kind: 'found', item: decodeEntry(id, entry) }
    onDamaged(id, keys.item(id))
    return ABSENT
  }

  /** The stripe has moved since it was believed to stand somewhere: forward, or back? Its cut says so. */
  async #learn(stripe: number, belief: Belief, name: string): Promise<void> {
    const { cuts, keys, connection } = this.#ports
    if (cuts.named(name) === undefined) {
      let learning = this.#learning.get(name)
      if (learning === undefined) {
        learning = connection
          .run(stripe, (client) => client.hgetBuffer(keys.meta(stripe), 'cut'))
          .then((text) => {
            if (text !== null) cuts.decode(text.toString('latin1'))
          })
          // Then it stays unknown, and so does what was asked for.
          .catch(() => undefined)
          .finally(() => this.#learning.delete(name))
        this.#learning.set(name, learning)
      }
      await learning
    }
    const cut = cuts.named(name)
    if (cut !== undefined) belief.judgeCut(name, cut)
  }
}

function fillIn(asked: Asked, calls: readonly ReadCall[], lookup: Lookup): void {
  for (const { stripes } of calls) {
    for (const { positions } of stripes) for (const index of positions) asked.lookups[index] = lookup
  }
}
