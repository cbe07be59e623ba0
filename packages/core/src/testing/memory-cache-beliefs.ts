import type { StripeState } from '../cache-tier.ts'
import { covers, type Cut } from '../cut.ts'
import { STRIPE_COUNT } from '../hash.ts'

/** What a state that was read or made stands for. */
export interface Known {
  readonly cut: Cut
  readonly epoch: string
  readonly leafEpochs: ReadonlyMap<number, string>
  /** Counts what was read, and what was changed, in order. */
  readonly order: number
  /** It was believed, and is not any more. */
  isWithdrawn: boolean
}

/** What one connection to the cache in memory believes of each stripe. */
export class MemoryBeliefs {
  readonly #noted = new WeakMap<StripeState, Known>()
  readonly #believed: (Known | undefined)[] = Array.from({ length: STRIPE_COUNT }, () => undefined)
  /** By stripe: a state that was noted before counts no more. */
  readonly #ordersMin: number[] = Array.from({ length: STRIPE_COUNT }, () => 0)
  #order = 0

  /** Remembers a state that was read or made: only such a one can be believed. */
  note(state: StripeState, leafEpochs: ReadonlyMap<number, string>): void {
    const { cut, epoch } = state
    this.#noted.set(state, { cut, epoch, leafEpochs, order: ++this.#order, isWithdrawn: false })
  }

  believe(states: readonly StripeState[]): void {
    for (const state of states) {
      const known = this.#noted.get(state)
      if (known === undefined || known.order < this.#ordersMin[state.stripe]!) continue
      const before = this.#believed[state.stripe]
      if (before !== undefined && !judgeAlike(before, known)) before.isWithdrawn = true
      this.#believed[state.stripe] = known
      this.#ordersMin[state.stripe] = known.order
    }
  }

  doubt(stripes: readonly number[] = [...this.#believed.keys()]): void {
    for (const stripe of stripes) {
      const believed = this.#believed[stripe]
      if (believed !== undefined) believed.isWithdrawn = true
      this.#believed[stripe] = undefined
      this.#ordersMin[stripe] = ++this.#order
    }
  }

  of(stripe: number): Known | undefined {
    return this.#believed[stripe]
  }
}

/** Whether a stripe is the one that is believed, and as new: under a fresh epoch the cut says nothing of the entries from before. */
export function standsAt({ epoch, cut }: Pick<StripeState, 'epoch' | 'cut'>, believed: Known): boolean {
  return epoch === believed.epoch && cut.archiveId === believed.cut.archiveId && covers(cut, believed.cut)
}

function judgeAlike(a: Known, b: Known): boolean {
  if (a.epoch !== b.epoch || a.leafEpochs.size !== b.leafEpochs.size) return false
  return [...a.leafEpochs].every(([leaf, epoch]) => b.leafEpochs.get(leaf) === epoch)
}
