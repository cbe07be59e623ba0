import type { FileSystem } from '@se/core'
import { createFakeClock, createPowerLossFileSystem, type SeededRandom } from '@se/core/testing'
import { lockDirectory } from '../src/lock.ts'
import { inventedProcess } from './invented-processes.ts'

/**
 * Lets one of those who wait go on at a time: the one with the highest priority, which changes now and then. So some stand
 * still for long while others pass.
 */
class Turns {
  readonly #random: SeededRandom
  readonly #waiting: { pid: number; go: () => void }[] = []
  readonly #priorities = new Map<number, number>()

  constructor(random: SeededRandom) {
    this.#random = random
  }

  wait(pid: number): Promise<void> {
    return new Promise((go) => this.#waiting.push({ pid, go }))
  }

  async run(): Promise<void> {
    for (;;) {
      for (let turn = 0; turn < 20; turn++) await Promise.resolve()
      if (this.#waiting.length === 0) return
      this.#waiting.sort((a, b) => this.#priorityOf(a.pid) - this.#priorityOf(b.pid))
      const { pid, go } = this.#waiting.pop()!
      if (this.#random.chance(0.15)) this.#priorities.delete(pid)
      go()
    }
  }

  #priorityOf(pid: number): number {
    const priority = this.#priorities.get(pid) ?? this.#random.fraction()
    this.#priorities.set(pid, priority)
    return priority
  }
}

class Killed extends Error {}

/**
 * Up to five processes want the lock again and again, hold it, release it, or are killed at any call. Each call to the file
 * system waits for its turn before and after.
 *
 * @returns how often the lock was taken
 * @throws Error if two hold it, or if nobody can have it in the end
 */
export async function runLockCase(random: SeededRandom): Promise<number> {
  const disk = createPowerLossFileSystem()
  await disk.makeDirectory('/log')
  const turns = new Turns(random)
  const clock = createFakeClock()
  const dead = new Set<number>()
  const holders = new Set<number>()
  let taken = 0
  const start = random.below(3)
  if (start === 1) disk.plant('/log/0000000004.lock', Buffer.from(''))

  const process = async (pid: number): Promise<void> => {
    let callsLeft = random.chance(0.3) ? random.below(25) : Infinity
    const inTurn = async <T>(call: () => Promise<T>): Promise<T> => {
      await turns.wait(pid)
      // A killed process makes no more calls, and never hears of the last one.
      if (callsLeft-- <= 0 || dead.has(pid)) {
        dead.add(pid)
        holders.delete(pid)
        throw new Killed()
      }
      const result = await call()
      await turns.wait(pid)
      return result
    }
    const fileSystem = {
      list: (path) => inTurn(() => disk.list(path)),
      readFile: (path) => inTurn(() => disk.readFile(path)),
      remove: (path) => inTurn(() => disk.remove(path)),
      async open(path, mode) {
        const handle = await inTurn(() => disk.open(path, mode))
        return {
          ...handle,
          writev: (buffers, position) => inTurn(() => handle.writev(buffers, position)),
          syncData: () => inTurn(() => handle.syncData()),
        }
      },
    } as Pick<FileSystem, 'list' | 'readFile' | 'remove' | 'open'> as FileSystem
    const processes = inventedProcess(pid, (other) => (dead.has(other) ? 'dead' : 'alive'))
    for (let round = 0; round < 4; round++) {
      try {
        const lock = await lockDirectory('/log', { fileSystem, clock, random, processes })
        taken++
        holders.add(pid)
        if (holders.size > 1) throw new Error(`held by ${[...holders].join(' and ')}`)
        for (let turn = random.below(6); turn > 0; turn--) await turns.wait(pid)
        holders.delete(pid)
        await lock.release()
      } catch (error) {
        if (error instanceof Killed) return
        if ((error as { code?: string }).code !== 'SE_LOG_LOCKED') throw error
      }
    }
    dead.add(pid)
  }

  const processes = Array.from({ length: 2 + random.below(4) }, (_, index) => process(index + 1))
  await Promise.all([turns.run(), Promise.all(processes)])
  const last = await lockDirectory('/log', {
    fileSystem: disk,
    clock,
    random,
    processes: inventedProcess(99, () => 'dead'),
  })
  await last.release()
  const names = await disk.list('/log')
  if (names.length !== 1) throw new Error(`left behind: ${names.join(', ')}`)
  return taken
}
