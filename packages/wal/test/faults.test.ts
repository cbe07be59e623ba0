import {
  createFakeClock,
  createPowerLossFileSystem,
  seededRandom,
  type FileSystemFault,
} from '@se/core/testing'
import { describe, expect, it } from 'vitest'
import { openLog, type Log } from '../src/index.ts'
import { append, DIRECTORY, openAndCheck, Promises, worldOptions } from './power-cut-world.ts'

/**
 * Goal: whatever call of the file system fails, the writer is told by a typed error, nothing is acknowledged that may
 * be lost, and a failed sync is never tried again. Method: one life of a log is lived again and again, and
 * each time another call fails.
 */

interface Life {
  /** Calls made when appends were acknowledged. */
  readonly acknowledgedAt: readonly number[]
  /** Calls made when the log declared itself failed, and what it was doing. */
  readonly failed: { readonly at: number; readonly operation: string } | undefined
  readonly errors: readonly { code?: string; cause?: unknown }[]
  readonly calls: readonly { operation: string; path: string }[]
  readonly promises: Promises
  readonly disk: ReturnType<typeof createPowerLossFileSystem>
}

/** Creates a log, fills three segments, releases, closes, opens again, appends, replays, closes. */
async function live(faultAt: number | undefined, fault: FileSystemFault): Promise<Life> {
  const disk = createPowerLossFileSystem()
  await disk.makeDirectory('/data')
  await disk.syncDirectory('/')
  const start = disk.callCount
  const calls: { operation: string; path: string }[] = []
  disk.onCall = ({ index, operation, path }) => {
    calls.push({ operation, path })
    if (index - start !== faultAt) return undefined
    if ('writtenBytes' in fault && operation !== 'writev') return undefined
    return fault
  }
  const promises = new Promises()
  const random = seededRandom(3)
  const acknowledgedAt: number[] = []
  const errors: { code?: string }[] = []
  const attempt = (promise: Promise<unknown>) => promise.catch((error: object) => void errors.push(error))
  const put = (log: Log, ...lengths: number[]) =>
    attempt(append(log, promises, lengths, random).then(() => void acknowledgedAt.push(calls.length)))
  // The clock stands still, so that a full disk is not tried again by the way.
  let failed: Life['failed']
  const observer = {
    failed: ({ operation }: { operation: string }) => (failed = { at: calls.length, operation }),
  }
  const options = worldOptions(disk, { clock: createFakeClock(), observer })
  const session = async (log: Log) => {
    await Promise.all([put(log, 100), put(log, 200, 0, 300)])
    for (let index = 0; index < 4; index++) await put(log, 2000)
    promises.releasedThrough = Math.max(0, log.stats().lastSequence - 1)
    await attempt(log.release(promises.releasedThrough))
    await put(log, 50)
    await attempt(log.appendBuffered(promises.submit([60], random)))
    await attempt(log.sync())
    const replay = async () => {
      for await (const { sequence } of log.replay()) if (sequence === 0) throw new Error('0 is no sequence')
    }
    await attempt(replay())
    await attempt(log.close())
  }
  for (let round = 0; round < 2; round++) {
    try {
      await session(await openLog(options))
    } catch (error) {
      errors.push(error as object)
    }
    // A process that met an error ends there.
    if (errors.length > 0) break
  }
  disk.onCall = undefined
  return { acknowledgedAt, failed, errors, calls, promises, disk }
}

const clean = await live(undefined, { code: 'none' })
const callCount = clean.calls.length

/** What was acknowledged is there after a kill, and after a power cut that loses all it may. */
async function checkKept({ disk, promises }: Life): Promise<void> {
  const cut = disk.afterPowerCut(() => 0)
  await openAndCheck(cut, promises, promises.durableThrough)
  await openAndCheck(disk.afterKill(), promises, promises.durableThrough)
}

describe('a life without faults', () => {
  it('meets every call of the port that may fail', () => {
    expect(clean.errors).toEqual([])
    const operations = new Set(clean.calls.map(({ operation }) => operation))
    for (const operation of [
      'open',
      'writev',
      'syncData',
      'close',
      'rename',
      'syncDirectory',
      'read',
      'remove',
    ]) {
      expect(operations).toContain(operation)
    }
  })
})

