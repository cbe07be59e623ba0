import { integerField, otherField, readFields, refuseInput, type FieldTable } from '@se/core'
import { seededRandom, type SeededRandom } from '@se/core/testing'
import type { Action } from './actions.ts'
import { APPLICATION, isApplication, type Application } from './application.ts'
import { burst, freeze, jumpClocks, overtake, restore, setBack, sleepThrough, type Shape } from './shapes.ts'
import type { Variant } from './variant.ts'
import { Writer } from './writer.ts'

/** Kinds of fault that can be left out, so that one can be looked at alone. */
export const SWITCHES = [
  /** Syncs of the log end late, before or after the archive answers. */
  'slow-disk',
  /** Messages between the planes of an engine are copied, and arrive late, in their order. */
  'slow-messages',
  /** Engines without a cache, or with one of their own. */
  'many-caches',
  /** A cache answers and has not stored, or has stored and does not answer. */
  'lost-puts',
  /** The ledger is pruned of what a process has not heard yet. */
  'prunes',
  /** A cache comes back as it was at an earlier dump. */
  'set-back',
  /** Bits of a cache's entries change. */
  'flips',
  /** The archive comes back as it was some batches ago. */
  'restores',
  /** Processes stand still for a while. */
  'freezes',
  /** Wall clocks of processes are off by hours. */
  'clocks',
  /** The archive's clock jumps by hours. */
  'archive-clock',
  /** `verify` is called while others write, and must not cry wolf. */
  'verify',
  /** A process never reads older than it has read. */
  'monotonic',
] as const

export type Switch = (typeof SWITCHES)[number]

/** All that a run does, as plain data. */
export interface Script {
  /** u32; draws latencies, what a power cut leaves, and random numbers of the engines. */
  readonly seed: number
  /** In the order of {@link SWITCHES}. */
  readonly switches: readonly Switch[]
  readonly variant: Variant
  readonly actions: readonly Action[]
}

export interface ScriptSettings {
  /** u32; everything follows from it. */
  readonly seed: number
  /** Actions, at least. */
  readonly steps: number
  /** Kinds of fault. Default: all. */
  readonly switches?: readonly Switch[] | undefined
  /** Its actions are drawn among the others. */
  readonly application?: Application | undefined
}

/** Actions of a script, at most. */
export const STEPS_MAX = 100_000

/** What a script is written by, whoever uses the engine in it. */
export const SCRIPT_FIELDS = {
  seed: integerField({ min: 0, max: 2 ** 32 - 1, isRequired: true, meaning: 'Everything follows from it.' }),
  steps: integerField({ min: 1, max: STEPS_MAX, isRequired: true, meaning: 'Actions, at least.' }),
  switches: otherField<readonly Switch[]>({
    what: `a list of ${SWITCHES.join(', ')}`,
    accepts: (given) => Array.isArray(given) && given.every((name) => SWITCHES.includes(name as Switch)),
    meaning: 'Kinds of fault.',
  }),
} satisfies FieldTable

const SETTINGS = {
  ...SCRIPT_FIELDS,
  application: otherField<Application>({
    what: APPLICATION,
    accepts: isApplication,
    meaning: 'Its actions are drawn among the others.',
  }),
} satisfies FieldTable

/**
 * Writes what a run is to do. The same settings give the same script.
 *
 * @throws InvalidInput naming the setting, and what it may be
 */
export function writeScript(settings: ScriptSettings): Script {
  const { seed, steps, switches = SWITCHES, application } = readFields('', settings, SETTINGS, refuseInput)
  const random = seededRandom(seed)
  const on = new Set(switches)
  const variant = drawVariant(random, on)
  const writer = new Writer(random, variant)
  const shapes = [...shapesOf(on), ...callsOf(application)]
  while (writer.actions.length < steps) next(writer, shapes)
  return { seed, switches: SWITCHES.filter((name) => on.has(name)), variant, actions: writer.actions }
}

function drawVariant(random: SeededRandom, switches: ReadonlySet<Switch>): Variant {
  const isExclusive = random.chance(0.15)
  const processes = isExclusive ? 1 : random.pick([1, 2, 2, 2, 3])
  const caches = Array.from({ length: processes }, (_, process) =>
    switches.has('many-caches') ? random.pick([0, 0, 0, process, undefined]) : 0,
  )
  return {
    processes,
    caches,
    isExclusive,
    isMemoryTight: random.chance(0.25),
    recordsMax: random.pick([10, 1_000_000, 1_000_000]),
    flushDelayMs: random.pick([20, 100, 100, 1_000]),
    latency: random.pick([0, 0.2, 0.8]),
    diskLatency: switches.has('slow-disk') ? random.pick([0, 0.3, 0.9]) : 0,
    messageLatency: switches.has('slow-messages')
      ? random.pick([undefined, undefined, 0, 0.1, 0.5])
      : undefined,
  }
}

