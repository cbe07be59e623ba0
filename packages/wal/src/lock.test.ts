import { createPowerLossFileSystem, seededRandom } from '@se/core/testing'
import { describe, expect, it } from 'vitest'
import { lockDirectory, LOCK_FILE_NAME } from './lock.ts'
import { systemProcesses, type ProcessIdentity } from './process-identity.ts'

/** Goal: one writer a directory, and a dead one is no obstacle. Method: invented processes on a disk in memory. */

const world = () => {
  const fileSystem = createPowerLossFileSystem()
  const alive = new Set<number>()
  let seed = 0
  const lockAs = (pid: number) => {
    alive.add(pid)
    return lockDirectory('/', {
      fileSystem,
      random: seededRandom(seed++),
      processes: {
        self: () => ({ pid, bootId: 'boot', startTime: String(pid) }),
        isAlive: (identity: ProcessIdentity) => alive.has(identity.pid),
      },
    })
  }
  return { fileSystem, alive, lockAs }
}

describe('lockDirectory', () => {
  it('refuses while the holder lives, naming it, and lets the next in after release', async () => {
    const { lockAs, fileSystem } = world()
    const lock = await lockAs(1)
    await expect(lockAs(2)).rejects.toMatchObject({ code: 'SE_LOG_LOCKED', details: { pid: 1 } })
    await lock.release()
    expect(await fileSystem.list('/')).toEqual([])
    await lockAs(2)
  })

  it('takes over from a dead process, also when several try at once: one of them gets it', async () => {
    const { lockAs, alive, fileSystem } = world()
    await lockAs(1)
    alive.delete(1)
    const outcomes = await Promise.allSettled([lockAs(2), lockAs(3), lockAs(4), lockAs(5)])
    expect(outcomes.filter(({ status }) => status === 'fulfilled').length).toBe(1)
    expect(await fileSystem.list('/')).toEqual([LOCK_FILE_NAME])
  })

  it('takes over a lock file that was never finished', async () => {
    const { lockAs, fileSystem } = world()
    fileSystem.plant(`/${LOCK_FILE_NAME}`, Buffer.from('{"pid":1,'))
    await lockAs(2)
  })

  it("does not remove another's lock", async () => {
    const { lockAs, alive, fileSystem } = world()
    const first = await lockAs(1)
    alive.delete(1)
    await lockAs(2)
    await first.release()
    expect(await fileSystem.list('/')).toEqual([LOCK_FILE_NAME])
  })
})

describe('systemProcesses', () => {
  it('knows this process, and not the one that had its pid before, nor one of an earlier boot', () => {
    const self = systemProcesses.self()
    expect(systemProcesses.isAlive(self)).toBe(true)
    expect(systemProcesses.isAlive({ ...self, startTime: '1' })).toBe(false)
    expect(systemProcesses.isAlive({ ...self, bootId: 'another' })).toBe(false)
  })
})
