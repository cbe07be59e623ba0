/**
 * Goal: docs/metrics.md shows the catalog, and nothing in it can grow without bound.
 * Method: names and labels are written down a second time here, as a scrape shows them; a change must be made twice.
 */
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { CATALOG, scrapeName, type Instrument } from '../src/index.ts'
import { describe, expect, it } from 'vitest'

const root = fileURLToPath(new URL('../../..', import.meta.url))
const instruments: readonly Instrument[] = Object.values(CATALOG)

const PROMISED = {
  counter: [
    'sync_engine_operations_total{tier,operation,status}',
    'sync_engine_items_written_total{tier}',
    'sync_engine_bytes_written_total{tier}',
    'sync_engine_merkle_operations_total{store,operation,status}',
    'sync_engine_errors_total{tier,operation,kind}',
    'sync_engine_cuckoo_checks_total{filter,result}',
    'sync_engine_cuckoo_false_positives_total{filter}',
    'sync_engine_evictions_total',
    'sync_engine_retries_total{backend}',
    'sync_engine_parked_items_total',
    'sync_engine_superseded_items_total',
  ],
  gauge: [
    'sync_engine_l1_cache_items',
    'sync_engine_l1_cache_bytes',
    'sync_engine_memory_pressure',
    'sync_engine_backpressure_level',
    'sync_engine_cuckoo_filter_entries{filter}',
    'sync_engine_cuckoo_filter_load{filter}',
    'sync_engine_backend_healthy{backend}',
    'sync_engine_wal_entries',
    'sync_engine_wal_bytes',
    'sync_engine_pending_items',
    'sync_engine_pending_age_seconds',
    'sync_engine_view_lag_batches{view}',
    'sync_engine_view_trusted{view}',
    'sync_engine_circuit_breaker_state{backend}',
  ],
  histogram: [
    'sync_engine_operation_seconds{tier,operation}',
    'sync_engine_flush_seconds',
    'sync_engine_batch_size{tier}',
    'sync_engine_batch_bytes{tier}',
    'sync_engine_startup_seconds{phase}',
    'sync_engine_startup_total_seconds',
    'sync_engine_wal_sync_seconds',
  ],
}

function signature(instrument: Instrument): string {
  const labels = Object.keys(instrument.labels)
  return scrapeName(instrument) + (labels.length === 0 ? '' : `{${labels.join(',')}}`)
}

describe('catalog', () => {
  it.each(Object.entries(PROMISED))(
    'has every promised %s by name and labels, and no other',
    (kind, promised) => {
      expect(instruments.filter((instrument) => instrument.kind === kind).map(signature)).toEqual(promised)
    },
  )

  it('says what each metric means, in which unit, and for histograms in which buckets', () => {
    for (const { name, unit, description, kind, boundaries } of instruments) {
      expect(unit, name).not.toBe('')
      expect(description.length, name).toBeGreaterThan(4)
      expect(boundaries !== undefined, name).toBe(kind === 'histogram')
      if (name.endsWith('_seconds')) expect(unit, name).toBe('s')
      expect(boundaries?.toSorted((a, b) => a - b)).toEqual(boundaries)
      expect(new Set(boundaries).size).toBe(boundaries?.length ?? 0)
    }
  })

  it('bounds the series of each metric, because a label without bound fills a monitoring system [P48]', () => {
    for (const instrument of instruments) {
      // `other` comes on top of each label.
      const combinations = Object.values(instrument.labels).reduce(
        (product, values) => product * (values.length + 1),
        1,
      )
      expect(combinations, instrument.name).toBeLessThan(1_000)
    }
  })
})

describe('docs/metrics.md', () => {
  it('shows the catalog, row by row', () => {
    const document = readFileSync(path.join(root, 'docs/metrics.md'), 'utf8')
    const rows = document
      .split('\n')
      .filter((line) => line.startsWith('| `sync_engine_'))
      .map((line) =>
        line
          .split('|')
          .slice(1, -1)
          .map((cell) => cell.trim()),
      )
    expect(rows).toEqual(
      instruments.map((instrument) => [
        `\`${scrapeName(instrument)}\``,
        Object.keys(instrument.labels)
          .map((label) => `\`${label}\``)
          .join(', '),
        `\`${instrument.unit}\``,
        instrument.description,
      ]),
    )
  })

  it('lists every value of every label, except the error codes, which it points to', () => {
    const document = readFileSync(path.join(root, 'docs/metrics.md'), 'utf8')
    for (const instrument of instruments) {
      for (const [label, values] of Object.entries(instrument.labels)) {
        if (label === 'kind') continue
        const list = values.map((value) => `\`${value}\``).join(', ')
        expect(document, `${instrument.name} ${label}`).toContain(`\`${label}\``)
        expect(document, `${instrument.name} ${label}`).toContain(list)
      }
    }
  })
})
