import { StorageError } from '@se/core'
import type { LifecyclePhase } from '../observer/events.ts'

/**
 * ```
 * Created --start--> Starting --started--> Ready --stop--> Stopping --stopped--> Stopped
 *                     |    ^                 |
 *                     |    +----start----+   |
 *                     +----failed------> Failed --stop--> Stopping
 * ```
 *
 * A start that failed has closed everything it had opened, and may be tried again. A running engine that failed is not
 * started again: it is stopped, and what it holds goes to the next one.
 *
 * Reads are answered in Ready, Stopping and (from what can still answer) Failed; writes in Ready alone.
 */
const TRANSITIONS: Readonly<Record<LifecyclePhase, readonly LifecyclePhase[]>> = {
  Created: ['Starting', 'Stopped'],
  Starting: ['Ready', 'Failed'],
  Ready: ['Stopping', 'Failed'],
  Stopping: ['Stopped'],
  Stopped: [],
  Failed: ['Starting', 'Stopping'],
}

export function mayMove(from: LifecyclePhase, to: LifecyclePhase): boolean {
  return TRANSITIONS[from].includes(to)
}

/** The engine is not in a phase that allows the call. Nothing happened. */
export class WrongPhase extends StorageError {
  override readonly name = 'WrongPhase'
  readonly code = 'SE_WRONG_PHASE'
  readonly phase: LifecyclePhase

  constructor(operation: string, phase: LifecyclePhase, cause?: unknown) {
    super(`${operation} is not possible while the engine is ${phase}`, {
      details: { operation, phase },
      ...(cause === undefined ? {} : { cause }),
    })
    this.phase = phase
  }
}
