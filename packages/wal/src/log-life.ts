import { LogClosed, LogLockLost, logFailedError, type LogFailed } from './errors.ts'
import type { LogState } from './log-types.ts'
import type { Progress } from './progress.ts'

/**
 * Whether a log takes calls, and why not. Pure.
 *
 *   open --beginClosing--> closing --end--> closed
 *   open --fail--> failed --end--> closed
 *
 * A failure while it closes leaves the state `closing`, and is kept as well: `close` tells of it. The first failure counts.
 */
export class LogLife {
  readonly #progress: Pick<Progress, 'lastSequence' | 'durableSequence'>
  readonly #failed: (failure: LogFailed, operation: string, error: unknown) => void
  #state: LogState = 'open'
  #failure: LogFailed | undefined

  /** @param failed called once, with the first failure */
  constructor(
    progress: Pick<Progress, 'lastSequence' | 'durableSequence'>,
    failed: (failure: LogFailed, operation: string, error: unknown) => void,
  ) {
    this.#progress = progress
    this.#failed = failed
  }

  get state(): LogState {
    return this.#state
  }

  get isOpen(): boolean {
    return this.#state === 'open'
  }

  get isClosed(): boolean {
    return this.#state === 'closed'
  }

  /** The first failure, also after the end. */
  get failure(): LogFailed | undefined {
    return this.#failure
  }

  /** The error of a call that comes when the log is not open. */
  whyNot(): LogFailed | LogClosed {
    return this.#failure ?? new LogClosed('the log is closed', { details: { state: this.#state } })
  }

  /** Nothing more is acknowledged from here on. @returns the first failure, which may be an earlier one */
  fail(operation: string, error: unknown): LogFailed {
    if (this.#failure !== undefined) return this.#failure
    const failure = error instanceof LogLockLost ? error : logFailedError(operation, error, this.#progress)
    this.#failure = failure
    if (this.#state === 'open') this.#state = 'failed'
    this.#failed(failure, operation, error)
    return failure
  }

  /** A failed log stays failed until its end. */
  beginClosing(): void {
    if (this.#state === 'open') this.#state = 'closing'
  }

  end(): void {
    this.#state = 'closed'
  }
}
