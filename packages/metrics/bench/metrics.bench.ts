/**
 * What listening costs: one `operation` event of the engine (a counter and a histogram), as it happens on every read from L1,
 * and one event that is only counted.
 *
 * Beside it, in the same run and with the same SDK: `Counter.add`, which is what a service pays that counts its requests by
 * hand, and `Histogram.record`, which is the part of our event that no observer can make cheaper.
 */
import { defineCase, type ComparedCase } from '@se/bench'
import type { OperationEvent } from '@se/engine'
import { createMetricsObserver } from '../src/index.ts'
import { createConsoleMetrics } from '../src/console.ts'

export const area = 'metrics'

const EVENTS = 200_000

const EVENT: OperationEvent = { tier: 'L1', operation: 'get', status: 'hit', durationMs: 0.002 }

function nanosecondsEach(act: () => void): number {
  const startedMs = performance.now()
  for (let count = 0; count < EVENTS; count++) act()
  return ((performance.now() - startedMs) * 1e6) / EVENTS
}

export const cases: readonly ComparedCase[] = [
  defineCase({
    case: 'metrics.counter-event',
    unit: 'ns',
    better: 'lower',
    setup: async () => {
      const metrics = createConsoleMetrics()
      const { engine } = createMetricsObserver({ meter: metrics.meter })
      const counter = metrics.meter.createCounter('bare_checks')
      return {
        ours: () => nanosecondsEach(() => engine.filterChecked?.({ result: 'absent' })),
        against: {
          'Counter.add of the SDK, same labels': () =>
            nanosecondsEach(() => counter.add(1, { filter: 'L3', result: 'absent' })),
        },
        teardown: () => metrics.shutdown(),
      }
    },
  }),
  defineCase({
    case: 'metrics.operation-event',
    unit: 'ns',
    better: 'lower',
    setup: async () => {
      const metrics = createConsoleMetrics()
      const { engine } = createMetricsObserver({ meter: metrics.meter })
      const counter = metrics.meter.createCounter('bare_operations')
      const histogram = metrics.meter.createHistogram('bare_operation_seconds')
      const { tier, operation, status } = EVENT
      return {
        ours: () => nanosecondsEach(() => engine.operation?.(EVENT)),
        against: {
          'Counter.add of the SDK, same labels': () =>
            nanosecondsEach(() => counter.add(1, { tier, operation, status })),
          'Histogram.record of the SDK, same labels': () =>
            nanosecondsEach(() => histogram.record(EVENT.durationMs / 1_000, { tier, operation })),
        },
        teardown: () => metrics.shutdown(),
      }
    },
  }),
]
