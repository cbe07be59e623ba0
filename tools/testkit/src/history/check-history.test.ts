/**
 * Goal: the checker finds each kind of anomaly, and does not take for one what a correct engine may do.
 * Method: one planted history for each rule, and beside it the nearest one that is right.
 */
import { describe, expect, test } from 'vitest'
import { checkHistory } from './check-history.ts'
import { describeAnomaly } from './describe-anomaly.ts'
import type { Answer, Call, Consistency, History, Level, Operation, ReadItem } from './operation.ts'

/** Begin and end, ms; without an end it was never answered. */
type Span = readonly [number, number?]

const stampOf = (time: number) => ({ time, instance: 1 })
let calls = 0

function operation(
  worker: number,
  [begin, end]: Span,
  call: Call,
  answer: Answer,
  more: Partial<Operation> = {},
) {
  const answered = end === undefined ? {} : { endedUs: end * 1000, answer }
  return { worker, life: 0, number: calls++, call, beganUs: begin * 1000, ...answered, ...more }
}

const acknowledged = (time: number): Answer => ({ kind: 'acknowledged', stamp: stampOf(time) })
const failed: Answer = { kind: 'failed', code: 'SE_TIER_UNAVAILABLE' }

/** The value is its own stamp's time as text. */
const submit = (worker: number, span: Span, time: number, level: Level = 'log', more?: Partial<Operation>) =>
  operation(worker, span, { kind: 'submit', id: 'a', level, value: String(time) }, acknowledged(time), more)
const remove = (worker: number, span: Span, time: number, level: Level = 'log', more?: Partial<Operation>) =>
  operation(worker, span, { kind: 'delete', id: 'a', level }, acknowledged(time), more)
const item = (time: number): ReadItem => ({ value: String(time), stamp: stampOf(time) })
/** @param time of the value read; 0: absent */
const get = (
  worker: number,
  span: Span,
  time: number,
  consistency: Consistency = 'local',
  more?: Partial<Operation>,
) =>
  operation(
    worker,
    span,
    { kind: 'get', id: 'a', consistency },
    { kind: 'items', items: [time === 0 ? null : item(time)] },
    more,
  )
const fast = (worker: number, at: number, presence: 'present' | 'absent' | 'maybe') =>
  operation(worker, [at, at], { kind: 'containsFast', id: 'a' }, { kind: 'said', presence })
const flush = (worker: number, span: Span, more?: Partial<Operation>) =>
  operation(worker, span, { kind: 'flush' }, { kind: 'flushed' }, more)

function found(operations: readonly Operation[], more: Partial<History> = {}) {
  return checkHistory({ operations, lives: [], ...more }).anomalies.map(
    ({ kind, operation: { number } }) => ({
      kind,
      number,
    }),
  )
}

function kinds(operations: readonly Operation[], more: Partial<History> = {}): string[] {
  return found(operations, more).map(({ kind }) => kind)
}

