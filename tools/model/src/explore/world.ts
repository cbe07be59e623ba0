import type { State } from './layout.ts'

/** Where a world puts what can happen next in a state. */
export interface Moves {
  /** A copy of the state, to be changed and then given to `add` or `addFault`. It is used again by the next call. */
  copy(): State
  /** What may happen: `next` is the state after it. @param say one line for people; only asked when a trace is told */
  add(next: State, say: () => string): void
  /** The same for what nobody may count on: a lost connection, a killed process. It is no way out of a bad state. */
  addFault(next: State, say: () => string): void
}

/** A system to be explored: its first state, what can happen in each, and what must hold. */
export interface World {
  readonly byteCount: number
  first(): State
  /** Offers everything that can happen in `state`. Must not change it. */
  step(state: State, moves: Moves): void
  /** What is wrong in this state; `undefined`: nothing. A state with a violation is not explored further. */
  violationIn(state: State): string | undefined
  /** Whether all work is done. `undefined`: ends are of no interest in this world. */
  readonly isEnd: ((state: State) => boolean) | undefined
}
