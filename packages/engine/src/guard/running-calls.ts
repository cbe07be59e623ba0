import { invariant } from '@se/core'

/** Compares the first arguments of two calls of a method. */
export type IsSameCall = (running: never, next: never) => boolean

/**
 * Whether a call waits for the one of its method that was given up and still runs. `never`: it runs beside it. `always`: it waits. A
 * function: it waits, and must be the same call by that word.
 */
export type Joins = 'never' | 'always' | IsSameCall

type AsyncMethod = (...args: readonly unknown[]) => Promise<never>

interface RunningCall {
  readonly argument: unknown
  readonly result: Promise<never>
}

/** Calls under way, at most one of each method that joins. */
export class RunningCalls {
  readonly #calls = new Map<string, RunningCall>()

  /** Whether a call of the method runs, be it that nobody waits for it any more. */
  has(method: string): boolean {
    return this.#calls.has(method)
  }

  /** What runs now counts for nothing any more. */
  forget(): void {
    this.#calls.clear()
  }

  /** A method whose calls wait for one that still runs, as `joins` says. */
  joining(name: string, method: AsyncMethod, joins: Joins): AsyncMethod {
    if (joins === 'never') return method
    return (...args) => {
      const [argument] = args
      const running = this.#calls.get(name)
      if (running !== undefined) {
        const isSame = joins === 'always' || joins(running.argument as never, argument as never)
        invariant(isSame, 'while the fate of a call is unknown, no other one is sent', { method: name })
        return running.result
      }
      const call: RunningCall = { argument, result: method(...args) }
      this.#calls.set(name, call)
      const ended = (): void => {
        if (this.#calls.get(name) === call) this.#calls.delete(name)
      }
      call.result.then(ended, ended)
      return call.result
    }
  }
}
