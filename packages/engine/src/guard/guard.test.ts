import {
  ArchiveRefusedData,
  CorruptData,
  createBranchSet,
  InstanceFenced,
  InvalidInput,
  TierUnavailable,
  type ArchiveBatch,
  type ArchiveTier,
  type CommittedBatch,
  type CacheTier,
  type ItemWrite,
  type RetiredInstance,
  type Lookup,
} from '@se/core'
import { createFakeClock, seededRandom, type FakeClock, linkOf } from '@se/core/testing'
import { describe, expect, it } from 'vitest'
import type { EngineObserver } from '../observer/observer.ts'
import { guardArchive } from './guard-archive.ts'
import { guardCache } from './guard-cache.ts'
import { retryDelayMs } from './guard.ts'

const DOWN = new TierUnavailable('no answer')
const ABSENT: Lookup = { kind: 'absent' }
const never = <T>() => new Promise<T>(() => {})

/** Moves in steps, as pauses begin only once the call before them has failed. */
async function pass(clock: FakeClock, ms: number): Promise<void> {
  for (let step = 0; step < 10; step++) await clock.advance(ms / 10)
}

/** A guard in front of a tier of which a test gives only what it asks. */
function createWorld(limits: Parameters<typeof guardArchive>[1] | object = {}) {
  const clock = createFakeClock()
  const heard: string[] = []
  const observer: EngineObserver = {
    retried: ({ backend, attempt }) => void heard.push(`${backend} attempt ${attempt}`),
    failed: ({ tier, operation, kind }) => void heard.push(`${tier} ${operation} ${kind}`),
    breaker: ({ state }) => void heard.push(`breaker ${state}`),
    backendHealth: ({ isHealthy }) => void heard.push(isHealthy ? 'healthy' : 'unhealthy'),
  }
  const options = {
    clock,
    random: seededRandom(1),
    observer,
    retryMs: 10,
    failuresMax: 3,
    openMs: 1_000,
    ...limits,
  }
  return {
    clock,
    heard,
    archive: (tier: Partial<ArchiveTier>) =>
      guardArchive({ backend: 'memory', ...tier } as ArchiveTier, options),
    cache: (tier: Partial<CacheTier>) => guardCache({ backend: 'redis', ...tier } as CacheTier, options),
  }
}

function batch(sequence: number, writes: readonly ItemWrite[]): ArchiveBatch {
  return { claim: { instance: 1, epoch: 1, nonce: 'n' }, sequence, link: linkOf(1, sequence), writes }
}
const write = (id: string): ItemWrite => ({
  id,
  stamp: { time: 1, instance: 1 },
  state: '',
  contentType: '',
  bytes: undefined,
})
const committed = (sequence: number): CommittedBatch => ({
  sequence,
  outcomes: [],
  wasCommittedBefore: false,
})