describe('own writes', () => {
  test('a value older than the one acknowledged here is stale, the newer one is not', () => {
    const writes = [submit(1, [0, 1], 10), submit(1, [2, 3], 20)]
    expect(kinds([...writes, get(1, [4, 5], 10)])).toEqual(['stale'])
    expect(kinds([...writes, get(1, [4, 5], 20)])).toEqual([])
    expect(kinds([...writes, submit(2, [3, 9], 30), get(1, [4, 5], 30)])).toEqual([])
  })

  test('a read that begins before the acknowledgement may give either', () => {
    const writes = [submit(1, [0, 1], 10), submit(1, [2, 6], 20)]
    expect(kinds([...writes, get(1, [5, 7], 10)])).toEqual([])
    expect(kinds([...writes, get(1, [6, 7], 10)])).toEqual([])
  })

  test('a value that was deleted here is resurrected, though submit and delete were not awaited', () => {
    const writes = [submit(1, [0, 9], 10), remove(1, [0, 8], 20, 'archive')]
    expect(kinds([...writes, get(1, [10, 11], 10), fast(1, 12, 'present')])).toEqual([
      'resurrected',
      'resurrected',
    ])
    expect(kinds([...writes, get(1, [10, 11], 0), fast(1, 12, 'absent')])).toEqual([])
  })

  test('a value that this process had seen superseded is resurrected', () => {
    const writes = [submit(1, [0, 1], 10), submit(1, [2, 3], 20), get(1, [4, 5], 20)]
    expect(kinds([...writes, get(1, [6, 7], 10)])).toEqual(['resurrected'])
  })

  test('a value that was acknowledged here and is absent is lost, unless a delete may be newer', () => {
    expect(kinds([submit(1, [0, 1], 10), get(1, [2, 3], 0), fast(1, 4, 'absent')])).toEqual(['lost', 'lost'])
    expect(kinds([submit(1, [0, 1], 10), fast(1, 4, 'maybe')])).toEqual([])
    expect(kinds([remove(2, [0, 1], 5), submit(1, [0, 1], 10), get(1, [2, 3], 0)])).toEqual(['lost'])
    expect(kinds([remove(2, [0, 1], 15), submit(1, [0, 1], 10), get(1, [2, 3], 0)])).toEqual([])
    expect(kinds([submit(1, [0, 1], 10), remove(2, [0], 0), get(1, [2, 3], 0)])).toEqual([])
    expect(kinds([submit(1, [0, 1], 10), get(1, [2, 3], 0), remove(2, [4], 0)])).toEqual(['lost'])
  })

  test('a delete that began when the newer write was known may have been stamped anew', () => {
    expect(kinds([submit(1, [0, 1], 10), remove(2, [2, 3], 5), get(1, [4, 5], 0)])).toEqual([])
  })

  test('a value that began when a newer one was committed may be stamped anew, one that did not may not', () => {
    const committed = submit(2, [0, 1], 20, 'archive')
    expect(kinds([committed, submit(1, [2, 3], 10), get(1, [900, 901], 10)])).toEqual([])
    expect(kinds([committed, submit(1, [0, 3], 10), get(1, [900, 901], 10)])).toEqual(['stale'])
    expect(kinds([submit(1, [0, 1], 20), submit(2, [2, 3], 10), get(1, [4, 5], 10)])).toEqual(['stale'])
  })

  test('a delete without an answer was stamped before its process ended', () => {
    const begun = [remove(2, [0], 0)]
    const later = (at: number) => [submit(1, [at, at + 1], 10), get(1, [at + 2, at + 3], 0)]
    const lives = [{ worker: 2, life: 0, endedUs: 1_000_000 }]
    expect(kinds([...begun, ...later(5_900)], { lives })).toEqual([])
    expect(kinds([...begun, ...later(6_100)], { lives })).toEqual(['lost'])
    expect(kinds([...begun, ...later(6_100)])).toEqual([])
  })

  test('what superseded an own write is known from the receipt', () => {
    const answer: Answer = {
      ...(acknowledged(10) as Answer & { kind: 'acknowledged' }),
      supersededBy: stampOf(20),
    }
    const superseded = submit(1, [0, 1], 10, 'archive', { answer })
    expect(kinds([superseded, submit(2, [0, 1], 20), get(1, [2, 3], 10)])).toEqual(['stale'])
    expect(kinds([superseded, submit(2, [0, 1], 20), get(1, [2, 3], 20)])).toEqual([])
  })

  test('the next process on the log directory has all but what was at level `memory`', () => {
    const next = { life: 1 }
    for (const level of ['log', 'archive'] as const) {
      const before = [submit(1, [0, 1], 10), submit(1, [2, 3], 20, level)]
      expect(kinds([...before, get(1, [4, 5], 10, 'local', next)])).toEqual(['stale'])
    }
    const before = [submit(1, [0, 1], 10), submit(1, [2, 3], 20, 'memory')]
    expect(kinds([...before, get(1, [4, 5], 10, 'local', next)])).toEqual([])
    expect(kinds([...before, get(1, [4, 5], 10)])).toEqual(['stale'])
    expect(kinds([...before, get(1, [4, 5], 0, 'local', next)])).toEqual(['lost'])
  })

  test('an own write that was read is not forgotten, acknowledged or not', () => {
    const writes = [submit(1, [0, 1], 10), submit(1, [2], 20), get(1, [3, 4], 20)]
    expect(kinds([...writes, get(1, [5, 6], 10)])).toEqual(['resurrected'])
    expect(kinds([...writes, get(1, [5, 6], 10, 'local', { life: 1 })])).toEqual(['stale'])
  })
})

