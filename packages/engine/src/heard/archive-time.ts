import type { Clock } from '@se/core'

/** How well the archive's clock is known. */
export interface ClockReading {
  /** `archive`: measured; `wall`: the archive was not heard yet, and this machine's clock serves. */
  readonly source: 'archive' | 'wall'
  /** The archive's clock less this machine's wall clock, ms; 0 while the archive was not heard. */
  readonly offsetMs: number
  /** The archive's clock lies within so many ms of what is taken for it; `undefined`: not measured. */
  readonly errorMs: number | undefined
}

/** A clock that did not go on as it should. */
export interface ClockJump {
  /** `archive`: the database's clock; `wall`: this machine's, which nothing depends on once the archive was heard. */
  readonly clock: 'archive' | 'wall'
  /** Positive: forward. */
  readonly byMs: number
}

/** One answer of the archive. */
interface Sample {
  /** Archive's clock less monotonic time, ms. */
  readonly offsetMs: number
  /** Half the way there and back. */
  readonly errorMs: number
}

/** Answers that are compared: at four polls a second, those of the last two seconds. */
const SAMPLES_MAX = 8
/** What two clocks may drift apart within those seconds, and what the archive's rounding to ms adds, ms. */
const DRIFT_MS = 5
/** A jump of less is not worth a word. */
const REPORTED_MS_MIN = 1_000

/**
 * The archive's clock, as this process knows it: monotonic time plus an offset that is measured at each answer of the
 * archive. All processes so agree on the time within half a round trip, also where their wall clocks are wrong, and however those
 * jump [P67]. The wall clock serves only until the archive was heard.
 *
 * Of the last answers the one that was under way for the shortest time counts, as its error is the smallest. An answer that
 * cannot be true together with them means that the archive's clock has jumped: then it alone counts.
 *
 * Source: Cristian, "Probabilistic clock synchronization", 1989.
 */
export class ArchiveTime {
  readonly #clock: Pick<Clock, 'nowMs' | 'monotonicMs'>
  readonly #onJump: (jump: ClockJump) => void
  #samples: Sample[] = []
  #best: Sample | undefined
  #wallOffsetMs: number | undefined

  constructor(clock: Pick<Clock, 'nowMs' | 'monotonicMs'>, onJump: (jump: ClockJump) => void = () => {}) {
    this.#clock = clock
    this.#onJump = onJump
  }

  /** The archive's clock, ms since 1970, whole. */
  nowMs(): number {
    if (this.#best === undefined) return this.#clock.nowMs()
    return Math.floor(this.#clock.monotonicMs() + this.#best.offsetMs)
  }

  get reading(): ClockReading {
    const best = this.#best
    if (best === undefined) return { source: 'wall', offsetMs: 0, errorMs: undefined }
    const offsetMs = Math.round(this.#clock.monotonicMs() + best.offsetMs - this.#clock.nowMs())
    return { source: 'archive', offsetMs, errorMs: best.errorMs }
  }

  /**
   * The archive has answered with its time; call it as soon as the answer is there.
   *
   * @param sentAtMs monotonic ms when it was asked
   * @param archiveMs its clock
   * @param receivedAtMs monotonic ms when it answered
   */
  heard(sentAtMs: number, archiveMs: number, receivedAtMs = this.#clock.monotonicMs()): void {
    this.#watchWall()
    const sample = {
      offsetMs: archiveMs - (sentAtMs + receivedAtMs) / 2,
      errorMs: (receivedAtMs - sentAtMs) / 2 + 1,
    }
    const before = this.#best
    const byMs = before === undefined ? 0 : sample.offsetMs - before.offsetMs
    if (before !== undefined && Math.abs(byMs) > sample.errorMs + before.errorMs + DRIFT_MS) {
      this.#samples = []
      this.#reportJump('archive', byMs)
    }
    this.#samples.push(sample)
    if (this.#samples.length > SAMPLES_MAX) this.#samples.shift()
    this.#best = this.#samples.reduce((best, each) => (each.errorMs <= best.errorMs ? each : best))
  }

  #watchWall(): void {
    const offsetMs = this.#clock.nowMs() - this.#clock.monotonicMs()
    if (this.#wallOffsetMs !== undefined) this.#reportJump('wall', offsetMs - this.#wallOffsetMs)
    this.#wallOffsetMs = offsetMs
  }

  #reportJump(clock: ClockJump['clock'], byMs: number): void {
    if (Math.abs(byMs) >= REPORTED_MS_MIN) this.#onJump({ clock, byMs: Math.round(byMs) })
  }
}
