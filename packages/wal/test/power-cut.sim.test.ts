import { createPowerLossFileSystem, forEveryChoice, seededRandom, type SeededRandom } from '@se/core/testing'
import { seed } from '@se/testkit'
import { describe, expect, it } from 'vitest'
import { openLog, type Log } from '../src/index.ts'
import {
  append,
  appendBuffered,
  openAndCheck,
  Promises,
  runPowerCutCase,
  worldOptions,
} from './power-cut-world.ts'

/**
 * Goal: after any power cut all acknowledged records are there, in order, and nothing is invented.
 * Method: a simulated disk that loses any subset of unsynced sectors and names; short scripts are cut at every call
 * with every outcome, long random ones at random.
 */

// Tens of thousands of simulated errors are thrown here; their stacks would take most of the time.
Error.stackTraceLimit = 0

interface Script {
  readonly name: string
  readonly sectorBytes: 512 | 4096
  run(log: Log, promises: Promises, random: SeededRandom): Promise<void>
}

const scripts: Script[] = [
  {
    name: 'two appends, one of them over several sectors',
    sectorBytes: 512,
    async run(log, promises, random) {
      await append(log, promises, [10], random)
      await append(log, promises, [900, 0, 300], random)
    },
  },
  {
    name: 'two appends on 4-KiB sectors, closed',
    sectorBytes: 4096,
    async run(log, promises, random) {
      await append(log, promises, [10], random)
      await append(log, promises, [900], random)
      await log.close()
    },
  },
  {
    name: 'buffered appends before a durable one',
    sectorBytes: 512,
    async run(log, promises, random) {
      await appendBuffered(log, promises, [200], random)
      await appendBuffered(log, promises, [200], random)
      await append(log, promises, [500], random)
      await appendBuffered(log, promises, [100], random)
    },
  },
  {
    name: 'into the second and third segment, releasing the first',
    sectorBytes: 4096,
    async run(log, promises, random) {
      await append(log, promises, [3000], random)
      await append(log, promises, [3000], random)
      promises.releasedThrough = 1
      await log.release(1)
      await append(log, promises, [3000], random)
    },
  },
  {
    name: 'a buffered record before the change of segments',
    sectorBytes: 4096,
    async run(log, promises, random) {
      await appendBuffered(log, promises, [2000], random)
      await append(log, promises, [3000], random)
    },
  },
  {
    name: 'a released segment that has the control group itself, when the one behind it has nothing durable',
    sectorBytes: 4096,
    async run(log, promises, random) {
      await append(log, promises, [3000], random)
      await append(log, promises, [3000], random)
      promises.releasedThrough = 2
      await log.release(2)
      await appendBuffered(log, promises, [3000], random)
      await log.release(2)
    },
  },
]

describe('a power cut at every call, with every outcome [W1]', () => {
  it.each(scripts)('$name', async ({ sectorBytes, run }) => {
    let outcomes = 0
    let isOver = false
    for (let cutAt = 0; !isOver; cutAt++) {
      const disk = createPowerLossFileSystem({ sectorBytes })
      const promises = new Promises()
      disk.onCall = ({ index }) => {
        if (index === cutAt) disk.turnOff()
        return undefined
      }
      const random = seededRandom(1)
      const life = async () => {
        await disk.makeDirectory('/data')
        await disk.syncDirectory('/')
        await run(await openLog(worldOptions(disk)), promises, random)
      }
      await life().catch(() => {})
      isOver = disk.callCount <= cutAt
      // A power cut also falls between two calls: what is off is off.
      disk.turnOff()
      outcomes += await forEveryChoice(async (choose) => {
        const after = disk.afterPowerCut(choose)
        await after.makeDirectory('/data')
        await openAndCheck(after, promises, promises.durableThrough)
      }, 20_000)
    }
    expect(outcomes).toBeGreaterThan(60)
  })
})

describe('a sync or a write-through that fails in part, then a power cut in the next process [W1] [P9]', () => {
  it.each([0, 1, 2])('sync %i, with every outcome of both', { timeout: 120_000 }, async (failing) => {
    let outcomes = 0
    for (let cutAt = 0, isOver = false; !isOver; cutAt++) {
      isOver = true
      outcomes += await forEveryChoice(async (choose) => {
        const first = createPowerLossFileSystem()
        const promises = new Promises()
        const random = seededRandom(1)
        await first.makeDirectory('/data')
        await first.syncDirectory('/')
        const log = await openLog(worldOptions(first))
        await appendBuffered(log, promises, [250], random)
        let syncs = 0
        first.onCall = ({ operation, path }) =>
          operation === 'syncData' && path.endsWith('.wal') && syncs++ === failing
            ? { code: 'EIO' }
            : undefined
        // The first is written and synced with what was buffered, the others are written through.
        const failed = []
        for (const length of [250, 300, 400]) {
          await append(log, promises, [length], random).catch((error: Error) => failed.push(error))
        }
        expect(failed.length).toBe(3 - failing)
        const second = first.afterKill(choose)
        const next = await openAndCheck(second, promises, promises.durableThrough)
        promises.settle(next.stats().lastSequence)
        const start = second.callCount
        second.onCall = ({ index }) => {
          if (index - start !== cutAt) return undefined
          isOver = false
          second.turnOff()
          return undefined
        }
        await append(next, promises, [500], random).catch(() => {})
        second.turnOff()
        await openAndCheck(second.afterPowerCut(choose), promises, promises.durableThrough)
      }, 20_000)
    }
    expect(outcomes).toBeGreaterThan(100)
  })
})

describe('random lives with power cuts, kills and failing disks [W1]', () => {
  it('keeps every promise in 10,000 of them', { timeout: 400_000 }, async () => {
    const start = seed('power cuts')
    const sum = { cuts: 0, records: 0, torn: 0, segmentsFreed: 0 }
    for (let index = 0; index < 10_000; index++) {
      const caseSeed = (start + index) % 2 ** 32
      try {
        const summary = await runPowerCutCase(seededRandom(caseSeed))
        for (const key of Object.keys(sum) as (keyof typeof sum)[]) sum[key] += summary[key]
      } catch (error) {
        throw new Error(`seed ${caseSeed}: ${(error as Error).message}`, { cause: error })
      }
    }
    // The lives must have been worth living.
    expect(sum.cuts).toBeGreaterThan(15_000)
    expect(sum.torn).toBeGreaterThan(300)
    expect(sum.segmentsFreed).toBeGreaterThan(1000)
  })
})
