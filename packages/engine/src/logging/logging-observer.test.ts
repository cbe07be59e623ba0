import { TierUnavailable } from '@se/core'
import { createFakeClock } from '@se/core/testing'
import { describe, expect, it } from 'vitest'
import type { LogFields, Logger } from './logger.ts'
import { createLoggingObserver } from './logging-observer.ts'

interface Line {
  readonly level: string
  readonly fields: LogFields
  readonly message: string
}

function create() {
  const clock = createFakeClock()
  const lines: Line[] = []
  const write = (level: string) => (fields: LogFields, message: string) =>
    void lines.push({ level, fields, message })
  const logger: Logger = {
    debug: write('debug'),
    info: write('info'),
    warn: write('warn'),
    error: write('error'),
  }
  const observer = createLoggingObserver(logger, clock)
  const texts = (levels = /info|warn|error/) =>
    lines.filter(({ level }) => levels.test(level)).map(({ level, message }) => `${level}: ${message}`)
  return { clock, lines, observer, texts }
}

const FLUSH = { cause: 'age', items: 2, bytes: 9, l2: 1, superseded: 0, parked: 0, durationMs: 4 } as const
const FAILED_FLUSH = { ...FLUSH, status: 'error', sequence: undefined, l3: 0 } as const
const DOWN = new TierUnavailable('mysql: ECONNREFUSED')

