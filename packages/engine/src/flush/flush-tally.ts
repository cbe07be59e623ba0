import type { FlushCause } from '../observer/events.ts'

/** What was moved since the last `flush` call, in the background too. */
export interface FlushResult {
  /** Items sent to L3. */
  readonly items: number
  /** Items L2 and L3 have taken. */
  readonly l2: number
  readonly l3: number
  readonly parked: number
  readonly superseded: number
  /** Batches committed. */
  readonly batches: number
  /** Time spent in them, ms. */
  readonly durationMs: number
  /** Why the last one was sent; `none` when nothing was. */
  readonly cause: FlushCause | 'none'
}

const NOTHING: FlushResult = {
  items: 0,
  l2: 0,
  l3: 0,
  parked: 0,
  superseded: 0,
  batches: 0,
  durationMs: 0,
  cause: 'none',
}

/** Sums up what is moved. */
export class FlushTally {
  #sum: FlushResult = NOTHING

  add(more: Partial<FlushResult>): void {
    const sum = this.#sum
    this.#sum = {
      items: sum.items + (more.items ?? 0),
      l2: sum.l2 + (more.l2 ?? 0),
      l3: sum.l3 + (more.l3 ?? 0),
      parked: sum.parked + (more.parked ?? 0),
      superseded: sum.superseded + (more.superseded ?? 0),
      batches: sum.batches + (more.batches ?? 0),
      durationMs: sum.durationMs + (more.durationMs ?? 0),
      cause: more.cause ?? sum.cause,
    }
  }

  /** What was added since the last call. */
  take(): FlushResult {
    const sum = this.#sum
    this.#sum = NOTHING
    return sum
  }
}