describe('lookups [R1, P11]', () => {
  it('hand answers through as they are', async () => {
    const { archive, cache, heard } = createWorld()
    expect(await archive({ get: async () => ABSENT }).get('a')).toBe(ABSENT)
    const many: readonly Lookup[] = [ABSENT, { kind: 'unknown', because: 'disconnected' }]
    expect(await cache({ getMany: async () => many }).getMany(['a', 'b'])).toBe(many)
    expect(heard).toEqual([])
  })

  it.each([
    ['an error', DOWN, 'disconnected', 'SE_TIER_UNAVAILABLE'],
    ['an error nobody translated', new TypeError('socket'), 'disconnected', 'UNEXPECTED'],
    ['damaged bytes', new CorruptData('entry: bad header'), 'disconnected', 'SE_CORRUPT_DATA'],
  ])('turn %s into "unknown", never into "absent"', async (_, error, because, kind) => {
    const { cache, heard } = createWorld()
    const tier = cache({ get: () => Promise.reject(error), getMany: () => Promise.reject(error) })
    expect(await tier.get('a')).toEqual({ kind: 'unknown', because, cause: error })
    expect(await tier.getMany(['a', 'b'])).toEqual([
      { kind: 'unknown', because, cause: error },
      { kind: 'unknown', because, cause: error },
    ])
    expect(heard.filter((line) => line.startsWith('L2'))).toEqual([`L2 get ${kind}`, `L2 batch_read ${kind}`])
  })

  it('turn silence into "unknown" when the time is up, without asking again', async () => {
    const { archive, clock } = createWorld({ lookupMs: 250 })
    let asked = 0
    const tier = archive({
      get: () => {
        asked += 1
        return never()
      },
    })
    let answer: Lookup | undefined
    void tier.get('a').then((lookup) => (answer = lookup))
    await clock.advance(249)
    expect(answer).toBeUndefined()
    await clock.advance(1)
    expect(answer).toMatchObject({ kind: 'unknown', because: 'timeout' })
    expect(asked).toBe(1)
    expect(clock.timerCount).toBe(0)
  })

  it('ask the archive again when the connection was lost, with a pause', async () => {
    const { archive, clock, heard } = createWorld()
    const answers: (Lookup | Error)[] = [DOWN, { kind: 'unknown', because: 'disconnected' }, ABSENT]
    const tier = archive({
      async get() {
        const next = answers.shift()!
        if (next instanceof Error) throw next
        return next
      },
    })
    const lookup = tier.get('a')
    await pass(clock, 100)
    expect(await lookup).toBe(ABSENT)
    expect(heard).toEqual([
      'L3 get SE_TIER_UNAVAILABLE',
      'memory attempt 2',
      'L3 get SE_TIER_UNAVAILABLE',
      'memory attempt 3',
    ])
    expect(clock.timerCount).toBe(0)
  })

  it('throw what is the caller’s own mistake', async () => {
    const { cache, heard } = createWorld()
    const error = new InvalidInput('id', 'is bad')
    await expect(cache({ get: () => Promise.reject(error) }).get('')).rejects.toBe(error)
    expect(heard).toEqual([])
  })

  it('ask nothing for nothing', async () => {
    const { archive, cache } = createWorld()
    expect(await archive({ getMany: () => Promise.reject(DOWN) }).getMany([])).toEqual([])
    expect(await cache({ getMany: () => Promise.reject(DOWN) }).getMany([])).toEqual([])
  })

  it('do not take a suspended stripe for a failure of the cache', async () => {
    const { cache, heard } = createWorld()
    const tier = cache({ get: async () => ({ kind: 'unknown', because: 'suspended' }) })
    for (let count = 0; count < 10; count++) await tier.get('a')
    expect(tier.breakerState).toBe('closed')
    expect(heard).toEqual([])
  })
})

