import {
  constants,
  PerformanceObserver,
  type NodeGCPerformanceDetail,
  type PerformanceEntry,
} from 'node:perf_hooks'
import { defineCase, defineReport, type PreparedCase, type ReportTable } from '@se/bench'
import { hashId } from '@se/core/hash'
import { CuckooFilter } from '../src/index.ts'
import {
  bareArray,
  bloomFilters,
  deniedRemovals,
  fill,
  fixed,
  growing,
  grown,
  keyOf,
  libp2p,
  plainSet,
  RATE,
  sampleKeys,
  sampler,
  strangerOf,
  timeAdds,
  timeLookups,
  type Contestant,
  type Fill,
  type MakeContestant,
} from './contestants.ts'

export const area = 'cuckoo'

const LARGE = 16_000_000
/**
 * How long each npm filter is filled at most. At the large size each is filled once, for all cases: 400 s, which leaves the rest of
 * the area 200 s and a reserve of 120 s in its twelve minutes.
 */
const PEER_FILL_MS = 200_000
const PEERS: readonly MakeContestant[] = [libp2p, bloomFilters]
/** What is dear to fill at the large size is filled once: these cases run in one process. */
const SHARED_PROCESS = 'filled with 16M keys'
const PROBE_KEYS = 100_000
const FASTEST = 'fastest npm cuckoo filter'
const BARE = 'bare Int32Array of the same size, same hash'

/** Keys timed in one go: so few that, made just before, they are at hand, as a key is that somebody asks for. */
const BATCH_KEYS = 10_000

type Measure = (
  contestant: Contestant,
  keys: number,
  pick: (below: number) => number,
  count: number,
) => number

/** Mean over batches of new keys. */
function inBatches(
  time: (contestant: Contestant, keys: readonly string[]) => number,
  make: (keys: number, pick: (below: number) => number) => string,
): Measure {
  return (contestant, keys, pick, count) => {
    const batches = count / BATCH_KEYS
    let sum = 0
    for (let batch = 0; batch < batches; batch++) {
      sum += time(
        contestant,
        sampleKeys(BATCH_KEYS, () => make(keys, pick)),
      )
    }
    return sum / batches
  }
}

const measures = {
  present: inBatches(timeLookups, (keys, pick) => keyOf(pick(keys))),
  absent: inBatches(timeLookups, (_keys, pick) => strangerOf(pick(2 ** 31))),
  // Keys beyond those that are in it.
  add: inBatches(timeAdds, (keys, pick) => keyOf(keys + pick(2 ** 30))),
}

type Operation = keyof typeof measures

const fills = new Map<MakeContestant, Fill>()

/** One of the large size, filled when it is first asked for, and kept until it is deleted from {@link fills}. */
function filledLarge(make: MakeContestant): Fill {
  let filled = fills.get(make)
  if (filled === undefined) {
    filled = fillOne(make, LARGE)
    fills.set(make, filled)
  }
  return filled
}

function fillOne(make: MakeContestant, keys: number): Fill {
  return fill(() => make(keys), keys, PEERS.includes(make) ? PEER_FILL_MS : Number.POSITIVE_INFINITY)
}

interface Probe {
  readonly make: MakeContestant
  readonly name: string
  readonly ns: Readonly<Record<Operation, number>>
}

let probes: readonly Probe[] | undefined

/**
 * The npm filters with 10⁵ keys and room for as many, the fastest at this operation first. Were it not the same one at all operations, then each would be
 * filled when its turn comes, and kept beside the other; the table, which comes last, needs both anyway.
 */
function probesFor(operation: Operation): readonly Probe[] {
  probes ??= PEERS.map(probe)
  return probes.toSorted((one, other) => one.ns[operation] - other.ns[operation])
}

function probe(make: MakeContestant): Probe {
  const pick = sampler(1)
  const { contestant, keys } = fill(() => make(2 * PROBE_KEYS), PROBE_KEYS, PEER_FILL_MS)
  const nsOf = (operation: Operation) => {
    measures[operation](contestant, keys, pick, BATCH_KEYS)
    return measures[operation](contestant, keys, pick, 20_000)
  }
  return {
    make,
    name: contestant.name,
    ns: { absent: nsOf('absent'), present: nsOf('present'), add: nsOf('add') },
  }
}

