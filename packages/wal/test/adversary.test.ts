import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { FileHandle, FileSystem, OpenMode } from '@se/core'
import { createFakeClock, createPowerLossFileSystem } from '@se/core/testing'
import { nodeFileSystem } from '@se/core/node'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { payloadBytesMaxOf } from '../src/format.ts'
import { openLog, repairLog, type Log } from '../src/index.ts'
import { lockState } from './lock-state.ts'
import { DIRECTORY, worldOptions } from './power-cut-world.ts'

/** Goal: what a reviewer broke stays mended. Method: each defect once, by the shortest way that met it. */

/** A record that leaves no room for another in a segment of 4 KiB. */
const FULL_RECORD = payloadBytesMaxOf(4096)

let directory: string

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'se-wal-adversary-'))
})

afterEach(() => rm(directory, { recursive: true, force: true }))

const limits = { segmentBytes: 4096 }
const segment = (id: number) => `${String(id).padStart(16, '0')}.wal`

async function sequencesOf(log: Log): Promise<number[]> {
  const sequences: number[] = []
  for await (const { sequence } of log.replay()) sequences.push(sequence)
  return sequences
}

describe('control groups in a full segment', () => {
  it.each(['closing', 'a crash'])(
    'go to the next segment: a backlog drained by segments is whole after %s',
    async (end) => {
      const disk = createPowerLossFileSystem()
      await disk.makeDirectory('/data')
      await disk.syncDirectory('/')
      const log = await openLog(worldOptions(disk))
      for (let index = 1; index <= 8; index++) await log.append(new Uint8Array(FULL_RECORD).fill(index))
      for (let through = 1; through <= 6; through++) await log.release(through)
      if (end === 'closing') await log.close()
      const again = await openLog(worldOptions(disk.afterPowerCut(() => 0)))
      expect(again.recovery.outcome).toBe(end === 'closing' ? 'closed' : 'clean')
      expect(await sequencesOf(again)).toEqual([7, 8])
      expect(await again.append(new Uint8Array(9))).toBe(9)
    },
  )

  it('are made by each closing that releases something, for any number of times', async () => {
    const opening = await openLog({ directory, limits })
    await opening.append(Array.from({ length: 10 }, () => new Uint8Array(369)))
    await opening.close()
    for (let through = 1; through <= 9; through++) {
      const log = await openLog({ directory, limits })
      expect(log.recovery.outcome).toBe('closed')
      expect(log.stats().firstSequence).toBe(through)
      await log.release(through)
      await log.close()
    }
    expect((await readdir(directory)).length).toBeLessThan(5)
  })

  it('wait when the disk is full and no segment is there to go on in, and closing still ends', async () => {
    const disk = createPowerLossFileSystem()
    await disk.makeDirectory('/data')
    await disk.syncDirectory('/')
    let isFull = false
    disk.onCall = ({ operation, path }) =>
      isFull && operation === 'writev' && path.endsWith('.spare') ? { code: 'ENOSPC' } : undefined
    const log = await openLog(worldOptions(disk, { limits: { segmentBytes: 4096, spareSegmentsMax: 0 } }))
    for (let index = 1; index <= 6; index++) await log.append(new Uint8Array(FULL_RECORD).fill(index))
    isFull = true
    await log.append(new Uint8Array(FULL_RECORD), { urgent: true })
    // Not even a freed file can be written to, as on a copy-on-write file system.
    for (let through = 1; through <= 5; through++) await log.release(through)
    expect(log.stats().state).toBe('open')
    await log.close()
    isFull = false
    const again = await openLog(worldOptions(disk.afterPowerCut(() => 0)))
    const sequences = await sequencesOf(again)
    expect(sequences.slice(-2)).toEqual([6, 7])
    await again.close()
  })
})

