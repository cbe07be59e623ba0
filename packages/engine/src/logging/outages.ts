import { REPEAT_MS } from './repeats.ts'

/** Faults of a tier that does not answer, from the beginning of it. */
export interface OutageFigures {
  readonly durationMs: number
  readonly faults: number
}

interface Outage {
  readonly beganMs: number
  lineMs: number
  faults: number
}

/**
 * Tiers that do not answer. What fails because of it is part of the outage, and is not told one by one: a line when it begins, one
 * a minute, one when it ends.
 */
export class Outages {
  readonly #outages = new Map<string, Outage>()

  /** @returns whether it is news */
  begin(tier: string, nowMs: number): boolean {
    if (this.#outages.has(tier)) return false
    this.#outages.set(tier, { beganMs: nowMs, lineMs: nowMs, faults: 0 })
    return true
  }

  /**
   * Something failed that the tier was asked for.
   *
   * @returns figures: the minute is over, write them; `true`: it is part of the outage; `false`: there is none
   */
  fault(tier: string, nowMs: number): OutageFigures | boolean {
    const outage = this.#outages.get(tier)
    if (outage === undefined) return false
    outage.faults++
    if (nowMs - outage.lineMs < REPEAT_MS) return true
    outage.lineMs = nowMs
    return figuresOf(outage, nowMs)
  }

  /** @returns what it was; `undefined`: there was none */
  end(tier: string, nowMs: number): OutageFigures | undefined {
    const outage = this.#outages.get(tier)
    this.#outages.delete(tier)
    return outage === undefined ? undefined : figuresOf(outage, nowMs)
  }
}

function figuresOf({ beganMs, faults }: Outage, nowMs: number): OutageFigures {
  return { durationMs: nowMs - beganMs, faults }
}