/** At 1.6·10⁷ keys against the npm filter that is fastest at this operation with 10⁵ keys. */
function atLarge(name: string, operation: Operation) {
  return defineCase({
    case: name,
    process: SHARED_PROCESS,
    unit: 'ns',
    better: 'lower',
    setup: async (): Promise<PreparedCase> => {
      const pick = sampler(1)
      const measure = measures[operation]
      const probed = probesFor(operation)
      const ours = filledLarge(growing)
      const bare = filledLarge(bareArray)
      const peer = filledLarge(probed[0]!.make)
      return {
        ours: () => measure(ours.contestant, ours.keys, pick, 100_000),
        against: {
          [FASTEST]: () => measure(peer.contestant, peer.keys, pick, 10_000),
          [BARE]: () => measure(bare.contestant, bare.keys, pick, 100_000),
        },
        notes: () => [
          'the hash of the key is in all of them',
          `ours holds ${describeFill(ours)}`,
          `the peer is ${peer.contestant.name}, made for ${LARGE} keys, filled with ${describeFill(peer)}`,
          `half full, with ${PROBE_KEYS} keys: ${probed.map((one) => `${one.name} ${one.ns[operation].toFixed(0)} ns`).join(', ')}`,
          ...(operation === 'add' ? [describeRemovals([ours, peer])] : []),
        ],
      }
    },
  })
}

/** What `has` of an absent key is made of at the large size. */
const steps = defineReport({
  case: 'cuckoo.steps.16M',
  report: async () => {
    const filter = CuckooFilter.create({ capacity: LARGE, falsePositiveRate: RATE })
    for (let index = 0; index < LARGE; index++) filter.add(keyOf(index))
    const bare = fillOne(bareArray, LARGE).contestant
    const memory = new Int32Array(filter.byteLength / Int32Array.BYTES_PER_ELEMENT).fill(1)
    const pick = sampler(4)
    const words = new Uint32Array(4)
    const absent = (has: (key: string) => boolean) => () =>
      measures.absent({ ...bare, has }, LARGE, pick, 100_000)
    const samples: readonly [step: string, sample: () => number][] = [
      ['hash of the key', absent((key) => hashId(key, words)[0] === 0)],
      [
        'one read anywhere in as much memory, which the next one waits for',
        () => timeReads(memory, Math.imul(pick(2 ** 32), 0x9e3779b1)),
      ],
      ['hasHash, hashes made before', () => timeHashes((h1, h2) => filter.hasHash(h1, h2), pick)],
      ['bare array: has', absent(bare.has)],
      ['ours: has', absent((key) => filter.has(key))],
    ]
    const rows = samples.map(([step, sample]) => {
      const values = Array.from({ length: 16 }, sample)
        .slice(1)
        .toSorted((one, other) => one - other)
      return [step, values[7]!.toFixed(0)]
    })
    return {
      columns: ['step', 'ns'],
      rows,
      notes: ['median of 15 samples of 100,000, after one that is not counted'],
    }
  },
})

/** Nanoseconds of a lookup by hashes that were made before. */
function timeHashes(has: (h1: number, h2: number) => boolean, pick: (below: number) => number): number {
  const hashes = Int32Array.from({ length: 200_000 }, () => pick(2 ** 32))
  let present = 0
  const startedAt = performance.now()
  for (let at = 0; at < hashes.length; at += 2) if (has(hashes[at]!, hashes[at + 1]!)) present++
  const tookMs = performance.now() - startedAt
  if (present > 1_000) throw new Error(`${present} of 100,000 strangers are present`)
  return (tookMs / 100_000) * 1e6
}

/**
 * Nanoseconds of a read whose place depends on what the one before it read.
 *
 * @param memory a power of two of words, all 1; @param start i32, far from the last one, or the caches know the way
 */
function timeReads(memory: Int32Array, start: number): number {
  let at = start
  const startedAt = performance.now()
  for (let read = 0; read < 100_000; read++) {
    at = (Math.imul(at, 1_664_525) + 1_013_904_222 + memory[(at >>> 4) & (memory.length - 1)]!) | 0
  }
  const tookMs = performance.now() - startedAt
  if (at === 0) throw new Error('the reads came to nothing')
  return (tookMs / 100_000) * 1e6
}

/** All contestants at one size. At the large one it comes after the cases that share its fills, and lets go of each. */
function table(name: string, size: number) {
  return defineReport({
    case: name,
    ...(size === LARGE ? { process: SHARED_PROCESS } : {}),
    report: async (): Promise<ReportTable> => {
      const rows: MeasuredRow['cells'][] = []
      // The peers before the others that are new: what they hold of the heap is then free again.
      for (const make of [growing, libp2p, bloomFilters, plainSet, grown, fixed]) {
        const { cells, parts } = rowOf(make, size)
        rows.push(cells)
        await letGo(parts)
      }
      return {
        columns: [
          'filter',
          'keys',
          'add ns',
          'present ns',
          'absent ns',
          'bytes/key',
          'false positives',
          'false negatives',
          '',
        ],
        rows,
        notes: [
          `made for ${size} keys at a rate of ${RATE}; keys are strings, hashing them is in the figures (${hashNs().toFixed(0)} ns of ours)`,
          'add: mean over the filling, making the key included; bytes: of typed arrays, else what the heap grew by',
        ],
      }
    },
  })
}

