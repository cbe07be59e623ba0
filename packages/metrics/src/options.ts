import type { Meter } from '@opentelemetry/api'
import { portField, readFields, type Field, type FieldTable, type FieldValues } from '@se/core'

/**
 * One table for each options object of the package: it checks what is given, refuses what is not a field [P77], and prints the
 * README's table.
 */

export interface MetricsOptions {
  /**
   * Where the instruments are made: of `@se/metrics/prometheus`, of `@se/metrics/console`, or of any SDK's provider. One
   * observer a meter: two would report the same series, and the SDK keeps one of them.
   */
  readonly meter: Meter
}

/** For what has no options yet: a port, for example, would be taken without a word, and no server started. */
export type NoOptions = Readonly<Record<string, never>>

/** The table of {@link MetricsOptions}. */
export const METRICS_FIELDS = {
  meter: portField<Meter, { isRequired: true; meaning: string }>({
    isRequired: true,
    what: 'a Meter of OpenTelemetry',
    methods: [
      'createHistogram',
      'createObservableCounter',
      'createObservableGauge',
      'addBatchObservableCallback',
      'removeBatchObservableCallback',
    ],
    meaning:
      'Of `createPrometheusMetrics()`, of `createConsoleMetrics()`, or of any SDK. One observer a meter: of two the SDK keeps one.',
  }),
} as const satisfies Readonly<Record<keyof MetricsOptions, Field<unknown>>>

/** @throws InvalidConfig naming the field */
export function readOptions<Table extends FieldTable>(options: object, table: Table): FieldValues<Table> {
  return readFields('', options, table)
}
