/** What happens again and again is written once at first, then once in so many ms. */
export const REPEAT_MS = 60_000

/** Kinds of events kept in mind; the longest known goes first. */
const KEYS_MAX = 200

/** What to write of an event that may be one of many. */
export interface Mention {
  /** Nothing of the kind was written lately. */
  readonly isFirst: boolean
  /** How many there were since the last line, this one included. */
  readonly count: number
  /** Since when they happen, ms. */
  readonly sinceMs: number
}

interface Series {
  readonly beganMs: number
  lineMs: number
  lastMs: number
  /** Since the last line. */
  count: number
}

/**
 * Which of many events of one kind get a line: the first, and then one a minute, with how many there were. A series is over when
 * nothing of its kind has happened for a minute.
 */
export class Repeats {
  readonly #series = new Map<string, Series>()

  /**
   * An event has happened.
   *
   * @param kind events of one kind share their lines
   * @param nowMs monotonic
   * @returns what to write of it; `undefined`: nothing
   */
  happened(kind: string, nowMs: number): Mention | undefined {
    const known = this.#series.get(kind)
    if (known === undefined || nowMs - known.lastMs > REPEAT_MS) {
      const count = (known?.count ?? 0) + 1
      this.#series.delete(kind)
      this.#series.set(kind, { beganMs: nowMs, lineMs: nowMs, lastMs: nowMs, count: 0 })
      if (this.#series.size > KEYS_MAX) this.#series.delete(this.#series.keys().next().value!)
      return { isFirst: true, count, sinceMs: 0 }
    }
    known.lastMs = nowMs
    known.count++
    if (nowMs - known.lineMs < REPEAT_MS) return undefined
    const { count } = known
    known.lineMs = nowMs
    known.count = 0
    return { isFirst: false, count, sinceMs: nowMs - known.beganMs }
  }
}
