import type { FileHandle, FileSystem, OpenMode } from '@se/core'
import { createFakeClock, createPowerLossFileSystem, seededRandom, type FakeClock } from '@se/core/testing'
import { describe, expect, it } from 'vitest'
import { inventedProcess } from '../test/invented-processes.ts'
import type { DirectoryLock } from './held-lock.ts'
import { lockDirectory } from './lock.ts'
import { decodeLockFile, encodeLockFile, readLockName } from './lock-file.ts'
import type { Verdict } from './process-identity.ts'

/** Goal: one writer a directory, and a dead one is no obstacle. Method: invented processes on a disk in memory. */

/** Lets what was called reach its first wait. */
async function begin(clock: FakeClock): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await clock.advance(0)
}

/** The file system; opening and writing wait for `before`, and what is read comes after it. */
function stopBefore(
  disk: FileSystem,
  before: (call: { operation: string; path: string }) => Promise<void>,
): FileSystem {
  return Object.assign(Object.create(disk) as FileSystem, {
    list: (path: string) => disk.list(path),
    remove: (path: string) => disk.remove(path),
    async readFile(path: string) {
      const content = await disk.readFile(path)
      await before({ operation: 'readFile', path })
      return content
    },
    async open(path: string, mode: OpenMode) {
      await before({ operation: 'open', path })
      const handle = await disk.open(path, mode)
      const writev: FileHandle['writev'] = async (buffers, position) => {
        await before({ operation: 'writev', path })
        return handle.writev(buffers, position)
      }
      return { ...handle, writev }
    },
  })
}

const world = async () => {
  const fileSystem = createPowerLossFileSystem()
  await fileSystem.makeDirectory('/log')
  const clock = createFakeClock()
  const verdicts = new Map<number, Verdict>()
  let seed = 0
  const lockAs = (pid: number, through: FileSystem = fileSystem): Promise<DirectoryLock> => {
    verdicts.set(pid, 'alive')
    return lockDirectory('/log', {
      fileSystem: through,
      clock,
      random: seededRandom(seed++),
      processes: inventedProcess(pid, (other) => verdicts.get(other) ?? 'unknown'),
    })
  }
  const locks = async () =>
    (await fileSystem.list('/log')).filter((name) => readLockName(name)?.kind === 'lock')
  const pidOf = async (name: string) => decodeLockFile(await fileSystem.readFile(`/log/${name}`))?.holder.pid
  return { fileSystem, clock, verdicts, lockAs, locks, pidOf }
}

describe('lockDirectory', () => {
  it('refuses while the holder lives, naming it, and lets the next in after release', async () => {
    const { lockAs, locks } = await world()
    const lock = await lockAs(1)
    await expect(lockAs(2)).rejects.toMatchObject({ code: 'SE_LOG_LOCKED', details: { pid: 1 } })
    await lock.release()
    await lockAs(2)
    expect(await locks()).toEqual(['0000000002.lock'])
  })

  it('takes over from a dead process, also when several try at once: one of them gets it', async () => {
    const { lockAs, locks, verdicts } = await world()
    await lockAs(1)
    verdicts.set(1, 'dead')
    const outcomes = await Promise.allSettled([lockAs(2), lockAs(3), lockAs(4), lockAs(5)])
    expect(outcomes.filter(({ status }) => status === 'fulfilled').length).toBe(1)
    expect(await locks()).toEqual(['0000000002.lock'])
  })

  it.each(['', '{"pid":1,'])('takes over a lock file that was never finished: %j', async (content) => {
    const { lockAs, locks, fileSystem } = await world()
    fileSystem.plant('/log/0000000007.lock', Buffer.from(content))
    await lockAs(2)
    expect(await locks()).toEqual(['0000000008.lock'])
  })

  it('who passed over a file in the making gives way when its maker has gone on meanwhile', async () => {
    const { lockAs, locks, fileSystem, pidOf } = await world()
    let readsLeft = 5
    let letMake = () => {}
    const hasRead = new Promise<void>((resolve) => (letMake = resolve))
    const slowMaker: FileSystem = stopBefore(fileSystem, async ({ operation }) => {
      if (operation === 'writev') await hasRead
    })
    const making = lockAs(1, slowMaker)
    const passing = lockAs(
      2,
      stopBefore(fileSystem, async ({ operation, path }) => {
        if (operation === 'readFile' && --readsLeft === 0) letMake()
        if (operation === 'open' && path.endsWith('2.lock')) await making
      }),
    )
    await making
    await expect(passing).rejects.toMatchObject({ code: 'SE_LOG_LOCKED' })
    expect(await locks()).toEqual(['0000000001.lock'])
    expect(await pidOf('0000000001.lock')).toBe(1)
  })

  it('the claim of a dead process says nothing about the lock below it', async () => {
    const { lockAs, fileSystem, verdicts, locks } = await world()
    await lockAs(1)
    const holder = { pid: 5, bootId: 'invented', startTime: '5', namespaces: '' }
    const claim = encodeLockFile({ holder, nonce: '05'.repeat(8), state: 'claimed', beat: 0 })
    fileSystem.plant('/log/0000000002.lock', claim)
    verdicts.set(5, 'dead')
    await expect(lockAs(3)).rejects.toMatchObject({ details: { pid: 1 } })
    verdicts.set(1, 'dead')
    await lockAs(3)
    expect(await locks()).toEqual(['0000000003.lock'])
  })

  it("leaves another's lock alone when it is released", async () => {
    const { lockAs, locks, verdicts, pidOf } = await world()
    const first = await lockAs(1)
    verdicts.set(1, 'dead')
    await lockAs(2)
    await first.release()
    expect(await pidOf((await locks())[0]!)).toBe(2)
  })

  it('a second opening by the same process is refused too', async () => {
    const { lockAs } = await world()
    await lockAs(1)
    await expect(lockAs(1)).rejects.toMatchObject({ code: 'SE_LOG_LOCKED' })
  })
})

