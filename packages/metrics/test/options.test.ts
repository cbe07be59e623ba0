import { readFileSync } from 'node:fs'
import { inspect } from 'node:util'
import { fieldsMarkdown } from '@se/core'
import { optionsContract, optionsTableIn } from '@se/core/testing'
import { describe, expect, it } from 'vitest'
import { createConsoleMetrics } from '../src/console.ts'
import { createMetricsObserver, type MetricsOptions } from '../src/index.ts'
import { METRICS_FIELDS } from '../src/options.ts'
import { createPrometheusMetrics } from '../src/prometheus.ts'

/** Goal: no word is taken that nobody understands, and all that is given back can be shown. Method: every function of the package. */

describe('options of createMetricsObserver [P77]', () => {
  const { meter } = createConsoleMetrics()
  const call = async (given: object) => createMetricsObserver({ meter, ...given })
  const code = 'SE_INVALID_CONFIG'
  for (const { title, run } of optionsContract(METRICS_FIELDS, call, { code })) it(title, run)
})

describe('options [P77]', () => {
  it.each([
    [{ meter: {} }, 'meter: must be a Meter of OpenTelemetry, not an object'],
    [{}, 'meter: must be a Meter of OpenTelemetry, not undefined'],
    [undefined, 'options: must be an object, not undefined'],
  ])('of createMetricsObserver: %o is refused', (given, message) => {
    expect(() => createMetricsObserver(given as never as MetricsOptions)).toThrow(
      expect.objectContaining({ code: 'SE_INVALID_CONFIG', message }),
    )
  })

  it.each([
    ['createPrometheusMetrics', createPrometheusMetrics],
    ['createConsoleMetrics', createConsoleMetrics],
  ])('of %s: there are none, so a port is refused', (_, create) => {
    expect(() => create({ port: 9464 } as never)).toThrow(
      expect.objectContaining({ message: 'port: is not a field; there is none' }),
    )
  })

  it('are in the README as the code has them', () => {
    const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
    expect(optionsTableIn(readme, 'createMetricsObserver')).toBe(fieldsMarkdown(METRICS_FIELDS))
  })
})

describe('what people see [P77]', () => {
  it('of what is given back is plain in JSON and on the console, whatever the SDK keeps inside', async () => {
    const prometheus = createPrometheusMetrics()
    const console = createConsoleMetrics()
    const observer = createMetricsObserver({ meter: console.meter })
    expect(JSON.stringify(prometheus)).toBe('{"contentType":"text/plain; version=0.0.4; charset=utf-8"}')
    expect(inspect(prometheus)).toBe(
      "PrometheusMetrics { contentType: 'text/plain; version=0.0.4; charset=utf-8' }",
    )
    expect(inspect(console)).toBe('ConsoleMetrics {}')
    expect(() => JSON.stringify([console, observer])).not.toThrow()
    observer.engine.evicted?.({ count: 3 })
    expect(JSON.stringify(await console.snapshot())).toContain('"value":3')
    await Promise.all([prometheus.shutdown(), console.shutdown()])
  })
})