interface MeasuredRow {
  readonly cells: readonly (string | number)[]
  /** What refers to the contestant's memory. */
  readonly parts: readonly WeakRef<object>[]
}

/** A function of its own, so that no variable refers to the contestant any more when the next one is made. */
function rowOf(make: MakeContestant, size: number): MeasuredRow {
  const filled = size === LARGE ? filledLarge(make) : fillOne(make, size)
  fills.delete(make)
  const { add, has, remove } = filled.contestant
  return { cells: row(filled), parts: [add, has, remove].map((part) => new WeakRef(part)) }
}

/** Collects garbage until nothing is left of these: compiled code goes on referring to them for a while, longer than one collection. */
async function letGo(parts: readonly WeakRef<object>[]): Promise<void> {
  for (let tries = 0; tries < 10 && parts.some((part) => part.deref() !== undefined); tries++) {
    await new Promise(setImmediate)
    globalThis.gc?.()
  }
}

function row({ contestant, keys, nsPerAdd, bytesPerKey, stoppedBy }: Fill): (string | number)[] {
  const pick = sampler(2)
  const count = 20_000
  const best = (measure: Measure) =>
    Math.min(...Array.from({ length: 4 }, () => measure(contestant, keys, pick, count)))
  const present = best(measures.present)
  const absent = best(measures.absent)
  let denied = 0
  let wrong = 0
  const checked = Math.min(keys, 100_000)
  for (let index = 0; index < checked; index++) {
    if (!contestant.has(keyOf(Math.floor((index / checked) * keys)))) denied++
    if (contestant.has(strangerOf(index))) wrong++
  }
  return [
    contestant.name,
    keys,
    nsPerAdd.toFixed(0),
    present.toFixed(0),
    absent.toFixed(0),
    bytesPerKey.toFixed(1),
    `${wrong} of ${checked}`,
    `${denied} of ${checked}`,
    [contestant.note?.(), stoppedBy === undefined ? undefined : `stopped by ${stoppedBy}`]
      .filter(Boolean)
      .join(', '),
  ]
}

/** The clock makes a number for the heap at some reads; so many adds make less of them than the heap's young part holds. */
const ADDS_BETWEEN_COLLECTIONS = 50_000

/** Each add of a growth from 1,000 to 1.6·10⁷ keys by itself. */
const worstAdd = defineReport({
  case: 'cuckoo.worst-add',
  report: async () => {
    const rounds = 3
    const ours = { name: 'add', least: new Float32Array(LARGE).fill(Number.POSITIVE_INFINITY) }
    const control = { name: 'control', least: new Float32Array(LARGE).fill(Number.POSITIVE_INFINITY) }
    const rows: (string | number)[][] = []
    for (let round = 1; round <= rounds; round++) {
      const filter = CuckooFilter.create({ capacity: 1000, falsePositiveRate: RATE })
      rows.push(
        await timeEach(`${ours.name}, round ${round}`, ours.least, (h1, h2) => filter.addHash(h1, h2)),
      )
      const words = new Int32Array(filter.byteLength / Int32Array.BYTES_PER_ELEMENT)
      rows.push(
        await timeEach(`${control.name}, round ${round}`, control.least, (h1, h2) => {
          words[h1 & (words.length - 1)] = h2
        }),
      )
    }
    for (const { name, least } of [ours, control]) {
      rows.push([...quantiles(`${name}, least of ${rounds}, one by one`, least), '', ''])
    }
    return {
      columns: [
        '',
        'median µs',
        '99 % µs',
        '99.99 % µs',
        'worst ms',
        'over 1 ms',
        'collections',
        'longest ms',
      ],
      rows,
      notes: [
        `growth from room for 1,000 to ${LARGE} keys, hashes given; a clock read is in each figure`,
        'control: the same loop, numbers and clock reads, but instead of an add one write to a fresh Int32Array of the size the filter ends with: its pauses are the machine’s',
        'a round has the pauses of the machine and of garbage collection in it; the least of the same add in all rounds has what the filter itself does',
        'collections: pauses of the garbage collector in the round and the longest of them; memory taken for a doubling may cause one, some milliseconds later',
      ],
    }
  },
})