describe.each(['EIO', 'ENOSPC'])('%s', (code) => {
  it('at each call in turn: a typed error, no acknowledgement after it, no sync tried again [P9]', async () => {
    const untold: string[] = []
    for (let faultAt = 0; faultAt < callCount; faultAt++) {
      const life = await live(faultAt, { code })
      const { operation, path } = clean.calls[faultAt]!
      const where = `${faultAt} ${operation} ${path}`
      await checkKept(life).catch((error: Error) => expect.fail(`${where}: ${error.message}`))
      for (const error of life.errors) {
        expect(error.code, `${where}: ${String(error)}`).toMatch(/^SE_LOG_(FAILED|FULL|CLOSED|UNREADABLE)$/)
      }
      if (life.errors.length === 0) untold.push(where)
      expect(life.disk, where).toMatchObject({ openCount: 0, strayCount: 0 })
      // A disk without room for the next segment is no failure: what room there is, is used.
      const isFullDisk = life.errors.every((error) => error.code === 'SE_LOG_FULL')
      if (code === 'ENOSPC' && isFullDisk) continue
      // The group under way when another file failed may still be acknowledged, until the log is told.
      const end = life.failed?.operation === 'write' ? faultAt + 1 : (life.failed?.at ?? faultAt + 1)
      expect(life.acknowledgedAt.filter((at) => at > end)).toEqual([])
      if (operation !== 'syncData') continue
      const again = life.calls
        .slice(faultAt + 1)
        .filter((call) => call.operation === operation && call.path === path)
      expect(again, where).toEqual([])
    }
    // Only what serves the reader of an old lock or the removal of something already useless may fail unheard.
    expect(untold.filter((where) => !/\.spare|read|log\.lock/.test(where))).toEqual([])
  })
})

describe('short writes', () => {
  it.each([1, 63, 64, 65, 160, 511])(
    'goes on after %i bytes, at each write in turn',
    async (writtenBytes) => {
      for (let faultAt = 0; faultAt < callCount; faultAt++) {
        if (clean.calls[faultAt]!.operation !== 'writev') continue
        const life = await live(faultAt, { writtenBytes })
        expect(life.errors).toEqual([])
        await checkKept(life)
      }
    },
  )

  it('takes a write of nothing for a failure, not for a reason to try for ever', async () => {
    for (let faultAt = 0; faultAt < callCount; faultAt++) {
      if (clean.calls[faultAt]!.operation !== 'writev') continue
      const life = await live(faultAt, { writtenBytes: 0 })
      await checkKept(life)
    }
  })
})

describe('a full disk', () => {
  it('says so, takes urgent records and releases, and goes on when there is room', async () => {
    const disk = createPowerLossFileSystem()
    await disk.makeDirectory('/data')
    const clock = createFakeClock()
    const log = await openLog(worldOptions(disk, { clock }))
    for (let index = 0; index < 3; index++) await log.append(new Uint8Array(2000))
    let isFull = true
    disk.onCall = ({ operation, path }) =>
      isFull && operation === 'writev' && path.endsWith('.spare') ? { code: 'ENOSPC' } : undefined
    await log.append(new Uint8Array(3000))
    await log.append(new Uint8Array(3000)).catch(() => {})
    await expect(log.append(new Uint8Array(10))).rejects.toMatchObject({
      code: 'SE_LOG_FULL',
      details: { reason: 'disk' },
    })
    expect(log.stats()).toMatchObject({ state: 'open', isDiskFull: true })
    const urgent = await log.append(new Uint8Array(10), { urgent: true })
    expect(urgent).toBe(log.stats().lastSequence)
    expect((await disk.list(DIRECTORY)).filter((name) => name.endsWith('.spare'))).toEqual([])
    isFull = false
    await clock.advance(1001)
    await log.append(new Uint8Array(10)).catch(() => {})
    for (let turn = 0; turn < 50 && log.stats().isDiskFull; turn++) await Promise.resolve()
    expect(await log.append(new Uint8Array(10))).toBe(urgent + 1)
    await log.close()
  })
})

describe('a disk that stays full', () => {
  it('is tried again once a second, however many calls want room', async () => {
    const disk = createPowerLossFileSystem()
    await disk.makeDirectory('/data')
    let attempts = 0
    disk.onCall = ({ operation, path }) => {
      if (operation !== 'writev' || !/0000[2-9]\.spare$/.test(path)) return undefined
      attempts++
      return { code: 'ENOSPC' }
    }
    const clock = createFakeClock()
    const told: object[] = []
    const log = await openLog(worldOptions(disk, { clock, observer: { full: (event) => told.push(event) } }))
    await log.append(new Uint8Array(10))
    // Before anybody is refused.
    expect(told).toEqual([{ reason: 'disk', refused: false }])
    const ask = async () => {
      for (let call = 0; call < 10; call++) {
        await expect(log.append(new Uint8Array(10))).rejects.toMatchObject({ details: { reason: 'disk' } })
        await new Promise((resolve) => setImmediate(resolve))
      }
    }
    await ask()
    expect(attempts).toBe(1)
    await clock.advance(1000)
    await ask()
    expect(attempts).toBe(2)
    await log.close()
  })
})

