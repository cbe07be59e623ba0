import { defineCase, defineReport, type PreparedCase, type ReportTable } from '@se/bench'
import { hashId } from '@se/core/hash'
import { CuckooFilter } from '../src/index.ts'
import {
  bloomFilters,
  fill,
  fixed,
  growing,
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
} from './contestants.ts'

export const area = 'cuckoo'

const LARGE = 16_000_000
/** How long a peer is filled for one of the three compared cases; the area has twelve minutes for everything. */
const PEER_FILL_MS = 40_000
/** How long each of the two peers is filled for the table of the large size: 200 s together. */
const TABLE_FILL_MS = 100_000
const PROBE_KEYS = 100_000
const FASTEST = 'fastest npm cuckoo filter'

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

/** At 1.6·10⁷ keys against the npm filter that is fastest at this operation with 10⁵ keys. */
function atLarge(name: string, measure: Measure) {
  return defineCase({
    case: name,
    unit: 'ns',
    better: 'lower',
    setup: async (): Promise<PreparedCase> => {
      const pick = sampler(1)
      const probes = [bloomFilters, libp2p].map((make) => {
        const { contestant, keys } = fill(() => make(PROBE_KEYS), PROBE_KEYS, PEER_FILL_MS)
        measure(contestant, keys, pick, BATCH_KEYS)
        return { make, ns: measure(contestant, keys, pick, 20_000) }
      })
      const fastest = probes.reduce((best, probe) => (probe.ns < best.ns ? probe : best))
      const ours = fill(() => growing(LARGE), LARGE, Number.POSITIVE_INFINITY)
      const peer = fill(() => fastest.make(LARGE), LARGE, PEER_FILL_MS)
      return {
        ours: () => measure(ours.contestant, ours.keys, pick, 100_000),
        against: { [FASTEST]: () => measure(peer.contestant, peer.keys, pick, 10_000) },
        notes: () => [
          'the hash of the key is in all of them',
          `ours holds ${describeFill(ours)}`,
          `the peer is ${peer.contestant.name}, made for ${LARGE} keys, filled with ${describeFill(peer)}`,
        ],
      }
    },
  })
}

/** All contestants at one size. */
function table(name: string, size: number, peerFillMs: number) {
  return defineReport({
    case: name,
    report: async (): Promise<ReportTable> => {
      const makers: [() => Contestant, number][] = [
        [() => growing(size), Number.POSITIVE_INFINITY],
        [() => growing(1000, '@se/cuckoo, grown from 1,000'), Number.POSITIVE_INFINITY],
        [() => fixed(size), Number.POSITIVE_INFINITY],
        [plainSet, Number.POSITIVE_INFINITY],
        [() => libp2p(size), peerFillMs],
        [() => bloomFilters(size), peerFillMs],
      ]
      const rows: (string | number)[][] = []
      for (const [make, fillMs] of makers) rows.push(row(fill(make, size, fillMs)))
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

/** Each add of a growth from 1,000 to 1.6·10⁷ keys by itself. */
const worstAdd = defineReport({
  case: 'cuckoo.worst-add',
  report: async () => {
    const rounds = 3
    const least = new Float32Array(LARGE).fill(Number.POSITIVE_INFINITY)
    const rows: (string | number)[][] = []
    for (let round = 0; round < rounds; round++) {
      const filter = CuckooFilter.create({ capacity: 1000, falsePositiveRate: RATE })
      const pick = sampler(3)
      const times = new Float32Array(LARGE)
      globalThis.gc?.()
      for (let index = 0; index < LARGE; index++) {
        const h1 = pick(2 ** 32)
        const h2 = pick(2 ** 32)
        const startedAt = performance.now()
        filter.addHash(h1, h2)
        times[index] = performance.now() - startedAt
      }
      for (let index = 0; index < LARGE; index++) least[index] = Math.min(least[index]!, times[index]!)
      rows.push(quantiles(`round ${round + 1}`, times))
    }
    rows.push(quantiles(`least of ${rounds}, add by add`, least))
    return {
      columns: ['', 'median µs', '99 % µs', '99.99 % µs', 'worst ms', 'over 1 ms'],
      rows,
      notes: [
        `growth from room for 1,000 to ${LARGE} keys, hashes given; a clock read is in each figure`,
        'a round has the pauses of the machine and of garbage collection in it; the least of the same add in all rounds has what the filter itself does',
      ],
    }
  },
})

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
  atLarge('cuckoo.has.absent.16M', measures.absent),
  atLarge('cuckoo.has.present.16M', measures.present),
  atLarge('cuckoo.add.16M', measures.add),
  worstAdd,
  table('cuckoo.table.10k', 10_000, TABLE_FILL_MS),
  table('cuckoo.table.1M', 1_000_000, TABLE_FILL_MS),
  table('cuckoo.table.16M', LARGE, TABLE_FILL_MS),
]