describe('a segment without a group', () => {
  it('does not tell of a release because it has been synced: the segments before it stay', async () => {
    const disk = createPowerLossFileSystem()
    await disk.makeDirectory('/data')
    await disk.syncDirectory('/')
    const log = await openLog(worldOptions(disk))
    await log.append(new Uint8Array(FULL_RECORD))
    await log.append(new Uint8Array(10))
    // Frees the first segment behind a control group in the second, which tells that all of the second is released too.
    await log.release(2)
    const path = `${DIRECTORY}/${segment(3)}`
    const prepared = await disk.readFile(path)
    await log.append(new Uint8Array(FULL_RECORD))
    const after = disk.afterKill()
    // The power cut took the first sector of the first write, header and group header.
    const file = await after.open(path, 'write')
    await file.writev([prepared.subarray(0, 512)], 0)
    await file.syncData()
    await file.close()
    const clock = createFakeClock()
    const torn = await openLog(worldOptions(after, { clock, releaseDelayMs: 1000 }))
    expect(torn.recovery.outcome).toBe('torn')
    await torn.sync()
    await clock.advance(1001)
    await torn.release(2)
    expect(torn.stats().oldestSequence).toBe(3)
    const again = await openLog(worldOptions(after.afterPowerCut(() => 0)))
    expect(again.stats()).toMatchObject({ firstSequence: 3, lastSequence: 2 })
    expect(await again.append(new Uint8Array(10))).toBe(3)
  })
})

describe('files of an earlier life', () => {
  it('a log that starts anew after a repair takes no record from its spare files', async () => {
    const log = await openLog({ directory, limits })
    for (let index = 1; index <= 5; index++) await log.append(Buffer.from(`old ${index}`.padEnd(1900, '.')))
    await log.release(3)
    await log.close()
    expect(await readdir(directory)).toContain('0000000000000001.spare')
    const oldest = (await readdir(directory)).filter((name) => name.endsWith('.wal')).sort()[0]!
    const path = join(directory, oldest)
    const bytes = await readFile(path)
    bytes[20]! ^= 1
    await writeFile(path, bytes)
    await repairLog({ directory })
    const fresh = await openLog({ directory, limits })
    expect(fresh.recovery.outcome).toBe('created')
    const bare = await readFile(join(directory, segment(1)))
    expect(bare.includes('old')).toBe(false)
    await fresh.append(Buffer.from('new'))
    const crashed = await readFile(join(directory, segment(1)))
    await fresh.close()
    await writeFile(join(directory, segment(1)), crashed)
    const again = await openLog({ directory, limits })
    expect(await sequencesOf(again)).toEqual([1])
    await again.close()
  })
})

describe('a segment that takes long to prepare', () => {
  it('does not make the log keep all files that are freed meanwhile', async () => {
    const disk = createPowerLossFileSystem()
    await disk.makeDirectory('/data')
    let isHeld = false
    let go = () => {}
    const hold = new Promise<void>((resolve) => (go = resolve))
    const fileSystem: FileSystem = Object.assign(Object.create(disk) as FileSystem, {
      open: (path: string, mode: OpenMode) => disk.open(path, mode),
      readFile: (path: string) => disk.readFile(path),
      list: (path: string) => disk.list(path),
      makeDirectory: (path: string) => disk.makeDirectory(path),
      remove: (path: string) => disk.remove(path),
      syncDirectory: (path: string) => disk.syncDirectory(path),
      async rename(from: string, to: string) {
        if (isHeld && to.endsWith('.wal')) await hold
        return disk.rename(from, to)
      },
    })
    const log = await openLog(
      worldOptions(disk, { fileSystem, limits: { segmentBytes: 4096, spareSegmentsMax: 2 } }),
    )
    for (let index = 0; index < 20; index++) await log.append(new Uint8Array(FULL_RECORD))
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve))
    expect(log.stats().spareSegments).toBe(1)
    isHeld = true
    // Takes the segment that is ready; the next one is under way from here on.
    await log.append(new Uint8Array(FULL_RECORD))
    await log.release(20)
    isHeld = false
    go()
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve))
    expect(log.stats()).toMatchObject({ segments: 1, spareSegments: 3, fileBytes: 4 * 4096 })
    await log.close()
  })
})

describe('repairLog', () => {
  it('leaves a log that opens, also where the cut takes the groups that told of the release', async () => {
    const log = await openLog({ directory, limits })
    for (let index = 1; index <= 10; index++) await log.append(Buffer.from(`${index}`.padEnd(1900, '.')))
    await log.release(4)
    await log.close()
    const names = (await readdir(directory)).filter((name) => name.endsWith('.wal')).sort()
    const path = join(directory, names[1]!)
    const bytes = await readFile(path)
    bytes[300]! ^= 1
    await writeFile(path, bytes)
    const report = await repairLog({ directory })
    const repaired = await openLog({ directory, limits })
    expect((await sequencesOf(repaired)).at(-1)).toBe(report.lastSequence)
    expect(await repaired.append(Buffer.from('after'))).toBe(report.lastSequence + 1)
    await repaired.close()
  })
})

