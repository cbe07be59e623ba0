/**
 * Goal: a database that fails over takes no more from its users than it must. The address moves to the new primary while
 * all connections stay with the old one, which goes on answering: nothing but what it says tells that it is out.
 * Method: two services at work through the whole engine, on a primary with a replica; what they were told is checked.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { seededRandom } from '@se/core/testing'
import type { Engine } from '@se/engine'
import { seed } from '@se/testkit'
import {
  checkHistory,
  describeAnomaly,
  type Consistency,
  type History,
  type Level,
} from '@se/testkit/history'
import type { PrivateMariaDbPair } from '@se/testkit/services'
import { describeWithServer } from '@se/testkit/vitest'
import { afterEach, expect, test, vi } from 'vitest'
import { nowUs } from '../history/recorded-engine.ts'
import { createWorkload, HOT_IDS, type Figure } from '../history/workload.ts'
import type { Service } from './service.ts'
import { slowness, startFailoverWorld, STALENESS_MS, type FailoverWorld } from './world.ts'

/**
 * For the first write of every service, once the new primary takes writes, on a quiet machine, ms. Also where the new
 * primary lags, and each service is fenced and started again.
 */
const WRITING_WITHIN_MS = 2_000
const TIMEOUT_MS = 240_000
/** For the last connections to the old primary to be ended: they are, or they never will be. */
const DRAINED = { timeout: 60_000, interval: 100 }
/** What a read that must not be older than Δ waits beyond it, ms. */
const MARGIN_MS = 100

describeWithServer('sql', 'failover of MariaDB', () => {
  describeWithServer('redis', 'under services with a Redis', () => {
    let world: FailoverWorld | undefined

    afterEach(async () => {
      await world?.close()
      world = undefined
    })

    async function newWorld(): Promise<FailoverWorld> {
      world = await startFailoverWorld()
      return world
    }

    test.each([
      ['connections to it stay', () => undefined],
      ['connections to it are cut', cutConnections],
    ])(
      'the old primary is read only, %s: writing within 2 s, nothing stale, nothing lost, no connection left there [P69] [R5] [W1]',
      { timeout: TIMEOUT_MS },
      async (_, endConnections) => {
        const { pair, services, warmUp, writingAgain, connectionsTo } = await newWorld()
        const stop = workOnHotIds(services, 'hot')
        await acknowledged(services, 300)
        await warmUp()
        await pair.demote()
        await pair.waitForReplica()
        await pair.promote()
        pair.moveAddress()
        endConnections(pair)
        const againMs = await writingAgain(nowUs())
        console.log(`writing again after ${Math.round(againMs)} ms`)
        await acknowledged(services, 300)
        await stop()
        await expectSound(services)
        expect(againMs).toBeLessThanOrEqual(WRITING_WITHIN_MS * slowness())
        expect(services.flatMap(({ failures }) => failures)).toEqual([])
        await vi.waitFor(async () => expect(await connectionsTo(0)).toBe(0), DRAINED)
      },
    )

    /**
     * What is promised: a replica that lags loses what it was not given, and with it what was acknowledged for it, also
     * at level `archive`; a process learns that from the archive. Records that its log still holds are stored again: all
     * that was acknowledged and not yet stored in the old primary when that was demoted. An engine may fail on the way
     * if it says that it is fenced; the supervisor starts it anew.
     */
    test.each([
      ['read only', (pair: PrivateMariaDbPair) => pair.demote()],
      ['killed', (pair: PrivateMariaDbPair) => pair.servers[0].kill()],
    ])(
      'the old primary is %s, a replica that lags is promoted: writing again within 2 s, what the logs hold is stored, nobody is told what is gone [P65] [P88]',
      { timeout: TIMEOUT_MS },
      async (_, endOldPrimary) => {
        const { pair, services, warmUp, writingAgain, idsAt, connectionsTo } = await newWorld()
        const random = seededRandom(seed('failover'))
        const written = services.map((service) => writeOwnIds(service, () => random.fraction()))
        await acknowledged(services, 300)
        await warmUp()
        await pair.holdReplica()
        await acknowledged(services, 300)
        await endOldPrimary(pair)
        await pair.promote()
        pair.moveAddress()
        const againMs = await writingAgain(nowUs())
        console.log(`writing again after ${Math.round(againMs)} ms`)
        await acknowledged(services, 300)
        const acknowledgedIds = (await Promise.all(written.map((stop) => stop()))).flat()
        for (const service of services) await service.flush()
        const failures = services.flatMap((service) => service.failures)
        expect(failures).toEqual(
          failures.map(() => expect.objectContaining({ code: 'SE_INSTANCE_FENCED' }) as unknown),
        )
        expect(againMs).toBeLessThanOrEqual(WRITING_WITHIN_MS * slowness())
        // It may be out, and still know what it had.
        if (!pair.servers[0].isRunning) await pair.servers[0].restart()
        await vi.waitFor(async () => expect(await connectionsTo(0)).toBe(0), DRAINED)
        const [before, after] = [await idsAt(0), await idsAt(1)]
        expect(acknowledgedIds.filter((id) => !after.has(id) && !before.has(id))).toEqual([])
        const lost = acknowledgedIds.filter((id) => !after.has(id))
        console.log(
          `${lost.length} of ${acknowledgedIds.length} acknowledged writes lost with the old primary`,
        )
        await delay(STALENESS_MS + MARGIN_MS)
        for (const { engine } of services) {
          for (const consistency of ['source', 'shared', 'local'] satisfies Consistency[]) {
            const found = await presentAmong(engine, acknowledgedIds, consistency)
            expect(
              acknowledgedIds.filter((id) => found.has(id) !== after.has(id)),
              consistency,
            ).toEqual([])
          }
          const report = await engine.verify({ deep: true })
          expect(report.isTrusted, JSON.stringify(report)).toBe(true)
        }

        // From here on all is as it ever was.
        const stop = workOnHotIds(services, 'afterwards')
        await acknowledged(services, 300)
        await stop()
        await expectSound(services, 'afterwards')
      },
    )
  })
})

