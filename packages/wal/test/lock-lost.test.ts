import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Clock, FileHandle, FileSystem, OpenMode } from '@se/core'
import { createFakeClock, createPowerLossFileSystem, type PowerLossFileSystem } from '@se/core/testing'
import { describe, expect, it } from 'vitest'
import { openLog, type Log, type Verdict } from '../src/index.ts'
import { inventedProcess } from './invented-processes.ts'
import { lockState } from './lock-state.ts'
import { DIRECTORY, worldOptions } from './power-cut-world.ts'

/**
 * Goal: a log whose lock is another's acknowledges nothing, and harms nothing of what the other one writes. Method: processes on one
 * simulated disk, each with a clock of its own, that stand still while others go on.
 */

async function newDisk(): Promise<PowerLossFileSystem> {
  const disk = createPowerLossFileSystem()
  await disk.makeDirectory('/data')
  await disk.syncDirectory('/')
  return disk
}

async function removeLocks(disk: PowerLossFileSystem): Promise<void> {
  for (const name of await disk.list(DIRECTORY)) {
    if (name.endsWith('.lock')) await disk.remove(`${DIRECTORY}/${name}`)
  }
}

/** A process that others cannot judge, with a clock of its own. */
function open(disk: FileSystem, clock: Clock, verdict: Verdict, pid: number): Promise<Log> {
  const options = worldOptions(disk as PowerLossFileSystem, { clock })
  return openLog({ ...options, fileSystem: disk, processes: inventedProcess(pid, () => verdict) })
}

async function texts(log: Log): Promise<string[]> {
  const found: string[] = []
  for await (const { bytes } of log.replay()) found.push(Buffer.from(bytes).toString())
  return found
}

describe('a log whose lock file is removed [P82]', () => {
  it('fails with its next segment, and acknowledges nothing of that', async () => {
    const disk = await newDisk()
    const clock = createFakeClock()
    const failures: string[] = []
    const observer = { failed: ({ operation }: { operation: string }) => failures.push(operation) }
    const log = await openLog(worldOptions(disk, { clock, observer }))
    await log.append(new Uint8Array(3000))
    await removeLocks(disk)
    const appends = [3000, 10, 10].map((length) => log.append(new Uint8Array(length)))
    for (const outcome of await Promise.allSettled(appends)) {
      expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'SE_LOG_LOCK_LOST' } })
    }
    await expect(log.append(new Uint8Array(1))).rejects.toMatchObject({ name: 'LogLockLost' })
    expect(log.stats()).toMatchObject({ state: 'failed', lastSequence: 1 })
    expect(failures).toEqual(['lock'])
    await log.close()
    // Nor does it pretend that it was closed in order.
    expect(await lockState(disk, DIRECTORY)).toBeUndefined()
    expect((await openLog(worldOptions(disk))).recovery.outcome).toBe('clean')
  })

  it('fails within two seconds, also if nobody appends', async () => {
    const disk = await newDisk()
    const clock = createFakeClock()
    const log = await openLog(worldOptions(disk, { clock }))
    await removeLocks(disk)
    await clock.advance(2000)
    expect(log.stats().state).toBe('failed')
    await expect(log.sync()).rejects.toMatchObject({ code: 'SE_LOG_LOCK_LOST' })
    await log.close()
    expect(clock.timerCount).toBe(0)
  })
})