describe('the breaker', () => {
  it('spares a tier that does not answer, asks it with one call after a while, and closes again', async () => {
    const { cache, clock, heard } = createWorld()
    let asked = 0
    let isUp = false
    const tier = cache({
      async get() {
        asked += 1
        if (!isUp) throw DOWN
        return ABSENT
      },
      async put() {
        asked += 1
        return []
      },
    })
    for (let count = 0; count < 5; count++) await tier.get('a')
    expect(asked).toBe(3)
    expect(tier.breakerState).toBe('open')
    expect(await tier.get('a')).toEqual({ kind: 'unknown', because: 'breaker-open' })
    await expect(tier.put([])).rejects.toMatchObject({
      code: 'SE_TIER_UNAVAILABLE',
      details: { because: 'breaker-open' },
    })
    expect(asked).toBe(3)

    await clock.advance(1_000)
    await tier.get('a')
    expect(asked).toBe(4)
    expect(tier.breakerState).toBe('open')
    await clock.advance(1_000)
    isUp = true
    const probe = tier.get('a')
    expect(tier.breakerState).toBe('half-open')
    expect(await tier.get('a')).toEqual({ kind: 'unknown', because: 'breaker-open' })
    expect(await probe).toBe(ABSENT)
    expect(tier.breakerState).toBe('closed')
    expect(heard.filter((line) => !line.startsWith('L2'))).toEqual([
      'breaker open',
      'unhealthy',
      'breaker half-open',
      'breaker open',
      'breaker half-open',
      'breaker closed',
      'healthy',
    ])
  })

  it('is not moved by calls that began before it opened', async () => {
    const { cache, clock } = createWorld({ lookupMs: 60_000 })
    let answerLate!: (lookup: Lookup) => void
    let answerProbe!: (lookup: Lookup) => void
    const answers: (() => Promise<Lookup>)[] = [() => new Promise((resolve) => (answerLate = resolve))]
    const tier = cache({ get: () => answers.shift()?.() ?? Promise.reject(DOWN) })
    const early = tier.get('a')
    for (let count = 0; count < 3; count++) await tier.get('a')
    expect(tier.breakerState).toBe('open')
    await clock.advance(1_000)
    answers.push(() => new Promise((resolve) => (answerProbe = resolve)))
    const probe = tier.get('a')
    expect(tier.breakerState).toBe('half-open')
    answerLate(ABSENT)
    await early
    expect(tier.breakerState).toBe('half-open')
    answerProbe(ABSENT)
    await probe
    expect(tier.breakerState).toBe('closed')
  })

  it('takes refused data, fencing and bad input for answers [W6, P6]', async () => {
    for (const error of [
      new ArchiveRefusedData('too long'),
      new InstanceFenced('epoch'),
      new InvalidInput('x', 'y'),
    ]) {
      const { archive, heard } = createWorld()
      let asked = 0
      const tier = archive({
        putBatch: () => {
          asked += 1
          return Promise.reject(error)
        },
      })
      for (let count = 1; count <= 10; count++) {
        await expect(tier.putBatch(batch(1, [write('a')]))).rejects.toBe(error)
        expect(asked).toBe(count)
      }
      expect(tier.breakerState).toBe('closed')
      expect(heard).toEqual([])
    }
  })

  it('counts errors nobody translated, but does not repeat their call', async () => {
    const { archive } = createWorld()
    let asked = 0
    const error = new Error('driver')
    const tier = archive({
      readHeads: () => {
        asked += 1
        return Promise.reject(error)
      },
    })
    for (let count = 0; count < 3; count++) await expect(tier.readHeads()).rejects.toBe(error)
    expect(asked).toBe(3)
    expect(tier.breakerState).toBe('open')
  })
})

describe('putBatch', () => {
  it('sends the very same batch again after a failure [W5, W7]', async () => {
    const { archive, clock, heard } = createWorld()
    const sent: ArchiveBatch[] = []
    const tier = archive({
      async putBatch(given) {
        sent.push(given)
        if (sent.length < 3) throw DOWN
        return committed(given.sequence)
      },
    })
    const given = batch(7, [write('a')])
    const put = tier.putBatch(given)
    await pass(clock, 100)
    expect(await put).toEqual(committed(7))
    expect(sent).toEqual([given, given, given])
    expect(sent.every((each) => each === given)).toBe(true)
    expect(heard).toEqual(['memory attempt 2', 'memory attempt 3'])
  })

  it('gives up after the last attempt, for the caller to come back with the same batch', async () => {
    const { archive, clock } = createWorld({ failuresMax: 100 })
    let asked = 0
    const tier = archive({
      putBatch: () => {
        asked += 1
        return Promise.reject(DOWN)
      },
    })
    const put = tier.putBatch(batch(1, [write('a')]))
    const failed = expect(put).rejects.toBe(DOWN)
    await pass(clock, 1_000)
    await failed
    expect(asked).toBe(3)
  })

  it('waits for a call that was given up instead of sending the batch beside it [P61, P93]', async () => {
    const { archive, clock } = createWorld({ callMs: 100, attemptsMax: 1 })
    const answers: ((committed: CommittedBatch) => void)[] = []
    const tier = archive({ putBatch: () => new Promise((resolve) => answers.push(resolve)) })
    const writes = [write('a'), write('b')]
    const first = expect(tier.putBatch(batch(1, writes))).rejects.toMatchObject({
      code: 'SE_TIER_UNAVAILABLE',
    })
    await clock.advance(100)
    await first
    await expect(tier.putBatch(batch(1, [write('c')]))).rejects.toThrow(/no other one is sent/)
    const second = tier.putBatch(batch(1, [...writes]))
    expect(answers).toHaveLength(1)
    answers[0]!(committed(1))
    expect(await second).toEqual(committed(1))
    const next = tier.putBatch(batch(2, writes))
    expect(answers).toHaveLength(2)
    answers[1]!(committed(2))
    expect(await next).toEqual(committed(2))
  })
})

