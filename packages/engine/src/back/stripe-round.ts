import {
  equalCuts,
  invariant,
  type CacheTier,
  type Clock,
  type Cut,
  type LedgerTail,
  type StripeReading,
  type StripeState,
} from '@se/core'
import { isOnTheWayTo } from '../seam/standing.ts'
import type { LedgerTails } from './ledger-tails.ts'
import { storedLeaves, type StripeLeaves } from './receipts.ts'
import type { WayToHeads } from './stripe-judgement.ts'
import type { StripeStandings } from './stripe-standings.ts'
import { hasGoneBack, wayToHeads } from './way-to-heads.ts'

/** What bringing the stripes to the heads did. */
export interface Work {
  created: number
  reset: number
  advanced: number
  readonly removedIds: string[]
  /** Stripes that another round would not bring further. */
  left: number
}

export function noWork(): Work {
  return { created: 0, reset: 0, advanced: 0, removedIds: [], left: 0 }
}

/** The tree's leaves by stripe with the cut they are of. */
interface TreeMoment {
  readonly cut: Cut
  readonly leaves: readonly StripeLeaves[]
}

export interface StripeRoundPorts {
  readonly cache: Pick<CacheTier, 'doubt' | 'createStripe' | 'resetStripe' | 'advanceStripe'>
  readonly standings: StripeStandings
  readonly clock: Pick<Clock, 'monotonicMs'>
  readonly work: Work
  /** Of the poll, where there was one. */
  readonly heads: Cut | undefined
  readonly tails: LedgerTails
  readonly tree: () => TreeMoment
  /** A stripe is ours, and stands at the heads. */
  readonly found: (state: StripeState) => void
}

/** What is known of a stripe before it is judged. */
interface Seen {
  readonly state: StripeState | undefined
  /** `undefined` where it was not needed. */
  readonly tail: LedgerTail | undefined
  readonly way: WayToHeads | undefined
}

/** One look at all stripes: each is judged, and brought to the heads where it is ours. */
export class StripeRound {
  /** Stripes that a process of another history moves. */
  readonly strangers: StripeState[] = []
  /** Stripes that stood further when they were last seen. */
  readonly wentBack: number[] = []
  readonly #ports: StripeRoundPorts
  #moment: TreeMoment | undefined

  constructor(ports: StripeRoundPorts) {
    this.#ports = ports
  }

  /** @throws TierUnavailable when the archive does not say how far the stripe's cut is away, or the cache does not answer */
  async bring(stripe: number, reading: StripeReading): Promise<void> {
    const { cache, standings, clock, work } = this.#ports
    const { state, tail, way } = await this.#see(reading)
    switch (standings.judge(stripe, reading, way, clock.monotonicMs())) {
      case 'leave':
        work.left++
        return
      case 'suspect':
        cache.doubt([stripe])
        work.left++
        return
      case 'stranger':
        cache.doubt([stripe])
        this.strangers.push(state!)
        return
      case 'create':
        return this.#create(stripe)
      case 'start-over':
        return this.#startOver(state!, tail)
      case 'believe':
        return this.#stands(state!, state!)
      case 'advance':
        return this.#advance(state!, tail)
    }
  }

  /** A stripe that stands at the heads of the poll needs no look at the ledger. */
  async #see(reading: StripeReading): Promise<Seen> {
    const { heads, tails } = this.#ports
    if (reading.kind !== 'state') return { state: undefined, tail: undefined, way: undefined }
    const { state } = reading
    if (heads !== undefined && equalCuts(state.cut, heads)) return { state, tail: undefined, way: 'at-heads' }
    const tail = await tails.from(state.cut)
    return { state, tail, way: wayToHeads(state.cut, tail) }
  }

  async #create(stripe: number): Promise<void> {
    const { cache, work, found } = this.#ports
    const { cut, leaves } = this.#treeMoment()
    const made = await cache.createStripe(stripe, cut, storedLeaves(leaves[stripe]!))
    if (made === undefined) return
    work.created++
    found(made)
  }

  async #startOver(state: StripeState, tail: LedgerTail | undefined): Promise<void> {
    const { cache, heads, work, found } = this.#ports
    const { cut, leaves } = this.#treeMoment()
    // Views that have not caught up with the archive are of a history that is no more, or about to be.
    const known = tail?.heads.cut ?? heads
    if (known === undefined || !isOnTheWayTo(cut, known)) {
      work.left++
      return
    }
    const started = await cache.resetStripe(state, cut, storedLeaves(leaves[state.stripe]!))
    if (started === undefined) return
    work.reset++
    found(started)
  }

  async #advance(state: StripeState, tail: LedgerTail | undefined): Promise<void> {
    const { cache, standings, work } = this.#ports
    invariant(tail?.kind === 'rows', 'a stripe is advanced by the rows between its cut and the heads')
    const before = standings.get(state.stripe)
    const advanced = await cache.advanceStripe(state, tail.rows, tail.heads.cut)
    if (advanced === undefined) return
    work.advanced++
    work.removedIds.push(...advanced.removedIds)
    this.#stands(state, advanced.state, before)
  }

  /** @param read as it was read @param now at the heads @param before as it was last seen, before anything was done with it */
  #stands(read: StripeState, now: StripeState, before = this.#ports.standings.get(read.stripe)): void {
    if (hasGoneBack(before, read)) this.wentBack.push(read.stripe)
    this.#ports.found(now)
  }

  /** Taken when first asked for: one moment, good across awaits. */
  #treeMoment(): TreeMoment {
    this.#moment ??= this.#ports.tree()
    return this.#moment
  }
}
