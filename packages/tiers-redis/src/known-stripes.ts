import type { StripeState } from '@se/core'
import { STRIPE_COUNT } from '@se/core/hash'
import { epochHighOf, epochLowOf, isEntry } from './entry.ts'

/** An epoch as two words. */
interface EpochWords {
  readonly high: number
  readonly low: number
}

/** What this process has last heard of a stripe: by this it judges entries. */
export interface KnownStripe {
  readonly state: StripeState
  /** Changes whenever a leaf epoch does; equals the stripe's epoch while no leaf has one. 16 hex digits. */
  readonly revision: string
  /** By leaf, `branch * 65536 + bucket`: 16 hex digits. Leaves that are not named have the stripe's epoch. */
  readonly leafEpochs: ReadonlyMap<number, string>
}

interface Judge extends KnownStripe {
  readonly order: number
  readonly stripeWords: EpochWords
  readonly leafWords: ReadonlyMap<number, EpochWords>
}

/**
 * The stripes as last heard of. Answers may come in another order than they were asked for; the later
 * question wins.
 */
export class KnownStripes {
  readonly #judges: (Judge | undefined)[] = Array.from({ length: STRIPE_COUNT }, () => undefined)
  readonly #heardOrders: number[] = Array.from({ length: STRIPE_COUNT }, () => 0)
  #lastOrder = 0

  /** Call before a stripe is asked or changed; the number goes to {@link learn}. */
  nextOrder(): number {
    return ++this.#lastOrder
  }

  /** @param known `undefined`: the stripe has no meta */
  learn(stripe: number, order: number, known: KnownStripe | undefined): void {
    if (order < this.#heardOrders[stripe]!) return
    this.#heardOrders[stripe] = order
    if (known === undefined) {
      this.#judges[stripe] = undefined
      return
    }
    const leafWords = new Map<number, EpochWords>()
    for (const [leaf, epoch] of known.leafEpochs) leafWords.set(leaf, words(epoch))
    this.#judges[stripe] = { ...known, order, stripeWords: words(known.state.epoch), leafWords }
  }

  get(stripe: number): KnownStripe | undefined {
    return this.#judges[stripe]
  }

  /**
   * Whether an entry counts: its form is ours and its epoch is the one in force for its leaf.
   *
   * @param leafOf asked only where leaves of the stripe have epochs of their own
   */
  counts(stripe: number, entry: Buffer, leafOf: () => number): boolean {
    const judge = this.#judges[stripe]
    if (judge === undefined || !isEntry(entry)) return false
    const inForce =
      judge.leafWords.size === 0 ? judge.stripeWords : (judge.leafWords.get(leafOf()) ?? judge.stripeWords)
    return epochHighOf(entry) === inForce.high && epochLowOf(entry) === inForce.low
  }
}

function words(epoch: string): EpochWords {
  return { high: Number.parseInt(epoch.slice(0, 8), 16), low: Number.parseInt(epoch.slice(8), 16) }
}
