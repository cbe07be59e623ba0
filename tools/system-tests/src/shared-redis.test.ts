/**
 * Goal: what may share a Redis does so without knowing of each other, and what may not is told so. Method: engines with archives
 * of their own in SQLite, one Redis, the default prefix, and values that say whose they are.
 */
import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { createEngine, type Engine, type EngineObserver, type FaultEvent } from '@se/engine'
import { startPrivateRedis } from '@se/testkit'
import { describeWithServer } from '@se/testkit/vitest'
import { sqliteArchive } from '@se/tiers-mysql/sqlite'
import { redisCache } from '@se/tiers-redis'
import { Redis } from 'ioredis'
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest'

const IDS = Array.from({ length: 20 }, (_, index) => `k${index}`)
/** Short, so that the test is: polls come twice as often. */
const STALENESS_MS = 200

interface Party {
  readonly letter: string
  readonly engine: Engine
  readonly faults: FaultEvent[]
  /** Answers of the cache. */
  hits: number
}

interface Counts {
  reads: number
  /** Values that another party has written. */
  foreign: number
  /** Values older than the reader's own last write. */
  stale: number
}

describeWithServer('redis', 'engines on one Redis', () => {
  let server: Awaited<ReturnType<typeof startPrivateRedis>>
  const directories: string[] = []
  const parties: Party[] = []
  beforeAll(async () => {
    server = await startPrivateRedis()
  })
  afterEach(async () => {
    await Promise.all(parties.splice(0).map(({ engine }) => engine.stop()))
    for (const directory of directories.splice(0)) rmSync(directory, { recursive: true })
  })
  afterAll(() => server.stop())

  function directory(): string {
    const made = mkdtempSync(path.join(tmpdir(), 'se-shared-redis-'))
    directories.push(made)
    return made
  }

  async function start(letter: string, archiveIn: string, url = server.url): Promise<Party> {
    const party = { letter, faults: [] as FaultEvent[], hits: 0 }
    const observer: EngineObserver = {
      fault: (event) => void party.faults.push(event),
      operation: ({ tier, status }) => void (tier === 'L2' && status === 'hit' && party.hits++),
    }
    const engine = createEngine({
      log: { directory: path.join(directory(), 'log') },
      archive: sqliteArchive({ file: path.join(archiveIn, 'archive.db'), exclusive: false }),
      cache: redisCache({ url }),
      stalenessMs: STALENESS_MS,
      observer,
    })
    await engine.start()
    const started = Object.assign(party, { engine })
    parties.push(started)
    return started
  }

  /** Each party writes its letter to every id, then reads them, past its own memory, as long as it takes. */
  async function play(rounds: number): Promise<Map<Party, Counts>> {
    const counts = new Map(parties.map((party) => [party, { reads: 0, foreign: 0, stale: 0 }]))
    for (let round = 0; round < rounds; round++) {
      await Promise.all(
        parties.map(async (party) => {
          const { engine, letter } = party
          for (const id of IDS) await engine.submit(id, `${letter} ${round}`)
          await engine.flush()
          const count = counts.get(party)!
          for (let time = 0; time < 3; time++) {
            const items = [
              ...(await engine.getMany(IDS)),
              ...(await Promise.all(IDS.map((id) => engine.get(id, { consistency: 'shared' })))),
            ]
            for (const item of items) {
              const [whose, which] = String(item?.value).split(' ')
              count.reads++
              if (whose !== letter) count.foreign++
              else if (Number(which) < round) count.stale++
            }
          }
        }),
      )
    }
    return counts
  }

  it('two archives under the default prefix never meet [P66]', async () => {
    for (const letter of ['a', 'b']) await start(letter, directory())
    const counts = await play(20)
    for (const party of parties) {
      expect(counts.get(party), party.letter).toMatchObject({ foreign: 0, stale: 0 })
      expect(party.hits, 'the cache was of use').toBeGreaterThan(100)
      expect(await party.engine.verify({ deep: true })).toMatchObject({ isTrusted: true })
      expect(party.faults).toEqual([])
    }
  })

  it('a wrong password is told as such, and is no reason not to start [P69]', async () => {
    const raw = new Redis(server.url)
    await raw.call('ACL', 'SETUSER', 'someone', 'on', '>right', '~*', '+@all')
    const url = `redis://someone:wrong@127.0.0.1:${server.port}`
    const party = await start('a', directory(), url)
    await party.engine.submit('k', 'v')
    expect((await party.engine.get('k'))?.value).toBe('v')
    await vi.waitFor(() => {
      expect(party.engine.status().trust.cache).toContain('WRONGPASS')
      expect(party.faults.map(({ what }) => what).join()).toContain('WRONGPASS')
    })
    await raw.call('ACL', 'SETUSER', 'someone', '>wrong')
    await vi.waitFor(() => expect(party.engine.status().trust.cache).toContain('trusted at cut'), {
      timeout: 10_000,
    })
    // By the start, and by the first poll after it; not by every further one.
    expect(party.faults).toHaveLength(2)
    raw.disconnect()
  })

  it('a copy of an archive is told by name that it needs a prefix of its own, and nobody is left with its values [P66]', async () => {
    const [original, copy] = [directory(), directory()]
    const first = await start('a', original)
    for (const id of IDS) await first.engine.submit(id, 'a -1')
    await first.engine.stop()
    parties.length = 0
    cpSync(original, copy, { recursive: true })

    const [a, b] = [await start('a', original), await start('b', copy)]
    const toldOf = (party: Party) => party.faults.filter(({ what }) => what.includes('prefix of its own'))
    await vi.waitFor(
      async () => {
        await play(1)
        expect([...toldOf(a), ...toldOf(b)].length).toBeGreaterThan(0)
      },
      { timeout: 20_000 },
    )
    const counts = await play(10)
    for (const party of [a, b]) {
      expect(counts.get(party), party.letter).toMatchObject({ foreign: 0, stale: 0 })
      // Once, and not at every poll.
      expect(toldOf(party).length).toBeLessThanOrEqual(1)
    }
    const told = [a, b].find((party) => toldOf(party).length > 0)!
    expect(told.engine.status().trust.cache).toContain('prefix of its own')
    expect(toldOf(told)[0]?.error).toMatchObject({ code: 'SE_TIER_MISCONFIGURED' })
    // Nobody who stops leaves the other with entries of his.
    for (const party of [a, b]) {
      const items = await party.engine.getMany(IDS)
      expect(items.map((item) => String(item?.value).slice(0, 1))).toEqual(IDS.map(() => party.letter))
    }
  })
})