function cutConnections(pair: PrivateMariaDbPair): void {
  pair.cutConnections()
}

/** Everything at once on ten ids. @returns ends it */
function workOnHotIds(services: readonly Service[], prefix: string): () => Promise<void> {
  const stops = services.map((service, worker) => {
    let values = 0
    const random = seededRandom(seed(`failover, service ${worker}`))
    const next = createWorkload(random, () => `${prefix}.${worker}.${values++}`)
    return service.work(() => withPrefix(next(), prefix))
  })
  return async () => {
    await Promise.all(stops.map((stop) => stop()))
  }
}

function withPrefix({ together, then }: Figure, prefix: string): Figure {
  const rename = <C extends Figure['then'][number]>(call: C): C => {
    if ('ids' in call) return { ...call, ids: call.ids.map((id) => `${prefix}.${id}`) }
    return 'id' in call ? { ...call, id: `${prefix}.${call.id}` } : call
  }
  return { together: together.map(rename), then: then.map(rename) }
}

/** Each write to an id of its own. @returns ends it, and gives the ids whose write was acknowledged */
function writeOwnIds(service: Service, fraction: () => number): () => Promise<readonly string[]> {
  const ids: string[] = []
  const prefix = `own.${service.lives[0]!.worker}`
  const stop = service.work(() => {
    const id = `${prefix}.${ids.push('') - 1}`
    ids[ids.length - 1] = id
    const level: Level = fraction() < 0.5 ? 'archive' : 'log'
    const read = `${prefix}.${Math.floor(fraction() * ids.length)}`
    return {
      together: [{ kind: 'submit', id, level, value: id }],
      then: [{ kind: 'get', id: read, consistency: 'local' }],
    }
  })
  return async () => {
    await stop()
    return service
      .operations()
      .flatMap(({ call, answer }) =>
        call.kind === 'submit' && answer?.kind === 'acknowledged' ? [call.id] : [],
      )
  }
}

/** Those of the ids that the engine has an item for; a few asked for at a time. */
async function presentAmong(
  engine: Engine,
  ids: readonly string[],
  consistency: Consistency,
): Promise<ReadonlySet<string>> {
  const present = new Set<string>()
  const left = ids.values()
  const ask = async () => {
    for (const id of left) if ((await engine.get(id, { consistency })) !== undefined) present.add(id)
  }
  await Promise.all(Array.from({ length: 16 }, ask))
  return present
}

/** Resolves when each service has had so many more writes acknowledged. */
async function acknowledged(services: readonly Service[], count: number): Promise<void> {
  const goals = services.map(({ acknowledgedCount }) => acknowledgedCount + count)
  while (services.some(({ acknowledgedCount }, index) => acknowledgedCount < goals[index]!)) await delay(5)
}

/** Flushes, reads every hot id in every way, and checks all that was ever answered about them. */
async function expectSound(services: readonly Service[], prefix = 'hot'): Promise<void> {
  for (const service of services) await service.flush()
  const settledUs = nowUs()
  await delay(STALENESS_MS + MARGIN_MS)
  for (const service of services) {
    for (const hot of HOT_IDS) {
      for (const consistency of ['source', 'shared', 'local'] satisfies Consistency[]) {
        await service.call({ kind: 'get', id: `${prefix}.${hot}`, consistency })
      }
    }
  }
  const isAbout = (id: string) => id.startsWith(`${prefix}.`)
  const history: History = {
    operations: services
      .flatMap((service) => service.operations())
      .filter(({ call }) => {
        if (call.kind === 'flush') return true
        return 'ids' in call ? call.ids.every(isAbout) : isAbout(call.id)
      }),
    lives: services.flatMap(({ lives }) => lives),
    settledUs,
  }
  const { anomalies, counts } = checkHistory(history, { stalenessMs: STALENESS_MS })
  console.log(JSON.stringify(counts))
  expect(anomalies.slice(0, 5).map((anomaly) => describeAnomaly(anomaly, history))).toEqual([])
  expect(counts.bounded).toBeGreaterThan(200)
}