type Weighted = readonly [weight: number, shape: Shape]

function shapesOf(switches: ReadonlySet<Switch>): readonly Weighted[] {
  const ifOn = (name: Switch, weight: number): number => (switches.has(name) ? weight : 0)
  const shapes: readonly Weighted[] = [
    [22, (to) => to.write()],
    [6, burst],
    [16, (to) => to.read()],
    [5, (to) => to.add({ do: 'read-many', process: to.process(), ids: to.ids() })],
    [3, (to) => to.readEverything()],
    [8, (to) => to.flush()],
    [2, (to) => to.add({ do: 'retry-parked', process: to.process(), widen: to.random.chance(0.5) })],
    [
      ifOn('verify', 2),
      (to) => to.add({ do: 'verify', process: to.process(), repair: to.random.chance(0.5) }),
    ],
    [12, (to) => to.pass(1, 20, 120, 300, 300, 900)],
    [0.2, (to) => to.pass(31_000)],
    [1, (to) => to.add({ do: 'calm' })],
    // Processes.
    [3, (to) => to.kill(to.process())],
    [4, (to) => to.add({ do: 'start', process: to.process() })],
    [3, (to) => to.add({ do: 'restart', process: to.process() })],
    [1, (to) => to.add({ do: 'fail-disk', process: to.process() })],
    [1, (to) => to.add({ do: 'set-clock', process: to.process(), skewMs: to.skew() })],
    [ifOn('freezes', 2), freeze],
    [ifOn('clocks', 1.5), jumpClocks],
    // The archive.
    [ifOn('archive-clock', 1), (to) => to.add({ do: 'set-archive-clock', skewMs: to.hours() })],
    [3, failCommit],
    [2, (to) => to.add({ do: 'reach', process: to.process(), isReachable: false })],
    [4, (to) => to.add({ do: 'reach', process: to.process(), isReachable: true })],
    [ifOn('prunes', 1), (to) => to.add({ do: 'collect', ageMs: to.random.pick([1_000, 3_000, 10_000]) })],
    [ifOn('prunes', 1), sleepThrough],
    [ifOn('restores', 1), (to) => to.add({ do: 'back-up' })],
    [ifOn('restores', 1), restore],
    // Caches.
    [2, (to) => to.add({ do: 'cache-answers', cache: to.cache(), isAvailable: to.random.chance(0.7) })],
    [2, (to) => to.add({ do: 'evict', cache: to.cache(), id: to.id() })],
    [1, (to) => to.add({ do: 'drop-meta', cache: to.cache(), id: to.id() })],
    [0.5, (to) => to.add({ do: 'empty', cache: to.cache() })],
    [ifOn('set-back', 1), setBack],
    [ifOn('lost-puts', 2), overtake],
    [ifOn('flips', 1), flipStamp],
  ]
  return shapes.filter(([weight]) => weight > 0)
}

/** Actions of an application. What they are given is as JSON has it, so that a saved script does the same. */
function callsOf({ actions }: Application = { actions: {} }): readonly Weighted[] {
  return Object.entries(actions).map(([name, { weight, draw }]) => [
    weight,
    (to) => {
      const process = to.process()
      to.add({ do: 'call', process, name, input: plain(draw(to.random)) })
    },
  ])
}

function plain(value: unknown): unknown {
  return value === undefined ? undefined : (JSON.parse(JSON.stringify(value)) as unknown)
}

/** Adds one thing to do, and often some time for it. */
function next(writer: Writer, shapes: readonly Weighted[]): void {
  const { random } = writer
  let dice = random.fraction() * shapes.reduce((sum, [weight]) => sum + weight, 0)
  const [, shape] = shapes.find(([weight]) => (dice -= weight) < 0) ?? shapes[0]!
  shape(writer)
  if (random.chance(0.05)) writer.coolDown()
  if (random.chance(0.5)) writer.add({ do: 'turns', count: 1 + random.below(6) })
  else if (random.chance(0.3)) writer.add({ do: 'pass', ms: random.below(60) })
}

function failCommit(to: Writer): void {
  const when = to.random.pick(['before', 'after-commit'] as const)
  to.add({ do: 'fail-commit', process: to.process(), when, count: to.random.pick([1, 1, 2, 6]) })
}

function flipStamp(to: Writer): void {
  const id = to.id()
  to.add({ do: 'flip-stamp', cache: to.cache(), id, bit: to.random.below(53) })
  for (const process of to.processes()) to.read(process, id, 'shared')
}
