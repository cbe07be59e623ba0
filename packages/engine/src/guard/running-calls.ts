import { invariant, SharedRun } from '@se/core'

/** Compares the first arguments of two calls of a method. */
export type IsSameCall = (running: never, next: never) => boolean

/**
 * Whether a call waits for the one of its method that was given up and still runs. `never`: it runs beside it. `always`: it waits. A
 * function: it waits, and must be the same call by that word.
 */
export type Joins = 'never' | 'always' | IsSameCall

type AsyncMethod = (...args: readonly unknown[]) => Promise<never>

/** The runs of one method, and what the one under way was called with. */
interface Runs {
  readonly shared: SharedRun<never>
  argument: unknown
}

/** Calls under way, at most one of each method that joins. */
export class RunningCalls {
  readonly #runs = new Map<string, Runs>()

  /** Whether a call of the method runs, be it that nobody waits for it any more. */
  has(method: string): boolean {
    return this.#runs.get(method)?.shared.running !== undefined
  }

  /** What runs now counts for nothing any more. */
  forget(): void {
    this.#runs.clear()
  }

  /** A method whose calls wait for one that still runs, as `joins` says. */
  joining(name: string, method: AsyncMethod, joins: Joins): AsyncMethod {
    if (joins === 'never') return method
    return (...args) => {
      const [argument] = args
      const runs = this.#runsOf(name)
      if (runs.shared.running === undefined) runs.argument = argument
      const isSame = joins === 'always' || joins(runs.argument as never, argument as never)
      invariant(isSame, 'while the fate of a call is unknown, no other one is sent', { method: name })
      return runs.shared.run(() => method(...args))
    }
  }

  #runsOf(name: string): Runs {
    let runs = this.#runs.get(name)
    if (runs === undefined) this.#runs.set(name, (runs = { shared: new SharedRun(), argument: undefined }))
    return runs
  }
}