describe('long calls', () => {
  it('pass by the breaker, and end by their own bound [P79]', async () => {
    const { archive, clock } = createWorld({ longMs: 60_000 })
    let finish!: (count: number) => void
    let begun = 0
    const tier = archive({
      readHeads: () => Promise.reject(DOWN),
      foldTree: () => {
        begun++
        return new Promise((resolve) => (finish = resolve))
      },
    })
    const heads = tier.readHeads().catch(() => {})
    await pass(clock, 1_000)
    await heads
    expect(tier.breakerState).toBe('open')
    const fold = tier.foldTree()
    fold.catch(() => {})
    await clock.advance(60_000)
    await expect(fold).rejects.toMatchObject({ code: 'SE_TIER_UNAVAILABLE' })
    // It still runs: the next one waits for it, instead of folding beside it.
    const next = tier.foldTree()
    finish(3)
    expect(await next).toBe(3)
    expect(begun).toBe(1)
    void tier.foldTree()
    expect(begun).toBe(2)
  })

  it.each([
    'open',
    'claimInstance',
    'foldTree',
    'collectTombstones',
    'pruneLedger',
    'endInstance',
    'touchInstance',
    'scanIds',
    'scanRows',
  ] as const)('%s ends, though the archive never answers [W10]', async (operation) => {
    const { archive, clock } = createWorld()
    const tier = archive({ [operation]: never })
    const call = (tier[operation] as (argument: unknown) => Promise<unknown>)(() => {})
    const failed = expect(call).rejects.toMatchObject({ code: 'SE_TIER_UNAVAILABLE' })
    await clock.advance(300_000)
    await failed
    expect(clock.timerCount).toBe(0)
  })

  it('a retirement that was given up still runs, and the archive says so [W10, P61]', async () => {
    const { archive, clock } = createWorld()
    let finish!: (retired: readonly RetiredInstance[]) => void
    const tier = archive({ retireInstances: () => new Promise((resolve) => (finish = resolve)) })
    const { claim, sequence, link } = batch(1, [])
    const request = { claim, sequence, link, deadBeforeMs: 0, instancesMax: 1 }
    const failed = expect(tier.retireInstances!(request)).rejects.toMatchObject({
      code: 'SE_TIER_UNAVAILABLE',
    })
    await clock.advance(300_000)
    await failed
    expect(clock.timerCount).toBe(0)
    expect(tier).toMatchObject({ isRetirementRunning: true, isPutRunning: false })
    finish([])
    // The same again has the answer of the first.
    expect(await tier.retireInstances!(request)).toEqual([])
    expect(tier.isRetirementRunning).toBe(false)
  })

  it('a scan lasts as long as its chunks come, whatever its visitor takes', async () => {
    const { archive, clock } = createWorld({ callMs: 1_000 })
    const seen: number[] = []
    const tier = archive({
      async scanRows(visit) {
        for (let chunk = 0; chunk < 20; chunk++) {
          await new Promise<void>((resolve) => void clock.setTimer(999, resolve))
          await visit([])
        }
        return { archiveId: '', positions: new Map() }
      },
    })
    const scan = tier.scanRows(async () => {
      seen.push(seen.length)
      await new Promise<void>((resolve) => void clock.setTimer(5_000, resolve))
    })
    await clock.advance(200_000)
    await scan
    expect(seen).toHaveLength(20)
    expect(clock.timerCount).toBe(0)
  })
})

