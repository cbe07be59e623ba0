/** The types of the public face, as the owner of an engine and of dashboards sees them. Checked by the compiler; nothing here runs. */
import type { Meter } from '@opentelemetry/api'
import type { EngineConfig, EngineObserver, TierName } from '@se/engine'
import {
  CATALOG,
  createMetricsObserver,
  ERROR_KINDS,
  scrapeName,
  type ErrorKind,
  type Instrument,
  type InstrumentKey,
  type InstrumentKind,
  type MetricsObserver,
} from '../src/index.ts'
import { createConsoleMetrics, type RawMetrics, type RawValue } from '../src/console.ts'
import { createPrometheusMetrics } from '../src/prometheus.ts'
import type { LogObserver } from '@se/wal'
import { expectTypeOf } from 'vitest'

declare const meter: Meter
const observer = createMetricsObserver({ meter })

// Its halves go where the engine and the log take an observer.
expectTypeOf(observer).toEqualTypeOf<MetricsObserver>()
expectTypeOf(observer.engine).toExtend<EngineObserver>()
expectTypeOf(observer.engine).toExtend<NonNullable<EngineConfig['observer']>>()
expectTypeOf(observer.log).toExtend<LogObserver>()
expectTypeOf(observer.detach()).toEqualTypeOf<void>()
// @ts-expect-error a meter must be given
createMetricsObserver({})
// @ts-expect-error names are the catalog's
createMetricsObserver({ meter, prefix: 'app_' })

// Both providers give a meter, and take no options yet: none would be obeyed.
createMetricsObserver(createPrometheusMetrics())
createMetricsObserver(createConsoleMetrics())
// @ts-expect-error no server is started
createPrometheusMetrics({ port: 9464 })
// @ts-expect-error nothing runs by itself
createConsoleMetrics({ intervalMs: 1_000 })
expectTypeOf(createPrometheusMetrics().scrape()).resolves.toEqualTypeOf<string>()
expectTypeOf(createConsoleMetrics().snapshot()).resolves.toEqualTypeOf<RawMetrics>()
expectTypeOf<RawMetrics['counters']>().toEqualTypeOf<readonly RawValue[]>()
declare const raw: RawMetrics
// @ts-expect-error a snapshot is read
raw.counters.pop()

// The catalog is known to the compiler by key and by kind.
expectTypeOf<InstrumentKind>().toEqualTypeOf<'counter' | 'gauge' | 'histogram'>()
expectTypeOf(CATALOG.operations.kind).toEqualTypeOf<'counter'>()
expectTypeOf(CATALOG.flushSeconds.unit).toEqualTypeOf<'s'>()
expectTypeOf(CATALOG.operations.labels.tier).toEqualTypeOf<readonly TierName[]>()
expectTypeOf<(typeof CATALOG)[InstrumentKey]>().toExtend<Instrument>()
expectTypeOf(scrapeName(CATALOG.operations)).toEqualTypeOf<string>()
// @ts-expect-error there is no such metric
void CATALOG.operation
// @ts-expect-error names are fixed
CATALOG.operations.name = 'calls'

// The kinds of errors are a closed list, so that a dashboard may name each.
expectTypeOf<'UNEXPECTED' | 'SE_LOG_FULL'>().toExtend<ErrorKind>()
expectTypeOf<string>().not.toExtend<ErrorKind>()
// @ts-expect-error the list is closed
ERROR_KINDS.push('SE_NEW')
