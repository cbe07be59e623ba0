import type { Clock } from '@se/core'
import { errorKind } from './observer/error-kind.ts'
import type { OperationEvent } from './observer/events.ts'
import type { EngineObserver } from './observer/observer.ts'

/** What a part needs to say what it did, and how long it took. */
export interface Telemetry {
  readonly clock: Pick<Clock, 'monotonicMs'>
  readonly observer: EngineObserver
}

/** Runs an operation of a tier and tells the observer how it went. @throws what the operation throws */
export async function timed<Result>(
  { clock, observer }: Telemetry,
  { tier, operation }: Pick<OperationEvent, 'tier' | 'operation'>,
  run: () => Promise<Result>,
): Promise<Result> {
  const startedMs = clock.monotonicMs()
  const report = (status: OperationEvent['status']): void =>
    observer.operation?.({ tier, operation, status, durationMs: clock.monotonicMs() - startedMs })
  try {
    const result = await run()
    report('success')
    return result
  } catch (error) {
    report('error')
    observer.failed?.({ tier, operation, kind: errorKind(error) })
    throw error
  }
}
