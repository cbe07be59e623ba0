import {
  encodeCut,
  StorageError,
  TierMisconfigured,
  type ArchiveTier,
  type CacheTier,
  type Cut,
  type StripeState,
} from '@se/core'
import type { BackEnd } from '../seam/channel.ts'
import type { PollSent, Standing } from '../seam/standing.ts'
import type { Telemetry } from '../telemetry.ts'
import type { LedgerFollower } from './ledger-follower.ts'
import { createTails } from './ledger-tails.ts'
import { leavesByStripe } from './receipts.ts'
import { isForeign } from './stripe-judgement.ts'
import { StripeRound, type Work } from './stripe-round.ts'
import { StrangerWatch, StripeStandings } from './stripe-standings.ts'
import { wayToHeads } from './way-to-heads.ts'

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
      const way = wayToHeads(cut, await tails.from(cut))
      if (isForeign(way)) foreign.add(`${stripe} ${epoch} ${encodeCut(cut)}`)
    }
    return foreign
  }

  /**
   * @param heads of the poll, where there was one: a stripe that stands there needs nothing more
   * @returns stripes that stood further when they were last seen
   * @throws TierUnavailable, TierMisconfigured where no stripe can be read, or a process of another history moves them
   */
  async bringToHeads(from: PollSent, work: Work, heads?: Cut): Promise<readonly number[]> {
    const { cache, archive, follower, front, telemetry } = this.#ports
    const history = this.#history
    const readings = await cache.readStripes()
    const states = readings.flatMap((reading) => (reading.kind === 'state' ? [reading.state] : []))
    if (states.some((state) => this.#standings.wasReplaced(state))) front.send({ kind: 'set-back' })
    const round = new StripeRound({
      cache,
      standings: this.#standings,
      clock: telemetry.clock,
      work,
      heads,
      tails: createTails(archive, heads && { follower, heads }),
      tree: () => ({ cut: follower.cut, leaves: leavesByStripe(follower.tree) }),
      // What it finds out after the archive went back is of a history that is no more, and proves nothing of the one that is.
      found: (state) => {
        if (history === this.#history) this.found(state, from)
      },
    })
    work.left = 0
    await Promise.all(
      readings.map(async (reading, stripe) => {
        try {
          await round.bring(stripe, reading)
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
}

function sharedWithStranger(backend: string, stripes: number): TierMisconfigured {
  return new TierMisconfigured(
    `${backend}: processes of a copy of this archive use the same keys, and move them to where this archive never was. ` +
      'Give the copy a prefix of its own; until then reads go to the archive, and the cache is tried again once they have moved nothing for a while',
    { details: { because: 'shared-with-a-copy', stripes } },
  )
}
