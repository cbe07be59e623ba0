import { CallAborted, DeadlineExceeded, setLimit, type Clock } from '@se/core'
import { Caller } from './caller.ts'
import { within } from './within.ts'

/** What a caller says of how long a call may take; checked before. */
export interface Limits {
  /** `undefined`: as long as calls may by default. `Infinity`: the call ends by bounds of its own. */
  readonly timeoutMs?: number | undefined
  readonly signal?: AbortSignal | undefined
}

/** Every call of the face that waits. */
export type Operation =
  | 'start'
  | 'stop'
  | 'submit'
  | 'delete'
  | 'get'
  | 'getMany'
  | 'contains'
  | 'explain'
  | 'flush'
  | 'verify'
  | 'roots'
  | 'retryParked'
  | 'dropParked'

/** Ends calls whose caller does not wait any longer, and keeps the process alive for the others [W10, P70]. */
export class CallDeadlines {
  readonly #clock: Pick<Clock, 'monotonicMs' | 'setTimer' | 'setBackgroundTimer'>
  readonly #defaultMs: number

  /** @param defaultMs how long a call may take that says nothing of it */
  constructor(clock: Pick<Clock, 'monotonicMs' | 'setTimer' | 'setBackgroundTimer'>, defaultMs: number) {
    this.#clock = clock
    this.#defaultMs = defaultMs
  }

  /**
   * Runs a call for a caller who does not wait for ever.
   *
   * @param run told of the caller, for who keeps a line of those that wait
   * @throws DeadlineExceeded, CallAborted (without having begun where the signal was aborted before), or what `run` throws
   */
  bound<T>(operation: Operation, limits: Limits, run: (caller: Caller) => Promise<T>): Promise<T> {
    const { caller, dismiss } = this.expect(operation, limits)
    return caller.waitFor(() => run(caller), dismiss)
  }

  /** Waits for something of our own, no longer than `limitMs`. @throws TierUnavailable when it did not end by then */
  within<T>(limitMs: number, what: string, run: () => Promise<T>): Promise<T> {
    return within(this.#clock, limitMs, what, run)
  }

  /**
   * A caller as its limits describe it, for a call that has to put things in order before it may end.
   *
   * @returns `dismiss`: to be told when the call has ended
   */
  expect(
    operation: Operation,
    { timeoutMs = this.#defaultMs, signal }: Limits,
  ): { readonly caller: Caller; readonly dismiss: () => void } {
    const caller = new Caller()
    const abort = () => caller.leave(new CallAborted(operation, signal?.reason))
    if (signal?.aborted === true) abort()
    // Timers of callers are the only ones of the engine that keep the process alive.
    const cancel = setLimit(this.#clock, timeoutMs, () =>
      caller.leave(new DeadlineExceeded(operation, timeoutMs)),
    )
    signal?.addEventListener('abort', abort)
    const dismiss = () => {
      cancel()
      // A signal may live as long as the process: nothing of the call may hang on it.
      signal?.removeEventListener('abort', abort)
    }
    return { caller, dismiss }
  }
}