describe('what others committed', () => {
  const writes = [submit(1, [0, 1], 10, 'archive'), submit(1, [2, 3], 20, 'archive')]

  test('is read by `source` at once, and by others within the bound', () => {
    expect(kinds([...writes, get(2, [4, 5], 10, 'source')])).toEqual(['stale'])
    expect(kinds([...writes, get(2, [4, 5], 20, 'source')])).toEqual([])
    for (const consistency of ['local', 'shared'] as const) {
      expect(kinds([...writes, get(2, [502, 503], 10, consistency)])).toEqual([])
      expect(kinds([...writes, get(2, [504, 505], 10, consistency)])).toEqual(['stale'])
    }
  })

  test('the bound can be given', () => {
    const operations = [...writes, get(2, [504, 505], 10)]
    expect(checkHistory({ operations, lives: [] }, { stalenessMs: 600 }).anomalies).toEqual([])
  })

  test('is what a flush found acknowledged, or a third process has read; not what only its writer knows', () => {
    const logged = [submit(1, [0, 1], 10, 'archive'), submit(1, [2, 3], 20)]
    expect(kinds([...logged, get(2, [900, 901], 10, 'source')])).toEqual([])
    expect(kinds([...logged, get(1, [4, 5], 20), get(2, [900, 901], 10, 'source')])).toEqual([])
    expect(kinds([...logged, flush(1, [4, 5]), get(2, [6, 7], 10, 'source')])).toEqual(['stale'])
    expect(kinds([...logged, flush(1, [2.5, 5]), get(2, [6, 7], 10, 'source')])).toEqual([])
    expect(kinds([...logged, flush(2, [4, 5]), get(2, [6, 7], 10, 'source')])).toEqual([])
    expect(kinds([...logged, get(3, [4, 5], 20), get(2, [6, 7], 10, 'source')])).toEqual(['stale'])
    expect(kinds([...logged, flush(1, [4, 5], { life: 1 }), get(2, [6, 7], 10, 'source')])).toEqual(['stale'])
  })

  test('an own write at level `archive` that was read without an answer is committed, and known to others', () => {
    const unanswered = [
      submit(1, [0, 1], 10, 'archive'),
      submit(1, [2], 20, 'archive'),
      get(1, [3, 4], 20, 'source'),
    ]
    expect(kinds([...unanswered, get(1, [5, 6], 10)])).toEqual([])
    expect(kinds([...unanswered, get(1, [505, 506], 10)])).toEqual(['resurrected'])
    expect(kinds([...unanswered, get(2, [5, 6], 10, 'source')])).toEqual(['stale'])
  })

  test('a deaf process may give an own write, however old, but nobody else’s', () => {
    const own = submit(2, [0, 1], 15)
    const deaf = { isDeaf: true }
    expect(kinds([...writes, own, get(2, [900, 901], 15)])).toEqual(['stale'])
    expect(kinds([...writes, own, get(2, [900, 901], 15, 'local', deaf)])).toEqual([])
    expect(kinds([...writes, own, get(2, [900, 901], 10, 'local', deaf)])).toEqual(['stale'])
    expect(kinds([...writes, remove(2, [0, 1], 15), get(2, [900, 901], 0)])).toEqual(['lost'])
    expect(kinds([...writes, remove(2, [0, 1], 15), get(2, [900, 901], 0, 'local', deaf)])).toEqual([])
    expect(kinds([...writes, get(2, [900, 901], 0, 'local', deaf)])).toEqual(['lost'])
  })

  test('each id of a getMany is judged', () => {
    const many = (worker: number, answered: readonly (ReadItem | null)[]) =>
      operation(worker, [900, 901], { kind: 'getMany', ids: ['b', 'a'] }, { kind: 'items', items: answered })
    expect(kinds([...writes, many(2, [null, item(10)])])).toEqual(['stale'])
    expect(kinds([...writes, many(2, [item(20), item(20)])])).toEqual(['invented'])
    expect(kinds([...writes, many(2, [null, item(20)])])).toEqual([])
  })
})

describe('invented', () => {
  test('is a value nobody wrote, wrote there, had begun to write, or wrote according to the engine', () => {
    const refused = submit(1, [0, 1], 10, 'log', { answer: { kind: 'refused', code: 'SE_BACKPRESSURE' } })
    const elsewhere = operation(
      1,
      [0, 1],
      { kind: 'submit', id: 'b', level: 'log', value: '10' },
      acknowledged(10),
    )
    expect(kinds([get(1, [2, 3], 10)])).toEqual(['invented'])
    expect(kinds([get(1, [2, 3], 10), submit(2, [4, 5], 10)])).toEqual(['invented'])
    expect(kinds([refused, get(1, [2, 3], 10)])).toEqual(['invented'])
    expect(kinds([elsewhere, get(1, [2, 3], 10)])).toEqual(['invented'])
    expect(kinds([fast(1, 2, 'present')])).toEqual(['invented'])
    expect(kinds([get(1, [2, 3], 0), fast(1, 4, 'absent')])).toEqual([])
  })

  test('is unknown bytes', () => {
    const items = [{ value: undefined, stamp: stampOf(10) }]
    const read = operation(
      1,
      [2, 3],
      { kind: 'get', id: 'a', consistency: 'local' },
      { kind: 'items', items },
    )
    expect(kinds([submit(1, [0, 1], 10), read])).toEqual(['invented'])
  })

  test('is not what failed, was never answered, or is written at this moment', () => {
    expect(kinds([submit(1, [0, 1], 10, 'log', { answer: failed }), get(1, [2, 3], 10)])).toEqual([])
    expect(kinds([submit(1, [0], 10), get(1, [2, 3], 10)])).toEqual([])
    expect(kinds([submit(1, [2.5, 4], 10), get(2, [2, 3], 10)])).toEqual([])
  })
})