describe('callers', () => {
  it('may use their array again at once: the call is what it was when it was made', async () => {
    const log = await openLog({ directory, limits })
    const batch = [Buffer.from('a'), Buffer.from('b')]
    const first = log.append(batch)
    batch.length = 0
    batch.push(Buffer.from('longer than before'))
    expect(await first).toBe(2)
    expect(await log.append(batch)).toBe(3)
    const texts: string[] = []
    for await (const { bytes } of log.replay()) texts.push(Buffer.from(bytes).toString())
    expect(texts).toEqual(['a', 'b', 'longer than before'])
    await log.close()
  })

  it('that take the bytes away before they are written are told, not acknowledged', async () => {
    const log = await openLog({ directory, limits })
    const bytes = new Uint8Array(100).fill(1)
    const promise = log.append(bytes)
    structuredClone(bytes.buffer, { transfer: [bytes.buffer] })
    await expect(promise).rejects.toMatchObject({ code: 'SE_LOG_FAILED', cause: { code: 'SE_INVARIANT' } })
    await log.close()
  })

  it.each(['closed', 'failed'])(
    'that wait are told at once when the log is %s, and no timer stays behind',
    async (how) => {
      const disk = createPowerLossFileSystem()
      await disk.makeDirectory('/data')
      const clock = createFakeClock()
      const limits = { segmentBytes: 4096, recordsMax: 1 }
      const log = await openLog(worldOptions(disk, { clock, onFull: 'wait', waitMs: 500, limits }))
      await log.append(Uint8Array.of(1))
      const waiting = log.append(Uint8Array.of(2)).catch((error: { code: string }) => error.code)
      expect(clock.keepsProcessAlive).toBe(true)
      if (how === 'failed') {
        disk.onCall = ({ operation }) => (operation === 'writev' ? { code: 'EIO' } : undefined)
        await log.append(Uint8Array.of(3), { urgent: true }).catch(() => {})
      } else {
        await log.close()
      }
      expect(await waiting).toBe(how === 'failed' ? 'SE_LOG_FAILED' : 'SE_LOG_CLOSED')
      expect(clock.keepsProcessAlive).toBe(false)
      expect(log.stats().waitingCalls).toBe(0)
      await log.close()
      expect(clock.timerCount).toBe(0)
    },
  )

  it('that wait behind one whose time is over get the room there is', async () => {
    const clock = createFakeClock()
    const log = await openLog({ directory, clock, waitMs: 500, limits: { ...limits, recordsMax: 4 } })
    await log.append([1, 2, 3].map((value) => Uint8Array.of(value)))
    const big = log.append([4, 5, 6].map((value) => Uint8Array.of(value)))
    const refused = expect(big).rejects.toMatchObject({ code: 'SE_LOG_FULL' })
    await clock.advance(400)
    const small = log.append(Uint8Array.of(7))
    await clock.advance(101)
    await refused
    expect(log.stats().waitingCalls).toBe(0)
    expect(await small).toBe(4)
    await log.close()
  })

  it('are let in and refused in good time when 200,000 of them wait', async () => {
    const clock = createFakeClock()
    const log = await openLog({ directory, clock, waitMs: 500, limits: { ...limits, recordsMax: 1 } })
    await log.append(Uint8Array.of(1))
    let refused = 0
    const waiting = Array.from({ length: 200_000 }, () =>
      log.append(Uint8Array.of(2)).catch(() => void refused++),
    )
    // Of this process' own time, so that busy neighbours do not count.
    const start = process.cpuUsage()
    for (let through = 1; through <= 50; through++) {
      await log.release(through)
      await log.sync()
    }
    await clock.advance(501)
    await Promise.all(waiting)
    expect(refused).toBe(200_000 - 50)
    const { user, system } = process.cpuUsage(start)
    expect((user + system) / 1000).toBeLessThan(5000)
    await log.close()
  })
})

describe('age', () => {
  it('is that of the oldest record held, not of its released neighbours', async () => {
    const clock = createFakeClock()
    const log = await openLog({ directory, clock, onFull: 'refuse', limits: { ageMsMax: 10_000 } })
    await log.append(Uint8Array.of(1))
    for (let turn = 0; turn < 60; turn++) {
      await clock.advance(1001)
      const sequence = await log.append(Uint8Array.of(1))
      await log.release(sequence - 1)
    }
    expect(log.stats().ageMs).toBeLessThan(2000)
    await log.close()
  })
})

