import {
  encodeCut,
  equalCuts,
  StorageError,
  TierMisconfigured,
  type ArchiveTier,
  type CacheTier,
  type Cut,
  type LedgerTail,
  type StripeReading,
  type StripeState,
} from '@se/core'
import type { BackEnd } from '../seam/channel.ts'
import { isOnTheWayTo, type PollSent, type Standing } from '../seam/standing.ts'
import type { Telemetry } from '../telemetry.ts'
import type { LedgerFollower } from './ledger-follower.ts'
import { createTails, type LedgerTails } from './ledger-tails.ts'
import { leavesByStripe, storedLeaves, type StripeLeaves } from './receipts.ts'
import { isForeign, type WayToHeads } from './stripe-judgement.ts'
import { StrangerWatch, StripeStandings } from './stripe-standings.ts'

export interface StripeKeeperPorts {
  readonly cache: CacheTier
  readonly archive: Pick<ArchiveTier, 'readTail'>
  readonly follower: Pick<LedgerFollower, 'cut' | 'tree' | 'recentTail'>
  readonly front: Pick<BackEnd, 'send'>
  readonly telemetry: Pick<Telemetry, 'clock'>
  /** {@link StripeKeeper.shared} is another. */
  readonly onShared: () => void
  /** Δ, ms. */
  readonly stalenessMs: number
}

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

/**
 * Finds out which stripes of the cache are of this archive, by the archive's own word, makes the cache believe those and no
 * others, and brings them to the heads. Where a process of another history moves them it withdraws.
 */
export class StripeKeeper {
  readonly #ports: StripeKeeperPorts
  readonly #standings: StripeStandings
  readonly #watch = new StrangerWatch()
  #shared: TierMisconfigured | undefined
  /** Counts how often the archive went back. */
  #history = 0

  constructor(ports: StripeKeeperPorts) {
    this.#ports = ports
    this.#standings = new StripeStandings(ports.stalenessMs, ports.front)
  }

  /** The error that says that a process of another history moves the stripes; `undefined`: none was found. */
  get shared(): TierMisconfigured | undefined {
    return this.#shared
  }

  standing(stripe: number): Standing | undefined {
    return this.#standings.get(stripe)
  }

  /** Nothing is believed of any stripe, until it was looked at again. */
  forgetAll(): void {
    this.#standings.forgetAll()
    this.#ports.cache.doubt()
  }

  /** The archive has gone back, or is another one: what is known of the stripes is of a history that is no more. */
  archiveWentBack(): void {
    this.#history++
    this.#standings.historyEnded()
    this.#ports.cache.doubt()
    this.#watch.reset()
    this.#changeShared(undefined)
  }

  /** A stripe was found to be ours, and to stand at the heads of a moment. */
  found(state: StripeState, from: PollSent): void {
    this.#standings.found(state, from)
    this.#ports.cache.believe([state])
  }

  /** @throws TierMisconfigured while a process of another history is there */
  async lookForStranger(): Promise<void> {
    if (!this.#watch.isThere) return
    const { cache, telemetry } = this.#ports
    const foreign = await this.#readForeign()
    if (!this.#watch.look(foreign, telemetry.clock.monotonicMs())) {
      throw this.#shared ?? sharedWithStranger(cache.backend, 0)
    }
    this.#standings.allowStartingOver()
    this.#changeShared(undefined)
  }

  /** Stripes that stand where the archive never was: stripe, epoch and cut of each. */
  async #readForeign(): Promise<ReadonlySet<string>> {
    const { cache, archive } = this.#ports
    const readings = await cache.readStripes()
    const tails = createTails(archive)
    const foreign = new Set<string>()
    for (const reading of readings) {
      if (reading.kind !== 'state') continue
      const { stripe, epoch, cut } = reading.state
      if (isForeign(wayOf(cut, await tails.from(cut)))) foreign.add(`${stripe} ${epoch} ${encodeCut(cut)}`)
    }
    return foreign
  }