/**
 * Times each call by itself, always of the same random numbers.
 *
 * @param least receives the lesser of what it holds and what this round took, in ms
 */
async function timeEach(
  name: string,
  least: Float32Array,
  act: (h1: number, h2: number) => void,
): Promise<(string | number)[]> {
  const times = new Float32Array(least.length)
  const pausesMs: number[] = []
  let asked = 0
  const observer = new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) {
      if (isAskedFor(entry)) asked--
      else pausesMs.push(entry.duration)
    }
  })
  globalThis.gc?.()
  observer.observe({ entryTypes: ['gc'] })
  let state = 3
  for (let from = 0; from < times.length; from += ADDS_BETWEEN_COLLECTIONS) {
    globalThis.gc?.({ type: 'minor' })
    asked++
    state = timeSome(act, times.subarray(from, from + ADDS_BETWEEN_COLLECTIONS), state)
  }
  globalThis.gc?.({ type: 'minor' })
  asked++
  // Entries come in order, some turns later: with the last one asked for, all are here.
  for (let turn = 0; turn < 1000 && asked > 0; turn++) await new Promise(setImmediate)
  if (asked > 0) throw new Error(`${asked} collections that were asked for have not been seen`)
  observer.disconnect()
  for (let index = 0; index < least.length; index++) least[index] = Math.min(least[index]!, times[index]!)
  return [...quantiles(name, times), pausesMs.length, Math.max(0, ...pausesMs).toFixed(3)]
}

/** @param entry of type `gc`; Node's types lack its detail */
function isAskedFor(entry: PerformanceEntry): boolean {
  const { flags } = (entry as PerformanceEntry & { readonly detail: NodeGCPerformanceDetail }).detail
  return ((flags ?? 0) & constants.NODE_PERFORMANCE_GC_FLAGS_FORCED) !== 0
}

/** @param state of the random numbers; @returns the next one */
function timeSome(act: (h1: number, h2: number) => void, times: Float32Array, state: number): number {
  for (let index = 0; index < times.length; index++) {
    // Signed, so that they fit a small integer of V8's and none goes to the heap.
    const h1 = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0
    const h2 = (Math.imul(h1, 1_664_525) + 1_013_904_223) | 0
    state = h2
    const startedAt = performance.now()
    act(h1, h2)
    times[index] = performance.now() - startedAt
  }
  return state
}

function quantiles(name: string, times: Float32Array): (string | number)[] {
  const sorted = times.toSorted()
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]!
  return [
    name,
    (at(0.5) * 1000).toFixed(2),
    (at(0.99) * 1000).toFixed(2),
    (at(0.9999) * 1000).toFixed(1),
    at(1).toFixed(3),
    times.reduce((count, time) => count + (time > 1 ? 1 : 0), 0),
  ]
}

/** Adds are timed on filters that go on to be measured: what was added must have gone again. */
function describeRemovals(measured: readonly Fill[]): string {
  const denied = measured.map(({ contestant: { name } }) => `${name} ${deniedRemovals.get(name) ?? 0}`)
  return `keys added while timed are taken out again; denied then: ${denied.join(', ')}`
}

function describeFill({ keys, bytesPerKey, contestant, stoppedBy }: Fill): string {
  const stopped = stoppedBy === undefined ? '' : `, stopped by ${stoppedBy}`
  const note = contestant.note === undefined ? '' : `, ${contestant.note()}`
  return `${keys} keys, ${bytesPerKey.toFixed(1)} bytes a key${note}${stopped}`
}

/** Nanoseconds of the default hash for keys like these. */
function hashNs(): number {
  const keys = Array.from({ length: 50_000 }, (_, index) => keyOf(index * 300))
  const words = new Uint32Array(4)
  const sample = () => {
    const startedAt = performance.now()
    for (const key of keys) hashId(key, words)
    return ((performance.now() - startedAt) / keys.length) * 1e6
  }
  return Math.min(...Array.from({ length: 10 }, sample))
}

export const cases = [
  // `add` after the others, so that no peer that fails to take out what was added spoils their figures.
  atLarge('cuckoo.has.absent.16M', 'absent'),
  atLarge('cuckoo.has.present.16M', 'present'),
  atLarge('cuckoo.add.16M', 'add'),
  table('cuckoo.table.16M', LARGE),
  steps,
  worstAdd,
  table('cuckoo.table.10k', 10_000),
  table('cuckoo.table.1M', 1_000_000),
]