describe('a disk that fills while others wait', () => {
  it('keeps the order of the calls: those that were let in already go first when there is room', async () => {
    const disk = createPowerLossFileSystem()
    await disk.makeDirectory('/data')
    let isFull = true
    disk.onCall = ({ operation, path }) =>
      isFull && operation === 'writev' && /0000[2-9]\.spare$/.test(path) ? { code: 'ENOSPC' } : undefined
    const clock = createFakeClock()
    const limits = { segmentBytes: 4096, recordsMax: 2 }
    const log = await openLog(worldOptions(disk, { onFull: 'wait', waitMs: 500, clock, limits }))
    const appends = [3000, 3001, 10].map((length) => log.append(new Uint8Array(length)))
    expect(await appends[0]).toBe(1)
    for (let turn = 0; log.stats().waitingCalls < 2; turn++) {
      if (turn > 1000) throw new Error('nobody is turned away')
      await new Promise((resolve) => setImmediate(resolve))
    }
    isFull = false
    await log.release(1)
    expect(await Promise.all(appends)).toEqual([1, 2, 3])
    await log.close()
  })

  it('lets nobody wait for longer than waitMs, and refuses all of them', async () => {
    const disk = createPowerLossFileSystem()
    await disk.makeDirectory('/data')
    disk.onCall = ({ operation, path }) =>
      operation === 'writev' && /0000[2-9]\.spare$/.test(path) ? { code: 'ENOSPC' } : undefined
    const clock = createFakeClock()
    const limits = { segmentBytes: 4096, recordsMax: 3 }
    const log = await openLog(worldOptions(disk, { onFull: 'wait', waitMs: 500, clock, limits }))
    const refused: number[] = []
    const appends = [3000, 3001, 3002, 10].map((length, index) =>
      log.append(new Uint8Array(length)).catch((error: { code: string }) => {
        expect(error.code).toBe('SE_LOG_FULL')
        refused.push(index)
      }),
    )
    await appends[0]
    for (let turn = 0; log.stats().waitingCalls < 3; turn++) {
      if (turn > 1000) throw new Error('nobody is turned away')
      await new Promise((resolve) => setImmediate(resolve))
    }
    await clock.advance(499)
    expect(refused).toEqual([])
    await clock.advance(1)
    expect(refused).toEqual([1, 2, 3])
    await log.close()
  })
})

describe('a disk that has room again [W10]', () => {
  it('is found by the one who waits for it, though nobody else calls', async () => {
    const disk = createPowerLossFileSystem()
    await disk.makeDirectory('/data')
    let isFull = true
    disk.onCall = ({ operation, path }) =>
      isFull && operation === 'writev' && /0000[2-9]\.spare$/.test(path) ? { code: 'ENOSPC' } : undefined
    const clock = createFakeClock()
    const log = await openLog(worldOptions(disk, { onFull: 'wait', waitMs: 5000, clock }))
    await log.append(new Uint8Array(3000))
    const waiting = log.append(new Uint8Array(3000))
    for (let turn = 0; log.stats().waitingCalls === 0; turn++) {
      if (turn > 1000) throw new Error('nobody waits')
      await new Promise((resolve) => setImmediate(resolve))
    }
    await clock.advance(1500)
    isFull = false
    await clock.advance(1000)
    expect(await waiting).toBe(2)
    expect(clock.keepsProcessAlive).toBe(false)
    await log.close()
    expect(clock.timerCount).toBe(0)
  })
})

describe('closing on a full disk', () => {
  it('settles every append, also those that would have waited for room', async () => {
    const disk = createPowerLossFileSystem()
    await disk.makeDirectory('/data')
    disk.onCall = ({ operation, path }) =>
      operation === 'writev' && /0000[2-9]\.spare$/.test(path) ? { code: 'ENOSPC' } : undefined
    const log = await openLog(worldOptions(disk, { onFull: 'wait', clock: createFakeClock() }))
    const appends = [3000, 3000, 3000].map((length) => log.append(new Uint8Array(length)))
    const closed = log.close()
    const settled = await Promise.allSettled(appends)
    expect(settled.map((outcome) => (outcome.status === 'rejected' ? outcome.reason.code : 'kept'))).toEqual([
      'kept',
      'SE_LOG_FULL',
      'SE_LOG_FULL',
    ])
    await closed
  })
})

describe('a failed log', () => {
  it('fails every waiter, keeps reading, and says why', async () => {
    const disk = createPowerLossFileSystem()
    await disk.makeDirectory('/data')
    const failures: string[] = []
    const log = await openLog(
      worldOptions(disk, { observer: { failed: ({ operation }) => failures.push(operation) } }),
    )
    await log.append(Buffer.from('kept'))
    disk.onCall = ({ operation }) => (operation === 'syncData' ? { code: 'EIO' } : undefined)
    const waiters = [1, 2, 3].map((length) => log.append(new Uint8Array(length)))
    for (const settled of await Promise.allSettled(waiters)) {
      expect(settled).toMatchObject({
        status: 'rejected',
        reason: { code: 'SE_LOG_FAILED', cause: { code: 'EIO' } },
      })
    }
    disk.onCall = undefined
    await expect(log.append(new Uint8Array(1))).rejects.toMatchObject({ code: 'SE_LOG_FAILED' })
    await expect(log.sync()).rejects.toMatchObject({ code: 'SE_LOG_FAILED' })
    const first = await log.replay().next()
    expect(Buffer.from(first.value!.bytes).toString()).toBe('kept')
    expect(log.stats().state).toBe('failed')
    expect(failures).toEqual(['write'])
    await log.close()
    expect(disk.openCount).toBe(1) // the replay above was left open on purpose
  })
})
