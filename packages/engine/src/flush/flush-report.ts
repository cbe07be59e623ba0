import type { Position } from '@se/core'
import type { Telemetry } from '../telemetry.ts'
import type { BatchAttempt } from './batch-attempt.ts'
import type { FlushTally } from './flush-tally.ts'
import type { BatchOutcome } from './outcomes.ts'

export interface FlushReportPorts {
  readonly tally: Pick<FlushTally, 'add'>
  readonly sender: { readonly position: Position }
  readonly telemetry: Telemetry
}

/** Says what became of each batch, to the observer and in the sums. */
export class FlushReport {
  readonly #ports: FlushReportPorts

  constructor(ports: FlushReportPorts) {
    this.#ports = ports
  }

  /** Every write of the batch is settled. */
  passed(attempt: BatchAttempt): void {
    const { tally, sender, telemetry } = this.#ports
    const { batch, cause } = attempt
    const { superseded, parked, durationMs } = this.#report(attempt, 'success', sender.position.sequence)
    if (superseded > 0) telemetry.observer.superseded?.({ count: superseded })
    tally.add({ items: batch.writes.length, parked, superseded, durationMs, cause })
  }

  /** It will go on after a pause. */
  failed(attempt: BatchAttempt): void {
    this.#report(attempt, 'error', undefined)
  }

  #report(
    { batch, cause, outcomes, startedMs }: BatchAttempt,
    status: 'success' | 'error',
    sequence: number | undefined,
  ): { readonly superseded: number; readonly parked: number; readonly durationMs: number } {
    const { clock, observer } = this.#ports.telemetry
    const counted = (kind: BatchOutcome['kind']) => outcomes.filter((each) => each?.kind === kind).length
    const superseded = counted('superseded')
    const parked = counted('parked')
    const durationMs = clock.monotonicMs() - startedMs
    observer.flushed?.({
      cause,
      status,
      items: batch.writes.length,
      bytes: batch.bytes,
      sequence,
      l3: counted('won') + counted('held'),
      l2: 0,
      superseded,
      parked,
      durationMs,
    })
    return { superseded, parked, durationMs }
  }
}