describe('a holder that cannot be judged [P82]', () => {
  it('holds as long as it beats, and who watches learns that at its next beat', async () => {
    const { lockAs, verdicts, clock } = await world()
    await lockAs(1)
    verdicts.set(1, 'unknown')
    const refused = expect(lockAs(2)).rejects.toMatchObject({ code: 'SE_LOG_LOCKED', details: { pid: 1 } })
    await begin(clock)
    await clock.advance(2500)
    await refused
  })

  it('is taken for dead after 20 s without a beat, and the new holder is told so', async () => {
    const { lockAs, verdicts, clock, fileSystem } = await world()
    const holder = { pid: 9, bootId: 'other', startTime: '9', namespaces: 'other' }
    const file = encodeLockFile({ holder, nonce: '00'.repeat(8), state: 'held', beat: 4 })
    fileSystem.plant('/log/0000000003.lock', file)
    verdicts.set(9, 'unknown')
    let lock: DirectoryLock | undefined
    void lockAs(2).then((taken) => (lock = taken))
    await begin(clock)
    await clock.advance(19_900)
    expect(lock).toBeUndefined()
    await clock.advance(500)
    expect(lock?.isFromSilence).toBe(true)
    await lock?.release()
    expect((await lockAs(3)).isFromSilence).toBe(false)
  })

  it('keeps the lock when it comes back while another takes over', async () => {
    const { lockAs, verdicts, clock, fileSystem } = await world()
    const holder = { pid: 9, bootId: 'other', startTime: '9', namespaces: 'other' }
    const content = (beat: number) => encodeLockFile({ holder, nonce: '00'.repeat(8), state: 'held', beat })
    fileSystem.plant('/log/0000000003.lock', content(4))
    verdicts.set(9, 'unknown')
    fileSystem.onCall = ({ operation, path }) => {
      if (operation === 'open' && path === '/log/0000000004.lock')
        fileSystem.plant('/log/0000000003.lock', content(5))
      return undefined
    }
    const refused = expect(lockAs(2)).rejects.toMatchObject({ code: 'SE_LOG_LOCKED', details: { pid: 9 } })
    await begin(clock)
    await clock.advance(20_250)
    fileSystem.onCall = undefined
    fileSystem.plant('/log/0000000003.lock', content(6))
    await clock.advance(500)
    await refused
    expect(await fileSystem.list('/log')).toEqual(['0000000003.lock'])
  })
})

describe('a lock that is lost [P82]', () => {
  it.each([
    [
      'its file is removed',
      (disk: Awaited<ReturnType<typeof world>>['fileSystem']) => disk.remove('/log/0000000001.lock'),
    ],
    [
      'its file is written over',
      async (disk: Awaited<ReturnType<typeof world>>['fileSystem']) => {
        const holder = { pid: 2, bootId: 'b', startTime: '2', namespaces: '' }
        await disk.remove('/log/0000000001.lock')
        disk.plant(
          '/log/0000000001.lock',
          encodeLockFile({ holder, nonce: 'ff'.repeat(8), state: 'held', beat: 0 }),
        )
      },
    ],
    [
      'another has taken it over',
      async (disk: Awaited<ReturnType<typeof world>>['fileSystem']) =>
        disk.plant('/log/0000000002.lock', Buffer.from('')),
    ],
  ])('is noticed at the next beat, told once, and never held again: %s', async (_, lose) => {
    const { lockAs, clock, fileSystem } = await world()
    const lock = await lockAs(1)
    const told: string[] = []
    lock.onLost(({ code }) => told.push(code))
    await clock.advance(2000)
    expect(lock.isSure).toBe(true)
    await lose(fileSystem)
    await clock.advance(2000)
    expect(told).toEqual(['SE_LOG_LOCK_LOST'])
    expect(lock.isSure).toBe(false)
    await expect(lock.look()).rejects.toMatchObject({ code: 'SE_LOG_LOCK_LOST' })
    const names = await fileSystem.list('/log')
    await lock.release()
    expect(await fileSystem.list('/log')).toEqual(names)
    expect(fileSystem.openCount).toBe(0)
    expect(clock.timerCount).toBe(0)
  })

  it('a holder that could not beat for 6 s is not sure any more until it has looked', async () => {
    const { lockAs, clock, fileSystem } = await world()
    const lock = await lockAs(1)
    fileSystem.onCall = ({ operation }) => (operation === 'writev' ? { code: 'EIO' } : undefined)
    await clock.advance(5900)
    expect(lock.isSure).toBe(true)
    await clock.advance(200)
    expect(lock.isSure).toBe(false)
    await expect(lock.makeSure()).rejects.toMatchObject({ code: 'EIO' })
    fileSystem.onCall = undefined
    await lock.makeSure()
    expect(lock.isSure).toBe(true)
    await lock.release()
  })
})
