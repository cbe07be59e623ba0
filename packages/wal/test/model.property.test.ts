import { createFakeClock, createPowerLossFileSystem, seededRandom, type SeededRandom } from '@se/core/testing'
import { seed } from '@se/testkit'
import { expect, it } from 'vitest'
import { openLog, repairLog, type Log, type LogOptions } from '../src/index.ts'
import { worldOptions } from './power-cut-world.ts'

/**
 * Goal: whatever order calls come in, the log is the list that the caller thinks it is. Method: random lives on a disk that never
 * fails, with what the power-cut lives lack: readers beside writers, writers that wait, long drains, held segments, segments of
 * another size after reopening, closing and killing at any moment. The model is an array.
 */

interface Life {
  readonly random: SeededRandom
  readonly model: Uint8Array[]
  releasedThrough: number
}

async function checkReplay(log: Log, { model }: Life, from?: number): Promise<void> {
  let next = from ?? log.stats().firstSequence
  const through = log.stats().lastSequence
  for await (const { sequence, bytes } of log.replay(from)) {
    expect(sequence).toBe(next++)
    expect(Buffer.from(bytes).equals(model[sequence - 1]!)).toBe(true)
  }
  expect(next).toBe(through + 1)
}

/** Lets the time of those who wait for room run out, whenever they begin to. */
async function settle(running: readonly Promise<unknown>[], advance: (ms: number) => Promise<void>) {
  let isSettled = false
  const all = Promise.all(running).finally(() => (isSettled = true))
  all.catch(() => {})
  for (let turn = 0; !isSettled; turn++) {
    if (turn === 1000) throw new Error('a call never settles')
    await advance(1000)
    await new Promise((resolve) => setImmediate(resolve))
  }
  await all
}

async function session(log: Log, life: Life, advance: (ms: number) => Promise<void>): Promise<void> {
  const { random, model } = life
  const running: Promise<unknown>[] = []
  const ignored = (code: string) => (error: Error & { code?: string }) => {
    if (error.code !== code) throw error
  }
  const count = random.below(60)
  const isDrain = random.chance(0.3)
  for (let step = 0; step < count; step++) {
    const what = random.below(isDrain && step > count / 3 ? 14 : 12)
    if (what < 7) {
      const lengths = Array.from({ length: 1 + random.below(4) }, () =>
        random.below(random.pick([8, 300, 900])),
      )
      const records = lengths.map((length) => random.bytes(length))
      const call = random.chance(0.7) ? log.append(records) : log.appendBuffered(records)
      const note = (last: number) => {
        records.forEach((record, index) => (model[last - records.length + 1 + index - 1] = record))
      }
      running.push(call.then(note).catch(ignored('SE_LOG_FULL')))
    } else if (what === 7) {
      await settle(running.splice(0), advance)
      running.push(checkReplay(log, life).catch(ignored('SE_LOG_SEQUENCE_RELEASED')))
    } else if (what === 8) {
      await advance(random.below(400))
    } else if (what === 9) {
      await settle(running.splice(0), advance)
    } else {
      const { firstSequence, lastSequence } = log.stats()
      const most = Math.min(lastSequence, firstSequence - 1 + random.pick([1, 2, 5, 1000]))
      life.releasedThrough = Math.max(life.releasedThrough, most)
      const released = log.release(most)
      if (random.chance(0.5)) await released
      else running.push(released)
    }
  }
  await settle(running, advance)
  const stats = log.stats()
  expect(stats).toMatchObject({
    state: 'open',
    queuedRecords: 0,
    waitingCalls: 0,
    lastSequence: model.length,
  })
  expect(stats.firstSequence).toBe(life.releasedThrough + 1)
}

async function live(random: SeededRandom): Promise<void> {
  let disk = createPowerLossFileSystem()
  await disk.makeDirectory('/data')
  const life: Life = { random, model: [], releasedThrough: 0 }
  for (let round = 0; round < 6; round++) {
    const clock = createFakeClock()
    const segmentBytes = random.pick([4096, 4096, 8192])
    const options = worldOptions(disk, {
      clock,
      onFull: 'wait',
      waitMs: 900,
      releaseDelayMs: random.pick([0, 0, 300]),
      limits: {
        segmentBytes,
        spareSegmentsMax: random.below(3),
        recordsMax: random.pick([20, 1000]),
        bytesMax: random.pick([2, 4, 100]) * segmentBytes,
      },
    })
    const log = await openLog(options)
    expect(log.recovery.outcome).not.toBe('torn')
    expect(log.stats().lastSequence).toBe(life.model.length)
    expect(log.stats().firstSequence).toBeLessThanOrEqual(life.releasedThrough + 1)
    life.releasedThrough = log.stats().firstSequence - 1
    await checkReplay(log, life)
    await checkReplay(log, life, log.stats().oldestSequence)
    await session(log, life, (ms) => clock.advance(ms))
    if (random.chance(0.6)) {
      await log.close()
      expect(disk.openCount).toBe(0)
      const { directory, fileSystem, processes } = options as Required<LogOptions>
      expect((await repairLog({ directory, fileSystem, processes })).finding).toBeUndefined()
    } else {
      disk = disk.afterKill()
    }
  }
}

it('is the list that its callers think it is, in 150 random lives', { timeout: 60_000 }, async () => {
  const start = seed('model')
  for (let index = 0; index < 150; index++) {
    const caseSeed = start + index
    await live(seededRandom(caseSeed)).catch((error: unknown) => {
      throw new Error(`seed ${caseSeed}: ${(error as Error).message}`, { cause: error })
    })
  }
})