describe('stamps', () => {
  test('are not given twice', () => {
    const twin = operation(2, [5, 6], { kind: 'delete', id: 'b', level: 'log' }, acknowledged(10))
    expect(kinds([submit(1, [0, 1], 10), twin])).toEqual(['stamp'])
  })

  test('are not older when read than when acknowledged, and may be newer', () => {
    const read = (time: number) =>
      operation(
        2,
        [2, 3],
        { kind: 'get', id: 'a', consistency: 'local' },
        { kind: 'items', items: [{ value: '10', stamp: stampOf(time) }] },
      )
    expect(kinds([submit(1, [0, 1], 10), read(9)])).toEqual(['stamp'])
    expect(kinds([submit(1, [0, 1], 10), read(11)])).toEqual([])
  })

  test('are above what the process had acknowledged or read', () => {
    expect(kinds([submit(1, [0, 1], 10), submit(1, [2, 3], 9)])).toEqual(['stamp'])
    expect(kinds([submit(1, [0, 2], 10), submit(1, [1, 3], 9)])).toEqual([])
    expect(kinds([submit(1, [0, 1], 10), get(2, [2, 3], 10), submit(2, [4, 5], 9)])).toEqual(['stamp'])
    expect(kinds([submit(1, [0, 1], 10), submit(2, [4, 5], 9)])).toEqual([])
    expect(kinds([submit(1, [0, 1], 10), submit(1, [2, 3], 9, 'log', { life: 1 })])).toEqual(['stamp'])
    expect(kinds([submit(1, [0, 1], 10, 'memory'), submit(1, [2, 3], 9, 'log', { life: 1 })])).toEqual([])
  })
})

test('once all is settled, everybody reads the same', () => {
  const unanswered = [submit(1, [0], 10), remove(2, [0], 0)]
  const reads = [get(1, [600, 601], 10), get(2, [602, 603], 0)]
  expect(kinds([...unanswered, ...reads])).toEqual([])
  expect(kinds([...unanswered, ...reads], { settledUs: 50_000 })).toEqual(['diverged'])
  expect(kinds([...unanswered, ...reads], { settledUs: 101_000 })).toEqual([])
})

test('counts what it had to hold on to', () => {
  const { counts } = checkHistory({
    operations: [
      submit(1, [0, 1], 10, 'archive'),
      submit(1, [2, 3], 20, 'archive'),
      submit(2, [4], 30),
      get(2, [5, 6], 20),
      get(3, [103, 104], 10),
      operation(2, [7, 8], { kind: 'get', id: 'a', consistency: 'local' }, failed),
      get(2, [9], 0),
      get(1, [10, 11], 20, 'local', { isDeaf: true }),
      submit(2, [2, 13], 15),
      get(2, [703, 704], 15, 'local', { isDeaf: true }),
    ],
    lives: [],
  })
  expect(counts).toEqual({
    operations: 10,
    writes: 4,
    acknowledged: 3,
    reads: 4,
    bounded: 2,
    unanswered: 2,
    deaf: 1,
    wentBack: 1,
    oldestReadUs: 100_000,
    oldestDeafReadUs: 700_000,
  })
})

test('an anomaly is told with the operations that make it one', () => {
  const far = submit(3, [-9_000, -8_000], 5)
  const operations = [
    far,
    submit(1, [-5_000, -4_999], 10),
    remove(1, [2, 3], 20, 'archive'),
    submit(2, [3], 30),
    get(1, [10, 11], 10),
  ]
  const history = { operations, lives: [] }
  const text = describeAnomaly(checkHistory(history).anomalies[0]!, history).replaceAll(/#\d+/g, '')
  expect(text.split('\n')).toEqual([
    'resurrected: a as read by worker 1, but 14.1 was its own 7.0 ms before',
    '  1.0 -5010.0 to -5009.0: submit 10 (log) = a.1',
    '* 1.0 -8.0 to -7.0: delete (archive) = 14.1',
    '  2.0 -7.0 to …: submit 30 (log) = nothing',
    '> 1.0 0.0 to 1.0: get (local) = 10 a.1',
  ])
})
