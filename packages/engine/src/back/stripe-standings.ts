import type { StripeReading, StripeState } from '@se/core'
import { STRIPE_COUNT } from '@se/core/hash'
import type { BackEnd } from '../seam/channel.ts'
import type { PollSent, Standing } from '../seam/standing.ts'
import { judgeStripe, type StripeVerdict, type WayToHeads } from './stripe-judgement.ts'

/** What this process has found out about each stripe. What it has not found out is not believed [P66]. */
export class StripeStandings {
  readonly #stalenessMs: number
  readonly #front: Pick<BackEnd, 'send'>
  readonly #standings: (Standing | undefined)[] = new Array<undefined>(STRIPE_COUNT).fill(undefined)
  /** By stripe: the epoch under which its entries counted last, and may have been put by us. */
  readonly #lastEpochs: (string | undefined)[] = new Array<undefined>(STRIPE_COUNT).fill(undefined)
  readonly #mayStartOver: boolean[] = new Array<boolean>(STRIPE_COUNT).fill(true)
  /** By stripe: its entries may be of a history that is no more, and it got no new epoch since this process knows. */
  readonly #mayHoldLost: boolean[] = new Array<boolean>(STRIPE_COUNT).fill(false)
  /** By stripe: epochs that this process has believed in histories that are no more, newest first. */
  readonly #formerEpochs: string[][] = Array.from({ length: STRIPE_COUNT }, () => [])
  readonly #suspectedSinceMs: (number | undefined)[] = new Array<undefined>(STRIPE_COUNT).fill(undefined)

  /** @param front hears of each change */
  constructor(stalenessMs: number, front: Pick<BackEnd, 'send'>) {
    this.#stalenessMs = stalenessMs
    this.#front = front
  }

  get(stripe: number): Standing | undefined {
    return this.#standings[stripe]
  }

  /** The stripe was found to be ours, and to stand at the heads of a moment. */
  found(state: StripeState, from: PollSent): void {
    this.#set(state.stripe, { state, from })
    this.#lastEpochs[state.stripe] = state.epoch
    this.#mayStartOver[state.stripe] = false
    this.#mayHoldLost[state.stripe] = false
    this.#suspectedSinceMs[state.stripe] = undefined
  }

  /** Nothing is known of any stripe now; what was found out about histories stays. */
  forgetAll(): void {
    this.#standings.fill(undefined)
    this.#front.send({ kind: 'stripes-forgotten' })
  }

  /** What was found out about whose the stripes are does not count any more. */
  allowStartingOver(): void {
    this.forgetAll()
    this.#mayStartOver.fill(true)
    this.#suspectedSinceMs.fill(undefined)
  }

  /**
   * The archive went back: what the stripes stood at may be of a history that is no more. Also where one stands within the history
   * that is left: what was put into it before it had heard of the batch is lost with the batch.
   */
  historyEnded(): void {
    this.allowStartingOver()
    this.#mayHoldLost.fill(true)
    for (const [stripe, epoch] of this.#lastEpochs.entries()) {
      const former = this.#formerEpochs[stripe]!
      if (epoch === undefined || former.includes(epoch)) continue
      former.unshift(epoch)
      former.length = Math.min(former.length, FORMER_EPOCHS_MAX)
    }
  }

  /**
   * @param way what the archive says of the cut that was read
   * @param nowMs monotonic
   */
  judge(stripe: number, reading: StripeReading, way: WayToHeads | undefined, nowMs: number): StripeVerdict {
    const isFormer = reading.kind === 'state' && this.#formerEpochs[stripe]!.includes(reading.state.epoch)
    const sinceMs = this.#suspectedSinceMs[stripe]
    const verdict = judgeStripe({
      read: reading.kind,
      way,
      suspectedForMs: sinceMs === undefined ? undefined : nowMs - sinceMs,
      mayStartOver: this.#mayStartOver[stripe]! || isFormer,
      mayHoldLost: this.#mayHoldLost[stripe]! || isFormer,
      stalenessMs: this.#stalenessMs,
    })
    if (verdict === 'suspect') {
      this.#suspectedSinceMs[stripe] ??= nowMs
      this.#set(stripe, undefined)
    } else if (verdict !== 'leave') {
      this.#suspectedSinceMs[stripe] = undefined
    }
    return verdict
  }

  #set(stripe: number, standing: Standing | undefined): void {
    this.#standings[stripe] = standing
    this.#front.send({ kind: 'stripe', stripe, standing })
  }

  /** Whether a stripe has got another epoch that this process did not set: another process had a reason to make misses of its entries. */
  wasReplaced({ stripe, epoch }: StripeState): boolean {
    const last = this.#lastEpochs[stripe]
    return last !== undefined && last !== epoch
  }

  /** Whether entries that we have put, or believed, count in a stripe as it is now. */
  isShared({ stripe, epoch }: StripeState): boolean {
    return this.#lastEpochs[stripe] === epoch
  }
}

/** So many of a stripe's epochs of earlier histories are remembered: a cache may come back as it was under one of them. */
const FORMER_EPOCHS_MAX = 8

/** How long a stranger must have moved nothing until the cache is tried again, ms; doubled each time that it was too early. */
const QUIET_MS_MIN = 60_000
const QUIET_MS_MAX = 3_600_000

/** A process of another history moves our stripes. This watches from outside whether it still does. */
export class StrangerWatch {
  #quietMs = QUIET_MS_MIN
  #foreign: ReadonlySet<string> | undefined
  #movedAtMs: number | undefined

  /** Such a process was found, and is thought to be there. */
  get isThere(): boolean {
    return this.#movedAtMs !== undefined
  }

  found(nowMs: number): void {
    this.#movedAtMs = nowMs
    this.#foreign = undefined
  }

  /**
   * Only what it makes foreign counts: processes of this archive move the stripes all the time while they write.
   *
   * @param foreign a text for each stripe that stands where this archive never was, which changes when it moves
   * @returns whether the stranger has been quiet for long enough to try again
   */
  look(foreign: ReadonlySet<string>, nowMs: number): boolean {
    if (this.#movedAtMs === undefined) return true
    const before = this.#foreign
    // The first look only learns what there is.
    if (before === undefined || [...foreign].some((each) => !before.has(each))) this.#movedAtMs = nowMs
    this.#foreign = foreign
    if (nowMs - this.#movedAtMs < this.#quietMs) return false
    this.#movedAtMs = undefined
    this.#quietMs = Math.min(QUIET_MS_MAX, this.#quietMs * 2)
    return true
  }

  /** The archive itself has changed: a process that was foreign need not be so any more. */
  reset(): void {
    this.#movedAtMs = undefined
    this.#quietMs = QUIET_MS_MIN
  }
}
