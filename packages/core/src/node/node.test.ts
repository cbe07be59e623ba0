import { spawnSync } from 'node:child_process'
import { constants } from 'node:fs'
import { mkdtemp, readdir, readFile, readlink, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { writeFileAtomically, writeFully } from '../file-system.ts'
import { nodeFileSystem } from './node-file-system.ts'
import { systemClock } from './system-clock.ts'
import { systemRandom } from './system-random.ts'

describe('nodeFileSystem', () => {
  let directory: string
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'se-core-'))
  })
  afterEach(() => rm(directory, { recursive: true }))

  it('writes, reads, cuts and syncs', async () => {
    const path = join(directory, 'file')
    const handle = await nodeFileSystem.open(path, 'create')
    await writeFully(handle, Buffer.from('hello world'), 0)
    await handle.syncData()
    await handle.truncate(5)
    expect(await handle.size()).toBe(5)
    const target = Buffer.alloc(16)
    expect(await handle.read(target, 1)).toBe(4)
    expect(target.subarray(0, 4).toString()).toBe('ello')
    await handle.close()
    await nodeFileSystem.syncDirectory(directory)
    expect(await nodeFileSystem.list(directory)).toEqual(['file'])
  })

  it('writes through: the kernel knows that each write is to be synced', async () => {
    const path = join(directory, 'file')
    const plain = await nodeFileSystem.open(path, 'create')
    await writeFully(plain, Buffer.from('hello world'), 0)
    await plain.syncData()
    const through = await nodeFileSystem.open(path, 'write-through')
    expect(await through.writev([Buffer.from('H'), Buffer.from('E')], 0)).toBe(2)
    const target = Buffer.alloc(5)
    await plain.read(target, 0)
    expect(target.toString()).toBe('HEllo')
    if (process.platform === 'linux') {
      const flags: number[] = []
      for (const descriptor of await readdir('/proc/self/fd')) {
        if ((await readlink(`/proc/self/fd/${descriptor}`).catch(() => '')) !== path) continue
        const info = await readFile(`/proc/self/fdinfo/${descriptor}`, 'utf8')
        flags.push(Number.parseInt(/^flags:\s*(\d+)/m.exec(info)![1]!, 8) & constants.O_DSYNC)
      }
      expect(flags.sort()).toEqual([0, constants.O_DSYNC])
    }
    await through.close()
    await plain.close()
    await expect(nodeFileSystem.open(join(directory, 'none'), 'write-through')).rejects.toMatchObject({
      code: 'ENOENT',
    })
  })

  it('names its errors by code', async () => {
    await expect(nodeFileSystem.open(join(directory, 'none'), 'read')).rejects.toMatchObject({
      code: 'ENOENT',
    })
    await (await nodeFileSystem.open(join(directory, 'x'), 'create')).close()
    await expect(nodeFileSystem.open(join(directory, 'x'), 'create')).rejects.toMatchObject({
      code: 'EEXIST',
    })
  })

  it('replaces a file atomically, over what an interrupted attempt left', async () => {
    await (await nodeFileSystem.open(join(directory, 'state.tmp'), 'create')).close()
    await writeFileAtomically(nodeFileSystem, directory, 'state', Buffer.from('one'))
    await writeFileAtomically(nodeFileSystem, directory, 'state', Buffer.from('two'))
    expect(Buffer.from(await nodeFileSystem.readFile(join(directory, 'state'))).toString()).toBe('two')
    expect(await nodeFileSystem.list(directory)).toEqual(['state'])
  })
})

describe('systemClock', () => {
  it('waits longer than 2^31-1 ms instead of firing at once [P50]', () => {
    vi.useFakeTimers()
    try {
      const fired = vi.fn()
      const cancelled = vi.fn()
      systemClock.setTimer(2 ** 31 + 1_000, fired)
      const cancel = systemClock.setTimer(2 ** 31 + 1_000, cancelled)
      vi.advanceTimersByTime(2 ** 31)
      expect(fired).not.toHaveBeenCalled()
      cancel()
      vi.advanceTimersByTime(1_000)
      expect(fired).toHaveBeenCalledTimes(1)
      expect(cancelled).not.toHaveBeenCalled()
    } finally {
      vi.useRealTimers()
    }
  })
})

describe('a process that waits on a timer alone', () => {
  const runUntilItEnds = (timer: 'setTimer' | 'setBackgroundTimer') => {
    const clock = new URL('./system-clock.ts', import.meta.url).href
    const script = `
      import { systemClock } from ${JSON.stringify(clock)}
      await new Promise((resolve) => systemClock.${timer}(20, resolve))
      console.log('answered')`
    return spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' })
  }

  it('lives until the timer of an awaited call has fired [P70]', () => {
    expect(runUntilItEnds('setTimer')).toMatchObject({ status: 0, stdout: 'answered\n' })
  })

  it('is not kept by a timer that nobody waits for', () => {
    // 13: Node ends a process whose top-level await can never be answered.
    expect(runUntilItEnds('setBackgroundTimer')).toMatchObject({ status: 13, stdout: '' })
  })
})

it('draws bytes and fractions', () => {
  expect(systemRandom.bytes(16)).toHaveLength(16)
  const fraction = systemRandom.fraction()
  expect(fraction >= 0 && fraction < 1).toBe(true)
})
