import { InvalidInput } from '@se/core'
import { describe, expect, it } from 'vitest'
import { describeAction, type Action } from './actions.ts'
import { decodeScript, encodeScript } from './script-text.ts'
import { SWITCHES, writeScript, type Script } from './script.ts'

const SCRIPT: Script = {
  seed: 7,
  switches: ['flips'],
  variant: {
    processes: 2,
    caches: [0, undefined],
    isExclusive: false,
    isMemoryTight: false,
    recordsMax: 10,
    flushDelayMs: 20,
    latency: 0.2,
    diskLatency: 0,
    messageLatency: 0.1,
  },
  actions: [
    { do: 'write', process: 1, id: 'user.0', value: undefined, level: 'log', isLarge: false },
    { do: 'kill', process: 0, power: undefined },
    { do: 'call', process: 0, name: 'pay', input: { amount: 3, to: ['é\n"', null] } },
    { do: 'calm' },
  ],
}

/** The text of the script with something else in the place of something. */
function textWith(change: (script: Record<string, never>) => void): string {
  const script = JSON.parse(encodeScript(SCRIPT)) as Record<string, never>
  change(script)
  return JSON.stringify(script)
}

describe('a script as text', () => {
  it('is read as what it was written from, and written as it was, whatever the seed', () => {
    const kinds = new Set<string>()
    const application = {
      actions: {
        pay: { weight: 10, draw: () => ({ amount: 1, note: undefined }), run: () => Promise.resolve() },
        rest: { weight: 5, draw: () => undefined, run: () => Promise.resolve() },
      },
    }
    for (let seed = 0; seed < 200; seed++) {
      const switches = SWITCHES.filter((_, index) => (seed >> (index % 5)) % 2 === 0)
      const script = writeScript({ seed, steps: 60, switches, application })
      const text = encodeScript(script)
      expect(decodeScript(text)).toStrictEqual(script)
      expect(encodeScript(decodeScript(text))).toBe(text)
      for (const action of script.actions) kinds.add(action.do)
    }
    // A kind of action that no script has would not be tried here.
    expect([...kinds].toSorted()).toEqual(ALL_KINDS.toSorted())
  })

  it('has an action a line, so that two of them can be compared', () => {
    const text = encodeScript(SCRIPT)
    expect(text.split('\n').filter((line) => line.startsWith('    {"do"'))).toHaveLength(
      SCRIPT.actions.length,
    )
    expect(decodeScript(text)).toStrictEqual(SCRIPT)
    expect(decodeScript(encodeScript({ ...SCRIPT, actions: [] })).actions).toEqual([])
  })

  it.each<[string, (script: Record<string, never>) => void, string]>([
    [
      'another format',
      (s) => void Object.assign(s, { format: 'se-simulation 2' }),
      "format: must be 'se-simulation 1'",
    ],
    ['no format', (s) => void delete s.format, "format: must be 'se-simulation 1', not absent"],
    [
      'a field too many',
      (s) => void Object.assign(s, { sed: 1 }),
      'sed: is not a field; there are seed, switches',
    ],
    ['no seed', (s) => void delete s.seed, 'seed: must be an integer from 0 to 4294967295'],
    ['a seed with a fraction', (s) => void Object.assign(s, { seed: 1.5 }), 'seed: must be an integer'],
    [
      'a switch that does not exist',
      (s) => void Object.assign(s, { switches: ['flop'] }),
      'switches: there is no "flop"',
    ],
    [
      'switches that are a text',
      (s) => void Object.assign(s, { switches: 'flips' }),
      'switches: must be a list',
    ],
    ['no variant', (s) => void delete s.variant, 'variant: must be an object'],
    [
      'too few caches',
      (s) => void Object.assign(s.variant!, { caches: [0] }),
      'variant.caches: must have one entry for each',
    ],
    [
      'a cache of nobody',
      (s) => void Object.assign(s.variant!, { caches: [0, 2] }),
      'variant.caches: must have numbers below 2',
    ],
    [
      'an archive for one alone',
      (s) => void Object.assign(s.variant!, { isExclusive: true }),
      'variant.isExclusive: must be false',
    ],
    ['no chance', (s) => void Object.assign(s.variant!, { latency: 2 }), 'variant.latency: must'],
    ['actions that are none', (s) => void Object.assign(s, { actions: {} }), 'actions: must be a list'],
    [
      'an action that is a text',
      (s) => void Object.assign(s, { actions: ['kill'] }),
      'actions[0]: must be an object',
    ],
    [
      'an action that does not exist',
      (s) => void Object.assign(s, { actions: [{ do: 'toString' }] }),
      'actions[0].do: must be one of write, read',
    ],
    [
      'a field that is missing',
      (s) => void Object.assign(s, { actions: [{ do: 'kill' }] }),
      'actions[0].process',
    ],
    [
      'a field of another action',
      (s) => void Object.assign(s, { actions: [{ do: 'calm', process: 0 }] }),
      'actions[0].process: is not a field',
    ],
    [
      'a process that does not exist',
      (s) => void Object.assign(s, { actions: [{ do: 'kill', process: 2 }] }),
      'actions[0].process: must be below 2',
    ],
    [
      'a cache that does not exist',
      (s) => void Object.assign(s, { actions: [{ do: 'empty', cache: 3 }] }),
      'actions[0].cache: must be below 2',
    ],
    [
      'a time without end',
      (s) => void Object.assign(s, { actions: [{ do: 'pass', ms: 1e12 }] }),
      'actions[0].ms',
    ],
    [
      'an id that is none',
      (s) => void Object.assign(s, { actions: [{ do: 'evict', cache: 0, id: '' }] }),
      'actions[0].id',
    ],
  ])('is refused with %s, by the field that is wrong [P77]', (_, change, message) => {
    expect(() => decodeScript(textWith(change))).toThrow(InvalidInput)
    expect(() => decodeScript(textWith(change))).toThrow(message)
  })

  it.each(['', '{', '[]', 'null', '"script"'])('is refused where it is no script at all: %j', (text) => {
    expect(() => decodeScript(text)).toThrow(InvalidInput)
  })
})

it('an action for people is one line', () => {
  expect(SCRIPT.actions.map(describeAction)).toEqual([
    'write process=1 id="user.0" value=none level="log" isLarge=false',
    'kill process=0 power=none',
    'call process=0 name="pay" input={"amount":3,"to":["é\\n\\"",null]}',
    'calm',
  ])
})

const ALL_KINDS: readonly Action['do'][] = [
  'back-up',
  'cache-answers',
  'call',
  'calm',
  'collect',
  'drop-meta',
  'dump',
  'empty',
  'evict',
  'fail-commit',
  'fail-disk',
  'flip-stamp',
  'flush',
  'freeze',
  'kill',
  'lose-puts',
  'pass',
  'reach',
  'read',
  'read-everything',
  'read-many',
  'restart',
  'restore',
  'retry-parked',
  'set-archive-clock',
  'set-back',
  'set-clock',
  'start',
  'thaw',
  'turns',
  'verify',
  'write',
]
