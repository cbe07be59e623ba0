import {
  ifAny,
  ignoreMissing,
  readFileIfAny,
  SharedRun,
  writeFully,
  type Clock,
  type FileHandle,
  type FileSystem,
  type Random,
} from '@se/core'
import { LogLockLost } from './errors.ts'
import {
  decodeLockFile,
  encodeLockFile,
  generationsOf,
  lockFileName,
  lockPath,
  readLockName,
  signPath,
  type LockFile,
} from './lock-file.ts'
import { BEAT_MS, SURE_MS } from './lock-timing.ts'
import type { Processes } from './process-identity.ts'

export interface LockPorts {
  readonly fileSystem: FileSystem
  readonly processes: Processes
  readonly random: Random
  readonly clock: Clock
}

/** One writer a directory. */
export interface DirectoryLock {
  /**
   * The holder before this one could not be judged, and was taken for dead because it was silent. If it lives, it may still have
   * files open and writes under way.
   */
  readonly isFromSilence: boolean
  /** Whether no other process can have taken the lock over by now. */
  readonly isSure: boolean
  /** Looks at the lock unless it is sure. @throws as `look` */
  makeSure(): Promise<void>
  /** @throws LogLockLost if the lock is gone or another's, or the file system's error if that cannot be told */
  look(): Promise<void>
  /** Calls back once when the lock is found to be lost, also when only the beat finds it. */
  onLost(told: (error: LogLockLost) => void): void
  /** Says that the lock is free. A lost lock is left alone. */
  release(): Promise<void>
}

/** A lock that this process has claimed; it holds it once it has begun. */
export class HeldLock implements DirectoryLock {
  readonly #directory: string
  readonly #generation: number
  readonly #identity: Pick<LockFile, 'holder' | 'nonce'>
  readonly #handle: FileHandle
  readonly #ports: LockPorts
  #isFromSilence = false
  #beat = 0
  #sureUntilMs: number
  readonly #looking = new SharedRun<void>()
  #lost: LogLockLost | undefined
  #onLost: ((error: LogLockLost) => void) | undefined
  #cancelTimer: (() => void) | undefined
  #isReleased = false
  #takeSignAway = async (): Promise<void> => {}

  constructor(
    directory: string,
    generation: number,
    identity: Pick<LockFile, 'holder' | 'nonce'>,
    handle: FileHandle,
    startMs: number,
    ports: LockPorts,
  ) {
    this.#directory = directory
    this.#generation = generation
    this.#identity = identity
    this.#handle = handle
    this.#sureUntilMs = startMs + SURE_MS
    this.#ports = ports
  }

  get isFromSilence(): boolean {
    return this.#isFromSilence
  }

  get isSure(): boolean {
    return this.#lost === undefined && this.#ports.clock.monotonicMs() < this.#sureUntilMs
  }

  /** The claim is a lock now: makes the sign, starts to beat, and removes what earlier holders left. */
  async begin(names: readonly string[], isFromSilence: boolean): Promise<void> {
    const { fileSystem, processes } = this.#ports
    this.#isFromSilence = isFromSilence
    await this.#write('held')
    this.#takeSignAway = await processes.announce(
      signPath(this.#directory, this.#generation, this.#identity.nonce),
    )
    this.#beatLater()
    for (const name of names) {
      if (readLockName(name) === undefined) continue
      await fileSystem.remove(`${this.#directory}/${name}`).catch(ignoreMissing)
    }
    await this.makeSure()
  }

  /** Another process has the lock: takes the claim back. */
  async withdraw(): Promise<void> {
    this.#isReleased = true
    this.#cancelTimer?.()
    await this.#takeSignAway()
    await this.#handle.close().catch(() => {})
    await this.#ports.fileSystem.remove(lockPath(this.#directory, this.#generation)).catch(ignoreMissing)
  }

  onLost(told: (error: LogLockLost) => void): void {
    this.#onLost = told
    if (this.#lost !== undefined) told(this.#lost)
  }

  async makeSure(): Promise<void> {
    while (!this.isSure) await this.look()
  }

  look(): Promise<void> {
    return this.#looking.run(() => this.#look())
  }

  async release(): Promise<void> {
    this.#isReleased = true
    this.#cancelTimer?.()
    await this.#looking.running?.catch(() => {})
    try {
      if (this.#lost === undefined) await this.#write('released')
    } finally {
      await this.#takeSignAway()
      await this.#handle.close()
    }
  }

  /**
   * First the beat, then the look. A process that takes over from a silent holder does it the other way round: it creates the next
   * file, and then looks whether there was a beat. So one of the two sees the other.
   */
  async #look(): Promise<void> {
    if (this.#lost !== undefined) throw this.#lost
    const { fileSystem, clock } = this.#ports
    const startMs = clock.monotonicMs()
    await this.#write('held')
    const content = await readFileIfAny(fileSystem, lockPath(this.#directory, this.#generation))
    const found = content === undefined ? undefined : decodeLockFile(content)
    // A directory that is gone is an answer, and a final one: what is written now lies where no start will look.
    const names = await ifAny(fileSystem.list(this.#directory))
    const [highest = 0] = generationsOf(names ?? [])
    if (highest === this.#generation && found?.nonce === this.#identity.nonce) {
      this.#sureUntilMs = startMs + SURE_MS
      return
    }
    const gone = names === undefined ? 'the directory is gone' : 'its file is gone'
    const why = highest > this.#generation ? 'another process has taken it over' : gone
    const lost = new LogLockLost(
      `the lock of ${this.#directory} is lost: ${why}; this log has written its last record`,
      { details: { directory: this.#directory, lockFile: lockFileName(this.#generation) } },
    )
    this.#lost = lost
    this.#cancelTimer?.()
    this.#onLost?.(lost)
    throw lost
  }

  async #write(state: LockFile['state']): Promise<void> {
    this.#beat++
    await writeFully(this.#handle, encodeLockFile({ ...this.#identity, state, beat: this.#beat }), 0)
  }

  #beatLater(): void {
    if (this.#isReleased || this.#lost !== undefined) return
    this.#cancelTimer = this.#ports.clock.setBackgroundTimer(BEAT_MS, () => {
      // What the file system refuses is tried again; until then the lock is less and less sure.
      void this.look()
        .catch(() => {})
        .finally(() => this.#beatLater())
    })
  }
}