describe('closing', () => {
  it('lets go of the directory only when the last write has ended, also if something else failed meanwhile', async () => {
    const disk = createPowerLossFileSystem()
    await disk.makeDirectory('/data')
    await disk.syncDirectory('/')
    let isArmed = false
    let go = () => {}
    const holdWrite = new Promise<void>((resolve) => (go = resolve))
    let fail = () => {}
    const holdRename = new Promise<void>((resolve) => (fail = resolve))
    const fileSystem: FileSystem = {
      readFile: (path) => disk.readFile(path),
      list: (path) => disk.list(path),
      makeDirectory: (path) => disk.makeDirectory(path),
      remove: (path) => disk.remove(path),
      syncDirectory: (path) => disk.syncDirectory(path),
      async open(path: string, mode: OpenMode): Promise<FileHandle> {
        const handle = await disk.open(path, mode)
        return {
          writev: async (buffers, position) => {
            if (isArmed && mode === 'write-through') await holdWrite
            return handle.writev(buffers, position)
          },
          read: (bytes, position) => handle.read(bytes, position),
          syncData: () => handle.syncData(),
          truncate: (size) => handle.truncate(size),
          size: () => handle.size(),
          close: () => handle.close(),
        }
      },
      async rename(from: string, to: string) {
        if (!to.endsWith(segment(3))) return disk.rename(from, to)
        await holdRename
        throw Object.assign(new Error('EIO: simulated'), { code: 'EIO' })
      },
    }
    const log = await openLog(worldOptions(disk, { fileSystem }))
    await log.append(new Uint8Array(FULL_RECORD))
    await log.append(Uint8Array.of(2))
    isArmed = true
    const last = log.append(Uint8Array.of(3)).catch((error: { code: string }) => error.code)
    await new Promise((resolve) => setImmediate(resolve))
    // The segment after the next cannot be prepared, while the append waits for its write.
    fail()
    await new Promise((resolve) => setImmediate(resolve))
    expect(log.stats().state).toBe('failed')
    let isClosed = false
    const closed = log.close().then(
      () => (isClosed = true),
      () => (isClosed = true),
    )
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve))
    expect(isClosed).toBe(false)
    expect(await lockState(disk, DIRECTORY)).toBe('held')
    go()
    await closed
    expect(await last).toBe('SE_LOG_FAILED')
    expect(log.stats().queuedRecords).toBe(0)
    expect(disk.openCount).toBe(0)
  })

  it('leaves the directory alone from then on: no timer, no reader that ends, touches it', async () => {
    const disk = createPowerLossFileSystem()
    await disk.makeDirectory('/data')
    const clock = createFakeClock()
    const log = await openLog(worldOptions(disk, { clock, releaseDelayMs: 1000 }))
    for (let index = 0; index < 4; index++) await log.append(new Uint8Array(FULL_RECORD))
    const reader = log.replay()
    await reader.next()
    await log.release(4)
    await log.close()
    const { callCount } = disk
    expect(clock.timerCount).toBe(0)
    await clock.advance(2000)
    // Closes its file; what it held is not freed any more.
    await reader.return()
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve))
    expect(disk.callCount).toBe(callCount + 1)
    expect(disk.openCount).toBe(0)
  })

  it.each(['prepared', 'freed'])('waits for a segment that is being %s', async (what) => {
    const disk = createPowerLossFileSystem()
    await disk.makeDirectory('/data')
    let isHeld = true
    let go = () => {}
    const hold = new Promise<void>((resolve) => (go = resolve))
    const isConcerned = (to: string) => to.endsWith(what === 'prepared' ? segment(3) : '0001.spare')
    const fileSystem: FileSystem = Object.assign(Object.create(disk) as FileSystem, {
      open: (path: string, mode: OpenMode) => disk.open(path, mode),
      readFile: (path: string) => disk.readFile(path),
      list: (path: string) => disk.list(path),
      makeDirectory: (path: string) => disk.makeDirectory(path),
      remove: (path: string) => disk.remove(path),
      syncDirectory: (path: string) => disk.syncDirectory(path),
      async rename(from: string, to: string) {
        if (isConcerned(to)) {
          await hold
          isHeld = false
        }
        return disk.rename(from, to)
      },
    })
    const log = await openLog(worldOptions(disk, { fileSystem }))
    for (let index = 0; index < 2; index++) await log.append(new Uint8Array(FULL_RECORD))
    if (what === 'freed') void log.release(2)
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve))
    const closed = log.close().then(() => expect(isHeld).toBe(false))
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve))
    expect(await lockState(disk, DIRECTORY)).toBe('held')
    go()
    await closed
    expect(disk.openCount).toBe(0)
  })

  it('ends a replay with LogClosed: the files may be another process by then', async () => {
    const log = await openLog({ directory, limits })
    for (let index = 0; index < 5; index++) await log.append(new Uint8Array(2000))
    const reader = log.replay()
    await reader.next()
    await log.close()
    const rest = async () => {
      for await (const record of reader) void record
    }
    await expect(rest()).rejects.toMatchObject({ code: 'SE_LOG_CLOSED' })
  })
})

