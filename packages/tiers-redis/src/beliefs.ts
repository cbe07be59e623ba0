import { covers, type Cut, type StripeState } from '@se/core'
import { STRIPE_COUNT } from '@se/core/hash'
import { epochHighOf, epochLowOf, isEntry } from './entry.ts'
import { cutNameOf, haveOneEpoch, markOf } from './mark.ts'

/** What reading a stripe's meta brought, or what making it left there. */
export interface StripeFacts {
  readonly state: StripeState
  /** Changes whenever a leaf epoch does; equals the stripe's epoch while no leaf has one. 16 hex digits. */
  readonly revision: string
  /** By leaf, `branch * 65536 + bucket`: 16 hex digits. Leaves that are not named have the stripe's epoch. */
  readonly leafEpochs: ReadonlyMap<number, string>
  /** No entry of the stripe has more bytes, as far as its writers have told. */
  readonly entryBytesMax: number
}

/** An epoch as two words. */
interface Words {
  readonly high: number
  readonly low: number
}

/** Whether a stripe, read together with an entry, stands where it is believed to or beyond; `moved`: its cut has to be known. */
export type Standing = 'stands' | 'elsewhere' | 'moved'

/** What the caller has vouched for. By this alone entries are judged; it is taken when an entry is asked for. */
export class Belief {
  readonly facts: StripeFacts
  readonly #mark: Buffer
  readonly #stripeWords: Words
  readonly #leafWords: ReadonlyMap<number, Words>
  /** By name of another cut: whether that covers the one that is believed. */
  readonly #verdicts = new Map<string, boolean>()
  #isWithdrawn = false

  constructor(facts: StripeFacts) {
    this.facts = facts
    this.#mark = markOf(facts.state)
    this.#stripeWords = words(facts.state.epoch)
    const leafWords = new Map<number, Words>()
    for (const [leaf, epoch] of facts.leafEpochs) leafWords.set(leaf, words(epoch))
    this.#leafWords = leafWords
  }

  /** Nothing that was asked for under it counts any more. */
  get isWithdrawn(): boolean {
    return this.#isWithdrawn
  }

  withdraw(): void {
    this.#isWithdrawn = true
  }

  /** @param mark what was read with the entry */
  standing(mark: Buffer | null): Standing {
    if (mark === null) return 'elsewhere'
    if (mark.equals(this.#mark)) return 'stands'
    // Who gave it a fresh epoch owed nothing to what lay there: its cut says nothing of entries of ours.
    if (!haveOneEpoch(mark, this.#mark)) return 'elsewhere'
    const isBeyond = this.#verdicts.get(cutNameOf(mark))
    if (isBeyond === undefined) return 'moved'
    return isBeyond ? 'stands' : 'elsewhere'
  }

  /** The cut behind a mark became known. @param name see `cutNameOf` */
  judgeCut(name: string, cut: Cut): void {
    const believed = this.facts.state.cut
    this.#verdicts.set(name, cut.archiveId === believed.archiveId && covers(cut, believed))
  }

  /**
   * Whether an entry is current: its form is ours and its epoch is the one in force for its leaf.
   *
   * @param leafOf asked only where leaves of the stripe have epochs of their own
   */
  isCurrent(entry: Buffer, leafOf: () => number): boolean {
    if (!isEntry(entry)) return false
    const inForce =
      this.#leafWords.size === 0 ? this.#stripeWords : (this.#leafWords.get(leafOf()) ?? this.#stripeWords)
    return epochHighOf(entry) === inForce.high && epochLowOf(entry) === inForce.low
  }

  /** Whether both judge epochs alike, so that what was asked under one may be answered under the other. */
  isAsGoodAs(other: Belief): boolean {
    return this.facts.state.epoch === other.facts.state.epoch && this.facts.revision === other.facts.revision
  }
}

/**
 * What is believed of each stripe, and what was read of it. Answers may come in another order than they were asked for; the
 * later question wins, and nothing that was asked before a change of our own.
 */
export class Beliefs {
  readonly #beliefs: (Belief | undefined)[] = Array.from({ length: STRIPE_COUNT }, () => undefined)
  /** By stripe: what was asked for before counts no more. */
  readonly #ordersMin: number[] = Array.from({ length: STRIPE_COUNT }, () => 0)
  readonly #read = new WeakMap<StripeState, { readonly facts: StripeFacts; readonly order: number }>()
  readonly #latest: (StripeFacts | undefined)[] = Array.from({ length: STRIPE_COUNT }, () => undefined)
  #lastOrder = 0

  /** Call before a stripe is read or changed; the number goes to {@link remember}. */
  nextOrder(): number {
    return ++this.#lastOrder
  }

  /** Keeps what was read or made, so that its state can be believed. It teaches nothing by itself. */
  remember(facts: StripeFacts, order: number): StripeState {
    this.#read.set(facts.state, { facts, order })
    this.#latest[facts.state.stripe] = facts
    return facts.state
  }

  /** What is known with a state that was read or made here, and when it was asked for. */
  factsOf(state: StripeState): { readonly facts: StripeFacts; readonly order: number } | undefined {
    return this.#read.get(state)
  }

  /** The leaf epochs of a revision that was read before. */
  leafEpochsAt(stripe: number, revision: string): ReadonlyMap<number, string> | undefined {
    const latest = this.#latest[stripe]
    return latest?.revision === revision ? latest.leafEpochs : undefined
  }

  believe(states: readonly StripeState[]): void {
    for (const state of states) {
      const read = this.#read.get(state)
      if (read === undefined || read.order < this.#ordersMin[state.stripe]!) continue
      const before = this.#beliefs[state.stripe]
      const belief = new Belief(read.facts)
      if (before?.isAsGoodAs(belief) === false) before.withdraw()
      this.#beliefs[state.stripe] = belief
      this.#ordersMin[state.stripe] = read.order
    }
  }

  doubt(stripes: readonly number[] = [...this.#beliefs.keys()]): void {
    for (const stripe of stripes) {
      this.#beliefs[stripe]?.withdraw()
      this.#beliefs[stripe] = undefined
      this.#ordersMin[stripe] = this.nextOrder()
    }
  }

  get(stripe: number): Belief | undefined {
    return this.#beliefs[stripe]
  }
}

function words(epoch: string): Words {
  return { high: Number.parseInt(epoch.slice(0, 8), 16), low: Number.parseInt(epoch.slice(8), 16) }
}
