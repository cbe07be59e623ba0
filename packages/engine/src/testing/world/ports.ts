import type { CancelTimer, Clock, FileHandle, FileSystem, OpenMode } from '@se/core'

/**
 * What stands between a process and the world: while it is frozen (as by SIGSTOP) no timer fires and no answer arrives;
 * what it had sent is carried out all the same. A process that was killed is frozen for ever.
 */
export class Gate {
  #isFrozen = false
  #isClosedForEver = false
  #timers: (() => void)[] = []
  #answers: (() => void)[] = []

  get isFrozen(): boolean {
    return this.#isFrozen
  }

  freeze(): void {
    this.#isFrozen = true
  }

  /** @param timersFirst whether timers that came due are seen before answers that arrived, as the event loop may have it */
  thaw(timersFirst: boolean): void {
    if (this.#isClosedForEver) return
    this.#isFrozen = false
    const timers = this.#timers.splice(0)
    const answers = this.#answers.splice(0)
    for (const go of timersFirst ? [...timers, ...answers] : [...answers, ...timers]) go()
  }

  closeForEver(): void {
    this.#isFrozen = true
    this.#isClosedForEver = true
    this.#timers = []
    this.#answers = []
  }

  /** Resolves at once, or when the process goes on. */
  pass(): Promise<void> {
    if (!this.#isFrozen) return Promise.resolve()
    return new Promise((resolve) => {
      if (!this.#isClosedForEver) this.#answers.push(resolve)
    })
  }

  /** A timer has come due. */
  fire(callback: () => void): void {
    if (!this.#isFrozen) callback()
    else if (!this.#isClosedForEver) this.#timers.push(callback)
  }
}

/**
 * The clock of a process: monotonic time has a beginning of its own, and the wall clock is what it was set to.
 *
 * @param world monotonic time and timers of the world
 * @param wallMs the wall clock as it is now
 */
export function clockBehind(gate: Gate, world: Clock, monotonicStartMs: number, wallMs: () => number): Clock {
  const arm = (set: Clock['setTimer'], delayMs: number, callback: () => void): CancelTimer => {
    let isCancelled = false
    const cancel = set(delayMs, () => gate.fire(() => void (isCancelled || callback())))
    return () => {
      isCancelled = true
      cancel()
    }
  }
  return {
    nowMs: wallMs,
    monotonicMs: () => world.monotonicMs() + monotonicStartMs,
    setTimer: (delayMs, callback) => arm((...args) => world.setTimer(...args), delayMs, callback),
    setBackgroundTimer: (delayMs, callback) =>
      arm((...args) => world.setBackgroundTimer(...args), delayMs, callback),
  }
}

/**
 * A disk whose syncs take time, before or after they have happened.
 *
 * @param pause draws a delay and waits for it
 */
export function diskBehind(gate: Gate, disk: FileSystem, pause: () => Promise<void>): FileSystem {
  const held = async <T>(call: Promise<T>): Promise<T> => {
    try {
      return await call
    } finally {
      await gate.pass()
    }
  }
  const slow = async <T>(call: () => Promise<T>): Promise<T> => {
    await pause()
    try {
      return await call()
    } finally {
      await pause()
      await gate.pass()
    }
  }
  const handleOf = (handle: FileHandle, mode: OpenMode): FileHandle => ({
    writev: (buffers, position) =>
      mode === 'write-through'
        ? slow(() => handle.writev(buffers, position))
        : held(handle.writev(buffers, position)),
    read: (target, position) => held(handle.read(target, position)),
    syncData: () => slow(() => handle.syncData()),
    truncate: (size) => held(handle.truncate(size)),
    size: () => held(handle.size()),
    close: () => held(handle.close()),
  })
  return {
    open: async (path, mode) => handleOf(await held(disk.open(path, mode)), mode),
    readFile: (path) => held(disk.readFile(path)),
    list: (directory) => held(disk.list(directory)),
    makeDirectory: (directory) => held(disk.makeDirectory(directory)),
    rename: (from, to) => held(disk.rename(from, to)),
    remove: (path) => held(disk.remove(path)),
    syncDirectory: (directory) => slow(() => disk.syncDirectory(directory)),
  }
}