describe('a log whose directory is taken away [P82]', () => {
  it('fails within two seconds by the name of what happened, also if nobody appends', async () => {
    const disk = await newDisk()
    const clock = createFakeClock()
    const log = await openLog(worldOptions(disk, { clock }))
    await log.append(new Uint8Array(10))
    await new Promise((resolve) => setImmediate(resolve))
    // What is open stays open; by name nothing is found any more.
    disk.onCall = ({ operation, path }) =>
      path.startsWith(DIRECTORY) && ['list', 'readFile', 'open', 'syncDirectory'].includes(operation)
        ? { code: 'ENOENT' }
        : undefined
    await clock.advance(2000)
    expect(log.stats().state).toBe('failed')
    await expect(log.append(new Uint8Array(1))).rejects.toMatchObject({
      code: 'SE_LOG_LOCK_LOST',
      message: expect.stringContaining('the directory is gone') as unknown,
    })
    await log.close()
    expect(clock.timerCount).toBe(0)
  })

  it.each([
    ['removed', (directory: string) => rm(directory, { recursive: true })],
    ['moved', (directory: string) => rename(directory, `${directory}.moved`)],
    [
      'removed and made again',
      async (directory: string) => {
        await rm(directory, { recursive: true })
        await mkdir(directory)
      },
    ],
  ])('on a real disk, %s: it acknowledges nothing more within two seconds', async (_, takeAway) => {
    const parent = await mkdtemp(join(tmpdir(), 'se-lock-lost-'))
    try {
      const clock = createFakeClock()
      const log = await openLog({ directory: join(parent, 'log'), clock })
      await log.append(Buffer.from('before'))
      await takeAway(join(parent, 'log'))
      await clock.advance(2000)
      // What it had begun runs on threads that no clock drives.
      await expect.poll(() => log.stats().state, { timeout: 20_000 }).toBe('failed')
      await expect(log.append(Buffer.from('after'))).rejects.toThrow()
      await log.close()
      expect(clock.timerCount).toBe(0)
    } finally {
      await rm(parent, { recursive: true })
    }
  })
})

describe('a process that stood still for longer than its lock is sure [P82]', () => {
  it('looks at the lock before it acknowledges, and goes on if the lock is still its own', async () => {
    const disk = await newDisk()
    const clock = createFakeClock()
    let offsetMs = 0
    const log = await openLog(
      worldOptions(disk, { clock: { ...clock, monotonicMs: () => clock.monotonicMs() + offsetMs } }),
    )
    offsetMs = 7000
    const looks: string[] = []
    disk.onCall = ({ operation, path }) => {
      if (operation === 'readFile' && path.endsWith('.lock')) looks.push(path)
      return undefined
    }
    expect(await log.append(new Uint8Array(10))).toBe(1)
    expect(await log.append(new Uint8Array(10))).toBe(2)
    expect(looks.length).toBe(1)
    await log.close()
  })

  it.each(['append', 'appendBuffered'] as const)(
    'harms nothing of the one who took over meanwhile, and is not acknowledged: %s',
    async (how) => {
      const disk = await newDisk()
      let isHeld = false
      let go = () => {}
      const held = new Promise<void>((resolve) => (go = resolve))
      // The write is on its way to the disk when the process is stopped.
      const slow: FileSystem = Object.assign(Object.create(disk) as FileSystem, {
        readFile: (path: string) => disk.readFile(path),
        list: (path: string) => disk.list(path),
        makeDirectory: (path: string) => disk.makeDirectory(path),
        remove: (path: string) => disk.remove(path),
        rename: (from: string, to: string) => disk.rename(from, to),
        syncDirectory: (path: string) => disk.syncDirectory(path),
        async open(path: string, mode: OpenMode): Promise<FileHandle> {
          const handle = await disk.open(path, mode)
          if (!/\.(wal|spare)$/.test(path)) return handle
          const writev: FileHandle['writev'] = async (buffers, position) => {
            if (isHeld) await held
            return handle.writev(buffers, position)
          }
          return { ...handle, writev }
        },
      })
      const clockOfFirst = createFakeClock()
      let offsetMs = 0
      const frozen = { ...clockOfFirst, monotonicMs: () => clockOfFirst.monotonicMs() + offsetMs }
      const first = await open(slow, frozen, 'unknown', 1)
      await first.append(Buffer.from('before'))
      isHeld = true
      const late = first[how](Buffer.from('late'))
      await new Promise((resolve) => setImmediate(resolve))

      const clock = createFakeClock()
      const opening = open(disk, clock, 'unknown', 2)
      for (let turn = 0; turn < 5; turn++) await clock.advance(0)
      await clock.advance(20_500)
      const second = await opening
      await second.append(Buffer.from('second'))

      // It goes on; its clock has run, its timers have not.
      offsetMs = 21_000
      isHeld = false
      go()
      await expect(late).rejects.toMatchObject({ code: 'SE_LOG_LOCK_LOST' })
      await expect(first.append(Buffer.from('more'))).rejects.toMatchObject({ code: 'SE_LOG_LOCK_LOST' })
      await first.close()

      await second.append(Buffer.from('third'))
      await second.close()
      const again = await open(disk, createFakeClock(), 'dead', 3)
      expect(again.recovery.outcome).toBe('closed')
      expect(await texts(again)).toEqual(['before', 'second', 'third'])
      await again.close()
    },
  )
})