describe('log lines', () => {
  it('tell start steps, trust, repairs and faults with their figures in fields, and flushes at debug', () => {
    const { lines, observer, texts } = create()
    observer.startStep?.({ name: 'tree', durationMs: 5, figures: { pages: 3 } })
    observer.started?.({ durationMs: 9, isDegraded: false })
    observer.flushed?.({ ...FLUSH, status: 'success', sequence: 7, l3: 2 })
    observer.trust?.({ view: 'filter', isTrusted: false, because: 'pruned' })
    observer.trust?.({ view: 'filter', isTrusted: true, because: 'digest equal' })
    observer.repaired?.({ view: 'cache', differences: 1, repaired: 1, durationMs: 2 })
    observer.parked?.({ count: 1, because: 'always-fails' })
    observer.fault?.({ part: 'log', what: 'the log failed', error: undefined, figures: { byMs: 3 } })
    observer.phaseChanged?.({ from: 'Ready', to: 'Stopping' })
    expect(texts(/./)).toEqual([
      'info: start: tree',
      'info: ready',
      'debug: flushed',
      'warn: filter untrusted: pruned',
      'info: filter trusted',
      'warn: cache repaired',
      'error: items parked: the archive does not take them',
      'error: the log failed',
      'info: Ready to Stopping',
    ])
    expect(lines[0]?.fields).toEqual({ event: 'start-step', step: 'tree', durationMs: 5, pages: 3 })
    expect(lines[2]?.fields).toMatchObject({ event: 'flush', items: 2, l3: 2, sequence: 7 })
    expect(lines[7]?.fields).toEqual({ event: 'fault', part: 'log', byMs: 3 })
  })

  it('of an outage: one when it begins, one a minute, one when it ends, whatever fails meanwhile', async () => {
    const { clock, lines, observer, texts } = create()
    const failFor = async (ms: number) => {
      for (let passedMs = 0; passedMs < ms; passedMs += 250) {
        observer.fault?.({ part: 'poll', what: 'the heads could not be read', error: DOWN })
        if (passedMs % 5_000 === 0) observer.flushed?.(FAILED_FLUSH)
        if (passedMs % 30_000 === 0)
          observer.fault?.({ part: 'archive', what: 'maintenance failed', error: DOWN })
        for (const state of ['half-open', 'open'] as const) observer.breaker?.({ backend: 'mysql', state })
        await clock.advance(250)
      }
    }
    observer.fault?.({ part: 'poll', what: 'the heads could not be read', error: DOWN })
    observer.flushed?.(FAILED_FLUSH)
    observer.backendHealth?.({ backend: 'mysql', tier: 'L3', isHealthy: false })
    await failFor(3_600_000)
    observer.backendHealth?.({ backend: 'mysql', tier: 'L3', isHealthy: true })
    observer.flushed?.({ ...FLUSH, status: 'success', sequence: 7, l3: 2 })
    const seen = texts()
    expect(seen[0]).toBe('warn: mysql does not answer')
    expect(seen.at(-1)).toBe('info: mysql answers again')
    expect(seen.slice(1, -1).every((text) => text === 'warn: L3 still does not answer')).toBe(true)
    expect(seen.length).toBeGreaterThanOrEqual(60)
    expect(seen.length).toBeLessThanOrEqual(62)
    const end = lines.findLast(({ level }) => level === 'info')!.fields
    expect(end).toMatchObject({ event: 'outage-end', durationMs: 3_600_000 })
    expect(end['faults']).toBeGreaterThan(14_000)
    // No stack, and a few kilobytes for an hour.
    expect(JSON.stringify(lines.filter(({ level }) => level !== 'debug')).length).toBeLessThan(20_000)
    expect(lines.some(({ fields }) => 'err' in fields)).toBe(false)
  })

  it('of the archive and the cache are told apart', () => {
    const { observer, texts } = create()
    observer.backendHealth?.({ backend: 'redis', tier: 'L2', isHealthy: false })
    observer.fault?.({ part: 'cache', what: 'the cache does not answer', error: DOWN })
    observer.fault?.({ part: 'archive', what: 'maintenance failed', error: DOWN })
    observer.backendHealth?.({ backend: 'redis', tier: 'L2', isHealthy: true })
    expect(texts()).toEqual([
      'warn: redis does not answer',
      'error: maintenance failed',
      'info: redis answers again',
    ])
  })

  it('of a fault that repeats: the first, then one a minute with how many, for each kind of its own', async () => {
    const { clock, lines, observer, texts } = create()
    const bug = new TypeError('cannot read properties of undefined')
    for (let time = 0; time < 4 * 180; time++) {
      observer.fault?.({ part: 'flush', what: 'a batch failed unexpectedly', error: bug })
      if (time % 40 === 0)
        observer.fault?.({ part: 'log', what: 'records could not be released', error: bug })
      observer.parked?.({ count: 1, because: 'refused-data' })
      await clock.advance(250)
    }
    expect(texts().filter((text) => text.includes('unexpectedly'))).toHaveLength(3)
    expect(texts().filter((text) => text.includes('released'))).toHaveLength(3)
    expect(texts().filter((text) => text.includes('parked'))).toHaveLength(3)
    const [first, second] = lines.filter(({ message }) => message.includes('unexpectedly'))
    expect(first?.fields).toEqual({ event: 'fault', part: 'flush', kind: 'UNEXPECTED', err: bug })
    expect(second?.fields).toEqual({
      event: 'fault',
      part: 'flush',
      kind: 'UNEXPECTED',
      count: 240,
      sinceMs: 60_000,
    })
  })

  it('of a tier that fails now and then, without an outage: one a minute, once it goes on for that long', async () => {
    const { clock, observer, texts } = create()
    for (let time = 0; time < 130; time++) {
      observer.fault?.({ part: 'poll', what: 'the heads could not be read', error: DOWN })
      await clock.advance(1_000)
    }
    expect(texts()).toEqual(['error: the heads could not be read', 'error: the heads could not be read'])
  })

  it('begin anew after a minute of quiet, and say what was not told', async () => {
    const { clock, lines, observer } = create()
    const lose = () => observer.fault?.({ part: 'cache', what: 'lost', error: undefined })
    for (let time = 0; time < 5; time++) lose()
    await clock.advance(61_000)
    lose()
    expect(lines.map(({ fields }) => fields['count'])).toEqual([undefined, 5])
  })

  it('are silent for what happens thousands of times a second', () => {
    const { observer } = create()
    for (const method of ['operation', 'failed', 'filterChecked', 'evicted', 'written', 'batch'] as const) {
      expect(observer[method]).toBeUndefined()
    }
  })
})