  /**
   * @param heads of the poll, where there was one: a stripe that stands there needs nothing more
   * @returns stripes that stood further when they were last seen
   * @throws TierUnavailable, TierMisconfigured where no stripe can be read, or a process of another history moves them
   */
  async bringToHeads(from: PollSent, work: Work, heads?: Cut): Promise<readonly number[]> {
    const { cache, archive, follower, front } = this.#ports
    const history = this.#history
    const readings = await cache.readStripes()
    const states = readings.flatMap((reading) => (reading.kind === 'state' ? [reading.state] : []))
    if (states.some((state) => this.#standings.wasReplaced(state))) front.send({ kind: 'set-back' })
    const round: Round = {
      from,
      history,
      work,
      heads,
      tails: createTails(archive, heads && { follower, heads }),
      tree: this.#treeMoment(),
      strangers: [],
      wentBack: [],
    }
    work.left = 0
    await Promise.all(
      readings.map(async (reading, stripe) => {
        try {
          await this.#bring(stripe, reading, round)
        } catch (error) {
          // One stripe fails alone, or the archive did not say how far its cut is away.
          if (!(error instanceof StorageError)) throw error
          work.left++
        }
      }),
    )
    if (round.strangers.length > 0) await this.#withdraw(states, round.strangers.length)
    return round.wentBack
  }

  async #bring(stripe: number, reading: StripeReading, round: Round): Promise<void> {
    const { cache, telemetry } = this.#ports
    const { work, heads } = round
    const state = reading.kind === 'state' ? reading.state : undefined
    const isAtHeads = state !== undefined && heads !== undefined && equalCuts(state.cut, heads)
    const tail = state === undefined || isAtHeads ? undefined : await round.tails.from(state.cut)
    const way = isAtHeads ? 'at-heads' : state && tail && wayOf(state.cut, tail)
    const verdict = this.#standings.judge(stripe, reading, way, telemetry.clock.monotonicMs())
    const before = this.#standings.get(stripe)
    switch (verdict) {
      case 'leave':
        work.left++
        return
      case 'suspect':
        cache.doubt([stripe])
        work.left++
        return
      case 'stranger':
        cache.doubt([stripe])
        round.strangers.push(state!)
        return
      case 'create': {
        const { cut, leaves } = round.tree()
        const made = await cache.createStripe(stripe, cut, storedLeaves(leaves[stripe]!))
        if (made === undefined) return
        work.created++
        return this.#foundIn(round, made)
      }
      case 'start-over': {
        const { cut, leaves } = round.tree()
        // Views that have not caught up with the archive are of a history that is no more, or about to be.
        const known = tail?.heads.cut ?? heads
        if (known === undefined || !isOnTheWayTo(cut, known)) {
          work.left++
          return
        }
        const started = await cache.resetStripe(state!, cut, storedLeaves(leaves[stripe]!))
        if (started === undefined) return
        work.reset++
        return this.#foundIn(round, started)
      }
      case 'believe':
      case 'advance': {
        const known = await this.#advanced(state!, tail, verdict, work)
        if (known === undefined) return
        if (before?.state.epoch === known.epoch && !isOnTheWayTo(before.state.cut, state!.cut)) {
          round.wentBack.push(stripe)
        }
        return this.#foundIn(round, known)
      }
    }
  }

  /** What a round finds out after the archive went back is of a history that is no more, and proves nothing of the one that is. */
  #foundIn({ history, from }: Round, state: StripeState): void {
    if (history === this.#history) this.found(state, from)
  }

  /** @returns the stripe at the heads; `undefined` when it had moved meanwhile */
  async #advanced(
    state: StripeState,
    tail: LedgerTail | undefined,
    verdict: 'believe' | 'advance',
    work: Work,
  ): Promise<StripeState | undefined> {
    if (verdict === 'believe' || tail?.kind !== 'rows') return state
    const advanced = await this.#ports.cache.advanceStripe(state, tail.rows, tail.heads.cut)
    if (advanced === undefined) return undefined
    work.advanced++
    work.removedIds.push(...advanced.removedIds)
    return advanced.state
  }

  /**
   * A process of another history moves our stripes. What it and we have put under an epoch that both believed may be read
   * by the other, so it goes; then we go, until he has.
   *
   * @throws TierMisconfigured that says so
   */
  async #withdraw(states: readonly StripeState[], count: number): Promise<never> {
    const { cache, telemetry, front } = this.#ports
    const shared = states.filter((state) => this.#standings.isShared(state))
    await Promise.all(
      shared.map((state) =>
        cache.renewEpoch(state).catch((error: unknown) => {
          if (!(error instanceof StorageError)) throw error
        }),
      ),
    )
    this.forgetAll()
    front.send({ kind: 'set-back' })
    this.#watch.found(telemetry.clock.monotonicMs())
    const error = sharedWithStranger(cache.backend, count)
    this.#changeShared(error)
    throw error
  }

  #changeShared(shared: TierMisconfigured | undefined): void {
    if (this.#shared === shared) return
    this.#shared = shared
    this.#ports.onShared()
  }

  /** The tree's leaves by stripe with the cut they are of, taken when first asked for: one moment, good across awaits. */
  #treeMoment(): () => TreeMoment {
    let moment: TreeMoment | undefined
    return () => {
      const { cut, tree } = this.#ports.follower
      return (moment ??= { cut, leaves: leavesByStripe(tree) })
    }
  }
}

interface TreeMoment {
  readonly cut: Cut
  readonly leaves: readonly StripeLeaves[]
}

/** One look at all stripes. */
interface Round {
  readonly from: PollSent
  /** How often the archive had gone back when it began. */
  readonly history: number
  readonly work: Work
  readonly heads: Cut | undefined
  readonly tails: LedgerTails
  readonly tree: () => TreeMoment
  /** Stripes that a process of another history moves. */
  readonly strangers: StripeState[]
  /** Stripes that stood further when they were last seen. */
  readonly wentBack: number[]
}

function wayOf(cut: Cut, tail: LedgerTail): WayToHeads {
  if (tail.kind === 'gap') return tail.because === 'ahead-of-heads' ? 'another-history' : tail.because
  return equalCuts(cut, tail.heads.cut) ? 'at-heads' : 'known'
}

function sharedWithStranger(backend: string, stripes: number): TierMisconfigured {
  return new TierMisconfigured(
    `${backend}: processes of a copy of this archive use the same keys, and move them to where this archive never was. ` +
      'Give the copy a prefix of its own; until then reads go to the archive, and the cache is tried again once they have moved nothing for a while',
    { details: { because: 'shared-with-a-copy', stripes } },
  )
}
