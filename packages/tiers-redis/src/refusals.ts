import type { Clock } from '@se/core'
import { CALL_BYTES_MAX } from './put-plan.ts'

/** What was learned is forgotten after so long, ms: limits are raised, and memory becomes free. */
const REMEMBERED_MS = 10 * 60_000
/** Ids that are remembered for themselves. */
const IDS_MAX = 1_000
/** How often a value is offered that gets lost, or finds the memory full, each time. */
const STRIKES_MAX = 2
/** Smaller values are not suspected: that they got lost is weather. */
const SUSPECT_BYTES_MIN = 64 * 1024
/** Calls are not made smaller than this, bytes. */
const CALL_BYTES_MIN = 16 * 1024

interface Strikes {
  readonly bytes: number
  readonly count: number
  readonly untilMs: number
}

/**
 * What this Redis does not take, as far as it was learned: a limit of requests or of strings, or a single value that gets lost
 * each time. It is not offered again for a while, so that it costs no other entry a connection or its place in memory [P74].
 */
export class Refusals {
  readonly #clock: Pick<Clock, 'monotonicMs'>
  readonly #valueBytesMax: number
  readonly #strikes = new Map<string, Strikes>()
  #bytesRefused = Infinity
  #callBytesMax = CALL_BYTES_MAX
  #forgetAtMs = Infinity
  #count = 0

  /** @param valueBytesMax larger values are never offered */
  constructor(clock: Pick<Clock, 'monotonicMs'>, valueBytesMax: number) {
    this.#clock = clock
    this.#valueBytesMax = valueBytesMax
  }

  /** Puts whose value was not offered, or was refused. */
  get count(): number {
    return this.#count
  }

  /** Most bytes of a call with several values. */
  get callBytesMax(): number {
    this.#forget()
    return this.#callBytesMax
  }

  /** Whether a value may be offered; one that may not is counted. */
  mayOffer(id: string, bytes: number): boolean {
    if (bytes <= this.#valueBytesMax && !this.#isKnown(id, bytes)) return true
    this.#count++
    return false
  }

  /** A call with several values was too big as a whole. */
  callRefused(bytes: number): void {
    this.#callBytesMax = Math.max(CALL_BYTES_MIN, Math.min(this.#callBytesMax, Math.floor(bytes / 2)))
    this.#forgetAtMs = this.#clock.monotonicMs() + REMEMBERED_MS
  }

  /** A value that was sent alone is too big. */
  valueRefused(bytes: number): void {
    this.#count++
    this.#bytesRefused = Math.min(this.#bytesRefused, bytes)
    this.#forgetAtMs = this.#clock.monotonicMs() + REMEMBERED_MS
  }

  /** The connection was lost, or the memory was full, with this value alone under way. */
  valueLost(id: string, bytes: number): void {
    if (bytes < SUSPECT_BYTES_MIN) return
    const count = (this.#strikes.get(id)?.count ?? 0) + 1
    this.#strikes.delete(id)
    this.#strikes.set(id, { bytes, count, untilMs: this.#clock.monotonicMs() + REMEMBERED_MS })
    if (this.#strikes.size > IDS_MAX) this.#strikes.delete(this.#strikes.keys().next().value!)
  }

  /** A value was taken. */
  valueTaken(id: string): void {
    if (this.#strikes.size > 0) this.#strikes.delete(id)
  }

  #isKnown(id: string, bytes: number): boolean {
    this.#forget()
    if (bytes >= this.#bytesRefused) return true
    const strikes = this.#strikes.get(id)
    if (strikes === undefined || strikes.count < STRIKES_MAX || bytes < strikes.bytes / 2) return false
    if (this.#clock.monotonicMs() < strikes.untilMs) return true
    this.#strikes.delete(id)
    return false
  }

  #forget(): void {
    if (this.#clock.monotonicMs() < this.#forgetAtMs) return
    this.#bytesRefused = Infinity
    this.#callBytesMax = CALL_BYTES_MAX
    this.#forgetAtMs = Infinity
  }
}