describe('a replay that is reading while the log is closed', () => {
  it.each(['damaged', 'gone'])(
    'ends with LogClosed, also when the next user has left the file %s',
    async (how) => {
      let isClosing = false
      const fileSystem: FileSystem = Object.assign(Object.create(nodeFileSystem) as FileSystem, {
        async open(path: string, mode: OpenMode) {
          if (isClosing && mode === 'read' && path.endsWith(segment(2))) {
            await log.close()
            if (how === 'gone') await rm(path)
            else await writeFile(path, 'of another life'.padEnd(4096))
          }
          return nodeFileSystem.open(path, mode)
        },
      })
      const log = await openLog({ directory, limits, fileSystem })
      for (let index = 0; index < 3; index++) await log.append(new Uint8Array(FULL_RECORD))
      isClosing = true
      await expect(sequencesOf(log)).rejects.toMatchObject({ code: 'SE_LOG_CLOSED' })
    },
  )
})

describe('opening', () => {
  it('makes every directory that it creates durable', async () => {
    const disk = createPowerLossFileSystem()
    const deep = worldOptions(disk, { directory: '/a/b/c/log' })
    const log = await openLog(deep)
    await log.append(Buffer.from('kept'))
    const cut = disk.afterPowerCut(() => 0)
    const again = await openLog({ ...deep, fileSystem: cut })
    expect(await sequencesOf(again)).toEqual([1])
  })

  it('leaves no file open when it fails, whatever call fails', async () => {
    const disk = createPowerLossFileSystem()
    await disk.makeDirectory('/data')
    await disk.syncDirectory('/')
    const first = await openLog(worldOptions(disk))
    for (let index = 0; index < 3; index++) await first.append(new Uint8Array(2000))
    await first.close()
    let failures = 0
    for (let faultAt = 0; faultAt < 100; faultAt++) {
      const copy = disk.afterKill()
      const start = copy.callCount
      copy.onCall = ({ index }) => (index - start === faultAt ? { code: 'EIO' } : undefined)
      const log = await openLog(worldOptions(copy)).catch(() => undefined)
      copy.onCall = undefined
      if (log === undefined) failures++
      else await log.close().catch(() => {})
      expect(copy.openCount, `call ${faultAt}`).toBe(0)
    }
    expect(failures).toBeGreaterThan(10)
  })
})

describe('an observer that throws', () => {
  it('is reported as a warning, and nothing else changes', async () => {
    const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
    try {
      const disk = createPowerLossFileSystem()
      await disk.makeDirectory('/data')
      await disk.syncDirectory('/')
      const throws = () => {
        throw new Error('observer')
      }
      const observer = { synced: throws, recovered: throws, released: throws, full: throws, failed: throws }
      const log = await openLog(
        worldOptions(disk, { observer, limits: { segmentBytes: 4096, recordsMax: 2 } }),
      )
      expect(await log.append(Uint8Array.of(1))).toBe(1)
      await log.release(1)
      await log.append([Uint8Array.of(1), Uint8Array.of(1)])
      await expect(log.append(Uint8Array.of(2))).rejects.toMatchObject({ code: 'SE_LOG_FULL' })
      await log.release(3)
      disk.onCall = ({ operation }) => (operation === 'syncData' ? { code: 'EIO' } : undefined)
      await expect(log.append(Uint8Array.of(3))).rejects.toMatchObject({ code: 'SE_LOG_FAILED' })
      await log.close()
      expect(warn.mock.calls.length).toBeGreaterThanOrEqual(5)
    } finally {
      warn.mockRestore()
    }
  })
})