describe('close', () => {
  it('sends everybody away who waits for the tier, says nothing about it, and leaves no timer [P70]', async () => {
    const { archive, clock, heard } = createWorld()
    let asked = 0
    const tier = archive({
      readHeads: () => {
        asked++
        return never()
      },
      get: never,
      foldTree: never,
      scanIds: never,
      readTree: () => Promise.reject(DOWN),
      close: async () => {},
    })
    const waiting = [tier.readHeads(), tier.foldTree(), tier.scanIds(() => {}), tier.readTree()]
    const outcomes = Promise.allSettled(waiting)
    const lookup = tier.get('a')
    await clock.advance(0)
    await tier.close()
    for (const { status } of await outcomes) expect(status).toBe('rejected')
    expect(await lookup).toMatchObject({ kind: 'unknown', because: 'closed' })
    await expect(tier.readHeads()).rejects.toMatchObject({ details: { because: 'closed' } })
    expect(asked).toBe(1)
    expect(heard.filter((line) => /breaker|healthy|L3/.test(line))).toEqual([])
    await clock.advance(1_000)
    expect(clock.timerCount).toBe(0)
  })

  it('is not the end: what is opened again is asked again', async () => {
    const { archive } = createWorld()
    let isDown = true
    const tier = archive({
      open: () => (isDown ? Promise.reject(DOWN) : Promise.resolve({} as never)),
      close: async () => {},
      get: async () => ABSENT,
    })
    await expect(tier.open({ branches: createBranchSet(), digests: 'keyed' })).rejects.toBe(DOWN)
    await tier.close()
    isDown = false
    await tier.open({ branches: createBranchSet(), digests: 'keyed' })
    expect(await tier.get('a')).toBe(ABSENT)
  })
})

describe('a process that stood still', () => {
  it.each([1_300, 6_000])(
    'for %i ms fails no call that was answered meanwhile, and opens no breaker',
    async (stallMs) => {
      const { clock, heard, ...world } = createWorld({ lookupMs: 1_000, callMs: 1_000 })
      const { monotonicMs } = clock
      let stoodStillMs = 0
      clock.monotonicMs = () => monotonicMs() + stoodStillMs
      const answers: ((value: never) => void)[] = []
      const held = <T>() => new Promise<T>((resolve) => void answers.push(resolve as never))
      const archive = world.archive({ get: held, readHeads: held })
      const cache = world.cache({ get: held, readStripes: held })
      const calls: Promise<unknown>[] = []
      for (let call = 0; call < 5; call++) {
        calls.push(archive.get('a'), archive.readHeads(), cache.get('a'), cache.readStripes())
      }
      await clock.advance(10)
      stoodStillMs = stallMs
      // All timers are due at once. The answers have arrived, and are read after that; some take further round trips.
      await clock.advance(1_000)
      await clock.advance(500)
      for (const answer of answers) answer('answer' as never)
      expect(await Promise.all(calls)).toEqual(calls.map(() => 'answer'))
      expect(heard).toEqual([])
      expect([archive.breakerState, cache.breakerState]).toEqual(['closed', 'closed'])
      expect(clock.timerCount).toBe(0)
    },
  )
})

describe('retryDelayMs', () => {
  it('doubles, has a bound, and is spread by chance', () => {
    const limits = { retryMs: 50, retryMsMax: 300 }
    expect([1, 2, 3, 4, 5].map((retry) => retryDelayMs(retry, 0, limits))).toEqual([50, 100, 200, 300, 300])
    expect([1, 2, 3].map((retry) => retryDelayMs(retry, 0.999, limits))).toEqual([
      expect.closeTo(25, 0),
      expect.closeTo(50, 0),
      expect.closeTo(100, 0),
    ])
  })
})
